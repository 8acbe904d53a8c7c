//! When everything is read.

use jiff::Timestamp;

/// The first of January 2026.
pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap_or_default()
}
