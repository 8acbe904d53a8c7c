//! A server for tests: everything but the socket.
//!
//! **How it works.** [`TestServer::start`] makes a ledger in a temporary directory, an engine with a clock and ids that are
//! the same in every run, and whatever router it is given; requests are calls. The engine is quiet: nothing happens but what
//! a request or the test does, so bodies and pages can be snapshots. What is due happens when the test says so
//! ([`TestServer::catch_up`]).
//!
//! **What is there.** One project, `acme`, as [`project`] describes it, and one of every kind of caller ([`Who`]). Nobody has
//! bought anything yet: [`TestServer::buys`], or [`TestServer::live`] for a bit of everything.

mod adapters;
mod answer;
mod client;
mod code;
mod contract;
mod day;
mod opened;
mod project;
mod server;
mod transcript;
mod who;
mod witness;

pub use adapters::{Clock, Endpoints};
pub use answer::Answer;
pub use client::Client;
pub use contract::Contract;
pub use opened::Opened;
pub use server::{PUBLIC_URL, STARTS_AT, TestServer};
pub use transcript::Transcript;
pub use who::Who;
pub use witness::Seen;
