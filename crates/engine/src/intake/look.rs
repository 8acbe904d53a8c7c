//! What the clock decided, kept as a message: so it has its place among the others, in the order in which all were committed, and
//! is decided again there.

use super::{Intake, IntakeError, message::Named};
use crate::setup::{AppSetup, Setup};
use domain::{ChainKey, Event, Snapshot};
use jiff::Timestamp;
use ledger::{Commit, InboxMessage, Origin};
use serde::{Deserialize, Serialize};
use sources::{Refusal, RefusalCode};

/// A look at a purchase, as the inbox keeps it. When it was is when its message was received.
#[derive(Serialize, Deserialize)]
struct Look {
    chain: ChainKey,
}

/// Which lines of a purchase let somebody in.
pub(super) fn doors(snapshot: &Snapshot) -> Vec<bool> {
    snapshot.lines().map(Snapshot::gives_access).collect()
}

/// The look that led to what a commit writes at `now` of a purchase that let in so `before`; `None` where it changed nothing that
/// anything follows from. What is bought once for a time ends without an event where something else lets its customer in, and
/// what is decided later rests on that.
pub(super) fn of(
    app: &AppSetup,
    commit: &Commit,
    before: Option<&[bool]>,
    now: Timestamp,
) -> Option<InboxMessage> {
    let chain = commit.chain.as_ref()?;
    if let Some(first) = commit.events.first() {
        return Some(app.look(&first.event, &chain.key));
    }
    let is_other = before? != doors(&chain.snapshot);
    is_other.then(|| {
        let key = format!("{}:{}", chain.key.id, now.as_microsecond());
        app.look_at(key, &chain.key, now)
    })
}

impl AppSetup {
    /// The look that led to an event, the first of its commit: told of one customer once, it names the look.
    pub(crate) fn look(&self, first: &Event, chain: &ChainKey) -> InboxMessage {
        self.look_at(first.id.to_string(), chain, first.recorded_at)
    }

    fn look_at(&self, key: String, chain: &ChainKey, at: Timestamp) -> InboxMessage {
        let named = Named {
            origin: Origin::Clock,
            key,
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
