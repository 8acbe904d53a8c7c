//! The page of replays: the form, what it would do, and those there are.
//!
//! Tests: `crates/dashboard/tests/sections/replay.rs`.

use super::{
    asked::{FIELDS, ReplayForm, first_shown},
    foreseen::{Foreseen, foresee},
    line::Line,
};
use crate::{
    choice::Choice,
    filters,
    form::{FormId, Sent, asked},
    respond::{html, refused},
    shell::{Place, Shell},
    state::Dashboard,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use domain::{EventKind, NotSent, ReplayId};
use engine::REPLAY_RATES;
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::parse,
    replay_form::Asked,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/replay";
    vec![Route::page(Method::Get, path, Access::Page, replay)]
}

/// Replays shown.
const SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "replay/page.html")]
struct ReplayTemplate {
    shell: Shell,
    integrations: Vec<Choice>,
    kinds: Vec<Choice>,
    reasons: Vec<Choice>,
    asked: Asked,
    form: String,
    per_second: u32,
    most: u32,
    problems: Vec<String>,
    foreseen: Option<Foreseen>,
    /// Those that can be told how customers stand.
    webhooks: Vec<Choice>,
    /// What a first load would do.
    loads: Option<Foreseen>,
    lines: Vec<Line>,
    /// Whether the newest are among the lines.
    is_newest: bool,
    older: Option<String>,
}

/// The cursor in the address.
fn before(uri: &Uri) -> Result<Option<ReplayId>, Problem> {
    match Sent::query(uri).text("before") {
        "" => Ok(None),
        cursor => parse("before", cursor).map(Some),
    }
}

/// The page, with what was asked and what that would do, or what is wrong with it.
async fn page(
    app: &App,
    at: Place<'_>,
    asked: Asked,
    told: Result<Option<Foreseen>, Vec<String>>,
) -> Result<Response, Problem> {
    let project = at.project;
    let is_right = told.is_ok();
    let (foreseen, problems) = match told {
        Ok(foreseen) => (foreseen, Vec::new()),
        Err(problems) => (None, problems),
    };
    let (foreseen, loads) = if asked.is_of_states() {
        (None, foreseen)
    } else {
        (foreseen, None)
    };
    let kinds = EventKind::ALL.iter();
    let before = before(at.uri)?;
    let ledger = app.engine.ledger();
    let replays = ledger.replays(project.id, before, SHOWN).await?;
    let last = replays.last().filter(|_| replays.len() == SHOWN);
    let older = last.map(|last| {
        format!(
            "/projects/{}/replay?before={}#replays",
            project.key, last.id
        )
    });
    let page = ReplayTemplate {
        shell: Shell::load(app, at, "replay").await?,
        integrations: Choice::integrations(project)?,
        kinds: kinds
            .filter(|kind| **kind != EventKind::Test)
            .copied()
            .map(Choice::kind)
            .collect(),
        reasons: NotSent::ALL.into_iter().map(Choice::reason).collect(),
        form: FormId::fresh(app.engine.system()),
        per_second: asked.per_second.unwrap_or(REPLAY_RATES.usual),
        most: REPLAY_RATES.most,
        asked,
        problems,
        foreseen,
        webhooks: Choice::loadable(project)?,
        loads,
        lines: replays
            .iter()
            .map(|replay| Line::of(project, replay))
            .collect(),
        is_newest: before.is_none(),
        older,
    };
    Ok(if is_right {
        html(&page)
    } else {
        refused(&page)
    })
}

/// The page with what would happen.
pub(super) async fn page_of(
    app: &App,
    at: Place<'_>,
    (asked, problems): (Asked, Vec<String>),
) -> Result<Response, Problem> {
    let told = if problems.is_empty() {
        foresee(app, at.project, &asked).await?
    } else {
        Err(problems)
    };
    page(app, at, asked, told.map(Some)).await
}

/// `GET /projects/{project}/replay`; before a cursor, older replays; with the fields of its form, also what it would do.
async fn replay(State(app): State<App>, project: InProject, uri: Uri) -> Result<Response, Problem> {
    let sent: ReplayForm = asked(&uri, FIELDS)?;
    if sent.is_asked() {
        return page_of(&app, Place::of(&project, &uri), sent.read()).await;
    }
    let (asked, problems) = sent.read();
    let asked = first_shown(asked, app.engine.system().now());
    let told = if problems.is_empty() {
        Ok(None)
    } else {
        Err(problems)
    };
    page(&app, Place::of(&project, &uri), asked, told).await
}
