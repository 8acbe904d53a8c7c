//! Apps and stores: how each hears its store, whether that works, and what waits for it.

use super::{Shell, clock, done, encode, exact, html};
use crate::{
    Dashboard,
    form::{self, Field, Placed, Sent, Shown},
};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, Uri},
    response::{IntoResponse, Response},
};
use configuration::{
    self as desired, APPS, AppSpec, Desired, DesiredApp, DesiredProject, Given, Settings, Stored,
    app_spec, masked,
};
use domain::Store;
use serde_json::{Value, json};
use sources::{Probe, ProbeOutcome};
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    body, callback_path,
    configure::configure,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/projects/{project}/apps", Page, "", apps),
        Route::new(
            Get,
            "/projects/{project}/apps/new/{store}",
            Page,
            "",
            new_app,
        ),
        Route::new(
            Post,
            "/projects/{project}/apps/new/{store}",
            Form,
            "",
            add_app,
        ),
        Route::new(Get, "/projects/{project}/apps/{key}", Page, "", app),
        Route::new(Post, "/projects/{project}/apps/{key}", Form, "", save_app),
        Route::new(
            Post,
            "/projects/{project}/apps/{key}/check",
            Form,
            "",
            check,
        ),
        Route::new(
            Post,
            "/projects/{project}/apps/{key}/parked/{message}",
            Form,
            "",
            retry_parked,
        ),
    ]
}

/// Waiting messages that are shown of an app.
const MOST_SHOWN: usize = 200;

fn spec_of(store: Store) -> Result<&'static AppSpec, Problem> {
    app_spec(store).ok_or_else(|| Problem::not_found("store", store.id()))
}

fn spec_named(store: &str) -> Result<&'static AppSpec, Problem> {
    let store = Store::from_id(store).ok_or_else(|| Problem::not_found("store", store))?;
    spec_of(store)
}

/// One line of the list.
struct Line {
    key: String,
    name: String,
    store: &'static str,
    callback: String,
    problem: String,
    parked: u64,
    /// When a message of its store came last.
    heard: String,
}

async fn line(app: &App, project: &InProject, row: &ledger::App) -> Result<Line, Problem> {
    let waiting = super::stuck(app, project.id).await?;
    let waiting = waiting.iter().find(|waiting| waiting.app == row.id);
    let heard = app.engine.intake().last_heard(row.id).await?;
    let source = project.setup.app(row.id).map(|app| &app.source);
    Ok(Line {
        key: row.key.clone(),
        name: row.name.clone(),
        store: row.store().title(),
        callback: callback_path(row)
            .map(|path| format!("{}{path}", app.engine.public_url()))
            .unwrap_or_default(),
        problem: source
            .and_then(|source| source.as_ref().err().cloned())
            .unwrap_or_default(),
        parked: waiting.map_or(0, |waiting| waiting.count),
        heard: heard.map(exact).unwrap_or_default(),
    })
}

#[derive(Template)]
#[template(path = "apps.html")]
struct ListTemplate {
    shell: Shell,
    apps: Vec<Line>,
    /// Id and name.
    stores: Vec<(&'static str, &'static str)>,
}

fn rows(project: &InProject) -> impl Iterator<Item = &ledger::App> {
    let all = project.setup.configuration.apps.iter();
    all.filter(|row| row.project == project.id)
}

/// `GET /projects/{project}/apps`.
pub(crate) async fn apps(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut lines = Vec::new();
    for row in rows(&project) {
        lines.push(line(&app, &project, row).await?);
    }
    Ok(html(&ListTemplate {
        shell: Shell::load(&app, &project, "apps", &uri).await?,
        apps: lines,
        stores: APPS
            .iter()
            .map(|spec| (spec.store.id(), spec.store.title()))
            .collect(),
    }))
}

/// A message that waits.
struct Waiting {
    id: String,
    title: String,
    at: String,
    at_short: String,
    reason: String,
    tries: u32,
    next: String,
}

/// What a store said when it was asked whether the settings work.
struct Finding {
    what: String,
    color: &'static str,
    outcome: &'static str,
    detail: String,
}

impl Finding {
    fn of(probe: &Probe) -> Self {
        let environment = probe.environment.map_or("", domain::Environment::id);
        let (color, outcome, detail) = match &probe.outcome {
            ProbeOutcome::Works(seen) => ("green", "works", seen.clone()),
            ProbeOutcome::Waiting(_) => (
                "blue",
                "waiting",
                "the store has not said yet how it went; check again in a minute".into(),
            ),
            ProbeOutcome::Fails { detail, .. } => ("red", "fails", detail.clone()),
        };
        Self {
            what: format!("{} {environment}", probe.asked),
            color,
            outcome,
            detail,
        }
    }
}

#[derive(Template)]
#[template(path = "app.html")]
struct AppTemplate {
    shell: Shell,
    action: String,
    store: &'static str,
    instructions: &'static str,
    key: String,
    name: String,
    line: Option<Line>,
    findings: Option<Vec<Finding>>,
    waiting: Vec<Waiting>,
    fields: Vec<Shown>,
    problems: Vec<String>,
}

/// What a form holds besides what is stored.
struct Draft {
    spec: &'static AppSpec,
    key: String,
    name: String,
    settings: Value,
    problems: Vec<desired::Problem>,
    findings: Option<Vec<Finding>>,
}

fn fields(spec: &AppSpec) -> Vec<Field> {
    spec.fields.iter().map(Field::from).collect()
}

/// The stored settings, secrets masked.
fn stored(app: &App, spec: &AppSpec, row: &ledger::App) -> Value {
    let stored = Stored::of_app(app.engine.vault(), row);
    masked(spec.fields, &stored.settings).into()
}

async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
    row: Option<&ledger::App>,
    draft: Draft,
) -> Result<Response, Problem> {
    let base = format!("/projects/{}/apps", project.key);
    let known: Vec<Field> = fields(draft.spec);
    let placed = Placed::of(draft.problems, &known);
    let status = placed.status();
    let shown = known
        .iter()
        .map(|field| field.show(&draft.settings, &[], placed.beside(field.name)));
    let fields = shown.collect();
    let (mut waiting, mut state) = (Vec::new(), None);
    if let Some(row) = row {
        let now = app.engine.system().now();
        let ledger = app.engine.ledger();
        let parked = ledger
            .parked(project.id, Some(row.id), None, MOST_SHOWN)
            .await?;
        waiting = parked
            .into_iter()
            .filter(|parked| !parked.is_under_way(now))
            .map(|parked| Waiting {
                id: parked.message.id.to_string(),
                title: parked.message.title,
                at: exact(parked.message.received_at),
                at_short: clock(parked.message.received_at),
                reason: parked.reason,
                tries: parked.tries,
                next: exact(parked.retry_at),
            })
            .collect();
        state = Some(line(app, project, row).await?);
    }
    let html = html(&AppTemplate {
        shell: Shell::load(app, project, "apps", uri).await?,
        action: match row {
            Some(row) => format!("{base}/{}", row.key),
            None => format!("{base}/new/{}", draft.spec.store.id()),
        },
        store: draft.spec.store.title(),
        instructions: draft.spec.instructions,
        key: draft.key,
        name: draft.name,
        line: state,
        findings: draft.findings,
        waiting,
        fields,
        problems: placed.above,
    });
    Ok((status, html).into_response())
}

fn find<'a>(project: &'a InProject, key: &str) -> Result<&'a ledger::App, Problem> {
    rows(project)
        .find(|row| row.key == key)
        .ok_or_else(|| Problem::not_found("app", key))
}

fn draft_of(app: &App, row: &ledger::App) -> Result<Draft, Problem> {
    let spec = spec_of(row.store())?;
    Ok(Draft {
        spec,
        key: row.key.clone(),
        name: row.name.clone(),
        settings: stored(app, spec, row),
        problems: Vec::new(),
        findings: None,
    })
}

/// `GET /projects/{project}/apps/{key}`.
pub(crate) async fn app(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = find(&project, &key)?;
    let draft = draft_of(&app, row)?;
    page(&app, &project, &uri, Some(row), draft).await
}

/// `POST /projects/{project}/apps/{key}/check`: asks the store, and shows what it said.
pub(crate) async fn check(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = find(&project, &key)?;
    let probes = app.engine.intake().probe(row.id).await?;
    let mut draft = draft_of(&app, row)?;
    draft.findings = Some(probes.iter().map(Finding::of).collect());
    page(&app, &project, &uri, Some(row), draft).await
}

/// `GET /projects/{project}/apps/new/{store}`.
pub(crate) async fn new_app(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, store)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let spec = spec_named(&store)?;
    let usual = match spec.store {
        Store::AppStore => "ios",
        Store::PlayStore => "android",
        Store::Stripe => "web",
        Store::External | Store::Promotional => "shop",
    };
    let draft = Draft {
        spec,
        key: usual.into(),
        name: String::new(),
        settings: match spec.store {
            Store::AppStore => json!({ "environments": ["production", "sandbox"] }),
            _ => json!({}),
        },
        problems: Vec::new(),
        findings: None,
    };
    page(&app, &project, &uri, None, draft).await
}

/// What a form says of the settings of an app.
fn given(spec: &AppSpec, sent: &Sent, known: &Value) -> (Settings, Vec<desired::Problem>) {
    let (settings, problems) = form::settings(&fields(spec), sent, known, &[]);
    let problems = problems
        .into_iter()
        .map(|(field, message)| desired::Problem {
            path: vec![field],
            message,
        });
    (settings, problems.collect())
}

/// `POST /projects/{project}/apps/{key}`.
pub(crate) async fn save_app(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, key)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let row = find(&project, &key)?;
    put(&app, &project, &uri, spec_of(row.store())?, Some(row), sent).await
}

/// `POST /projects/{project}/apps/new/{store}`.
pub(crate) async fn add_app(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, store)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    put(&app, &project, &uri, spec_named(&store)?, None, sent).await
}

async fn put(
    app: &App,
    project: &InProject,
    uri: &Uri,
    spec: &'static AppSpec,
    row: Option<&ledger::App>,
    sent: Sent,
) -> Result<Response, Problem> {
    let known = row.map_or(json!({}), |row| stored(app, spec, row));
    let (settings, mut problems) = given(spec, &sent, &known);
    let key = row.map_or_else(|| sent.text("app.key").to_owned(), |row| row.key.clone());
    let name = sent.text("app.name").to_owned();
    if row.is_none() && find(project, &key).is_ok() {
        problems.push(desired::Problem {
            path: vec!["key".into()],
            message: format!("there is an app {key:?} already"),
        });
    }
    if problems.is_empty() {
        let wanted = DesiredApp {
            name: form::name(&sent, "app.name"),
            store: Given::Set(spec.store.id().into()),
            settings: settings.clone(),
        };
        let desired = Desired {
            project: DesiredProject {
                key: project.key.clone(),
                ..DesiredProject::default()
            },
            apps: BTreeMap::from([(key.clone(), wanted)]),
            ..Desired::default()
        };
        match configure(app, &project.caller, &desired).await? {
            Ok(_) => {
                let notice = if row.is_some() { "saved" } else { "added" };
                let path = format!("/projects/{}/apps/{}", project.key, encode(&key));
                return Ok(done(&path, notice));
            }
            Err(found) => problems = found,
        }
    }
    let draft = Draft {
        spec,
        key,
        name,
        settings: form::shown_again(&fields(spec), &settings, &known),
        problems,
        findings: None,
    };
    page(app, project, uri, row, draft).await
}

/// `POST /projects/{project}/apps/{key}/parked/{message}`: one waiting message, or `all` of the project.
pub(crate) async fn retry_parked(
    State(app): State<App>,
    project: InProject,
    Path((_, key, message)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let row = find(&project, &key)?;
    let id = match message.as_str() {
        "all" => None,
        id => Some(parse("message", id)?),
    };
    let now = app.engine.system().now();
    app.engine.ledger().unpark(project.id, id, now).await?;
    project.did(&app, "retry waiting messages of", &key).await?;
    let path = format!("/projects/{}/apps/{}", project.key, encode(&row.key));
    Ok(done(&path, "retried"))
}
