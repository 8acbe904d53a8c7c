//! Links that make an account, or set a new password for the one there is.
//!
//! Tests: `crates/dashboard/tests/sections/sign_in.rs`.

use super::{
    enter::{has_to_sign_in, member},
    new_account::{AccountForm, AccountTemplate, NewAccount},
    password::set_password,
    second_step::go_on,
    still_open::still_open,
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
use ledger::{Invitation, Opens, User};
use web::{
    App,
    access::{self, Access, digest},
    audit::{Effect, Known, Subject},
    passwords,
    problem::Problem,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Anyone, Visitor};
    use Effect::Does;
    use Method::{Get, Post};
    vec![
        Route::page(Get, "/invite/{token}", Anyone, invited),
        Route::page(
            Post(Does("sign in", Subject::Always("by an invitation"))),
            "/invite/{token}",
            Visitor,
            join,
        ),
    ]
}

fn invitation(app: &App, token: &str) -> Result<Invitation, Problem> {
    still_open(app, &app.engine.setup(), &digest(token))
}

/// The account a link sets a new password for, if that is what it does.
fn account_of(app: &App, invitation: &Invitation) -> Option<User> {
    match invitation.opens {
        Opens::Password(id) => app.engine.setup().user(id).cloned(),
        Opens::Account | Opens::Operator => None,
    }
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
        if let Some(problem) = passwords::problem(&sent.password, &[&user.email, &user.name]) {
            let problems = vec![format!("the password {problem}")];
            return Ok(refused(&page(&app, &token, invitation, problems)));
        }
        let by = format!("by a password link of {}", invitation.made_by);
        let user = set_password(&app, &user, sent.password, Some(&invitation)).await?;
        let known = Known {
            subject: Some(by),
            ..member(&user)
        };
        let gone_on = go_on(&app, &user, &agent, known).await;
        return Ok(gone_on.unwrap_or_else(|problem| has_to_sign_in(&user, &problem)));
    }
    let account = NewAccount::read(&app, sent, agent, &invitation.email, invitation.project);
    if account.problems.is_empty() {
        let role = invitation.role;
        return account.make(&app, role, Some(invitation)).await;
    }
    let page = page(&app, &token, invitation, account.problems);
    Ok(refused(&page))
}
