//! Room for what a ledger writes.

use jiff::{SignedDuration, Timestamp};

/// Whether a ledger has room for what is written now. A server makes it every few seconds; a world that does nothing by itself makes
/// it while time passes in steps.
pub(super) struct Room {
    pub(super) made_at: Timestamp,
    /// Time passed at once beyond what there was room for.
    pub(super) is_exceeded: bool,
}

impl Room {
    /// A ledger has room for longer than that when it is made.
    pub(super) const LASTS: SignedDuration = SignedDuration::from_hours(13 * 24);

    pub(super) const fn made(made_at: Timestamp) -> Self {
        Self {
            made_at,
            is_exceeded: false,
        }
    }
}
