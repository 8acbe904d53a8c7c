//! Purchases that time alone may have changed.

use super::{AT_ONCE, Clock, turns::Turns};
use crate::{IntakeError, setup::Setup};
use futures_util::future::join_all;
use ledger::{DueCheck, LedgerError};
use std::collections::BTreeSet;

impl Clock {
    /// Until none is due: a hundred thousand subscriptions may end in the same minute.
    pub(super) async fn recheck_due(&self) -> Result<(), LedgerError> {
        let (setup, now) = (self.core.setup(), self.core.system().now());
        let ledger = self.core.ledger();
        let (mut turns, mut seen) = (Turns::default(), BTreeSet::new());
        loop {
            let mut due = Vec::new();
            while let Some(except) = turns.except() {
                let some = ledger.due_checks(now, &except, AT_ONCE).await?;
                turns.note(some.iter().map(|due| due.app));
                due.extend(some);
            }
            if due.is_empty() || self.core.is_stopping() {
                return Ok(());
            }
            let is_seen = |due: &DueCheck| seen.contains(&(due.chain.clone(), due.check_at));
            let (stuck, due): (Vec<_>, Vec<_>) = due.into_iter().partition(is_seen);
            // What could not be moved on would stand before others of its app.
            for stuck in stuck {
                self.intake.look_later(&stuck).await?;
            }
            let looks = due.iter().map(|due| self.recheck(&setup, due));
            for looked in join_all(looks).await {
                looked?;
            }
            seen.extend(due.into_iter().map(|due| (due.chain, due.check_at)));
        }
    }

    async fn recheck(&self, setup: &Setup, due: &DueCheck) -> Result<(), LedgerError> {
        match self.intake.recheck(setup, due).await {
            Ok(()) => Ok(()),
            Err(IntakeError::Ledger(error)) => Err(error),
            Err(error) => {
                tracing::warn!(chain = due.chain.id, %error, "a purchase could not be looked at again; trying later");
                self.intake.look_later(due).await
            }
        }
    }
}
