//! Room for the deliveries of a commit, promised before it is known whether it will be.

use super::{
    Dispatch,
    held::{Job, Room},
    lane::Lane,
};
use crate::trace;
use domain::{DeliveryId, Event};
use ledger::{Commit, Committed, Lease, LedgerError, NewDelivery};
use std::{collections::BTreeMap, sync::Arc};
use tracing::Instrument;

/// Where deliveries of a commit will be sent from here. Given up unless it is used.
type Promised = BTreeMap<DeliveryId, (Arc<Lane>, Room)>;

impl Dispatch {
    /// Commits, and sends those of its deliveries that have room here and wait for no other. Answers with its events as well.
    ///
    /// It goes on when whoever asked for it goes away, like a store that hangs up: what it leases to this node would be known to
    /// nobody then.
    pub(crate) async fn commit_and_send(
        &self,
        mut commit: Commit,
    ) -> Result<(Committed, Vec<Arc<Event>>), LedgerError> {
        let promised = self.reserve(&mut commit.deliveries);
        let writing = self.clone().write(commit, promised);
        let written = tokio::spawn(writing.in_current_span()).await;
        written.unwrap_or_else(|error| {
            let problem = format!("a commit broke off: {error}");
            Err(LedgerError::Unavailable(problem))
        })
    }

    /// Promises room for those that this node will send itself: they are leased to it, while the others are due at once.
    fn reserve(&self, deliveries: &mut [NewDelivery]) -> Promised {
        let mut promised = Promised::new();
        if self.state.is_quiet {
            return promised;
        }
        let (setup, now) = (self.core.setup(), self.core.system().now());
        for delivery in deliveries {
            let active = setup.integration(delivery.lane.integration);
            let is_due = delivery.due_at <= now;
            let Some(active) =
                active.filter(|active| is_due && active.held(delivery.lane.endpoint).is_none())
            else {
                continue;
            };
            let lane = self.lane(delivery.lane);
            let capacity = self.state.nodes.capacity(active.limits());
            if let Some(room) = lane.reserve(capacity) {
                delivery.due_at = active.lease_until(now);
                promised.insert(delivery.id, (lane, room));
            }
        }
        promised
    }

    async fn write(
        self,
        mut commit: Commit,
        mut promised: Promised,
    ) -> Result<(Committed, Vec<Arc<Event>>), LedgerError> {
        let span = trace::commit(&mut commit);
        let events: Vec<Arc<Event>> = commit
            .events
            .iter()
            .map(|new| Arc::new(new.event.clone()))
            .collect();
        let deliveries = commit.deliveries.clone();
        let committed = self.core.ledger().commit(commit).instrument(span).await?;
        if let Committed::Done { ready } = &committed {
            let is_ready = |delivery: &NewDelivery| ready.contains(&delivery.id);
            for delivery in deliveries.into_iter().filter(is_ready) {
                let event = events.iter().find(|event| event.id == delivery.event);
                match (event, promised.remove(&delivery.id)) {
                    (Some(event), Some((lane, room))) => lane.push(leased(delivery, event, room)),
                    _ => self.state.wake(),
                }
            }
        }
        Ok((committed, events))
    }
}

/// A delivery that was written as due when its lease ends.
fn leased(delivery: NewDelivery, event: &Arc<Event>, room: Room) -> Job {
    let lease = Lease {
        id: delivery.id,
        lane: delivery.lane,
        message: delivery.message,
        event: Arc::clone(event),
        trace: delivery.trace,
        attempts: 0,
        round: 0,
        accepted_at: delivery.accepted_at,
        tried_at: None,
    };
    Job::new(lease, delivery.due_at, room)
}
