//! Messages, state and events: all of a commit, or nothing. What could stop it is looked for first.

use super::{
    Bought, ChainId, Fate, Known, Leads, MemoryLedger, Message, PurchaseId, State, absent,
};
use async_trait::async_trait;
use domain::{AppId, CustomerId, Environment, ProjectId, fact::TransactionKind};
use ledger::{
    ChainWrite, Commit, Commits, Committed, CustomerRecord, CustomerWrite, Handover, InboxMessage,
    KnownChain, LedgerError, Loaded, NewDelivery, NewEvent, OtherChain, Result, StoredChain,
    VersionedCustomer, Wanted,
};
use std::collections::BTreeSet;
use uuid::Uuid;

#[async_trait]
impl Commits for MemoryLedger {
    async fn load(&self, wanted: &Wanted) -> Result<Loaded> {
        Ok(self.state().load(wanted))
    }
    async fn known_keys(&self, customers: &[CustomerId], keys: &[String]) -> Result<Vec<String>> {
        let state = self.state();
        let known = customers.iter().flat_map(|customer| {
            let of_customer = keys.iter().map(|key| (*customer, key.clone()));
            of_customer.filter(|key| state.keys.contains(key))
        });
        Ok(known.map(|(_, key)| key).collect())
    }
    async fn commit(&self, commit: Commit) -> Result<Committed> {
        if !commit.deliveries.is_empty() {
            return absent("delivery");
        }
        self.state().commit(commit)
    }
    async fn commit_test(&self, _: NewEvent, _: Vec<NewDelivery>) -> Result<Committed> {
        absent("test")
    }
    async fn forget_customer(&self, _: ProjectId, _: &CustomerRecord) -> Result<bool> {
        absent("forgotten customer")
    }
}

impl State {
    fn load(&self, wanted: &Wanted) -> Loaded {
        let (app, environment) = (wanted.app, wanted.chain.environment);
        let mut ids = std::iter::once(&wanted.chain.id).chain(&wanted.links);
        let led = ids.find_map(|id| self.chains.get(&(app, environment, id.clone())));
        let named = || {
            let name = wanted.app_user_id.clone()?;
            self.names.get(&(wanted.project, name)).copied()
        };
        let Some(who) = led.map(|led| led.owner).or_else(named) else {
            return Loaded::default();
        };
        let chain = led.map_or(&wanted.chain.id, |led| &led.chain);
        let mut loaded = Loaded {
            customer: self.customers.get(&who).map(|known| VersionedCustomer {
                customer: known.customer.clone(),
                version: known.version,
                seq: known.seq,
            }),
            ..Loaded::default()
        };
        for ((_, id), bought) in self.purchases_of(who) {
            if id.1 != environment {
                continue;
            }
            let key = bought.key(id);
            if id.0 == app && id.2 == *chain {
                let stored = bought.stored.clone();
                loaded.chain = Some(KnownChain { key, stored });
            } else if bought.stored.snapshot.kind != TransactionKind::Consumable {
                let snapshot = bought.stored.snapshot.clone();
                loaded.others.push(OtherChain { key, snapshot });
            }
        }
        loaded
    }

    /// Purchases of a customer.
    pub(super) fn purchases_of(
        &self,
        who: CustomerId,
    ) -> impl Iterator<Item = (&PurchaseId, &Bought)> {
        let first = (AppId::new(Uuid::nil()), Environment::ALL[0], String::new());
        let from = self.purchases.range((who, first)..);
        from.take_while(move |((owner, _), _)| *owner == who)
    }

    fn commit(&mut self, commit: Commit) -> Result<Committed> {
        if let Some(stopped) = self.stopped(&commit)? {
            return Ok(stopped);
        }
        if let Some(message) = commit.inbox {
            self.process(message);
        }
        if let Some(write) = commit.customer {
            let to = write.customer.id;
            self.write_customer(commit.project, write);
            if let Some(handover) = commit.handover {
                self.hand_over(commit.project, handover, to);
            }
            if let Some(chain) = commit.chain {
                self.write_chain(commit.project, to, chain);
            }
        }
        for NewEvent { event, .. } in commit.events {
            self.keys.insert((event.customer.id, event.key.clone()));
            self.events.push(event);
        }
        Ok(Committed::Done { ready: Vec::new() })
    }

    /// Why nothing is written of a commit.
    fn stopped(&self, commit: &Commit) -> Result<Option<Committed>> {
        let message = commit.inbox.as_ref();
        let known = message.and_then(|message| self.messages.get(&message.id));
        if known.is_some_and(|known| matches!(known.fate, Fate::Processed)) {
            return Ok(Some(Committed::Duplicate));
        }
        if let Some(write) = &commit.customer {
            let giver = commit.handover.as_ref().map(|handover| &handover.from);
            let is_other = |write: &CustomerWrite| {
                let known = self.customers.get(&write.customer.id);
                write.loaded_version != known.map(|known| known.version)
            };
            let name = (commit.project, write.customer.app_user_id.clone());
            let is_taken = write.loaded_version.is_none() && self.names.contains_key(&name);
            let elsewhere = commit.chain.as_ref().and_then(|chain| {
                let id = (chain.app, chain.key.environment, chain.key.id.clone());
                self.chains.get(&id)
            });
            let is_elsewhere = elsewhere.is_some_and(|leads| leads.owner != write.customer.id);
            if is_other(write) || giver.is_some_and(is_other) || is_taken || is_elsewhere {
                return Ok(Some(Committed::Conflict));
            }
        }
        let mut told = BTreeSet::new();
        for NewEvent { event, .. } in &commit.events {
            let key = (event.customer.id, event.key.clone());
            if self.keys.contains(&key) || !told.insert(key) {
                let problem = format!("{} was told already", event.key);
                return Err(LedgerError::Refused(problem));
            }
        }
        Ok(None)
    }

    fn process(&mut self, message: InboxMessage) {
        let id = message.id;
        let fate = Fate::Processed;
        let known = self.messages.insert(id, Message { message, fate });
        if let Some(Message {
            message,
            fate: Fate::Waits { retry_at, .. },
        }) = known
        {
            self.waiting.remove(&(retry_at, id));
            // As it first came.
            let fate = Fate::Processed;
            self.messages.insert(id, Message { message, fate });
        }
        self.archive.push(id);
    }

    fn write_customer(&mut self, project: ProjectId, write: CustomerWrite) {
        let id = write.customer.id;
        let new = write.loaded_version.is_none();
        let own = new.then_some(&write.customer.app_user_id);
        for name in own.into_iter().chain(&write.customer.aliases) {
            self.names.entry((project, name.clone())).or_insert(id);
        }
        let merged_into = self.customers.get(&id).and_then(|known| known.merged_into);
        let known = Known {
            project,
            version: write.loaded_version.unwrap_or(0) + 1,
            customer: write.customer,
            seq: write.seq,
            merged_into,
        };
        self.customers.insert(id, known);
    }

    fn hand_over(&mut self, project: ProjectId, handover: Handover, to: CustomerId) {
        let from = handover.from.customer.id;
        let version = handover.from.loaded_version.unwrap_or(0) + 1;
        let giver = Known {
            project,
            customer: handover.from.customer,
            version,
            seq: handover.from.seq,
            merged_into: handover.absorbed.then_some(to),
        };
        self.customers.insert(from, giver);
        for passing in handover.chains {
            let id = (passing.app, passing.key.environment, passing.key.id);
            self.pass(id, from, to);
        }
        if handover.absorbed {
            let names = self.names.values_mut().filter(|owner| **owner == from);
            names.for_each(|owner| *owner = to);
            for known in self.customers.values_mut() {
                if known.merged_into == Some(from) {
                    known.merged_into = Some(to);
                }
            }
        }
    }

    fn pass(&mut self, id: ChainId, from: CustomerId, to: CustomerId) {
        let Some(mut bought) = self.purchases.remove(&(from, id.clone())) else {
            return;
        };
        for ((app, environment, _), leads) in &mut self.chains {
            let is_it = (*app, *environment) == (id.0, id.1) && leads.chain == id.2;
            if is_it && leads.owner == from {
                leads.owner = to;
            }
        }
        bought.stored.formers.push(from);
        if let Some(at) = bought.check_at {
            self.checks.remove(&(at, (from, id.clone())));
            self.checks.insert((at, (to, id.clone())));
        }
        self.purchases.insert((to, id), bought);
    }

    fn write_chain(&mut self, project: ProjectId, owner: CustomerId, write: ChainWrite) {
        let ChainWrite {
            app, key, links, ..
        } = write;
        let within = |id: String| (app, key.environment, id);
        for link in std::iter::once(key.id.clone()).chain(links) {
            let chain = key.id.clone();
            let leads = Leads { chain, owner };
            self.chains.entry(within(link)).or_insert(leads);
        }
        let id = (owner, within(key.id.clone()));
        let known = self.purchases.remove(&id);
        if let Some(at) = known.as_ref().and_then(|known| known.check_at) {
            self.checks.remove(&(at, id.clone()));
        }
        if let Some(at) = write.check_at {
            self.checks.insert((at, id.clone()));
        }
        let bought = Bought {
            project: known.as_ref().map_or(project, |known| known.project),
            store: key.store,
            stored: StoredChain {
                facts: write.facts,
                snapshot: write.snapshot,
                formers: known.map(|known| known.stored.formers).unwrap_or_default(),
            },
            check_at: write.check_at,
        };
        self.purchases.insert(id, bought);
    }
}
