//! Deliveries that somebody asks for: again, or as a test.

use super::Dispatch;
use crate::{decide, setup::ActiveIntegration};
use domain::{DeliveryId, Event, IntegrationId, NotSent, ProjectId};
use ledger::{LedgerError, NewEvent, Requeue};

impl Dispatch {
    /// Sends a delivery again, whatever became of it. `false` when it does not exist, or nobody is there any more to take it.
    pub async fn resend(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<bool, LedgerError> {
        let found = self.core.ledger().delivery(project, delivery).await?;
        let setup = self.core.setup();
        if found.is_none_or(|record| setup.integration(record.integration).is_none()) {
            return Ok(false);
        }
        Ok(self.requeue(Requeue::One(project, delivery)).await? > 0)
    }

    /// Tries every failed delivery of an integration again. Answers how many there are.
    pub async fn retry_failed(&self, integration: IntegrationId) -> Result<u64, LedgerError> {
        let setup = self.core.setup();
        let active = setup.integration(integration);
        self.requeue(Requeue::Failed {
            integration,
            reasons: NotSent::ALL.to_vec(),
            ordered: active.is_none_or(|active| active.spec.ordered),
        })
        .await
    }

    async fn requeue(&self, which: Requeue) -> Result<u64, LedgerError> {
        let now = self.core.system().now();
        let requeued = self.core.ledger().requeue(which, now).await?;
        self.wake();
        self.core.note_change();
        Ok(requeued)
    }

    /// Sends a test event to one integration, through everything a real event goes through.
    pub async fn send_test(&self, integration: &ActiveIntegration) -> Result<Event, LedgerError> {
        let (now, fresh) = (self.core.system().now(), self.core.system().uuid());
        let event = decide::test_event(integration.row.project, fresh, now);
        let planned = decide::plan(&event, std::slice::from_ref(integration), now);
        let new = NewEvent {
            event: event.clone(),
            not_sent: planned.not_sent,
        };
        let ledger = self.core.ledger();
        ledger.commit_test(new, planned.deliveries).await?;
        self.wake();
        self.core.note_change();
        Ok(event)
    }
}
