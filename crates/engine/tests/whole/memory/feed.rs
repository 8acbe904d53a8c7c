//! Events, and customers with their purchases. What became of deliveries is not asked here.

use super::{MemoryLedger, State, absent};
use async_trait::async_trait;
use domain::{CustomerId, DeliveryId, Event, EventId, ProjectId, customer::Customer};
use jiff::Timestamp;
use ledger::{
    AttemptRecord, CustomerRecord, DeliveryFilter, DeliveryRecord, EventFilter, Feed, FeedRow,
    Page, Purchase, Result, Running, Tally,
};

#[async_trait]
impl Feed for MemoryLedger {
    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<FeedRow>> {
        let state = self.state();
        // Of what is read already, nothing is looked at again.
        let read = match page {
            Page::After(after, _) => usize::try_from(after).unwrap_or(usize::MAX),
            Page::Before(..) => 0,
        };
        let told = state.events.iter().zip(1..).skip(read);
        let wanted = told.filter(|(event, _)| is_wanted(filter, event));
        let row = |(event, position): (&Event, u64)| {
            FeedRow::new(position, event.clone(), Vec::new(), Vec::new())
        };
        Ok(match page {
            Page::After(_, limit) => wanted.take(limit).map(row).collect(),
            Page::Before(before, limit) => {
                let is_earlier = |position| before.is_none_or(|before| position < before);
                let earlier: Vec<_> = wanted
                    .filter(|(_, position)| is_earlier(*position))
                    .collect();
                earlier.into_iter().rev().take(limit).map(row).collect()
            }
        })
    }

    async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<FeedRow>> {
        let state = self.state();
        let mut told = state.events.iter().zip(1..);
        let found = told.find(|(event, _)| event.id == id && event.project == project);
        Ok(found
            .map(|(event, position)| FeedRow::new(position, event.clone(), Vec::new(), Vec::new())))
    }

    async fn customers(
        &self,
        project: ProjectId,
        before: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<Customer>> {
        let state = self.state();
        let newest = state.customers.iter().rev();
        let own = newest.filter(|(id, known)| {
            let is_listed = known.project == project && known.merged_into.is_none();
            is_listed && before.is_none_or(|before| **id < before)
        });
        let customers = own.map(|(_, known)| known.customer.clone());
        Ok(customers.take(limit).collect())
    }

    async fn customer(&self, project: ProjectId, who: &str) -> Result<Option<CustomerRecord>> {
        Ok(self.state().customer(project, who))
    }

    async fn deliveries(
        &self,
        _: &DeliveryFilter,
        _: Option<DeliveryId>,
        _: usize,
    ) -> Result<Vec<DeliveryRecord>> {
        absent("delivery")
    }
    async fn delivery(&self, _: ProjectId, _: DeliveryId) -> Result<Option<DeliveryRecord>> {
        absent("delivery")
    }
    async fn attempts(&self, _: DeliveryId) -> Result<Vec<AttemptRecord>> {
        absent("attempt")
    }
    async fn tallies(&self, _: ProjectId, _: Timestamp) -> Result<Vec<Tally>> {
        absent("tally")
    }
    async fn running(&self, _: ProjectId, _: Timestamp) -> Result<Vec<Running>> {
        absent("count")
    }
}

fn is_wanted(filter: &EventFilter, event: &Event) -> bool {
    let EventFilter {
        project,
        kinds,
        customer,
        apps,
        environment,
        since,
        until,
        delivery,
    } = filter;
    let app = event.app.as_ref().map(|app| app.id);
    let is_of = |apps: &Vec<_>| app.is_some_and(|app| apps.contains(&app));
    project.is_none_or(|project| event.project == project)
        && (kinds.is_empty() || kinds.contains(&event.kind))
        && customer.is_none_or(|customer| event.customer.id == customer)
        && apps.as_ref().is_none_or(is_of)
        && environment.is_none_or(|environment| event.environment == environment)
        && since.is_none_or(|since| since <= event.recorded_at)
        && until.is_none_or(|until| event.recorded_at < until)
        && delivery.is_none()
}

impl State {
    fn customer(&self, project: ProjectId, who: &str) -> Option<CustomerRecord> {
        let named = || self.names.get(&(project, who.to_owned())).copied();
        let id = who.parse().ok().or_else(named)?;
        let merged_into = self.customers.get(&id)?.merged_into;
        let id = merged_into.unwrap_or(id);
        let known = self.customers.get(&id)?;
        let purchases = self.purchases_of(id).map(|((_, chain), bought)| Purchase {
            app: chain.0,
            chain: bought.key(chain),
            stored: bought.stored.clone(),
        });
        (known.project == project).then(|| CustomerRecord {
            customer: known.customer.clone(),
            version: known.version,
            seq: known.seq,
            purchases: purchases.collect(),
        })
    }
}
