//! A whole engine, with a clock, stores and endpoints that act on command.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod again;
mod backlog;
mod breaker;
mod by_hand;
mod clocks;
mod dated;
mod first_load;
mod gate;
mod handshakes;
mod health;
mod lanes;
mod lessons;
mod memory;
mod order;
mod reasons;
mod recovery;
mod rederive;
mod reload;
mod replay;
mod seam;
mod stopping;
#[path = "../stores/mod.rs"]
mod stores;
mod throttle;
mod truth;
mod two_endpoints;
mod world;
