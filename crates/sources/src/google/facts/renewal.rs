//! Whether and into what a subscription renews, and how it stands.

use super::{
    super::model::{AutoRenewing, CanceledContext, LineItem, Price, SubscriptionPurchase},
    about::{About, plan, product},
    lines::running,
};
use crate::naming::Naming;
use domain::{
    fact::{PriceIncrease, RenewalFact, Status, TransactionFact, line_key},
    reason::ExpirationIntent,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

impl About<'_> {
    /// The renewal of each line that the leg has.
    pub(super) fn renewals(
        &self,
        leg: &str,
        purchase: &SubscriptionPurchase,
        naming: &Naming,
        charges: &BTreeMap<String, TransactionFact>,
    ) -> Vec<RenewalFact> {
        let items = running(purchase).into_iter();
        items
            .filter_map(|item| {
                let said = self.renewal(leg, purchase, item)?;
                let line = naming.name(&item.product_id);
                let paid = item.paid_order().map(|order| line_key(order, &line));
                let paid = paid.and_then(|key| charges.get(&key));
                // One product took the place of another, and nothing was charged for it yet.
                let is_another =
                    paid.is_some_and(|paid| Some(&paid.product) != said.product.as_ref());
                Some(RenewalFact {
                    line,
                    product_is_in_effect: is_another,
                    ..said
                })
            })
            .collect()
    }

    fn renewal(
        &self,
        leg: &str,
        purchase: &SubscriptionPurchase,
        line: &LineItem,
    ) -> Option<RenewalFact> {
        // What will run is what says how it goes on.
        let next = next_item(purchase, line);
        let plan_terms = line.auto_renewing_plan.as_ref();
        let context = purchase.canceled_state_context.as_ref();
        let by_user = context.and_then(|context| context.user_initiated_cancellation.as_ref());
        let increase = plan_terms.and_then(increase);
        let is_replaced = context.is_some_and(|it| it.replacement_cancellation.is_some());
        let instalments = plan_terms.and_then(|plan| plan.installment_details.as_ref());
        let next_terms = next.map_or(plan_terms, |next| next.auto_renewing_plan.as_ref());
        let renews = next_terms.is_some_and(|plan| plan.auto_renew_enabled)
            && line.deferred_item_removal.is_none();
        let status = status(purchase)?;
        let status = if self.has_run_out(purchase, line) {
            Status::Expired
        } else {
            status
        };
        let has_ended = matches!(status, Status::Expired | Status::Replaced);
        let undecided = increase.filter(|_| !was_tried(purchase));
        // Of one item of several that ended, no context says why: it was not to renew.
        let intent = has_ended.then(|| match context {
            None if purchase.subscription_state != EXPIRED => ExpirationIntent::Cancelled,
            context => intent(context, undecided),
        });
        let named = line.deferred_item_replacement.as_ref();
        let next_product = next
            .map(|next| product(&next.product_id, plan(next)))
            .or_else(|| named.and_then(|next| next.product_id.clone()));
        Some(RenewalFact {
            product: Some(product(&line.product_id, plan(line))),
            // What another leg took over from was not cancelled, whatever it shows of itself.
            auto_renew: (!is_replaced).then_some(
                renews || matches!(status, Status::Grace | Status::Retry | Status::Paused),
            ),
            // Instalments of the present commitment are charged to its end.
            term_renews: instalments.map(|plan| plan.pending_cancellation.is_none()),
            next_product,
            intent,
            in_retry: Some(matches!(status, Status::Grace | Status::Retry)),
            grace_ends_at: line.expiry_time.filter(|_| status == Status::Grace),
            price_increase: match increase {
                Some(Increase::Awaited) => Some(PriceIncrease::Pending),
                Some(Increase::Agreed) => Some(PriceIncrease::Accepted),
                Some(Increase::Refused) | None => None,
            },
            renewal_price: next_terms
                .and_then(|plan| plan.recurring_price.as_ref())
                .and_then(Price::money),
            status: Some(status),
            leg: leg.to_owned(),
            ended_at: match status {
                Status::Replaced => Some(self.replaced_at(purchase)),
                _ => line.expiry_time.filter(|_| has_ended),
            },
            // Whoever cancels keeps what was paid for.
            early_end_is_refund: status == Status::Expired,
            off_since: by_user.and_then(|by_user| by_user.cancel_time.or(line.expiry_time)),
            resumes_at: purchase
                .paused_state_context
                .as_ref()
                .and_then(|context| context.auto_resume_time),
            ..RenewalFact::new(self.version())
        })
    }
}

/// Over, as a whole.
pub(super) const EXPIRED: &str = "SUBSCRIPTION_STATE_EXPIRED";

impl About<'_> {
    /// When another leg took over from the whole of a purchase: when the first of its items ended, and not after that was said.
    fn replaced_at(&self, purchase: &SubscriptionPurchase) -> Timestamp {
        let ends = purchase.line_items.iter();
        let ends = ends.filter_map(|item| item.expiry_time);
        ends.fold(self.version(), Timestamp::min)
    }

    /// Whether an item is over that was not to renew, of a purchase that goes on with others: the state is that of the whole. Source: Google,
    /// purchases.subscriptionsv2, `lineItems[].expiryTime` and `autoRenewEnabled`.
    fn has_run_out(&self, purchase: &SubscriptionPurchase, line: &LineItem) -> bool {
        let renews = |item: &LineItem| {
            let plan = item.auto_renewing_plan.as_ref();
            plan.is_some_and(|plan| plan.auto_renew_enabled) && item.deferred_item_removal.is_none()
        };
        let is_over = |item: &LineItem| item.expiry_time.is_some_and(|end| end <= self.version());
        let mut others = purchase
            .line_items
            .iter()
            .filter(|item| !std::ptr::eq(*item, line));
        is_over(line)
            && !renews(line)
            && line.deferred_item_replacement.is_none()
            && others.any(|item| item.paid_order().is_some() && (renews(item) || !is_over(item)))
    }
}

/// `None` for a state that this release does not know: the last one that it does stays.
fn status(purchase: &SubscriptionPurchase) -> Option<Status> {
    let context = purchase.canceled_state_context.as_ref();
    let state = purchase
        .subscription_state
        .trim_start_matches("SUBSCRIPTION_STATE_");
    Some(match state {
        "ACTIVE" | "CANCELED" => Status::Active,
        "IN_GRACE_PERIOD" => Status::Grace,
        "ON_HOLD" => Status::Retry,
        "PAUSED" => Status::Paused,
        "EXPIRED" if context.is_some_and(|it| it.replacement_cancellation.is_some()) => {
            Status::Replaced
        }
        "EXPIRED" => Status::Expired,
        _ => return None,
    })
}

/// Whether the charge of the next period was tried, and not paid: its order is the latest, and paid for nothing. Who does not agree to a
/// price is charged nothing more. Source: Google, purchases.subscriptionsv2, `latestOrderId` and `latestSuccessfulOrderId`.
fn was_tried(purchase: &SubscriptionPurchase) -> bool {
    let paid = |order: &String| {
        let mut items = purchase.line_items.iter();
        items.any(|item| item.paid_order() == Some(order))
    };
    let is_known = purchase
        .line_items
        .iter()
        .any(|item| item.paid_order().is_some());
    is_known
        && purchase
            .latest_order_id
            .as_ref()
            .is_some_and(|latest| !paid(latest))
}

/// Why one that ended did. Who ended it outranks whatever else was under way, of which `increase` is what may have ended it.
fn intent(context: Option<&CanceledContext>, increase: Option<Increase>) -> ExpirationIntent {
    match context {
        Some(context) if context.user_initiated_cancellation.is_some() => {
            ExpirationIntent::Cancelled
        }
        Some(context) if context.developer_initiated_cancellation.is_some() => {
            ExpirationIntent::Developer
        }
        _ if matches!(increase, Some(Increase::Awaited | Increase::Refused)) => {
            ExpirationIntent::PriceIncrease
        }
        Some(context) if context.system_initiated_cancellation.is_some() => {
            ExpirationIntent::BillingError
        }
        _ => ExpirationIntent::Other,
    }
}

/// The item that waits for the place of another.
fn next_item<'a>(purchase: &'a SubscriptionPurchase, line: &LineItem) -> Option<&'a LineItem> {
    let next = line
        .deferred_item_replacement
        .as_ref()?
        .product_id
        .as_ref()?;
    let mut items = purchase.line_items.iter();
    items.find(|item| item.product_id == *next && item.paid_order().is_none())
}

/// How it stands with a price increase.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Increase {
    /// The customer has to agree, and has not yet.
    Awaited,
    /// The customer has to agree, and the time to do so is over.
    Refused,
    /// The customer agreed, or need not.
    Agreed,
}

/// One that the customer may opt out of is announced, and goes ahead unless the customer cancels: it awaits no consent. Source:
/// Google, purchases.subscriptionsv2, `priceChangeMode`, `priceChangeState` and `priceStepUpConsentDetails`.
fn increase(plan: &AutoRenewing) -> Option<Increase> {
    let change = plan.price_change_details.as_ref().and_then(|change| {
        let state = change.price_change_state.as_deref();
        match change.price_change_mode.as_deref() {
            Some("PRICE_DECREASE") => None,
            Some("OPT_OUT_PRICE_INCREASE") => {
                matches!(state, Some("OUTSTANDING" | "CONFIRMED")).then_some(Increase::Agreed)
            }
            _ => match state {
                Some("OUTSTANDING") => Some(Increase::Awaited),
                Some("CANCELED") => Some(Increase::Refused),
                Some("CONFIRMED") => Some(Increase::Agreed),
                _ => None,
            },
        }
    });
    let step_up = || {
        let consent = plan.price_step_up_consent_details.as_ref()?;
        match consent.state.as_deref() {
            Some("PENDING") => Some(Increase::Awaited),
            Some("CONFIRMED") => Some(Increase::Agreed),
            _ => None,
        }
    };
    change.or_else(step_up)
}
