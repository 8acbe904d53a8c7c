//! A whole engine, with a store, a clock and endpoints that act on command.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod breaker;
mod gate;
mod handshakes;
mod lessons;
mod replay;
mod stopping;
#[path = "../support/mod.rs"]
mod support;
mod world;
