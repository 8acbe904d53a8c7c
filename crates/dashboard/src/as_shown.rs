//! How a delivery was when a page showed it.

use ledger::DeliveryRecord;

/// When it was last asked for, and how often it was tried. Whoever asks for it again by a page that says otherwise pressed twice, or does not know what
/// became of it since.
pub(crate) fn as_shown(record: &DeliveryRecord) -> String {
    format!("{}/{}", record.accepted_at, record.attempts)
}
