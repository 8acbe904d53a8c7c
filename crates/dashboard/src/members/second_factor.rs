//! Taking a member's second factor away, for one who lost the phone and the recovery codes.
//!
//! Tests: `crates/dashboard/tests/sections/second_factor.rs`.

use super::may::may_handle;
use crate::{respond::done, state::Dashboard};
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use domain::UserId;
use ledger::Role;
use web::{
    App,
    access::Access,
    audit::{Effect, Noted, Subject},
    problem::{Code, Problem},
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/members/{user}/second-factor";
    vec![Route::page(
        Method::Post(Effect::Does("reset the second factor of", Subject::Said)),
        path,
        Access::Manage,
        reset,
    )]
}

/// `POST /projects/{project}/members/{user}/second-factor`: owners only, and never one's own: that takes a code.
async fn reset(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (id, caller): (UserId, _) = (parse("user", &id)?, &project.caller);
    let user = project
        .setup
        .user(id)
        .filter(|user| may_handle(caller, user.role, user.project))
        .ok_or_else(|| Problem::not_found("user", &id.to_string()))?;
    if caller.role != Some(Role::Owner) {
        let problem = "only owners reset a second factor";
        return Err(Problem::new(Code::Forbidden, problem));
    }
    if caller.user == Some(id) {
        let problem = "your own is switched off under your account, with a code";
        return Err(Problem::new(Code::Conflict, problem));
    }
    let was_there = app.engine.ledger().remove_second_factor(id).await?;
    let answer = done(&format!("/projects/{}/members", project.key), "saved");
    Ok(if was_there {
        Noted::to(user.email.clone(), answer).into_response()
    } else {
        Noted::nothing(answer).into_response()
    })
}
