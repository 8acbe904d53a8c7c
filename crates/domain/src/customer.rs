//! Customers: who owns purchases, under which names, with which attributes.

use crate::CustomerId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Prefix of the ids given to customers the app has not named.
pub const ANONYMOUS_PREFIX: &str = "$anonymous:";

/// Prefix of the ids that client SDKs give to customers the app has not named. Source: RevenueCat
/// docs, "Identifying Customers".
pub const SDK_ANONYMOUS_PREFIX: &str = "$RCAnonymousID:";

/// Longest name, in bytes.
const LONGEST_NAME: usize = 255;

/// Names that are no names: what programs send when they have none. Source: RevenueCat docs, "Identifying Customers".
const NOBODY: &[&str] = &[
    "",
    "no_user",
    "null",
    "none",
    "nil",
    "(null)",
    "NaN",
    "\\x00",
    "unidentified",
    "undefined",
    "unknown",
    "anonymous",
    "guest",
    "-1",
    "0",
    "[]",
    "{}",
    "[object Object]",
];

/// What a name has to be, as it is said after the name of a field.
pub const A_NAME: &str =
    "has 1 to 255 bytes, no control character, and is none of the words programs use for nobody";

/// Whether somebody may be called this. Asked of every name that comes in, whoever sends it and on whatever way. Whoever speaks for the project knows its
/// own ids, which may have a slash: of what clients and stores come with, more is asked ([`is_client_name`]).
pub fn is_name(name: &str) -> bool {
    !NOBODY.contains(&name.trim())
        && name.len() <= LONGEST_NAME
        && !name.chars().any(char::is_control)
}

/// What a name has to be that a client or a store comes with.
pub const A_CLIENT_NAME: &str = "has 1 to 255 bytes, no control character and no slash, and is none of the words programs use for nobody";

/// Whether a client SDK or a store may call somebody this. Source: RevenueCat docs, "Identifying Customers": anything with a slash is nobody there, because
/// it ends a segment of the paths that clients ask.
pub fn is_client_name(name: &str) -> bool {
    is_name(name) && !name.contains('/')
}

/// Prefix of the ids of customers that were forgotten.
pub const FORGOTTEN_PREFIX: &str = "$deleted:";

/// Whether only Tidings gives names that begin so: whoever comes with one names a customer that is there already, or nobody.
pub fn is_ours(name: &str) -> bool {
    [ANONYMOUS_PREFIX, FORGOTTEN_PREFIX]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// What a name that somebody gives has to be beside that.
pub const NOT_OURS: &str =
    "does not begin with `$anonymous:` or `$deleted:`, as names do that only Tidings gives";

/// Whether a name was given by us or by a client SDK, not by the app.
pub fn is_anonymous(name: &str) -> bool {
    [ANONYMOUS_PREFIX, SDK_ANONYMOUS_PREFIX]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Whether a campaign brought a customer.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributionStatus {
    /// None did.
    Organic,
    /// One did.
    NonOrganic,
    /// Nobody knows.
    Unknown,
}

impl AttributionStatus {
    /// The id used in payloads.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Organic => "organic",
            Self::NonOrganic => "non_organic",
            Self::Unknown => "unknown",
        }
    }
}

/// Through which campaign a customer came. Source: Adapty docs, "Webhook event types and fields", attributions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    /// Who says so: `appsflyer`, `adjust`, a name of the team's own.
    pub source: String,
    /// Whether a campaign brought the customer.
    pub status: AttributionStatus,
    /// Channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// Group of ads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ad_group: Option<String>,
    /// Set of ads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ad_set: Option<String>,
    /// Creative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creative: Option<String>,
    /// The source's own id of the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_user_id: Option<String>,
    /// When it was told.
    #[serde(default)]
    pub created_at: Timestamp,
}

/// Longest value of an [`Attribution`], in characters.
const LONGEST_ATTRIBUTION: usize = 50;

impl Attribution {
    /// The first field that is too long, or empty where it must not be, and what is wrong with it.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let fields = [
            ("source", Some(&self.source)),
            ("channel", self.channel.as_ref()),
            ("campaign", self.campaign.as_ref()),
            ("ad_group", self.ad_group.as_ref()),
            ("ad_set", self.ad_set.as_ref()),
            ("creative", self.creative.as_ref()),
        ];
        fields.into_iter().find_map(|(name, value)| {
            let length = value?.trim().chars().count();
            (length == 0 || length > LONGEST_ATTRIBUTION)
                .then(|| (name, format!("has 1 to {LONGEST_ATTRIBUTION} characters")))
        })
    }
}

/// How a customer got the app itself, as its store says. Source: Apple, `AppTransaction`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPurchase {
    /// When it was first got.
    pub bought_at: Timestamp,
    /// The release it was then.
    pub version: String,
    /// Whether it was not in production, where both are always the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_sandbox: bool,
}

impl AppPurchase {
    /// What is known once `told` is said too: production before anything else, and then what was first.
    #[must_use]
    pub fn or(known: Option<&Self>, told: &Self) -> Self {
        let rank = |one: &Self| (one.is_sandbox, one.bought_at);
        match known {
            Some(known) if rank(known) <= rank(told) => known.clone(),
            _ => told.clone(),
        }
    }
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
    /// How it got the app, where its store said so. Not part of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_purchase: Option<AppPurchase>,
    /// Through which campaign it came; the first word stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
    /// Key of the offering that clients show to this customer, whatever others are shown. Not part of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offering: Option<String>,
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
            app_purchase: None,
            attribution: None,
            offering: None,
            revenue_usd_micros: 0,
        }
    }

    /// The first name it ever had: anonymous ones come before what the app calls it.
    pub fn original_name(&self) -> &str {
        self.aliases.first().unwrap_or(&self.app_user_id)
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
            app_purchase: None,
            offering: None,
            ..self.clone()
        }
    }

    /// Whether it was forgotten.
    pub fn is_forgotten(&self) -> bool {
        self.app_user_id.starts_with(FORGOTTEN_PREFIX)
    }

    /// Whether the app has not named this customer.
    pub fn is_anonymous(&self) -> bool {
        is_anonymous(&self.app_user_id)
    }
}
