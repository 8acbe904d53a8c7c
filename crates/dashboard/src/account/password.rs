//! Changing one's own password, and proving that one knows it.
//!
//! Tests: `crates/dashboard/tests/sections/account.rs`.

use super::page::{own, page};
use crate::{
    form::Form,
    shell::Place,
    sign_in::{set_password, signed_in_anew},
    state::Dashboard,
};
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::{IntoResponse, Redirect, Response},
};
use ledger::User;
use serde::Deserialize;
use web::{
    App,
    access::{self, Access, digest},
    audit::{Did, Effect, Known, Noted, Subject},
    counted,
    passwords::{self, Asker},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/account/password";
    vec![Route::page(
        Method::Post(Effect::Does("change the password of", Subject::Caller)),
        path,
        Access::Own,
        change,
    )]
}

/// The form of a password.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PasswordForm {
    /// The one there is.
    current: String,
    /// The one there will be.
    password: String,
}

/// Whether somebody who is signed in knows the password.
pub(super) enum Knows {
    /// It is right.
    It,
    /// It is another one.
    Not,
    /// So many wrong ones were tried that the next has to wait, so many seconds.
    Waits(u64),
}

impl Knows {
    /// What is wrong, and what that was.
    pub(super) fn problem(&self, what: &'static str) -> Option<(String, Did)> {
        match self {
            Self::It => None,
            Self::Not => {
                let problem = "The current password is another one.".to_owned();
                Some((problem, Did::Instead(what, Known::default())))
            }
            Self::Waits(seconds) => {
                let problem = format!(
                    "Too many wrong tries. Try again in {}.",
                    counted(*seconds, "second")
                );
                Some((problem, Did::Nothing))
            }
        }
    }
}

/// Whether somebody who is signed in knows the password of the account. Tries are counted for the session: no stranger's count.
pub(super) async fn knows(
    app: &App,
    user: &User,
    headers: &HeaderMap,
    password: String,
) -> Result<Knows, Problem> {
    let (gate, system) = (&app.gate, app.engine.system());
    let session = digest(&app.session_token(headers).unwrap_or_default());
    let asker = Asker::Known(&session);
    if let Err(wait) = gate.throttle.take_try(&user.email, asker, system.uptime()) {
        return Ok(Knows::Waits(wait.as_secs() + 1));
    }
    let kept = vec![user.password.clone()];
    let checked = passwords::check(&gate.hashing, system, kept, false, password).await;
    let checked = checked.inspect_err(|_| gate.throttle.give_back(&user.email, asker))?;
    if checked.opens.is_none() {
        return Ok(Knows::Not);
    }
    gate.throttle.forgive(&user.email, asker);
    Ok(Knows::It)
}

/// `POST /projects/{project}/account/password`: needs the one there is; every other session ends.
async fn change(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    headers: HeaderMap,
    Form(sent): Form<PasswordForm>,
) -> Result<Response, Problem> {
    let user = own(&app, &project)?;
    let knows = knows(&app, &user, &headers, sent.current).await?;
    let (mut problems, mut did) = (Vec::new(), Did::Nothing);
    if let Some((problem, what)) = knows.problem("fail to change the password of") {
        problems.push(problem);
        did = what;
    }
    let wrong = passwords::problem(&sent.password, &[&user.email, &user.name]);
    problems.extend(wrong.map(|problem| format!("The new password {problem}.")));
    if !problems.is_empty() {
        let answer = page(&app, Place::of(&project, &uri), &headers, problems).await?;
        return Ok(Noted::new(did, answer).into_response());
    }
    let user = set_password(&app, &user, sent.password, None).await?;
    let path = format!("/projects/{}/account?notice=saved", project.key);
    let answer = Redirect::to(&path).into_response();
    Ok(signed_in_anew(&app, &user, &access::agent(&headers), answer).await)
}
