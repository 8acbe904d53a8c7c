//! The page of an integration that is there, or is about to be.
//!
//! Tests: `crates/dashboard/tests/sections/integrations.rs`.

use super::{
    list::{Line, backlog, line, newest},
    sent::{HandshakeLine, SentRow},
    target::{Names, Target},
    tested::Tested,
};
use crate::{
    choice::Choice,
    filters,
    form::{Draft, FormId, Grouped, Part, Wrong},
    respond::{html, refused},
    shell::{Place, Shell},
    state::Dashboard,
    text::clock,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use destinations::Spec;
use domain::{EventKind, NotSent};
use engine::ActiveIntegration;
use ledger::{DeliveryRecord, DeliveryState, EventFilter, Page, Verification};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Page;
    use Method::Get;
    vec![
        Route::page(
            Get,
            "/projects/{project}/integrations/new/{destination}",
            Page,
            integration,
        ),
        Route::page(
            Get,
            "/projects/{project}/integrations/{key}",
            Page,
            integration,
        ),
    ]
}

/// Deliveries shown.
const SHOWN: usize = 25;
/// Past events offered for a preview.
const SAMPLES: usize = 20;

#[derive(Template)]
#[template(path = "integrations/page.html")]
struct IntegrationTemplate {
    shell: Shell,
    spec: &'static Spec,
    /// Where its forms go.
    action: String,
    key: String,
    name: String,
    /// `None` for one that is new.
    told: Option<Told>,
    groups: Vec<Grouped>,
    key_problem: String,
    refused: Vec<Wrong>,
    /// Events offered for a preview.
    samples: Vec<Choice>,
    /// The one that was chosen.
    chosen: String,
    preview: Option<Vec<Sample>>,
    /// The secret that was made for it, shown this once.
    made: Option<String>,
}

/// What settings would send for an event.
pub(super) struct Preview {
    pub(super) event: String,
    pub(super) messages: Vec<Sample>,
}

/// A message as it would be sent.
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) request: String,
}

/// What a page shows besides, because it was just asked for.
pub(super) enum Also {
    Nothing,
    /// What the settings as typed would send.
    Preview(Preview),
    /// The secret to sign with that was made when it was saved.
    Made(String),
}

/// How an integration that is there does.
struct Told {
    line: Line,
    sent: Vec<SentRow>,
    /// The id of the form that sends a test event.
    form: String,
    /// Of deliveries that failed, 1 for any.
    failed: usize,
    handshakes: Vec<HandshakeLine>,
    needs_handshake: bool,
    /// Whether an endpoint of it is held for what it refused.
    is_refused: bool,
    /// What came of the test event that the address names.
    tested: Option<Tested>,
}

impl Told {
    async fn of(app: &App, at: Place<'_>, active: &ActiveIntegration) -> Result<Self, Problem> {
        let Place { project, uri } = at;
        let sent = newest(app, project, active, None, SHOWN).await?;
        let failed = newest(app, project, active, Some(DeliveryState::Failed), 1).await?;
        let handshakes = app.engine.dispatch().last_handshakes(active.row.id);
        let configured = active.configured.as_ref();
        let mut rows = Vec::new();
        for record in sent {
            let held = held(app, active, &record).await?;
            rows.push(SentRow::of(record, held));
        }
        Ok(Self {
            line: line(app, project, active, &backlog(app).await?).await?,
            sent: rows,
            form: FormId::fresh(app.engine.system()),
            failed: failed.len(),
            handshakes: handshakes.into_iter().map(HandshakeLine::of).collect(),
            needs_handshake: configured
                .is_ok_and(|configured| !configured.handshakes("").is_empty()),
            is_refused: active
                .endpoints()
                .into_iter()
                .any(|of| matches!(active.row.verification.of(of), Verification::Refused { .. })),
            tested: Tested::of(app, project, active, uri).await?,
        })
    }
}

/// Why a delivery is not sent, if it is not. Which endpoint it goes to, its event says: that is asked only where one is held and another is not.
async fn held(
    app: &App,
    active: &ActiveIntegration,
    record: &DeliveryRecord,
) -> Result<Option<NotSent>, Problem> {
    let endpoints = active.endpoints().into_iter();
    let is_any = endpoints.clone().any(|of| active.held(of).is_some());
    if !is_any || record.state != DeliveryState::Pending {
        return Ok(None);
    }
    if let Some(held) = active.held_everywhere() {
        return Ok(Some(held));
    }
    let ledger = app.engine.ledger();
    let row = ledger.event(active.row.project, record.event).await?;
    Ok(row.and_then(|row| active.held(active.endpoint(row.event.environment))))
}

/// Past events, by what they are, and the one to begin with: of those that the destination receives the newest with money, or else the newest.
async fn samples(
    app: &App,
    project: &InProject,
    received: &[EventKind],
) -> Result<(Vec<Choice>, String), Problem> {
    let filter = EventFilter {
        project: Some(project.id),
        ..EventFilter::default()
    };
    let newest = Page::Before(None, SAMPLES);
    let past = app.engine.ledger().events(&filter, newest).await?;
    let samples = past.iter().map(|row| {
        let event = &row.event;
        let what = format!(
            "{} · {} · {}",
            event.kind.title(),
            event.customer.app_user_id,
            clock(event.recorded_at)
        );
        Choice::new(event.id.to_string(), what)
    });
    let told = past.iter().map(|row| &row.event);
    let told = told.filter(|event| received.contains(&event.kind));
    let mut told = told.filter(|event| event.kind != EventKind::AccessLevelUpdated);
    let newest = told.clone().next();
    let first = told.find(|event| event.kind.is_charge()).or(newest);
    let first = first.map(|event| event.id.to_string());
    Ok((samples.collect(), first.unwrap_or_default()))
}

/// The page, with what its form holds.
pub(super) async fn page(
    app: &App,
    at: Place<'_>,
    target: Target<'_>,
    mut draft: Draft,
    also: Also,
) -> Result<Response, Problem> {
    let project = at.project;
    let spec = target.spec;
    let filled = draft.filled(target.described());
    let told = match target.active {
        Some(active) => Some(Told::of(app, at, active).await?),
        None => None,
    };
    let (preview, made) = match also {
        Also::Nothing => (None, None),
        Also::Preview(preview) => (Some(preview), None),
        Also::Made(secret) => (None, Some(secret)),
    };
    let (chosen, preview) = preview
        .map(|preview| (preview.event, preview.messages))
        .unzip();
    let (samples, newest) = samples(app, project, target.spec.events).await?;
    let page = IntegrationTemplate {
        spec,
        action: target.action(project),
        // One whose name was emptied is called by its key.
        name: if draft.name.is_empty() {
            draft.key.clone()
        } else {
            draft.name
        },
        key: draft.key,
        told,
        groups: filled.groups,
        key_problem: filled.key_problem,
        refused: filled.refused,
        samples,
        chosen: chosen.unwrap_or(newest),
        preview,
        made,
        shell: Shell::load(app, at, "integrations").await?,
    };
    Ok(if page.refused.is_empty() {
        html(&page)
    } else {
        refused(&page)
    })
}

/// `GET /projects/{project}/integrations/{key}`, and `GET /projects/{project}/integrations/new/{destination}`.
async fn integration(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path(names): Path<Names>,
) -> Result<Response, Problem> {
    let target = names.target(&project)?;
    let draft = target.draft(&app, &project);
    page(
        &app,
        Place::of(&project, &uri),
        target,
        draft,
        Also::Nothing,
    )
    .await
}
