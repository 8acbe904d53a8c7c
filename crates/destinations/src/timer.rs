//! "Still active" events: so many days after a trial or a subscription began, where an integration wants to hear that it still runs.

use crate::{Invalid, Timer};
use domain::{Event, EventKind};

/// What they are.
pub(crate) const STILL_ACTIVE: [EventKind; 2] =
    [EventKind::TrialActive, EventKind::SubscriptionActive];

/// Longest time after a beginning, in days.
const LONGEST_DAYS: u32 = 90;

/// Whether a kind is one of them.
pub(crate) const fn is_still_active(kind: EventKind) -> bool {
    matches!(kind, EventKind::TrialActive | EventKind::SubscriptionActive)
}

/// Those that are wanted, by the days that settings say.
pub(crate) fn all(trial: Option<u32>, subscription: Option<u32>) -> Vec<Timer> {
    let days = STILL_ACTIVE.into_iter().zip([trial, subscription]);
    let wanted = days.filter_map(|(kind, days)| {
        let after_days = days?;
        Some(Timer { kind, after_days })
    });
    wanted.collect()
}

/// What is wrong with them.
pub(crate) fn problems(timers: &[Timer]) -> Vec<Invalid> {
    let wrong = timers
        .iter()
        .filter(|timer| !(1..=LONGEST_DAYS).contains(&timer.after_days));
    wrong
        .map(|Timer { kind, after_days }| {
            Invalid::new(
                format!("{}_days", kind.id()),
                format!("is {after_days}; give 1 to {LONGEST_DAYS} days"),
            )
        })
        .collect()
}

/// What one is called by itself: nothing, where it is not wanted.
pub(crate) fn usual(kind: EventKind, timers: &[Timer]) -> Option<&'static str> {
    let is_wanted = timers.iter().any(|timer| timer.kind == kind);
    is_wanted.then(|| kind.id())
}

/// Whether an event may go: one of them is made for each number of days that somebody wants, and goes to whoever wants that number.
pub(crate) fn is_due(event: &Event, timers: &[Timer]) -> bool {
    let kind = event.kind;
    let is_wanted = |after_days| timers.contains(&Timer { kind, after_days });
    !is_still_active(kind) || event.after_days.is_some_and(is_wanted)
}
