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
    response::Response,
};
use ledger::User;
use serde::Deserialize;
use web::{
    App,
    access::{self, Access},
    audit::{Effect, Subject},
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

/// What is wrong with the form, checked against the password there is.
async fn problems(app: &App, user: &User, sent: &PasswordForm) -> Vec<String> {
    let now = app.engine.system().now();
    let mut problems = Vec::new();
    if let Some(wait) = app.sessions.throttle.wait(&user.email, now) {
        let seconds = wait.as_secs() + 1;
        problems.push(format!(
            "Too many wrong tries. Try again in {seconds} seconds."
        ));
    } else {
        let stored = Some(user.password.clone());
        let is_right = passwords::is_right(stored, sent.current.clone()).await;
        app.sessions.throttle.tried(&user.email, is_right, now);
        if !is_right {
            problems.push("The current password is another one.".into());
        }
    }
    let wrong = passwords::problem(&sent.password);
    problems.extend(wrong.map(|problem| format!("The new password {problem}.")));
    problems
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
    let problems = problems(&app, &user, &sent).await;
    if !problems.is_empty() {
        return page(&app, &project, (&uri, &headers), problems).await;
    }
    set_password(&app, &user, sent.password, None).await?;
    let token = app.sign_in(&user, &access::agent(&headers)).await?;
    let path = format!("/projects/{}/account?notice=saved", project.key);
    Ok(enter(&app, &token, &path))
}
