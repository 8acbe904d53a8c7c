//! People: who may sign in, as what; invitations by link.

use super::{Shell, done, exact, html};
use crate::{Dashboard, form::Sent};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use domain::{ProjectId, UserId};
use jiff::SignedDuration;
use ledger::{ConfigurationChange, Invitation, Role, User};
use web::{
    App,
    access::{Access, Caller, digest, random_text},
    body,
    problem::{Code, Problem},
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Manage, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/projects/{project}/people", Page, "", people),
        Route::new(
            Post,
            "/projects/{project}/people/invite",
            Manage,
            "",
            invite,
        ),
        Route::new(
            Post,
            "/projects/{project}/people/withdraw/{digest}",
            Manage,
            "",
            withdraw,
        ),
        Route::new(
            Post,
            "/projects/{project}/people/{user}",
            Manage,
            "",
            change_person,
        ),
        Route::new(
            Post,
            "/projects/{project}/people/{user}/link",
            Manage,
            "",
            password_link,
        ),
    ]
}

/// How long an invitation is good.
const INVITED: SignedDuration = SignedDuration::from_hours(7 * 24);

struct Invited {
    digest: String,
    email: String,
    role: &'static str,
    until: String,
}

struct Person {
    id: String,
    email: String,
    name: String,
    role: &'static str,
    reach: &'static str,
    since: String,
    /// Whether the reader may change this one.
    may_change: bool,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeopleTemplate {
    shell: Shell,
    people: Vec<Person>,
    invited: Vec<Invited>,
    roles: Vec<&'static str>,
    may_manage: bool,
    /// Whether the reader reaches this project only, and so may invite to no other.
    is_bound: bool,
    /// A link that was made just now, and for whom. It is shown once.
    link: Option<(String, String)>,
    problem: String,
}

/// Whether somebody may make or unmake somebody of this role: only owners handle owners, and who reaches one project only
/// handles those who reach no more.
fn may_handle(caller: &Caller, role: Role, reach: Option<ProjectId>) -> bool {
    caller.may_manage()
        && (role < Role::Owner || caller.role == Some(Role::Owner))
        && (caller.project.is_none() || caller.project == reach)
}

async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
    link: Option<(String, String)>,
    problem: String,
) -> Result<Response, Problem> {
    let setup = app.engine.setup();
    let now = app.engine.system().now();
    let caller = &project.caller;
    // Who reaches another project only is nobody's business here.
    let reaches = |reach: Option<ProjectId>| reach.is_none_or(|only| only == project.id);
    let users = setup.configuration.users.iter();
    let people = users
        .filter(|user| reaches(user.project))
        .map(|user| Person {
            id: user.id.to_string(),
            email: user.email.clone(),
            name: user.name.clone(),
            role: user.role.id(),
            since: exact(user.created_at),
            reach: if user.project.is_some() {
                "this project"
            } else {
                "all projects"
            },
            may_change: may_handle(caller, user.role, user.project) && Some(user.id) != caller.user,
        });
    let invited = setup.configuration.invitations.iter();
    let status = if problem.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let html = html(&PeopleTemplate {
        shell: Shell::load(app, project, "people", uri).await?,
        people: people.collect(),
        invited: invited
            .filter(|invitation| now < invitation.expires_at && reaches(invitation.project))
            .map(|invitation| Invited {
                digest: invitation.digest.clone(),
                email: invitation.email.clone(),
                role: invitation.role.id(),
                until: exact(invitation.expires_at),
            })
            .collect(),
        roles: Role::ALL
            .into_iter()
            .filter(|role| may_handle(caller, *role, caller.project))
            .map(Role::id)
            .collect(),
        may_manage: caller.may_manage(),
        is_bound: caller.project.is_some(),
        link,
        problem,
    });
    Ok((status, html).into_response())
}

/// `GET /projects/{project}/people`.
pub(crate) async fn people(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    page(&app, &project, &uri, None, String::new()).await
}

fn role_of(caller: &Caller, sent: &Sent) -> Result<Role, Problem> {
    let text = sent.text("role");
    Role::from_id(text)
        .filter(|role| may_handle(caller, *role, caller.project))
        .ok_or_else(|| {
            Problem::new(
                Code::Forbidden,
                format!("you may not make somebody {text:?}"),
            )
        })
}

/// `POST /projects/{project}/people/invite`: answers with the page that shows the link once.
pub(crate) async fn invite(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let role = role_of(&project.caller, &sent)?;
    let email = sent.text("email").to_lowercase();
    let setup = app.engine.setup();
    let problem = if !email.contains('@') {
        format!("{email:?} is not an e-mail address")
    } else if setup
        .configuration
        .users
        .iter()
        .any(|user| user.email == email)
    {
        format!("{email} has an account already")
    } else {
        String::new()
    };
    if !problem.is_empty() {
        return page(&app, &project, &uri, None, problem).await;
    }
    let is_bound = sent.is_on("only") || project.caller.project.is_some();
    let reach = is_bound.then_some(project.id);
    let link = make_link(&app, &project, (&email, role, reach)).await?;
    page(&app, &project, &uri, Some((email, link)), String::new()).await
}

/// `POST /projects/{project}/people/withdraw/{digest}`.
pub(crate) async fn withdraw(
    State(app): State<App>,
    project: InProject,
    Path((_, digest)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let setup = app.engine.setup();
    let known = setup.configuration.invitations.iter();
    let invitation = known
        .filter(|invitation| invitation.digest == digest)
        .find(|invitation| may_handle(&project.caller, invitation.role, invitation.project))
        .cloned()
        .ok_or_else(|| Problem::not_found("invitation", &digest))?;
    let changes = vec![ConfigurationChange::RemoveInvitation(invitation)];
    if !app.engine.configure(changes, &project.caller.name).await? {
        return Err(Problem::changed_meanwhile());
    }
    Ok(done(
        &format!("/projects/{}/people", project.key),
        "removed",
    ))
}

/// `POST /projects/{project}/people/{user}/link`: a link that sets a new password, shown once.
pub(crate) async fn password_link(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id: UserId = parse("user", &id)?;
    let setup = app.engine.setup();
    let user = setup
        .user(id)
        .filter(|user| may_handle(&project.caller, user.role, user.project))
        .ok_or_else(|| Problem::not_found("user", &id.to_string()))?;
    let link = make_link(&app, &project, (&user.email, user.role, user.project)).await?;
    let shown = Some((user.email.clone(), link));
    page(&app, &project, &uri, shown, String::new()).await
}

/// Makes an invitation and answers with its link.
async fn make_link(
    app: &App,
    project: &InProject,
    (email, role, reach): (&str, Role, Option<ProjectId>),
) -> Result<String, Problem> {
    let token = random_text(app.engine.system());
    let now = app.engine.system().now();
    let invitation = Invitation {
        digest: digest(&token),
        email: email.to_owned(),
        role,
        project: reach,
        expires_at: now.saturating_add(INVITED).unwrap_or(now),
    };
    let changes = vec![ConfigurationChange::PutInvitation(invitation)];
    if !app.engine.configure(changes, &project.caller.name).await? {
        return Err(Problem::changed_meanwhile());
    }
    Ok(format!("{}/invite/{token}", app.engine.public_url()))
}

/// `POST /projects/{project}/people/{user}`: another role, or `remove`. The last owner stays.
pub(crate) async fn change_person(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let id: UserId = parse("user", &id)?;
    let setup = app.engine.setup();
    let user = setup
        .user(id)
        .filter(|user| may_handle(&project.caller, user.role, user.project))
        .ok_or_else(|| Problem::not_found("user", &id.to_string()))?;
    let owners = setup.configuration.users.iter();
    let owners = owners.filter(|user| user.role == Role::Owner).count();
    let removes = sent.is_on("remove");
    let role = if removes {
        user.role
    } else {
        role_of(&project.caller, &sent)?
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
    if !app
        .engine
        .configure(vec![change], &project.caller.name)
        .await?
    {
        return Err(Problem::changed_meanwhile());
    }
    let notice = if removes { "removed" } else { "saved" };
    Ok(done(&format!("/projects/{}/people", project.key), notice))
}
