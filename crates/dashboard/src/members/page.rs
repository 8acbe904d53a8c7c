//! The page of members and invitations.
//!
//! Tests: `crates/dashboard/tests/sections/members.rs`.

use super::may::{may_handle, may_open};
use crate::{
    filters,
    respond::{html, refused},
    shell::{Place, Shell},
    state::Dashboard,
    text::exact,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use domain::ProjectId;
use ledger::{Invitation, Opens, Role, User};
use web::{
    App,
    access::{Access, Caller},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/members";
    vec![Route::page(Method::Get, path, Access::Page, members)]
}

/// Somebody who was invited and has not come yet.
struct Invited {
    digest: String,
    /// Who it is for, and what.
    what: String,
    until: String,
}

impl Invited {
    fn of(invitation: &Invitation) -> Self {
        Self {
            digest: invitation.digest.clone(),
            what: match invitation.opens {
                Opens::Account => format!("{} as {}", invitation.email, invitation.role.id()),
                Opens::Password(_) => format!("{}: a new password", invitation.email),
                Opens::Operator => "the operator: signs in".into(),
            },
            until: exact(invitation.expires_at),
        }
    }
}

/// Somebody who may sign in.
struct Member {
    id: String,
    email: String,
    name: String,
    role: &'static str,
    reach: &'static str,
    since: String,
    /// Whether the reader may change this one.
    may_change: bool,
    /// Whether the reader may make a link for a new password.
    may_open: bool,
    /// Whether signing in takes a code as well.
    has_second: bool,
    /// Whether the reader may take that away.
    may_reset: bool,
}

impl Member {
    fn of(user: &User, reader: &Caller, has_second: bool) -> Self {
        let may_handle = may_handle(reader, user.role, user.project);
        Self {
            id: user.id.to_string(),
            email: user.email.clone(),
            name: user.name.clone(),
            role: user.role.id(),
            since: exact(user.created_at),
            reach: match user.project {
                Some(_) => "this project",
                None => "all projects",
            },
            may_change: may_handle && Some(user.id) != reader.user,
            may_open: may_open(reader, user.role, user.project),
            has_second,
            may_reset: has_second && may_handle && reader.role == Some(Role::Owner),
        }
    }
}

/// A link that was made for somebody.
pub(super) struct NewLink {
    pub(super) email: String,
    pub(super) url: String,
}

#[derive(Template)]
#[template(path = "members/page.html")]
struct MembersTemplate {
    shell: Shell,
    members: Vec<Member>,
    invited: Vec<Invited>,
    roles: Vec<&'static str>,
    may_manage: bool,
    /// Whether the reader reaches this project only, and so may invite to no other.
    is_bound: bool,
    /// A link that was made just now. It is shown once.
    link: Option<NewLink>,
    problem: String,
}

/// The page, with a link that was made just now, or what is wrong with a form.
pub(super) async fn page(
    app: &App,
    at: Place<'_>,
    link: Option<NewLink>,
    problem: String,
) -> Result<Response, Problem> {
    let project = at.project;
    let setup = app.engine.setup();
    let now = app.engine.system().now();
    let caller = &project.caller;
    // Who reaches another project only is nobody's business here, and who reaches all that of those who do so too.
    let reaches = |reach: Option<ProjectId>| {
        reach.is_none_or(|only| only == project.id) && caller.may_know(reach)
    };
    let users = setup.configuration.users.iter();
    let invitations = setup.configuration.invitations.iter();
    let roles = Role::ALL.into_iter();
    let second = app.engine.ledger().second_factors().await?;
    let is_right = problem.is_empty();
    let page = MembersTemplate {
        shell: Shell::load(app, at, "members").await?,
        members: users
            .filter(|user| reaches(user.project))
            .map(|user| Member::of(user, caller, second.contains(&user.id)))
            .collect(),
        invited: invitations
            .filter(|invitation| now < invitation.expires_at && reaches(invitation.project))
            .map(Invited::of)
            .collect(),
        roles: roles
            .filter(|role| may_handle(caller, *role, caller.project))
            .map(Role::id)
            .collect(),
        may_manage: caller.may_manage(),
        is_bound: caller.project.is_some(),
        link,
        problem,
    };
    Ok(if is_right {
        html(&page)
    } else {
        refused(&page)
    })
}

/// `GET /projects/{project}/members`.
async fn members(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    page(&app, Place::of(&project, &uri), None, String::new()).await
}
