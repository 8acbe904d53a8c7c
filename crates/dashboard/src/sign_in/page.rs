//! The page to sign in on, and the ways in and out.

use super::enter::enter;
use crate::{
    form::{Form, Trimmed},
    respond::html,
    state::Dashboard,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use ledger::Scope;
use serde::Deserialize;
use web::{
    App,
    access::{self, Access, Caller, digest, is_from_our_page},
    passwords,
    problem::Problem,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Anyone;
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/signin", Anyone, "", sign_in),
        Route::new(Post, "/signin", Anyone, "", sign_in_with),
        Route::new(Get, "/signin/{token}", Anyone, "", sign_in_by_link),
        Route::new(Post, "/signout", Anyone, "", sign_out),
    ]
}

#[derive(Template)]
#[template(path = "sign_in/page.html")]
struct SignInTemplate {
    problem: String,
    email: String,
    has_users: bool,
}

fn page(app: &App, status: StatusCode, problem: String, email: String) -> Response {
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
struct SignInForm {
    email: Trimmed,
    password: String,
    key: Trimmed,
}

/// `POST /signin` with `email` and `password`, or with `key`.
async fn sign_in_with(
    State(app): State<App>,
    headers: HeaderMap,
    Form(sent): Form<SignInForm>,
) -> Result<Response, Problem> {
    if sent.key.is_empty() {
        by_password(&app, &access::agent(&headers), sent).await
    } else {
        by_key(&app, &sent.key).await
    }
}

async fn by_key(app: &App, key: &str) -> Result<Response, Problem> {
    app.learn_key(key).await?;
    let setup = app.engine.setup();
    let refused = |status, problem: &str| Ok(page(app, status, problem.into(), String::new()));
    let Some(key) = setup.api_key(&digest(key)) else {
        return refused(StatusCode::UNAUTHORIZED, "This key is not known.");
    };
    if key.scope < Scope::Read {
        let problem = "This is the public key of an app: it is in every copy of the app and opens no pages. Use a secret key.";
        return refused(StatusCode::FORBIDDEN, problem);
    }
    let caller = Caller::of_key(key);
    let token = app.sessions.open(app.engine.system(), caller);
    Ok(enter(app, &token, "/"))
}

async fn by_password(app: &App, agent: &str, sent: SignInForm) -> Result<Response, Problem> {
    let setup = app.engine.setup();
    let email = sent.email.to_lowercase();
    let now = app.engine.system().now();
    if let Some(wait) = app.sessions.throttle.wait(&email, now) {
        let problem = format!(
            "Too many wrong tries. Try again in {} seconds.",
            wait.as_secs() + 1
        );
        return Ok(page(app, StatusCode::TOO_MANY_REQUESTS, problem, email));
    }
    let mut users = setup.configuration.users.iter();
    let user = users.find(|user| user.email == email);
    let stored = user.map(|user| user.password.clone());
    let is_right = passwords::is_right(stored, sent.password).await;
    app.sessions.throttle.tried(&email, is_right, now);
    let Some(user) = user.filter(|_| is_right) else {
        tracing::warn!("somebody tried to sign in with a wrong address or password");
        let problem = "The address or the password is wrong.".to_owned();
        return Ok(page(app, StatusCode::UNAUTHORIZED, problem, email));
    };
    Ok(enter(app, &app.sign_in(user, agent).await?, "/"))
}

/// `GET /signin/{token}`: the link that `tidings serve` prints. Where nobody has an account yet and there is no project, it
/// leads to making the first account.
async fn sign_in_by_link(State(app): State<App>, Path(token): Path<String>) -> Response {
    let configuration = &app.engine.setup().configuration;
    let is_first = configuration.users.is_empty() && configuration.projects.is_empty();
    let Some(session) = app.sessions.enter_by_link(app.engine.system(), &token) else {
        let problem =
            "This link is no longer good. The server prints a new one whenever it starts.";
        let status = StatusCode::UNAUTHORIZED;
        return page(&app, status, problem.into(), String::new());
    };
    enter(&app, &session, if is_first { "/setup" } else { "/" })
}

/// `POST /signout`.
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = access::session_token(&headers).filter(|_| is_from_our_page(&headers)) {
        app.sessions.close(&token);
        let ledger = app.engine.ledger();
        ledger.close_sessions(Some(&digest(&token)), None).await?;
    }
    Ok(enter(&app, "", "/signin"))
}
