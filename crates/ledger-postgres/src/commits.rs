//! What intake loads and commits.

mod customers;
mod events;
pub(crate) mod load;
mod purchases;
mod verdicts;
mod write;

pub(crate) use write::write;

use crate::{PostgresLedger, forget::forget};
use async_trait::async_trait;
use domain::{CustomerId, ProjectId};
use ledger::{
    Commit, Commits, Committed, CustomerRecord, Loaded, NewDelivery, NewEvent, Result, Wanted,
    codec::Prepared,
};

#[async_trait]
impl Commits for PostgresLedger {
    async fn load(&self, wanted: &Wanted) -> Result<Loaded> {
        load::load(&self.hot, wanted).await
    }
    async fn known_keys(&self, customers: &[CustomerId], keys: &[String]) -> Result<Vec<String>> {
        load::known_keys(&self.hot, customers, keys).await
    }
    async fn commit(&self, commit: Commit) -> Result<Committed> {
        self.commits.write(Prepared::new(commit)?).await
    }
    async fn commit_test(
        &self,
        event: NewEvent,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Committed> {
        let project = event.event.project;
        self.commit(Commit {
            events: vec![event],
            deliveries,
            ..Commit::of(project)
        })
        .await
    }
    async fn forget_customer(&self, project: ProjectId, customer: &CustomerRecord) -> Result<bool> {
        forget(&self.reads, project, customer).await
    }
}
