//! What people and programs read.

use crate::{PostgresLedger, customers, events, records, tallies};
use async_trait::async_trait;
use domain::{CustomerId, DeliveryId, EventId, ProjectId, customer::Customer};
use jiff::Timestamp;
use ledger::{
    AttemptRecord, CustomerRecord, DeliveryFilter, DeliveryRecord, EventFilter, Feed, FeedRow,
    Page, Result, Running, Tally,
};

#[async_trait]
impl Feed for PostgresLedger {
    async fn events(&self, filter: &EventFilter, page: Page) -> Result<Vec<FeedRow>> {
        events::events(&self.reads, filter, page).await
    }
    async fn event(&self, project: ProjectId, id: EventId) -> Result<Option<FeedRow>> {
        events::event(&self.reads, project, id).await
    }
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>> {
        records::deliveries(&self.reads, filter, before, limit).await
    }
    async fn delivery(&self, project: ProjectId, id: DeliveryId) -> Result<Option<DeliveryRecord>> {
        records::delivery(&self.reads, project, id).await
    }
    async fn attempts(&self, id: DeliveryId) -> Result<Vec<AttemptRecord>> {
        records::attempts(&self.reads, id).await
    }
    async fn customers(
        &self,
        project: ProjectId,
        before: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<Customer>> {
        customers::customers(&self.reads, project, before, limit).await
    }
    async fn customer(&self, project: ProjectId, who: &str) -> Result<Option<CustomerRecord>> {
        customers::customer(&self.hot, project, who).await
    }
    async fn tallies(&self, project: ProjectId, since: Timestamp) -> Result<Vec<Tally>> {
        tallies::tallies(&self.reads, project, since).await
    }
    async fn running(&self, project: ProjectId, now: Timestamp) -> Result<Vec<Running>> {
        tallies::running(&self.reads, project, now).await
    }
}
