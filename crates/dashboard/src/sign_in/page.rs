//! The page to sign in on, and signing in with a key.

use super::{
    by_password::by_password,
    enter::{entered, refused},
};
use crate::{
    form::{Form, Trimmed},
    respond::html,
    state::Dashboard,
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
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

#[derive(Template)]
#[template(path = "sign_in/page.html")]
struct SignInTemplate {
    problem: String,
    email: String,
    has_users: bool,
}

/// The page, with what went wrong.
pub(super) fn page(app: &App, status: StatusCode, problem: String, email: String) -> Response {
    let page = SignInTemplate {
        problem,
        email,
        has_users: !app.engine.setup().configuration.users.is_empty(),
    };
    (status, html(&page)).into_response()
}

/// `GET /signin`.
async fn sign_in(State(app): State<App>) -> Response {
    page(&app, StatusCode::OK, String::new(), String::new())
}

/// Either an address and a password, or a key.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SignInForm {
    pub(super) email: Trimmed,
    pub(super) password: String,
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
        by_password(&app, &from, &access::agent(&headers), sent).await
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
