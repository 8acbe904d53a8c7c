//! The conversation with the Android Publisher API. Source: Google, "Google Play Developer API", version 3.

mod client;
mod probe;
mod purchase;
mod review;
mod token;
mod voided;

pub(super) use client::Api;
pub(super) use purchase::read_subscription;
pub use token::Credentials;
