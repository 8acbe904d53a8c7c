//! What of a statement does not fit together. Source: Adapty docs, "Server-side API", error codes.
//!
//! Asked when it comes in and never again: a rule added here refuses no statement that is kept, whose events were told.

use super::statement::{Kind, Statement, refused};
use crate::{Refusal, Wrong};
use domain::{
    Currency, Money,
    customer::A_NAME,
    fact::{Discount, OfferCategory},
    time::{before, is_ahead},
};
use jiff::{SignedDuration, Timestamp};

/// Longest id, in bytes.
const LONGEST: usize = 255;
/// Most entitlements that a statement brings along.
const MOST_ENTITLEMENTS: usize = 100;

/// How long before a period begins its renewal may be charged. Stores do so a day before.
const CHARGED_AHEAD: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Whether something may be called this.
fn is_id(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic())
}

/// What a moment has to be at which something was so.
const PAST: &str = "lies at most five minutes ahead of this server's clock";

/// What an id has to be.
const AN_ID: &str = "has 1 to 255 bytes, none of them of a control character";

/// A field, what it has to be, and whether it is not.
type Rule = (&'static str, &'static str, bool);

impl Statement {
    /// Its price, if it has one and everything fits together; otherwise all that does not, by field.
    pub(super) fn checked(&self, now: Timestamp) -> Result<Option<Money>, Refusal> {
        let (price, mut wrong) = match self.money() {
            Ok(price) => (price, Vec::new()),
            Err(problem) => (None, vec![problem]),
        };
        let rules = self.names().into_iter().chain(self.times());
        let rules = rules.chain(self.offered(price)).chain(self.past(now));
        let broken = rules.filter(|(.., is_broken)| *is_broken);
        wrong.extend(broken.map(|(field, says, _)| Wrong::new(field, says)));
        if wrong.is_empty() {
            Ok(price)
        } else {
            Err(refused(wrong))
        }
    }

    /// Its price, if it has one.
    pub(super) fn money(&self) -> Result<Option<Money>, Wrong> {
        let Some(price) = &self.price else {
            return Ok(None);
        };
        let currency = Currency::try_from(price.currency.as_str())
            .map_err(|error| Wrong::new("price.currency", error.to_string()))?;
        let money = Money::parse_decimal(&price.amount, currency);
        money.map(Some).ok_or_else(|| {
            let problem = format!("{:?} is not a number such as \"9.99\"", price.amount);
            Wrong::new("price.amount", problem)
        })
    }

    fn names(&self) -> [Rule; 7] {
        let is_listed = self.entitlements.len() <= MOST_ENTITLEMENTS
            && self.entitlements.iter().all(|key| is_id(key));
        let offer = self.offer.as_ref().and_then(|offer| offer.id.as_ref());
        let country = self.country.as_ref();
        [
            ("app_user_id", A_NAME, !is_id(&self.app_user_id)),
            ("product_id", AN_ID, !is_id(&self.product_id)),
            ("transaction_id", AN_ID, !is_id(&self.transaction_id)),
            (
                "original_transaction_id",
                AN_ID,
                !is_id(&self.original_transaction_id),
            ),
            (
                "entitlements",
                "are at most 100, each of 1 to 255 bytes, none of them of a control character",
                !is_listed,
            ),
            ("offer.id", AN_ID, offer.is_some_and(|id| !is_id(id))),
            (
                "country",
                "has two letters, as ISO 3166-1 alpha-2 has it",
                country.is_some_and(|country| !is_country(country)),
            ),
        ]
    }

    fn times(&self) -> [Rule; 6] {
        let is_subscription = self.kind == Kind::Subscription;
        let grace = self.grace_period_expires_at;
        [
            (
                "expires_at",
                "is required for a subscription: the end of the period",
                is_subscription && self.expires_at.is_none(),
            ),
            (
                "expires_at",
                "lies after `purchased_at`",
                self.expires_at.is_some_and(|end| end <= self.purchased_at),
            ),
            (
                "original_transaction_id",
                "is the same as `transaction_id` for a one-time purchase",
                !is_subscription && self.transaction_id != self.original_transaction_id,
            ),
            (
                "billing_issue_detected_at",
                "is required with `grace_period_expires_at`",
                grace.is_some() && self.billing_issue_detected_at.is_none(),
            ),
            (
                "grace_period_expires_at",
                "does not lie before `expires_at`",
                grace
                    .zip(self.expires_at)
                    .is_some_and(|(grace, end)| grace < end),
            ),
            (
                "refunded_at",
                "does not lie before `purchased_at`",
                self.refunded_at.is_some_and(|at| at < self.purchased_at),
            ),
        ]
    }

    /// What was, as of `now`. Only the ends of periods may lie ahead, and the beginning of one that is renewed.
    fn past(&self, now: Timestamp) -> [Rule; 7] {
        let is_ahead = |at: Option<Timestamp>| at.is_some_and(|at| is_ahead(at, now));
        let names_the_chain = self.transaction_id == self.original_transaction_id;
        let begins = if self.is_first() || names_the_chain {
            self.purchased_at
        } else {
            before(self.purchased_at, CHARGED_AHEAD)
        };
        let ended = self.ended.as_ref().map(|ended| ended.at);
        [
            ("updated_at", PAST, is_ahead(Some(self.updated_at))),
            (
                "purchased_at",
                "lies at most five minutes ahead of this server's clock, that of a renewal at most 31 days",
                is_ahead(Some(begins)),
            ),
            (
                "originally_purchased_at",
                PAST,
                is_ahead(self.originally_purchased_at),
            ),
            (
                "renewal_cancelled_at",
                PAST,
                is_ahead(self.renewal_cancelled_at),
            ),
            (
                "billing_issue_detected_at",
                PAST,
                is_ahead(self.billing_issue_detected_at),
            ),
            ("ended.at", PAST, is_ahead(ended)),
            ("refunded_at", PAST, is_ahead(self.refunded_at)),
        ]
    }

    fn offered(&self, price: Option<Money>) -> [Rule; 5] {
        let costs = price.is_some_and(|price| price.micros != 0);
        let gives_back = price.is_some_and(|price| price.micros < 0);
        let offer = self.offer.as_ref();
        let is_trial = offer.is_some_and(|offer| offer.kind == Discount::FreeTrial);
        [
            (
                "offer",
                "of a one-time purchase is no free trial",
                self.kind != Kind::Subscription && is_trial,
            ),
            (
                "price.amount",
                "is not below 0: what is given back is told with `refunded_at`",
                gives_back,
            ),
            ("price", "of a free trial is 0", is_trial && costs),
            (
                "price",
                "of a family share is 0",
                self.is_family_shared && costs,
            ),
            (
                "offer.id",
                "is required unless the offer is introductory",
                offer.is_some_and(|offer| {
                    offer.category != OfferCategory::Introductory && offer.id.is_none()
                }),
            ),
        ]
    }
}
