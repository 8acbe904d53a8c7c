//! Whether and into what a subscription renews, and how it stands.

use super::{
    super::model::{Price, Subscription},
    about::About,
    amount::money,
    plan::Plan,
};
use domain::{
    fact::{RenewalFact, Status},
    reason::ExpirationIntent,
};
use jiff::Timestamp;

impl About<'_> {
    /// Of a subscription, or of a line of it, that is paid until then, and whose last period is free or not. `plan` is what a schedule
    /// does to it.
    pub(super) fn renewal(
        &self,
        subscription: &Subscription,
        plan: Option<&Plan>,
        paid_until: Option<Timestamp>,
        ran_as_trial: bool,
    ) -> RenewalFact {
        let price = subscription.price();
        let product = price.and_then(Price::name);
        let (status, intent) = self.standing(subscription, paid_until, ran_as_trial);
        let ends_later = subscription.cancel_at_period_end
            || subscription.cancel_at.is_some()
            || plan == Some(&Plan::Ends);
        RenewalFact {
            next_product: match plan {
                Some(Plan::Becomes(next)) => Some(next.clone()),
                Some(Plan::Stays | Plan::Ends) | None => product.clone(),
            },
            product_is_in_effect: true,
            product,
            auto_renew: Some(!ends_later && status != Some(Status::Expired)),
            intent,
            in_retry: Some(matches!(status, Some(Status::Retry | Status::Grace))),
            grace_ends_at: subscription
                .period_end()
                .filter(|_| status == Some(Status::Grace)),
            renewal_price: price.and_then(|price| {
                let currency = price.currency.as_ref().or(subscription.currency.as_ref())?;
                money(price.unit_amount?, currency)
            }),
            status,
            ended_at: subscription
                .ended_at
                .filter(|_| status == Some(Status::Expired)),
            off_since: cancelled_at(subscription, intent),
            resumes_at: subscription
                .pause_collection
                .as_ref()
                .and_then(|pause| pause.resumes_at),
            pause_is_planned: subscription.pause_collection.is_some(),
            runs_until: subscription
                .period_end()
                .filter(|_| status == Some(Status::Active)),
            ..RenewalFact::new(self.version())
        }
    }

    /// How it stands, and why it ended.
    fn standing(
        &self,
        subscription: &Subscription,
        paid_until: Option<Timestamp>,
        ran_as_trial: bool,
    ) -> (Option<Status>, Option<ExpirationIntent>) {
        // The period that was paid for when its payments ceased to be collected runs to its end.
        let is_over = || {
            let is_unpaid = |start| paid_until.is_none_or(|until| until <= start);
            subscription
                .period_end()
                .is_some_and(|end| end <= self.version())
                || subscription.period_start().is_some_and(is_unpaid)
        };
        let expired = |intent| (Some(Status::Expired), Some(intent));
        match subscription.status.as_str() {
            "trialing" | "active" if subscription.pause_collection.is_some() && is_over() => {
                (Some(Status::Paused), None)
            }
            "trialing" | "active" => (Some(Status::Active), None),
            "past_due" if self.app.past_due_access => (Some(Status::Grace), None),
            "past_due" => (Some(Status::Retry), None),
            "unpaid" => expired(ExpirationIntent::BillingError),
            // Source: Stripe, "Pause subscriptions" and "Pause subscriptions after payment failure".
            "paused" => match subscription.paused_because() {
                Some("first_payment_failure") => (Some(Status::Retry), None),
                Some("final_payment_failure") => expired(ExpirationIntent::BillingError),
                // A trial that ended without a way to pay; before there were others, nothing else was a pause.
                Some("trial_end_without_payment_method") => expired(ExpirationIntent::Other),
                None if ran_as_trial => expired(ExpirationIntent::Other),
                _ => (Some(Status::Paused), None),
            },
            "canceled" => expired(match subscription.cancelled_because() {
                Some("payment_failed") => ExpirationIntent::BillingError,
                Some("payment_disputed") => ExpirationIntent::Other,
                _ => ExpirationIntent::Cancelled,
            }),
            _ => (None, None),
        }
    }
}

/// Since when a customer wants no next period. What Stripe ends by itself was not cancelled: for want of payment, or at the
/// very end of a trial that had no way to pay.
fn cancelled_at(
    subscription: &Subscription,
    intent: Option<ExpirationIntent>,
) -> Option<Timestamp> {
    let at = subscription.canceled_at?;
    let by_choice = intent == Some(ExpirationIntent::Cancelled)
        && subscription.period_end().is_none_or(|end| at < end);
    (subscription.status != "canceled" || by_choice).then_some(at)
}
