//! Messages that stores could not deliver, found again while we were away or deaf. Source: Apple, "Get Notification History";
//! Google, purchases.voidedpurchases.
//!
//! Every store that keeps a list of them is asked after the start and then every few minutes, from where the last complete
//! reading ended less an overlap. What it answers goes through intake as if it had just arrived: whatever is known changes
//! nothing.

use super::Clock;
use crate::{AppSetup, IntakeError};
use domain::{
    Environment,
    time::{before, is_recent},
};
use jiff::{SignedDuration, Timestamp};
use ledger::LedgerError;
use sources::{Source, Verdict};

/// How often.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// Stores list failures late.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);
/// How far back the first reading goes.
const FIRST: SignedDuration = SignedDuration::from_hours(24);

impl Clock {
    /// Asks those that are due.
    pub(super) async fn heal_gaps(&self) -> Result<(), LedgerError> {
        let (setup, now) = (self.core.setup(), self.core.system().now());
        for app in setup.apps() {
            let Ok(source) = &app.source else { continue };
            for environment in source.environments() {
                self.heal(app, source.as_ref(), environment, now).await?;
            }
        }
        Ok(())
    }

    async fn heal(
        &self,
        app: &AppSetup,
        source: &dyn Source,
        environment: Environment,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let (ledger, id) = (self.core.ledger(), app.row.id);
        let name = format!("missed:{}", environment.id());
        let known = ledger.mark(id, &name).await?;
        let is_fresh = known.is_some_and(|known| is_recent(known, now, EVERY));
        if is_fresh || !self.looks.may_look(id, environment, now) {
            return Ok(());
        }
        let since = match known {
            Some(known) => before(known.min(now), OVERLAP),
            None => before(now, FIRST),
        };
        let missed = source.missed(since, environment, self.core.web(), now);
        match missed.await {
            Ok(bodies) if self.take_missed(app, &bodies).await? => {
                ledger.set_mark(id, &name, now).await
            }
            Ok(_) => Ok(()),
            Err(trouble) => {
                tracing::warn!(app.id = %id, code = trouble.code(), reason = %trouble, "missed messages cannot be asked for; trying again");
                Ok(())
            }
        }
    }

    /// Whether all of them are safe now.
    async fn take_missed(&self, app: &AppSetup, bodies: &[Vec<u8>]) -> Result<bool, LedgerError> {
        for body in bodies {
            match self.intake.accept_trusted(app.row.id, body).await {
                Ok(_) => {}
                Err(IntakeError::Ledger(error)) => return Err(error),
                // Of another app or environment: the list is the account's, not ours.
                Err(IntakeError::Refused(refusal)) if refusal.verdict == Verdict::Refuse => {}
                Err(error) => {
                    tracing::warn!(app.id = %app.row.id, %error, "a missed message could not be taken in; trying again");
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
