//! From Google's answers to facts. Source: Google, "Google Play Developer API", purchases.subscriptionsv2,
//! purchases.productsv2 and orders; "Subscription lifecycle".
//!
//! Each purchase token is a *leg* of the chain that begins with the first linked token. A transaction is a paid order. The
//! API tells only the present: `expiryTime` is the end of the paid period while a subscription is active or cancelled,
//! and otherwise the end of grace, of hold or of access, which is why the end is provisional then.

use super::{
    api::read_subscription,
    model::{LineItem, Order, OrderLine, ProductPurchase, SubscriptionPurchase},
};
use crate::{Answer, Part, Refusal};
use domain::{
    ChainKey, Environment, Observation, Store,
    fact::{
        Discount, Note, Offer, OfferCategory, PriceIncrease, RefundFact, RenewalFact, Status,
        TransactionFact, TransactionKind, TransactionReason,
    },
    reason::ExpirationIntent,
};
use jiff::Timestamp;
use serde::Deserialize;

/// What the notification said that the API does not repeat.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Prompt {
    at: Option<Timestamp>,
    #[serde(rename = "type")]
    kind: Option<i64>,
    voided: Option<String>,
    partial: bool,
}

fn unreadable(what: impl std::fmt::Display) -> Refusal {
    Refusal::park("store_answer_unreadable", what.to_string())
}

pub(super) fn read(answer: &Answer) -> Result<Option<Observation>, Refusal> {
    let prompt = Option::<Prompt>::deserialize(&answer.question.prompt)
        .map_err(unreadable)?
        .unwrap_or_default();
    let orders = answer
        .parts("order")
        .map(|part| serde_json::from_value(part.body.clone()).map_err(unreadable))
        .collect::<Result<Vec<Order>, _>>()?;
    let about = About {
        answer,
        prompt,
        orders,
    };
    if let Some(part) = answer.parts("product").next() {
        return about.product(part);
    }
    let legs = answer
        .parts("subscription")
        .map(|part| Ok((part, read_subscription(&part.body).map_err(unreadable)?)))
        .collect::<Result<Vec<_>, Refusal>>()?;
    about.subscription(&legs)
}

struct About<'a> {
    answer: &'a Answer,
    prompt: Prompt,
    orders: Vec<Order>,
}

fn environment(is_test: bool) -> Environment {
    if is_test {
        Environment::Sandbox
    } else {
        Environment::Production
    }
}

/// `product:plan`, as Google's products are named where both matter.
fn product(product: &str, plan: Option<&str>) -> String {
    plan.map_or_else(|| product.to_owned(), |plan| format!("{product}:{plan}"))
}

fn plan(line: &LineItem) -> Option<&str> {
    line.offer_details.as_ref()?.base_plan_id.as_deref()
}

/// The line that decides: the one with the latest end. Add-ons are told apart by product when their access is asked for.
fn main_line(purchase: &SubscriptionPurchase) -> Option<&LineItem> {
    purchase
        .line_items
        .iter()
        .max_by_key(|line| (line.paid_order().is_some(), line.expiry_time))
}

impl About<'_> {
    fn version(&self) -> Timestamp {
        self.answer.asked_at
    }

    fn order(&self, id: &str) -> Option<&Order> {
        self.orders.iter().find(|order| order.order_id == id)
    }

    fn subscription(
        &self,
        legs: &[(&Part, SubscriptionPurchase)],
    ) -> Result<Option<Observation>, Refusal> {
        let Some((newest, purchase)) = legs.first() else {
            return Err(unreadable("the answer holds no purchase"));
        };
        let oldest = legs.last().map_or(newest, |(part, _)| part);
        let root = legs
            .last()
            .and_then(|(_, purchase)| purchase.predecessor())
            .unwrap_or(&oldest.id);
        let mut observation = Observation::of(ChainKey {
            store: Store::PlayStore,
            environment: environment(purchase.test_purchase.is_some()),
            id: root.clone(),
        });
        observation.links = legs.iter().map(|(part, _)| part.id.clone()).collect();
        observation.user_token = legs.iter().find_map(|(_, purchase)| owner(purchase));
        for (part, purchase) in legs {
            observation
                .transactions
                .extend(self.transactions(&part.id, purchase));
        }
        observation.renewal = self.renewal(&newest.id, purchase);
        if observation.transactions.is_empty() {
            // Not paid yet, or never.
            return Ok(None);
        }
        let latest = main_line(purchase).and_then(LineItem::paid_order);
        let voided = match (&self.prompt.voided, self.prompt.kind, latest) {
            (Some(order), ..) => Some(order),
            (None, Some(12), latest) => latest,
            _ => None,
        };
        observation.refunds = self.refunds(voided, true);
        let at = self.prompt.at.unwrap_or(self.version());
        match self.prompt.kind {
            Some(11) => observation.notes.push(Note::PauseRequested { at }),
            Some(9) => observation.notes.push(Note::Deferred { at }),
            _ => {}
        }
        Ok(Some(observation))
    }

    /// The refund that the message spoke of, and those that orders show.
    fn refunds(&self, voided: Option<&String>, revokes: bool) -> Vec<RefundFact> {
        let shown = self.orders.iter().filter(|order| {
            matches!(
                order.state.as_deref(),
                Some("REFUNDED" | "PARTIALLY_REFUNDED")
            ) && Some(&order.order_id) != voided
        });
        let refund = |id: &str, revokes: bool, at: Option<Timestamp>| {
            let event = self
                .order(id)
                .and_then(|order| order.order_history.as_ref()?.refund_event.as_ref());
            let amount =
                event.and_then(|event| event.refund_details.as_ref()?.total.as_ref()?.money());
            RefundFact {
                pieces_left: None,
                version: self.version(),
                id: id.to_owned(),
                transaction: id.to_owned(),
                at: event
                    .and_then(|event| event.event_time)
                    .or(at)
                    .unwrap_or(self.version()),
                amount,
                revokes,
                is_undone: false,
            }
        };
        let stated = voided.map(|id| refund(id, revokes, self.prompt.at));
        // A refund alone does not take access away.
        let seen = shown.map(|order| refund(&order.order_id, false, order.last_event_time));
        stated.into_iter().chain(seen).collect()
    }

    /// The paid orders of one leg: the current one, and earlier ones that were asked for.
    fn transactions(&self, leg: &str, purchase: &SubscriptionPurchase) -> Vec<TransactionFact> {
        let Some(line) = main_line(purchase) else {
            return Vec::new();
        };
        let is_pending = matches!(
            purchase.subscription_state.as_str(),
            "SUBSCRIPTION_STATE_PENDING" | "SUBSCRIPTION_STATE_PENDING_PURCHASE_CANCELED"
        );
        let runs = matches!(
            purchase.subscription_state.as_str(),
            "SUBSCRIPTION_STATE_ACTIVE" | "SUBSCRIPTION_STATE_CANCELED"
        );
        let paid = line
            .paid_order()
            .or_else(|| purchase.latest_order_id.as_ref().filter(|_| runs));
        let Some(latest) = paid.filter(|_| !is_pending) else {
            return Vec::new();
        };
        let base = base_order(latest);
        let earlier = self.orders.iter().filter(|order| {
            order.order_id != *latest
                && base_order(&order.order_id) == base
                && order.state.as_deref() != Some("CANCELED")
                && order.state.as_deref() != Some("PENDING")
        });
        let mut all: Vec<TransactionFact> = earlier
            .filter_map(|order| self.past(order, leg, purchase))
            .collect();
        all.push(self.current(latest, leg, purchase, line));
        all
    }

    fn common(
        &self,
        id: &str,
        product: String,
        purchased_at: Timestamp,
        leg: &str,
        purchase: &SubscriptionPurchase,
    ) -> TransactionFact {
        let is_renewal = base_order(id) != id;
        TransactionFact {
            original_purchased_at: purchase.start_time.unwrap_or(purchased_at),
            reason: Some(if is_renewal {
                TransactionReason::Renewal
            } else {
                TransactionReason::Purchase
            }),
            country: purchase.region_code.clone(),
            leg: leg.to_owned(),
            replaces: purchase.linked_purchase_token.clone(),
            begins_chain: !is_renewal && purchase.predecessor().is_none(),
            ..TransactionFact::new(
                id,
                TransactionKind::Subscription,
                product,
                purchased_at,
                self.version(),
            )
        }
    }

    fn past(
        &self,
        order: &Order,
        leg: &str,
        purchase: &SubscriptionPurchase,
    ) -> Option<TransactionFact> {
        let line = order.line_items.first()?;
        let details = line.subscription_details.as_ref()?;
        let start = details.service_period_start_time.or(order.create_time)?;
        let name = product(&line.product_id, details.base_plan_id.as_deref());
        Some(TransactionFact {
            expires_at: details.service_period_end_time,
            end_is_provisional: true,
            price: charged(order, line),
            tax: line
                .tax
                .as_ref()
                .or(order.tax.as_ref())
                .and_then(super::model::Price::money),
            offer: offer(
                details.offer_phase.as_deref(),
                details.offer_id.as_deref(),
                line,
            ),
            ..self.common(&order.order_id, name, start, leg, purchase)
        })
    }

    fn current(
        &self,
        id: &str,
        leg: &str,
        purchase: &SubscriptionPurchase,
        line: &LineItem,
    ) -> TransactionFact {
        let order = self.order(id);
        let order_line = order.and_then(|order| {
            order
                .line_items
                .iter()
                .find(|found| found.product_id == line.product_id)
                .or_else(|| order.line_items.first())
        });
        let details = order_line.and_then(|line| line.subscription_details.as_ref());
        let is_first = base_order(id) == id;
        let started = details
            .and_then(|details| details.service_period_start_time)
            .or_else(|| order.and_then(|order| order.create_time))
            .or_else(|| purchase.start_time.filter(|_| is_first))
            .or_else(|| {
                self.prompt
                    .at
                    .filter(|_| matches!(self.prompt.kind, Some(1 | 2)))
            })
            .unwrap_or(self.version());
        let is_exact = matches!(
            purchase.subscription_state.as_str(),
            "SUBSCRIPTION_STATE_ACTIVE" | "SUBSCRIPTION_STATE_CANCELED"
        );
        let paid_until = details.and_then(|details| details.service_period_end_time);
        let expires_at = if is_exact {
            line.expiry_time.or(paid_until)
        } else {
            paid_until.or(line.expiry_time)
        };
        let phase = line.offer_phase.as_ref();
        let phase = if phase.is_some_and(|phase| phase.free_trial.is_some()) {
            Some("FREE_TRIAL")
        } else if phase.is_some_and(|phase| phase.introductory_price.is_some()) {
            Some("INTRODUCTORY")
        } else if phase
            .is_some_and(|phase| phase.base_price.is_some() || phase.proration_period.is_some())
        {
            Some("BASE")
        } else {
            details.and_then(|details| details.offer_phase.as_deref())
        };
        let offer_id = line
            .offer_details
            .as_ref()
            .and_then(|offer| offer.offer_id.as_deref());
        TransactionFact {
            expires_at,
            end_is_provisional: !is_exact,
            price: order
                .zip(order_line)
                .and_then(|(order, line)| charged(order, line)),
            tax: order_line
                .and_then(|line| line.tax.as_ref())
                .or_else(|| order?.tax.as_ref())
                .and_then(super::model::Price::money),
            offer: offer(phase, offer_id, order_line.unwrap_or(&OrderLine::default())),
            is_prepaid: line.prepaid_plan.is_some() && line.auto_renewing_plan.is_none(),
            ..self.common(
                id,
                product(&line.product_id, plan(line)),
                started,
                leg,
                purchase,
            )
        }
    }

    fn renewal(&self, leg: &str, purchase: &SubscriptionPurchase) -> Option<RenewalFact> {
        let line = main_line(purchase)?;
        let plan_terms = line.auto_renewing_plan.as_ref();
        let context = purchase.canceled_state_context.as_ref();
        let by_user = context.and_then(|context| context.user_initiated_cancellation.as_ref());
        let price_change = plan_terms.and_then(|plan| plan.price_change_details.as_ref());
        let is_increase = price_change
            .is_some_and(|change| change.price_change_mode.as_deref() != Some("PRICE_DECREASE"));
        let change_state = price_change
            .filter(|_| is_increase)
            .and_then(|change| change.price_change_state.as_deref());
        let ends_after_commitment = plan_terms
            .and_then(|plan| plan.installment_details.as_ref())
            .is_some_and(|details| details.pending_cancellation.is_some());
        let renews =
            plan_terms.is_some_and(|plan| plan.auto_renew_enabled) && !ends_after_commitment;
        let state = purchase
            .subscription_state
            .trim_start_matches("SUBSCRIPTION_STATE_");
        let status = match state {
            "ACTIVE" | "CANCELED" => Status::Active,
            "IN_GRACE_PERIOD" => Status::Grace,
            "ON_HOLD" => Status::Retry,
            "PAUSED" => Status::Paused,
            "EXPIRED" if context.is_some_and(|it| it.replacement_cancellation.is_some()) => {
                Status::Replaced
            }
            "EXPIRED" => Status::Expired,
            // A state this release does not know: the last one it does stays.
            _ => return None,
        };
        let has_ended = matches!(status, Status::Expired | Status::Replaced);
        let intent = match context {
            _ if !has_ended => None,
            _ if matches!(change_state, Some("CANCELED" | "OUTSTANDING")) => {
                Some(ExpirationIntent::PriceIncrease)
            }
            Some(_) if by_user.is_some() => Some(ExpirationIntent::Cancelled),
            Some(context) if context.system_initiated_cancellation.is_some() => {
                Some(ExpirationIntent::BillingError)
            }
            Some(context) if context.developer_initiated_cancellation.is_some() => {
                Some(ExpirationIntent::Developer)
            }
            _ => Some(ExpirationIntent::Other),
        };
        let next_product = line
            .deferred_item_replacement
            .as_ref()
            .and_then(|next| next.product_id.clone());
        Some(RenewalFact {
            product: Some(product(&line.product_id, plan(line))),
            auto_renew: Some(
                renews || matches!(status, Status::Grace | Status::Retry | Status::Paused),
            ),
            next_product,
            intent,
            in_retry: Some(matches!(status, Status::Grace | Status::Retry)),
            grace_ends_at: line.expiry_time.filter(|_| status == Status::Grace),
            price_increase: match change_state {
                Some("OUTSTANDING") => Some(PriceIncrease::Pending),
                Some("CONFIRMED") => Some(PriceIncrease::Accepted),
                _ => None,
            },
            renewal_price: plan_terms
                .and_then(|plan| plan.recurring_price.as_ref())
                .and_then(super::model::Price::money),
            status: Some(status),
            leg: leg.to_owned(),
            ended_at: line.expiry_time.filter(|_| has_ended),
            off_since: by_user.and_then(|by_user| by_user.cancel_time.or(line.expiry_time)),
            resumes_at: purchase
                .paused_state_context
                .as_ref()
                .and_then(|context| context.auto_resume_time),
            ..RenewalFact::new(self.version())
        })
    }

    fn product(&self, part: &Part) -> Result<Option<Observation>, Refusal> {
        let purchase: ProductPurchase =
            serde_json::from_value(part.body.clone()).map_err(unreadable)?;
        let state = purchase
            .purchase_state_context
            .as_ref()
            .and_then(|context| context.purchase_state.as_deref());
        let is_voided = self.prompt.voided.is_some();
        let is_paid = match state {
            Some("PURCHASED") => true,
            None | Some("PURCHASE_STATE_UNSPECIFIED") if !is_voided => {
                return Err(unreadable(
                    "the purchase does not say whether it is paid for",
                ));
            }
            _ => false,
        };
        let Some(line) = purchase.product_line_item.first() else {
            return Err(unreadable("the purchase has no `productLineItem`"));
        };
        // A purchase without an order is a promotion; its token is all there is to name it by.
        let id = purchase.order_id.as_ref().unwrap_or(&part.id);
        let mut observation = Observation::of(ChainKey {
            store: Store::PlayStore,
            environment: environment(purchase.test_purchase_context.is_some()),
            id: part.id.clone(),
        });
        if !is_paid && !is_voided {
            return Ok(None);
        }
        let details = line.product_offer_details.as_ref();
        let is_consumed = details.is_some_and(|details| {
            details.consumption_state.as_deref() == Some("CONSUMPTION_STATE_CONSUMED")
        });
        let kind = if is_consumed {
            TransactionKind::Consumable
        } else {
            TransactionKind::NonConsumable
        };
        let order = self.order(id);
        let order_line = order.and_then(|order| order.line_items.first());
        let at = purchase
            .purchase_completion_time
            .or_else(|| order?.create_time)
            .or(self.prompt.at)
            .unwrap_or(self.version());
        observation.user_token = purchase
            .obfuscated_external_account_id
            .clone()
            .filter(|id| !id.is_empty());
        observation.transactions = vec![TransactionFact {
            quantity: details
                .and_then(|details| details.quantity)
                .unwrap_or(1)
                .max(1),
            price: order
                .zip(order_line)
                .and_then(|(order, line)| charged(order, line)),
            tax: order
                .and_then(|order| order.tax.as_ref())
                .and_then(super::model::Price::money),
            reason: Some(TransactionReason::Purchase),
            country: purchase.region_code.clone(),
            leg: part.id.clone(),
            begins_chain: true,
            ..TransactionFact::new(id, kind, &line.product_id, at, self.version())
        }];
        observation.refunds = self.refunds(self.prompt.voided.as_ref(), !self.prompt.partial);
        let is_partial = self.prompt.partial
            || order.and_then(|order| order.state.as_deref()) == Some("PARTIALLY_REFUNDED");
        if is_partial && let Some(refund) = observation.refunds.first_mut() {
            // Each partial refund leaves fewer to refund, and that is all that tells them apart.
            let left = details.and_then(|details| details.refundable_quantity);
            refund.pieces_left = Some(left.unwrap_or(0));
            refund.id = format!("{}/{}", refund.id, left.unwrap_or(0));
            refund.revokes = false;
        }
        Ok(Some(observation))
    }
}

/// `GPA.1` of `GPA.1..3`.
fn base_order(id: &str) -> &str {
    id.split_once("..").map_or(id, |(base, _)| base)
}

fn charged(order: &Order, line: &OrderLine) -> Option<domain::Money> {
    line.total
        .as_ref()
        .or(order.total.as_ref())
        .and_then(super::model::Price::money)
}

/// `offer_phase` is a FREE_TRIAL, INTRODUCTORY or BASE. An offer on a base price is a full price.
fn offer(phase: Option<&str>, id: Option<&str>, line: &OrderLine) -> Option<Offer> {
    let is_free = line
        .total
        .as_ref()
        .is_some_and(|total| total.units == 0 && total.nanos == 0);
    let discount = match phase {
        Some("FREE_TRIAL") => Discount::FreeTrial,
        Some("INTRODUCTORY") => Discount::PayAsYouGo,
        None if id.is_some() && is_free => Discount::FreeTrial,
        _ => return None,
    };
    Some(Offer {
        category: Some(OfferCategory::Introductory),
        discount: Some(discount),
        id: id.map(str::to_owned),
    })
}

fn owner(purchase: &SubscriptionPurchase) -> Option<String> {
    let expired = purchase
        .out_of_app_purchase_context
        .as_ref()
        .and_then(|context| context.expired_external_account_identifiers.as_ref());
    purchase
        .external_account_identifiers
        .as_ref()
        .or(expired)
        .and_then(|identifiers| identifiers.obfuscated_external_account_id.clone())
        .filter(|id| !id.is_empty())
}
