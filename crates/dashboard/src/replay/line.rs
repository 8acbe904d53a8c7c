//! A replay, as people read it.

use crate::text::{clock, exact};
use engine::ActiveIntegration;
use ledger::{Choice, Replay, ReplayOf, ReplayState, ReplayWhat};
use web::project::InProject;

/// A replay, as people read it.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) integration: String,
    pub(crate) what: String,
    pub(crate) by: String,
    pub(crate) since: String,
    pub(crate) at: String,
    pub(crate) state: &'static str,
    pub(crate) color: &'static str,
    /// How far it has come, where that is known: nobody counts customers first.
    pub(crate) percent: Option<u64>,
    pub(crate) looked_at: u64,
    pub(crate) again: u64,
    pub(crate) new: u64,
    pub(crate) refused: u64,
    pub(crate) is_running: bool,
}

/// How an event stood with the integration, in words.
pub(crate) fn title_of(standing: ReplayOf) -> &'static str {
    match standing {
        ReplayOf::Failed => "failed",
        ReplayOf::Delivered => "delivered before",
        ReplayOf::NeverSent => "never sent",
    }
}

/// Which events, in words.
fn what(choice: &Choice) -> String {
    if choice.what == ReplayWhat::States {
        let only = choice.environment.map(|only| format!(" in {}", only.id()));
        return format!("how every customer stands{}", only.unwrap_or_default());
    }
    let standings = choice.standings.iter();
    let standings: Vec<_> = standings.copied().map(title_of).collect();
    let kinds: Vec<_> = choice.kinds.iter().map(|kind| kind.title()).collect();
    let kinds = if kinds.is_empty() {
        "all events".to_owned()
    } else {
        kinds.join(", ")
    };
    let reasons: Vec<_> = choice.reasons.iter().map(|reason| reason.id()).collect();
    let reasons = if reasons.is_empty() {
        String::new()
    } else {
        format!(" for {}", reasons.join(" or "))
    };
    format!(
        "{kinds} that {} {}{reasons}, {} to {}",
        if standings.len() == 1 {
            "were"
        } else {
            "were either"
        },
        standings.join(" or "),
        clock(choice.since),
        clock(choice.until)
    )
}

impl Line {
    pub(crate) fn of(project: &InProject, replay: &Replay) -> Self {
        let progress = replay.progress;
        let active = project.setup.integration(replay.integration);
        let held = active.and_then(ActiveIntegration::held_everywhere);
        let (state, color) = match (progress.state, held) {
            (ReplayState::Running, Some(_)) => ("waits for the integration", "blue"),
            (ReplayState::Running, None) => ("running", "blue"),
            (ReplayState::Done, _) => ("done", "green"),
            (ReplayState::Cancelled, _) => ("cancelled", "grey"),
        };
        let span = replay.last.saturating_sub(replay.first);
        let came = progress.after.saturating_sub(replay.first);
        Self {
            id: replay.id.to_string(),
            integration: active
                .map_or("removed", |active| &active.row.name)
                .to_owned(),
            what: what(&replay.choice),
            by: replay.by.clone(),
            since: exact(replay.started_at),
            at: exact(progress.at),
            state,
            color,
            percent: match replay.choice.what {
                ReplayWhat::States => None,
                ReplayWhat::Events if span == 0 => Some(100),
                ReplayWhat::Events => Some((came * 100 / span).min(100)),
            },
            looked_at: progress.after,
            again: progress.again,
            new: progress.new,
            refused: progress.refused,
            is_running: progress.state == ReplayState::Running,
        }
    }
}
