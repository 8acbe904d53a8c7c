//! Another role for a member, or none.

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
use ledger::{ConfigurationChange, Role, User};
use serde::Deserialize;
use web::{
    App,
    access::Access,
    audit::Effect,
    configure::commit,
    problem::{Code, Problem},
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/people/{user}";
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

/// `POST /projects/{project}/people/{user}`: another role, or `remove`. The last owner stays.
async fn change(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    Form(sent): Form<MemberForm>,
) -> Result<Response, Problem> {
    let id: UserId = parse("user", &id)?;
    let setup = app.engine.setup();
    let user = setup
        .user(id)
        .filter(|user| may_handle(&project.caller, user.role, user.project))
        .ok_or_else(|| Problem::not_found("user", &id.to_string()))?;
    let owners = setup.configuration.users.iter();
    let owners = owners.filter(|user| user.role == Role::Owner).count();
    let removes = sent.remove.0;
    let role = if removes {
        user.role
    } else {
        role_of(&project.caller, &sent.role)?
    };
    if user.role == Role::Owner && owners == 1 && (removes || role != Role::Owner) {
        return Err(Problem::new(
            Code::Conflict,
            "the last owner cannot go; make another one first",
        ));
    }
    let change = if removes {
        ConfigurationChange::RemoveUser(id)
    } else {
        ConfigurationChange::PutUser(User {
            role,
            ..user.clone()
        })
    };
    commit(&app, &project.caller, vec![change]).await?;
    let notice = if removes { "removed" } else { "saved" };
    Ok(done(&format!("/projects/{}/people", project.key), notice))
}
