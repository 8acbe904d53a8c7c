//! Handshakes: an endpoint shows that it is the integration's before anything is delivered to it.
//!
//! Each is made in a task of its own: an endpoint that does not answer is waited for by nobody who saves, looks or keeps the
//! time. Deliveries are held until the verdict is stored.

use super::{
    Dispatch,
    attempt::shown,
    handshakes::{Handshake, Tried},
};
use crate::setup::ActiveIntegration;
use domain::IntegrationId;
use jiff::Timestamp;
use ledger::{ConfigurationChange, Integration, LedgerError, Verification};
use std::time::Duration;

/// How often a verdict is stored against a configuration that keeps changing.
const TRIES: usize = 32;

/// Most of an answer that is shown.
const SHOWN_ANSWER: usize = 4 << 10;

impl Dispatch {
    /// The last handshakes of an integration, if any were made since the process started.
    pub fn last_handshakes(&self, integration: IntegrationId) -> Vec<Handshake> {
        let last = self.state.handshakes.last(integration);
        last.map_or_else(Vec::new, |tried| tried.made)
    }

    /// Begins the handshakes that are due.
    pub(crate) fn begin_handshakes(&self) {
        for active in self.due_handshakes() {
            self.begin_verifying(&active);
        }
    }

    /// Makes the handshakes that are due, and waits for them.
    #[cfg(feature = "test")]
    pub(crate) async fn make_handshakes(&self) -> Result<(), LedgerError> {
        for active in self.due_handshakes() {
            self.verify(&active).await?;
        }
        Ok(())
    }

    fn due_handshakes(&self) -> Vec<ActiveIntegration> {
        let (setup, uptime) = (self.core.setup(), self.core.system().uptime());
        let handshakes = &self.state.handshakes;
        let due = setup
            .integrations()
            .filter(|active| handshakes.are_due(active, uptime));
        due.cloned().collect()
    }

    /// Verifies one integration without anybody waiting for it, unless that is under way.
    pub fn begin_verifying(&self, active: &ActiveIntegration) {
        if !self.state.handshakes.begin(&active.row) {
            return;
        }
        let (dispatch, active) = (self.clone(), active.clone());
        tokio::spawn(async move {
            if let Err(error) = dispatch.verify(&active).await {
                tracing::warn!(integration.id = %active.row.id, %error, "the verdict on an endpoint could not be stored; trying again");
            }
            dispatch.state.handshakes.end(&active.row);
        });
    }

    /// Verifies one integration now and stores the verdict, unless its settings changed meanwhile. Waits for the endpoint.
    pub async fn verify(&self, active: &ActiveIntegration) -> Result<Verification, LedgerError> {
        let at = self.core.system().now();
        let mut made = Vec::new();
        let verdict = self.shake_hands(active, at, &mut made).await;
        let tried = Tried {
            at: self.core.system().uptime(),
            made,
        };
        self.state.handshakes.note(active.row.id, tried);
        match &verdict {
            Verification::Failed { problem, .. } => {
                tracing::warn!(integration.id = %active.row.id, problem, "the endpoint did not pass verification; its deliveries are held");
            }
            Verification::Passed | Verification::Pending | Verification::Refused { .. } => {
                tracing::info!(integration.id = %active.row.id, "the endpoint passed verification");
            }
        }
        self.store(&verdict, active).await?;
        self.wake();
        Ok(verdict)
    }

    pub(super) async fn store(
        &self,
        verdict: &Verification,
        active: &ActiveIntegration,
    ) -> Result<(), LedgerError> {
        let _turn = self.core.turn_to_decide().await;
        for _ in 0..TRIES {
            self.core.reload().await?;
            let setup = self.core.setup();
            let current = setup
                .integration(active.row.id)
                .filter(|current| current.row.sealed_settings == active.row.sealed_settings);
            let Some(current) = current else {
                return Ok(());
            };
            if is_known(verdict, &current.row.verification) {
                return Ok(());
            }
            let row = Integration {
                verification: verdict.clone(),
                ..(*current.row).clone()
            };
            let change = vec![ConfigurationChange::PutIntegration(row)];
            let now = self.core.system().now();
            let ledger = self.core.ledger();
            if ledger
                .configure(setup.revision(), change, "verification", now)
                .await?
            {
                break;
            }
        }
        self.core.reload().await?;
        self.core.note_change();
        Ok(())
    }

    async fn shake_hands(
        &self,
        active: &ActiveIntegration,
        at: Timestamp,
        made: &mut Vec<Handshake>,
    ) -> Verification {
        let failed = |problem: String| Verification::Failed { problem, at };
        let configured = match &active.configured {
            Ok(configured) => configured,
            Err(problem) => return failed(problem.clone()),
        };
        let system = self.core.system();
        for handshake in configured.handshakes(&system.uuid().simple().to_string()) {
            let mut record = Handshake {
                endpoint: handshake.endpoint.id(),
                at: system.now(),
                took: Duration::ZERO,
                request: shown(&handshake.request),
                status: None,
                answer: String::new(),
                problem: None,
            };
            let began = system.uptime();
            let (project, timeout) = (active.row.project, active.timeout());
            let answer = self.core.send(project, &handshake.request, timeout);
            let checked = match answer.await {
                Ok(response) => {
                    record.status = Some(response.status);
                    let length = response.body.len().min(SHOWN_ANSWER);
                    record.answer = String::from_utf8_lossy(&response.body[..length]).into_owned();
                    configured.check_handshake(&handshake, &response)
                }
                Err(error) => Err(error.to_string()),
            };
            record.took = system.uptime().saturating_sub(began);
            record.problem = checked.clone().err();
            made.push(record);
            if let Err(problem) = checked {
                return failed(format!(
                    "the {} endpoint {} did not pass: {problem}",
                    handshake.endpoint.id(),
                    handshake.request.shown_url()
                ));
            }
        }
        Verification::Passed
    }
}

/// Whether a verdict says what is stored already. What is wrong since a while and still is, is no change.
fn is_known(verdict: &Verification, stored: &Verification) -> bool {
    match (verdict, stored) {
        (Verification::Failed { problem, .. }, Verification::Failed { problem: known, .. })
        | (Verification::Refused { problem, .. }, Verification::Refused { problem: known, .. }) => {
            problem == known
        }
        (verdict, stored) => verdict == stored,
    }
}
