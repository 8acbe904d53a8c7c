//! What a store said when it was asked whether the settings of an app work.

use domain::Environment;
use sources::{Probe, ProbeOutcome};

/// What a store said when it was asked whether the settings work.
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) color: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) detail: String,
}

impl Finding {
    pub(crate) fn of(probe: &Probe) -> Self {
        let environment = probe.environment.map_or("", Environment::id);
        let (color, outcome, detail) = match &probe.outcome {
            ProbeOutcome::Works(seen) => ("green", "works", seen.clone()),
            ProbeOutcome::Waiting(_) => (
                "blue",
                "waiting",
                "the store has not said yet how it went; check again in a minute".into(),
            ),
            ProbeOutcome::Fails { detail, .. } => ("red", "fails", detail.clone()),
        };
        Self {
            what: format!("{} {environment}", probe.asked),
            color,
            outcome,
            detail,
        }
    }
}
