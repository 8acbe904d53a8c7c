//! What an answer is about, and how its parts are named.

use super::super::model::{LineItem, Order, OrderLine, Price, SubscriptionPurchase};
use crate::{Answer, Refusal};
use domain::{Environment, Money};
use jiff::Timestamp;
use serde::Deserialize;

/// What the notification said that the API does not repeat.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Prompt {
    pub(super) at: Option<Timestamp>,
    #[serde(rename = "type")]
    pub(super) kind: Option<i64>,
    pub(super) voided: Option<String>,
    pub(super) partial: bool,
}

pub(super) fn unreadable(what: impl std::fmt::Display) -> Refusal {
    Refusal::park("store_answer_unreadable", what.to_string())
}

pub(super) struct About<'a> {
    pub(super) answer: &'a Answer,
    pub(super) prompt: Prompt,
    pub(super) orders: Vec<Order>,
}

impl About<'_> {
    pub(super) fn version(&self) -> Timestamp {
        self.answer.asked_at
    }

    pub(super) fn order(&self, id: &str) -> Option<&Order> {
        self.orders.iter().find(|order| order.order_id == id)
    }
}

pub(super) fn environment(is_test: bool) -> Environment {
    if is_test {
        Environment::Sandbox
    } else {
        Environment::Production
    }
}

/// `product:plan`, as Google's products are named where both matter.
pub(super) fn product(product: &str, plan: Option<&str>) -> String {
    plan.map_or_else(|| product.to_owned(), |plan| format!("{product}:{plan}"))
}

pub(super) fn plan(line: &LineItem) -> Option<&str> {
    line.offer_details.as_ref()?.base_plan_id.as_deref()
}

/// The line that decides: the one with the latest end. Add-ons are told apart by product when their access is asked for.
pub(super) fn main_line(purchase: &SubscriptionPurchase) -> Option<&LineItem> {
    purchase
        .line_items
        .iter()
        .max_by_key(|line| (line.paid_order().is_some(), line.expiry_time))
}

/// `GPA.1` of `GPA.1..3`.
pub(super) fn base_order(id: &str) -> &str {
    id.split_once("..").map_or(id, |(base, _)| base)
}

pub(super) fn charged(order: &Order, line: &OrderLine) -> Option<Money> {
    line.total
        .as_ref()
        .or(order.total.as_ref())
        .and_then(Price::money)
}
