//! Events of a store that is asked, and so answers as of when its messages come: which ids they have does not depend on when that is, nor on
//! which message comes first.
//!
//! What is right is worked out from what was done, at the times at which the store says that it was. Source: Stripe, API reference,
//! `canceled_at` ("If the subscription has been canceled, the date of that cancellation") and `data.previous_attributes`.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use domain::{
    ChainKey, Change, Environment, Facts, Observation, Snapshot, Store,
    change::{State, changes},
    fact::{Note, RenewalFact, Status, TransactionFact, TransactionKind, TransactionReason},
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A year, in hours: nothing that is done here reaches its end.
const LASTS: i64 = 365 * 24;

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + hour * 3_600).unwrap()
}

/// What is done; of each the subscription shows how it is since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Cancel,
    TakeBack,
    Pause,
    GoOn,
}

/// Done at an hour, and told so many hours later.
type Done = (i64, Deed, i64);

/// Deeds that change something, each some hours after the one before.
fn lives() -> impl Strategy<Value = Vec<Done>> {
    let deed = prop_oneof![
        Just(Deed::Cancel),
        Just(Deed::TakeBack),
        Just(Deed::Pause),
        Just(Deed::GoOn)
    ];
    prop::collection::vec((1_i64..40, deed, 0_i64..100), 1..12).prop_map(|steps| {
        let (mut hour, mut is_off, mut is_paused) = (0, false, false);
        let mut done = Vec::new();
        for (pause, deed, delay) in steps {
            hour += pause;
            let changes = match deed {
                Deed::Cancel => !std::mem::replace(&mut is_off, true),
                Deed::TakeBack => std::mem::take(&mut is_off),
                Deed::Pause => !std::mem::replace(&mut is_paused, true),
                Deed::GoOn => std::mem::take(&mut is_paused),
            };
            if changes {
                done.push((hour, deed, delay));
            }
        }
        done
    })
}

fn chain() -> ChainKey {
    ChainKey {
        store: Store::Stripe,
        environment: Environment::Production,
        id: "sub_1".into(),
    }
}

/// What the store answers at an hour to whoever asks because of a message.
fn answer(done: &[Done], hour: i64, because_of: Option<Done>) -> Observation {
    let so_far = done.iter().filter(|(at, ..)| *at <= hour);
    let (mut cancelled, mut is_paused) = (None, false);
    for (hour, deed, _) in so_far {
        match deed {
            Deed::Cancel => cancelled = Some(at(*hour)),
            Deed::TakeBack => cancelled = None,
            Deed::Pause => is_paused = true,
            Deed::GoOn => is_paused = false,
        }
    }
    let bought = TransactionFact {
        expires_at: Some(at(LASTS)),
        reason: Some(TransactionReason::Purchase),
        begins_chain: true,
        ..TransactionFact::new(
            "in_1",
            TransactionKind::Subscription,
            "gold",
            at(0),
            at(hour),
        )
    };
    let renewal = RenewalFact {
        auto_renew: Some(cancelled.is_none()),
        off_since: cancelled,
        pause_is_planned: is_paused,
        status: Some(Status::Active),
        ..RenewalFact::new(at(hour))
    };
    let paused = because_of.filter(|(_, deed, _)| *deed == Deed::Pause);
    Observation {
        transactions: vec![bought],
        renewals: vec![renewal],
        notes: paused
            .map(|(hour, ..)| Note::Paused { at: at(hour) })
            .into_iter()
            .collect(),
        ..Observation::of(chain())
    }
}

/// What is told of a life whose messages come late or at once.
fn told(done: &[Done], is_late: bool) -> Vec<Change> {
    let mut messages: Vec<(i64, Option<Done>)> = vec![(0, None)];
    messages.extend(done.iter().map(|one| {
        let delay = if is_late { one.2 } else { 0 };
        (one.0 + delay, Some(*one))
    }));
    messages.sort_by_key(|(hour, _)| *hour);
    let mut known: Option<(Facts, Snapshot)> = None;
    let mut all = Vec::new();
    for (hour, because_of) in messages {
        let seen = answer(done, hour, because_of);
        let before = known.as_ref();
        let facts = before.map_or_else(Facts::default, |(facts, _)| facts.clone());
        let facts = facts.absorb(&seen);
        let snapshot = Snapshot::derive(&facts, at(hour)).unwrap();
        let before = before.map(|(facts, snapshot)| State { facts, snapshot });
        let after = State {
            facts: &facts,
            snapshot: &snapshot,
        };
        let window = SignedDuration::from_hours(LASTS);
        all.extend(changes(&chain(), before, after, at(hour), window));
        known = Some((facts, snapshot));
    }
    all
}

fn ids(told: &[Change]) -> BTreeSet<(&str, Timestamp)> {
    let ids = told
        .iter()
        .map(|change| (change.key.as_str(), change.dated));
    ids.collect()
}

/// What was done, as it is told.
fn expected(done: &[Done]) -> Vec<(&'static str, Timestamp)> {
    let told = done.iter().filter_map(|(hour, deed, _)| {
        let rule = match deed {
            Deed::Cancel => "renewal.switched_off",
            Deed::TakeBack => "renewal.switched_on",
            Deed::Pause => "pause.asked_for",
            Deed::GoOn => return None,
        };
        Some((rule, at(*hour)))
    });
    told.collect()
}

proptest! {
    #[test]
    fn what_is_told_late_has_the_ids_that_it_has_in_time(done in lives()) {
        let (in_time, late) = (told(&done, false), told(&done, true));
        let (in_time, late) = (ids(&in_time), ids(&late));
        prop_assert_eq!(late.difference(&in_time).collect::<Vec<_>>(), Vec::<&(&str, Timestamp)>::new());
    }

    #[test]
    fn what_is_told_in_time_is_what_was_done_when_it_was(done in lives()) {
        let told = told(&done, false);
        let found: Vec<_> = told.iter().skip(1).map(|change| (change.rule, change.occurred_at)).collect();
        prop_assert_eq!(found, expected(&done));
    }
}
