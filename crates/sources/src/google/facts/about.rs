//! What an answer is about, and how its parts are named.

use super::super::model::{LineItem, Order, OrderLine, Price};
use crate::{Answer, Refusal, RefusalCode, claim::carried};
use domain::{ChainKey, Environment, Money, Observation, Store, fact::Note};
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
    /// How many pieces were given back, where it is said.
    pub(super) pieces: Option<u32>,
    pub(super) review: Option<Review>,
}

/// A refund that Google asks about.
#[derive(Debug, Deserialize)]
pub(super) struct Review {
    pub(super) order: String,
    pub(super) token: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) respond_by: Option<Timestamp>,
    /// Whom the app named when it was bought.
    pub(super) account: Option<String>,
}

pub(super) fn unreadable(what: impl std::fmt::Display) -> Refusal {
    Refusal::park(RefusalCode::StoreAnswerUnreadable, what.to_string())
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

    /// What the message said that is no more than said.
    pub(super) fn notes(&self) -> Vec<Note> {
        let at = self.prompt.at.unwrap_or(self.version());
        let of_kind = match self.prompt.kind {
            Some(11) => Some(Note::PauseRequested { at }),
            Some(9) => Some(Note::Deferred { at }),
            _ => None,
        };
        let review = self.prompt.review.as_ref();
        let review = review.map(|review| Note::RefundRequested {
            at,
            transaction: review.order.clone(),
            reason: review.reason.clone(),
            respond_by: review.respond_by,
            token: review.token.clone(),
        });
        of_kind.into_iter().chain(review).collect()
    }

    /// A review that nothing is shown beside: of the purchase that is known by its order, if there is one.
    pub(super) fn review(&self) -> Option<Observation> {
        let review = self.prompt.review.as_ref()?;
        let mut observation = Observation::of(ChainKey {
            store: Store::PlayStore,
            environment: Environment::Production,
            id: base_order(&review.order).to_owned(),
        });
        observation.is_anywhere = true;
        observation.user_token = carried(review.account.as_deref());
        observation.notes = self.notes();
        Some(observation)
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

/// `GPA.1` of `GPA.1..3`.
pub(super) fn base_order(id: &str) -> &str {
    id.split_once("..").map_or(id, |(base, _)| base)
}

/// What a line of an order cost: of the only one, what the order did.
pub(super) fn charged(order: &Order, line: &OrderLine) -> Option<Money> {
    let whole = order.total.as_ref().filter(|_| order.line_items.len() == 1);
    line.total.as_ref().or(whole).and_then(Price::money)
}

/// The tax on a line of an order, likewise.
pub(super) fn taxed(order: &Order, line: &OrderLine) -> Option<Money> {
    let whole = order.tax.as_ref().filter(|_| order.line_items.len() == 1);
    line.tax.as_ref().or(whole).and_then(Price::money)
}
