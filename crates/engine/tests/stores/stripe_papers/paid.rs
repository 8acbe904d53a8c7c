//! When what is bought once was paid for, whichever message comes first.

use super::told;
use crate::{stores::stripe::DAY, world::World};
use domain::{Event, EventKind::*, Store};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The only purchase that is told.
async fn bought(world: &World, who: &str) -> Event {
    let expected = [(NonSubscriptionPurchase, Some(499))];
    assert_eq!(told(world, who).await[..1], expected);
    let mut events = world.events().await.into_iter();
    events
        .find(|event| event.kind == NonSubscriptionPurchase)
        .unwrap()
}

fn session(world: &World, who: &str) -> Value {
    json!({
        "id": "cs_1", "object": "checkout.session", "mode": "payment", "payment_status": "unpaid", "payment_intent": "pi_1", "livemode": false,
        "currency": "usd", "amount_total": 499, "created": world.now().as_second(), "metadata": { "app_user_id": who },
        "line_items": { "data": [{ "price": { "id": "price_coins", "product": "prod_coins" }, "quantity": 1 }] },
    })
}

fn charge(world: &World, paid: bool) -> Value {
    json!({
        "id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount": 499, "currency": "usd", "paid": paid,
        "status": if paid { "succeeded" } else { "pending" }, "created": world.now().as_second(), "livemode": false,
    })
}

fn intent() -> Value {
    json!({ "id": "pi_1", "object": "payment_intent", "status": "succeeded" })
}

/// A bank takes three days; the charge was made when the payment was submitted.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_bank_pays_days_later_is_dated_by_the_message_that_says_so() {
    for first in [
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ] {
        let world = World::with_stores().await;
        let stripe = &world.stores.stripe.api;
        let mut session = session(&world, "ann");
        let mut charge = charge(&world, false);
        stripe.put("checkout/sessions", session.clone());
        stripe.put("charges", charge.clone());
        world
            .hook("checkout.session.completed", &session)
            .await
            .unwrap();
        world.pass(3 * DAY).await;
        assert_eq!(told(&world, "ann").await, []);
        session["payment_status"] = "paid".into();
        charge["paid"] = true.into();
        charge["status"] = "succeeded".into();
        stripe.put("checkout/sessions", session.clone());
        stripe.put("charges", charge.clone());
        let paid_at = world.now().as_second();
        let object = if first.starts_with("payment") {
            intent()
        } else {
            session.clone()
        };
        world.hook(first, &object).await.unwrap();
        world.settled().await;
        let told = bought(&world, "ann").await;
        assert_eq!(
            (told.occurred_at.as_second(), told.historical),
            (paid_at, false),
            "{first}"
        );
        // What is heard later moves nothing.
        world.pass(DAY).await;
        stripe.put("refunds", json!({ "id": "re_1", "amount": 499, "currency": "usd", "status": "succeeded", "created": world.now().as_second(), "charge": "ch_1", "payment_intent": "pi_1" }));
        world.hook("charge.refunded", &charge).await.unwrap();
        world.settled().await;
        let last = world.events().await.into_iter();
        let refunded = last
            .rev()
            .find(|event| event.kind == NonSubscriptionPurchaseRefunded)
            .unwrap();
        let purchased_at = refunded.transaction.unwrap().purchased_at;
        assert_eq!(purchased_at.as_second(), paid_at, "{first}");
        world.rederives().await;
    }
}

/// A session that is opened and paid much later, at once: the charge says when.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_at_once_is_dated_by_its_charge_whatever_is_heard_first() {
    for first in [
        "receipt",
        "checkout.session.completed",
        "payment_intent.succeeded",
        "charge.refunded",
    ] {
        let world = World::with_stores().await;
        let stripe = &world.stores.stripe.api;
        let mut session = session(&world, "ann");
        session["payment_status"] = "paid".into();
        stripe.put("checkout/sessions", session.clone());
        world.pass(3 * DAY).await;
        let charge = charge(&world, true);
        stripe.put("charges", charge.clone());
        let paid_at = world.now();
        world.pass(1).await;
        if first == "receipt" {
            world
                .vouched_receipt(Store::Stripe, "ann", "cs_1")
                .await
                .unwrap();
        } else {
            let object = match first {
                "checkout.session.completed" => session,
                "charge.refunded" => charge,
                _ => intent(),
            };
            world.hook(first, &object).await.unwrap();
        }
        world.settled().await;
        let told = bought(&world, "ann").await;
        assert_eq!(
            (told.occurred_at, told.historical),
            (paid_at, false),
            "{first}"
        );
        world.rederives().await;
    }
}

/// Where Checkout makes an invoice of what it sold, that says when it was paid.
#[tokio::test(flavor = "multi_thread")]
async fn the_invoice_of_a_session_says_when_it_was_paid() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let mut session = session(&world, "ann");
    stripe.put("charges", charge(&world, true));
    world.pass(3 * DAY).await;
    let paid_at: Timestamp = world.now();
    session["payment_status"] = "paid".into();
    session["invoice"] = json!({ "id": "in_1", "object": "invoice", "status": "paid", "status_transitions": { "paid_at": paid_at.as_second() } });
    stripe.put("checkout/sessions", session);
    world.pass(1).await;
    world
        .vouched_receipt(Store::Stripe, "ann", "cs_1")
        .await
        .unwrap();
    world.settled().await;
    let told = bought(&world, "ann").await;
    assert_eq!((told.occurred_at, told.historical), (paid_at, false));
    world.rederives().await;
}
