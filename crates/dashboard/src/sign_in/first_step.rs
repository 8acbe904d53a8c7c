//! The first step of signing in: with an address and a password, or with a key.
//!
//! Tests: `crates/dashboard/tests/sections/sign_in.rs`.

use super::{
    by_password::by_password,
    enter::{entered, refused},
    page::page,
};
use crate::{
    form::{Form, Trimmed},
    state::Dashboard,
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use ledger::Scope;
use serde::Deserialize;
use web::{
    App,
    access::{self, Access, Caller, Whereabouts, digest},
    audit::{Effect, Known, Subject},
    problem::Problem,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Method::{Get, Post};
    vec![
        Route::page(Get, "/signin", Access::Anyone, sign_in),
        Route::page(
            Post(Effect::Does("sign in", Subject::Said)),
            "/signin",
            Access::Visitor,
            sign_in_with,
        ),
    ]
}

/// `GET /signin`.
async fn sign_in(State(app): State<App>) -> Response {
    page(&app, StatusCode::OK, String::new(), String::new())
}

/// Either an address and a password, or a key.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SignInForm {
    email: Trimmed,
    password: String,
    key: Trimmed,
}

/// `POST /signin` with `email` and `password`, or with `key`.
async fn sign_in_with(
    State(app): State<App>,
    from: Whereabouts,
    headers: HeaderMap,
    Form(sent): Form<SignInForm>,
) -> Result<Response, Problem> {
    if sent.key.is_empty() {
        let agent = access::agent(&headers);
        by_password(&app, &from, &agent, &sent.email, sent.password).await
    } else {
        by_key(&app, &sent.key).await
    }
}

async fn by_key(app: &App, key: &str) -> Result<Response, Problem> {
    app.learn_key(key).await?;
    let setup = app.engine.setup();
    let Some(key) = setup.api_key(&digest(key)) else {
        return Ok(refused(app, "This key is not known."));
    };
    if key.scope < Scope::Read {
        let problem = "This is the public key of an app: it is in every copy of the app and opens no pages. Use a secret key.";
        return Ok(page(
            app,
            StatusCode::FORBIDDEN,
            problem.into(),
            String::new(),
        ));
    }
    let caller = Caller::of_key(key);
    let known = Known {
        who: Some(caller.name.clone()),
        project: caller.project,
        subject: Some("with a key".into()),
    };
    let token = app.sessions.open(app.engine.system(), caller);
    Ok(entered(app, &token, "/", known))
}
