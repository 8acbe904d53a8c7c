//! Messages that wait for their store, or for a release that can read them.

use super::{AT_ONCE, Clock, turns::Turns};
use domain::InboxId;
use futures_util::future::join_all;
use ledger::LedgerError;
use std::collections::BTreeSet;

impl Clock {
    /// One more try of each that is due.
    pub(super) async fn retake_parked(&self) -> Result<(), LedgerError> {
        let now = self.core.system().now();
        let ledger = self.core.ledger();
        let setup = self.core.setup();
        // What an app gets whose settings cannot be used waits for other settings.
        let unusable = setup.apps().filter(|app| app.source.is_err());
        let mut turns = Turns::without(unusable.map(|app| app.row.id));
        let mut seen = BTreeSet::<InboxId>::new();
        loop {
            let mut due = Vec::new();
            while let Some(except) = turns.except() {
                let some = ledger.due_parked(now, &except, AT_ONCE).await?;
                turns.note(some.iter().map(|parked| parked.message.app));
                due.extend(some);
            }
            let before = seen.len();
            due.retain(|parked| seen.insert(parked.message.id));
            // What stays where it is has had its try.
            if seen.len() == before || self.core.is_stopping() {
                return Ok(());
            }
            let tries = due.into_iter().map(|parked| self.intake.retake(parked));
            for outcome in join_all(tries).await {
                outcome?;
            }
        }
    }
}
