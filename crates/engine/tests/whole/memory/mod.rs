//! A ledger in memory, of what decides about events: customers, purchases, messages, events, configuration.
//!
//! **Motivation.** Years of customers are lived to find out whether what is told of them is true. Whether that is kept is another
//! question, which the backends answer to the contract suite; asked again at every step of every life, it takes nearly all of the
//! time.
//!
//! **What it does not do.** Nothing is delivered, nobody signs in, nothing is counted or forgotten: whoever asks for that is refused,
//! so that no test rests on it unawares. It stands the promises of the contract suite about the rest (`promises`).

mod absent;
mod checks;
mod commits;
mod configured;
mod feed;
mod held;
mod inbox;
mod promises;
mod rows;

use domain::{
    AppId, ChainKey, CustomerId, Environment, Event, InboxId, ProjectId, Store, customer::Customer,
    rates::Rate,
};
use jiff::{Timestamp, civil::Date};
use ledger::{InboxMessage, LedgerError, StoredChain, configuration::Table};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
};

/// One that is empty to begin with.
#[derive(Default)]
pub(crate) struct MemoryLedger {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    customers: BTreeMap<CustomerId, Known>,
    names: BTreeMap<(ProjectId, String), CustomerId>,
    /// By every id that a store has for a purchase.
    chains: BTreeMap<ChainId, Leads>,
    purchases: BTreeMap<PurchaseId, Bought>,
    /// Purchases that are to be looked at, the earliest first.
    checks: BTreeSet<(Timestamp, PurchaseId)>,
    messages: BTreeMap<InboxId, Message>,
    /// Messages that wait, those first that are tried first.
    waiting: BTreeSet<(Timestamp, InboxId)>,
    /// Messages in the order in which they were processed.
    archive: Vec<InboxId>,
    keys: BTreeSet<(CustomerId, String)>,
    events: Vec<Event>,
    rows: BTreeMap<Table, BTreeMap<rows::Key, rows::Content>>,
    revision: u64,
    marks: BTreeMap<(AppId, String), Timestamp>,
    rates: BTreeMap<(Date, String), Rate>,
    edition: u64,
}

/// An id of a purchase, in its app and environment.
type ChainId = (AppId, Environment, String);

/// A purchase of a customer, by the id under which it was first stored.
type PurchaseId = (CustomerId, ChainId);

struct Known {
    project: ProjectId,
    customer: Customer,
    version: u64,
    seq: u64,
    merged_into: Option<CustomerId>,
}

#[derive(Clone)]
struct Leads {
    /// The id under which the purchase was first stored.
    chain: String,
    owner: CustomerId,
}

struct Bought {
    project: ProjectId,
    store: Store,
    stored: StoredChain,
    check_at: Option<Timestamp>,
}

impl Bought {
    fn key(&self, (_, environment, id): &ChainId) -> ChainKey {
        ChainKey {
            store: self.store,
            environment: *environment,
            id: id.clone(),
        }
    }
}

struct Message {
    message: InboxMessage,
    fate: Fate,
}

enum Fate {
    /// At that place of the archive.
    Processed,
    Waits {
        reason: String,
        tries: u32,
        retry_at: Timestamp,
    },
}

impl MemoryLedger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// When the clock has something to do next for a purchase, or for a message that waits.
    pub(crate) fn due_next(&self) -> Option<Timestamp> {
        let state = self.state();
        let check = state.checks.first().map(|(at, _)| *at);
        let waiting = state.waiting.first().map(|(at, _)| *at);
        check.into_iter().chain(waiting).min()
    }
}

/// Whoever asks for that asks the wrong ledger.
fn absent<T>(what: &str) -> ledger::Result<T> {
    Err(LedgerError::Refused(format!("no {what} is kept in memory")))
}
