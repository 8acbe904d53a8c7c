//! Refunds, disputes and one-time purchases; signatures and outages.

use super::{after, begin, subscription, tell};
use crate::world::World;
use domain::{EventKind::*, Store};
use engine::IntakeError;
use jiff::SignedDuration;
use serde_json::json;
use simulator::{Outage, StripeSubscription, sign};
use sources::Incoming;

/// Told twice in two words; partial; access stays.
#[tokio::test(flavor = "multi_thread")]
async fn refunds_and_disputes_are_told_once_each_and_so_is_that_they_are_undone() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let who = "user-sub_r";
    begin(&world, "sub_r", false).await;
    stripe.refund("re_1", "in_sub_r_1", 300, world.now());
    let charge = stripe.get("charges", "ch_in_sub_r_1").unwrap();
    for kind in ["charge.refunded", "charge.refunded"] {
        world.pass(1).await;
        world.hook(kind, &charge).await.unwrap();
        world.settled().await;
    }
    let refund = stripe.get("refunds", "re_1").unwrap();
    world.pass(1).await;
    world.hook("refund.created", &refund).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds_of(who).await,
        [SubscriptionStarted, SubscriptionRefunded]
    );
    assert!(world.has_premium(who).await);
    let told = world
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == SubscriptionRefunded)
        .unwrap();
    assert_eq!(
        told.transaction.unwrap().refunded.unwrap().micros,
        3_000_000
    );
    assert_eq!(told.customer.revenue_usd_micros, 6_990_000);
    // The refund fails afterwards.
    stripe.change("refunds", "re_1", |it| it["status"] = "failed".into());
    world.pass(1).await;
    world
        .hook("refund.failed", &stripe.get("refunds", "re_1").unwrap())
        .await
        .unwrap();
    world.settled().await;
    // A dispute, lost and won.
    stripe.put("disputes", json!({ "id": "dp_1", "amount": 999, "currency": "usd", "status": "needs_response", "created": world.now().as_second(), "charge": "ch_in_sub_r_1", "payment_intent": "pi_in_sub_r_1" }));
    world.pass(1).await;
    world
        .hook(
            "charge.dispute.funds_withdrawn",
            &stripe.get("disputes", "dp_1").unwrap(),
        )
        .await
        .unwrap();
    world.settled().await;
    stripe.change("disputes", "dp_1", |it| it["status"] = "won".into());
    world.pass(1).await;
    world
        .hook(
            "charge.dispute.closed",
            &stripe.get("disputes", "dp_1").unwrap(),
        )
        .await
        .unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds_of(who).await,
        [
            SubscriptionStarted,
            SubscriptionRefunded,
            RefundReversed,
            SubscriptionRefunded,
            RefundReversed
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_checkout_sells_once_is_told_and_so_is_its_refund() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let session = json!({
        "id": "cs_1", "object": "checkout.session", "mode": "payment", "payment_status": "paid", "payment_intent": "pi_cs_1", "livemode": false,
        "currency": "usd", "amount_total": 499, "created": world.now().as_second(), "metadata": { "app_user_id": "buyer" },
        "line_items": { "data": [{ "price": { "id": "price_coins", "product": "prod_coins" }, "quantity": 2 }] },
    });
    stripe.put("checkout/sessions", session.clone());
    world
        .hook("checkout.session.completed", &session)
        .await
        .unwrap();
    world.settled().await;
    assert_eq!(world.kinds_of("buyer").await, [NonSubscriptionPurchase]);
    stripe.put("charges", json!({ "id": "ch_cs", "object": "charge", "payment_intent": "pi_cs_1", "amount": 499, "currency": "usd", "paid": true }));
    stripe.put("refunds", json!({ "id": "re_2", "amount": 499, "currency": "usd", "status": "succeeded", "created": world.now().as_second(), "charge": "ch_cs", "payment_intent": "pi_cs_1" }));
    world.pass(1).await;
    world
        .hook("charge.refunded", &stripe.get("charges", "ch_cs").unwrap())
        .await
        .unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds_of("buyer").await,
        [NonSubscriptionPurchase, NonSubscriptionPurchaseRefunded]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_anybody_else_are_refused_and_unhandled_ones_accepted() {
    let world = World::with_stores().await;
    let body = json!({ "id": "evt_x", "type": "plan.created", "created": world.now().as_second(), "data": { "object": {} } }).to_string();
    let signature = sign(&body, world.now());
    let old = sign(
        &body,
        world
            .now()
            .checked_sub(SignedDuration::from_mins(6))
            .unwrap(),
    );
    let tampered = body.replace("plan.created", "plan.deleted");
    for (body, signature, code) in [
        (&body, None, "signature_missing"),
        (&body, Some(old.as_str()), "signature_too_old"),
        (&tampered, Some(signature.as_str()), "invalid_signature"),
    ] {
        let incoming = Incoming {
            body: body.as_bytes(),
            authorization: None,
            signature,
            url: "",
        };
        let Err(IntakeError::Refused(refusal)) = world
            .engine
            .intake()
            .accept(world.app_of(Store::Stripe), &incoming)
            .await
        else {
            panic!("{code}")
        };
        assert_eq!(refusal.code.text(), code);
    }
    let incoming = Incoming {
        body: body.as_bytes(),
        authorization: None,
        signature: Some(&signature),
        url: "",
    };
    assert!(
        world
            .engine
            .intake()
            .accept(world.app_of(Store::Stripe), &incoming)
            .await
            .is_ok()
    );
    assert!(world.events().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_fails_loses_nothing() {
    for outage in [Outage::Down, Outage::Limited(5), Outage::Nonsense] {
        let world = World::with_stores().await;
        let stripe = &world.stores.stripe.api;
        let ends = after(world.now(), 30);
        stripe.subscribe(&subscription("sub_o"), world.now(), ends, false);
        stripe.invoice(
            "in_o_1",
            "sub_o",
            "subscription_create",
            999,
            (world.now(), ends),
            world.now(),
        );
        world.stores.stripe.set(outage);
        let object = stripe.get("subscriptions", "sub_o").unwrap();
        world
            .hook("customer.subscription.created", &object)
            .await
            .unwrap();
        // A receipt is told so at once, and kept.
        let refused = world
            .vouched_receipt(Store::Stripe, "user-sub_o", "sub_o")
            .await;
        assert!(refused.is_err(), "{outage:?}");
        assert!(world.parked().await > 0);
        world.stores.stripe.set(Outage::None);
        let is_told = async || !world.kinds().await.is_empty();
        world.pass_until(30, "it is told", is_told).await;
        assert_eq!(world.kinds().await, [SubscriptionStarted], "{outage:?}");
    }
}

/// The first that names somebody wins: what a program wrote for nobody names none.
#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_names_nobody_leaves_the_word_to_the_next() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let ends = after(world.now(), 30);
    let nobody = StripeSubscription {
        account: "undefined".into(),
        ..subscription("sub_n")
    };
    stripe.subscribe(&nobody, world.now(), ends, false);
    stripe.invoice(
        "in_n_1",
        "sub_n",
        "subscription_create",
        999,
        (world.now(), ends),
        world.now(),
    );
    tell(&world, "customer.subscription.created", "sub_n").await;
    let owner = world.events().await.remove(0).customer;
    assert_ne!(owner.app_user_id, "undefined");
    world.rederives().await;
}
