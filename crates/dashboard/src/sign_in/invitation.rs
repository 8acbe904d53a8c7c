//! Links that make an account, or set a new password for the one there is.

use super::{
    enter::{entered, member},
    new_account::{AccountForm, AccountTemplate, NewAccount},
    password::set_password,
};
use crate::{
    form::Form,
    respond::{html, refused},
    state::Dashboard,
};
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use engine::Setup;
use ledger::{Invitation, User};
use web::{
    App,
    access::{self, Access, digest},
    audit::{Effect, Subject},
    passwords,
    problem::{Code, Problem},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Anyone;
    use Effect::Does;
    use Method::{Get, Post};
    vec![
        Route::page(Get, "/invite/{token}", Anyone, invited),
        Route::page(
            Post(Does("sign in", Subject::Always("by an invitation"))),
            "/invite/{token}",
            Anyone,
            join,
        ),
    ]
}

fn invitation(app: &App, token: &str) -> Result<Invitation, Problem> {
    still_open(app, &app.engine.setup(), &digest(token))
}

/// The invitation with this digest, if it is good.
pub(super) fn still_open(app: &App, setup: &Setup, digest: &str) -> Result<Invitation, Problem> {
    let now = app.engine.system().now();
    let known = setup.configuration.invitations.iter();
    known
        .filter(|invitation| now < invitation.expires_at)
        .find(|invitation| invitation.digest == digest)
        .cloned()
        .ok_or_else(|| {
            let problem = "this invitation was used, withdrawn, or is too old; ask for another";
            Problem::new(Code::NotFound, problem)
        })
}

/// The account an invitation sets a new password for, if it is of somebody who has one.
fn account_of(app: &App, invitation: &Invitation) -> Option<User> {
    let setup = app.engine.setup();
    let mut users = setup.configuration.users.iter();
    users.find(|user| user.email == invitation.email).cloned()
}

fn page(app: &App, token: &str, invitation: Invitation, problems: Vec<String>) -> AccountTemplate {
    let known = account_of(app, &invitation);
    AccountTemplate {
        title: if known.is_some() {
            "Set a new password"
        } else {
            "Join"
        },
        action: format!("/invite/{token}"),
        email: invitation.email,
        email_is_given: true,
        has_name: known.is_none(),
        name: String::new(),
        problems,
    }
}

/// `GET /invite/{token}`.
async fn invited(State(app): State<App>, Path(token): Path<String>) -> Result<Response, Problem> {
    let invitation = invitation(&app, &token)?;
    Ok(html(&page(&app, &token, invitation, Vec::new())))
}

/// `POST /invite/{token}`: makes the account, or sets the password of the one there is.
async fn join(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(sent): Form<AccountForm>,
) -> Result<Response, Problem> {
    let agent = access::agent(&headers);
    let invitation = invitation(&app, &token)?;
    if let Some(user) = account_of(&app, &invitation) {
        if let Some(problem) = passwords::problem(&sent.password) {
            let problems = vec![format!("the password {problem}")];
            return Ok(refused(&page(&app, &token, invitation, problems)));
        }
        set_password(&app, &user, sent.password, Some(&invitation)).await?;
        let token = app.sign_in(&user, &agent).await?;
        return Ok(entered(&app, &token, "/", member(&user)));
    }
    let account = NewAccount::read(&app, sent, agent, &invitation.email);
    if account.problems.is_empty() {
        let role = invitation.role;
        return account.make(&app, role, Some(invitation)).await;
    }
    let page = page(&app, &token, invitation, account.problems);
    Ok(refused(&page))
}
