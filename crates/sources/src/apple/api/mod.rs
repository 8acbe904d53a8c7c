//! The conversation with the App Store Server API. Source: Apple, "App Store Server API".

mod client;
mod consumption;
mod missed;
mod offer;
mod probe;
mod purchases;

pub(super) use client::Api;
pub use client::{ApiKey, Hosts};
