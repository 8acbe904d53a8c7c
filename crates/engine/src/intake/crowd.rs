//! How many receipts of an app wait for its store: whoever has only the public key of an app can send any number of tokens that no store knows.
//!
//! The count is read from the ledger now and then, and what is parked meanwhile is added. Nodes count alike, as they share the ledger; what they park
//! at the same moment may come on top.

use super::{Intake, IntakeError, inquiry};
use crate::Guarded;
use domain::AppId;
use std::{collections::BTreeMap, time::Duration};

/// Receipts of an app that may wait, of customers without a purchase.
const OF_ANYBODY: u64 = 10_000;
/// The same, of those who have one: nobody makes more than a few of these, and strangers do not keep them out.
const OF_ALL: u64 = 2 * OF_ANYBODY;
/// How long a count is good.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// What was counted last, by app.
#[derive(Default)]
pub(super) struct Crowds(Guarded<BTreeMap<AppId, Crowd>>);

#[derive(Clone, Copy)]
struct Crowd {
    waiting: u64,
    /// As the uptime of the process.
    at: Duration,
}

impl Intake {
    /// Whether one more receipt of a client may wait for its store.
    ///
    /// Errors: so many do that it has to be sent again.
    pub(super) async fn make_room_for_receipt(
        &self,
        app: AppId,
        has_purchases: bool,
    ) -> Result<(), IntakeError> {
        let uptime = self.core.system().uptime();
        let crowds = &self.memory.crowds;
        let known = crowds.0.lock().get(&app).copied();
        let good = known.filter(|known| uptime.saturating_sub(known.at) < GOOD_FOR);
        let waiting = if let Some(known) = good {
            known.waiting
        } else {
            let before = inquiry::given_up_before(self.core.system().now());
            let ledger = self.core.ledger();
            ledger.count_waiting_receipts(app, before, OF_ALL).await?
        };
        let most = if has_purchases { OF_ALL } else { OF_ANYBODY };
        let is_free = waiting < most;
        let mut crowds = crowds.0.lock();
        let at = good.map_or(uptime, |known| known.at);
        let crowd = crowds.entry(app).or_insert(Crowd { waiting, at });
        if good.is_none() {
            *crowd = Crowd { waiting, at };
        }
        if is_free {
            // Those whose store answers at once are counted until it is counted again.
            crowd.waiting += 1;
            return Ok(());
        }
        tracing::warn!(app.id = %app, waiting, "so many receipts wait for their store that the next have to be sent again");
        Err(IntakeError::Crowded)
    }
}
