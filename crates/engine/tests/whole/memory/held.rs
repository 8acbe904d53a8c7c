//! What is held of customers, for whoever looks at everything.

use super::{ChainId, Fate, MemoryLedger, PurchaseId, State};
use async_trait::async_trait;
use domain::{CustomerId, Event};
use jiff::Timestamp;
use ledger::{
    KeptSince, Result, Upkeep,
    invariants::{Finding, HeldChain, HeldEvent, HeldPurchase, HeldTransaction, Holding, Place},
};

#[async_trait]
impl Upkeep for MemoryLedger {
    async fn retain(&self, _: KeptSince, _: usize) -> Result<u64> {
        Ok(0)
    }
    async fn inspect(&self) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }

    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>> {
        let state = self.state();
        let ids = state.customers.keys().copied();
        let later = ids.filter(|id| after.is_none_or(|after| *id > after));
        Ok(later.take(limit).collect())
    }

    async fn holdings(&self, customers: &[CustomerId]) -> Result<Vec<Holding>> {
        let state = self.state();
        Ok(customers
            .iter()
            .filter_map(|id| state.holding(*id))
            .collect())
    }

    async fn edition(&self) -> Result<u64> {
        Ok(self.state().edition)
    }
    async fn put_edition(&self, edition: u64) -> Result<()> {
        let mut state = self.state();
        state.edition = state.edition.max(edition);
        Ok(())
    }
    /// The next process begins with another memory.
    async fn latest_time(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }
    async fn note_time(&self, _: Timestamp) -> Result<()> {
        Ok(())
    }
    async fn check(&self) -> Result<()> {
        Ok(())
    }
    fn has_failed(&self) -> bool {
        false
    }
}

fn held(event: &Event, position: u64) -> HeldEvent {
    HeldEvent {
        id: event.id,
        project: event.project,
        key: event.key.clone(),
        kind: event.kind,
        recorded_at: event.recorded_at,
        places: vec![Place::At(position)],
        event: event.clone(),
    }
}

fn chain((app, environment, id): &ChainId) -> HeldChain {
    HeldChain {
        app: *app,
        environment: *environment,
        id: id.clone(),
    }
}

impl State {
    fn holding(&self, id: CustomerId) -> Option<Holding> {
        let known = self.customers.get(&id)?;
        let names = self.names.iter().filter(|(_, owner)| **owner == id);
        let told = self.events.iter().zip(1..);
        let told = told.filter(|(event, _)| event.customer.id == id);
        let events: Vec<_> = told
            .map(|(event, position)| held(event, position))
            .collect();
        let causes = events.iter().filter_map(|held| held.event.cause.inbox);
        let is_kept = |cause: &_| {
            let message = self.messages.get(cause);
            message.is_some_and(|message| matches!(message.fate, Fate::Processed))
        };
        let transactions = self.purchases_of(id).flat_map(|((_, of), bought)| {
            let ids = bought.stored.facts.transactions.keys();
            ids.map(|id| HeldTransaction {
                chain: chain(of),
                id: id.clone(),
            })
        });
        Some(Holding {
            customer: known.customer.clone(),
            project: known.project,
            seq: known.seq,
            merged_into: known.merged_into,
            names: names.map(|((_, name), _)| name.clone()).collect(),
            causes: causes.filter(is_kept).collect(),
            deliveries: Vec::new(),
            attempts: Vec::new(),
            purchases: self.purchases_of(id).map(|(of, _)| self.held(of)).collect(),
            transactions: transactions.collect(),
            events,
        })
    }

    fn held(&self, (owner, of): &PurchaseId) -> HeldPurchase {
        let ids = self.chains.iter().filter(|((app, environment, _), leads)| {
            (*app, *environment, &leads.chain) == (of.0, of.1, &of.2)
        });
        let project = self.purchases[&(*owner, of.clone())].project;
        HeldPurchase {
            chain: chain(of),
            project,
            leads_to: ids.map(|(_, leads)| leads.owner).collect(),
        }
    }
}
