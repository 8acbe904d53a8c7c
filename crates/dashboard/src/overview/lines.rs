//! Who is heard and who is reached: a line per app, a line per integration.

use crate::{health, text::exact};
use ledger::{DeliveryFilter, DeliveryRecord, DeliveryState};
use std::collections::BTreeMap;
use web::{App, problem::Problem, project::InProject};

/// Deliveries from which shares and times are taken.
const SAMPLE: usize = 100;

/// How an integration does.
pub(crate) struct IntegrationLine {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) color: &'static str,
    pub(crate) waiting: u64,
    pub(crate) share: String,
    pub(crate) median: String,
}

/// Whether an app hears its store.
pub(crate) struct AppLine {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) store: &'static str,
    pub(crate) heard: String,
    pub(crate) problem: bool,
}

/// The share of what was settled lately that was delivered.
fn delivered(recent: &[DeliveryRecord]) -> String {
    let settled = recent
        .iter()
        .filter(|row| row.state != DeliveryState::Pending);
    let all = settled.clone().count();
    let right = settled.filter(|row| row.state == DeliveryState::Delivered);
    (right.count() * 100)
        .checked_div(all)
        .map_or_else(|| "–".into(), |share| format!("{share} % of {all} settled"))
}

/// How long half of what was delivered lately took at most.
fn median(recent: &[DeliveryRecord]) -> String {
    let delivered = recent
        .iter()
        .filter(|row| row.state == DeliveryState::Delivered);
    let mut times: Vec<u64> = delivered
        .filter_map(|row| row.last.as_ref().map(|last| last.duration_ms))
        .collect();
    times.sort_unstable();
    let half = times.get(times.len() / 2);
    half.map_or_else(|| "–".into(), |ms| format!("{ms} ms"))
}

/// The integrations of a project.
pub(crate) async fn integrations(
    app: &App,
    project: &InProject,
) -> Result<Vec<IntegrationLine>, Problem> {
    let ledger = app.engine.ledger();
    let backlog: BTreeMap<_, _> = ledger
        .backlog()
        .await?
        .into_iter()
        .map(|waiting| (waiting.integration, waiting.count))
        .collect();
    let mut lines = Vec::new();
    for active in project.integrations() {
        let filter = DeliveryFilter {
            project: Some(project.id),
            integration: Some(active.row.id),
            state: None,
        };
        let shown = health::Shown::of(app, active);
        let recent = ledger.deliveries(&filter, None, SAMPLE).await?;
        lines.push(IntegrationLine {
            key: active.row.key.clone(),
            name: active.row.name.clone(),
            waiting: backlog.get(&active.row.id).copied().unwrap_or(0),
            share: if shown.share().is_empty() {
                delivered(&recent)
            } else {
                shown.share()
            },
            state: shown.state,
            color: shown.color,
            median: median(&recent),
        });
    }
    Ok(lines)
}

/// The apps of a project.
pub(crate) async fn apps(app: &App, project: &InProject) -> Result<Vec<AppLine>, Problem> {
    let mut lines = Vec::new();
    for row in project.apps() {
        let heard = app.engine.intake().last_heard(row.id).await?;
        let compiled = project.setup.app(row.id);
        lines.push(AppLine {
            key: row.key.clone(),
            name: row.name.clone(),
            store: row.store().title(),
            heard: heard.map(exact).unwrap_or_default(),
            problem: compiled.is_some_and(|app| app.source.is_err()),
        });
    }
    Ok(lines)
}
