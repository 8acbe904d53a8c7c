//! The integrations of a project with how each does, and the catalogue of destinations.
//!
//! Tests: `crates/dashboard/tests/sections/integrations.rs`.

use super::sent::accepted;
use crate::{
    filters,
    form::Sent,
    health,
    respond::html,
    shell::{Place, Shell},
    state::Dashboard,
    text::exact,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use destinations::{Category, Spec};
use domain::IntegrationId;
use engine::ActiveIntegration;
use jiff::Timestamp;
use ledger::{DeliveryFilter, DeliveryRecord, DeliveryState};
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/integrations";
    vec![Route::page(Method::Get, path, Access::Page, integrations)]
}

/// How many deliveries back the last one that was accepted is looked for.
const LOOK_BACK: usize = 50;

/// One line of the list.
pub(crate) struct Line {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) destination: &'static str,
    pub(crate) state: String,
    pub(crate) color: &'static str,
    pub(crate) problem: String,
    pub(crate) since: String,
    pub(crate) endpoints: Vec<health::EndpointShown>,
    pub(crate) paused: bool,
    pub(crate) waiting: u64,
    pub(crate) delivered: String,
    pub(crate) failure: Option<LastFailure>,
    /// What stands in its place where there is none.
    pub(crate) no_failure: &'static str,
}

/// When something was last not accepted, and why.
pub(crate) struct LastFailure {
    pub(crate) at: String,
    pub(crate) reason: String,
    /// What became of its delivery.
    pub(crate) state: &'static str,
}

/// Its newest deliveries, in any state or in one.
pub(crate) async fn newest(
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

/// How an integration does, what waits for it, and when something was last accepted and not.
pub(crate) async fn line(
    app: &App,
    project: &InProject,
    active: &ActiveIntegration,
    backlog: &BTreeMap<IntegrationId, u64>,
) -> Result<Line, Problem> {
    let shown = health::Shown::of(app, active);
    let recent = newest(app, project, active, None, LOOK_BACK).await?;
    let delivered = recent
        .iter()
        .find(|record| {
            record.state == DeliveryState::Delivered && accepted(record).color == "green"
        })
        .map(tried_at);
    let given_up = newest(app, project, active, Some(DeliveryState::Failed), 1).await?;
    let failure = LastFailure::of(&shown, given_up.iter().chain(&recent));
    Ok(Line {
        key: active.row.key.clone(),
        name: active.row.name.clone(),
        destination: active.spec.title,
        waiting: backlog.get(&active.row.id).copied().unwrap_or(0),
        delivered: delivered
            .max(shown.accepted_at())
            .map(exact)
            .unwrap_or_default(),
        no_failure: if shown.has_failed() {
            "accepted since"
        } else {
            "none"
        },
        failure,
        state: shown.state,
        color: shown.color,
        problem: shown.problem,
        since: shown.since,
        endpoints: shown.endpoints,
        paused: active.row.paused,
    })
}

/// When a delivery was last tried.
fn tried_at(record: &DeliveryRecord) -> Timestamp {
    let last = record.last.as_ref();
    last.map_or(record.accepted_at, |last| last.at)
}

impl LastFailure {
    /// The newest there is, whether its delivery was given up or is tried again. What health says of one comes first, so that both say
    /// the same.
    fn of<'a>(
        shown: &health::Shown,
        records: impl Iterator<Item = &'a DeliveryRecord>,
    ) -> Option<Self> {
        let of_record = |record: &DeliveryRecord| {
            let reason = record.reason.filter(|_| record.attempts > 0)?;
            Some((tried_at(record), reason, record.state.id()))
        };
        let of_health = shown.failure();
        let of_health = of_health.map(|failure| (failure.at, failure.reason, "pending"));
        let newest = records.filter_map(of_record).chain(of_health);
        let (at, reason, state) = newest.max_by_key(|(at, ..)| *at)?;
        Some(Self {
            at: exact(at),
            reason: reason.id().replace('_', " "),
            state,
        })
    }
}

pub(crate) async fn backlog(app: &App) -> Result<BTreeMap<IntegrationId, u64>, Problem> {
    let backlog = app.engine.ledger().backlog().await?.into_iter();
    let counts = backlog.map(|waiting| (waiting.integration, waiting.count));
    Ok(counts.collect())
}

#[derive(Template)]
#[template(path = "integrations/list.html")]
struct ListTemplate {
    shell: Shell,
    integrations: Vec<Line>,
    catalogue: Vec<Shelf>,
    /// What the catalogue is searched for.
    asked: String,
}

/// Destinations of one category.
struct Shelf {
    title: &'static str,
    destinations: Vec<&'static Spec>,
}

/// The destinations that are searched for, by category.
fn shelves(asked: &str) -> Vec<Shelf> {
    let of = |category: &Category| {
        let all = destinations::ALL.iter();
        let all = all.map(|destination| destination.spec());
        let found = all.filter(|spec| spec.category == *category && matches(spec, asked));
        Shelf {
            title: category.title(),
            destinations: found.collect(),
        }
    };
    let shelves = Category::ALL.iter().map(of);
    shelves
        .filter(|shelf| !shelf.destinations.is_empty())
        .collect()
}

/// Whether every word that is searched for begins a word of what a destination is called or does.
fn matches(spec: &Spec, asked: &str) -> bool {
    let (title, category) = (spec.title, spec.category.title());
    let text = format!("{title} {} {} {category}", spec.key, spec.summary).to_lowercase();
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_alphanumeric())
        .collect();
    asked
        .to_lowercase()
        .split_whitespace()
        .all(|part| words.iter().any(|word| word.starts_with(part)))
}

/// `GET /projects/{project}/integrations`.
async fn integrations(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked = Sent::query(&uri).text("find").to_owned();
    let waiting = backlog(&app).await?;
    let mut lines = Vec::new();
    for active in project.integrations()? {
        lines.push(line(&app, &project, active, &waiting).await?);
    }
    Ok(html(&ListTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "integrations").await?,
        integrations: lines,
        catalogue: shelves(&asked),
        asked,
    }))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn the_catalogue_is_searched_by_beginnings_of_words() {
        let slack = destinations::find("slack").unwrap().spec();
        for (asked, found) in [
            ("", true),
            ("sla", true),
            ("SLACK chan", true),
            ("lack", false),
        ] {
            assert_eq!(matches(slack, asked), found, "{asked}");
        }
    }
}
