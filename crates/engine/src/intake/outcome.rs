//! What became of a message.

use domain::{AppId, InboxId, customer::NOT_OURS};
use ledger::LedgerError;
use sources::{Refusal, Trouble};

/// A message that was taken in. Durable when this is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It was new and led to this many events.
    Processed {
        /// Its id in the inbox.
        id: InboxId,
        /// How many events it led to.
        events: usize,
    },
    /// It was taken in before.
    Duplicate,
    /// It is genuine but cannot be read yet; kept and tried again.
    Parked {
        /// Its id in the inbox.
        id: InboxId,
    },
    /// It is kept, and its store is being asked what happened.
    Pending {
        /// Its id in the inbox.
        id: InboxId,
    },
}

impl Accepted {
    /// How many events it led to so far.
    pub const fn events(&self) -> usize {
        match self {
            Self::Processed { events, .. } => *events,
            Self::Duplicate | Self::Parked { .. } | Self::Pending { .. } => 0,
        }
    }

    /// Whether it was not taken in before.
    pub(super) const fn is_new(&self) -> bool {
        !matches!(self, Self::Duplicate)
    }

    /// The same, with events that were told on the way to it.
    pub(super) fn with(self, before: usize) -> Self {
        match self {
            Self::Processed { id, events } => Self::Processed {
                id,
                events: events + before,
            },
            other => other,
        }
    }

    /// Stable code, for counters.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Processed { .. } => "processed",
            Self::Duplicate => "duplicate",
            Self::Parked { .. } => "parked",
            Self::Pending { .. } => "pending",
        }
    }
}

/// Why a message was not taken in. Nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IntakeError {
    /// No such app.
    #[error("there is no app {0}")]
    UnknownApp(AppId),
    /// The app's settings cannot be used.
    #[error("the app is not set up to receive: {0}")]
    AppUnusable(String),
    /// Refused by its source.
    #[error("{}", .0.detail)]
    Refused(Refusal),
    /// The store did not answer. The purchase is kept and asked about again.
    #[error("{0}")]
    Store(Trouble),
    /// Not the name of a customer, and what one has to be.
    #[error("{0:?} is not an app user id, which {1}")]
    Name(String, &'static str),
    /// A name that only Tidings gives, of nobody who is there, or for a purchase.
    #[error("{0:?} is not an app user id that can be given, which {NOT_OURS}")]
    Ours(String),
    /// It belongs to another customer: the project's transfer behaviour keeps it there, or the store's own record carries
    /// another name than the client's.
    #[error(
        "the purchase belongs to another customer: this project keeps purchases with their owner, or the store carries another name for it"
    )]
    OwnedByAnother,
    /// The ledger could not take it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// So many receipts of the app wait for its store that a client has to send this one again.
    #[error("so many receipts wait for their store that this one is not kept; send it again")]
    Crowded,
    /// Other messages of the same customer kept getting in between.
    #[error("too many messages of one customer at once")]
    Contended,
    /// Shutting down.
    #[error("shutting down")]
    Stopping,
}

impl IntakeError {
    /// What whoever sent the message may read: all but what a store answered.
    pub fn told(&self) -> String {
        match self {
            Self::Store(trouble) => trouble.told().to_owned(),
            other => other.to_string(),
        }
    }

    /// Stable code, for counters.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownApp(_) => "unknown_app",
            Self::AppUnusable(_) => "app_unusable",
            Self::Refused(refusal) => refusal.code.text(),
            Self::Store(trouble) => trouble.code(),
            Self::Name(..) => "no_name",
            Self::Ours(_) => "name_of_ours",
            Self::OwnedByAnother => "owned_by_another",
            Self::Ledger(_) => "ledger_unavailable",
            Self::Crowded => "crowded",
            Self::Contended => "contended",
            Self::Stopping => "stopping",
        }
    }
}
