//! One store's statement about the renewal of a chain.

use super::transaction::line_key;
use crate::{Money, reason::ExpirationIntent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// State of a chain as the store names it. Source: Apple, App Store Server API, `status`.
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
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
    /// Of charges that the customer is committed to for a term: whether another term follows. Charges go on to the end of the
    /// term either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term_renews: Option<bool>,
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
    /// The line of the purchase it speaks about; empty where there is one only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line: String,
    /// When it ended, where the store says and it is not the end of the last period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Where it ended before the end of what was paid for, money was given back: of that a message of its own tells.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub early_end_is_refund: bool,
    /// When auto-renew was switched off, where the store says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_since: Option<Timestamp>,
    /// When a pause ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes_at: Option<Timestamp>,
    /// A pause will begin at the end of the period; a note says since when that is so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pause_is_planned: bool,
    /// `product` is in effect, whatever was charged last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub product_is_in_effect: bool,
    /// End of the period that the store lets run, whatever was charged last: its invoice is open, void, or about another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_until: Option<Timestamp>,
    /// When the store will charge next, where it says: the end of the period that runs, also where nobody heard of its charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews_at: Option<Timestamp>,
    /// Start of the period that it speaks about, where a statement names one. What is said of an earlier period, however late, takes nothing
    /// from what is said of a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_period: Option<Timestamp>,
}

impl RenewalFact {
    /// What it is known by among the facts of its chain: its leg, and the line where it has one.
    pub fn key(&self) -> String {
        line_key(&self.leg, &self.line)
    }

    /// Takes in another statement about the same line of the same leg: the greater one holds. What another leg took the place of was over
    /// when that was first said, whatever end is shown since.
    pub(super) fn absorb(&mut self, other: &Self) {
        let both = [&*self, other];
        let are_over = both
            .iter()
            .all(|said| said.status == Some(Status::Replaced));
        let over_since = both.iter().filter_map(|said| said.ended_at).min();
        if (self.rank(), &*self) < (other.rank(), other) {
            self.clone_from(other);
        }
        if are_over {
            self.ended_at = over_since;
        }
    }

    /// Which of two statements about one line of one leg holds: the greater.
    pub(super) const fn rank(&self) -> (Option<Timestamp>, Timestamp) {
        (self.of_period, self.version)
    }

    /// A statement that says nothing yet.
    pub const fn new(version: Timestamp) -> Self {
        Self {
            version,
            product: None,
            auto_renew: None,
            term_renews: None,
            next_product: None,
            intent: None,
            in_retry: None,
            grace_ends_at: None,
            price_increase: None,
            renewal_price: None,
            status: None,
            leg: String::new(),
            line: String::new(),
            ended_at: None,
            early_end_is_refund: false,
            off_since: None,
            resumes_at: None,
            pause_is_planned: false,
            product_is_in_effect: false,
            runs_until: None,
            renews_at: None,
            of_period: None,
        }
    }
}
