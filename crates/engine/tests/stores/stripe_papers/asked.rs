//! What is read again: after days without an answer, and where what it says contradicts itself.

use super::{change, told};
use crate::{
    stores::stripe::{DAY, after, subscription, tell},
    world::World,
};
use domain::EventKind::*;
use serde_json::json;
use simulator::Outage;

/// What is news is measured from when it was heard, not from when Stripe could be asked, nor from when a session was opened.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_away_for_days_makes_no_history_of_news() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let (who, now, ends) = ("user-sub_away", world.now(), after(world.now(), 30));
    stripe.subscribe(&subscription("sub_away"), now, ends, false);
    stripe.invoice(
        "in_away",
        "sub_away",
        "subscription_create",
        999,
        (now, ends),
        now,
    );
    world.stores.stripe.set(Outage::Down);
    let object = stripe.get("subscriptions", "sub_away").unwrap();
    world
        .hook("customer.subscription.created", &object)
        .await
        .unwrap();
    world.pass(3 * DAY).await;
    change(&world, "sub_away", |it| {
        it["cancel_at_period_end"] = true.into();
    });
    assert_eq!(told(&world, who).await, []);
    world.stores.stripe.set(Outage::None);
    world.pass(DAY).await;
    world.settled().await;
    let expected = [
        (SubscriptionStarted, Some(999)),
        (SubscriptionRenewalCancelled, None),
    ];
    assert_eq!(told(&world, who).await, expected);
    // Paid by bank, days after the session was opened.
    let opened = world.now();
    let mut session = json!({
        "id": "cs_bank", "object": "checkout.session", "mode": "payment", "payment_status": "unpaid", "payment_intent": "pi_bank", "livemode": false,
        "currency": "usd", "amount_total": 499, "created": opened.as_second(), "metadata": { "app_user_id": "banker" },
        "line_items": { "data": [{ "price": { "id": "price_coins", "product": "prod_coins" }, "quantity": 1 }] },
    });
    stripe.put("checkout/sessions", session.clone());
    world
        .hook("checkout.session.completed", &session)
        .await
        .unwrap();
    world.pass(5 * DAY).await;
    assert_eq!(told(&world, "banker").await, []);
    session["payment_status"] = "paid".into();
    stripe.put("checkout/sessions", session.clone());
    world
        .hook("checkout.session.async_payment_succeeded", &session)
        .await
        .unwrap();
    let paid_at = world.now();
    world.settled().await;
    assert_eq!(
        told(&world, "banker").await,
        [(NonSubscriptionPurchase, Some(499))]
    );
    let events = world.events().await;
    assert!(events.iter().all(|event| !event.historical), "{events:?}");
    let bought = events
        .iter()
        .find(|event| event.kind == NonSubscriptionPurchase);
    assert_eq!(bought.unwrap().occurred_at.as_second(), paid_at.as_second());
    world.rederives().await;
}

/// What was read while it changed is read again: the newest invoice is missing, or paid although the subscription is not.
#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_itself_is_read_again_and_in_the_end_believed() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let (who, now, ends) = ("user-sub_torn", world.now(), after(world.now(), 30));
    stripe.subscribe(&subscription("sub_torn"), now, ends, false);
    change(&world, "sub_torn", |it| {
        it["latest_invoice"] = "in_torn".into();
    });
    stripe.invoice(
        "in_torn",
        "sub_torn",
        "subscription_create",
        999,
        (now, ends),
        now,
    );
    let asked = || stripe.times_asked("subscriptions/sub_torn");
    tell(&world, "customer.subscription.created", "sub_torn").await;
    assert_eq!(asked(), 1);
    change(&world, "sub_torn", |it| it["status"] = "past_due".into());
    tell(&world, "customer.subscription.updated", "sub_torn").await;
    assert_eq!(asked(), 4);
    assert_eq!(
        world.kinds_of(who).await,
        [SubscriptionStarted, BillingIssueDetected]
    );
    change(&world, "sub_torn", |it| {
        it["status"] = "active".into();
        it["latest_invoice"] = "in_not_listed_yet".into();
    });
    tell(&world, "customer.subscription.updated", "sub_torn").await;
    assert_eq!(asked(), 7);
    assert!(world.has_premium(who).await);
}

/// The subscription was read before it was renewed, and its invoices after.
#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_newer_than_the_newest_of_its_subscription_is_read_again() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let (now, ends) = (world.now(), after(world.now(), 30));
    stripe.subscribe(&subscription("sub_new"), now, ends, false);
    change(&world, "sub_new", |it| {
        it["latest_invoice"] = "in_new_1".into();
    });
    let invoice =
        |id: &str, reason: &str, period, at| stripe.invoice(id, "sub_new", reason, 999, period, at);
    invoice("in_new_1", "subscription_create", (now, ends), now);
    let asked = || stripe.times_asked("subscriptions/sub_new");
    tell(&world, "customer.subscription.created", "sub_new").await;
    assert_eq!(asked(), 1);
    // What somebody wrote by hand is none that the subscription made.
    world.pass(DAY).await;
    invoice("in_new_m", "manual", (now, now), world.now());
    stripe.change("invoices", "in_new_m", |it| {
        it["lines"]["data"][0]["parent"] =
            json!({ "invoice_item_details": { "proration": false } });
    });
    tell(&world, "customer.subscription.updated", "sub_new").await;
    assert_eq!(asked(), 2);
    world.pass(29 * DAY).await;
    invoice(
        "in_new_2",
        "subscription_cycle",
        (ends, after(ends, 30)),
        ends,
    );
    tell(&world, "customer.subscription.updated", "sub_new").await;
    assert_eq!(asked(), 5);
    change(&world, "sub_new", |it| {
        it["latest_invoice"] = "in_new_2".into();
    });
    tell(&world, "customer.subscription.updated", "sub_new").await;
    assert_eq!(asked(), 6);
}
