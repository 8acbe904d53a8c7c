//! What one message from outside asserts, and the statements that are neither transactions nor renewals.

use super::{chain::ChainKey, renewal::RenewalFact, transaction::TransactionFact};
use crate::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One store's statement about one refund or chargeback, where refunds are things of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RefundFact {
    /// When the store was asked, or signed it.
    pub version: Timestamp,
    /// Identifies it among the refunds of the chain.
    pub id: String,
    /// The refunded transaction: of several lines, all of them, each by its share.
    pub transaction: String,
    /// The line of it that was refunded alone; `None` for all that were charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// When.
    pub at: Timestamp,
    /// How much was given back; `None` when the store did not say.
    pub amount: Option<Money>,
    /// How many of a quantity are left unrefunded after it; `None` when it is not counted in pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces_left: Option<u32>,
    /// How many of a quantity it gave back, where it is said so and not by what is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<u32>,
    /// It takes access away, where the transaction is the current one.
    pub revokes: bool,
    /// It was undone: the refund failed, the dispute was won.
    pub is_undone: bool,
}

impl RefundFact {
    /// Takes in another statement about the same refund. The newest one says whether it was undone; what one of them says
    /// beside that stays, whichever comes first: an amount, the pieces, that it took access away. It was given back when
    /// the earliest time says.
    pub(super) fn absorb(&mut self, other: &Self) {
        let newest = (other.version, &other.transaction, other.is_undone).max((
            self.version,
            &self.transaction,
            self.is_undone,
        ));
        let (version, transaction, is_undone) = (newest.0, newest.1.clone(), newest.2);
        *self = Self {
            version,
            id: other.id.clone(),
            transaction,
            line: self.line.clone().max(other.line.clone()),
            at: self.at.min(other.at),
            amount: self.amount.max(other.amount),
            pieces_left: self.pieces_left.max(other.pieces_left),
            pieces: self.pieces.max(other.pieces),
            revokes: self.revokes || other.revokes,
            is_undone,
        };
    }
}

/// Something a store tells once and never repeats.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// The customer asked for a pause at the end of the period, or changed or withdrew such a request: which one, the
    /// store does not say.
    PauseRequested {
        /// When.
        at: Timestamp,
    },
    /// A pause began or was asked for, as the message says that changed it: what the store shows of it has no date.
    Paused {
        /// When.
        at: Timestamp,
    },
    /// The developer moved the renewal date.
    Deferred {
        /// When.
        at: Timestamp,
    },
    /// The customer asked the store for a refund, and the store asks what speaks for or against it.
    RefundRequested {
        /// When.
        at: Timestamp,
        /// Of which transaction.
        transaction: String,
        /// Why, in the store's words.
        reason: Option<String>,
        /// Until when the store waits for an answer.
        respond_by: Option<Timestamp>,
        /// What an answer has to name, where that is not the transaction.
        token: Option<String>,
    },
    /// The store declined such a request.
    RefundDeclined {
        /// When.
        at: Timestamp,
        /// Of which transaction.
        transaction: String,
    },
    /// The store undid a refund, which it shows no more.
    RefundUndone {
        /// When.
        at: Timestamp,
        /// Of which transaction.
        transaction: String,
    },
    /// The store says that a trial is about to end.
    TrialWillEnd {
        /// When.
        at: Timestamp,
    },
    /// The client that sent the purchase in said which offering the customer had seen.
    Offered {
        /// When.
        at: Timestamp,
        /// Its identifier.
        offering: String,
    },
}

impl Note {
    /// The transaction that it is about, where it names one.
    pub fn transaction(&self) -> Option<&str> {
        match self {
            Self::RefundRequested { transaction, .. }
            | Self::RefundDeclined { transaction, .. }
            | Self::RefundUndone { transaction, .. } => Some(transaction),
            Self::PauseRequested { .. }
            | Self::Paused { .. }
            | Self::Deferred { .. }
            | Self::TrialWillEnd { .. }
            | Self::Offered { .. } => None,
        }
    }
}

/// What one message from outside asserts about one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The chain all facts here belong to.
    pub chain: ChainKey,
    /// Transactions, in no particular order.
    pub transactions: Vec<TransactionFact>,
    /// Renewal state, for subscriptions: one for each line that the leg spoken of still has, all of one version.
    pub renewals: Vec<RenewalFact>,
    /// The app's own user id, where the store carries it (`appAccountToken`, lower case; `obfuscatedExternalAccountId`;
    /// metadata).
    pub user_token: Option<String>,
    /// Whoever bought the newest charge is not named by it: the name is what the purchase was given before, and repeats.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_named_before: bool,
    /// The store's own id of whoever bought it, where it has one for each account of each app (`appTransactionId`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Other ids under which the store knows the chain.
    #[serde(default)]
    pub links: Vec<String>,
    /// When the store first sent what says so, where it sends again for days what does not arrive: it was news then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_sent_at: Option<Timestamp>,
    /// The store does not say where the purchase was made: it is the one that is known by this id, and the environment of the key is a guess.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_anywhere: bool,
    /// Refunds that are things of their own.
    #[serde(default)]
    pub refunds: Vec<RefundFact>,
    /// Things told once.
    #[serde(default)]
    pub notes: Vec<Note>,
}

impl Observation {
    /// Says nothing yet about a chain.
    pub const fn of(chain: ChainKey) -> Self {
        Self {
            chain,
            transactions: Vec::new(),
            renewals: Vec::new(),
            user_token: None,
            is_named_before: false,
            account: None,
            links: Vec::new(),
            first_sent_at: None,
            is_anywhere: false,
            refunds: Vec::new(),
            notes: Vec::new(),
        }
    }
}
