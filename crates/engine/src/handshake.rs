//! Handshakes: an endpoint shows that it is the integration's before anything is delivered to it.

use crate::{Engine, setup::ActiveIntegration};
use jiff::SignedDuration;
use ledger::{ConfigurationChange, Integration, LedgerError, Verification};

/// How long a failed handshake rests before it is tried again by itself.
const REST: SignedDuration = SignedDuration::from_secs(30);

impl Engine {
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
        let failed = |problem: String| Verification::Failed { problem, at };
        let configured = match &active.configured {
            Ok(configured) => configured,
            Err(problem) => return failed(problem.clone()),
        };
        for handshake in configured.handshakes(&self.system().uuid().simple().to_string()) {
            let checked = match self
                .inner
                .parts
                .transport
                .send(&handshake.request, active.spec.timeout)
                .await
            {
                Ok(response) => configured.check_handshake(&handshake, &response),
                Err(error) => Err(error.to_string()),
            };
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
                Verification::Failed { at, .. } => at.duration_until(now) >= REST,
            };
            if wanted {
                self.verify(active).await?;
            }
        }
        Ok(())
    }
}
