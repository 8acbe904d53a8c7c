//! What the clock decided before looks were kept as messages, found in what is recorded and decided again.

use super::told::{AT_ONCE, filter};
use crate::{Intake, IntakeError, Setup};
use domain::{AppId, ChainKey, Event, ProjectId};
use jiff::Timestamp;
use ledger::{Ledger, LedgerError, Page};
use std::collections::BTreeSet;

/// A look at a purchase that led to events.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Look {
    pub(super) at: Timestamp,
    app: AppId,
    chain: ChainKey,
}

impl Look {
    /// The look that led to an event; `None` where something else did.
    fn behind(event: &Event) -> Option<Self> {
        let (app, purchase) = (event.app.as_ref()?, event.purchase.as_ref()?);
        let chain = ChainKey {
            store: app.store,
            environment: event.environment,
            id: purchase.chain.clone(),
        };
        event.cause.inbox.is_none().then_some(Self {
            at: event.recorded_at,
            app: app.id,
            chain,
        })
    }

    /// Decides again what it led to.
    pub(super) async fn again(&self, intake: &Intake, setup: &Setup) -> Result<(), LedgerError> {
        let Some(app) = setup.app(self.app) else {
            return Ok(());
        };
        match intake.decide_by_clock(setup, app, &self.chain).await {
            Err(IntakeError::Ledger(error)) => Err(error),
            Err(error) => {
                tracing::warn!(chain = self.chain.id, %error, "a purchase could not be looked at again");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Looks of a release that did not keep them as messages, in order. Of the place of each among the messages, all that is known
/// is when it was.
pub(super) async fn unkept_looks(
    ledger: &dyn Ledger,
    setup: &Setup,
    project: ProjectId,
) -> Result<Vec<Look>, LedgerError> {
    let (mut unkept, mut known) = (Vec::new(), BTreeSet::new());
    let mut after = 0;
    loop {
        let page = ledger
            .events(&filter(project), Page::After(after, AT_ONCE))
            .await?;
        let Some(last) = page.last() else {
            return Ok(unkept);
        };
        after = last.position;
        for row in &page {
            let Some(look) = Look::behind(&row.event) else {
                continue;
            };
            // The first event of a look names its message.
            if !known.insert(look.clone()) {
                continue;
            }
            let kept = setup
                .app(look.app)
                .map(|app| app.look(&row.event, &look.chain));
            let is_kept = match kept {
                Some(message) => ledger.seen(message.id).await?,
                None => false,
            };
            if !is_kept {
                unkept.push(look);
            }
        }
    }
}
