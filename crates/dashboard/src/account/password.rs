//! Changing one's own password.

use super::page::{own, page};
use crate::{
    form::Form,
    sign_in::{enter, set_password},
    state::Dashboard,
};
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};
use ledger::User;
use serde::Deserialize;
use web::{
    App,
    access::{self, Access},
    audit::{Did, Effect, Known, Noted, Subject},
    passwords,
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

/// What is wrong with the form, checked against the password there is; and whether somebody guessed at that one.
async fn problems(app: &App, user: &User, sent: &PasswordForm) -> (Vec<String>, Did) {
    let now = app.engine.system().now();
    let (mut problems, mut did) = (Vec::new(), Did::Nothing);
    if let Err(wait) = app.sessions.throttle.take_try(&user.email, now) {
        let seconds = wait.as_secs() + 1;
        problems.push(format!(
            "Too many wrong tries. Try again in {seconds} seconds."
        ));
    } else {
        let stored = Some(user.password.clone());
        let is_right = passwords::is_right(stored, sent.current.clone()).await;
        if is_right {
            app.sessions.throttle.forgive(&user.email);
        } else {
            problems.push("The current password is another one.".into());
            did = Did::Instead("fail to change the password of", Known::default());
        }
    }
    let wrong = passwords::problem(&sent.password);
    problems.extend(wrong.map(|problem| format!("The new password {problem}.")));
    (problems, did)
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
    let (problems, did) = problems(&app, &user, &sent).await;
    if !problems.is_empty() {
        let answer = page(&app, &project, (&uri, &headers), problems).await?;
        return Ok(Noted::new(did, answer).into_response());
    }
    set_password(&app, &user, sent.password, None).await?;
    let token = app.sign_in(&user, &access::agent(&headers)).await?;
    let path = format!("/projects/{}/account?notice=saved", project.key);
    Ok(enter(&app, &token, &path))
}
