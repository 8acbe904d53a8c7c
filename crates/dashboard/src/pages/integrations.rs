//! Integrations: how each stands, what it was sent last, its settings, and what they would send.

use super::{Shell, clock, done, encode, exact, html, indented};
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
    self as desired, Desired, DesiredIntegration, DesiredProject, Given, Settings, Stored, masked,
    merged,
};
use destinations::{Context, Spec};
use domain::{Event, NotSent};
use engine::ActiveIntegration;
use ledger::{
    ConfigurationChange, DeliveryFilter, DeliveryRecord, DeliveryState, EventFilter, Integration,
    Page, Verification,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    body,
    configure::configure,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Page};
    use Method::{Get, Post};
    vec![
        Route::new(
            Get,
            "/projects/{project}/integrations",
            Page,
            "",
            integrations,
        ),
        Route::new(
            Get,
            "/projects/{project}/integrations/new/{destination}",
            Page,
            "",
            new_integration,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/new/{destination}",
            Form,
            "",
            add,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/new/{destination}/preview",
            Form,
            "",
            preview_new,
        ),
        Route::new(
            Get,
            "/projects/{project}/integrations/{key}",
            Page,
            "",
            integration,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/{key}",
            Form,
            "",
            save,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/{key}/preview",
            Form,
            "",
            preview,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/{key}/test",
            Form,
            "",
            send_test,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/{key}/verify",
            Form,
            "",
            verify,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/{key}/pause",
            Form,
            "",
            pause,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/{key}/resume",
            Form,
            "",
            resume,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/{key}/retry",
            Form,
            "",
            retry_failed,
        ),
        Route::new(
            Post,
            "/projects/{project}/integrations/{key}/remove",
            Form,
            "",
            remove,
        ),
    ]
}

/// Deliveries shown.
const SHOWN: usize = 25;
/// How many deliveries back the last one that was accepted is looked for.
const LOOK_BACK: usize = 50;
/// Past events offered for a preview.
const SAMPLES: usize = 20;

/// How an integration stands.
pub(super) struct Standing {
    pub(super) state: &'static str,
    pub(super) color: &'static str,
    problem: String,
}

impl Standing {
    pub(super) fn of(app: &App, active: &ActiveIntegration) -> Self {
        let problem = match (&active.configured, &active.row.verification) {
            (Err(problem), _) | (Ok(_), Verification::Failed { problem, .. }) => problem.clone(),
            _ => String::new(),
        };
        let is_failing = || {
            let lanes = app.engine.dispatch().lanes();
            lanes
                .iter()
                .any(|(id, lane)| *id == active.row.id && lane.breaker_open)
        };
        let (state, color) = match active.held() {
            Some(NotSent::IntegrationPaused) => ("paused", "blue"),
            Some(NotSent::EndpointUnverified) if problem.is_empty() => ("verifying", "blue"),
            Some(NotSent::EndpointUnverified) => ("not verified", "red"),
            Some(_) => ("not usable", "red"),
            None if is_failing() => ("failing", "red"),
            None => ("working", "green"),
        };
        Self {
            state,
            color,
            problem,
        }
    }

    pub(super) fn is_trouble(&self) -> bool {
        self.color == "red"
    }
}

/// One line of the list.
struct Line {
    key: String,
    name: String,
    destination: &'static str,
    state: &'static str,
    color: &'static str,
    problem: String,
    paused: bool,
    waiting: u64,
    delivered: String,
    failed: String,
    reason: String,
}

async fn newest(
    app: &App,
    project: &InProject,
    active: &ActiveIntegration,
    state: Option<DeliveryState>,
    limit: usize,
) -> Result<Vec<DeliveryRecord>, Problem> {
    let filter = DeliveryFilter {
        project: Some(project.id),
        integration: Some(active.row.id),
        state,
    };
    Ok(app.engine.ledger().deliveries(&filter, None, limit).await?)
}

async fn line(
    app: &App,
    project: &InProject,
    active: &ActiveIntegration,
    backlog: &BTreeMap<domain::IntegrationId, u64>,
) -> Result<Line, Problem> {
    let standing = Standing::of(app, active);
    let last = |record: &DeliveryRecord| {
        let at = record
            .last
            .as_ref()
            .map_or(record.accepted_at, |last| last.at);
        exact(at)
    };
    let recent = newest(app, project, active, None, LOOK_BACK).await?;
    let delivered = recent
        .iter()
        .find(|record| record.state == DeliveryState::Delivered);
    let failed = newest(app, project, active, Some(DeliveryState::Failed), 1).await?;
    Ok(Line {
        key: active.row.key.clone(),
        name: active.row.name.clone(),
        destination: active.spec.title,
        state: standing.state,
        color: standing.color,
        problem: standing.problem,
        paused: active.row.paused,
        waiting: backlog.get(&active.row.id).copied().unwrap_or(0),
        delivered: delivered.map(last).unwrap_or_default(),
        failed: failed.first().map(last).unwrap_or_default(),
        reason: failed
            .first()
            .and_then(|record| record.reason)
            .map(|reason| reason.id().replace('_', " "))
            .unwrap_or_default(),
    })
}

async fn backlog(app: &App) -> Result<BTreeMap<domain::IntegrationId, u64>, Problem> {
    Ok(app.engine.ledger().backlog().await?.into_iter().collect())
}

#[derive(Template)]
#[template(path = "integrations.html")]
struct ListTemplate {
    shell: Shell,
    integrations: Vec<Line>,
    catalogue: Vec<&'static Spec>,
    /// What the catalogue is searched for.
    asked: String,
}

/// Whether every word that is searched for begins a word of what a destination is called or does.
fn matches(spec: &Spec, asked: &str) -> bool {
    let text = format!("{} {} {}", spec.title, spec.key, spec.summary).to_lowercase();
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_alphanumeric())
        .collect();
    asked
        .to_lowercase()
        .split_whitespace()
        .all(|part| words.iter().any(|word| word.starts_with(part)))
}

/// `GET /projects/{project}/integrations`.
pub(crate) async fn integrations(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let sent = Sent::read(uri.query().unwrap_or_default().as_bytes());
    let asked = sent.text("find").to_owned();
    let waiting = backlog(&app).await?;
    let mut lines = Vec::new();
    for active in project.integrations() {
        lines.push(line(&app, &project, active, &waiting).await?);
    }
    Ok(html(&ListTemplate {
        shell: Shell::load(&app, &project, "integrations", &uri).await?,
        integrations: lines,
        catalogue: destinations::ALL
            .iter()
            .map(|destination| destination.spec())
            .filter(|spec| matches(spec, &asked))
            .collect(),
        asked,
    }))
}

/// A delivery as people read it.
struct SentRow {
    id: String,
    event: String,
    at: String,
    at_short: String,
    title: &'static str,
    message: String,
    state: &'static str,
    color: &'static str,
    text: String,
    next: String,
    attempts: u32,
    request: String,
    answer: String,
}

impl SentRow {
    fn of(record: DeliveryRecord) -> Self {
        let is_pending = record.state == DeliveryState::Pending;
        let color = match record.state {
            DeliveryState::Delivered => "green",
            DeliveryState::Pending if record.attempts == 0 => "blue",
            DeliveryState::Pending | DeliveryState::Failed => "red",
        };
        let answer = record.last.as_ref().map(|last| {
            let status = last
                .status
                .map_or("no answer".into(), |status| status.to_string());
            let said = [last.detail.as_str(), last.response.as_str()];
            let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
            format!(
                "{status} after {} ms\n{}",
                last.duration_ms,
                said.join("\n")
            )
        });
        let request = record.request.as_ref().map(as_text);
        Self {
            id: record.id.to_string(),
            event: record.event.to_string(),
            at: exact(record.accepted_at),
            at_short: clock(record.accepted_at),
            title: record.kind.title(),
            message: record.message.name,
            state: record.state.id(),
            color,
            text: match record.reason {
                Some(reason) => reason.text().to_owned(),
                None if record.waits => {
                    "Waits for an earlier event of the same customer, which comes first.".into()
                }
                None => String::new(),
            },
            next: if is_pending && !record.waits {
                exact(record.due_at)
            } else {
                String::new()
            },
            attempts: record.attempts,
            request: request.unwrap_or_default(),
            answer: answer.unwrap_or_default(),
        }
    }
}

#[derive(Template)]
#[template(path = "integration.html")]
struct IntegrationTemplate {
    shell: Shell,
    spec: &'static Spec,
    /// Where its forms go.
    action: String,
    key: String,
    name: String,
    line: Option<Line>,
    failed: usize,
    sent: Vec<SentRow>,
    fields: Vec<Shown>,
    problems: Vec<String>,
    /// Events offered for a preview: id and what it is.
    samples: Vec<(String, String)>,
    chosen: String,
    /// Name and request of every message.
    preview: Option<Vec<(String, String)>>,
    handshakes: Vec<HandshakeLine>,
    needs_handshake: bool,
}

/// A handshake as people read it.
struct HandshakeLine {
    endpoint: &'static str,
    at: String,
    color: &'static str,
    outcome: String,
    request: String,
    answer: String,
}

impl HandshakeLine {
    fn of(made: engine::Handshake) -> Self {
        let status = made
            .status
            .map_or("no answer".to_owned(), |status| status.to_string());
        Self {
            endpoint: made.endpoint,
            at: exact(made.at),
            color: if made.problem.is_none() {
                "green"
            } else {
                "red"
            },
            outcome: made.problem.unwrap_or_else(|| "passed".to_owned()),
            request: as_text(&made.request),
            answer: format!(
                "{status} after {} ms\n{}",
                made.took.as_millis(),
                made.answer
            ),
        }
    }
}

/// A request as it goes over the wire, secrets masked.
fn as_text(request: &ledger::SentRequest) -> String {
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"));
    format!(
        "{} {}\n{}\n{}",
        request.verb(),
        request.url,
        headers.collect::<String>(),
        indented(&request.body)
    )
}

/// What a form holds besides what is stored.
#[derive(Default)]
struct Draft {
    key: String,
    name: String,
    settings: Value,
    problems: Vec<desired::Problem>,
    /// The event of a preview, and what would be sent.
    preview: Option<(String, Vec<(String, String)>)>,
}

fn fields(spec: &'static Spec) -> Vec<Field> {
    spec.fields.iter().map(Field::from).collect()
}

/// The stored settings, secrets masked.
fn stored(app: &App, active: &ActiveIntegration) -> Value {
    let stored = Stored::of_integration(app.engine.vault(), &active.row);
    masked(active.spec.fields, &stored.settings).into()
}

/// The page of an integration that is there, or is about to be.
async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
    spec: &'static Spec,
    active: Option<&ActiveIntegration>,
    draft: Draft,
) -> Result<Response, Problem> {
    let base = format!("/projects/{}/integrations", project.key);
    let described = fields(spec);
    let placed = Placed::of(draft.problems, &described);
    let status = placed.status();
    let shown = described
        .iter()
        .map(|field| field.show(&draft.settings, spec.events, placed.beside(field.name)));
    let fields = shown.collect();
    let (mut sent, mut failed, mut state) = (Vec::new(), 0, None);
    if let Some(active) = active {
        let rows = newest(app, project, active, None, SHOWN).await?;
        sent = rows.into_iter().map(SentRow::of).collect();
        failed = newest(app, project, active, Some(DeliveryState::Failed), 1)
            .await?
            .len();
        state = Some(line(app, project, active, &backlog(app).await?).await?);
    }
    let filter = EventFilter {
        project: Some(project.id),
        ..EventFilter::default()
    };
    let past = app
        .engine
        .ledger()
        .events(&filter, Page::Before(None, SAMPLES))
        .await?;
    let samples = past.iter().map(|row| {
        let event = &row.event;
        let what = format!(
            "{} · {} · {}",
            event.kind.title(),
            event.customer.app_user_id,
            clock(event.recorded_at)
        );
        (event.id.to_string(), what)
    });
    let (chosen, preview) = draft.preview.unzip();
    let html = html(&IntegrationTemplate {
        shell: Shell::load(app, project, "integrations", uri).await?,
        spec,
        action: match active {
            Some(active) => format!("{base}/{}", active.row.key),
            None => format!("{base}/new/{}", spec.key),
        },
        key: draft.key,
        name: draft.name,
        line: state,
        failed,
        sent,
        fields,
        problems: placed.above,
        samples: samples.collect(),
        chosen: chosen.unwrap_or_default(),
        preview,
        needs_handshake: active
            .and_then(|active| active.configured.as_ref().ok())
            .is_some_and(|configured| !configured.handshakes("").is_empty()),
        handshakes: active
            .map(|active| app.engine.dispatch().last_handshakes(active.row.id))
            .unwrap_or_default()
            .into_iter()
            .map(HandshakeLine::of)
            .collect(),
    });
    Ok((status, html).into_response())
}

fn draft_of(app: &App, active: &ActiveIntegration) -> Draft {
    Draft {
        key: active.row.key.clone(),
        name: active.row.name.clone(),
        settings: stored(app, active),
        ..Draft::default()
    }
}

/// `GET /projects/{project}/integrations/{key}`.
pub(crate) async fn integration(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let active = project.integration(&key)?;
    let draft = draft_of(&app, active);
    page(&app, &project, &uri, active.spec, Some(active), draft).await
}

fn spec_of(destination: &str) -> Result<&'static Spec, Problem> {
    destinations::find(destination)
        .map(destinations::Destination::spec)
        .ok_or_else(|| Problem::not_found("destination", destination))
}

/// `GET /projects/{project}/integrations/new/{destination}`.
pub(crate) async fn new_integration(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, destination)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let spec = spec_of(&destination)?;
    let taken = |key: &str| project.integration(key).is_ok();
    let mut key = spec.key.to_owned();
    let mut number = 1;
    while taken(&key) {
        number += 1;
        key = format!("{}-{number}", spec.key);
    }
    let draft = Draft {
        key,
        name: spec.title.into(),
        settings: json!({}),
        ..Draft::default()
    };
    page(&app, &project, &uri, spec, None, draft).await
}

/// What was given for one integration: the one that is there, or a new one.
struct Submitted<'a> {
    spec: &'static Spec,
    active: Option<&'a ActiveIntegration>,
    key: String,
    name: String,
    settings: Settings,
    /// What is stored, secrets masked.
    known: Value,
    problems: Vec<desired::Problem>,
    sent: Sent,
}

async fn given<'a>(
    app: &App,
    (spec, active): (&'static Spec, Option<&'a ActiveIntegration>),
    request: Request<Body>,
) -> Result<Submitted<'a>, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let known = active.map_or(json!({}), |active| stored(app, active));
    let (settings, problems) = form::settings(&fields(spec), &sent, &known, spec.events);
    let key = active.map_or_else(
        || sent.text("integration.key").to_owned(),
        |active| active.row.key.clone(),
    );
    let name = match sent.text("integration.name") {
        "" => key.clone(),
        name => name.to_owned(),
    };
    let problems = problems
        .into_iter()
        .map(|(field, message)| desired::Problem {
            path: vec!["settings".into(), field],
            message,
        });
    Ok(Submitted {
        spec,
        active,
        problems: problems.collect(),
        key,
        name,
        settings,
        known,
        sent,
    })
}

impl Submitted<'_> {
    fn draft(self, preview: Option<(String, Vec<(String, String)>)>) -> Draft {
        Draft {
            key: self.key,
            name: self.name,
            settings: form::shown_again(&fields(self.spec), &self.settings, &self.known),
            problems: self.problems,
            preview,
        }
    }
}

/// `POST /projects/{project}/integrations/{key}`.
pub(crate) async fn save(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, key)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let active = project.integration(&key)?;
    let given = given(&app, (active.spec, Some(active)), request).await?;
    put(&app, &project, &uri, given).await
}

/// `POST /projects/{project}/integrations/new/{destination}`.
pub(crate) async fn add(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, destination)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let given = given(&app, (spec_of(&destination)?, None), request).await?;
    put(&app, &project, &uri, given).await
}

async fn put(
    app: &App,
    project: &InProject,
    uri: &Uri,
    mut given: Submitted<'_>,
) -> Result<Response, Problem> {
    let is_taken = given.active.is_none() && project.integration(&given.key).is_ok();
    if is_taken {
        given.problems.push(desired::Problem {
            path: vec!["key".into()],
            message: format!("there is an integration {:?} already", given.key),
        });
    }
    if given.problems.is_empty() {
        let wanted = DesiredIntegration {
            name: form::name(&given.sent, "integration.name"),
            destination: Given::Set(given.spec.key.into()),
            paused: Given::Keep,
            settings: Given::Set(given.settings.clone()),
        };
        let desired = Desired {
            project: DesiredProject {
                key: project.key.clone(),
                ..DesiredProject::default()
            },
            integrations: BTreeMap::from([(given.key.clone(), wanted)]),
            ..Desired::default()
        };
        match configure(app, &project.caller, &desired).await? {
            Ok(_) => {
                let notice = if given.active.is_some() {
                    "saved"
                } else {
                    "added"
                };
                let key = encode(&given.key);
                return Ok(done(
                    &format!("/projects/{}/integrations/{key}", project.key),
                    notice,
                ));
            }
            Err(problems) => given.problems = problems,
        }
    }
    let (spec, active) = (given.spec, given.active);
    page(app, project, uri, spec, active, given.draft(None)).await
}

/// What these settings would send for an event.
fn would_send(
    app: &App,
    given: &Submitted<'_>,
    event: &Event,
) -> Result<Vec<(String, String)>, Vec<desired::Problem>> {
    let known = given.active.map_or_else(Stored::default, |active| {
        Stored::of_integration(app.engine.vault(), &active.row)
    });
    let merged = merged(given.spec.fields, &known, &given.settings);
    let problem = |invalid: destinations::Invalid| desired::Problem {
        path: vec!["settings".into(), invalid.field],
        message: invalid.problem,
    };
    if !merged.problems.is_empty() {
        return Err(merged.problems.into_iter().map(problem).collect());
    }
    let settings = Value::Object(merged.settings);
    let context = Context {
        public_url: app.engine.public_url().to_owned(),
    };
    let configured = destinations::find(given.spec.key)
        .map(|destination| destination.configure(&settings, &context));
    let configured = match configured {
        Some(Ok(configured)) => configured,
        Some(Err(problems)) => {
            return Err(problems.into_iter().map(problem).collect());
        }
        None => return Ok(Vec::new()),
    };
    let messages = match configured.plan(event) {
        Ok(messages) => messages,
        Err(reason) => return Ok(vec![("Not sent".into(), reason.text().into())]),
    };
    let shown = messages.iter().map(|message| {
        let text = match configured.render(message, event) {
            Ok(mut request) => {
                configured.sign(&mut request, "preview", app.engine.system().now());
                let headers = request.shown_headers();
                let headers: String = headers
                    .map(|(name, value)| format!("{name}: {value}\n"))
                    .collect();
                let body = indented(&String::from_utf8_lossy(&request.body));
                format!(
                    "{} {}\n{headers}\n{body}",
                    request.verb(),
                    request.shown_url()
                )
            }
            Err(problem) => format!("{} {}", problem.reason.text(), problem.detail),
        };
        (message.name.clone(), text)
    });
    Ok(shown.collect())
}

/// `POST /projects/{project}/integrations/{key}/preview`: what unsaved settings would send for a past event.
pub(crate) async fn preview(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, key)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let active = project.integration(&key)?;
    let given = given(&app, (active.spec, Some(active)), request).await?;
    show(&app, &project, &uri, given).await
}

/// `POST /projects/{project}/integrations/new/{destination}/preview`.
pub(crate) async fn preview_new(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, destination)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let given = given(&app, (spec_of(&destination)?, None), request).await?;
    show(&app, &project, &uri, given).await
}

async fn show(
    app: &App,
    project: &InProject,
    uri: &Uri,
    mut given: Submitted<'_>,
) -> Result<Response, Problem> {
    let id = given.sent.text("preview.event").to_owned();
    let event = web::query::parse("event", &id)?;
    let row = app
        .engine
        .ledger()
        .event(project.id, event)
        .await?
        .ok_or_else(|| Problem::not_found("event", &id))?;
    let mut shown = None;
    if given.problems.is_empty() {
        match would_send(app, &given, &row.event) {
            Ok(messages) => shown = Some((id, messages)),
            Err(problems) => given.problems = problems,
        }
    }
    let (spec, active) = (given.spec, given.active);
    page(app, project, uri, spec, active, given.draft(shown)).await
}

/// The page of an integration, after something was done to it.
fn done_to(project: &InProject, row: &Integration, notice: &str) -> Response {
    let key = encode(&row.key);
    let path = format!("/projects/{}/integrations/{key}", project.key);
    done(&path, notice)
}

async fn apply(app: &App, project: &InProject, change: ConfigurationChange) -> Result<(), Problem> {
    let by = &project.caller.name;
    if app.engine.configure(vec![change], by).await? {
        Ok(())
    } else {
        Err(Problem::changed_meanwhile())
    }
}

/// `POST /projects/{project}/integrations/{key}/test`.
pub(crate) async fn send_test(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let active = project.integration(&key)?;
    app.engine.dispatch().send_test(active).await?;
    project.did(&app, "send test event to", &key).await?;
    Ok(done_to(&project, &active.row, "tested"))
}

/// `POST /projects/{project}/integrations/{key}/verify`.
pub(crate) async fn verify(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let active = project.integration(&key)?;
    app.engine.dispatch().begin_verifying(active);
    Ok(done_to(&project, &active.row, "verifying"))
}

/// `POST /projects/{project}/integrations/{key}/pause`.
pub(crate) async fn pause(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = Integration {
        paused: true,
        ..(*project.integration(&key)?.row).clone()
    };
    let answer = done_to(&project, &row, "paused");
    apply(&app, &project, ConfigurationChange::PutIntegration(row)).await?;
    Ok(answer)
}

/// `POST /projects/{project}/integrations/{key}/resume`.
pub(crate) async fn resume(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = Integration {
        paused: false,
        ..(*project.integration(&key)?.row).clone()
    };
    let answer = done_to(&project, &row, "resumed");
    apply(&app, &project, ConfigurationChange::PutIntegration(row)).await?;
    Ok(answer)
}

/// `POST /projects/{project}/integrations/{key}/retry`.
pub(crate) async fn retry_failed(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = &project.integration(&key)?.row;
    app.engine.dispatch().retry_failed(row.id).await?;
    project
        .did(&app, "retry failed deliveries of", &key)
        .await?;
    Ok(done_to(&project, row, "retried"))
}

/// `POST /projects/{project}/integrations/{key}/remove`, once the box is ticked.
pub(crate) async fn remove(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let id = project.integration(&key)?.row.id;
    let sent = Sent::read(&body::read(request).await?);
    if !sent.is_on("sure") {
        return Err(Problem::invalid(vec![desired::Problem {
            path: vec!["sure".into()],
            message: "tick the box to remove the integration".into(),
        }]));
    }
    apply(&app, &project, ConfigurationChange::RemoveIntegration(id)).await?;
    let path = format!("/projects/{}/integrations", project.key);
    Ok(done(&path, "removed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_searched_by_beginnings_of_words() {
        let slack = spec_of("slack").ok().unwrap();
        for (asked, found) in [
            ("", true),
            ("sla", true),
            ("SLACK chan", true),
            ("lack", false),
        ] {
            assert_eq!(matches(slack, asked), found, "{asked}");
        }
    }

    #[test]
    fn every_destination_can_be_set_up_by_form() {
        for destination in destinations::ALL {
            let spec = destination.spec();
            for field in fields(spec) {
                let shown = field.show(&json!({}), spec.events, String::new());
                assert!(
                    !shown.title.is_empty() && !shown.help.is_empty(),
                    "{}",
                    field.name
                );
            }
        }
    }
}
