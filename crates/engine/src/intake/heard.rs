//! When each app heard its store last, for people. Kept in memory and written down now and then: a crash forgets a minute.

use super::Intake;
use domain::AppId;
use jiff::Timestamp;
use ledger::LedgerError;

const MARK: &str = "heard";

impl Intake {
    /// When a store last sent an app a message that was taken in.
    pub async fn last_heard(&self, app: AppId) -> Result<Option<Timestamp>, LedgerError> {
        let written = self.core.ledger().mark(app, MARK).await?;
        Ok(self.memory.heard.of(app).max(written))
    }

    /// Writes down when stores were heard.
    pub(crate) async fn write_down_heard(&self) -> Result<(), LedgerError> {
        for (app, at) in self.memory.heard.unwritten() {
            self.core.ledger().set_mark(app, MARK, at).await?;
        }
        Ok(())
    }
}
