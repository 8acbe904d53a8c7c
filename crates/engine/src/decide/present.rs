//! How a customer stands, told to one integration that heard nothing of what came before. Nothing happened, so nothing of it is written but that
//! it was told.

use super::{
    deliveries::{plan, test_event},
    event::{About, Circumstances},
};
use crate::setup::{ActiveIntegration, AppSetup, ProjectSetup, Setup};
use domain::{
    AccessLevel, ChainKey, Change, Environment, Event, EventId, EventKind, Present, access,
    event::Cause, fact::TransactionKind, rates::Rates,
};
use jiff::Timestamp;
use ledger::{Commit, CustomerRecord, CustomerWrite, NewEvent, Purchase};
use std::collections::BTreeMap;

/// To whom somebody's standing is told, and as of when.
pub(crate) struct Telling<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) project: &'a ProjectSetup,
    /// Stands in for an app that is gone.
    pub(crate) grants: &'a AppSetup,
    pub(crate) rates: &'a Rates,
    pub(crate) active: &'a ActiveIntegration,
    /// What keys are made of: the same telling twice is told once.
    pub(crate) name: &'a str,
    /// Of this environment only.
    pub(crate) environment: Option<Environment>,
    pub(crate) now: Timestamp,
}

/// The commit that tells it, numbered behind what the customer was told last. `None` where the integration takes nothing of it.
pub(crate) fn present(telling: &Telling<'_>, record: &CustomerRecord) -> Option<Commit> {
    let mut commit = Commit::of(telling.project.row.id);
    let mut seq = record.seq;
    for mut event in telling.events(record) {
        event.customer_seq = seq + 1;
        let planned = plan(&event, std::slice::from_ref(telling.active), telling.now);
        if planned.deliveries.is_empty() {
            continue;
        }
        seq += 1;
        commit.deliveries.extend(planned.deliveries);
        commit.events.push(NewEvent {
            event,
            not_sent: planned.not_sent,
        });
    }
    commit.customer = Some(CustomerWrite {
        customer: record.customer.clone(),
        loaded_version: Some(record.version),
        seq,
    });
    (!commit.events.is_empty()).then_some(commit)
}

impl Telling<'_> {
    /// Every purchase that can give access, oldest first, with the entitlements that it decides.
    fn events(&self, record: &CustomerRecord) -> Vec<Event> {
        let mut told = Vec::new();
        for environment in Environment::ALL {
            if self.environment.is_none_or(|only| only == environment) {
                told.extend(self.events_in(environment, record));
            }
        }
        if told.is_empty() {
            told.push(self.nothing_bought(record));
        }
        told
    }

    fn events_in(&self, environment: Environment, record: &CustomerRecord) -> Vec<Event> {
        let all = record.purchases.iter();
        let mut owned: Vec<_> = all
            .filter(|owned| owned.chain.environment == environment)
            .collect();
        owned.sort_by_key(|owned| {
            let snapshot = &owned.stored.snapshot;
            (snapshot.original_purchased_at, &owned.chain.id)
        });
        let snapshots = owned
            .iter()
            .map(|owned| (&owned.chain, &owned.stored.snapshot));
        let access = access::access(snapshots, &self.project.unlocks);
        let mut told = Vec::new();
        for owned in owned {
            let snapshot = &owned.stored.snapshot;
            if snapshot.kind == TransactionKind::Consumable || snapshot.begins_at.is_some() {
                continue;
            }
            let mut levels = access.values().filter(|level| is_of(level, &owned.chain));
            let present = if told.is_empty() {
                Present::Customer
            } else {
                Present::Purchase
            };
            let first = levels.next();
            let rest = levels.map(|level| (Present::Entitlement, Some(level)));
            for (present, level) in std::iter::once((present, first)).chain(rest) {
                told.push(self.event(owned, present, level, &access, record));
            }
        }
        told
    }

    fn event(
        &self,
        Purchase { app, chain, stored }: &Purchase,
        present: Present,
        level: Option<&AccessLevel>,
        access: &BTreeMap<String, AccessLevel>,
        record: &CustomerRecord,
    ) -> Event {
        let at = Circumstances {
            project: self.project,
            app: self.setup.app(*app).unwrap_or(self.grants),
            inbox: None,
            now: self.now,
            heard_at: self.now,
            rates: self.rates,
        };
        let about = About {
            chain,
            facts: &stored.facts,
            snapshot: &stored.snapshot,
            unlocks: &self.project.unlocks,
            at: &at,
        };
        let of = level.map_or("", |level| &level.id);
        let key = format!("present:{}:{}:{of}", self.name, chain.id);
        let snapshot = &stored.snapshot;
        let change = Change {
            reason: snapshot.ended_because(),
            ..Change::new(
                EventKind::AccessLevelUpdated,
                key,
                self.now,
                snapshot,
                present.rule(),
            )
        };
        Event {
            level: level.cloned(),
            access: access.clone(),
            ..about.event(&change, &record.customer)
        }
    }

    fn nothing_bought(&self, record: &CustomerRecord) -> Event {
        let (project, customer) = (self.project.row.id, &record.customer);
        let key = format!("present:{}", self.name);
        let id = EventId::derived(
            project.uuid(),
            &format!("{}:{key}", customer.app_user_id),
            self.now,
        );
        Event {
            key,
            kind: EventKind::AccessLevelUpdated,
            environment: self.environment.unwrap_or(Environment::Production),
            customer: customer.for_event(),
            cause: Cause {
                inbox: None,
                rule: Present::Customer.rule().to_owned(),
            },
            ..test_event(project, id.uuid(), self.now)
        }
    }
}

fn is_of(level: &AccessLevel, chain: &ChainKey) -> bool {
    level.chain == chain.id && level.store == chain.store
}
