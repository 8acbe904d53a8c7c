//! Whether the server runs and how it does, and what it answers where there is nothing.
//!
//! Tests: `crates/api/tests/resources/health.rs`.

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
            "Whether it can take work: the ledger can be written; where operators have a listener of their own, only there",
            readyz,
        ),
    ]
}

/// What operators alone are told, on a listener of their own.
pub(crate) fn of_operators() -> Vec<Route<App>> {
    use Access::Anyone;
    use Method::Get;
    vec![
        Route::page(Get, "/healthz", Anyone, healthz),
        Route::page(Get, "/readyz", Anyone, ready),
        Route::page(Get, "/metrics", Anyone, metrics),
    ]
}

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(state: State<App>) -> Result<&'static str, Problem> {
    if state.has_operations {
        return Err(missing().await);
    }
    ready(state).await
}

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.readiness.check(&app.engine).await?;
    Ok("ready\n")
}

async fn metrics(State(app): State<App>) -> String {
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
