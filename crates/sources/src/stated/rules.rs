//! What does not fit together in a statement. Source: Adapty docs, "Server-side API", error codes.

use super::{Kind, Statement};
use crate::{Refusal, RefusalCode};
use domain::{
    Money,
    fact::{Discount, OfferCategory},
};

/// Longest id.
const LONGEST: usize = 255;
/// Most entitlements that a statement brings along.
const MOST_ENTITLEMENTS: usize = 100;

/// Whether something may be called this.
fn is_id(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic())
}

const HAS_ID: &str = "has 1 to 255 characters, none of them a control character";

/// Something that is wrong, with a field.
struct Broken {
    field: &'static str,
    /// What holds of it.
    rule: &'static str,
}

/// The first of these that is broken: whether it is, its field, and what holds of that.
fn first<const N: usize>(rules: [(bool, &'static str, &'static str); N]) -> Option<Broken> {
    let broken = rules.into_iter().find(|(is_broken, ..)| *is_broken);
    broken.map(|(_, field, rule)| Broken { field, rule })
}

impl Statement {
    /// Errors: the first rule that is broken, with its field.
    pub(super) fn check(&self, price: Option<Money>) -> Result<(), Refusal> {
        let broken = self.wrong_id().or_else(|| self.wrong_word());
        match broken.or_else(|| self.does_not_fit(price)) {
            Some(Broken { field, rule }) => Err(Refusal::refuse(
                RefusalCode::InvalidPurchase,
                format!("{field}: {field} {rule}"),
            )),
            None => Ok(()),
        }
    }

    fn wrong_id(&self) -> Option<Broken> {
        let is_wrong = |id: &str| !is_id(id);
        first([
            (is_wrong(&self.app_user_id), "app_user_id", HAS_ID),
            (is_wrong(&self.product_id), "product_id", HAS_ID),
            (is_wrong(&self.transaction_id), "transaction_id", HAS_ID),
            (
                is_wrong(&self.original_transaction_id),
                "original_transaction_id",
                HAS_ID,
            ),
        ])
    }

    fn wrong_word(&self) -> Option<Broken> {
        let is_listed = self.entitlements.len() <= MOST_ENTITLEMENTS
            && self.entitlements.iter().all(|key| is_id(key));
        let offer = self.offer.as_ref().and_then(|offer| offer.id.as_ref());
        let country = self.country.as_ref();
        first([
            (
                !is_listed,
                "entitlements",
                "are at most 100, each of 1 to 255 characters, none of them a control character",
            ),
            (offer.is_some_and(|id| !is_id(id)), "offer.id", HAS_ID),
            (
                country.is_some_and(|country| !is_country(country)),
                "country",
                "has two letters, as ISO 3166-1 alpha-2 has it",
            ),
        ])
    }

    fn does_not_fit(&self, price: Option<Money>) -> Option<Broken> {
        let is_paid = price.is_some_and(|price| price.micros != 0);
        let offer = self.offer.as_ref();
        let is_trial = offer.is_some_and(|offer| offer.kind == Discount::FreeTrial);
        let is_subscription = self.kind == Kind::Subscription;
        let grace = self.grace_period_expires_at;
        first([
            (
                is_subscription && self.expires_at.is_none(),
                "expires_at",
                "is required for a subscription: the end of the period",
            ),
            (
                self.expires_at.is_some_and(|end| end <= self.purchased_at),
                "expires_at",
                "lies after `purchased_at`",
            ),
            (
                !is_subscription && self.transaction_id != self.original_transaction_id,
                "original_transaction_id",
                "is the same as `transaction_id` for a one-time purchase",
            ),
            (
                !is_subscription && is_trial,
                "offer",
                "of a one-time purchase is no free trial",
            ),
            (is_trial && is_paid, "price", "of a free trial is 0"),
            (
                self.is_family_shared && is_paid,
                "price",
                "of a family share is 0",
            ),
            (
                grace.is_some() && self.billing_issue_detected_at.is_none(),
                "billing_issue_detected_at",
                "is required with `grace_period_expires_at`",
            ),
            (
                grace
                    .zip(self.expires_at)
                    .is_some_and(|(grace, end)| grace < end),
                "grace_period_expires_at",
                "does not lie before `expires_at`",
            ),
            (
                self.refunded_at.is_some_and(|at| at < self.purchased_at),
                "refunded_at",
                "does not lie before `purchased_at`",
            ),
            (
                offer.is_some_and(|offer| {
                    offer.category != OfferCategory::Introductory && offer.id.is_none()
                }),
                "offer.id",
                "is required unless the offer is introductory",
            ),
        ])
    }
}
