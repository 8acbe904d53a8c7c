//! Stores that act on command, and receivers that misbehave.
//!
//! [`Stores`] answer as the stores' APIs do and can break ([`Faulty`]); an [`Authority`] signs as Apple does, with
//! certificates of its own. Customers live in them by script, compressed in time as Apple's sandbox does: a [`Driver`] makes
//! each [`Step`] happen in its store and has the store tell a running server, with the [`Faults`] asked for. A [`Receiver`]
//! plays the other end and keeps a record, and [`Vendors`] answer as those of destinations do. Nothing production depends on
//! any of this: an app that accepts production never trusts these certificates.
#![warn(missing_docs)]

mod api;
mod apple_api;
mod authority;
mod driver;
mod lives;
mod play;
mod random;
mod receipt;
mod receiver;
mod stores;
mod stripe;
pub mod truth;
mod vendors;

pub use api::{Api, ApiAnswer, ApiRequest, Faulty, Outage};
pub use apple_api::{App, AppStoreApi, api_key};
pub use authority::Authority;
pub use driver::{Driver, Faults, Report, Turn};
pub use lives::{Channel, Life, Message, Notification, Pace, Step};
pub use play::{PUSH_ACCOUNT, PlayStore, Subscription};
pub use random::Random;
pub use receipt::StoreReceipt;
pub use receiver::{Behaviour, Overtaken, Received, Receiver};
pub use stores::Stores;
pub use stripe::{API_KEY, SIGNING_SECRET, StripeAccount, StripeSubscription, sign};
pub use vendors::{Mode, Seen, Vendors};
