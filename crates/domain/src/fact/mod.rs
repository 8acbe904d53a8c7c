//! What stores assert, and how assertions are merged.
//!
//! A fact is one store's statement about one transaction, or about the renewal of one purchase chain, with a *version*:
//! the store's own signing or fetch time. Merging keeps, per fact key, the copy with the highest version, so the result is
//! a function of the set of facts and not of their order of arrival.

use crate::{Money, reason::ExpirationIntent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where a purchase was made. Ids are unique only within one store and environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// Apple App Store.
    AppStore,
    /// Google Play.
    PlayStore,
    /// Stripe.
    Stripe,
    /// Any other store: whoever holds a key of the project vouches for what it says.
    External,
    /// Not a store: access given by hand.
    Promotional,
}

impl Store {
    /// Every store, in order of declaration.
    pub const ALL: [Self; 5] = [
        Self::AppStore,
        Self::PlayStore,
        Self::Stripe,
        Self::External,
        Self::Promotional,
    ];

    /// The id used in SQL, payloads and pages.
    pub const fn id(self) -> &'static str {
        match self {
            Self::AppStore => "app_store",
            Self::PlayStore => "play_store",
            Self::Stripe => "stripe",
            Self::External => "external",
            Self::Promotional => "promotional",
        }
    }

    /// The name people read.
    pub const fn title(self) -> &'static str {
        match self {
            Self::AppStore => "App Store",
            Self::PlayStore => "Google Play",
            Self::Stripe => "Stripe",
            Self::External => "another store",
            Self::Promotional => "a grant",
        }
    }

    /// Parses [`Store::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|store| store.id() == id)
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
    /// The store's id of the chain: Apple's `originalTransactionId`, the first of Google's linked purchase tokens,
    /// Stripe's subscription id.
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
    /// The leg of the chain it belongs to, where a store gives one subscription several names in turn (Google's purchase
    /// tokens); otherwise empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub leg: String,
    /// The leg that this one took over from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// The store says that the chain begins here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub begins_chain: bool,
    /// `expires_at` is the end of access as it stands (grace end, end of hold), not the end of what was paid. The end of a
    /// copy that knows better wins over it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub end_is_provisional: bool,
    /// Paid for ahead and never renewed by the store (Google's prepaid plans).
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_prepaid: bool,
    /// Tax included in or added to the price, where the store reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Money>,
    /// Entitlements it unlocks by itself, whatever its product: those of a grant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape serde asks for"
)]
const fn is_false(value: &bool) -> bool {
    !*value
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
            leg: String::new(),
            replaces: None,
            begins_chain: false,
            end_is_provisional: false,
            is_prepaid: false,
            tax: None,
            entitlements: Vec::new(),
        }
    }

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
        self.begins_chain || self.id == chain
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
    /// Paused by the customer, no access.
    Paused,
    /// Over because another leg of the chain took its place; that leg may not be known yet.
    Replaced,
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
    /// The leg of the chain it speaks about; empty where a store has one only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub leg: String,
    /// When it ended, where the store says and it is not the end of the last period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When auto-renew was switched off, where the store says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_since: Option<Timestamp>,
    /// When a pause ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes_at: Option<Timestamp>,
    /// A pause will begin at the end of the period.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pause_is_planned: bool,
    /// `product` is in effect, whatever was charged last.
    #[serde(default, skip_serializing_if = "is_false")]
    pub product_is_in_effect: bool,
}

impl RenewalFact {
    /// A statement that says nothing yet.
    pub const fn new(version: Timestamp) -> Self {
        Self {
            version,
            product: None,
            auto_renew: None,
            next_product: None,
            intent: None,
            in_retry: None,
            grace_ends_at: None,
            price_increase: None,
            renewal_price: None,
            status: None,
            leg: String::new(),
            ended_at: None,
            off_since: None,
            resumes_at: None,
            pause_is_planned: false,
            product_is_in_effect: false,
        }
    }
}

/// One store's statement about one refund or chargeback, where refunds are things of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RefundFact {
    /// When the store was asked, or signed it.
    pub version: Timestamp,
    /// Identifies it among the refunds of the chain.
    pub id: String,
    /// The refunded transaction.
    pub transaction: String,
    /// When.
    pub at: Timestamp,
    /// How much was given back; `None` when the store did not say.
    pub amount: Option<Money>,
    /// How many of a quantity are left unrefunded after it; `None` when it is not counted in pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces_left: Option<u32>,
    /// It takes access away, where the transaction is the current one.
    pub revokes: bool,
    /// It was undone: the refund failed, the dispute was won.
    pub is_undone: bool,
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
    /// The developer moved the renewal date.
    Deferred {
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

/// What one message from outside asserts about one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The chain all facts here belong to.
    pub chain: ChainKey,
    /// Transactions, in no particular order.
    pub transactions: Vec<TransactionFact>,
    /// Renewal state, for subscriptions.
    pub renewal: Option<RenewalFact>,
    /// The app's own user id, where the store carries it (`appAccountToken`, lower case; `obfuscatedExternalAccountId`;
    /// metadata).
    pub user_token: Option<String>,
    /// Other ids under which the store knows the chain.
    #[serde(default)]
    pub links: Vec<String>,
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
            renewal: None,
            user_token: None,
            links: Vec::new(),
            refunds: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// A transaction with every refund ever seen on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The newest copy.
    pub fact: TransactionFact,
    /// Lowest version of any copy seen: renewal facts older than this say nothing about this transaction.
    pub first_version: Timestamp,
    /// Where its end is from, when that is not the newest copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// Every refund seen inside a copy, by refund time, with the highest version that showed it.
    pub refunds: BTreeMap<Timestamp, Timestamp>,
}

/// The end of a paid period, and how well it is known: one stated exactly wins over one that is not, then the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct End {
    is_exact: bool,
    version: Timestamp,
    at: Option<Timestamp>,
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
    /// The newest renewal statement of each leg.
    #[serde(default)]
    pub renewals: BTreeMap<String, RenewalFact>,
    /// The newest statement about each refund that is a thing of its own.
    #[serde(default)]
    pub refunds: BTreeMap<String, RefundFact>,
    /// Things told once.
    #[serde(default)]
    pub notes: BTreeSet<Note>,
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
            match self.renewals.get_mut(&renewal.leg) {
                Some(known) if (known.version, &*known) >= (renewal.version, renewal) => {}
                Some(known) => known.clone_from(renewal),
                None => {
                    self.renewals.insert(renewal.leg.clone(), renewal.clone());
                }
            }
        }
        for refund in &seen.refunds {
            match self.refunds.get_mut(&refund.id) {
                Some(known) if (known.version, &*known) >= (refund.version, refund) => {}
                Some(known) => known.clone_from(refund),
                None => {
                    self.refunds.insert(refund.id.clone(), refund.clone());
                }
            }
        }
        self.notes.extend(seen.notes.iter().cloned());
        self
    }

    /// The offering that led to the purchase: the one told first.
    pub fn offering(&self) -> Option<&str> {
        self.notes.iter().find_map(|note| match note {
            Note::Offered { offering, .. } => Some(offering.as_str()),
            Note::PauseRequested { .. } | Note::Deferred { .. } => None,
        })
    }

    fn absorb_transaction(&mut self, fact: &TransactionFact) {
        let rank =
            |fact: &TransactionFact| (fact.version, fact.revocation.is_some(), fact.upgraded);
        let end = End {
            is_exact: !fact.end_is_provisional,
            version: fact.version,
            at: fact.expires_at,
        };
        let known = self
            .transactions
            .entry(fact.id.clone())
            .or_insert_with(|| Transaction {
                fact: fact.clone(),
                first_version: fact.version,
                end: None,
                refunds: BTreeMap::new(),
            });
        let begins = known.fact.purchased_at.min(fact.purchased_at);
        let known_end = known.end.unwrap_or(End {
            is_exact: !known.fact.end_is_provisional,
            version: known.fact.version,
            at: known.fact.expires_at,
        });
        let paid = known.fact.price.or(fact.price);
        // A copy that does not say how the chain began takes nothing from one that does.
        let mut fact = fact.clone();
        let began = &mut known.fact.original_purchased_at;
        *began = fact.original_purchased_at.min(*began);
        fact.original_purchased_at = *began;
        known.fact.begins_chain |= fact.begins_chain;
        fact.begins_chain = known.fact.begins_chain;
        if (rank(&known.fact), &known.fact) < (rank(&fact), &fact) {
            known.fact.clone_from(&fact);
        }
        known.fact.purchased_at = begins;
        // What a later copy no longer says about the price was still true.
        known.fact.price = known.fact.price.or(paid);
        let end = known_end.max(end);
        known.fact.expires_at = end.at;
        known.fact.end_is_provisional = !end.is_exact;
        known.end = (end.version != known.fact.version).then_some(end);
        known.first_version = known.first_version.min(fact.version);
        if let Some(revocation) = &fact.revocation {
            let shown = known.refunds.entry(revocation.at).or_insert(fact.version);
            *shown = (*shown).max(fact.version);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A copy of one transaction, signed at `version`: one that says that the chain began with it, or one that is silent.
    fn copy(version: i64, says: bool) -> Observation {
        let mut seen = Observation::of(ChainKey {
            store: Store::External,
            environment: Environment::Production,
            id: "chain".into(),
        });
        seen.transactions = vec![TransactionFact {
            original_purchased_at: if says { at(1) } else { at(5) },
            begins_chain: says,
            ..TransactionFact::new(
                "first",
                TransactionKind::Subscription,
                "gold",
                at(5),
                at(version),
            )
        }];
        seen
    }

    #[test]
    fn a_copy_silent_on_the_beginning_takes_nothing_back_in_any_order() {
        let (early, late) = (copy(10, true), copy(20, false));
        // Of one moment, too.
        let same = copy(10, false);
        for order in [
            [&early, &late, &same],
            [&early, &same, &late],
            [&late, &early, &same],
            [&late, &same, &early],
            [&same, &early, &late],
            [&same, &late, &early],
        ] {
            let facts = order.into_iter().fold(Facts::default(), Facts::absorb);
            let fact = &facts.transactions["first"].fact;
            let found = (fact.version, fact.begins_chain, fact.original_purchased_at);
            assert_eq!(found, (at(20), true, at(1)), "{order:?}");
        }
    }
}
