//! Customers: who owns purchases, under which names, with which attributes.

use crate::CustomerId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Prefix of the ids given to customers the app has not named.
pub const ANONYMOUS_PREFIX: &str = "$anonymous:";

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
    /// Attributes; reserved ones begin with `$`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Money charged less money refunded, in millionths of a US dollar, as far as amounts in dollars are known.
    #[serde(default)]
    pub revenue_usd_micros: i64,
}

impl Customer {
    /// Whether the app has not named this customer.
    pub fn is_anonymous(&self) -> bool {
        self.app_user_id.starts_with(ANONYMOUS_PREFIX)
    }
}
