//! The App Store: Server Notifications V2, signed transactions, receipts, and the App Store Server API.
//!
//! `signedPayload` -> [`Verifier`] (chain to a pinned root, signature) -> [`Notification`] (claims checked against the
//! app) -> [`domain::Observation`]. Each of the up to three signed layers is verified on its own: the inner ones can be
//! replayed elsewhere, so the outer signature does not vouch for them. Source: Apple, "App Store Server
//! Notifications" version 2.

mod advanced;
mod api;
mod ber;
mod certificate;
mod country;
mod facts;
mod jws;
mod model;
mod money;
mod notification;
pub mod ocsp;
mod pkcs7;
mod purchase;
mod receipt;
mod rejection;
mod remark;
mod source;

pub use api::{ApiKey, Hosts};
pub use certificate::{Chain, Untrusted};
pub use country::alpha2;
pub use jws::Verifier;
pub use model::NotificationEnvelope;
pub use notification::{App, AppEnvironment, Notification, receive};
pub use rejection::Rejection;
pub use source::AppStore;
