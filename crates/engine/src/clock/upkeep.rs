//! Looking after what is stored.

use super::{AT_ONCE, Clock};
use ledger::LedgerError;

impl Clock {
    /// Makes room for what comes, and deletes what is kept no longer, in small steps.
    pub(super) async fn make_room(&self) -> Result<(), LedgerError> {
        let (ledger, now) = (self.core.ledger(), self.core.system().now());
        ledger.make_room(now).await?;
        let since = self.core.retention().since(now);
        while ledger.retain(since, AT_ONCE).await? >= AT_ONCE as u64 {}
        Ok(())
    }

    /// Completes what a node left half done when it died, and ends what nobody is there for any more.
    pub(super) async fn mend(&self) -> Result<(), LedgerError> {
        self.dispatch.fail_removed().await?;
        let now = self.core.system().now();
        let mended = self.core.ledger().mend(now).await?;
        if mended > 0 {
            tracing::info!(
                mended,
                "deliveries were made due that a node had left waiting"
            );
        }
        Ok(())
    }
}
