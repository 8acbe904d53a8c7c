//! The page of a project's settings: how purchases move between customers, how far back news reaches, which keys there are.
//!
//! Tests: `crates/dashboard/tests/sections/settings.rs`.

use crate::{
    filters,
    form::{Field, FormId, Kind, Placed},
    respond::{html, refused},
    shell::{Place, Shell},
    state::Dashboard,
    text::exact,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use ledger::{ApiKey, Scope, TransferBehaviour};
use serde_json::json;
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/settings";
    vec![Route::page(Method::Get, path, Access::Page, settings)]
}

/// What becomes of a purchase that is sent in for another customer.
pub(super) struct Behaviour {
    pub(super) word: &'static str,
    title: &'static str,
}

pub(super) const BEHAVIOURS: [Behaviour; 4] = [
    Behaviour {
        word: "transfer",
        title: "It moves to whoever sends it in",
    },
    Behaviour {
        word: "transfer_if_inactive",
        title: "It moves, unless it is an active subscription",
    },
    Behaviour {
        word: "keep",
        title: "It stays, and the other is refused",
    },
    Behaviour {
        word: "share",
        title: "The two become one customer",
    },
];

const fn text(name: &'static str) -> Field {
    Field::new(name, Kind::Text)
}

/// Fields of the project's form, for the problems beside them.
const FIELDS: [Field; 4] = [
    text("name"),
    text("window"),
    text("transfer"),
    text("sandbox_transfer"),
];

struct KeyLine {
    id: String,
    name: String,
    scope: &'static str,
    reach: &'static str,
    since: String,
}

impl KeyLine {
    fn of(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            scope: match key.scope {
                Scope::Client => "public, for clients",
                Scope::Read => "read",
                Scope::Write => "read and write",
            },
            reach: match key.project {
                Some(_) => "this project",
                None => "all projects",
            },
            since: exact(key.created_at),
        }
    }
}

#[derive(Template)]
#[template(path = "settings/page.html")]
struct SettingsTemplate {
    shell: Shell,
    window: u32,
    transfer: String,
    sandbox_transfer: String,
    behaviours: [Behaviour; 4],
    keys: Vec<KeyLine>,
    may_manage: bool,
    /// A key that was made just now. It is shown once.
    made: String,
    /// The id of the form that makes one.
    form: String,
    /// The day of the newest rates; `None` for who reaches this project only, since they serve them all.
    rates: Option<String>,
    placed: Placed,
}

fn word(behaviour: TransferBehaviour) -> String {
    json!(behaviour).as_str().unwrap_or_default().to_owned()
}

/// The page, with the key that was made just now and what is wrong with a form, if any.
pub(super) async fn page(
    app: &App,
    at: Place<'_>,
    made: String,
    problems: Vec<configuration::Problem>,
) -> Result<Response, Problem> {
    let project = at.project;
    let setup = app.engine.setup();
    let compiled = setup
        .project(project.id)
        .ok_or_else(|| Problem::not_found("project", &project.key))?;
    let row = &compiled.row;
    let keys = setup.configuration.api_keys.iter();
    let reaching = keys.filter(|key| {
        let reaches = key.project.is_none_or(|only| only == project.id);
        reaches && project.caller.may_know(key.project)
    });
    let newest = app.engine.rates().newest();
    let newest = newest.map(|day| day.to_string()).unwrap_or_default();
    let placed = Placed::of(problems, &FIELDS);
    let is_right = placed.is_empty();
    let page = SettingsTemplate {
        shell: Shell::load(app, at, "settings").await?,
        window: row.historical_window_hours,
        transfer: word(row.transfer_behaviour),
        sandbox_transfer: row.sandbox_transfer_behaviour.map(word).unwrap_or_default(),
        behaviours: BEHAVIOURS,
        keys: reaching.map(KeyLine::of).collect(),
        may_manage: project.caller.may_manage(),
        made,
        form: FormId::fresh(app.engine.system()),
        rates: project.caller.reaches_all().then_some(newest),
        placed,
    };
    Ok(if is_right {
        html(&page)
    } else {
        refused(&page)
    })
}

/// `GET /projects/{project}/settings`.
async fn settings(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    page(&app, Place::of(&project, &uri), String::new(), Vec::new()).await
}
