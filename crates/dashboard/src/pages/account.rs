//! One's own account: the password, and where one is signed in.

use super::{Shell, done, exact, html, sign_in};
use crate::{Dashboard, form::Sent};
use askama::Template;
use axum::{
    body::Body,
    extract::State,
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use ledger::User;
use web::{
    App,
    access::{self, Access, digest},
    body, passwords,
    problem::{Code, Problem},
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Own, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/projects/{project}/account", Page, "", account),
        Route::new(
            Post,
            "/projects/{project}/account/password",
            Own,
            "",
            change_password,
        ),
        Route::new(
            Post,
            "/projects/{project}/account/sessions",
            Own,
            "",
            end_sessions,
        ),
    ]
}

struct SessionLine {
    digest: String,
    agent: String,
    since: String,
    until: String,
    is_this: bool,
}

#[derive(Template)]
#[template(path = "own.html")]
struct OwnTemplate {
    shell: Shell,
    /// Whose account it is; somebody who came by a key or the operator's link has none.
    user: Option<User>,
    sessions: Vec<SessionLine>,
    problems: Vec<String>,
}

/// `Mozilla/5.0 (X11; Linux x86_64) ... Firefox/140.0` as people say it: `Firefox on Linux`.
fn browser(agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known
            .iter()
            .find(|(sign, _)| agent.contains(sign))
            .map(|(_, name)| *name)
    };
    // What comes later in the list also claims to be what comes earlier in its text.
    let name = find(&[
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        (None, Some(system)) => format!("a program on {system}"),
        (None, None) => "an unknown program".to_owned(),
    }
}

async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
    this: Option<String>,
    problems: Vec<String>,
) -> Result<Response, Problem> {
    let setup = app.engine.setup();
    let user = project.caller.user.and_then(|id| setup.user(id)).cloned();
    let this = this.map(|token| digest(&token));
    let mut sessions = Vec::new();
    if let Some(user) = &user {
        let now = app.engine.system().now();
        for session in app.engine.ledger().sessions(user.id, now).await? {
            sessions.push(SessionLine {
                agent: browser(&session.agent),
                since: exact(session.created_at),
                until: exact(session.expires_at),
                is_this: this.as_ref() == Some(&session.digest),
                digest: session.digest,
            });
        }
    }
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let html = html(&OwnTemplate {
        shell: Shell::load(app, project, "account", uri).await?,
        user,
        sessions,
        problems,
    });
    Ok((status, html).into_response())
}

/// `GET /projects/{project}/account`.
pub(crate) async fn account(
    State(app): State<App>,
    project: InProject,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let this = access::session_token(request.headers());
    page(&app, &project, request.uri(), this, Vec::new()).await
}

fn own(app: &App, project: &InProject) -> Result<User, Problem> {
    let setup = app.engine.setup();
    let user = project.caller.user.and_then(|id| setup.user(id)).cloned();
    user.ok_or_else(|| {
        let problem = "you are signed in by a key or a link, which has no account";
        Problem::new(Code::Conflict, problem)
    })
}

/// `POST /projects/{project}/account/password`: needs the one there is; every other session ends.
pub(crate) async fn change_password(
    State(app): State<App>,
    project: InProject,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let user = own(&app, &project)?;
    let (uri, this) = (
        request.uri().clone(),
        access::session_token(request.headers()),
    );
    let agent = access::agent(request.headers());
    let sent = Sent::read(&body::read(request).await?);
    let now = app.engine.system().now();
    let mut problems = Vec::new();
    if let Some(wait) = app.sessions.throttle.wait(&user.email, now) {
        let seconds = wait.as_secs() + 1;
        problems.push(format!(
            "Too many wrong tries. Try again in {seconds} seconds."
        ));
    } else {
        let (stored, given) = (Some(user.password.clone()), sent.raw("current").to_owned());
        let is_right = passwords::is_right(stored, given).await;
        app.sessions.throttle.tried(&user.email, is_right, now);
        if !is_right {
            problems.push("The current password is another one.".into());
        }
    }
    let password = sent.raw("password").to_owned();
    problems.extend(
        passwords::problem(&password).map(|problem| format!("The new password {problem}.")),
    );
    if !problems.is_empty() {
        return page(&app, &project, &uri, this, problems).await;
    }
    let user = sign_in::set_password(&app, &user, password).await?;
    let token = app.sign_in(&user, &agent).await?;
    let path = format!("/projects/{}/account?notice=saved", project.key);
    Ok(sign_in::enter(&app, &token, &path))
}

/// `POST /projects/{project}/account/sessions`: ends the one with `digest`, or all but this.
pub(crate) async fn end_sessions(
    State(app): State<App>,
    project: InProject,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let user = own(&app, &project)?;
    let this = access::session_token(request.headers()).map(|token| digest(&token));
    let sent = Sent::read(&body::read(request).await?);
    let (ledger, now) = (app.engine.ledger(), app.engine.system().now());
    let wanted = sent.text("digest");
    // Only one's own: a digest of somebody else's is not in this list.
    for session in ledger.sessions(user.id, now).await? {
        let is_chosen = if wanted.is_empty() {
            Some(&session.digest) != this.as_ref()
        } else {
            session.digest == wanted
        };
        if is_chosen {
            ledger.close_sessions(Some(&session.digest), None).await?;
        }
    }
    project.did(&app, "end sessions of", &user.email).await?;
    Ok(done(&format!("/projects/{}/account", project.key), "ended"))
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_called_by_their_names() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            ("", "an unknown program"),
        ] {
            assert_eq!(browser(agent), name);
        }
    }
}
