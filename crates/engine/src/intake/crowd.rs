//! How many receipts of an app wait for its store: whoever has only the public key of an app can send any number of tokens that no store knows.
//!
//! The count is read from the ledger now and then, and what is parked meanwhile is added. Nodes count alike, as they share the ledger; what they park
//! at the same moment may come on top.

use super::{Intake, IntakeError, inquiry};
use domain::AppId;

/// Receipts of an app that may wait, of customers without a purchase.
const OF_ANYBODY: u64 = 10_000;
/// The same, of those who have one: nobody makes more than a few of these, and strangers do not keep them out.
const OF_ALL: u64 = 2 * OF_ANYBODY;

impl Intake {
    /// Whether one more receipt of a client may wait for its store.
    ///
    /// Errors: so many do that it has to be sent again.
    pub(super) async fn may_one_more_wait(
        &self,
        app: AppId,
        has_purchases: bool,
    ) -> Result<(), IntakeError> {
        let uptime = self.core.system().uptime();
        let crowds = &self.memory.crowds;
        let waiting = if let Some(waiting) = crowds.waiting(app, uptime) {
            waiting
        } else {
            let before = inquiry::given_up_before(self.core.system().now());
            let ledger = self.core.ledger();
            let waiting = ledger.count_waiting_receipts(app, before, OF_ALL).await?;
            crowds.note(app, waiting, uptime);
            waiting
        };
        let most = if has_purchases { OF_ALL } else { OF_ANYBODY };
        if waiting < most {
            crowds.join(app);
            return Ok(());
        }
        tracing::warn!(app.id = %app, waiting, "so many receipts wait for their store that the next have to be sent again");
        Err(IntakeError::Crowded)
    }
}
