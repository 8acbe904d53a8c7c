//! What people and programs read.

use crate::{SqliteLedger, customers, events, records, tallies};
use async_trait::async_trait;
use domain::{CustomerId, DeliveryId, EventId, ProjectId, customer::Customer};
use jiff::Timestamp;
use ledger::{
    AttemptRecord, CustomerRecord, DeliveryFilter, DeliveryRecord, EventFilter, Feed, FeedRow,
    Page, Result, Running, Tally,
};

#[async_trait]
impl Feed for SqliteLedger {
    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<FeedRow>> {
        let filter = filter.clone();
        self.read_long(move |connection| events::events(connection, &filter, page))
            .await
    }
    async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<FeedRow>> {
        self.read_long(move |connection| events::event(connection, project, id))
            .await
    }
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>> {
        let filter = filter.clone();
        self.read_long(move |connection| records::deliveries(connection, &filter, before, limit))
            .await
    }
    async fn delivery(&self, project: ProjectId, id: DeliveryId) -> Result<Option<DeliveryRecord>> {
        self.read_long(move |connection| records::delivery(connection, project, id))
            .await
    }
    async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptRecord>> {
        self.read_long(move |connection| records::attempts(connection, id))
            .await
    }
    async fn customers(
        &self,
        project: ProjectId,
        before: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<Customer>> {
        self.read_long(move |connection| customers::customers(connection, project, before, limit))
            .await
    }
    async fn customer(&self, project: ProjectId, who: &str) -> Result<Option<CustomerRecord>> {
        // A point look-up, like loading for a decision: changing threads would cost more than the read.
        self.read(|connection| customers::customer(connection, project, who))
    }
    async fn tallies(&self, project: ProjectId, since: Timestamp) -> Result<Vec<Tally>> {
        self.read_long(move |connection| tallies::tallies(connection, project, since))
            .await
    }
    async fn running(&self, project: ProjectId, now: Timestamp) -> Result<Vec<Running>> {
        self.read_long(move |connection| tallies::running(connection, project, now))
            .await
    }
}
