//! What customers have, as it is stored.

use domain::{AppId, ChainKey, CustomerId, Facts, Snapshot, customer::Customer};

/// A chain as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChain {
    /// All facts.
    pub facts: Facts,
    /// Their snapshot when last derived.
    pub snapshot: Snapshot,
    /// Customers it belonged to before: what was told of it was told to them.
    pub formers: Vec<CustomerId>,
}

/// A customer with its purchases.
#[derive(Debug, Clone)]
pub struct CustomerRecord {
    /// The customer.
    pub customer: Customer,
    /// Raised by every commit.
    pub version: u64,
    /// Sequence number of its latest event.
    pub seq: u64,
    /// Its purchases.
    pub purchases: Vec<Purchase>,
}

/// A purchase of a customer.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// The app it was made in.
    pub app: AppId,
    /// Its chain.
    pub chain: ChainKey,
    /// What is stored of it.
    pub stored: StoredChain,
}
