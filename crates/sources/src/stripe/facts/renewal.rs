//! Whether and into what a subscription renews, and how it stands.

use super::{
    super::model::{Price, Subscription, id},
    about::{About, money},
};
use domain::{
    fact::{RenewalFact, Status},
    reason::ExpirationIntent,
};

impl About<'_> {
    pub(super) fn renewal(&self, subscription: &Subscription) -> RenewalFact {
        let reason = subscription
            .cancellation_details
            .as_ref()
            .and_then(|details| details.reason.as_deref());
        let ends_later = subscription.cancel_at_period_end || subscription.cancel_at.is_some();
        let is_paused = subscription.pause_collection.as_ref().is_some_and(|_| {
            subscription
                .period_end()
                .is_some_and(|end| end <= self.version())
        });
        let price = subscription.price();
        let product = price.and_then(Price::name);
        let (status, intent) = match subscription.status.as_str() {
            "trialing" | "active" if is_paused => (Some(Status::Paused), None),
            "trialing" | "active" => (Some(Status::Active), None),
            "past_due" if self.app.past_due_access => (Some(Status::Grace), None),
            "past_due" => (Some(Status::Retry), None),
            "unpaid" => (Some(Status::Expired), Some(ExpirationIntent::BillingError)),
            // A trial that ended without a way to pay.
            "paused" => (Some(Status::Expired), Some(ExpirationIntent::Other)),
            "canceled" => {
                let intent = match reason {
                    Some("payment_failed") => ExpirationIntent::BillingError,
                    Some("payment_disputed") => ExpirationIntent::Other,
                    _ => ExpirationIntent::Cancelled,
                };
                (Some(Status::Expired), Some(intent))
            }
            _ => (None, None),
        };
        let by_choice =
            subscription.status != "canceled" || intent == Some(ExpirationIntent::Cancelled);
        RenewalFact {
            next_product: self.scheduled_product(product.as_ref()),
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
            off_since: subscription.canceled_at.filter(|_| by_choice),
            resumes_at: subscription
                .pause_collection
                .as_ref()
                .and_then(|pause| pause.resumes_at),
            pause_is_planned: subscription.pause_collection.is_some(),
            ..RenewalFact::new(self.version())
        }
    }

    /// What a schedule changes the subscription to after the running phase, or a new price no invoice has charged yet.
    fn scheduled_product(&self, now: Option<&String>) -> Option<String> {
        let second = self.version().as_second();
        let schedule = self.answer.parts("schedule").next();
        let phase = schedule.and_then(|schedule| {
            schedule.body["phases"].as_array()?.iter().find(|phase| {
                phase["start_date"]
                    .as_i64()
                    .is_some_and(|start| start > second)
            })
        });
        let price = phase.and_then(|phase| id(&phase["items"][0]["price"]));
        match price {
            // A phase names the price only; the product is known once it is charged.
            Some(price) => {
                let known = now.filter(|now| now.ends_with(&format!(":{price}")));
                Some(known.cloned().unwrap_or_else(|| {
                    let product = now
                        .and_then(|now| now.split_once(':'))
                        .map_or("", |(product, _)| product);
                    format!("{product}:{price}")
                }))
            }
            None => now.cloned(),
        }
    }
}
