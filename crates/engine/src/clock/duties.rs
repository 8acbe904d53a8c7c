//! Who this node is to others, and what it does for all of them.

use crate::{Core, metric::Metric};
use guarded::Guarded;
use jiff::SignedDuration;
use ledger::LedgerError;
use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};
use uuid::Uuid;

/// How long a node keeps what has to be done once, and is believed to be there, should it die.
const DUTY: SignedDuration = SignedDuration::from_secs(15);
/// How long after it was taken or renewed a duty is renewed: most of it is left then.
const RENEWED_AFTER: Duration = Duration::from_secs(5);

/// What this node does for all of them.
pub(super) struct Duties {
    node: Uuid,
    /// Until when each need not be asked for again, as the uptime of the process: how far a clock is set back, others would hold it too.
    held: Guarded<BTreeMap<&'static str, Duration>>,
}

impl Duties {
    pub(super) fn of(node: Uuid) -> Self {
        Self {
            node,
            held: Guarded::default(),
        }
    }

    /// Whether this node is the one to do something that is to be done once. The right runs out by itself; until then others
    /// leave it alone.
    pub(super) async fn is_mine(
        &self,
        core: &Core,
        duty: &'static str,
    ) -> Result<bool, LedgerError> {
        let uptime = core.system().uptime();
        let held = self.held.lock().get(duty).copied();
        if held.is_some_and(|until| uptime < until) {
            return Ok(true);
        }
        let is_mine = core.ledger().hold(duty, self.node, DUTY).await?;
        if is_mine {
            self.held.lock().insert(duty, uptime + RENEWED_AFTER);
        }
        Ok(is_mine)
    }

    /// Says that this node is there, and hears how many are.
    pub(super) async fn attend(&self, core: &Core) -> Result<NonZeroU32, LedgerError> {
        let nodes = core.ledger().attend(self.node, DUTY).await?;
        Metric::Nodes.set_alone(nodes.get());
        Ok(nodes)
    }

    /// Says that this node is leaving.
    pub(super) async fn leave(&self, core: &Core) -> Result<(), LedgerError> {
        core.ledger().leave(self.node).await
    }
}
