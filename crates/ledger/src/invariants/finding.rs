//! The names of what always holds, and what was found not to.

use super::held::Holding;
use domain::CustomerId;
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
pub(super) struct Findings<'a> {
    pub(super) held: &'a Holding,
    pub(super) found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(super) const fn of(held: &'a Holding) -> Self {
        Self {
            held,
            found: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, invariant: Invariant, what: String) {
        self.found.push(Finding {
            invariant,
            customer: Some(self.held.customer.id),
            what,
        });
    }
}
