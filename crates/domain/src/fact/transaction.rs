//! One store's statement about one transaction.

use crate::Money;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What was bought.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// Renews until cancelled.
    Subscription,
    /// Bought once, owned for ever.
    NonConsumable,
    /// Used up; may be bought again.
    Consumable,
    /// Runs for a time the app knows; the store does not renew it.
    NonRenewing,
}

/// Why a transaction happened.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionReason {
    /// The customer started it: first purchase, upgrade, resubscription.
    Purchase,
    /// The store renewed it.
    Renewal,
}

/// Who paid.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// The customer.
    Purchased,
    /// A family member of the customer; produces access but no purchase events.
    FamilyShared,
}

/// Category of an offer. Source: Apple, JWSTransactionDecodedPayload, `offerType`.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferCategory {
    /// Introductory offer.
    Introductory,
    /// Promotional offer.
    Promotional,
    /// Offer code.
    OfferCode,
    /// Win-back offer.
    WinBack,
}

/// How an offer is paid.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discount {
    /// Nothing is charged.
    FreeTrial,
    /// A reduced price per period.
    PayAsYouGo,
    /// A reduced price once, for several periods.
    PayUpFront,
}

/// An offer applied to a transaction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Offer {
    /// Its category; `None` when the store names one we do not know.
    pub category: Option<OfferCategory>,
    /// How it is paid; `None` when the store did not say.
    pub discount: Option<Discount>,
    /// The store's offer id; introductory offers have none.
    pub id: Option<String>,
}

/// A refund of a transaction, or the loss of a family share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revocation {
    /// When the store revoked it.
    pub at: Timestamp,
    /// Share of the price given back, in thousandths of a percent, where the store says.
    pub percentage: Option<i64>,
}

/// One store's statement about one transaction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TransactionFact {
    /// When the store signed this copy.
    pub version: Timestamp,
    /// The store's transaction id; the lines of one charge share it.
    pub id: String,
    /// What was bought.
    pub kind: TransactionKind,
    /// The store's product id.
    pub product: String,
    /// Charge time; for a renewal the start of the new period, possibly in the future.
    pub purchased_at: Timestamp,
    /// First purchase of the chain.
    pub original_purchased_at: Timestamp,
    /// End of the paid period; `None` for one-time purchases.
    pub expires_at: Option<Timestamp>,
    /// Number of items; at least 1.
    pub quantity: u32,
    /// Total charged, before store commission; `None` when the store did not say.
    pub price: Option<Money>,
    /// Offer applied.
    pub offer: Option<Offer>,
    /// Present when refunded or revoked.
    pub revocation: Option<Revocation>,
    /// Replaced by an upgrade.
    pub upgraded: bool,
    /// Who paid.
    pub ownership: Ownership,
    /// Why it happened; `None` on old transactions.
    pub reason: Option<TransactionReason>,
    /// ISO 3166-1 alpha-2 country of the store front.
    pub country: Option<String>,
    /// The line of the purchase it paid for, where several products were bought in one; otherwise empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line: String,
    /// The leg of the chain it belongs to, where a store gives one subscription several names in turn (Google's purchase
    /// tokens); otherwise empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub leg: String,
    /// The leg that this one took over from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// The store says that the chain begins here, or the line.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begins_chain: bool,
    /// `expires_at` is the end of access as it stands (grace end, end of hold), not the end of what was paid. The end of a
    /// copy that knows better wins over it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_is_provisional: bool,
    /// When it was bought is not known exactly: it was paid for then, or later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub start_is_provisional: bool,
    /// Paid for ahead and never renewed by the store (Google's prepaid plans).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_prepaid: bool,
    /// It took money and bought no period: more seats until the end of the running one, usage beyond a threshold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_extra: bool,
    /// The charge that it is a later payment of, where one paper is paid in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// Its period runs, and nobody has paid for it yet. It is a charge once a newer copy says that it was paid.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_owed: bool,
    /// Tax included in or added to the price, where the store reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Money>,
    /// Entitlements it unlocks by itself, whatever its product: those of a grant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<String>,
}

impl TransactionFact {
    /// A purchase of one item, of which nothing else is known.
    pub fn new(
        id: impl Into<String>,
        kind: TransactionKind,
        product: impl Into<String>,
        purchased_at: Timestamp,
        version: Timestamp,
    ) -> Self {
        Self {
            version,
            id: id.into(),
            kind,
            product: product.into(),
            purchased_at,
            original_purchased_at: purchased_at,
            expires_at: None,
            quantity: 1,
            price: None,
            offer: None,
            revocation: None,
            upgraded: false,
            ownership: Ownership::Purchased,
            reason: None,
            country: None,
            line: String::new(),
            leg: String::new(),
            replaces: None,
            begins_chain: false,
            end_is_provisional: false,
            start_is_provisional: false,
            is_prepaid: false,
            is_extra: false,
            part_of: None,
            is_owed: false,
            tax: None,
            entitlements: Vec::new(),
        }
    }

    /// Whether nothing was charged because of a free trial. Source: Apple,
    /// JWSTransactionDecodedPayload, `offerDiscountType`; it is absent from older transactions, whose price says so.
    pub fn is_free(&self) -> bool {
        match self
            .offer
            .as_ref()
            .map(|offer| (offer.discount, offer.category))
        {
            Some((Some(discount), _)) => discount == Discount::FreeTrial,
            Some((None, Some(OfferCategory::Introductory))) => {
                self.price.is_some_and(|price| price.micros == 0)
            }
            _ => false,
        }
    }

    /// Whether it is a charge that is neither free nor still owed.
    pub fn is_paid(&self) -> bool {
        !self.is_free() && !self.is_owed
    }

    /// What it is known by among the facts of its chain: its id, and the line where it has one.
    pub fn key(&self) -> String {
        line_key(&self.id, &self.line)
    }

    /// Whether the chain, or its line, begins with this transaction.
    pub fn is_origin(&self, chain: &str) -> bool {
        self.begins_chain || (self.id == chain && !self.continues(chain))
    }

    /// Whether it says itself that the chain had begun before it: by its dates, or by being of a later leg.
    pub fn continues(&self, chain: &str) -> bool {
        let began_before = self.original_purchased_at.duration_until(self.purchased_at);
        let is_of_a_later_leg = !self.leg.is_empty() && self.leg != chain;
        began_before > ONE_PURCHASE || is_of_a_later_leg
    }
}

/// The two dates that stores give a first charge, of it and of the beginning, lie at most so far apart: no period is shorter.
const ONE_PURCHASE: SignedDuration = SignedDuration::from_mins(1);

/// A name within a chain, of the line that it is about.
pub fn line_key(name: &str, line: &str) -> String {
    if line.is_empty() {
        name.to_owned()
    } else {
        format!("{name}#{line}")
    }
}
