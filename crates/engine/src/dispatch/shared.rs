//! What became of attempts at each endpoint, as far as the ledger knows, and what is on its way there.

use ledger::{LaneId, Outcomes};
use std::collections::BTreeMap;

/// What is known of endpoints.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// By the ledger, when it was read last.
    pub(super) known: BTreeMap<LaneId, Outcomes>,
    /// What is on its way there.
    pub(super) sent: BTreeMap<LaneId, Outcomes>,
}
