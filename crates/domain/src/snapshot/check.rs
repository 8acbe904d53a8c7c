//! When a chain is looked at again: when time alone changes how it stands, and when only its store can say.

use super::{
    Snapshot,
    standing::{LAPSE_CHECKS, MESSAGE_WAIT, Standing, gives_up_at},
};
use crate::{
    Facts,
    fact::{Status, TransactionKind, line_key},
    time::after,
};
use jiff::{SignedDuration, Timestamp};

/// How often an unpaid or paused purchase is looked at again.
const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Snapshot {
    /// Whether only the store can say how a line of this stands at `now`: a period is over unconfirmed, a charge failed, a
    /// pause may have ended.
    pub fn wants_confirmation(&self, now: Timestamp) -> bool {
        self.lines().any(|line| line.is_unconfirmed(now))
    }

    fn is_unconfirmed(&self, now: Timestamp) -> bool {
        match &self.standing {
            Standing::Current => {
                let is_over = self.expires_at.is_some_and(|end| end <= now);
                self.kind == TransactionKind::Subscription && (is_over || self.runs_unheard())
            }
            Standing::Lapsed | Standing::Retry { .. } => true,
            Standing::Grace { until, .. } => *until <= now,
            // It may be taken up before it was to end.
            Standing::Paused { until } => until.is_some(),
            Standing::Expired { .. } | Standing::Revoked { .. } => false,
        }
    }

    /// The next instant after `now` at which the passing of time alone can change a line of this, or at which the store should
    /// be asked. `None` when only a new fact can. `facts` are those that this was derived from.
    pub fn next_check(&self, facts: &Facts, now: Timestamp) -> Option<Timestamp> {
        let lines = self.lines();
        let checks = lines.flat_map(|line| [line.own_check(now), line.waits_until(facts, now)]);
        checks.flatten().min()
    }

    /// When what is said to have been replaced has waited long enough for what took its place.
    fn waits_until(&self, facts: &Facts, now: Timestamp) -> Option<Timestamp> {
        let last = facts.transaction(&self.transaction, &self.line)?;
        let said = facts
            .renewals
            .get(&line_key(&last.fact.leg, &self.line))
            .filter(|said| {
                self.standing == Standing::Lapsed && said.status == Some(Status::Replaced)
            })?;
        Some(after(said.ended_at?, MESSAGE_WAIT)).filter(|until| *until > now)
    }

    fn own_check(&self, now: Timestamp) -> Option<Timestamp> {
        if let Some(begins) = self.begins_at.filter(|begins| now < *begins) {
            return Some(begins);
        }
        let end = match &self.standing {
            Standing::Grace { until, .. } if *until > now => return Some(*until),
            Standing::Grace { since, .. } | Standing::Retry { since } => {
                return self.daily(*since, now);
            }
            Standing::Paused { until } => {
                let resumed = until.and_then(|until| until.checked_add(LAPSE_CHECKS[0]).ok())?;
                return if resumed > now {
                    Some(resumed.min(after(now, DAY)))
                } else {
                    self.daily(resumed, now)
                };
            }
            // Nobody confirms the end of what does not renew.
            Standing::Current if self.kind != TransactionKind::Subscription => {
                return self.expires_at;
            }
            Standing::Current | Standing::Lapsed => self.expires_at?,
            Standing::Expired { .. } | Standing::Revoked { .. } => return None,
        };
        let looks = |from: Timestamp| {
            let mut looks = LAPSE_CHECKS.iter().map(|delay| after(from, *delay));
            looks.find(|look| *look > now)
        };
        // What runs unheard of, the store knows.
        let asks = |since| looks(since).into_iter().chain([after(now, DAY)]);
        let asked = self.unheard_since.into_iter().flat_map(asks);
        asked.chain(looks(end)).min()
    }

    /// A day from `now`, and the moment at which what began at `since` has lasted as long as any store tries. `None` after it: what a store
    /// lets stand for longer it ends by itself.
    fn daily(&self, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let gives_up = gives_up_at(since, self.is_committed);
        now.checked_add(DAY)
            .ok()
            .map(|next| next.min(gives_up))
            .filter(|_| now < gives_up)
    }
}
