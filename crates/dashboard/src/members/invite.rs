//! Invitations by link, and links that set a new password.
//!
//! Tests: `crates/dashboard/tests/sections/members.rs`.

use super::{
    may::{may_handle, may_open, role_of},
    page::{NewLink, page},
};
use crate::{
    form::{Form, Ticked, Trimmed},
    once::Once,
    respond::done,
    shell::Place,
    sign_in::email_problem,
    state::Dashboard,
};
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use domain::{ProjectId, UserId, time::after};
use jiff::SignedDuration;
use ledger::{ConfigurationChange, Invitation, Opens, Role};
use serde::Deserialize;
use web::{
    App,
    access::{Access, digest, random_text},
    audit::Effect,
    configure::decide_in,
    problem::{Code, Problem},
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Manage;
    use Effect::Configures;
    use Method::Post;
    vec![
        Route::page(
            Post(Configures),
            "/projects/{project}/members/invite",
            Manage,
            invite,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/members/withdraw/{digest}",
            Manage,
            withdraw,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/members/{user}/link",
            Manage,
            password_link,
        ),
    ]
}

/// How long an invitation is good.
const INVITED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Most links that are open at once, of those with the same reach.
const MOST_LINKS: usize = 100;

/// The form of an invitation.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct InvitationForm {
    email: Trimmed,
    role: Trimmed,
    /// Whether it is to this project only.
    only: Ticked,
}

/// `POST /projects/{project}/members/invite`: answers with the page that shows the link once.
async fn invite(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<InvitationForm>,
) -> Result<Response, Problem> {
    let role = role_of(&project.caller, &sent.role)?;
    let email = sent.email.to_lowercase();
    if let Some(problem) = email_problem(&email) {
        return page(&app, Place::of(&project, &uri), None, problem).await;
    }
    let is_bound = sent.only.0 || project.caller.project.is_some();
    let reach = is_bound.then_some(project.id);
    let made_by = &project.caller.name;
    let (token, invitation) = new_link(&app, &email, role, reach, Opens::Account, made_by);
    let is_free = decide_in(&app, &project, |project| {
        let mut users = project.setup.configuration.users.iter();
        // An account elsewhere is nobody's business here, and an account of its own is made beside it.
        let is_free =
            users.all(|user| user.email != email || !project.caller.may_know(user.project));
        let changes = if is_free {
            put(&app, project, &invitation)?
        } else {
            Vec::new()
        };
        Ok((changes, is_free))
    })
    .await?;
    if !is_free {
        let problem = format!("{email} has an account already");
        return page(&app, Place::of(&project, &uri), None, problem).await;
    }
    Ok(shown(&app, Place::of(&project, &uri), email, &token).await)
}

/// `POST /projects/{project}/members/withdraw/{digest}`.
async fn withdraw(
    State(app): State<App>,
    project: InProject,
    Path((_, digest)): Path<(String, String)>,
) -> Result<Response, Problem> {
    decide_in(&app, &project, |project| {
        let known = project.setup.configuration.invitations.iter();
        let invitation = known
            .filter(|invitation| invitation.digest == digest)
            .find(|invitation| may_handle(&project.caller, invitation.role, invitation.project))
            .ok_or_else(|| Problem::not_found("invitation", &digest))?;
        let withdrawn = ConfigurationChange::RemoveInvitation(invitation.clone());
        Ok((vec![withdrawn], ()))
    })
    .await?;
    Ok(done(
        &format!("/projects/{}/members", project.key),
        "removed",
    ))
}

/// `POST /projects/{project}/members/{user}/link`: a link that sets a new password, shown once.
async fn password_link(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id: UserId = parse("user", &id)?;
    let (email, token) = decide_in(&app, &project, |project| {
        let user = project
            .setup
            .user(id)
            .filter(|user| may_handle(&project.caller, user.role, user.project))
            .ok_or_else(|| Problem::not_found("user", &id.to_string()))?;
        if !may_open(&project.caller, user.role, user.project) {
            let problem = "only owners make a link that opens the account of an equal";
            return Err(Problem::new(Code::Forbidden, problem));
        }
        let (role, reach) = (user.role, user.project);
        let (opens, made_by) = (Opens::Password(id), &project.caller.name);
        let (token, link) = new_link(&app, &user.email, role, reach, opens, made_by);
        Ok((put(&app, project, &link)?, (user.email.clone(), token)))
    })
    .await?;
    Ok(shown(&app, Place::of(&project, &uri), email, &token).await)
}

/// The page, with a link that is good by now.
async fn shown(app: &App, at: Place<'_>, email: String, token: &str) -> Response {
    let url = address(app, token);
    let once = Once {
        title: format!("A link for {email}"),
        hint: "Send this link. It works once, for seven days, and is not shown again.",
        secret: url.clone(),
        back: format!("/projects/{}/members", at.project.key),
    };
    let link = Some(NewLink { email, url });
    let page = page(app, at, link, String::new());
    once.shown_on(page).await
}

/// A new token, and the invitation that is opened by it.
fn new_link(
    app: &App,
    email: &str,
    role: Role,
    project: Option<ProjectId>,
    opens: Opens,
    made_by: &str,
) -> (String, Invitation) {
    let token = random_text(app.engine.system());
    let now = app.engine.system().now();
    let invitation = Invitation {
        digest: digest(&token),
        email: email.to_owned(),
        role,
        project,
        opens,
        made_by: made_by.to_owned(),
        expires_at: after(now, INVITED),
    };
    (token, invitation)
}

/// The changes that make a link good: those that are too old go, and so does another for the password of the same user, and another invitation of the
/// same address with the same reach, whose link was lost or answered to nobody.
///
/// Errors: as many are open as may be.
fn put(
    app: &App,
    project: &InProject,
    link: &Invitation,
) -> Result<Vec<ConfigurationChange>, Problem> {
    let now = app.engine.system().now();
    let known = project.setup.configuration.invitations.iter();
    let is_of_the_same = |known: &Invitation| match known.opens {
        Opens::Account => {
            (&known.email, known.project) == (&link.email, link.project)
                && may_handle(&project.caller, known.role, known.project)
        }
        Opens::Password(_) | Opens::Operator => true,
    };
    let (gone, open): (Vec<_>, Vec<_>) = known.partition(|known| {
        let is_replaced = known.opens == link.opens && is_of_the_same(known);
        known.expires_at <= now || is_replaced
    });
    let reach = open.iter().filter(|known| known.project == link.project);
    if reach.count() >= MOST_LINKS {
        let problem = format!("{MOST_LINKS} links are open already; withdraw some first");
        return Err(Problem::new(Code::Conflict, problem));
    }
    let gone = gone.into_iter().cloned();
    let mut changes: Vec<_> = gone.map(ConfigurationChange::RemoveInvitation).collect();
    changes.push(ConfigurationChange::PutInvitation(link.clone()));
    Ok(changes)
}

/// Where a token is brought to.
fn address(app: &App, token: &str) -> String {
    format!("{}/invite/{token}", app.engine.public_url())
}
