//! What stores assert, and how assertions are merged.
//!
//! A fact is one store's statement about one transaction, or about the renewal of one purchase chain, with a *version*:
//! the store's own signing or fetch time. Merging keeps, per fact key, the copy with the highest version, so the result is
//! a function of the set of facts and not of their order of arrival.

mod chain;
mod known;
mod lines;
mod observation;
mod renewal;
mod replaced;
mod said;
mod transaction;

pub use chain::{ChainKey, Environment, Store};
pub use known::{Counted, End, Facts, Reversal, Transaction};
pub use lines::share;
pub use observation::{Note, Observation, RefundFact};
pub use renewal::{PriceIncrease, RenewalFact, Status};
pub use said::Said;
pub use transaction::{
    Discount, Offer, OfferCategory, Ownership, Revocation, TransactionFact, TransactionKind,
    TransactionReason, line_key,
};
