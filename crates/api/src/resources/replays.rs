//! Replays: past events sent to an integration again, first as a forecast.
//!
//! Tests: `crates/api/tests/resources/replays.rs`.

use super::answer::{self, Answer, List};
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use domain::{CustomerId, Environment, Event, EventId, EventKind, NotSent, ProjectId, ReplayId};
use engine::{Forecast, Setup};
use jiff::Timestamp;
use ledger::{Choice, Progress, Replay, ReplayOf, ReplayState, ReplayWhat};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    answer::{Empty, With},
    asked_as::AskedAs,
    audit::{Effect, Noted, Subject},
    body::Json,
    described::{Answers, Description},
    problem::Problem,
    project::InProject,
    query::{Filters, PageQuery},
    replay_form::{Asked, begin, stop},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Effect::Does;
    use Method::{Get, Post};
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/replays",
            Read,
            "Replays, newest first, and how far each has come",
            list,
        ),
        Route::operation(
            Post(Does("replay events to", Subject::Said)),
            "/api/v1/projects/{project}/replays",
            Write,
            "Sends past events to an integration again, or how every customer stands; with `dry_run`, only says what that would do",
            start,
        ),
        Route::operation(
            Post(Does("cancel replay", Subject::Path("id"))),
            "/api/v1/projects/{project}/replays/{id}/cancel",
            Write,
            "Stops a replay; what it has queued is sent",
            cancel,
        ),
    ]
}

/// A replay: the integration by its key.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayView {
    by: String,
    choice: ChoiceView,
    /// Position before the first event it looks at.
    first: u64,
    id: ReplayId,
    /// `removed` once it is no more.
    integration: String,
    /// Position of the last event it looks at.
    last: u64,
    per_second: u32,
    progress: ProgressView,
    project: ProjectId,
    started_at: Timestamp,
}

/// Which events a replay takes.
#[derive(Serialize, ToSchema)]
#[schema(as = ReplayChoice)]
struct ChoiceView {
    /// What it sends. Of states, only the environment and the customer choose.
    what: ReplayWhat,
    /// Recorded at or after.
    since: Timestamp,
    /// Recorded before.
    until: Timestamp,
    /// Of these kinds; empty for all.
    kinds: Vec<EventKind>,
    /// Of this environment.
    environment: Option<Environment>,
    /// Of this customer.
    customer: Option<CustomerId>,
    /// That stand like this with the integration.
    standings: Vec<ReplayOf>,
    /// Of those that failed, or were never sent, for one of these reasons; empty for all.
    reasons: Vec<NotSent>,
}

impl From<Choice> for ChoiceView {
    fn from(row: Choice) -> Self {
        Self {
            what: row.what,
            since: row.since,
            until: row.until,
            kinds: row.kinds,
            environment: row.environment,
            customer: row.customer,
            standings: row.standings,
            reasons: row.reasons,
        }
    }
}

/// How far a replay has come.
#[derive(Serialize, ToSchema)]
#[schema(as = ReplayProgress)]
struct ProgressView {
    /// Whether it goes on.
    state: ReplayState,
    /// Position of the last event it looked at; of states, the number of customers.
    after: u64,
    /// Deliveries sent again.
    again: u64,
    /// Deliveries made for the first time.
    new: u64,
    /// Events, or customers, that present settings do not send.
    refused: u64,
    /// When it took its last step, and so when it ended.
    at: Timestamp,
}

impl From<Progress> for ProgressView {
    fn from(row: Progress) -> Self {
        Self {
            state: row.state,
            after: row.after,
            again: row.again,
            new: row.new,
            refused: row.refused,
            at: row.at,
        }
    }
}

fn view(setup: &Setup, replay: Replay) -> ReplayView {
    let active = setup.integration(replay.integration);
    ReplayView {
        by: replay.by,
        choice: replay.choice.into(),
        first: replay.first,
        id: replay.id,
        integration: active
            .map_or("removed", |active| &active.row.key)
            .to_owned(),
        last: replay.last,
        per_second: replay.per_second,
        progress: replay.progress.into(),
        project: replay.project,
        started_at: replay.started_at,
    }
}

/// What a replay would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct ForecastView {
    /// Events that would be sent, by how they stand.
    by_standing: BTreeMap<&'static str, u64>,
    /// Events looked at; of states, customers.
    events: u64,
    /// Whether all were looked at.
    is_complete: bool,
    /// Events that would not be sent, by reason.
    refused: BTreeMap<&'static str, u64>,
    samples: Vec<SampleView>,
    /// Events whose delivery is on its way already.
    under_way: u64,
    would_send: u64,
}

#[derive(Serialize, ToSchema)]
struct SampleView {
    /// The customer's `app_user_id`.
    customer: String,
    event: EventId,
    kind: EventKind,
    recorded_at: Timestamp,
    standing: ReplayOf,
}

fn forecast(seen: Forecast) -> ForecastView {
    ForecastView {
        would_send: seen.total(),
        by_standing: by_id(seen.sent, ReplayOf::id),
        events: seen.events,
        is_complete: seen.is_complete,
        refused: by_id(seen.refused, NotSent::id),
        samples: seen.samples.into_iter().map(SampleView::from).collect(),
        under_way: seen.under_way,
    }
}

fn by_id<T>(counts: BTreeMap<T, u64>, id: fn(T) -> &'static str) -> BTreeMap<&'static str, u64> {
    let counts = counts.into_iter();
    counts.map(|(of, count)| (id(of), count)).collect()
}

impl From<(Event, ReplayOf)> for SampleView {
    fn from((event, standing): (Event, ReplayOf)) -> Self {
        Self {
            customer: event.customer.app_user_id,
            event: event.id,
            kind: event.kind,
            recorded_at: event.recorded_at,
            standing,
        }
    }
}

/// What is answered to whoever asks for a replay.
pub(crate) enum Started {
    /// With `dry_run`: 200.
    Foreseen(ForecastView),
    /// It goes on: 201.
    Begun(ReplayView),
}

impl IntoResponse for Started {
    fn into_response(self) -> Response {
        match self {
            Self::Foreseen(forecast) => Json(forecast).into_response(),
            Self::Begun(replay) => With::<201, _>(replay).into_response(),
        }
    }
}

impl Answers for Started {
    fn answer(of: &mut Description) {
        Json::<ForecastView>::answer(of);
        With::<201, ReplayView>::answer(of);
    }
}

/// `GET /api/v1/projects/{project}/replays`.
pub(crate) async fn list(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters<PageQuery>,
) -> Answer<List<ReplayView>> {
    let (ledger, limit) = (app.engine.ledger(), query.limit());
    let replays = ledger.replays(project.id, query.before()?, limit).await?;
    let last = replays.last().filter(|_| replays.len() == limit);
    let next = last.map(|replay| replay.id.to_string());
    let shown = replays.into_iter();
    let shown = shown.map(|replay| view(&project.setup, replay));
    Ok(answer::list(shown, next))
}

/// `POST /api/v1/projects/{project}/replays`.
pub(crate) async fn start(
    State(app): State<App>,
    project: InProject,
    AskedAs(asked_as): AskedAs,
    Json(asked): Json<Asked>,
) -> Result<Noted<Started>, Problem> {
    let wanted = asked
        .check(&app, &project)
        .await?
        .map_err(Problem::invalid)?;
    if asked.dry_run {
        let seen = app.engine.replays().foresee(&wanted.active, &wanted.choice);
        return Ok(Noted::nothing(Started::Foreseen(forecast(seen.await?))));
    }
    let key = wanted.active.row.key.clone();
    let begun = begin(&app, &project, wanted, asked_as).await?;
    let shown = Started::Begun(view(&project.setup, begun.replay));
    Ok(if begun.is_new {
        Noted::to(key, shown)
    } else {
        Noted::nothing(shown)
    })
}

/// `POST /api/v1/projects/{project}/replays/{id}/cancel`.
pub(crate) async fn cancel(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Noted<Empty<204>>, Problem> {
    let did = stop(&app, &project, &id).await?;
    Ok(Noted::new(did, Empty))
}
