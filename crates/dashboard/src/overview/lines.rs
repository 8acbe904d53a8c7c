//! Who is heard and who is reached: a line per app, a line per integration.

use crate::{health, text::exact};
use ledger::{DeliveryFilter, DeliveryRecord, DeliveryState};
use std::collections::BTreeMap;
use web::{App, counted, problem::Problem, project::InProject};

/// Deliveries from which shares and times are taken.
const SAMPLE: usize = 100;

/// How an integration does.
pub(crate) struct IntegrationLine {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) color: &'static str,
    /// What is wrong with it, where something is.
    pub(crate) problem: String,
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
    for active in project.integrations()? {
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
            problem: shown.problem,
            median: median(&recent),
        });
    }
    // What somebody has to look at is looked at first.
    lines.sort_by_key(|line| line.color != "red");
    Ok(lines)
}

/// Whether everything is delivered, in a sentence, and what is not.
pub(crate) struct Status<'a> {
    pub(crate) color: &'static str,
    pub(crate) sentence: String,
    /// The integrations that do not deliver.
    pub(crate) failing: Vec<&'a IntegrationLine>,
}

impl<'a> Status<'a> {
    /// That of all; nothing where there is no integration.
    pub(crate) fn of(lines: &'a [IntegrationLine]) -> Option<Self> {
        let failing: Vec<_> = lines.iter().filter(|line| line.color == "red").collect();
        let waiting: u64 = lines.iter().map(|line| line.waiting).sum();
        let (color, sentence) = match (failing.len(), lines.len()) {
            (_, 0) => return None,
            (0, _) if waiting == 0 => (
                "green",
                "No integration fails, and nothing waits.".to_owned(),
            ),
            (0, _) => {
                let waiting = counted(waiting, "delivery");
                (
                    "green",
                    format!("No integration fails; {waiting} under way."),
                )
            }
            (1, 1) => ("red", "The integration does not deliver.".to_owned()),
            (1, all) => ("red", format!("1 of {all} integrations does not deliver.")),
            (some, all) => (
                "red",
                format!("{some} of {all} integrations do not deliver."),
            ),
        };
        Some(Self {
            color,
            sentence,
            failing,
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, color: &'static str, waiting: u64) -> IntegrationLine {
        IntegrationLine {
            key: name.to_owned(),
            name: name.to_owned(),
            state: String::new(),
            color,
            problem: String::new(),
            waiting,
            share: String::new(),
            median: String::new(),
        }
    }

    #[test]
    fn a_sentence_says_how_it_goes() {
        let (good, slow, bad) = (
            line("good", "green", 0),
            line("slow", "green", 1),
            line("bad", "red", 9),
        );
        for (lines, color, sentence) in [
            (
                vec![&good],
                "green",
                "No integration fails, and nothing waits.",
            ),
            (
                vec![&good, &slow],
                "green",
                "No integration fails; 1 delivery under way.",
            ),
            (vec![&bad], "red", "The integration does not deliver."),
            (
                vec![&good, &bad],
                "red",
                "1 of 2 integrations does not deliver.",
            ),
            (
                vec![&bad, &good, &bad],
                "red",
                "2 of 3 integrations do not deliver.",
            ),
        ] {
            let lines: Vec<_> = lines
                .iter()
                .map(|of| line(&of.name, of.color, of.waiting))
                .collect();
            let status = Status::of(&lines).unwrap();
            assert_eq!((status.color, status.sentence.as_str()), (color, sentence));
            assert_eq!(status.failing.is_empty(), color == "green");
        }
        assert!(Status::of(&[]).is_none(), "nothing is said of nothing");
    }
}
