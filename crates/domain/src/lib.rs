//! What things are and what happens to them.
//!
//! **Motivation.** Stores lose, double and reorder their notifications. So nothing here reacts to a notification:
//! a store's message is only a bundle of *facts*, and an *event* is the difference between two snapshots derived
//! from the facts known before and after it.
//!
//! **How it works.** [`Facts::absorb`] merges facts (highest version wins), [`Snapshot::derive`] turns the *set* of
//! facts into the state of one purchase chain, [`change::changes`] names what happened between two states, and
//! [`access::access`] says who may use what. A notification, a receipt, a poll and a tick of the clock all take this way.
//!
//! **What it does not do.** It never reads a clock, a random source, the environment, the network or the disk: ids and
//! `now` are parameters. It knows no wire format; `sources` translates those.
//!
//! **Before changing it.** The tables it implements are `docs/lifecycle.md`; each row is a test in `tests/apple_table.rs`
//! and each promise a property in `tests/properties.rs`.
#![warn(missing_docs)]

pub mod access;
pub mod attribute;
pub mod breaker;
pub mod change;
pub mod charge;
pub mod customer;
pub mod event;
pub mod fact;
pub mod header;
pub mod id;
pub mod kind;
pub mod message;
pub mod money;
pub mod name;
pub mod pace;
pub mod present;
pub mod rates;
pub mod reason;
pub mod refund;
pub mod retry;
pub mod secret;
pub mod snapshot;
pub mod time;

pub use access::AccessLevel;
pub use change::Change;
pub use event::Event;
pub use fact::{ChainKey, Environment, Facts, Observation, Store};
pub use header::Headers;
pub use id::{
    ApiKeyId, AppId, CustomerId, DeliveryId, EntitlementId, EventId, InboxId, IntegrationId,
    ParseIdError, ProductId, ProjectId, ReplayId, UserId,
};
pub use kind::EventKind;
pub use message::Message;
pub use money::{Currency, Money};
pub use present::Present;
pub use reason::{CancellationReason, NotSent};
pub use snapshot::Snapshot;
