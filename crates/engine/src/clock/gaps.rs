//! Messages that stores could not deliver, found again while we were away or deaf. Source: Apple, "Get
//! Notification History"; Google, purchases.voidedpurchases.
//!
//! Every store that keeps a list of them is asked a minute after the start and then every few minutes, from where the last
//! complete reading ended less an overlap. What it answers goes through intake as if it had just arrived: whatever is known
//! changes nothing.

use crate::{AppSetup, Engine, IntakeError};
use domain::time::before;
use jiff::{SignedDuration, Timestamp};
use ledger::LedgerError;
use sources::Verdict;

/// How often.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
/// Stores list failures late.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);
/// How far back the first reading goes.
const FIRST: SignedDuration = SignedDuration::from_hours(24);

impl Engine {
    /// Asks those that are due.
    pub(crate) async fn heal_gaps(&self, now: Timestamp) -> Result<(), LedgerError> {
        let setup = self.setup();
        for app in setup.apps() {
            let Ok(source) = &app.source else { continue };
            for environment in source.environments() {
                let name = format!("missed:{}", environment.id());
                let known = self.ledger().mark(app.row.id, &name).await?;
                if known.is_some_and(|known| known.duration_until(now) < EVERY)
                    || !self
                        .inner
                        .inquiries
                        .may_look_for_gaps(app.row.id, environment, now)
                {
                    continue;
                }
                let back = known.map_or(FIRST, |_| OVERLAP);
                let since = before(known.unwrap_or(now), back);
                match source.missed(since, environment, self.web(), now).await {
                    Ok(bodies) => {
                        if self.take_missed(app, &bodies).await? {
                            self.ledger().set_mark(app.row.id, &name, now).await?;
                        }
                    }
                    Err(trouble) => {
                        tracing::warn!(app.id = %app.row.id, code = trouble.code(), reason = %trouble, "missed messages cannot be asked for; trying again");
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether all of them are safe now.
    async fn take_missed(&self, app: &AppSetup, bodies: &[Vec<u8>]) -> Result<bool, LedgerError> {
        for body in bodies {
            match self.accept_trusted(app.row.id, body).await {
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
