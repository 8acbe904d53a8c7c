//! Every store and every customer through a whole engine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod apple;
mod google;
mod outage;
mod people;
mod shop;
mod stated;
mod stripe;
#[path = "../support/mod.rs"]
mod support;
