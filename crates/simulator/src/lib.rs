//! Stores that act on command, and receivers that misbehave.
//!
//! An [`Authority`] signs as Apple does, with certificates of its own; a [`Life`] is one customer's scripted subscription,
//! compressed in time as Apple's sandbox does; a [`Driver`] sends many lives to a running server with the [`Faults`] asked
//! for. [`PlayStore`], [`StripeAccount`] and [`AppStoreApi`] answer as the stores' APIs do and can break ([`Faulty`]);
//! [`Shoppers`] live in them. A [`Receiver`] plays the other end and keeps a record. Nothing production depends on any of this: an app that
//! accepts production never trusts these certificates.
#![warn(missing_docs)]

mod apple_api;
mod authority;
mod driver;
mod life;
mod play;
mod random;
mod receiver;
mod shoppers;
mod stores;
mod stripe;

pub use apple_api::{AppStoreApi, api_key};
pub use authority::Authority;
pub use driver::{Driver, Faults, Report};
pub use life::{App, Life, Pace, Step};
pub use play::{PUSH_ACCOUNT, PlayStore, Subscription};
pub use random::Random;
pub use receiver::{Behaviour, Received, Receiver};
pub use shoppers::Shoppers;
pub use stores::{Api, ApiAnswer, ApiRequest, Faulty, Outage, serve};
pub use stripe::{API_KEY, SIGNING_SECRET, StripeAccount, StripeSubscription, sign};
