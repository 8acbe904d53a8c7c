//! What is kept by no ledger in memory: deliveries, members, second factors. Whoever looks whether there is anything is told that there is not.

use super::{MemoryLedger, absent};
use async_trait::async_trait;
use domain::{ProjectId, ReplayId, UserId};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    Accounts, AuditEntry, AuditFilter, Claim, Deed, Deliveries, FactorCode, LaneId, Lease, LetInBy,
    Opened, Outcomes, Replay, ReplayStep, Requeue, Result, Returned, Rouse, SecondFactor,
    SecondFactors, Session, Settled, Settlement, Waiting,
};

#[async_trait]
impl Deliveries for MemoryLedger {
    async fn claim(&self, _: Claim) -> Result<Vec<Lease>> {
        Ok(Vec::new())
    }
    async fn rouse(&self, _: Rouse) -> Result<u64> {
        Ok(0)
    }
    async fn lanes_due(&self, _: &[LaneId], _: Timestamp) -> Result<Vec<LaneId>> {
        Ok(Vec::new())
    }
    async fn settle(&self, _: Settlement, _: Timestamp) -> Result<Settled> {
        absent("delivery")
    }
    async fn hand_back(&self, _: &[Returned], _: Timestamp) -> Result<u64> {
        absent("delivery")
    }
    async fn requeue(&self, _: Requeue, _: Timestamp) -> Result<u64> {
        absent("delivery")
    }
    async fn fail_removed(&self, _: Timestamp) -> Result<u64> {
        Ok(0)
    }
    async fn set_back(&self, _: SignedDuration, _: Timestamp) -> Result<u64> {
        Ok(0)
    }
    async fn backlog(&self) -> Result<Vec<Waiting>> {
        Ok(Vec::new())
    }
    async fn add_outcomes(&self, _: Vec<(LaneId, Outcomes)>) -> Result<()> {
        absent("outcome")
    }
    async fn outcomes(&self) -> Result<Vec<(LaneId, Outcomes)>> {
        Ok(Vec::new())
    }
    async fn start_replay(&self, _: Replay) -> Result<Replay> {
        absent("replay")
    }
    async fn replays(&self, _: ProjectId, _: Option<ReplayId>, _: usize) -> Result<Vec<Replay>> {
        Ok(Vec::new())
    }
    async fn replay(&self, _: ProjectId, _: ReplayId) -> Result<Option<Replay>> {
        Ok(None)
    }
    async fn running_replays(&self) -> Result<Vec<Replay>> {
        Ok(Vec::new())
    }
    async fn step_replay(&self, _: ReplayStep) -> Result<bool> {
        absent("replay")
    }
    async fn cancel_replay(&self, _: ProjectId, _: ReplayId, _: Timestamp) -> Result<bool> {
        absent("replay")
    }
}

#[async_trait]
impl Accounts for MemoryLedger {
    async fn note(&self, _: Deed<'_>) -> Result<()> {
        absent("log")
    }
    async fn audit(&self, _: AuditFilter, _: Option<u64>, _: usize) -> Result<Vec<AuditEntry>> {
        absent("log")
    }
    async fn open_session(&self, _: Session, _: LetInBy) -> Result<Opened> {
        absent("session")
    }
    async fn session(&self, _: &str, _: Timestamp) -> Result<Option<Session>> {
        absent("session")
    }
    async fn sessions(&self, _: UserId, _: Timestamp) -> Result<Vec<Session>> {
        absent("session")
    }
    async fn prolong_session(&self, _: &str, _: Timestamp, _: Timestamp) -> Result<()> {
        absent("session")
    }
    async fn close_sessions(&self, _: Option<&str>, _: Option<UserId>) -> Result<()> {
        absent("session")
    }
}

#[async_trait]
impl SecondFactors for MemoryLedger {
    async fn second_factor(&self, _: UserId) -> Result<Option<SecondFactor>> {
        absent("second factor")
    }
    async fn second_factors(&self) -> Result<Vec<UserId>> {
        absent("second factor")
    }
    async fn put_second_factor(&self, _: SecondFactor, _: Vec<String>) -> Result<bool> {
        absent("second factor")
    }
    async fn remove_second_factor(&self, _: UserId) -> Result<bool> {
        absent("second factor")
    }
    async fn give_up_second_factor(&self, _: UserId, _: FactorCode) -> Result<bool> {
        absent("second factor")
    }
}
