//! What stores call.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode},
};
use domain::AppId;
use sources::Incoming;
use web::{
    App,
    access::Access,
    audit::Effect,
    body, callback_path,
    problem::{Code, Problem},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Store;
    use Effect::Nothing;
    use Method::Post;
    vec![
        Route::new(
            Post(Nothing("the message itself is kept, as it came")),
            "/callbacks/apple/{app}",
            Store,
            "Receives App Store Server Notifications V2",
            store,
        )
        .body("AppleNotification"),
        Route::new(
            Post(Nothing("the message itself is kept, as it came")),
            "/callbacks/google/{app}",
            Store,
            "Receives Google Play's Real-time Developer Notifications, by Pub/Sub push",
            store,
        )
        .body("GooglePush"),
        Route::new(
            Post(Nothing("the message itself is kept, as it came")),
            "/callbacks/stripe/{app}",
            Store,
            "Receives Stripe's webhook events",
            store,
        )
        .body("StripeEvent"),
    ]
}

/// `POST /callbacks/{apple,google,stripe}/{app}`. Answers 200 once the message is durable.
pub(crate) async fn store(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<StatusCode, Problem> {
    let unknown = || {
        Problem::new(
            Code::UnknownApp,
            format!(
                "there is no app {id:?} of this store; the URL ends with an id such as app_01h455vb4pex5vsknk084sn02q"
            ),
        )
    };
    let id: AppId = id.parse().map_err(|_| unknown())?;
    let path = request.uri().path().to_owned();
    let is_of_store = |setup: &engine::Setup| {
        setup
            .app(id)
            .is_none_or(|found| callback_path(&found.row).as_deref() == Some(&path))
    };
    if !is_of_store(&app.engine.setup()) {
        return Err(unknown());
    }
    let authorization = header(&request, "authorization");
    let signature = header(&request, "stripe-signature");
    let url = format!("{}{path}", app.engine.public_url());
    let body = body::read(request).await?;
    let incoming = Incoming {
        body: &body,
        authorization: authorization.as_deref(),
        signature: signature.as_deref(),
        url: &url,
    };
    app.engine.intake().accept(id, &incoming).await?;
    Ok(StatusCode::OK)
}

fn header(request: &Request<Body>, name: &str) -> Option<String> {
    let value = request.headers().get(name)?.to_str().ok()?;
    Some(value.to_owned())
}
