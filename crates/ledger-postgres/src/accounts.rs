//! Sessions, and what was done by whom.

use crate::{PostgresLedger, audit, sessions};
use async_trait::async_trait;
use domain::UserId;
use jiff::Timestamp;
use ledger::{Accounts, AuditEntry, AuditFilter, Deed, LetInBy, Opened, Result, Session, Shown};

#[async_trait]
impl Accounts for PostgresLedger {
    async fn note(&self, deed: Deed<'_>) -> Result<()> {
        audit::note(&self.reads, &deed, Shown::default()).await
    }
    async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>> {
        audit::read(&self.reads, filter, before, limit).await
    }
    async fn open_session(&self, session: Session, by: LetInBy) -> Result<Opened> {
        sessions::open(&self.reads, &session, &by).await
    }
    async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Session>> {
        sessions::find(&self.hot, digest, now).await
    }
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
        sessions::of(&self.reads, user, now).await
    }
    async fn prolong_session(&self, digest: &str, until: Timestamp, now: Timestamp) -> Result<()> {
        sessions::prolong(&self.reads, digest, until, now).await
    }
    async fn close_sessions(&self, digest: Option<&str>, user: Option<UserId>) -> Result<()> {
        sessions::close(&self.reads, digest, user).await
    }
}
