//! Sessions, and what was done by whom.

use crate::{SqliteLedger, audit, sessions};
use async_trait::async_trait;
use domain::UserId;
use jiff::Timestamp;
use ledger::{Accounts, AuditEntry, AuditFilter, Deed, LetInBy, Opened, Result, Session, Shown};

#[async_trait]
impl Accounts for SqliteLedger {
    async fn note(&self, deed: Deed<'_>) -> Result<()> {
        let Deed {
            at, project, about, ..
        } = deed;
        let [who, what, subject] = [deed.who, deed.what, deed.subject].map(str::to_owned);
        self.writer
            .write(move |connection| {
                let deed = Deed {
                    at,
                    who: &who,
                    what: &what,
                    subject: &subject,
                    project,
                    about,
                };
                audit::note(connection, &deed, Shown::default())
            })
            .await
    }
    async fn audit(
        &self,
        filter: AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>> {
        self.read_long(move |connection| audit::read(connection, filter, before, limit))
            .await
    }
    async fn open_session(&self, session: Session, by: LetInBy) -> Result<Opened> {
        self.writer
            .write(move |connection| sessions::open(connection, &session, &by))
            .await
    }
    async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Session>> {
        self.read(|connection| sessions::find(connection, digest, now))
    }
    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>> {
        self.read_long(move |connection| sessions::of(connection, user, now))
            .await
    }
    async fn prolong_session(&self, digest: &str, until: Timestamp, now: Timestamp) -> Result<()> {
        let digest = digest.to_owned();
        self.writer
            .write(move |connection| sessions::prolong(connection, &digest, until, now))
            .await
    }
    async fn close_sessions(&self, digest: Option<&str>, user: Option<UserId>) -> Result<()> {
        let digest = digest.map(str::to_owned);
        self.writer
            .write(move |connection| sessions::close(connection, digest.as_deref(), user))
            .await
    }
}
