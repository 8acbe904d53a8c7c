//! Past events sent again: what it would do, and how far each replay has come.

use super::{Shell, clock, done, exact, html};
use crate::{Dashboard, form::Sent};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use domain::EventKind;
use engine::{Forecast, REPLAY_RATES};
use jiff::{SignedDuration, tz::Offset};
use ledger::{Replay, ReplayState, Standing};
use web::{
    App,
    access::Access,
    body,
    problem::Problem,
    project::InProject,
    replay_form::{self, Asked},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/projects/{project}/replay", Page, "", replay),
        Route::new(Post, "/projects/{project}/replay", Form, "", start),
        Route::new(
            Post,
            "/projects/{project}/replay/{id}/cancel",
            Form,
            "",
            cancel,
        ),
    ]
}

/// Replays shown.
const SHOWN: usize = 20;
/// How far back a replay begins unless somebody says otherwise.
const DAYS: i64 = 1;

/// A replay, as people read it.
struct Line {
    id: String,
    integration: String,
    what: String,
    by: String,
    since: String,
    at: String,
    state: &'static str,
    color: &'static str,
    percent: u64,
    again: u64,
    new: u64,
    refused: u64,
    is_running: bool,
}

/// What a replay would do, as people read it.
struct Foreseen {
    total: u64,
    events: u64,
    is_complete: bool,
    parts: Vec<(&'static str, u64)>,
    refused: Vec<(&'static str, u64)>,
    under_way: u64,
    /// Event id, kind, customer, when.
    samples: Vec<(String, &'static str, String, String)>,
    seconds: u64,
    held: &'static str,
}

#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayTemplate {
    shell: Shell,
    /// Key and name.
    integrations: Vec<(String, String)>,
    kinds: Vec<(&'static str, &'static str)>,
    asked: Asked,
    per_second: u32,
    most: u32,
    problems: Vec<String>,
    foreseen: Option<Foreseen>,
    lines: Vec<Line>,
}

fn standing_title(standing: Standing) -> &'static str {
    match standing {
        Standing::Failed => "failed",
        Standing::Delivered => "delivered before",
        Standing::NeverSent => "never sent",
    }
}

fn line(project: &InProject, replay: &Replay) -> Line {
    let progress = replay.progress;
    let active = project.setup.integration(replay.integration);
    let held = active.and_then(engine::ActiveIntegration::held);
    let (state, color) = match (progress.state, held) {
        (ReplayState::Running, Some(_)) => ("waits for the integration", "blue"),
        (ReplayState::Running, None) => ("running", "blue"),
        (ReplayState::Done, _) => ("done", "green"),
        (ReplayState::Cancelled, _) => ("cancelled", "grey"),
    };
    let span = replay.last.saturating_sub(replay.first);
    let came = progress.after.saturating_sub(replay.first);
    let standings: Vec<_> = replay
        .choice
        .standings
        .iter()
        .map(|standing| standing_title(*standing))
        .collect();
    let kinds: Vec<_> = replay
        .choice
        .kinds
        .iter()
        .map(|kind| kind.title())
        .collect();
    let kinds = if kinds.is_empty() {
        "all events".to_owned()
    } else {
        kinds.join(", ")
    };
    Line {
        id: replay.id.to_string(),
        integration: active
            .map_or("removed", |active| &active.row.name)
            .to_owned(),
        what: format!(
            "{kinds} that {} {}, {} to {}",
            if replay.choice.standings.len() == 1 {
                "were"
            } else {
                "were either"
            },
            standings.join(" or "),
            clock(replay.choice.since),
            clock(replay.choice.until)
        ),
        by: replay.by.clone(),
        since: exact(replay.started_at),
        at: exact(progress.at),
        state,
        color,
        percent: if progress.state == ReplayState::Done || span == 0 {
            100
        } else {
            (came * 100 / span).min(100)
        },
        again: progress.again,
        new: progress.new,
        refused: progress.refused,
        is_running: progress.state == ReplayState::Running,
    }
}

fn foreseen(seen: &Forecast, wanted: &replay_form::Wanted) -> Foreseen {
    Foreseen {
        total: seen.total(),
        events: seen.events,
        is_complete: seen.is_complete,
        parts: seen
            .sent
            .iter()
            .map(|(standing, count)| (standing_title(*standing), *count))
            .collect(),
        refused: seen
            .refused
            .iter()
            .map(|(why, count)| (why.text(), *count))
            .collect(),
        under_way: seen.under_way,
        samples: seen
            .samples
            .iter()
            .map(|(event, _)| {
                (
                    event.id.to_string(),
                    event.kind.title(),
                    event.customer.app_user_id.clone(),
                    exact(event.recorded_at),
                )
            })
            .collect(),
        seconds: seen.total().div_ceil(u64::from(wanted.per_second)),
        held: wanted.active.held().map_or("", domain::NotSent::text),
    }
}

/// What a form or an address asks for. Nothing at all is the form as it is first shown.
fn asked(sent: &Sent) -> (Asked, Vec<String>) {
    let all = |name: &str| {
        let given = sent.all(name).iter();
        given.filter(|value| !value.is_empty()).cloned().collect()
    };
    let text = |name: &str| sent.text(name).to_owned();
    let mut problems = Vec::new();
    let per_second = match sent.text("per_second") {
        "" => None,
        number => number
            .parse()
            .inspect_err(|_| problems.push(format!("per_second: {number:?} is no number")))
            .ok(),
    };
    let asked = Asked {
        integration: text("integration"),
        since: text("since"),
        until: text("until"),
        kinds: all("kinds"),
        standings: all("standings"),
        environment: text("environment"),
        customer: text("customer"),
        per_second,
        dry_run: false,
    };
    (asked, problems)
}

async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
    (mut asked, mut problems): (Asked, Vec<String>),
    is_asked: bool,
) -> Result<Response, Problem> {
    let mut told = None;
    if is_asked && problems.is_empty() {
        match asked.check(app, project).await? {
            Ok(wanted) => {
                let seen = app.engine.replays().foresee(&wanted.active, &wanted.choice);
                told = Some(foreseen(&seen.await?, &wanted));
            }
            Err(found) => problems.extend(
                found
                    .iter()
                    .map(|problem| format!("{}: {}", problem.path.join("."), problem.message)),
            ),
        }
    }
    if !is_asked {
        let now = app.engine.system().now();
        let since = now.saturating_sub(SignedDuration::from_hours(24 * DAYS));
        asked.since = Offset::UTC
            .to_datetime(since.unwrap_or(now))
            .strftime("%Y-%m-%dT%H:%M")
            .to_string();
        asked.standings = vec![Standing::Failed.id().to_owned()];
    }
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let replays = app.engine.ledger().replays(project.id, SHOWN).await?;
    let html = html(&ReplayTemplate {
        shell: Shell::load(app, project, "replay", uri).await?,
        integrations: project
            .integrations()
            .iter()
            .map(|active| (active.row.key.clone(), active.row.name.clone()))
            .collect(),
        kinds: EventKind::ALL
            .iter()
            .filter(|kind| **kind != EventKind::Test)
            .map(|kind| (kind.id(), kind.title()))
            .collect(),
        per_second: asked.per_second.unwrap_or(REPLAY_RATES.usual),
        most: REPLAY_RATES.most,
        asked,
        problems,
        foreseen: told,
        lines: replays.iter().map(|replay| line(project, replay)).collect(),
    });
    Ok((status, html).into_response())
}

/// `GET /projects/{project}/replay`; with the fields of its form, also what it would do.
pub(crate) async fn replay(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let sent = Sent::read(uri.query().unwrap_or_default().as_bytes());
    let is_asked = sent.is_on("since");
    page(&app, &project, &uri, asked(&sent), is_asked).await
}

/// `POST /projects/{project}/replay`.
pub(crate) async fn start(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let (asked, problems) = asked(&sent);
    if problems.is_empty()
        && let Ok(wanted) = asked.check(&app, &project).await?
    {
        replay_form::begin(&app, &project, wanted).await?;
        let path = format!("/projects/{}/replay#replays", project.key);
        return Ok(done(&path, "replaying"));
    }
    page(&app, &project, &uri, (asked, problems), true).await
}

/// `POST /projects/{project}/replay/{id}/cancel`.
pub(crate) async fn cancel(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    replay_form::stop(&app, &project, &id).await?;
    let path = format!("/projects/{}/replay#replays", project.key);
    Ok(done(&path, "cancelled"))
}
