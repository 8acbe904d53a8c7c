//! Whether and into what a subscription renews, and how it stands.

use super::{
    super::model::{Price, Subscription, id, phases_ahead},
    about::About,
    amount::money,
};
use domain::{
    fact::{RenewalFact, Status},
    reason::ExpirationIntent,
};
use jiff::Timestamp;

impl About<'_> {
    /// Of a subscription that is paid until then, and whose last period is free or not. `others` are the prices of its other
    /// items.
    pub(super) fn renewal(
        &self,
        subscription: &Subscription,
        others: &[String],
        paid_until: Option<Timestamp>,
        ran_as_trial: bool,
    ) -> RenewalFact {
        let price = subscription.price();
        let product = price.and_then(Price::name);
        let (status, intent) = self.standing(subscription, paid_until, ran_as_trial);
        let ends_later = subscription.cancel_at_period_end || subscription.cancel_at.is_some();
        RenewalFact {
            next_product: self.scheduled_product(product.as_ref(), others),
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

    /// What a schedule changes the subscription to after the running phase, or a new price no invoice has charged yet.
    fn scheduled_product(&self, now: Option<&String>, others: &[String]) -> Option<String> {
        let schedule = self.answer.parts("schedule").next();
        let phase =
            schedule.and_then(|schedule| phases_ahead(&schedule.body, self.version()).next());
        let items = phase.and_then(|phase| phase["items"].as_array());
        let prices = items.into_iter().flatten();
        let mut prices: Vec<String> = prices.filter_map(|item| id(&item["price"])).collect();
        let is = |price: &str| {
            now.and_then(|name| name.split_once(':'))
                .is_some_and(|(_, own)| own == price)
        };
        // It stays, or one takes its place that no item has now; the order in which they are listed says nothing.
        prices.sort_by_key(|price| (!is(price), others.contains(price), price.clone()));
        let Some(planned) = prices.into_iter().find(|price| !others.contains(price)) else {
            return now.cloned();
        };
        let is_it = |_: &&String| is(&planned);
        let known = self.answer.parts("price").find(|price| price.id == planned);
        let resolved = known.and_then(|price| {
            let price: Price = serde_json::from_value(price.body.clone()).ok()?;
            price.name()
        });
        // A price that its account does not know any more is called what the schedule calls it.
        now.filter(is_it).cloned().or(resolved).or(Some(planned))
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
