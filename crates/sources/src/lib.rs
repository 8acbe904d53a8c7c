//! What the stores say. Each source verifies what it received, decodes it leniently, and translates it into
//! [`domain::Observation`]s. No source decides what an event is, and none knows another.
#![warn(missing_docs)]

pub mod apple;

use domain::Observation;
use jiff::Timestamp;

/// A verified message.
#[derive(Debug, Clone)]
pub struct Received {
    /// The source's own id of it: told twice, it is one message.
    pub key: String,
    /// What the source calls it, for people and the audit trail: `DID_RENEW / BILLING_RECOVERY`.
    pub title: String,
    /// When the source signed it.
    pub signed_at: Timestamp,
    /// What it asserts; `None` when it carries no purchase.
    pub observation: Option<Observation>,
    /// Questions to ask before it is believed, where that is switched on.
    pub revocation: Vec<apple::ocsp::Check>,
}

/// Why a message was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong and what would be right. Holds nothing secret.
    pub detail: String,
    /// What the store should do.
    pub verdict: Verdict,
}

/// What the store should do with a refused message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is not genuine, or not for this app.
    Refuse,
    /// Send it again later: the fault is ours.
    Again,
    /// Nothing: it is genuine, but this release cannot read it. It is kept and tried again.
    Park,
}

/// Verifies and decodes what one app receives.
pub trait Receiver: Send + Sync {
    /// The id of the source, as the inbox names it.
    fn source(&self) -> &'static str;
    /// Verifies and decodes one message received at `now`.
    fn receive(&self, body: &[u8], now: Timestamp) -> Result<Received, Refusal>;
}
