//! Another role for a member, or none.
//!
//! Tests: `crates/dashboard/tests/sections/members.rs`.

use super::may::{may_handle, role_of};
use crate::{
    form::{Form, Ticked, Trimmed},
    respond::done,
    state::Dashboard,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::UserId;
use ledger::{ConfigurationChange, Invitation, Opens, Role, UserPart};
use serde::Deserialize;
use web::{
    App,
    access::Access,
    audit::Effect,
    configure::{Decision, decide_in},
    problem::{Code, Problem},
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/members/{user}";
    vec![Route::page(
        Method::Post(Effect::Configures),
        path,
        Access::Manage,
        change,
    )]
}

/// Either a role, or that somebody goes.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct MemberForm {
    role: Trimmed,
    remove: Ticked,
}

/// `POST /projects/{project}/members/{user}`: another role, or `remove`. The last owner stays.
async fn change(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    Form(sent): Form<MemberForm>,
) -> Result<Response, Problem> {
    let id: UserId = parse("user", &id)?;
    decide_in(&app, &project, |project| changed(project, id, &sent)).await?;
    let notice = if sent.remove.0 { "removed" } else { "saved" };
    Ok(done(&format!("/projects/{}/members", project.key), notice))
}

fn changed(project: &InProject, id: UserId, sent: &MemberForm) -> Decision<()> {
    let setup = &project.setup;
    let user = setup
        .user(id)
        .filter(|user| may_handle(&project.caller, user.role, user.project))
        .ok_or_else(|| Problem::not_found("user", &id.to_string()))?;
    let role = if sent.remove.0 {
        None
    } else {
        Some(role_of(&project.caller, &sent.role)?)
    };
    let mut others = setup.configuration.users.iter();
    // One of a project only does not stand in for one of everything.
    let is_last = !others.any(|other| {
        let reaches = other.project.is_none() || user.project.is_some();
        other.id != id && other.role == Role::Owner && reaches
    });
    if user.role == Role::Owner && is_last && role != Some(Role::Owner) {
        return Err(Problem::new(
            Code::Conflict,
            "the last owner cannot go; make another one first",
        ));
    }
    let change = match role {
        Some(role) => ConfigurationChange::ChangeUser(id, user.email.clone(), UserPart::Role(role)),
        None => ConfigurationChange::RemoveUser(id),
    };
    // Neither a link for the account as it was nor one that its user made is good any more.
    let links = setup.configuration.invitations.iter();
    // An account of the same address in another project is another's.
    let may_have_made = |link: &&Invitation| {
        let reaches = user.project.is_none() || link.project == user.project;
        link.made_by == user.email && reaches
    };
    let links = links.filter(|link| link.opens == Opens::Password(id) || may_have_made(link));
    let mut changes: Vec<_> = links
        .cloned()
        .map(ConfigurationChange::RemoveInvitation)
        .collect();
    changes.push(change);
    Ok((changes, ()))
}
