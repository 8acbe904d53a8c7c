//! Purchases that change hands: one commit against the versions of both customers, with the message that asks for it.

use super::{Intake, IntakeError, message::Named};
use crate::{
    decide::transfer::{self, Passing, Scope},
    setup::Setup,
};
use domain::{ChainKey, CustomerId, ProjectId, time::after};
use jiff::{SignedDuration, Timestamp};
use ledger::{Committed, InboxMessage, Origin};
use serde::{Deserialize, Serialize};
use sources::{Refusal, RefusalCode};

/// How often it is tried against customers that keep changing.
const TRIES: usize = 32;

/// Between two that happen to the same customers: clocks tell no less.
const MOMENT: SignedDuration = SignedDuration::from_micros(1);

/// What is to pass from whom to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handover<'a> {
    pub(crate) project: ProjectId,
    /// Who gives, as it was decided.
    pub(crate) giver: CustomerId,
    /// The name of who gives.
    pub(crate) from: &'a str,
    /// The name of who takes.
    pub(crate) to: &'a str,
    pub(crate) scope: Scope<'a>,
    /// What it is called, in the inbox and the log.
    pub(crate) why: &'a str,
    /// When it was asked for: that of the message that leads to it, so that it is the same when that is taken in again.
    pub(crate) at: Timestamp,
}

/// A handover as the inbox keeps it.
#[derive(Serialize, Deserialize)]
struct Operation {
    operation: String,
    from: String,
    to: String,
    /// `None` for everything.
    chains: Option<Vec<ChainKey>>,
}

impl Handover<'_> {
    fn stored(&self) -> serde_json::Value {
        let chains = match self.scope {
            Scope::Everything => None,
            Scope::Purchases(chains) => Some(chains),
        };
        serde_json::json!({ "operation": self.why, "from": self.from, "to": self.to, "chains": chains })
    }

    fn named(&self, now: Timestamp) -> Named {
        let (why, from, to) = (self.why, self.from, self.to);
        Named {
            origin: Origin::Operation,
            key: format!("{why}:{from}:{to}:{}", now.as_microsecond()),
            title: why.to_uppercase(),
            signed_at: now,
        }
    }
}

impl Intake {
    /// Passes purchases from one customer to another, or everything, names included. Answers with the number of events.
    /// Nothing happens when either is not there, or both are one.
    ///
    /// Errors: [`IntakeError::Contended`] when the name of who gives is another customer's by now. Names pass too, so it
    /// may be that of somebody whom nobody decided about.
    pub(crate) async fn pass(
        &self,
        setup: &Setup,
        handover: &Handover<'_>,
    ) -> Result<usize, IntakeError> {
        let (project, grants) = setup.known_project(handover.project)?;
        let mut now = handover.at;
        let body = handover.stored().to_string();
        for _ in 0..TRIES {
            let message = grants.message(handover.named(now), body.as_bytes(), now);
            let ledger = self.core.ledger();
            let (Some(from), Some(to)) = (
                ledger.customer(handover.project, handover.from).await?,
                ledger.customer(handover.project, handover.to).await?,
            ) else {
                return Ok(0);
            };
            if from.customer.id == to.customer.id {
                return Ok(0);
            }
            if from.customer.id != handover.giver {
                return Err(IntakeError::Contended);
            }
            let passing = Passing {
                setup,
                project,
                grants,
                rates: &self.core.rates(),
                message: &message,
                from: &from,
                to: &to,
                scope: handover.scope,
            };
            let Some(commit) = transfer::pass(&passing) else {
                return Ok(0);
            };
            // A key is of one moment. What passed at this very one, and is passed on, has the next.
            let keys = commit.events.iter().map(|new| new.event.key.clone());
            let (both, keys) = ([from.customer.id, to.customer.id], keys.collect::<Vec<_>>());
            if !ledger.known_keys(&both, &keys).await?.is_empty() {
                now = after(now, MOMENT);
                continue;
            }
            let events = commit.events.len();
            let purchases = commit.handover.as_ref().map(|passed| passed.chains.len());
            match self.core.commit(commit).await? {
                Committed::Done { .. } => {
                    tracing::info!(from.id = %from.customer.id, to.id = %to.customer.id, purchases, why = handover.why, "purchases passed from one customer to another");
                    if events > 0 {
                        self.dispatch.wake();
                        self.core.note_change();
                    }
                    return Ok(events);
                }
                Committed::Duplicate => return Ok(0),
                Committed::Conflict => {}
            }
        }
        Err(IntakeError::Contended)
    }

    /// Does again what a stored message says was done to two customers.
    pub(super) async fn repeat_operation(
        &self,
        setup: &Setup,
        message: &InboxMessage,
    ) -> Result<(), IntakeError> {
        let unreadable = |error: serde_json::Error| {
            IntakeError::Refused(Refusal::park(
                RefusalCode::MalformedOperation,
                error.to_string(),
            ))
        };
        let stored: Operation = serde_json::from_slice(&message.body).map_err(unreadable)?;
        let (project, at) = (message.project, message.received_at);
        let giver = self.profile_as_called(project, &stored.from, at).await?;
        self.profile_as_called(project, &stored.to, at).await?;
        let chains = stored.chains.as_deref();
        let handover = Handover {
            project,
            giver: giver.record.customer.id,
            from: &stored.from,
            to: &stored.to,
            scope: chains.map_or(Scope::Everything, Scope::Purchases),
            why: &stored.operation,
            at,
        };
        self.pass(setup, &handover).await.map(|_| ())
    }
}
