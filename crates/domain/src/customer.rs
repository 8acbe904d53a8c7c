//! Customers: who owns purchases, under which names, with which attributes.

use crate::CustomerId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Prefix of the ids given to customers the app has not named.
pub const ANONYMOUS_PREFIX: &str = "$anonymous:";

/// Prefix of the ids that client SDKs give to customers the app has not named. Source: spec/revenuecat.md 10.2.
pub const SDK_ANONYMOUS_PREFIX: &str = "$RCAnonymousID:";

/// Prefix of the ids of customers that were forgotten.
pub const FORGOTTEN_PREFIX: &str = "$deleted:";

/// Whether a name was given by us or by a client SDK, not by the app.
pub fn is_anonymous(name: &str) -> bool {
    [ANONYMOUS_PREFIX, SDK_ANONYMOUS_PREFIX]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// A customer as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// The app's name for the customer, or a generated anonymous one.
    pub app_user_id: String,
    /// When it was first heard of.
    pub first_seen: Timestamp,
    /// When it was last heard of.
    pub last_seen: Timestamp,
    /// Its other names, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Attributes; reserved ones begin with `$`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// When each attribute was written or deleted, as its writer says: the last write wins. Not part of events.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub written: BTreeMap<String, Timestamp>,
    /// The customer does not want third parties to hear of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub analytics_disabled: bool,
    /// When the app was first installed, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_at: Option<Timestamp>,
    /// Money charged less money refunded, in millionths of a US dollar, as far as amounts in dollars are known.
    #[serde(default)]
    pub revenue_usd_micros: i64,
}

impl Customer {
    /// Somebody heard of for the first time.
    pub fn new(id: CustomerId, app_user_id: String, now: Timestamp) -> Self {
        Self {
            id,
            app_user_id,
            first_seen: now,
            last_seen: now,
            aliases: Vec::new(),
            attributes: BTreeMap::new(),
            written: BTreeMap::new(),
            analytics_disabled: false,
            installed_at: None,
            revenue_usd_micros: 0,
        }
    }

    /// Whether `name` is one of its names.
    pub fn answers_to(&self, name: &str) -> bool {
        self.app_user_id == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// As events carry it.
    #[must_use]
    pub fn for_event(&self) -> Self {
        Self {
            written: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// Whether the app has not named this customer.
    pub fn is_anonymous(&self) -> bool {
        is_anonymous(&self.app_user_id)
    }
}
