//! What is told of an event in the same way by several destinations.

pub(crate) mod money;
mod prices;
mod reason;
mod words;

pub(crate) use prices::Prices;
pub(crate) use reason::{cancel_reason, expiration_reason};
pub(crate) use words::{app_id, entitlements, environment, names, period_type, store};
