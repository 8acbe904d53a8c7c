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
    pub(crate) state: &'static str,
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

/// Of what was settled lately: the share that was delivered, and how long half of that took at most.
fn measured(recent: &[DeliveryRecord]) -> (String, String) {
    let settled = || {
        recent
            .iter()
            .filter(|row| row.state != DeliveryState::Pending)
    };
    let delivered = settled().filter(|row| row.state == DeliveryState::Delivered);
    let mut times: Vec<u64> = delivered
        .filter_map(|row| row.last.as_ref().map(|last| last.duration_ms))
        .collect();
    times.sort_unstable();
    let (right, all) = (times.len(), settled().count());
    let share = (right * 100)
        .checked_div(all)
        .map_or_else(|| "–".into(), |share| format!("{share} % of {all}"));
    let median = times
        .get(times.len() / 2)
        .map_or_else(|| "–".into(), |ms| format!("{ms} ms"));
    (share, median)
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
        let (share, median) = measured(&ledger.deliveries(&filter, None, SAMPLE).await?);
        let health = health::Shown::of(app, active);
        lines.push(IntegrationLine {
            key: active.row.key.clone(),
            name: active.row.name.clone(),
            state: health.state,
            color: health.color,
            waiting: backlog.get(&active.row.id).copied().unwrap_or(0),
            share,
            median,
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
