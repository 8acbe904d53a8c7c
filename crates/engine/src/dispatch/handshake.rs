//! Handshakes: an endpoint shows that it is the integration's before anything is delivered to it.

use super::attempt::shown;
use crate::{Engine, setup::ActiveIntegration};
use domain::IntegrationId;
use jiff::{SignedDuration, Timestamp};
use ledger::{ConfigurationChange, Integration, LedgerError, SentRequest, Verification};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long a failed handshake rests before it is tried again by itself.
const REST: SignedDuration = SignedDuration::from_secs(30);

/// Most of an answer that is shown.
const SHOWN_ANSWER: usize = 4 << 10;

/// One handshake, as people may see it.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// Which endpoint: `production` or `sandbox`.
    pub endpoint: &'static str,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What was sent.
    pub request: SentRequest,
    /// Status code, if there was an answer.
    pub status: Option<u16>,
    /// The beginning of the answer.
    pub answer: String,
    /// What was wrong with it; `None` when it passed.
    pub problem: Option<String>,
}

/// The last handshakes of each integration, since the process started.
#[derive(Default)]
pub(crate) struct Handshakes(Mutex<BTreeMap<IntegrationId, (Timestamp, Vec<Handshake>)>>);

impl Handshakes {
    fn note(&self, integration: IntegrationId, at: Timestamp, made: Vec<Handshake>) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(integration, (at, made));
    }

    fn last(&self, integration: IntegrationId) -> Option<(Timestamp, Vec<Handshake>)> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(&integration).cloned()
    }
}

impl Engine {
    /// The last handshakes of an integration, if any were made since the process started.
    pub fn last_handshakes(&self, integration: IntegrationId) -> Vec<Handshake> {
        let last = self.inner.handshakes.last(integration);
        last.map(|(_, made)| made).unwrap_or_default()
    }

    /// Verifies one integration now and stores the verdict, unless its settings changed meanwhile.
    pub async fn verify(&self, active: &ActiveIntegration) -> Result<Verification, LedgerError> {
        let verdict = self.try_handshakes(active).await;
        match &verdict {
            Verification::Failed { problem, .. } => {
                tracing::warn!(integration.id = %active.row.id, problem, "the endpoint did not pass verification; its deliveries are held");
            }
            _ => {
                tracing::info!(integration.id = %active.row.id, "the endpoint passed verification");
            }
        }
        for _ in 0..8 {
            self.reload().await?;
            let setup = self.setup();
            let Some(current) = setup
                .integration(active.row.id)
                .filter(|current| current.row.sealed_settings == active.row.sealed_settings)
            else {
                break;
            };
            // What is wrong since a while and still is, is no change.
            let is_known = matches!(
                (&verdict, &current.row.verification),
                (Verification::Failed { problem, .. }, Verification::Failed { problem: known, .. }) if problem == known
            );
            if is_known {
                break;
            }
            let row = Integration {
                verification: verdict.clone(),
                ..(*current.row).clone()
            };
            if row == *current.row
                || self
                    .ledger()
                    .configure(
                        setup.revision(),
                        vec![ConfigurationChange::PutIntegration(row)],
                        "verification",
                        self.system().now(),
                    )
                    .await?
            {
                break;
            }
        }
        self.reload().await?;
        self.inner.dispatcher.wake();
        self.note_change();
        Ok(verdict)
    }

    async fn try_handshakes(&self, active: &ActiveIntegration) -> Verification {
        let at = self.system().now();
        let mut made = Vec::new();
        let verdict = self.shake_hands(active, at, &mut made).await;
        self.inner.handshakes.note(active.row.id, at, made);
        verdict
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
        for handshake in configured.handshakes(&self.system().uuid().simple().to_string()) {
            let mut record = Handshake {
                endpoint: handshake.endpoint.id(),
                at: self.system().now(),
                took: Duration::ZERO,
                request: shown(&handshake.request),
                status: None,
                answer: String::new(),
                problem: None,
            };
            let (transport, began) = (self.core().transport(), self.system().uptime());
            let answer = transport.send(&handshake.request, active.timeout());
            let checked = match answer.await {
                Ok(response) => {
                    record.status = Some(response.status);
                    let length = response.body.len().min(SHOWN_ANSWER);
                    record.answer = String::from_utf8_lossy(&response.body[..length]).into_owned();
                    configured.check_handshake(&handshake, &response)
                }
                Err(error) => Err(error.to_string()),
            };
            record.took = self.system().uptime().saturating_sub(began);
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

    /// Verifies what has not been verified, and what failed a while ago.
    pub(crate) async fn verify_pending(&self) -> Result<(), LedgerError> {
        let setup = self.setup();
        let now = self.system().now();
        for active in setup
            .integrations()
            .filter(|active| !active.row.paused && active.configured.is_ok())
        {
            let wanted = match &active.row.verification {
                Verification::Passed => false,
                Verification::Pending => true,
                Verification::Failed { .. } => self
                    .inner
                    .handshakes
                    .last(active.row.id)
                    .is_none_or(|(tried, _)| tried.duration_until(now) >= REST),
            };
            if wanted {
                self.verify(active).await?;
            }
        }
        Ok(())
    }
}
