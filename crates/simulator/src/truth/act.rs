//! What a store does at one instant: what its API shows from then on, and what it sends.

use super::{life::Deed, life::Market, walk::Walk};
use crate::{Channel, Message, Stores};
use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

/// One thing a store does.
#[derive(Debug, Clone)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// What its API shows from then on.
    pub changes: Vec<Change>,
    /// What it sends, in its order.
    pub says: Vec<Word>,
}

impl Act {
    /// Makes it so.
    pub fn happen(&self, stores: &Stores) {
        for change in &self.changes {
            change.apply(stores);
        }
    }
}

/// A change of what a store's API shows.
#[derive(Debug, Clone)]
pub enum Change {
    /// A transaction of the App Store, with how its subscription stands.
    Apple {
        /// The transaction.
        transaction: Value,
        /// Renewal information and status.
        stands: Option<(Value, u8)>,
    },
}

impl Change {
    fn apply(&self, stores: &Stores) {
        match self {
            Self::Apple {
                transaction,
                stands,
            } => {
                let (renewal, status) = stands.clone().unzip();
                let api = &stores.apple.api;
                api.record(transaction, renewal.as_ref(), status.unwrap_or(1));
            }
        }
    }
}

/// Something a store sends.
#[derive(Debug, Clone)]
pub enum Word {
    /// A notification of the App Store.
    Apple {
        /// Its type.
        kind: &'static str,
        /// Its subtype.
        subtype: Option<&'static str>,
        /// Its id.
        uuid: String,
        /// What it is about.
        transaction: Value,
        /// Renewal information and status.
        stands: Option<(Value, u8)>,
    },
}

impl Word {
    /// The message, as it is sent at `at`.
    pub fn message(&self, stores: &Stores, at: Timestamp) -> Result<Message> {
        match self {
            Self::Apple {
                kind,
                subtype,
                uuid,
                transaction,
                stands,
            } => {
                let sign = |payload: &Value| -> Result<Value> {
                    let mut payload = payload.clone();
                    payload["signedDate"] = at.as_millisecond().into();
                    Ok(stores.authority.sign(&payload)?.into())
                };
                let mut data = json!({
                    "environment": transaction["environment"], "bundleId": transaction["bundleId"],
                    "signedTransactionInfo": sign(transaction)?,
                });
                if let Some((renewal, status)) = stands {
                    data["signedRenewalInfo"] = sign(renewal)?;
                    data["status"] = (*status).into();
                }
                let mut payload = json!({ "notificationType": kind, "notificationUUID": uuid, "version": "2.0", "data": data });
                if let Some(subtype) = subtype {
                    payload["subtype"] = (*subtype).into();
                }
                Ok(Message {
                    channel: Channel::Apple,
                    body: json!({ "signedPayload": sign(&payload)? }).to_string(),
                    subject: uuid.clone(),
                })
            }
        }
    }
}

/// A store, as one customer's purchases make it.
pub(super) trait Maker {
    /// What the store makes of where `walk` stands now: after `deed`, or at the beginning.
    fn show(&mut self, walk: &Walk, deed: Option<Deed>) -> Vec<Act>;
}

impl Market {
    /// What the app calls customer `number`.
    pub(super) fn who(self, number: u64) -> String {
        match self {
            Self::AppStore => format!("00000000-0000-4000-8000-{number:012x}"),
        }
    }

    /// The store's id of that customer's charge `count`.
    pub(super) fn charge_id(self, number: u64, count: u64) -> String {
        match self {
            // Rising with time, as Apple's do.
            Self::AppStore => (2_000_000_000_000_000 + number * 10_000 + count).to_string(),
        }
    }
}
