//! What was read from a message long ago, read again: a later release reads more from the same bytes.
//!
//! Nothing is told of it. What it adds to the facts counts as known, and so do the lines of a purchase that were not told apart
//! before; the state of every line that was known stays as it was told, so that what changes next is told as ever.

use super::{Circumstances, absorbed, changed, links};
use domain::{Observation, Snapshot, fact::Facts, snapshot::Standing};
use jiff::Timestamp;
use ledger::{ChainWrite, Commit, CustomerWrite, KnownChain, Loaded, StoredChain};

/// What is to be stored of a known purchase now that `seen` is read from one of its messages; `None` where all of it is known.
pub(crate) fn read_again(
    loaded: Loaded,
    seen: &Observation,
    at: &Circumstances<'_>,
) -> Option<Commit> {
    let KnownChain { key, stored } = loaded.chain?;
    let owner = loaded.customer?;
    let facts = absorbed(Some(&stored), Some(seen), &at.project.terms);
    let snapshot = with_lines(&stored, &facts, at.now);
    if facts == stored.facts && snapshot == stored.snapshot {
        return None;
    }
    Some(Commit {
        customer: Some(CustomerWrite {
            customer: owner.customer,
            loaded_version: Some(owner.version),
            seq: owner.seq,
        }),
        chain: Some(ChainWrite {
            app: at.app.row.id,
            links: links(&key, Some(seen)),
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
    let mut snapshot = told.clone();
    if let Some(derived) = Snapshot::derive(facts, as_of) {
        let lines = derived
            .lines()
            .filter(|line| told.line(&line.line).is_none());
        let lines = lines.map(|line| Snapshot {
            further: Vec::new(),
            ..line.clone()
        });
        snapshot.further.extend(lines);
        snapshot.further.sort_by(|a, b| a.line.cmp(&b.line));
    }
    snapshot
}
