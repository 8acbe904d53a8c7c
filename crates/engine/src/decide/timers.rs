//! "Still active" events: a number of days after a trial or subscription began, once, if it still runs then.
//!
//! A trial that converts starts no timer of its own. Source: Adapty's description of its events `trial_active` and
//! `subscription_active`; docs/webhooks.md says which integrations want them.

use destinations::Timer;
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
    /// Which of them any integration wants.
    pub(super) wanted: &'a BTreeSet<Timer>,
    pub(super) chain: &'a ChainKey,
    pub(super) facts: &'a Facts,
    pub(super) snapshot: &'a Snapshot,
}

/// One of them, and when it is due.
struct Set {
    timer: Timer,
    due: Timestamp,
}

/// What a timer tells.
pub(super) struct StillActive {
    pub(super) after_days: u32,
    pub(super) change: Change,
}

impl Timers<'_> {
    /// After a time-out as long as an unconfirmed period may last, a missed timer is not made up for.
    const LATEST: SignedDuration = domain::snapshot::LAPSE_LIMIT;

    /// When the next is due.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.all().map(|set| set.due).filter(|due| *due > now).min()
    }

    /// What the timers that are due tell.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = StillActive> {
        let (chain, snapshot) = (self.chain, self.snapshot);
        let is_trial = snapshot.phase == Phase::Trial;
        let runs =
            move |kind| snapshot.gives_access() && is_trial == (kind == EventKind::TrialActive);
        let is_due = move |due: Timestamp| due <= now && due.duration_until(now) <= Self::LATEST;
        self.all()
            .filter(move |set| is_due(set.due) && runs(set.timer.kind))
            .map(move |Set { timer, due }| {
                let Timer { kind, after_days } = timer;
                let key = format!("{}:{}:{after_days}", kind.id(), chain.id);
                let change = Change::new(kind, key, due, snapshot, "timer.still_active");
                StillActive { after_days, change }
            })
    }

    fn all(&self) -> impl Iterator<Item = Set> {
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
            .filter(move |timer| kind == Some(timer.kind))
            .filter_map(move |timer| {
                let lasting = SignedDuration::from_hours(24 * i64::from(timer.after_days));
                Some(Set {
                    timer: *timer,
                    due: start?.checked_add(lasting).ok()?,
                })
            })
    }
}
