//! Stripe through a whole engine: every row of the table, signatures, outages.

mod heard;
mod life;
mod owners;

use crate::world::World;
use jiff::{SignedDuration, Timestamp};
use simulator::StripeSubscription;

pub(super) const DAY: i64 = 86_400;

pub(super) fn after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(days * DAY))
        .unwrap()
}

pub(super) fn subscription(id: &str) -> StripeSubscription {
    StripeSubscription {
        id: id.into(),
        account: format!("user-{id}"),
        product: "prod_gold".into(),
        price: "price_monthly".into(),
        amount: 999,
    }
}

/// Stripe tells of a subscription.
pub(super) async fn tell(world: &World, kind: &str, id: &str) {
    world.pass(1).await;
    let object = world.stores.stripe.api.get("subscriptions", id).unwrap();
    world.hook(kind, &object).await.unwrap();
    world.settled().await;
}

/// A running subscription, paid or in trial.
pub(super) async fn begin(world: &World, id: &str, trial: bool) -> Timestamp {
    let ends = after(world.now(), if trial { 7 } else { 30 });
    let stripe = &world.stores.stripe.api;
    stripe.subscribe(&subscription(id), world.now(), ends, trial);
    let amount = if trial { 0 } else { 999 };
    stripe.invoice(
        &format!("in_{id}_1"),
        id,
        "subscription_create",
        amount,
        (world.now(), ends),
        world.now(),
    );
    tell(world, "customer.subscription.created", id).await;
    ends
}

pub(super) fn move_period(world: &World, id: &str, start: Timestamp, ends: Timestamp) {
    world
        .stores
        .stripe
        .api
        .change("subscriptions", id, |subscription| {
            subscription["items"]["data"][0]["current_period_start"] = start.as_second().into();
            subscription["items"]["data"][0]["current_period_end"] = ends.as_second().into();
        });
}
