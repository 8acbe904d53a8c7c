//! What time alone led to, found in what is recorded and decided again.

use super::{AT_ONCE, filter};
use crate::{Intake, IntakeError, Setup};
use domain::{ChainKey, ProjectId};
use jiff::Timestamp;
use ledger::{DueCheck, Ledger, LedgerError, Page};

/// When time alone led to an event, and for which purchase, in order.
pub(super) async fn looks(
    ledger: &dyn Ledger,
    project: ProjectId,
) -> Result<Vec<(Timestamp, DueCheck)>, LedgerError> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let page = ledger
            .events(&filter(project), Page::After(after, AT_ONCE))
            .await?;
        let Some(last) = page.last() else {
            all.dedup();
            return Ok(all);
        };
        after = last.position;
        all.extend(page.iter().filter_map(|row| {
            let event = &row.event;
            let (app, purchase) = (event.app.as_ref()?, event.purchase.as_ref()?);
            let look = DueCheck {
                project,
                app: app.id,
                chain: ChainKey {
                    store: app.store,
                    environment: event.environment,
                    id: purchase.chain.clone(),
                },
                customer: event.customer.id,
                check_at: event.recorded_at,
            };
            event
                .cause
                .inbox
                .is_none()
                .then_some((event.recorded_at, look))
        }));
    }
}

/// Decides again what time alone led to.
pub(super) async fn look_again(
    intake: &Intake,
    setup: &Setup,
    look: &DueCheck,
) -> Result<(), LedgerError> {
    match intake.decide_by_clock(setup, look).await {
        Err(IntakeError::Ledger(error)) => Err(error),
        Err(error) => {
            tracing::warn!(chain = look.chain.id, %error, "a purchase could not be looked at again");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
