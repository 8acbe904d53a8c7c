//! The way in: to a project, or to making the first one.
//!
//! Tests: `crates/dashboard/tests/sections/start.rs`.

use crate::{
    filters,
    form::{Form, Trimmed, given},
    respond::{done, html, refused},
    shell::reached,
    state::Dashboard,
};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use configuration::{Desired, DesiredProject};
use engine::Setup;
use serde::Deserialize;
use std::sync::Arc;
use web::{
    App,
    access::{Access, Caller},
    audit::Effect,
    configure::configure_unless,
    problem::{Code, Problem},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Page};
    use Effect::Configures;
    use Method::{Get, Post};
    vec![
        Route::page(Get, "/", Page, home),
        Route::page(Post(Configures), "/projects", Form, make_project),
    ]
}

#[derive(Template)]
#[template(path = "start/welcome.html")]
struct WelcomeTemplate {
    may_write: bool,
    name: String,
    key: String,
    problems: Vec<String>,
}

/// `GET /`: the first project the caller reaches, or the start.
async fn home(State(app): State<App>, caller: Caller) -> Response {
    match reached(&app, &caller).first() {
        Some(first) => Redirect::to(&format!("/projects/{}", first.value)).into_response(),
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

/// The form of a new project.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct NewProjectForm {
    name: Option<Trimmed>,
    /// Made of the name when empty.
    key: Trimmed,
}

/// `POST /projects`.
async fn make_project(
    State(app): State<App>,
    caller: Caller,
    Form(sent): Form<NewProjectForm>,
) -> Result<Response, Problem> {
    if caller.project.is_some() {
        let problem = "you reach one project only, and may not make another";
        return Err(Problem::new(Code::Forbidden, problem));
    }
    let name = String::from(sent.name.clone().unwrap_or_default());
    let key = match &*sent.key {
        "" => key_of(&name),
        key => key.to_owned(),
    };
    let desired = Desired {
        project: DesiredProject {
            key: key.clone(),
            name: given(sent.name),
            ..DesiredProject::default()
        },
        ..Desired::default()
    };
    let taken = |setup: &Arc<Setup>| {
        let taken = setup.find_project(&key).map(|_| configuration::Problem {
            path: vec!["project".into(), "key".into()],
            message: format!("there is a project {key:?} already"),
        });
        Vec::from_iter(taken)
    };
    let problems = match configure_unless(&app, &caller, &desired, taken).await? {
        Ok(_) => return Ok(done(&format!("/projects/{key}/start"), "added")),
        Err(problems) => problems
            .into_iter()
            .map(|problem| problem.message)
            .collect(),
    };
    let page = WelcomeTemplate {
        may_write: true,
        name,
        key,
        problems,
    };
    Ok(refused(&page))
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
