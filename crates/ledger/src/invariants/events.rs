//! Events: numbered, told once, in the feed, with their causes.

use super::{HeldEvent, Invariant, Place, finding::Findings};
use std::collections::BTreeSet;

pub(super) fn check(findings: &mut Findings<'_>) {
    let held = findings.held;
    let mut events: Vec<&HeldEvent> = held.events.iter().collect();
    events.sort_by_key(|event| event.event.customer_seq);
    let mut keys = BTreeSet::new();
    for (number, event) in (1..).zip(&events) {
        let (id, seq) = (event.id, event.event.customer_seq);
        if seq != number {
            let what = format!("{id} has number {seq} where {number} is next");
            findings.note(Invariant::Numbered, what);
        }
        if !keys.insert(&event.key) {
            let what = format!("{} is told again by {id}", event.key);
            findings.note(Invariant::ToldOnce, what);
        }
        agree(findings, event);
        if let Some(cause) = event.event.cause.inbox
            && !held.causes.contains(&cause)
        {
            let what = format!("{id} comes from {cause}, which is not there");
            findings.note(Invariant::CausesAreKept, what);
        }
    }
    if events.len() as u64 != held.seq {
        let what = format!(
            "{} events, but its customer stands at {}",
            events.len(),
            held.seq
        );
        findings.note(Invariant::Numbered, what);
    }
    feed(findings, &events);
}

fn agree(findings: &mut Findings<'_>, row: &HeldEvent) {
    let (event, of) = (&row.event, findings.held);
    for (column, differs) in [
        ("id", row.id != event.id),
        (
            "project",
            row.project != event.project || row.project != of.project,
        ),
        ("customer", event.customer.id != of.customer.id),
        ("key", row.key != event.key),
        ("kind", row.kind != event.kind),
        ("recorded_at", row.recorded_at != event.recorded_at),
    ] {
        if differs {
            let what = format!("{column} of {} is not what it tells", row.id);
            findings.note(Invariant::EventsAgree, what);
        }
    }
}

fn feed(findings: &mut Findings<'_>, events: &[&HeldEvent]) {
    let mut last = None;
    for event in events {
        let id = event.id;
        let [place] = event.places[..] else {
            let what = format!("{id} stands in the feed {} times", event.places.len());
            findings.note(Invariant::FeedInOrder, what);
            continue;
        };
        let overtakes = match (last, place) {
            (Some(Place::At(before)), Place::At(position)) => position <= before,
            (Some(Place::Next), Place::At(_)) => true,
            (_, Place::Next) | (None, _) => false,
        };
        if overtakes {
            let what = format!("{id} stands at {place:?}, behind {last:?} of an earlier one");
            findings.note(Invariant::FeedInOrder, what);
        }
        last = Some(place);
    }
}
