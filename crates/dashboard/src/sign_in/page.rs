//! The page to sign in on, and the ways in and out.

use super::enter::{enter, entered, member};
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
    access::{self, Access, Caller, OPERATOR, digest, is_from_our_page},
    audit::{Did, Effect, Known, Noted, Subject},
    passwords,
    problem::Problem,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Anyone;
    use Effect::Does;
    use Method::{Get, GetAnd, Post};
    vec![
        Route::page(Get, "/signin", Anyone, sign_in),
        Route::page(
            Post(Does("sign in", Subject::Said)),
            "/signin",
            Anyone,
            sign_in_with,
        ),
        Route::page(
            GetAnd(Does("sign in", Subject::Always("by the operator's link"))),
            "/signin/{token}",
            Anyone,
            sign_in_by_link,
        ),
        Route::page(
            Post(Does("sign out", Subject::None)),
            "/signout",
            Anyone,
            sign_out,
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
    let known = Known {
        who: Some(caller.name.clone()),
        project: caller.project,
        subject: Some("with a key".into()),
    };
    let token = app.sessions.open(app.engine.system(), caller);
    Ok(entered(app, &token, "/", known))
}

async fn by_password(app: &App, agent: &str, sent: SignInForm) -> Result<Response, Problem> {
    let setup = app.engine.setup();
    let email = sent.email.to_lowercase();
    let now = app.engine.system().now();
    if let Err(wait) = app.sessions.throttle.take_try(&email, now) {
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
    // Checking takes a while: who went meanwhile, or has another password, is not let in by the old one.
    let now_known = app.engine.setup();
    let user = user.filter(|user| {
        let known = now_known.user(user.id);
        known.is_some_and(|known| known.password == user.password)
    });
    if is_right {
        app.sessions.throttle.forgive(&email);
    }
    let known = user.map(|user| Known {
        subject: Some("with a password".into()),
        ..member(user)
    });
    match (user, known) {
        (Some(user), Some(known)) if is_right => {
            let token = app.sign_in(user, agent).await?;
            Ok(entered(app, &token, "/", known))
        }
        (user, _) => {
            tracing::warn!("somebody tried to sign in with a wrong address or password");
            let problem = "The address or the password is wrong.".to_owned();
            let answer = page(app, StatusCode::UNAUTHORIZED, problem, email);
            // Whoever guesses is slowed down, so that this fills no log.
            let did = user.map_or(Did::Nothing, |user| {
                let known = Known {
                    who: None,
                    subject: Some(user.email.clone()),
                    ..member(user)
                };
                Did::Beside("fail to sign in", known)
            });
            Ok(Noted::new(did, answer).into_response())
        }
    }
}

/// `GET /signin/{token}`: the link that `tidings serve` or `tidings sign-in-link` printed, once. Where nobody has an account yet and there is no project, it
/// leads to making the first account.
async fn sign_in_by_link(
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let Some(session) = app.enter_by_link(&token).await? else {
        let problem = "This link is no longer good: one opens once, within 15 minutes. `tidings sign-in-link` makes another.";
        let status = StatusCode::UNAUTHORIZED;
        return Ok(page(&app, status, problem.into(), String::new()));
    };
    let configuration = &app.engine.setup().configuration;
    let is_first = configuration.users.is_empty() && configuration.projects.is_empty();
    let known = Known {
        who: Some(OPERATOR.into()),
        ..Known::default()
    };
    let to = if is_first { "/setup" } else { "/" };
    Ok(entered(&app, &session, to, known))
}

/// `POST /signout`.
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let token = access::session_token(&headers).filter(|_| is_from_our_page(&headers));
    let caller = app.signed_in(token.clone()).await?;
    if let Some(token) = token {
        app.sessions.close(&token);
        let ledger = app.engine.ledger();
        ledger.close_sessions(Some(&digest(&token)), None).await?;
    }
    let did = caller.map_or(Did::Nothing, |caller| {
        Did::AsStated(Known {
            who: Some(caller.name),
            project: caller.project,
            subject: None,
        })
    });
    Ok(Noted::new(did, enter(&app, "", "/signin")).into_response())
}
