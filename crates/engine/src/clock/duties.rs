//! Who this node is to others, and what it does for all of them.

use super::Clock;
use crate::{Guarded, metric::Metric};
use domain::time::after;
use jiff::{SignedDuration, Timestamp};
use ledger::LedgerError;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How long a node keeps what has to be done once, and is believed to be there, should it die.
const DUTY: SignedDuration = SignedDuration::from_secs(15);
/// What is left of a duty when it is renewed.
const RENEWED: SignedDuration = SignedDuration::from_secs(10);

pub(super) struct Duties {
    node: Uuid,
    /// Until when each need not be asked for again.
    held: Guarded<BTreeMap<&'static str, Timestamp>>,
}

impl Duties {
    pub(super) fn of(node: Uuid) -> Self {
        Self {
            node,
            held: Guarded::default(),
        }
    }
}

impl Clock {
    /// Whether this node is the one to do something that is to be done once. The right runs out by itself; until then others
    /// leave it alone.
    pub(super) async fn is_mine(&self, duty: &'static str) -> Result<bool, LedgerError> {
        let (duties, now) = (&self.duties, self.core.system().now());
        let held = duties.held.lock().get(duty).copied();
        if held.is_some_and(|until| now < until) {
            return Ok(true);
        }
        let is_mine = self.core.ledger().hold(duty, duties.node, DUTY).await?;
        if is_mine {
            let until = after(now, DUTY - RENEWED);
            duties.held.lock().insert(duty, until);
        }
        Ok(is_mine)
    }

    /// Says that this node is there, and hears how many share what endpoints may be asked. What was known stands until it can
    /// be said again.
    pub(super) async fn attend(&self) -> Result<(), LedgerError> {
        let nodes = self.core.ledger().attend(self.duties.node, DUTY).await?;
        self.dispatch.share_among(nodes);
        Metric::Nodes.set_alone(nodes.get());
        Ok(())
    }

    /// Says that this node is leaving.
    pub(crate) async fn leave(&self) -> Result<(), LedgerError> {
        self.core.ledger().leave(self.duties.node).await
    }
}
