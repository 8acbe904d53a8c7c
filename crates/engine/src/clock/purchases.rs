//! Purchases that time alone may have changed.

use super::{AT_ONCE, Clock};
use crate::IntakeError;
use futures_util::future::join_all;
use ledger::LedgerError;

impl Clock {
    /// Until none is due: a hundred thousand subscriptions may end in the same minute.
    pub(super) async fn recheck_due(&self) -> Result<(), LedgerError> {
        let (setup, now) = (self.core.setup(), self.core.system().now());
        let mut before = Vec::new();
        loop {
            let due = self.core.ledger().due_checks(now, AT_ONCE).await?;
            // What could not be moved on is due again: leave it for the next time.
            if due.is_empty() || due == before {
                return Ok(());
            }
            let looks = due.iter().map(|due| self.intake.recheck(&setup, due));
            for (due, looked) in due.iter().zip(join_all(looks).await) {
                match looked {
                    Ok(()) => {}
                    Err(IntakeError::Ledger(error)) => return Err(error),
                    Err(error) => {
                        tracing::warn!(chain = due.chain.id, %error, "a purchase could not be looked at again; trying later");
                    }
                }
            }
            before = due;
        }
    }
}
