//! What happens to the base line and to further ones at once: receivers that want one message of it are told which.

use super::step::Change;
use crate::EventKind;

/// Says of every change of a further line whether the base line tells the same.
pub(super) fn with_the_base(mut told: Vec<Change>, base: &str) -> Vec<Change> {
    let of_base: Vec<_> = told
        .iter()
        .filter(|change| change.line == base)
        .map(of)
        .collect();
    for change in &mut told {
        change.joins_base = change.line != base && of_base.contains(&of(change));
    }
    told
}

/// What is the same for the lines of one purchase: all that is charged at once is one charge, whatever each line calls it.
fn of(change: &Change) -> (Option<EventKind>, String) {
    let is_charge = change.kind.is_charge() || change.kind == EventKind::TrialStarted;
    let kind = Some(change.kind).filter(|_| !is_charge);
    let subject = match &change.refund {
        Some(refund) => format!("{}:{refund}", change.transaction),
        None if is_charge || change.kind.is_refund() => change.transaction.clone(),
        None => String::new(),
    };
    (kind, subject)
}
