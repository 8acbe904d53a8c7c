//! The owner's account, while nobody has one.
//!
//! Tests: `crates/dashboard/tests/sections/sign_in.rs`.

use super::new_account::{AccountForm, AccountTemplate, NewAccount, nobody_owns};
use crate::{
    form::Form,
    respond::{html, refused},
    state::Dashboard,
};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use engine::Setup;
use ledger::Role;
use web::{
    App,
    access::{self, Access, Caller},
    audit::{Effect, Subject},
    problem::{Code, Problem},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Manage;
    use Effect::Does;
    use Method::{Get, Post};
    vec![
        Route::page(Get, "/setup", Manage, setup),
        Route::page(
            Post(Does("sign in", Subject::Always("with a new account"))),
            "/setup",
            Manage,
            make_owner,
        ),
    ]
}

fn page(email: String, name: String, problems: Vec<String>) -> AccountTemplate {
    AccountTemplate {
        title: "Make the owner's account",
        action: "/setup".into(),
        email,
        email_is_given: false,
        has_name: true,
        name,
        problems,
    }
}

/// The owner's account is made by the operator, and by anybody who may manage only while there is no other account: an admin makes himself no owner.
fn may_make(setup: &Setup, caller: &Caller) -> Result<(), Problem> {
    nobody_owns(setup)?;
    if caller.is_operator() || setup.configuration.users.is_empty() {
        return Ok(());
    }
    let problem = "the owner's account is made by whoever runs the server: `tidings sign-in-link`";
    Err(Problem::new(Code::Forbidden, problem))
}

/// `GET /setup`.
async fn setup(State(app): State<App>, caller: Caller) -> Response {
    if may_make(&app.engine.setup(), &caller).is_err() {
        return Redirect::to("/").into_response();
    }
    html(&page(String::new(), String::new(), Vec::new()))
}

/// `POST /setup`.
async fn make_owner(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Form(sent): Form<AccountForm>,
) -> Result<Response, Problem> {
    may_make(&app.engine.setup(), &caller)?;
    let email = sent.email.to_lowercase();
    let account = NewAccount::read(&app, sent, access::agent(&headers), &email, None);
    if account.problems.is_empty() {
        return account.make(&app, Role::Owner, None).await;
    }
    let page = page(account.email, account.name, account.problems);
    Ok(refused(&page))
}
