//! Whom metadata names, and when that is news.

use super::{DAY, after, begin, move_period, tell};
use crate::world::World;
use domain::{EventKind::*, Store};
use jiff::Timestamp;
use serde_json::{Value, json};

/// An invoice of an update that took money, with the metadata that the subscription had then.
async fn update(
    world: &World,
    id: &str,
    (start, ends): (Timestamp, Timestamp),
    is_proration: bool,
) {
    let stripe = &world.stores.stripe.api;
    let invoice = format!("in_{id}_2");
    stripe.invoice(
        &invoice,
        id,
        "subscription_update",
        400,
        (start, ends),
        world.now(),
    );
    let metadata = stripe.get("subscriptions", id).unwrap()["metadata"].clone();
    stripe.change("invoices", &invoice, |it| {
        it["lines"]["data"][0]["parent"]["subscription_item_details"]["proration"] =
            is_proration.into();
        it["parent"]["subscription_details"]["metadata"] = metadata;
    });
    let paid = stripe.get("invoices", &invoice).unwrap();
    world.pass(1).await;
    world.hook("invoice.paid", &paid).await.unwrap();
    world.settled().await;
}

/// Ann's, which a secret key moved to Bob.
async fn moved_to_bob(world: &World, id: &str) -> Timestamp {
    let ends = begin(world, id, false).await;
    let stripe = &world.stores.stripe.api;
    let ann: Value = json!({ "app_user_id": format!("user-{id}") });
    stripe.change("invoices", &format!("in_{id}_1"), |it| {
        it["parent"]["subscription_details"]["metadata"] = ann;
    });
    world.pass(DAY).await;
    world
        .vouched_receipt(Store::Stripe, "bob", id)
        .await
        .unwrap();
    world.settled().await;
    assert_eq!(world.kinds_of("bob").await, [Transfer]);
    ends
}

/// A seat more, and another anchor: the metadata is what it was when the subscription began.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_metadata_repeats_takes_nothing_back_from_whom_a_key_gave_it_to() {
    for is_proration in [true, false] {
        let world = World::with_stores().await;
        let mut ends = moved_to_bob(&world, "sub_s").await;
        world.pass(DAY).await;
        let start = world.now();
        if !is_proration {
            ends = after(start, 30);
            move_period(&world, "sub_s", start, ends);
        }
        update(&world, "sub_s", (start, ends), is_proration).await;
        assert_eq!(
            world.kinds_of("bob").await,
            [Transfer, SubscriptionRenewed],
            "{is_proration}"
        );
        assert!(world.has_premium("bob").await && !world.has_premium("user-sub_s").await);
        world.rederives().await;
    }
}

/// Another name by the time of a charge that the customer started is the name of whoever bought it.
#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_names_another_with_a_purchase_is_followed() {
    let world = World::with_stores().await;
    moved_to_bob(&world, "sub_n").await;
    world.pass(DAY).await;
    let stripe = &world.stores.stripe.api;
    stripe.change("subscriptions", "sub_n", |it| {
        it["metadata"]["app_user_id"] = "cat".into();
    });
    let (start, ends) = (world.now(), after(world.now(), 30));
    move_period(&world, "sub_n", start, ends);
    update(&world, "sub_n", (start, ends), false).await;
    assert_eq!(world.kinds_of("cat").await, [Transfer, SubscriptionRenewed]);
    // Said again, it is no news.
    world
        .vouched_receipt(Store::Stripe, "bob", "sub_n")
        .await
        .unwrap();
    tell(&world, "customer.subscription.updated", "sub_n").await;
    assert!(world.has_premium("bob").await && !world.has_premium("cat").await);
    world.rederives().await;
}
