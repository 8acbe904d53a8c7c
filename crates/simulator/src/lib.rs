//! Stores that act on command, and receivers that misbehave.
//!
//! An [`Authority`] signs as Apple does, with certificates of its own; a [`Life`] is one customer's scripted subscription,
//! compressed in time as Apple's sandbox does; a [`Driver`] sends many lives to a running server with the [`Faults`] asked
//! for; a [`Receiver`] plays the other end and keeps a record. Nothing production depends on any of this: an app that
//! accepts production never trusts these certificates.
#![warn(missing_docs)]

mod authority;
mod driver;
mod life;
mod random;
mod receiver;

pub use authority::Authority;
pub use driver::{Driver, Faults, Report};
pub use life::{App, Life, Pace, Step};
pub use random::Random;
pub use receiver::{Behaviour, Received, Receiver};
