//! Integrations: destinations configured in a project.
//!
//! Tests: `crates/api/tests/resources/integrations.rs`.

use super::answer::{Answer, Configured, Done, List, list, put, remove};
use axum::extract::{Path, State};
use configuration::{DesiredIntegration, Stored, masked};
use domain::{Environment, EventId, IntegrationId, NotSent};
use engine::{ActiveIntegration, Condition, EndpointHealth, Engine, Health};
use jiff::Timestamp;
use ledger::{Verdicts, Verification};
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    answer::With,
    audit::{Effect, Subject},
    body::Json,
    configure::Kind,
    problem::Problem,
    project::InProject,
    query::{Filters, NoFilters},
    route::{Method, Route},
    view::{self, StateView},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Effect::{Configures, Does};
    use Method::{Delete, Get, Post, Put};
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/integrations",
            Read,
            "Integrations, secrets masked",
            integrations,
        ),
        Route::operation(
            Get,
            "/api/v1/projects/{project}/integrations/{key}",
            Read,
            "One integration, secrets masked",
            integration,
        ),
        Route::operation(
            Post(Does("send test event to", Subject::Path("key"))),
            "/api/v1/projects/{project}/integrations/{key}/test",
            Write,
            "Sends a test event",
            send_test,
        ),
        Route::operation(
            Post(Does("verify endpoint of", Subject::Path("key"))),
            "/api/v1/projects/{project}/integrations/{key}/verify",
            Write,
            "Makes the verification handshake now",
            verify,
        ),
        Route::operation(
            Put(Configures),
            "/api/v1/projects/{project}/integrations/{key}",
            Write,
            "Creates or changes an integration",
            put_integration,
        ),
        Route::operation(
            Delete(Configures),
            "/api/v1/projects/{project}/integrations/{key}",
            Write,
            "Removes an integration; its unsent deliveries fail",
            delete_integration,
        ),
    ]
}

pub(crate) async fn integrations(
    State(app): State<App>,
    project: InProject,
    _: Filters<NoFilters>,
) -> Answer<List<IntegrationView>> {
    let rows = project.integrations()?.iter();
    let shown = rows.map(|active| shown(&app.engine, active));
    Ok(list(shown, None))
}

pub(crate) async fn integration(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Answer<IntegrationView> {
    Ok(Json(shown(&app.engine, project.integration(&key)?)))
}

/// How long whoever sends a test event waits for its first attempt, at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// The test event, and what came of it within five seconds.
#[derive(Serialize, ToSchema)]
#[schema(as = TestSent)]
pub(crate) struct Told {
    /// Its id.
    event: EventId,
    /// How it stands with the integration: `pending` without attempts where that was too short.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<StateView>,
    /// Where people see it, with every attempt.
    page: String,
    /// Where programs do: the delivery, or the event where there is none.
    url: String,
}

pub(crate) async fn send_test(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<With<202, Told>, Problem> {
    let (active, dispatch) = (project.integration(&key)?, app.engine.dispatch());
    let event = dispatch.send_test(active, None).await?;
    let tried = dispatch.tried(active, &event, PATIENCE).await?;
    let outcome = tried.and_then(|row| view::of_one(active, &row));
    let (public, project) = (app.engine.public_url(), &project.key);
    let delivery = outcome.as_ref().and_then(|state| state.delivery.as_ref());
    let resource = delivery.map_or_else(
        || format!("events/{}", event.id),
        |delivery| format!("deliveries/{delivery}"),
    );
    Ok(With(Told {
        event: event.id,
        page: format!("{public}/projects/{project}/events/{}", event.id),
        url: format!("{public}/api/v1/projects/{project}/{resource}"),
        outcome,
    }))
}

/// What endpoints answered when they were asked whether they are the integration's: of those that something can go to, the one of which most is wrong.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerdictView {
    /// When it was last asked; absent where it passed or was never asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// What was wrong with its answer; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// `passed`, `pending`, `failed`, or `refused` where the endpoint does not take the credentials.
    state: &'static str,
}

fn verdict(verification: &Verification) -> VerdictView {
    let (state, wrong) = match verification {
        Verification::Passed => ("passed", None),
        Verification::Pending => ("pending", None),
        Verification::Failed { problem, at } => ("failed", Some((problem, at))),
        Verification::Refused { problem, at, .. } => ("refused", Some((problem, at))),
    };
    VerdictView {
        at: wrong.map(|(_, at)| *at),
        problem: wrong.map(|(problem, _)| problem.clone()),
        state,
    }
}

/// The verdict on the endpoint of which most is wrong, of those that something can go to.
fn worst<'a>(active: &ActiveIntegration, verdicts: &'a Verdicts) -> &'a Verification {
    let rank = |verdict: &Verification| match verdict {
        Verification::Passed => 0,
        Verification::Pending => 1,
        Verification::Failed { .. } => 2,
        Verification::Refused { .. } => 3,
    };
    let endpoints = active.endpoints().into_iter().rev();
    let worst = endpoints.max_by_key(|of| rank(verdicts.of(*of)));
    verdicts.of(worst.unwrap_or(Environment::Production))
}

pub(crate) async fn verify(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Answer<VerdictView> {
    let active = project.integration(&key)?;
    let verified = app.engine.dispatch().verify(active).await?;
    Ok(Json(verdict(worst(active, &verified))))
}

pub(crate) async fn put_integration(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredIntegration>,
) -> Configured {
    put(&app, &project, key, body).await
}

pub(crate) async fn delete_integration(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Done {
    remove(&app, &project, Kind::Integration, &key).await
}

/// An integration, secrets masked.
#[derive(Serialize, ToSchema)]
pub(crate) struct IntegrationView {
    /// Nothing is sent to one of its endpoints but a probe now and then: it keeps failing.
    breaker_open: bool,
    destination: String,
    /// Those that something can go to, as it is set up: what is wrong with one is its own.
    endpoints: Vec<EndpointView>,
    health: HealthView,
    /// Where nothing is sent at all; what holds one endpoint alone stands in `endpoints`.
    held: Option<HeldView>,
    id: IntegrationId,
    key: String,
    name: String,
    paused: bool,
    /// Why its settings cannot be used.
    problem: Option<String>,
    /// As the destination lists them; `null` when they cannot be read.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
    verification: VerificationView,
}

/// How it does: as the endpoint that does worst. Known from what became of attempts, whichever node made them; what another node made is known a few
/// seconds later.
#[derive(Serialize, ToSchema)]
struct HealthView {
    /// Of which endpoint the rest is told: of those that something can go to the one that does worst; `null` where there is none.
    endpoint: Option<Environment>,
    /// When the oldest delivery was accepted by Tidings that waits for any of its endpoints.
    oldest_waiting_at: Option<Timestamp>,
    #[serde(flatten)]
    worst: EndpointHealthView,
    /// Deliveries that wait for any of its endpoints, when they were last counted, which is every few seconds.
    waiting: u64,
}

/// An endpoint of an integration.
#[derive(Serialize, ToSchema)]
struct EndpointView {
    /// Which: where there is one for both environments, that of production.
    endpoint: Environment,
    health: EndpointHealthView,
    /// Why its deliveries are kept and not sent, where they are.
    held: Option<HeldView>,
    verification: VerdictView,
}

/// How an endpoint does.
#[derive(Serialize, ToSchema, Default)]
struct EndpointHealthView {
    /// Of these, accepted.
    accepted: usize,
    /// When the last attempt was made that was accepted.
    accepted_at: Option<Timestamp>,
    /// Attempts looked at: of the last thirty that were answered, or should have been, those of the last day.
    attempts: usize,
    /// Nothing is sent but a probe now and then: it keeps failing.
    breaker_open: bool,
    /// `working` where what is sent is accepted, and something was within a day; `wavering` where one in ten is not; `failing` where half or less is,
    /// or the circuit breaker is open; `put_off` where it asks to be left alone, and accepted nothing within a day; `idle` where nothing
    /// was sent within a day.
    condition: &'static str,
    /// The last attempt that was not accepted, unless something was since.
    failure: Option<FailureView>,
    /// It asks to be left alone for a while.
    throttled: bool,
}

/// Why an attempt was not accepted.
#[derive(Serialize, ToSchema)]
struct FailureView {
    /// When it was made.
    at: Timestamp,
    /// What the endpoint said of it.
    detail: String,
    reason: NotSent,
    text: &'static str,
}

impl HealthView {
    fn of(health: &Health, now: Timestamp) -> Self {
        let worst = health.worst(now);
        Self {
            endpoint: worst.map(|worst| worst.endpoint),
            oldest_waiting_at: health.oldest,
            worst: worst.map_or_else(EndpointHealthView::nothing, |worst| {
                EndpointHealthView::of(worst, now)
            }),
            waiting: health.waiting,
        }
    }
}

impl EndpointView {
    fn of(active: &ActiveIntegration, health: &EndpointHealth, now: Timestamp) -> Self {
        Self {
            endpoint: health.endpoint,
            health: EndpointHealthView::of(health, now),
            held: active.held(health.endpoint).map(HeldView::of),
            verification: verdict(active.row.verification.of(health.endpoint)),
        }
    }
}

impl EndpointHealthView {
    /// Of none.
    fn nothing() -> Self {
        Self {
            condition: Condition::Idle.id(),
            ..Self::default()
        }
    }

    fn of(health: &EndpointHealth, now: Timestamp) -> Self {
        let failure = health.failure.clone();
        Self {
            condition: health.condition(now).id(),
            accepted: health.accepted,
            accepted_at: health.accepted_at,
            attempts: health.attempts,
            breaker_open: health.breaker_open,
            failure: failure.map(|failure| FailureView {
                at: failure.at,
                detail: failure.detail,
                text: failure.reason.text(),
                reason: failure.reason,
            }),
            throttled: health.throttled,
        }
    }
}

/// Why deliveries are kept and not sent.
#[derive(Serialize, ToSchema)]
struct HeldView {
    reason: NotSent,
    text: &'static str,
}

impl HeldView {
    fn of(reason: NotSent) -> Self {
        Self {
            text: reason.text(),
            reason,
        }
    }
}

/// Whether its endpoints have shown that they are the integration's: of those that something can go to, the one of which most is wrong.
#[derive(Serialize, ToSchema)]
struct VerificationView {
    problem: Option<String>,
    /// `passed`, `pending`, `failed`, or `refused` where the endpoint does not take the credentials.
    state: &'static str,
}

fn shown(engine: &Engine, active: &ActiveIntegration) -> IntegrationView {
    let row = &active.row;
    let stored = Stored::of_integration(engine.vault(), row);
    let settings = stored
        .unreadable
        .is_none()
        .then(|| masked(active.spec.fields, &stored.settings));
    let (health, now) = (engine.dispatch().health(active), engine.system().now());
    let endpoints = health.endpoints.iter();
    let VerdictView { problem, state, .. } = verdict(worst(active, &row.verification));
    IntegrationView {
        breaker_open: endpoints.clone().any(|endpoint| endpoint.breaker_open),
        endpoints: endpoints
            .map(|endpoint| EndpointView::of(active, endpoint, now))
            .collect(),
        destination: row.destination.clone(),
        health: HealthView::of(&health, now),
        held: active.held_everywhere().map(HeldView::of),
        id: row.id,
        key: row.key.clone(),
        name: row.name.clone(),
        paused: row.paused,
        problem: active.configured.as_ref().err().cloned(),
        settings,
        verification: VerificationView { problem, state },
    }
}
