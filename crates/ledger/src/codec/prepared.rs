//! A commit with everything serialized, by whoever asks for it: the writer only binds and steps.

use super::column::{Terms, pack, to_json};
use crate::{ChainWrite, Commit, Result};

/// A commit with everything serialized.
#[derive(Debug)]
pub struct Prepared {
    /// What is committed.
    pub commit: Commit,
    /// The message's body.
    pub inbox_body: Option<Vec<u8>>,
    /// The customer.
    pub customer: Option<String>,
    /// The chain.
    pub chain: Option<PreparedChain>,
    /// The customer a handover is from.
    pub from: Option<String>,
    /// Each event.
    pub events: Vec<PreparedEvent>,
    /// Message of each delivery.
    pub messages: Vec<String>,
}

/// A chain, as its columns hold it.
#[derive(Debug)]
pub struct PreparedChain {
    /// Its snapshot.
    pub snapshot: String,
    /// Its [`Terms`].
    pub terms: String,
    /// Those of its transactions that changed.
    pub transactions: Vec<PreparedTransaction>,
}

/// A transaction, as its columns hold it.
#[derive(Debug)]
pub struct PreparedTransaction {
    /// The store's id of it.
    pub id: String,
    /// The transaction.
    pub body: String,
}

/// An event, as its columns hold it.
#[derive(Debug)]
pub struct PreparedEvent {
    /// The event, packed.
    pub body: Vec<u8>,
    /// Integrations it is not sent to, and why.
    pub not_sent: String,
}

impl Prepared {
    /// Serializes a commit.
    pub fn new(commit: Commit) -> Result<Self> {
        let events = commit.events.iter().map(|new| {
            Ok(PreparedEvent {
                body: pack(to_json(&new.event)?.as_bytes())?,
                not_sent: to_json(&new.not_sent)?,
            })
        });
        let messages = commit.deliveries.iter();
        Ok(Self {
            inbox_body: (commit.inbox.as_ref())
                .map(|message| pack(&message.body))
                .transpose()?,
            customer: commit
                .customer
                .as_ref()
                .map(|write| to_json(&write.customer))
                .transpose()?,
            chain: commit.chain.as_ref().map(PreparedChain::new).transpose()?,
            from: commit
                .handover
                .as_ref()
                .map(|handover| to_json(&handover.from.customer))
                .transpose()?,
            events: events.collect::<Result<_>>()?,
            messages: messages
                .map(|delivery| to_json(&delivery.message))
                .collect::<Result<_>>()?,
            commit,
        })
    }
}

impl PreparedChain {
    fn new(chain: &ChainWrite) -> Result<Self> {
        let changed = chain
            .changed
            .iter()
            .filter_map(|id| chain.facts.transactions.get_key_value(id));
        let transactions = changed.map(|(id, transaction)| {
            Ok(PreparedTransaction {
                id: id.clone(),
                body: to_json(transaction)?,
            })
        });
        Ok(Self {
            snapshot: to_json(&chain.snapshot)?,
            terms: to_json(&Terms::of(&chain.facts))?,
            transactions: transactions.collect::<Result<_>>()?,
        })
    }
}
