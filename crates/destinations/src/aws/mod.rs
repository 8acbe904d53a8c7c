//! What services of AWS have in common: who signs, where they are, what their errors mean, and, of queues, all but the shape of their messages.

mod account;
mod entries;
mod errors;
mod queue;

pub(crate) use account::{Account, FIELDS, TRAVELS};
pub(crate) use entries::Entry;
pub(crate) use errors::{outcome, outcome_of_entry, taken};
pub(crate) use queue::{Queue, configure};
