//! What keeps storage going: nodes, what only one of them does, retention, and whether all is well.

use crate::{
    Result,
    invariants::{Finding, Holding},
};
use async_trait::async_trait;
use domain::CustomerId;
use jiff::{SignedDuration, Timestamp};
use std::num::NonZeroU32;
use tokio::sync::watch;
use uuid::Uuid;

/// Since when what was written is kept; what is older goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptSince {
    /// Attempts, and what became of the last ones at endpoints that nobody attempted since.
    pub attempts: Timestamp,
    /// Entries of the audit log.
    pub audit: Timestamp,
    /// Entries about what programs write of customers ([`CustomerByProgram`](crate::About::CustomerByProgram)).
    pub audit_of_programs: Timestamp,
}

/// Upkeep. What is only of use with several nodes, or with storage that is divided by time, does nothing where there are none.
#[async_trait]
pub trait Upkeep: Send + Sync + 'static {
    /// Completes what a node left half done when it died, where that is possible at all; answers how many rows it mended.
    async fn mend(&self, _now: Timestamp) -> Result<u64> {
        Ok(0)
    }
    /// Makes room for what is written from `now` on, where storage is divided by time. Often is not too often.
    async fn make_room(&self, _now: Timestamp) -> Result<()> {
        Ok(())
    }
    /// Counts up when another node has written something. `None` where there are no other nodes; without news one has to look.
    fn news(&self) -> Option<watch::Receiver<u64>> {
        None
    }
    /// Takes or keeps for a while the right to do what is to be done once, by the clock of the storage. `false` while another
    /// holder's has not run out. It only spares work: whatever is done under it may also be done twice.
    async fn hold(&self, _name: &str, _holder: Uuid, _lasts: SignedDuration) -> Result<bool> {
        Ok(true)
    }
    /// Says that a node is there, for a while, by the clock of the storage; answers how many are, itself included.
    async fn attend(&self, _node: Uuid, _lasts: SignedDuration) -> Result<NonZeroU32> {
        Ok(NonZeroU32::MIN)
    }
    /// Says that a node is leaving: others need not wait for [`Upkeep::attend`] to run out.
    async fn leave(&self, _node: Uuid) -> Result<()> {
        Ok(())
    }
    /// Deletes what retention no longer keeps, in small steps: of each table at most `limit` rows. Answers how many rows went,
    /// so that less than `limit` says that nothing is left.
    async fn retain(&self, since: KeptSince, limit: usize) -> Result<u64>;
    /// What is wrong with what is stored and is of no customer alone; empty when it is sound. May read everything.
    async fn inspect(&self) -> Result<Vec<Finding>>;
    /// Customers after one of them, in the order of their ids, those included that were merged into others.
    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>>;
    /// What is held of these customers, as of one moment. One that does not exist is left out.
    async fn holdings(&self, customers: &[CustomerId]) -> Result<Vec<Holding>>;
    /// The edition that everything read from messages is of, or of a later one: 0 where nobody has said.
    async fn edition(&self) -> Result<u64>;
    /// Says that everything read from messages is of this edition by now. Never goes back.
    async fn put_edition(&self, edition: u64) -> Result<()>;
    /// The latest moment that any server noted; `None` where none has.
    async fn latest_time(&self) -> Result<Option<Timestamp>>;
    /// Notes that it is `now` by the clock of a server. What was noted goes back only with a clock that is
    /// [set back](crate::Deliveries::set_back).
    async fn note_time(&self, now: Timestamp) -> Result<()>;
    /// Whether it can be read and written: as much as is written at once, where a write failed before.
    async fn check(&self) -> Result<()>;
    /// Whether a write failed, and no [check](Upkeep::check) went through since. Known at once: nothing is asked.
    fn has_failed(&self) -> bool;
}
