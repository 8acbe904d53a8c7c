//! What must not be lost.
//!
//! **Motivation.** A store is told 200 only when its message is durable, and an event, its deliveries and the state they
//! come from are one commit. Everything else in Tidings can be lost and worked out again.
//!
//! **How it works.** Intake is *load, compute, commit*: [`Commits::load`] reads a customer's rows with a version,
//! [`Commits::commit`] writes only if that version still stands. Dispatch is *lease, send, settle*: `due_at` is schedule and
//! lease in one column, so a crash needs no recovery code: a lease simply runs out. Backends gather concurrent writes into
//! one transaction and answer each caller when it is durable.
//!
//! **One trait for each concern**, in a file with its types: [`Commits`], [`Inbox`], [`Checks`], [`Deliveries`], [`Feed`],
//! [`Settings`], [`Accounts`], [`SecondFactors`], [`Upkeep`]. [`Ledger`] is all of them; whoever needs one takes `&dyn` that one. The contract
//! suite and both backends have the same division.
//!
//! **What it does not do.** No decisions: what an event is, whether it is sent, when it is retried come from `domain`,
//! `destinations` and `engine`.
//!
//! **Before changing it.** Add to the contract suite first; a test that only one backend passes is a bug report.
#![warn(missing_docs)]

mod accounts;
mod checks;
pub mod codec;
mod commits;
pub mod configuration;
#[cfg(any(test, feature = "contract"))]
#[expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a suite of tests: a panic is how it reports"
)]
pub mod contract;
pub mod copy;
mod deliveries;
mod delivery;
mod error;
mod feed;
mod holdings;
mod inbox;
pub mod invariants;
mod origin;
mod outcomes;
mod replays;
mod second_factors;
mod settings;
mod upkeep;

pub use accounts::*;
pub use checks::*;
pub use commits::*;
pub use deliveries::*;
pub use delivery::*;
pub use error::{LedgerError, Result};
pub use feed::*;
pub use holdings::*;
pub use inbox::*;
pub use origin::Origin;
pub use outcomes::{Failure, Outcomes, REMEMBERED};
pub use replays::*;
pub use second_factors::*;
pub use settings::*;
pub use upkeep::{KeptSince, Upkeep};

/// Durable storage: everything that is asked of a backend.
pub trait Ledger:
    Commits + Inbox + Checks + Deliveries + Feed + Settings + Accounts + SecondFactors + Upkeep
{
}

impl<T> Ledger for T where
    T: Commits + Inbox + Checks + Deliveries + Feed + Settings + Accounts + SecondFactors + Upkeep
{
}
