//! What stores assert, and how assertions are merged.
//!
//! A fact is one store's statement about one transaction, or about the renewal of one purchase chain, with a *version*:
//! the store's own signing or fetch time. Merging keeps, per fact key, the copy with the highest version, so the result is
//! a function of the set of facts and not of their order of arrival.

use crate::{Money, reason::ExpirationIntent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a purchase was made. Ids are unique only within one store and environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// Apple App Store.
    AppStore,
}

impl Store {
    /// The id used in SQL, payloads and pages.
    pub const fn id(self) -> &'static str {
        match self {
            Self::AppStore => "app_store",
        }
    }
    /// Parses [`Store::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        (id == "app_store").then_some(Self::AppStore)
    }
}

/// Whether real money moved. Sandbox facts never touch a production chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Real purchases.
    Production,
    /// Test purchases, whatever kind of test.
    Sandbox,
}

impl Environment {
    /// The id used in SQL, the API and pages.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
        }
    }
    /// Parses [`Environment::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        [Self::Production, Self::Sandbox]
            .into_iter()
            .find(|environment| environment.id() == id)
    }
}

/// Identifies a purchase chain within an app: all transactions of one subscription, or one one-time purchase.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChainKey {
    /// Store of the chain.
    pub store: Store,
    /// Environment of the chain.
    pub environment: Environment,
    /// The store's id of the chain; for Apple the `originalTransactionId`.
    pub id: String,
}

/// What was bought.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionReason {
    /// The customer started it: first purchase, upgrade, resubscription.
    Purchase,
    /// The store renewed it.
    Renewal,
}

/// Who paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// The customer.
    Purchased,
    /// A family member of the customer; produces access but no purchase events.
    FamilyShared,
}

/// Category of an offer. Source: spec/stores.md 1.6 `offerType`.
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
    /// The store's transaction id.
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
}

impl TransactionFact {
    /// Whether nothing was charged because of a free trial. Source: spec/stores.md 1.6, "Free trial test".
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
    /// Whether the chain begins with this transaction.
    pub fn is_origin(&self, chain: &str) -> bool {
        self.id == chain
    }
}

/// State of a chain as the store names it. Source: spec/stores.md 1.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Running.
    Active,
    /// Over.
    Expired,
    /// Unpaid, the store retries, no access.
    Retry,
    /// Unpaid, the store retries, access continues.
    Grace,
    /// Refunded or no longer shared.
    Revoked,
}

/// Answer to a price increase that needs consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceIncrease {
    /// Not answered.
    Pending,
    /// Consented to, or announced where no consent is needed.
    Accepted,
}

/// One store's statement about the renewal of a chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RenewalFact {
    /// When the store signed this copy.
    pub version: Timestamp,
    /// Product of the period this speaks about.
    pub product: Option<String>,
    /// Whether the store will renew.
    pub auto_renew: Option<bool>,
    /// Product the store will renew into.
    pub next_product: Option<String>,
    /// Why it ended or is failing.
    pub intent: Option<ExpirationIntent>,
    /// Whether the store is still trying to charge.
    pub in_retry: Option<bool>,
    /// End of the grace period.
    pub grace_ends_at: Option<Timestamp>,
    /// Answer to a price increase.
    pub price_increase: Option<PriceIncrease>,
    /// Price of the next charge.
    pub renewal_price: Option<Money>,
    /// State of the chain when this was signed.
    pub status: Option<Status>,
}

/// What one message from outside asserts about one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The chain all facts here belong to.
    pub chain: ChainKey,
    /// Transactions, in no particular order.
    pub transactions: Vec<TransactionFact>,
    /// Renewal state, for subscriptions.
    pub renewal: Option<RenewalFact>,
    /// The app's own user id, where the store carries it (`appAccountToken`, lower case).
    pub user_token: Option<String>,
}

/// A transaction with every refund ever seen on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The newest copy.
    pub fact: TransactionFact,
    /// Lowest version of any copy seen: renewal facts older than this say nothing about this transaction.
    pub first_version: Timestamp,
    /// Every refund seen, by refund time, with the highest version that showed it.
    pub refunds: BTreeMap<Timestamp, Timestamp>,
}

impl Transaction {
    /// Refunds that a newer copy no longer shows, with the version that undid them.
    pub fn reversals(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let current = self
            .fact
            .revocation
            .as_ref()
            .map(|revocation| revocation.at);
        let version = self.fact.version;
        self.refunds
            .iter()
            .filter(move |(at, shown)| Some(**at) != current && **shown < version)
            .map(move |(at, _)| (*at, version))
    }
}

/// Everything known about one chain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// By the store's transaction id.
    pub transactions: BTreeMap<String, Transaction>,
    /// The newest renewal statement.
    pub renewal: Option<RenewalFact>,
}

impl Facts {
    /// Takes one observation into the facts known about a purchase chain.
    ///
    /// Total: every observation is legal at any time. A late, duplicate or older one changes nothing but the record of
    /// refunds. Per fact key the highest version wins; on equal versions the copy that shows a refund or an upgrade,
    /// then the greater one, so the result does not depend on arrival order. Source: spec/stores.md 5.1.
    #[must_use]
    pub fn absorb(mut self, seen: &Observation) -> Self {
        for fact in &seen.transactions {
            self.absorb_transaction(fact);
        }
        if let Some(renewal) = &seen.renewal {
            let newer = self
                .renewal
                .as_ref()
                .is_none_or(|known| (known.version, known) < (renewal.version, renewal));
            if newer {
                self.renewal = Some(renewal.clone());
            }
        }
        self
    }

    fn absorb_transaction(&mut self, fact: &TransactionFact) {
        let rank =
            |fact: &TransactionFact| (fact.version, fact.revocation.is_some(), fact.upgraded);
        let known = self
            .transactions
            .entry(fact.id.clone())
            .or_insert_with(|| Transaction {
                fact: fact.clone(),
                first_version: fact.version,
                refunds: BTreeMap::new(),
            });
        if (rank(&known.fact), &known.fact) < (rank(fact), fact) {
            known.fact = fact.clone();
        }
        known.first_version = known.first_version.min(fact.version);
        if let Some(revocation) = &fact.revocation {
            let shown = known.refunds.entry(revocation.at).or_insert(fact.version);
            *shown = (*shown).max(fact.version);
        }
    }
}
