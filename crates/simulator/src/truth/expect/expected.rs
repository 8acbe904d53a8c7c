//! One event, as it should be heard.

use crate::truth::told::Charge;
use jiff::Timestamp;

/// When an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Then: the store says so.
    At(Timestamp),
    /// The store shows it from then on without saying since when: it dates from when it was heard.
    Shown(Timestamp),
}

/// How long a store can still be heard to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// From then on for ever: charges and refunds stay in its records.
    Recorded(Timestamp),
    /// From then on, until something else took its place.
    While(Timestamp, Option<Timestamp>),
    /// Nobody has to hear it: it is what follows where something else was missed.
    Perhaps,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Of which of the customer's purchases.
    pub purchase: usize,
    /// Its kind.
    pub kind: &'static str,
    /// The product it names.
    pub product: String,
    /// Millionths of what the customer pays with; `None` where the store does not say, or where it is about no money.
    pub micros: Option<i64>,
    /// The store's id of the charge that it is about: of the present period, where it is about none else.
    pub of: String,
    /// What the charge cost that it is about, and when it was due; `None` where what it is worth is not asked.
    pub charge: Option<(i64, Timestamp)>,
    /// Why; `None` where there is no reason to give.
    pub reason: Option<&'static str>,
    /// When.
    pub when: When,
    /// How long it can be heard of.
    pub lasting: Lasting,
    /// Since when that stood which it undoes: who never heard of the one hears nothing of the other.
    pub undoes: Option<Timestamp>,
    /// Since when it had stood as it does again, before that which it undoes: who never heard of that either, hears of it.
    pub again_since: Option<Timestamp>,
    /// Copies that leave out the amount were sent: who heard no other knows none.
    pub is_said_poorly: bool,
    /// No message says it: who is told everything hears of it when the store is heard next.
    pub is_unsaid: bool,
}

/// What happened to a charge, when the period that it pays for begins.
pub(super) fn money(kind: &'static str, charge: &Charge) -> Expected {
    Expected {
        purchase: 0,
        kind,
        product: charge.product.clone(),
        micros: Some(charge.micros),
        of: charge.id.clone(),
        charge: Some((charge.micros, charge.from)),
        reason: None,
        when: When::At(charge.from),
        lasting: Lasting::Recorded(charge.from),
        undoes: None,
        again_since: None,
        is_said_poorly: false,
        is_unsaid: false,
    }
}
