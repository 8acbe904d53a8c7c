//! The page of one's own account.
//!
//! Tests: `crates/dashboard/tests/sections/account.rs`.

use super::browser::browser;
use crate::{
    filters,
    respond::{html, refused},
    shell::{Place, Shell},
    state::Dashboard,
    text::exact,
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use ledger::{SecondFactor, User};
use web::{
    App,
    access::{Access, digest},
    problem::{Code, Problem},
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/account";
    vec![Route::page(Method::Get, path, Access::Page, account)]
}

/// Where one is signed in.
struct SessionLine {
    digest: String,
    agent: String,
    since: String,
    until: String,
    is_this: bool,
}

/// The second factor of an account, as it is told.
struct Second {
    since: String,
    /// Recovery codes that nobody has used yet.
    codes_left: u64,
}

#[derive(Template)]
#[template(path = "account/page.html")]
struct OwnTemplate {
    shell: Shell,
    /// Whose account it is; somebody who came by a key or the operator's link has none.
    user: Option<User>,
    sessions: Vec<SessionLine>,
    second: Option<Second>,
    problems: Vec<String>,
}

/// Whose account it is, if the caller has one.
fn known(app: &App, project: &InProject) -> Option<User> {
    let setup = app.engine.setup();
    project.caller.user.and_then(|id| setup.user(id)).cloned()
}

/// Whose account is changed.
pub(super) fn own(app: &App, project: &InProject) -> Result<User, Problem> {
    known(app, project).ok_or_else(|| {
        let problem = "you are signed in by a key or a link, which has no account";
        Problem::new(Code::Conflict, problem)
    })
}

/// The page, with what is wrong with a form, if anything. `headers` say which session is this one.
pub(super) async fn page(
    app: &App,
    at: Place<'_>,
    headers: &HeaderMap,
    problems: Vec<String>,
) -> Result<Response, Problem> {
    let user = known(app, at.project);
    let this = app.session_token(headers).map(|token| digest(&token));
    let mut sessions = Vec::new();
    if let Some(user) = &user {
        let now = app.engine.system().now();
        for session in app.engine.ledger().sessions(user.id, now).await? {
            sessions.push(SessionLine {
                agent: browser(&session.agent),
                since: exact(session.created_at),
                until: exact(session.expires_at),
                is_this: this.as_ref() == Some(&session.digest),
                digest: session.digest,
            });
        }
    }
    let second = match &user {
        Some(user) => app.engine.ledger().second_factor(user.id).await?,
        None => None,
    };
    let line = |second: SecondFactor| Second {
        since: exact(second.made_at),
        codes_left: second.recovery_codes,
    };
    let is_right = problems.is_empty();
    let page = OwnTemplate {
        shell: Shell::load(app, at, "account").await?,
        user,
        sessions,
        second: second.map(line),
        problems,
    };
    Ok(if is_right {
        html(&page)
    } else {
        refused(&page)
    })
}

/// `GET /projects/{project}/account`.
async fn account(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    page(&app, Place::of(&project, &uri), &headers, Vec::new()).await
}
