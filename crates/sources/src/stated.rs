//! Purchases that somebody with a key of the project vouches for: those of any other store, and access given by hand.
//!
//! The body states facts and when they were true (`updated_at`), which is their version: an older statement never
//! overwrites a newer one. Source: Adapty docs, "Server-side API", set transaction; RevenueCat docs,
//! "External Purchases API".

mod rules;
mod statement;

pub use statement::{EndReason, Ended, Kind, StatedOffer, StatedPrice, Statement};

use crate::{
    Answer, Content, Incoming, Probe, Question, Receipt, Received, Refusal, RefusalCode, Source,
    Trouble, Web,
};
use async_trait::async_trait;
use domain::{
    ChainKey, Facts, Money, Observation, Snapshot, Store,
    fact::{
        Offer, Ownership, RefundFact, RenewalFact, Status, TransactionFact, TransactionKind,
        TransactionReason,
    },
    reason::ExpirationIntent,
};
use jiff::Timestamp;

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

    fn received(&self, statement: &Statement, body: &[u8], price: Option<Money>) -> Received {
        let (id, at) = (&statement.transaction_id, statement.updated_at);
        let seen = statement.observation(self.store, price);
        Received {
            key: format!("{id}@{at}#{}", digest(body)),
            title: "PURCHASE STATED".into(),
            signed_at: at,
            content: Content::Observed(Box::new(seen)),
            revocation: Vec::new(),
            remark: None,
        }
    }
}

impl Statement {
    /// Whether the subscription begins with this charge: as its dates say, or else its ids. Not said is not yes: a renewal need not repeat
    /// when it all began.
    fn is_first(&self) -> bool {
        self.originally_purchased_at.map_or_else(
            || self.transaction_id == self.original_transaction_id,
            |began| self.purchased_at <= began,
        )
    }

    fn observation(&self, store: Store, price: Option<Money>) -> Observation {
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
        seen
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
            expires_at: self.over_at(),
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
            // Whether a later charge renews or was bought, its dates tell.
            reason: is_first.then_some(TransactionReason::Purchase),
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

    /// The end of the period: what was ended before is over since.
    fn over_at(&self) -> Option<Timestamp> {
        let ended = self.ended.as_ref().map(|ended| ended.at);
        self.expires_at
            .map(|end| ended.map_or(end, |ended| ended.min(end)))
    }

    fn refund(&self, price: Option<Money>) -> Option<RefundFact> {
        let at = self.refunded_at?;
        Some(RefundFact {
            line: None,
            pieces_left: None,
            pieces: None,
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
            of_period: Some(self.purchased_at),
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

    fn receive(&self, body: &[u8], now: Timestamp) -> Result<Received, Refusal> {
        let statement = Statement::read(body)?;
        let price = statement.checked(now)?;
        Ok(self.received(&statement, body, price))
    }

    fn read_kept(&self, body: &[u8]) -> Result<Received, Refusal> {
        let statement = Statement::read(body)?;
        let price = statement.money();
        let price = price.map_err(|problem| statement::refused(vec![problem]))?;
        Ok(self.received(&statement, body, price))
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
