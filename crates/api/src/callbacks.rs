//! What stores call.
//!
//! Tests: `crates/api/tests/resources/callbacks.rs`.

use axum::{
    body::Body,
    extract::{FromRequest, Path, Request, State},
};
use domain::AppId;
use sources::{Incoming, apple::NotificationEnvelope, google::PushEnvelope, stripe::EventEnvelope};
use std::{convert::Infallible, marker::PhantomData};
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    answer::Empty,
    audit::Effect,
    body, callback_path,
    described::{Asks, Description},
    problem::{Code, Problem},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Store;
    use Effect::Nothing;
    use Method::Post;
    vec![
        Route::operation(
            Post(Nothing("the message itself is kept, as it came")),
            "/callbacks/apple/{app}",
            Store,
            "Receives App Store Server Notifications V2",
            store::<NotificationEnvelope>,
        ),
        Route::operation(
            Post(Nothing("the message itself is kept, as it came")),
            "/callbacks/google/{app}",
            Store,
            "Receives Google Play's Real-time Developer Notifications, by Pub/Sub push",
            store::<PushEnvelope>,
        ),
        Route::operation(
            Post(Nothing("the message itself is kept, as it came")),
            "/callbacks/stripe/{app}",
            Store,
            "Receives Stripe's webhook events",
            store::<EventEnvelope>,
        ),
    ]
}

/// A message of a store, of which nothing is read before it is known that it is genuine; `T` is what it says.
pub(crate) struct Unread<T>(Request<Body>, PhantomData<fn() -> T>);

impl<T> FromRequest<App> for Unread<T> {
    type Rejection = Infallible;
    async fn from_request(request: Request<Body>, _: &App) -> Result<Self, Infallible> {
        Ok(Self(request, PhantomData))
    }
}

impl<T: ToSchema> Asks for Unread<T> {
    fn ask(of: &mut Description) {
        of.takes_body::<T>();
    }
}

/// `POST /callbacks/{apple,google,stripe}/{app}`. Answers 200 once the message is durable.
pub(crate) async fn store<T>(
    State(app): State<App>,
    Path(id): Path<String>,
    Unread(request, _): Unread<T>,
) -> Result<Empty<200>, Problem> {
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
    Ok(Empty)
}

fn header(request: &Request<Body>, name: &str) -> Option<String> {
    let value = request.headers().get(name)?.to_str().ok()?;
    Some(value.to_owned())
}
