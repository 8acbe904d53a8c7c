//! The guided start: a project, a store, an integration, a test event, each with a live check that it worked.

use super::{Shell, done, html, reached};
use crate::{
    Dashboard,
    form::{self, Sent},
};
use askama::Template;
use axum::{
    body::Body,
    extract::State,
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use configuration::{Desired, DesiredProject};
use domain::EventKind;
use ledger::{EventFilter, IntegrationState, Page};
use web::{
    App,
    access::{Access, Caller},
    body, callback_path,
    configure::configure,
    problem::{Code, Problem},
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/", Page, "", home),
        Route::new(Post, "/projects", Form, "", make_project),
        Route::new(Get, "/projects/{project}/start", Page, "", start),
    ]
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomeTemplate {
    may_write: bool,
    name: String,
    key: String,
    problems: Vec<String>,
}

/// `GET /`: the first project the caller reaches, or the start.
pub(crate) async fn home(State(app): State<App>, caller: Caller) -> Response {
    match reached(&app, &caller).first() {
        Some((key, _)) => Redirect::to(&format!("/projects/{key}")).into_response(),
        None => html(&WelcomeTemplate {
            may_write: caller.scope >= ledger::Scope::Write && caller.project.is_none(),
            name: String::new(),
            key: String::new(),
            problems: Vec::new(),
        }),
    }
}

/// `My App` as a key: `my-app`.
fn key_of(name: &str) -> String {
    let letters = name.to_lowercase();
    let words: Vec<&str> = letters
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.join("-").chars().take(64).collect()
}

/// `POST /projects`.
pub(crate) async fn make_project(
    State(app): State<App>,
    caller: Caller,
    request: Request<Body>,
) -> Result<Response, Problem> {
    if caller.project.is_some() {
        let problem = "you reach one project only, and may not make another";
        return Err(Problem::new(Code::Forbidden, problem));
    }
    let sent = Sent::read(&body::read(request).await?);
    let name = sent.text("name").to_owned();
    let key = match sent.text("key") {
        "" => key_of(&name),
        key => key.to_owned(),
    };
    let mut problems = Vec::new();
    if app.engine.setup().find_project(&key).is_some() {
        problems.push(format!("there is a project {key:?} already"));
    } else {
        let desired = Desired {
            project: DesiredProject {
                key: key.clone(),
                name: form::name(&sent, "name"),
                ..DesiredProject::default()
            },
            ..Desired::default()
        };
        match configure(&app, &caller, &desired).await? {
            Ok(_) => return Ok(done(&format!("/projects/{key}/start"), "added")),
            Err(found) => problems.extend(found.into_iter().map(|problem| problem.message)),
        }
    }
    let page = WelcomeTemplate {
        may_write: true,
        name,
        key,
        problems,
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
}

/// An app on the way to its first message.
struct AppStep {
    key: String,
    name: String,
    callback: String,
    heard: bool,
}

#[derive(Template)]
#[template(path = "start.html")]
struct StartTemplate {
    shell: Shell,
    apps: Vec<AppStep>,
    heard: bool,
    /// Key, name and how it stands.
    integrations: Vec<(String, String, &'static str)>,
    tested: bool,
}

/// Whether a project lives: a store was heard, or purchases are stated to it, and there is somebody to tell. Until then every
/// page leads back to the start.
pub(super) async fn is_over(app: &App, project: &InProject) -> Result<bool, Problem> {
    if project.integrations().is_empty() {
        return Ok(false);
    }
    let apps = &project.setup.configuration.apps;
    for row in apps.iter().filter(|row| row.project == project.id) {
        if callback_path(row).is_none() || app.engine.intake().last_heard(row.id).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `GET /projects/{project}/start`.
pub(crate) async fn start(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut apps = Vec::new();
    let configuration = &project.setup.configuration;
    for row in configuration
        .apps
        .iter()
        .filter(|row| row.project == project.id)
    {
        apps.push(AppStep {
            key: row.key.clone(),
            name: row.name.clone(),
            callback: callback_path(row)
                .map(|path| format!("{}{path}", app.engine.public_url()))
                .unwrap_or_default(),
            heard: app.engine.intake().last_heard(row.id).await?.is_some(),
        });
    }
    let integrations = project.integrations().iter().map(|active| {
        let standing = super::integrations::Standing::of(&app, active);
        (
            active.row.key.clone(),
            active.row.name.clone(),
            standing.state,
        )
    });
    let filter = EventFilter {
        project: Some(project.id),
        kinds: vec![EventKind::Test],
        ..EventFilter::default()
    };
    let tests = app
        .engine
        .ledger()
        .events(&filter, Page::Before(None, 20))
        .await?;
    let is_delivered = |state: &IntegrationState| {
        matches!(
            state,
            IntegrationState::Delivery {
                state: ledger::DeliveryState::Delivered,
                ..
            }
        )
    };
    let tested = tests
        .iter()
        .flat_map(|row| &row.integrations)
        .any(|(_, state)| is_delivered(state));
    Ok(html(&StartTemplate {
        shell: Shell::load(&app, &project, "start", &uri).await?,
        integrations: integrations.collect(),
        heard: apps.iter().any(|app| app.heard),
        apps,
        tested,
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_make_keys() {
        for (name, key) in [("My App!", "my-app"), ("  Größe 2 ", "gr-e-2"), ("!!", "")] {
            assert_eq!(super::key_of(name), key);
        }
    }
}
