//! Purchases that somebody with a key of the project vouches for: those of any other store, and access given by hand.
//!
//! The body states facts and when they were true (`updated_at`), which is their version: an older statement never
//! overwrites a newer one. Source: Adapty docs, "Server-side API", set transaction; RevenueCat docs,
//! "External Purchases API".

mod rules;

use crate::{
    Answer, Content, Incoming, Probe, Question, Receipt, Received, Refusal, RefusalCode, Source,
    Trouble, Web,
};
use async_trait::async_trait;
use domain::{
    ChainKey, Currency, Environment, Facts, Money, Observation, Snapshot, Store,
    fact::{
        Discount, Offer, OfferCategory, Ownership, RefundFact, RenewalFact, Status,
        TransactionFact, TransactionKind, TransactionReason,
    },
    reason::ExpirationIntent,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Any other store as a [`Source`].
#[derive(Debug)]
pub struct Stated {
    store: Store,
}

impl Stated {
    /// For [`Store::External`] or [`Store::Promotional`].
    pub const fn new(store: Store) -> Self {
        Self { store }
    }
}

/// What was bought.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = StatedKind))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Renews until cancelled.
    Subscription,
    /// Bought once.
    OneTimePurchase,
}

/// A price as it is written: a decimal number as text, `"9.99"`.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedPrice {
    /// Decimal number with up to six digits after the point.
    pub amount: String,
    /// ISO 4217.
    pub currency: String,
}

/// A purchase as somebody states it.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The app's name for the customer.
    pub app_user_id: String,
    /// What was bought.
    pub kind: Kind,
    /// Real or test; production when absent.
    #[serde(default = "production")]
    pub environment: Environment,
    /// The store's product id.
    pub product_id: String,
    /// Id of this charge; another than `original_transaction_id` is a renewal, unless `originally_purchased_at` says that it
    /// is the first.
    pub transaction_id: String,
    /// Id of the subscription, usually that of its first charge; for one-time purchases the same as `transaction_id`.
    pub original_transaction_id: String,
    /// When all of this was true. An older statement never overwrites a newer one.
    pub updated_at: Timestamp,
    /// Start of the period, or the time of purchase.
    pub purchased_at: Timestamp,
    /// First purchase of the subscription. Equal to `purchased_at`, this is the first, whatever the ids are. When absent, the
    /// ids alone say whether it is, and the earliest charge known is the beginning.
    #[serde(default)]
    pub originally_purchased_at: Option<Timestamp>,
    /// End of the period; subscriptions need it.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Whether it will renew; true when absent.
    #[serde(default)]
    pub will_renew: Option<bool>,
    /// When renewal was switched off.
    #[serde(default)]
    pub renewal_cancelled_at: Option<Timestamp>,
    /// When a charge failed.
    #[serde(default)]
    pub billing_issue_detected_at: Option<Timestamp>,
    /// End of access after a failed charge.
    #[serde(default)]
    pub grace_period_expires_at: Option<Timestamp>,
    /// It is over, and why: `voluntarily_cancelled`, `billing_error`, `unknown`.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// When it was refunded.
    #[serde(default)]
    pub refunded_at: Option<Timestamp>,
    /// What was charged; zero for a free trial.
    #[serde(default)]
    pub price: Option<StatedPrice>,
    /// The offer applied.
    #[serde(default)]
    pub offer: Option<StatedOffer>,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
    /// Somebody in the family paid.
    #[serde(default)]
    pub is_family_shared: bool,
    /// Entitlements it unlocks by itself, beside those of its product.
    #[serde(default)]
    pub entitlements: Vec<String>,
}

/// The end of a subscription.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why; unknown when absent.
    #[serde(default)]
    pub reason: Option<EndReason>,
}

/// Why a subscription ended.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The customer cancelled it.
    VoluntarilyCancelled,
    /// A charge failed for good.
    BillingError,
    /// Nobody knows.
    Unknown,
}

/// An offer.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedOffer {
    /// Its category.
    pub category: OfferCategory,
    /// How it is paid.
    #[serde(rename = "type")]
    pub kind: Discount,
    /// Its id; introductory offers have none.
    #[serde(default)]
    pub id: Option<String>,
}

const fn production() -> Environment {
    Environment::Production
}

impl Statement {
    fn money(&self) -> Result<Option<Money>, Refusal> {
        let Some(price) = &self.price else {
            return Ok(None);
        };
        let invalid = |field: &str, problem: String| {
            Refusal::refuse(
                RefusalCode::InvalidPurchase,
                format!("price.{field}: {problem}"),
            )
        };
        let currency = Currency::try_from(price.currency.as_str())
            .map_err(|error| invalid("currency", error.to_string()))?;
        Money::parse_decimal(&price.amount, currency)
            .map(Some)
            .ok_or_else(|| {
                invalid(
                    "amount",
                    format!("{:?} is not a number such as \"9.99\"", price.amount),
                )
            })
    }

    /// Whether the subscription begins with this charge. Not said is not yes: a renewal need not repeat when it all began.
    fn is_first(&self) -> bool {
        self.transaction_id == self.original_transaction_id
            || self.originally_purchased_at == Some(self.purchased_at)
    }

    fn observation(&self, store: Store) -> Result<Observation, Refusal> {
        let price = self.money()?;
        self.check(price)?;
        let mut seen = Observation::of(ChainKey {
            store,
            environment: self.environment,
            id: self.original_transaction_id.clone(),
        });
        seen.user_token = Some(self.app_user_id.clone());
        seen.transactions = vec![self.transaction(store, price)];
        seen.refunds = self.refund(price).into_iter().collect();
        if self.kind == Kind::Subscription && store != Store::Promotional {
            seen.renewals = vec![self.renewal()];
        }
        Ok(seen)
    }

    fn transaction(&self, store: Store, price: Option<Money>) -> TransactionFact {
        // A grant has an end like a subscription, but nobody renews it.
        let kind = match (self.kind, store) {
            (Kind::Subscription, Store::Promotional) => TransactionKind::NonRenewing,
            (Kind::Subscription, _) => TransactionKind::Subscription,
            (Kind::OneTimePurchase, _) => TransactionKind::NonConsumable,
        };
        let is_first = self.is_first();
        TransactionFact {
            original_purchased_at: self.originally_purchased_at.unwrap_or(self.purchased_at),
            expires_at: self.expires_at,
            price,
            offer: self.offer.as_ref().map(|offer| Offer {
                category: Some(offer.category),
                discount: Some(offer.kind),
                id: offer.id.clone(),
            }),
            ownership: if self.is_family_shared {
                Ownership::FamilyShared
            } else {
                Ownership::Purchased
            },
            reason: Some(if is_first {
                TransactionReason::Purchase
            } else {
                TransactionReason::Renewal
            }),
            country: self.country.clone(),
            begins_chain: is_first,
            entitlements: self.entitlements.clone(),
            ..TransactionFact::new(
                &self.transaction_id,
                kind,
                &self.product_id,
                self.purchased_at,
                self.updated_at,
            )
        }
    }

    fn refund(&self, price: Option<Money>) -> Option<RefundFact> {
        let at = self.refunded_at?;
        Some(RefundFact {
            line: None,
            pieces_left: None,
            version: self.updated_at,
            id: format!("{}:{}", self.transaction_id, at.as_millisecond()),
            transaction: self.transaction_id.clone(),
            at,
            amount: price,
            revokes: true,
            is_undone: false,
        })
    }

    fn renewal(&self) -> RenewalFact {
        let status = match (
            &self.ended,
            self.billing_issue_detected_at,
            self.grace_period_expires_at,
        ) {
            (Some(_), ..) => Status::Expired,
            (None, Some(_), Some(_)) => Status::Grace,
            (None, Some(_), None) => Status::Retry,
            (None, None, _) => Status::Active,
        };
        let reason = self.ended.as_ref().and_then(|ended| ended.reason);
        RenewalFact {
            product: Some(self.product_id.clone()),
            auto_renew: Some(self.will_renew.unwrap_or(self.ended.is_none())),
            intent: self.ended.as_ref().map(|_| match reason {
                Some(EndReason::VoluntarilyCancelled) => ExpirationIntent::Cancelled,
                Some(EndReason::BillingError) => ExpirationIntent::BillingError,
                Some(EndReason::Unknown) | None => ExpirationIntent::Other,
            }),
            in_retry: Some(matches!(status, Status::Grace | Status::Retry)),
            grace_ends_at: self.grace_period_expires_at,
            status: Some(status),
            ended_at: self.ended.as_ref().map(|ended| ended.at),
            off_since: self.renewal_cancelled_at,
            ..RenewalFact::new(self.updated_at)
        }
    }
}

/// Names a body: two statements of one moment may differ.
fn digest(body: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    digest
        .as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[async_trait]
impl Source for Stated {
    async fn authenticate(
        &self,
        _: &Incoming<'_>,
        _: &dyn Web,
        _: Timestamp,
    ) -> Result<(), Refusal> {
        Err(Refusal::refuse(
            RefusalCode::NoCallbacks,
            "this app has no store that could call: its purchases are sent to /api/v1/projects/{project}/purchases",
        ))
    }

    fn receive(&self, body: &[u8], _: Timestamp) -> Result<Received, Refusal> {
        let statement: Statement = serde_json::from_slice(body)
            .map_err(|error| Refusal::refuse(RefusalCode::InvalidPurchase, error.to_string()))?;
        let seen = statement.observation(self.store)?;
        Ok(Received {
            key: format!(
                "{}@{}#{}",
                statement.transaction_id,
                statement.updated_at,
                digest(body)
            ),
            title: "PURCHASE STATED".into(),
            signed_at: statement.updated_at,
            content: Content::Observed(Box::new(seen)),
            revocation: Vec::new(),
        })
    }

    fn receipt(&self, _: &Receipt, _: Timestamp) -> Result<Content, Refusal> {
        Err(Refusal::refuse(
            RefusalCode::MalformedReceipt,
            "this app has no receipts: its purchases are stated with a secret key",
        ))
    }

    fn check(&self, _: &ChainKey, _: &Facts, _: &Snapshot) -> Option<Question> {
        None
    }

    async fn ask(&self, _: &Question, _: &dyn Web, _: Timestamp) -> Result<Vec<Answer>, Trouble> {
        Err(Trouble::Unknown("there is no store to ask".into()))
    }

    async fn probe(&self, _: &dyn Web, _: Timestamp) -> Vec<Probe> {
        Vec::new()
    }

    fn read(&self, _: &Answer) -> Result<Option<Observation>, Refusal> {
        Ok(None)
    }
}
