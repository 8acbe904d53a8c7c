//! Deliveries that somebody asks for: again, or as a test; and those that nobody can ask for any more.

use super::Dispatch;
use crate::{decide, setup::ActiveIntegration};
use domain::{DeliveryId, Event, EventId, IntegrationId, NotSent, ProjectId};
use ledger::{Committed, DeliveryState, FeedRow, IntegrationState, LedgerError, NewEvent, Requeue};
use std::time::Duration;

/// Before it is looked again whether another node has tried something, of which this one need not hear.
const ANOTHER_LOOK: Duration = Duration::from_secs(1);

impl Dispatch {
    /// Sends a delivery again, whatever became of it. `false` when it does not exist, or nobody is there any more to take it.
    pub async fn resend(
        &self,
        project: ProjectId,
        delivery: DeliveryId,
    ) -> Result<bool, LedgerError> {
        // The integration may be newer than what this node has read.
        self.core.reload().await?;
        let found = self.core.ledger().delivery(project, delivery).await?;
        let setup = self.core.setup();
        if found.is_none_or(|record| setup.integration(record.integration).is_none()) {
            return Ok(false);
        }
        Ok(self.requeue(Requeue::One(project, delivery)).await? > 0)
    }

    /// Tries every failed delivery of an integration again. Answers how many there are; none where nobody is
    /// there any more to take them.
    pub async fn retry_failed(&self, integration: IntegrationId) -> Result<u64, LedgerError> {
        self.core.reload().await?;
        let setup = self.core.setup();
        let Some(active) = setup.integration(integration) else {
            return Ok(0);
        };
        self.requeue(Requeue::Failed {
            integration,
            reasons: NotSent::ALL.to_vec(),
            ordered: active.spec.ordered,
        })
        .await
    }

    /// Fails what waits for an integration that is gone: it was committed, or asked for again, while that was removed.
    pub(crate) async fn fail_removed(&self) -> Result<(), LedgerError> {
        let now = self.core.system().now();
        let failed = self.core.ledger().fail_removed(now).await?;
        if failed > 0 {
            tracing::info!(
                failed,
                "deliveries failed that waited for an integration that was removed meanwhile"
            );
            self.core.note_change();
        }
        Ok(())
    }

    async fn requeue(&self, which: Requeue) -> Result<u64, LedgerError> {
        let now = self.core.system().now();
        let requeued = self.core.ledger().requeue(which, now).await?;
        self.wake();
        self.core.note_change();
        Ok(requeued)
    }

    /// Sends a test event to one integration, through everything a real event goes through. It is of the sandbox where the integration
    /// is set up for that alone. One that was sent as `asked` is sent no second time.
    pub async fn send_test(
        &self,
        integration: &ActiveIntegration,
        asked: Option<EventId>,
    ) -> Result<Event, LedgerError> {
        let (ledger, project) = (self.core.ledger(), integration.row.project);
        if let Some(asked) = asked
            && let Some(sent) = ledger.event(project, asked).await?
        {
            return Ok(sent.event);
        }
        let now = self.core.system().now();
        let id = asked.unwrap_or_else(|| EventId::new(self.core.system().uuid()));
        let setup = self.core.setup();
        let app = setup.facts_of(project, None);
        let event = decide::test_of(integration, app, id, now);
        let planned = decide::plan(&event, std::slice::from_ref(integration), now);
        let new = NewEvent {
            event: event.clone(),
            not_sent: planned.not_sent,
        };
        let committed = ledger.commit_test(new, planned.deliveries).await;
        if !matches!(committed, Ok(Committed::Done { .. }))
            && let Some(sent) = ledger.event(project, id).await?
        {
            // It was pressed twice at once, and the other was first.
            return Ok(sent.event);
        }
        committed?;
        self.wake();
        self.core.note_change();
        Ok(event)
    }

    /// How a test event stands once every delivery of it was tried, or once `patience` is over. There is nothing to wait for where its
    /// endpoint is held, or where this process sends nothing itself.
    pub async fn tried(
        &self,
        integration: &ActiveIntegration,
        event: &Event,
        patience: Duration,
    ) -> Result<Option<FeedRow>, LedgerError> {
        let (mut changes, mut stopping) = (self.core.changes(), self.core.stopping());
        let endpoint = integration.endpoint(event.environment);
        let is_waited_for = !self.state.is_quiet && integration.held(endpoint).is_none();
        let end = tokio::time::sleep(patience);
        tokio::pin!(end);
        loop {
            let row = self.core.ledger().event(event.project, event.id).await?;
            if !is_waited_for || !row.as_ref().is_some_and(is_untried) {
                return Ok(row);
            }
            tokio::select! {
                () = &mut end => return Ok(row),
                _ = stopping.wait_for(|stopping| *stopping) => return Ok(row),
                () = tokio::time::sleep(ANOTHER_LOOK) => {}
                changed = changes.changed() => if changed.is_err() { return Ok(row) },
            }
        }
    }
}

/// Whether something of an event waits for its first attempt.
fn is_untried(row: &FeedRow) -> bool {
    let mut states = row.integrations.iter().map(|(_, state)| state);
    states.any(|state| {
        let IntegrationState::Delivery {
            state, attempts, ..
        } = state
        else {
            return false;
        };
        *state == DeliveryState::Pending && *attempts == 0
    })
}
