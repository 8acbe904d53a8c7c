//! The overview, of real purchases or of those in the sandbox.
//!
//! Tests: `crates/dashboard/tests/sections/overview.rs`.

use super::{
    chart::{self, Column, DAYS},
    counted::Counted,
    lines::{self, AppLine, IntegrationLine},
};
use crate::{
    count::Count,
    filters,
    form::Sent,
    respond::html,
    shell::{Place, Shell},
    state::Dashboard,
    text::exact,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use domain::{Environment, time::before};
use jiff::{SignedDuration, Timestamp};
use ledger::Tally;
use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};
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
    vec![Route::page(
        Get,
        "/projects/{project}/overview",
        Page,
        overview,
    )]
}

#[derive(Template)]
#[template(path = "overview/page.html")]
struct OverviewTemplate {
    shell: Shell,
    environment: &'static str,
    other: &'static str,
    paid: u64,
    trials: u64,
    counted_at: String,
    revenue: String,
    told: u64,
    hours: Vec<Column>,
    days: Vec<Column>,
    /// Kind and how often, today's most frequent first.
    kinds: Vec<Count>,
    integrations: Vec<IntegrationLine>,
    apps: Vec<AppLine>,
}

/// Which purchases are shown. Where nothing real happened yet, those in the sandbox are what there is to see.
fn chosen(asked: &Sent, tallies: &[Tally]) -> Environment {
    let is_real = |tally: &Tally| tally.environment == Environment::Production;
    let usual = if tallies.iter().any(is_real) {
        Environment::Production
    } else {
        Environment::Sandbox
    };
    Environment::from_id(asked.text("environment")).unwrap_or(usual)
}

/// Kinds of events since a moment and how often, the most frequent first.
fn kinds(tallies: &[Tally], since: Timestamp) -> Vec<Count> {
    let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
    for tally in tallies.iter().filter(|tally| tally.hour >= since) {
        *kinds.entry(tally.kind.title()).or_default() += tally.count;
    }
    let kinds = kinds.into_iter();
    let mut kinds: Vec<_> = kinds.map(|(what, number)| Count { what, number }).collect();
    kinds.sort_by_key(|kind| Reverse(kind.number));
    kinds
}

/// `GET /projects/{project}/overview`; `?environment=sandbox` for test purchases.
async fn overview(
    State(app): State<App>,
    State(counted): State<Arc<Counted>>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let now = app.engine.system().now();
    let days_ago = |days: i64| before(now, SignedDuration::from_hours(24 * days));
    let ledger = app.engine.ledger();
    let mut tallies = ledger.tallies(project.id, days_ago(DAYS)).await?;
    let environment = chosen(&Sent::query(&uri), &tallies);
    tallies.retain(|tally| tally.environment == environment);
    let (counted_at, counts) = counted.running(&app, project.id, now).await?;
    let counts = counts.iter().find(|count| count.environment == environment);
    let kinds = kinds(&tallies, days_ago(1));
    Ok(html(&OverviewTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "overview").await?,
        environment: environment.id(),
        other: match environment {
            Environment::Production => Environment::Sandbox.id(),
            Environment::Sandbox => Environment::Production.id(),
        },
        paid: counts.map_or(0, |count| count.paid),
        trials: counts.map_or(0, |count| count.trials),
        counted_at: exact(counted_at),
        revenue: chart::dollars(tallies.iter().map(|tally| tally.usd_micros).sum()),
        told: kinds.iter().map(|kind| kind.number).sum(),
        hours: chart::by_hour(&tallies, now),
        days: chart::by_day(&tallies, now),
        kinds,
        integrations: lines::integrations(&app, &project).await?,
        apps: lines::apps(&app, &project).await?,
    }))
}
