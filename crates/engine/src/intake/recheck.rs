//! Purchases that time alone may have changed, looked at again.

use super::{Intake, IntakeError, desk::Urgency, process::Matter};
use crate::setup::{AppSetup, Setup};
use domain::{ChainKey, time::after};
use jiff::SignedDuration;
use ledger::{DueCheck, KnownChain, LedgerError, Wanted};
use sources::{Question, Trouble};

/// How long a purchase waits whose store did not answer.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(10);

impl Intake {
    /// Looks again at a chain that time alone may have changed: its store is asked first, and the clock decides only when
    /// the store has nothing to say.
    pub(crate) async fn recheck(&self, setup: &Setup, due: &DueCheck) -> Result<(), IntakeError> {
        let Some(app) = setup.app(due.app) else {
            return Ok(());
        };
        if let Some(question) = self.confirmation(app, due).await? {
            let asked = self.inquire_when(setup, app, &question, Urgency::Whenever);
            match asked.await? {
                // What the store does not know, or refuses to speak of, it cannot confirm: the clock decides.
                Ok(_) | Err(Trouble::Unknown(_)) => {}
                Err(trouble @ Trouble::Refused(_)) => {
                    tracing::warn!(chain = due.chain.id, code = trouble.code(), reason = %trouble, "the store refuses to say how a purchase stands; the clock decides");
                }
                Err(trouble) => {
                    // Nothing ends because its store does not answer.
                    tracing::info!(chain = due.chain.id, code = trouble.code(), reason = %trouble, "the store did not confirm how a purchase stands; asking again later");
                    self.look_later(due).await?;
                    return Ok(());
                }
            }
        }
        self.decide_by_clock(setup, app, &due.chain).await
    }

    /// Leaves a purchase alone for a while that could not be looked at.
    pub(crate) async fn look_later(&self, due: &DueCheck) -> Result<(), LedgerError> {
        let later = after(self.core.system().now(), ASK_AGAIN);
        self.core.ledger().postpone_check(due, later).await
    }

    /// Decides what the clock alone leads to, whatever the store would say.
    pub(crate) async fn decide_by_clock(
        &self,
        setup: &Setup,
        app: &AppSetup,
        chain: &ChainKey,
    ) -> Result<(), IntakeError> {
        let now = self.core.system().now();
        let matter = Matter {
            said: None,
            wanted: &about(app, chain),
            now,
            is_said: false,
            heard_at: now,
            silent: false,
        };
        self.decide_and_commit(setup, app, matter).await.map(|_| ())
    }

    /// What the store is asked before time alone decides; `None` when there is nothing to ask, or nobody.
    async fn confirmation(
        &self,
        app: &AppSetup,
        due: &DueCheck,
    ) -> Result<Option<Question>, IntakeError> {
        let Ok(source) = &app.source else {
            return Ok(None);
        };
        let Some(KnownChain { key: chain, stored }) = self
            .core
            .ledger()
            .load(&about(app, &due.chain))
            .await?
            .chain
        else {
            return Ok(None);
        };
        let question = source.check(&chain, &stored.facts, &stored.snapshot);
        let now = self.core.system().now();
        Ok(question.filter(|_| stored.snapshot.wants_confirmation(now)))
    }
}

/// What has to be known before a purchase is looked at again.
fn about(app: &AppSetup, chain: &ChainKey) -> Wanted {
    Wanted {
        project: app.row.project,
        app: app.row.id,
        chain: chain.clone(),
        links: Vec::new(),
        app_user_id: None,
    }
}
