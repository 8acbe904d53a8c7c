//! What a message leads to: a pure function of what is known, what was observed, and the setup.
//!
//! **How it works.** A message's facts are absorbed, a snapshot is derived from them, its difference from the one before is
//! named, and so is the difference in access; each difference becomes an event, and each event deliveries. The way is cut in
//! two because one question lies on it, which only the ledger can answer: which events the customer has been told already.
//! [`propose`] goes as far as the events; [`conclude`] numbers those that are new and plans their deliveries.
//!
//! **What it does not do.** It reads no clock, no ledger and no random source, and sends nothing. Purchases that pass from
//! one customer to another take a shorter way, [`transfer`]: nothing was observed there.

mod access;
pub(crate) mod again;
mod deliveries;
mod event;
mod money;
mod notice;
mod present;
mod timers;
pub(crate) mod transfer;
mod window;

#[cfg(test)]
pub(crate) use deliveries::test_event;
pub(crate) use deliveries::{plan, test_of};
pub(crate) use event::Circumstances;
pub(crate) use notice::told as notice;
pub(crate) use present::{Telling, present};
pub(crate) use window::Within;

use crate::setup::ProjectSetup;
use access::Access;
use domain::{
    CustomerId, Event, Facts, Observation, ProjectId, Snapshot,
    access::{Terms, of_product},
    change::{self, State},
    customer::{ANONYMOUS_PREFIX, Customer},
    fact::{ChainKey, TransactionKind},
};
use event::About;
use jiff::{SignedDuration, Timestamp};
use ledger::{
    ChainWrite, Commit, CustomerWrite, KnownChain, Loaded, NewEvent, OtherChain, StoredChain,
    VersionedCustomer,
};
use money::{count, revenue, uncounted};
use std::collections::BTreeSet;
use timers::Timers;
use uuid::Uuid;

/// The new state, with the events it tells, not yet numbered.
pub(crate) struct Proposal {
    owner: Owner,
    chain: ChainWrite,
    drafts: Vec<Event>,
    /// Customers that the chain belonged to before.
    formers: Vec<CustomerId>,
    /// Whether the chain was known, so that some of the drafts may have been told before.
    is_known_chain: bool,
}

/// Events that may have been told before.
pub(crate) struct InQuestion {
    /// Whom they may have been told to.
    pub(crate) customers: Vec<CustomerId>,
    /// Their keys.
    pub(crate) keys: Vec<String>,
}

impl Proposal {
    /// Whether the purchase is, or will be, that of the customer with this name.
    pub(crate) fn belongs_to(&self, name: &str) -> bool {
        self.owner.customer.answers_to(name)
    }

    /// Whether it is that of a customer whom the app, or one of its clients, has named.
    pub(crate) fn is_named(&self) -> bool {
        !self
            .owner
            .customer
            .app_user_id
            .starts_with(ANONYMOUS_PREFIX)
    }

    /// Whether nothing was known of the chain.
    pub(crate) const fn is_new_chain(&self) -> bool {
        !self.is_known_chain
    }

    /// Keeps the state and tells nothing of it: so nothing of it is news later.
    pub(crate) fn keep_silent(&mut self) {
        self.drafts.clear();
    }

    /// What may have been told before, and to whom. `None` when nothing can have been told.
    pub(crate) fn in_question(&self) -> Option<InQuestion> {
        let is_known = self.owner.loaded_version.is_some() && self.is_known_chain;
        let told_to = std::iter::once(self.owner.customer.id).chain(self.formers.iter().copied());
        let keys: Vec<_> = self.drafts.iter().map(|draft| draft.key.clone()).collect();
        (is_known && !keys.is_empty()).then(|| InQuestion {
            customers: told_to.collect(),
            keys,
        })
    }
}

/// Derives the new state of a chain and what it tells. `None` when nothing is known about it. `name` is that of its owner,
/// where nobody owns it yet.
pub(crate) fn propose(
    loaded: Loaded,
    chain: &ChainKey,
    observation: Option<&Observation>,
    name: Option<&str>,
    at: &Circumstances<'_>,
) -> Option<Proposal> {
    let (chain, before) = match loaded.chain {
        Some(KnownChain { key, stored }) => (key, Some(stored)),
        None => (chain.clone(), None),
    };
    let before = before.as_ref();

    let mut facts = absorbed(before, observation, &at.project.terms);
    count(&mut facts, at.rates);
    let as_of = as_of(before, &facts, observation, at.now);
    let snapshot = Snapshot::derive(&facts, as_of)?;
    let about = About {
        chain: &chain,
        facts: &facts,
        snapshot: &snapshot,
        unlocks: &at.project.unlocks,
        at,
    };
    let access = about.access(&loaded.others, before);
    let owner = Owner::of(loaded.customer, before, name, &about);
    let timers = Timers {
        wanted: &at.project.timers,
        chain: &chain,
        facts: &facts,
        snapshot: &snapshot,
    };
    let mut drafts = about.told(before, &access, observation, &owner.customer);
    if observation.is_none() {
        drafts.extend(about.timed(&timers, &owner.customer));
    }
    for draft in &mut drafts {
        draft.access.clone_from(&access.after);
    }
    let check_at = snapshot
        .next_check(&facts, as_of)
        .into_iter()
        .chain(timers.next(at.now))
        .min();
    Some(Proposal {
        owner,
        drafts,
        formers: before.map_or_else(Vec::new, |stored| stored.formers.clone()),
        is_known_chain: before.is_some(),
        chain: ChainWrite {
            app: at.app.row.id,
            links: links(&chain, observation),
            changed: changed(before, &facts),
            key: chain,
            facts,
            snapshot,
            check_at,
        },
    })
}

impl About<'_> {
    /// What the customer may use, before and after, with all `others` that they bought.
    fn access(&self, others: &[OtherChain], before: Option<&StoredChain>) -> Access {
        let others = others.iter().map(|other| (&other.key, &other.snapshot));
        let before = before.map(|stored| (self.chain, &stored.snapshot));
        Access::of(
            others.clone().chain(before),
            others.chain([(self.chain, self.snapshot)]),
            self.unlocks,
        )
    }

    /// What differs from before, and what that changes about what the customer may use.
    fn told(
        &self,
        before: Option<&StoredChain>,
        access: &Access,
        observation: Option<&Observation>,
        customer: &Customer,
    ) -> Vec<Event> {
        let (chain, at) = (self.chain, self.at);
        let window = SignedDuration::from_hours(i64::from(at.project.row.historical_window_hours));
        let before = before.map(|stored| State {
            facts: &stored.facts,
            snapshot: &stored.snapshot,
        });
        let after = State {
            facts: self.facts,
            snapshot: self.snapshot,
        };
        let changes = change::changes(chain, before, after, at.heard_at, window);
        let by_access = change::by_access(chain, before, after, at.heard_at, window);
        let drafts = changes.iter().map(|change| self.event(change, customer));
        let updates = self.access_updates(access, observation, by_access, customer);
        drafts.chain(updates).collect()
    }

    /// What is told so many days after something, and is due now.
    fn timed(&self, timers: &Timers<'_>, customer: &Customer) -> Vec<Event> {
        let due = timers.due(self.at.now);
        due.map(|told| Event {
            after_days: Some(told.after_days),
            ..self.event(&told.change, customer)
        })
        .collect()
    }
}

/// Numbers the events that are new, plans their deliveries, and puts everything into one commit. `known` are the keys of
/// events that were told before.
pub(crate) fn conclude(proposal: Proposal, known: &[String], at: &Circumstances<'_>) -> Commit {
    // A key is told once, whatever rules come to it: a message that told it twice could not be written, and not when it is tried again.
    let mut told = BTreeSet::new();
    let is_new = |draft: &Event| !known.contains(&draft.key) && told.insert(draft.key.clone());
    let mut commit = Commit {
        inbox: at.inbox.cloned(),
        chain: Some(proposal.chain),
        ..Commit::of(at.project.row.id)
    };
    let drafts = proposal.drafts.into_iter().filter(is_new);
    let seq = number(&mut commit, proposal.owner.seq, drafts, at.project, at.now);
    commit.customer = Some(CustomerWrite {
        customer: proposal.owner.customer,
        loaded_version: proposal.owner.loaded_version,
        seq,
    });
    commit
}

/// Numbers one customer's events after `seq` and adds them to a commit with their deliveries. Answers the last number given.
fn number(
    commit: &mut Commit,
    mut seq: u64,
    drafts: impl IntoIterator<Item = Event>,
    project: &ProjectSetup,
    now: Timestamp,
) -> u64 {
    for mut event in drafts {
        seq += 1;
        event.customer_seq = seq;
        let planned = plan(&event, &project.integrations, now);
        commit.deliveries.extend(planned.deliveries);
        commit.events.push(NewEvent {
            event,
            not_sent: planned.not_sent,
        });
    }
    seq
}

/// Whom a purchase belongs to, as it is to be.
struct Owner {
    customer: Customer,
    /// The version it was loaded with; `None` when it is new.
    loaded_version: Option<u64>,
    /// Sequence number of its latest event.
    seq: u64,
}

impl Owner {
    fn of(
        known: Option<VersionedCustomer>,
        before: Option<&StoredChain>,
        name: Option<&str>,
        about: &About<'_>,
    ) -> Self {
        let at = about.at;
        let mut owner = match known {
            Some(known) => Self {
                customer: known.customer,
                loaded_version: Some(known.version),
                seq: known.seq,
            },
            None => Self {
                customer: first_owner(at.project.row.id, about.chain, name, at.now),
                loaded_version: None,
                seq: 0,
            },
        };
        let customer = &mut owner.customer;
        customer.last_seen = customer.last_seen.max(at.now);
        let brought_in = customer
            .revenue_usd_micros
            .saturating_add(revenue(about.facts, at.rates))
            .saturating_sub(before.map_or(0, |before| revenue(&before.facts, at.rates)));
        // What an earlier release counted may have been counted with other rates, or passed without what it had brought in.
        customer.revenue_usd_micros = brought_in.max(0);
        owner
    }
}

/// The name of whoever the store knows by this id, as long as the app has not named them: purchases of one account of the store
/// are one customer's.
pub(crate) fn account_name(project: ProjectId, chain: &ChainKey, account: &str) -> String {
    let (store, environment) = (chain.store.id(), chain.environment.id());
    anonymous(project, &format!("{store}:{environment}:account:{account}"))
}

/// The name of whoever bought it, as long as nobody else has one for them.
pub(crate) fn nameless(project: ProjectId, chain: &ChainKey) -> String {
    let (store, environment) = (chain.store.id(), chain.environment.id());
    anonymous(project, &format!("{store}:{environment}:{}", chain.id))
}

fn anonymous(project: ProjectId, of: &str) -> String {
    let id = Uuid::new_v5(&project.uuid(), of.as_bytes());
    format!("{ANONYMOUS_PREFIX}{}", id.simple())
}

/// The customer a new chain belongs to when nobody owns it yet.
fn first_owner(
    project: ProjectId,
    chain: &ChainKey,
    name: Option<&str>,
    now: Timestamp,
) -> Customer {
    let nameless = || nameless(project, chain);
    named_customer(project, name.map_or_else(nameless, str::to_owned), now)
}

/// A customer heard of for the first time.
pub(crate) fn named_customer(project: ProjectId, app_user_id: String, now: Timestamp) -> Customer {
    let id = CustomerId::derived(project.uuid(), &app_user_id, now);
    Customer::new(id, app_user_id, now)
}

fn absorbed(
    before: Option<&StoredChain>,
    observation: Option<&Observation>,
    terms: &Terms,
) -> Facts {
    let known = before.map_or_else(Facts::default, |stored| stored.facts.clone());
    match observation {
        Some(seen) => absorb(known, seen, terms),
        None => known,
    }
}

/// Whether nothing is stored of a purchase but what was seen.
pub(crate) fn is_all_of(stored: &StoredChain, seen: &Observation, terms: &Terms) -> bool {
    absorb(Facts::default(), seen, terms) == uncounted(stored.facts.clone())
}

fn absorb(known: Facts, seen: &Observation, terms: &Terms) -> Facts {
    if terms.is_empty() {
        known.absorb(seen)
    } else {
        known.absorb(&with_ends(seen, terms))
    }
}

/// What was seen, with the ends that no store knows: of what is bought once for a time, which its product says.
fn with_ends(seen: &Observation, terms: &Terms) -> Observation {
    let mut seen = seen.clone();
    for fact in &mut seen.transactions {
        if fact.kind != TransactionKind::Subscription && fact.expires_at.is_none() {
            let term = of_product(&fact.product, terms);
            fact.expires_at = term.and_then(|term| term.end(fact.purchased_at));
            fact.end_is_provisional |= fact.start_is_provisional;
        }
    }
    seen
}

/// The instant to decide at. What a message newly says is decided at the time it was said: told late, it leads to the same
/// events, and what has changed since by time alone is due at once. That an end was told meanwhile makes no difference: a
/// clock's verdict holds until the store says better. A message that says nothing newer is decided now.
fn as_of(
    before: Option<&StoredChain>,
    facts: &Facts,
    observation: Option<&Observation>,
    now: Timestamp,
) -> Timestamp {
    let (Some(_), Some(seen)) = (before, observation) else {
        return now;
    };
    let known = facts.transactions.values().map(|known| known.fact.version);
    let newest = known
        .chain(facts.renewals.values().map(|renewal| renewal.version))
        .max();
    let said = seen.transactions.iter().map(|fact| fact.version);
    let said = said
        .chain(seen.renewals.iter().map(|renewal| renewal.version))
        .max();
    match (newest, said) {
        (Some(newest), Some(said)) if said >= newest => said.min(now),
        // One that waited for its purchase is decided upon when that was heard of.
        (Some(newest), None) => newest.max(now),
        _ => now,
    }
}

/// Keys of the transactions that differ from what is stored.
fn changed(before: Option<&StoredChain>, facts: &Facts) -> Vec<String> {
    let known = |id: &String| before.and_then(|before| before.facts.transactions.get(id));
    facts
        .transactions
        .iter()
        .filter(|(id, transaction)| known(id) != Some(*transaction))
        .map(|(id, _)| id.clone())
        .collect()
}

/// Other ids under which the store knows the chain.
fn links(chain: &ChainKey, observation: Option<&Observation>) -> Vec<String> {
    observation.map_or_else(Vec::new, |seen| {
        let ids = seen.links.iter().chain([&seen.chain.id]);
        ids.filter(|id| **id != chain.id).cloned().collect()
    })
}
