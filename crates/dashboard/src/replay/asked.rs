//! Which events, as the form and the page's address say it.

use crate::form::{FormId, Trimmed};
use domain::time::before;
use jiff::{SignedDuration, Timestamp, tz::Offset};
use ledger::{ReplayOf, ReplayWhat};
use serde::Deserialize;
use serde_json::json;
use web::replay_form::Asked;

/// How far back a replay begins unless somebody says otherwise.
const DAYS: i64 = 1;

/// Fields of the form of a replay.
pub(crate) const FIELDS: &[&str] = &[
    "integration",
    "what",
    "since",
    "until",
    "kinds",
    "standings",
    "reasons",
    "environment",
    "customer",
    "per_second",
];

/// The form of a replay.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReplayForm {
    integration: Trimmed,
    what: Trimmed,
    since: Trimmed,
    until: Trimmed,
    kinds: Vec<String>,
    standings: Vec<String>,
    reasons: Vec<String>,
    environment: Trimmed,
    customer: Trimmed,
    per_second: Trimmed,
    /// Comes with the button that begins it.
    form: FormId,
}

impl ReplayForm {
    /// By what it is known when it is pressed again.
    pub(crate) fn asked_as(&self) -> Option<String> {
        let Self {
            kinds,
            standings,
            reasons,
            ..
        } = self;
        let lines = [
            &self.integration,
            &self.what,
            &self.since,
            &self.until,
            &self.environment,
            &self.customer,
            &self.per_second,
        ];
        let lines = lines.map(|line| &**line);
        self.form
            .asked_as(&json!([lines, kinds, standings, reasons]))
    }

    /// Whether anything is asked for yet: without a beginning it is the form as it is first shown.
    pub(crate) fn is_asked(&self) -> bool {
        !self.since.is_empty() || *self.what == *ReplayWhat::States.id()
    }

    /// What is asked for, and what cannot be read.
    pub(crate) fn read(self) -> (Asked, Vec<String>) {
        let chosen = |mut values: Vec<String>| {
            values.retain(|value| !value.is_empty());
            values
        };
        let mut problems = Vec::new();
        let per_second = match &*self.per_second {
            "" => None,
            number => number
                .parse()
                .inspect_err(|_| problems.push(format!("per_second: {number:?} is no number")))
                .ok(),
        };
        let asked = Asked {
            integration: self.integration.into(),
            what: self.what.into(),
            since: self.since.into(),
            until: self.until.into(),
            kinds: chosen(self.kinds),
            standings: chosen(self.standings),
            reasons: chosen(self.reasons),
            environment: self.environment.into(),
            customer: self.customer.into(),
            per_second,
            dry_run: false,
        };
        (asked, problems)
    }
}

/// What the form says before anybody touched it: what failed since yesterday.
pub(crate) fn first_shown(asked: Asked, now: Timestamp) -> Asked {
    let since = before(now, SignedDuration::from_hours(24 * DAYS));
    let since = Offset::UTC.to_datetime(since);
    Asked {
        since: since.strftime("%Y-%m-%dT%H:%M").to_string(),
        standings: vec![ReplayOf::Failed.id().to_owned()],
        ..asked
    }
}
