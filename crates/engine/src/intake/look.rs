//! What the clock decided, kept as a message: so it has its place among the others, in the order in which all were committed, and
//! is decided again there.

use super::{Intake, IntakeError, message::Named};
use crate::setup::{AppSetup, Setup};
use domain::{ChainKey, Event};
use ledger::{Commit, InboxMessage, Origin};
use serde::{Deserialize, Serialize};
use sources::{Refusal, RefusalCode};

/// A look at a purchase, as the inbox keeps it. When it was is when its message was received.
#[derive(Serialize, Deserialize)]
struct Look {
    chain: ChainKey,
}

/// The look that led to the events of a commit; `None` where there are none.
pub(super) fn of(app: &AppSetup, commit: &Commit) -> Option<InboxMessage> {
    let (first, chain) = (commit.events.first()?, commit.chain.as_ref()?);
    Some(app.look(&first.event, &chain.key))
}

impl AppSetup {
    /// The look that led to an event, the first of its commit: told of one customer once, it names the look.
    pub(crate) fn look(&self, first: &Event, chain: &ChainKey) -> InboxMessage {
        let at = first.recorded_at;
        let named = Named {
            origin: Origin::Clock,
            key: first.id.to_string(),
            title: "CLOCK".into(),
            signed_at: at,
        };
        let body = serde_json::json!({ "chain": chain }).to_string();
        self.message(named, body.as_bytes(), at)
    }
}

impl Intake {
    /// Decides again what the clock decided.
    pub(super) async fn repeat_look(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: &InboxMessage,
    ) -> Result<(), IntakeError> {
        let unreadable = |error: serde_json::Error| {
            IntakeError::Refused(Refusal::park(RefusalCode::MalformedLook, error.to_string()))
        };
        let look: Look = serde_json::from_slice(&message.body).map_err(unreadable)?;
        self.decide_by_clock(setup, app, &look.chain).await
    }
}
