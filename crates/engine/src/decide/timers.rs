//! "Still active" events: a number of days after a trial or subscription began, once, if it still runs then.
//!
//! A trial that converts starts no timer of its own. Source: Adapty's description of its events `trial_active` and
//! `subscription_active`; docs/webhooks.md says which integrations want them.

use domain::{
    Change, EventKind, Facts, Snapshot,
    charge::History,
    fact::{ChainKey, Ownership, TransactionKind},
    snapshot::Phase,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// The timers of one purchase.
pub(super) struct Timers<'a> {
    /// Which of them any integration wants, and after how many days.
    pub(super) wanted: &'a BTreeSet<(EventKind, u32)>,
    pub(super) chain: &'a ChainKey,
    pub(super) facts: &'a Facts,
    pub(super) snapshot: &'a Snapshot,
}

/// One of them.
struct Timer {
    kind: EventKind,
    days: u32,
    due: Timestamp,
}

impl Timers<'_> {
    /// After a time-out as long as an unconfirmed period may last, a missed timer is not made up for.
    const LATEST: SignedDuration = domain::snapshot::LAPSE_LIMIT;

    /// When the next is due.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.all()
            .map(|timer| timer.due)
            .filter(|due| *due > now)
            .min()
    }

    /// What the timers that are due tell, each with its number of days.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = (u32, Change)> {
        let (chain, snapshot) = (self.chain, self.snapshot);
        let is_trial = snapshot.phase == Phase::Trial;
        let runs =
            move |kind| snapshot.gives_access() && is_trial == (kind == EventKind::TrialActive);
        let is_due = move |due: Timestamp| due <= now && due.duration_until(now) <= Self::LATEST;
        self.all()
            .filter(move |timer| is_due(timer.due) && runs(timer.kind))
            .map(move |Timer { kind, days, due }| {
                let key = format!("{}:{}:{days}", kind.id(), chain.id);
                let change = Change::new(kind, key, due, snapshot, "timer.still_active");
                (days, change)
            })
    }

    fn all(&self) -> impl Iterator<Item = Timer> {
        let first = History::of(self.facts, &self.snapshot.line)
            .iter()
            .next()
            .map(|transaction| &transaction.fact);
        let first = first.filter(|fact| {
            fact.is_origin(&self.chain.id)
                && fact.kind == TransactionKind::Subscription
                && fact.ownership == Ownership::Purchased
        });
        let kind = first.map(|fact| {
            if fact.is_free() {
                EventKind::TrialActive
            } else {
                EventKind::SubscriptionActive
            }
        });
        let start = first.map(|fact| fact.purchased_at);
        self.wanted
            .iter()
            .filter(move |(wanted, _)| kind == Some(*wanted))
            .filter_map(move |(kind, days)| {
                let days_long = SignedDuration::from_hours(24 * i64::from(*days));
                Some(Timer {
                    kind: *kind,
                    days: *days,
                    due: start?.checked_add(days_long).ok()?,
                })
            })
    }
}
