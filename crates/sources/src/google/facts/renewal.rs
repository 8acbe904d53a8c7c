//! Whether and into what a subscription renews, and how it stands.

use super::{
    super::model::{Price, SubscriptionPurchase},
    about::{About, main_line, plan, product},
};
use domain::{
    fact::{PriceIncrease, RenewalFact, Status},
    reason::ExpirationIntent,
};

impl About<'_> {
    pub(super) fn renewal(
        &self,
        leg: &str,
        purchase: &SubscriptionPurchase,
    ) -> Option<RenewalFact> {
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
