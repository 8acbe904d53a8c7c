//! Who may use what, before a decision and after it.

use super::event::About;
use domain::{
    AccessLevel, ChainKey, Change, Event, EventKind, Observation, Snapshot,
    access::{self, Unlocks},
    change::ByAccess,
    customer::Customer,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Access levels by entitlement.
pub(super) type Levels = BTreeMap<String, AccessLevel>;

/// What a decision does to one customer's access, in one environment.
pub(super) struct Access {
    pub(super) before: Levels,
    pub(super) after: Levels,
}

impl Access {
    /// By the purchases that the customer has before it, and after it.
    pub(super) fn of<'a>(
        before: impl Iterator<Item = (&'a ChainKey, &'a Snapshot)>,
        after: impl Iterator<Item = (&'a ChainKey, &'a Snapshot)>,
        unlocks: &Unlocks,
    ) -> Self {
        Self {
            before: access::access(before, unlocks),
            after: access::access(after, unlocks),
        }
    }

    /// Levels worth telling of.
    pub(super) fn differences(&self) -> Vec<AccessLevel> {
        access::differences(&self.before, &self.after)
    }
}

/// The change that tells of a level.
pub(super) fn update(
    level: &AccessLevel,
    key: String,
    at: Timestamp,
    snapshot: &Snapshot,
    rule: &'static str,
) -> Change {
    Change {
        line: level.line.clone(),
        transaction: level.transaction.clone(),
        product: level.product.clone(),
        reason: level.cancellation_reason,
        ..Change::new(EventKind::AccessLevelUpdated, key, at, snapshot, rule)
    }
}

impl About<'_> {
    /// What an observation, or time passing, did to the customer's access. Told at the time of what was said, so that it is the
    /// same event when it is said again. What is told `by_access` is told by the first of them, by its rule, or alone where it changes none:
    /// there may be access besides.
    pub(super) fn access_updates(
        &self,
        access: &Access,
        observation: Option<&Observation>,
        by_access: Option<ByAccess>,
        customer: &Customer,
    ) -> Vec<Event> {
        let at = match observation {
            Some(_) => self.snapshot.last_said(),
            None => self.at.now,
        };
        let mut by_access = by_access.map(ByAccess::rule);
        let told = access.differences().into_iter().map(|level| {
            let of_this = level.chain == self.chain.id && level.store == self.chain.store;
            let rule = of_this.then(|| by_access.take()).flatten();
            let key = format!(
                "access:{}:{}:{}:{}:{}:{}:{}:{}",
                level.id,
                self.chain.id,
                at.as_microsecond(),
                level.product,
                u8::from(level.is_active),
                level.expires_at.map_or(0, Timestamp::as_microsecond),
                u8::from(level.will_renew),
                u8::from(level.is_in_grace_period)
            );
            let change = update(
                &level,
                key,
                at,
                self.snapshot,
                rule.unwrap_or("access.changed"),
            );
            Event {
                level: Some(level),
                ..self.event(&change, customer)
            }
        });
        let mut told: Vec<_> = told.collect();
        told.extend(by_access.map(|rule| self.told_alone(rule, access, at, customer)));
        told
    }

    /// What changes nothing of what the customer may use.
    fn told_alone(
        &self,
        rule: &'static str,
        access: &Access,
        at: Timestamp,
        customer: &Customer,
    ) -> Event {
        let snapshot = self.snapshot;
        let key = format!(
            "{rule}:{}:{}:{}",
            self.chain.id,
            snapshot.transaction_key(),
            at.as_microsecond()
        );
        let change = Change {
            reason: snapshot.ended_because(),
            ..Change::new(EventKind::AccessLevelUpdated, key, at, snapshot, rule)
        };
        let mut unlocked = access::unlocked_by(&snapshot.product, self.unlocks);
        Event {
            level: unlocked.find_map(|id| access.after.get(id)).cloned(),
            ..self.event(&change, customer)
        }
    }
}
