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
mod held;
mod verify;

pub use held::*;
pub use verify::{Verified, verify};

use domain::CustomerId;
use jiff::Timestamp;
use std::fmt;

macro_rules! invariants {
    ($($(#[doc = $says:literal])+ $name:ident = $id:literal;)*) => {
        /// What always holds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Invariant {
            $($(#[doc = $says])+ $name,)*
        }

        impl Invariant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What it is called.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $id),* }
            }

            /// What it says.
            pub fn says(self) -> &'static str {
                match self { $(Self::$name => concat!($($says),+).trim_start()),* }
            }
        }
    };
}

invariants! {
    /// What is stored can be read: pages, indexes, partitions, and every value of a row that is looked at.
    Readable = "readable";
    /// No row refers to one that is not there.
    NothingDangles = "nothing_dangles";
    /// A message is processed, or parked with a reason.
    MessagesHaveAnOutcome = "messages_have_an_outcome";
    /// The hours count as many events of each kind as there are.
    HoursAddUp = "hours_add_up";
    /// The events of a customer are numbered from 1, without gaps, up to the number its customer stands at.
    Numbered = "numbered";
    /// No event of a customer is told twice.
    ToldOnce = "told_once";
    /// An event is what its row says: id, project, customer, key, kind and time.
    EventsAgree = "events_agree";
    /// The feed has each event once, and those of a customer in the order of their numbers.
    FeedInOrder = "feed_in_order";
    /// The message that led to an event is kept.
    CausesAreKept = "causes_are_kept";
    /// A delivery is of an event of the same customer and project.
    DeliveriesBelong = "deliveries_belong";
    /// A delivery is pending, delivered by an attempt, or failed with a reason.
    NoFourthPlace = "no_fourth_place";
    /// Attempts are counted: each number once, none beyond those that were made.
    AttemptsAreCounted = "attempts_are_counted";
    /// What is delivered was accepted by its last attempt.
    DeliveredWasAccepted = "delivered_was_accepted";
    /// Since when a retried delivery is tried is known, so that patience with it ends.
    PatienceEnds = "patience_ends";
    /// A delivery that waits has one of its line before it, or is looked at when its time comes.
    LinesMove = "lines_move";
    /// Of a line in which somebody waits, one at most is under way.
    OneAtATime = "one_at_a_time";
    /// A purchase is found by its store's id, and that leads to its owner.
    PurchasesAreFound = "purchases_are_found";
    /// A transaction is of a purchase of the same customer.
    TransactionsBelong = "transactions_belong";
    /// Every name of a customer leads to it, and no other does.
    NamesLeadHome = "names_lead_home";
    /// A customer that was merged into another has neither purchases nor names.
    MergedIsEmpty = "merged_is_empty";
}

/// Something that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What does not hold.
    pub invariant: Invariant,
    /// Of whom.
    pub customer: Option<CustomerId>,
    /// What was found instead.
    pub what: String,
}

impl Finding {
    /// One that is of no customer.
    pub const fn of_all(invariant: Invariant, what: String) -> Self {
        Self {
            invariant,
            customer: None,
            what,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.invariant.name())?;
        if let Some(customer) = self.customer {
            write!(f, "{customer}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// What was found of one customer.
struct Findings<'a> {
    held: &'a Holding,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn note(&mut self, invariant: Invariant, what: String) {
        self.found.push(Finding {
            invariant,
            customer: Some(self.held.customer.id),
            what,
        });
    }
}

/// What cannot be of what is held of a customer at `now`.
pub fn broken(held: &Holding, now: Timestamp) -> Vec<Finding> {
    let mut findings = Findings {
        held,
        found: Vec::new(),
    };
    events::check(&mut findings);
    deliveries::check(&mut findings, now);
    customer::check(&mut findings);
    findings.found
}

#[cfg(test)]
mod tests;
