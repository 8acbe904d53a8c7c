//! Looking after what is stored.

use super::{AT_ONCE, Clock};
use domain::time::before;
use jiff::SignedDuration;
use ledger::LedgerError;

/// How long attempts, with their requests and answers, are kept.
const ATTEMPTS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

impl Clock {
    /// Makes room for what comes, and deletes what is kept no longer, in small steps.
    pub(super) async fn make_room(&self) -> Result<(), LedgerError> {
        let (ledger, now) = (self.core.ledger(), self.core.system().now());
        ledger.make_room(now).await?;
        let kept_since = before(now, ATTEMPTS_KEPT);
        while ledger.retain(kept_since, AT_ONCE).await? == AT_ONCE as u64 {}
        Ok(())
    }

    /// Completes what a node left half done when it died.
    pub(super) async fn mend(&self) -> Result<(), LedgerError> {
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
