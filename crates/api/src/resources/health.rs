//! Whether the server runs, and what it answers where there is nothing.

use axum::extract::State;
use web::{
    App,
    access::Access,
    problem::{Code, Problem},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Anyone;
    use Method::Get;
    vec![
        Route::operation(Get, "/healthz", Anyone, "Whether the process runs", healthz),
        Route::operation(
            Get,
            "/readyz",
            Anyone,
            "Whether it can take work: the ledger can be written",
            readyz,
        ),
        Route::operation(
            Get,
            "/metrics",
            Anyone,
            "Metrics in Prometheus format",
            metrics,
        ),
    ]
}

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    if *app.engine.stopping().borrow() {
        return Err(Problem::new(Code::Stopping, "draining"));
    }
    app.engine.ledger().check().await?;
    Ok("ready\n")
}

pub(crate) async fn metrics(State(app): State<App>) -> String {
    app.metrics
        .map(|metrics| metrics.render())
        .unwrap_or_default()
}

/// Answers where no route is.
pub async fn missing() -> Problem {
    Problem::new(Code::NotFound, "see /api/v1/openapi.json for what there is")
}

/// Answers where a route is called in another way.
pub async fn wrong_method() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "see /api/v1/openapi.json for what there is",
    )
}
