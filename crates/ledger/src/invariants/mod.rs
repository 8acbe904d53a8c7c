//! What has to hold of whatever a ledger holds, in one place: a pure function of what is held of a customer, and the names of all of it.
//!
//! **How it works.** [`Upkeep::holdings`](crate::Upkeep::holdings) answers what is held of some customers, each as of one moment, so that a server
//! that goes on writing disturbs nobody who looks. [`broken`] says what of it cannot be. What is not of one customer
//! (the file itself, rows that refer to nothing) a backend finds itself, in [`Upkeep::inspect`](crate::Upkeep::inspect), under names from here.
//! [`verify`] is all of it; `tidings verify` and the tests of the engine call it.
//!
//! **What it does not do.** It changes nothing, and asks nobody: whether an event is what its messages lead to is what `rederive` says.

mod customer;
mod deliveries;
mod events;
mod finding;
mod held;
mod verify;

pub use finding::{Finding, Invariant};
pub use held::*;
pub use verify::{Verified, verify};

use finding::Findings;
use jiff::Timestamp;

/// What cannot be of what is held of a customer at `now`.
pub fn broken(held: &Holding, now: Timestamp) -> Vec<Finding> {
    let mut findings = Findings::of(held);
    events::check(&mut findings);
    deliveries::check(&mut findings, now);
    customer::check(&mut findings);
    findings.found
}

#[cfg(test)]
mod tests;
