//! What was read from messages long ago, read again: a later release reads more from the same bytes.
//!
//! Nothing is told of it. What it adds to the facts counts as known, and so do the lines of a purchase that were not told apart
//! before; the state of every line that was known stays as it was told, so that what changes next is told as ever.

use super::{Circumstances, absorb, absorbed, changed};
use domain::{Observation, Snapshot, fact::Facts, snapshot::Standing};
use jiff::Timestamp;
use ledger::{ChainWrite, Commit, CustomerWrite, KnownChain, Loaded, StoredChain};

/// Whether a message that was taken in says more of a known purchase than is stored.
pub(crate) fn says_more(stored: &StoredChain, seen: &Observation, at: &Circumstances<'_>) -> bool {
    absorbed(Some(stored), Some(seen), &at.project.terms) != stored.facts
}

/// The facts that were read again so far, and what one more message says.
pub(crate) fn with_message(facts: Facts, seen: &Observation, at: &Circumstances<'_>) -> Facts {
    absorb(facts, seen, &at.project.terms)
}

/// What is to be stored of a known purchase now that all its messages were read again. `None` where that changes nothing.
pub(crate) fn renewed(loaded: Loaded, read: &Facts, at: &Circumstances<'_>) -> Option<Commit> {
    let KnownChain { key, stored } = loaded.chain?;
    let owner = loaded.customer?;
    let facts = read.clone().or_known(&stored.facts);
    if facts == stored.facts {
        return None;
    }
    let snapshot = with_lines(&stored, &facts, at.now);
    Some(Commit {
        customer: Some(CustomerWrite {
            customer: owner.customer,
            loaded_version: Some(owner.version),
            seq: owner.seq,
        }),
        chain: Some(ChainWrite {
            app: at.app.row.id,
            links: Vec::new(),
            changed: changed(Some(&stored), &facts),
            key,
            facts,
            snapshot,
            // Whatever time was to change is looked at now: it may have been due before.
            check_at: Some(at.now),
        }),
        ..Commit::of(at.project.row.id)
    })
}

/// The state that was told, with the lines that were not told apart. Of a purchase that is over they are over, too; otherwise
/// they stand as of what the store last said, and time goes on from there.
fn with_lines(stored: &StoredChain, facts: &Facts, now: Timestamp) -> Snapshot {
    let told = &stored.snapshot;
    let is_over = matches!(
        told.standing,
        Standing::Expired { .. } | Standing::Revoked { .. }
    );
    let as_of = if is_over { now } else { told.last_said() };
    let is_new = |line: &&Snapshot| told.line(&line.line).is_none();
    let derived = Snapshot::derive(facts, as_of);
    let Some(derived) = derived.filter(|new| new.lines().any(|line| is_new(&line))) else {
        return told.clone();
    };
    // What was told may have been of another line: of whichever the store listed last.
    if (&derived.line, &derived.product) != (&told.line, &told.product) {
        return derived;
    }
    let lines = derived.further.iter().filter(is_new).cloned();
    let mut further: Vec<_> = told.further.iter().cloned().chain(lines).collect();
    further.sort_by(|a, b| a.line.cmp(&b.line));
    Snapshot {
        further,
        ..told.clone()
    }
}
