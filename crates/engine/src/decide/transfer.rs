//! Purchases that pass from one customer to another: what both sides become, and what each is told.
//!
//! Nothing was observed, so no snapshot changes; only access does. When two customers become one, nothing is transferred, and
//! the one that ends is told nothing.

use super::{
    access::{Access, update},
    event::{About, Circumstances},
    money::revenue,
    number,
};
use crate::setup::{AppSetup, ProjectSetup, Setup};
use domain::{
    ChainKey, Change, Environment, Event, EventKind,
    customer::{AppPurchase, Customer},
    rates::Rates,
};
use jiff::Timestamp;
use ledger::{
    Commit, CustomerRecord, CustomerWrite, Handover, InboxMessage, PassingChain, Purchase,
};

/// What passes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// Everything, names included: two customers become one.
    Everything,
    /// These purchases.
    Purchases(&'a [ChainKey]),
}

impl Scope<'_> {
    fn covers(self, chain: &ChainKey) -> bool {
        match self {
            Self::Everything => true,
            Self::Purchases(chains) => chains.contains(chain),
        }
    }

    const fn is_merge(self) -> bool {
        matches!(self, Self::Everything)
    }
}

/// Two customers, and what is to pass from one to the other.
pub(crate) struct Passing<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) project: &'a ProjectSetup,
    /// Stands in for an app that is gone.
    pub(crate) grants: &'a AppSetup,
    pub(crate) rates: &'a Rates,
    /// What asks for it; the time it came is the time it happens.
    pub(crate) message: &'a InboxMessage,
    pub(crate) from: &'a CustomerRecord,
    pub(crate) to: &'a CustomerRecord,
    pub(crate) scope: Scope<'a>,
}

/// The commit that passes it all, with what both sides are told. `None` when there is nothing to pass.
pub(crate) fn pass(passing: &Passing<'_>) -> Option<Commit> {
    let (giver, taker, scope) = (passing.from, passing.to, passing.scope);
    let chains: Vec<_> = giver
        .purchases
        .iter()
        .filter(|owned| scope.covers(&owned.chain))
        .map(|owned| PassingChain {
            app: owned.app,
            key: owned.chain.clone(),
        })
        .collect();
    if chains.is_empty() && !scope.is_merge() {
        return None;
    }
    let (mut from, mut to) = (giver.customer.clone(), taker.customer.clone());
    if scope.is_merge() {
        merge(&mut to, &from);
        from.attributes.clear();
    } else {
        pass_what_they_brought_in(passing, &mut from, &mut to);
    }
    let (mut told_from, mut told_to) = (Vec::new(), Vec::new());
    for environment in [Environment::Production, Environment::Sandbox] {
        let crossing = Crossing::of(passing, environment);
        if !crossing.moving.is_empty() {
            told_to.extend(crossing.transfers(&from, &to));
            told_to.extend(crossing.taker_access(&to));
            told_from.extend(crossing.giver_access(&from));
        }
    }
    let (project, now) = (passing.project, passing.message.received_at);
    let mut commit = Commit {
        inbox: Some(passing.message.clone()),
        ..Commit::of(project.row.id)
    };
    let from_seq = number(&mut commit, giver.seq, told_from, project, now);
    let to_seq = number(&mut commit, taker.seq, told_to, project, now);
    commit.customer = Some(CustomerWrite {
        customer: to,
        loaded_version: Some(taker.version),
        seq: to_seq,
    });
    commit.handover = Some(Handover {
        from: CustomerWrite {
            customer: from,
            loaded_version: Some(giver.version),
            seq: from_seq,
        },
        chains,
        absorbed: scope.is_merge(),
    });
    Some(commit)
}

/// The purchases of one environment, on both sides.
struct Crossing<'a> {
    passing: &'a Passing<'a>,
    given: Vec<&'a Purchase>,
    taken: Vec<&'a Purchase>,
    moving: Vec<&'a Purchase>,
}

impl<'a> Crossing<'a> {
    fn of(passing: &'a Passing<'a>, environment: Environment) -> Self {
        let of = |record: &'a CustomerRecord| -> Vec<&'a Purchase> {
            let all = record.purchases.iter();
            all.filter(|owned| owned.chain.environment == environment)
                .collect()
        };
        let (given, taken) = (of(passing.from), of(passing.to));
        let passes = |owned: &&Purchase| passing.scope.covers(&owned.chain);
        let moving = given.iter().copied().filter(passes).collect();
        Self {
            passing,
            given,
            taken,
            moving,
        }
    }

    /// The taker is told which purchases it has from whom.
    fn transfers(&self, from: &Customer, to: &Customer) -> Vec<Event> {
        if self.passing.scope.is_merge() {
            return Vec::new();
        }
        let after = self.taker().after;
        let told = self.moving.iter().map(|owned| {
            let Purchase { chain, stored, .. } = owned;
            let key = format!(
                "transfer:{}:{}:{}:{}",
                chain.id,
                from.id,
                to.id,
                self.now().as_microsecond()
            );
            let change = Change::new(
                EventKind::Transfer,
                key,
                self.now(),
                &stored.snapshot,
                "owner.transferred",
            );
            Event {
                access: after.clone(),
                transferred_from: Some(from.for_event()),
                ..self.event(owned, &change, to)
            }
        });
        told.collect()
    }

    fn taker_access(&self, to: &Customer) -> Vec<Event> {
        self.updates(&self.taker(), to)
    }

    fn giver_access(&self, from: &Customer) -> Vec<Event> {
        if self.passing.scope.is_merge() {
            return Vec::new();
        }
        self.updates(&self.giver(), from)
    }

    fn taker(&self) -> Access {
        let (taken, moving) = (self.taken.iter(), self.moving.iter());
        Access::of(
            taken.clone().copied().map(snapshot),
            taken.chain(moving).copied().map(snapshot),
            &self.passing.project.unlocks,
        )
    }

    fn giver(&self) -> Access {
        let stays = |owned: &&&Purchase| !self.passing.scope.covers(&owned.chain);
        let given = self.given.iter();
        Access::of(
            given.clone().copied().map(snapshot),
            given.filter(stays).copied().map(snapshot),
            &self.passing.project.unlocks,
        )
    }

    fn updates(&self, access: &Access, customer: &Customer) -> Vec<Event> {
        let mut told = Vec::new();
        for level in access.differences() {
            // The purchase that decides the level, on either side.
            let mut both = self.given.iter().chain(&self.taken);
            let decides = |owned: &Purchase| {
                owned.chain.id == level.chain && owned.chain.store == level.store
            };
            let Some(owned) = both.find(|owned| decides(owned)) else {
                continue;
            };
            let key = format!(
                "access:{}:{}:passed:{}",
                level.id,
                level.chain,
                self.now().as_microsecond()
            );
            let snapshot = &owned.stored.snapshot;
            let change = update(&level, key, self.now(), snapshot, "access.passed");
            told.push(Event {
                level: Some(level),
                access: access.after.clone(),
                ..self.event(owned, &change, customer)
            });
        }
        told
    }

    fn event(
        &self,
        Purchase { app, chain, stored }: &Purchase,
        change: &Change,
        customer: &Customer,
    ) -> Event {
        let passing = self.passing;
        let at = Circumstances {
            project: passing.project,
            app: passing.setup.app(*app).unwrap_or(passing.grants),
            inbox: Some(passing.message),
            now: self.now(),
            heard_at: self.now(),
            rates: passing.rates,
        };
        let about = About {
            chain,
            facts: &stored.facts,
            snapshot: &stored.snapshot,
            unlocks: &passing.project.unlocks,
            at: &at,
        };
        about.event(change, customer)
    }

    fn now(&self) -> Timestamp {
        self.passing.message.received_at
    }
}

fn snapshot(owned: &Purchase) -> (&ChainKey, &domain::Snapshot) {
    (&owned.chain, &owned.stored.snapshot)
}

/// What was charged for a purchase and not given back is in the total of whoever has it: that of what is given back later is the same.
fn pass_what_they_brought_in(passing: &Passing<'_>, from: &mut Customer, to: &mut Customer) {
    let purchases = passing.from.purchases.iter();
    let passed = purchases.filter(|owned| passing.scope.covers(&owned.chain));
    let brought_in = passed.map(|owned| revenue(&owned.stored.facts, passing.rates));
    let brought_in = brought_in.fold(0, i64::saturating_add);
    from.revenue_usd_micros = from.revenue_usd_micros.saturating_sub(brought_in).max(0);
    to.revenue_usd_micros = to.revenue_usd_micros.saturating_add(brought_in);
}

/// `to` takes over names and attributes of `from`; per attribute the newest write wins.
fn merge(to: &mut Customer, from: &Customer) {
    let names = std::iter::once(&from.app_user_id).chain(&from.aliases);
    for name in names {
        if !to.answers_to(name) {
            to.aliases.push(name.clone());
        }
    }
    to.first_seen = to.first_seen.min(from.first_seen);
    to.last_seen = to.last_seen.max(from.last_seen);
    to.installed_at = match (to.installed_at, from.installed_at) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    if let Some(told) = &from.app_purchase {
        to.app_purchase = Some(AppPurchase::or(to.app_purchase.as_ref(), told));
    }
    to.analytics_disabled |= from.analytics_disabled;
    if to.attribution.is_none() {
        to.attribution.clone_from(&from.attribution);
    }
    if to.offering.is_none() {
        to.offering.clone_from(&from.offering);
    }
    to.revenue_usd_micros = to
        .revenue_usd_micros
        .saturating_add(from.revenue_usd_micros);
    for (key, at) in &from.written {
        if to.written.get(key).is_some_and(|known| known >= at) {
            continue;
        }
        match from.attributes.get(key) {
            Some(value) => to.attributes.insert(key.clone(), value.clone()),
            None => to.attributes.remove(key),
        };
        to.written.insert(key.clone(), *at);
    }
}
