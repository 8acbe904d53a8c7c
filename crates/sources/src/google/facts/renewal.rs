//! Whether and into what a subscription renews, and how it stands.

use super::{
    super::model::{LineItem, Price, SubscriptionPurchase},
    about::{About, plan, product},
    lines::running,
};
use crate::naming::Naming;
use domain::{
    fact::{PriceIncrease, RenewalFact, Status, TransactionFact, line_key},
    reason::ExpirationIntent,
};
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
        let price_change = plan_terms.and_then(|plan| plan.price_change_details.as_ref());
        let is_increase = price_change
            .is_some_and(|change| change.price_change_mode.as_deref() != Some("PRICE_DECREASE"));
        let change_state = price_change
            .filter(|_| is_increase)
            .and_then(|change| change.price_change_state.as_deref());
        let ends_after_commitment = plan_terms
            .and_then(|plan| plan.installment_details.as_ref())
            .is_some_and(|details| details.pending_cancellation.is_some());
        let next_terms = next.map_or(plan_terms, |next| next.auto_renewing_plan.as_ref());
        let renews = next_terms.is_some_and(|plan| plan.auto_renew_enabled)
            && !ends_after_commitment
            && line.deferred_item_removal.is_none();
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
        let named = line.deferred_item_replacement.as_ref();
        let next_product = next
            .map(|next| product(&next.product_id, plan(next)))
            .or_else(|| named.and_then(|next| next.product_id.clone()));
        Some(RenewalFact {
            product: Some(product(&line.product_id, plan(line))),
            // What was replaced goes on elsewhere: it says nothing about whether the customer wants it to.
            auto_renew: Some(
                renews || matches!(status, Status::Grace | Status::Retry | Status::Paused),
            )
            .filter(|_| status != Status::Replaced),
            next_product,
            intent,
            in_retry: Some(matches!(status, Status::Grace | Status::Retry)),
            grace_ends_at: line.expiry_time.filter(|_| status == Status::Grace),
            price_increase: match change_state {
                Some("OUTSTANDING") => Some(PriceIncrease::Pending),
                Some("CONFIRMED") => Some(PriceIncrease::Accepted),
                _ => None,
            },
            renewal_price: next_terms
                .and_then(|plan| plan.recurring_price.as_ref())
                .and_then(Price::money),
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
