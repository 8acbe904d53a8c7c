//! What is said of purchases that nobody has heard of waits for them.
//!
//! **Motivation.** Stores tell in no order, and their lists tell of what is long gone. That something was given back of a purchase of which
//! nothing is known makes no state by itself, and must not be lost: whoever hears of the purchase later, from its store or from a client,
//! may not be told of that again.
//!
//! **How it works.** Such a message is parked. When the purchase is heard of by this process, whatever waits for it is due; what another
//! process heard of, or what was parked before this one began, is found by trying again, later each time.

use super::{Intake, IntakeError, process::Decided};
use crate::setup::AppSetup;
use domain::{Observation, time::after};
use jiff::SignedDuration;
use ledger::{InboxMessage, LedgerError};

/// Why it waits, for people.
const REASON: &str = "nothing is known yet of the purchase that it is about";
/// Between two tries at least, and at most.
const PAUSES: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(1), SignedDuration::from_hours(24));
/// After which nobody is waited for any longer: no store says more of what ended so long ago.
const PATIENCE: SignedDuration = SignedDuration::from_hours(90 * 24);

impl Intake {
    /// Keeps a message about a purchase that nothing is known of, and that says nothing from which a state could follow. That something was
    /// given back waits for the purchase. `None` for one that was known.
    pub(super) async fn keep_for(
        &self,
        app: &AppSetup,
        said: Option<(&InboxMessage, &Observation)>,
    ) -> Result<Option<Decided>, IntakeError> {
        let Some((message, seen)) = said else {
            return Ok(Some(Decided::NOTHING));
        };
        let (id, chain) = (message.id, &seen.chain.id);
        let now = self.core.system().now();
        let waited = message.received_at.duration_until(now);
        if seen.refunds.is_empty() || waited >= PATIENCE {
            tracing::info!(inbox.id = %id, chain, "a message is about a purchase that nothing is known of; it is kept, and leads to no event");
            let kept = self.keep(app, message.clone()).await?;
            return Ok(kept.is_new().then_some(Decided::NOTHING));
        }
        let again = after(now, waited.clamp(PAUSES.0, PAUSES.1));
        tracing::info!(inbox.id = %id, chain, retry_at = %again, "a message is about a purchase that nothing is known of; it waits for that");
        let ledger = self.core.ledger();
        ledger.park(message.clone(), REASON.into(), again).await?;
        self.memory.unheard.note(app.row.id, seen, id);
        Ok(Some(Decided::NOTHING))
    }

    /// A purchase was heard of for the first time: whatever waits for it is due.
    pub(super) async fn call(&self, app: &AppSetup, seen: &Observation) -> Result<(), LedgerError> {
        let (id, project) = (app.row.id, app.row.project);
        for waiting in self.memory.unheard.take(id, seen) {
            let now = self.core.system().now();
            let ledger = self.core.ledger();
            ledger.unpark(project, Some(id), Some(waiting), now).await?;
        }
        Ok(())
    }
}
