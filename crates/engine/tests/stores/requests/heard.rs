//! Questions and news of stores, told once.

use super::{bought, of_kind, tell};
use crate::{
    stores::{
        apple::{signed, transaction},
        stripe,
    },
    world::{DAY, World},
};
use domain::{EventKind::*, event::Request};
use jiff::SignedDuration;
use serde_json::json;
use simulator::{Channel, Message};

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_asked_for_is_told_once_with_its_reason_and_until_when_apple_waits() {
    let world = World::new().await;
    let mut coins = bought(&world, "1000");
    coins["type"] = "Consumable".into();
    coins.as_object_mut().unwrap().remove("expiresDate");
    tell(&world, "ONE_TIME_CHARGE", "n1", &coins, &json!({})).await;
    let reason = json!({ "consumptionRequestReason": "UNINTENDED_PURCHASE" });
    tell(&world, "CONSUMPTION_REQUEST", "n2", &coins, &reason).await;
    let asked_at = world.now();
    // Apple repeats an open one as a notification of its own.
    tell(&world, "CONSUMPTION_REQUEST", "n3", &coins, &reason).await;
    tell(&world, "REFUND_DECLINED", "n4", &coins, &json!({})).await;
    assert_eq!(
        world.kinds_of("ann").await,
        [NonSubscriptionPurchase, RefundRequested, RefundDeclined]
    );
    let asked = of_kind(&world, RefundRequested).await.remove(0);
    assert_eq!(
        asked.request,
        Some(Request {
            reason: Some("UNINTENDED_PURCHASE".into()),
            respond_by: Some(asked_at + SignedDuration::from_hours(12)),
            token: None,
            transaction: None,
        })
    );
    assert_eq!(asked.transaction.unwrap().id, "1000");
    assert_eq!(asked.product.as_deref(), Some("com.example.monthly"));
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_asked_for_is_news_also_of_a_purchase_never_heard_of() {
    let world = World::new().await;
    let old = transaction(
        &world,
        "1000",
        0,
        crate::stores::apple::after(world.now(), -20),
    );
    let reason = json!({ "consumptionRequestReason": "LEGAL" });
    tell(&world, "CONSUMPTION_REQUEST", "n1", &old, &reason).await;
    assert_eq!(world.kinds().await, [SubscriptionStarted, RefundRequested]);
}

/// Given back by the time that anybody hears of it, and its one event is that refund: what was asked before is told beside it, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_asked_for_and_given_before_anybody_heard_of_the_purchase_is_told_once() {
    let world = World::new().await;
    let began = crate::stores::apple::after(world.now(), -20);
    let mut old = transaction(&world, "1000", 0, began);
    old["revocationDate"] = world.now().as_millisecond().into();
    old["revocationReason"] = 0.into();
    let reason = json!({ "consumptionRequestReason": "LEGAL" });
    tell(&world, "CONSUMPTION_REQUEST", "n1", &old, &reason).await;
    assert_eq!(world.kinds().await, [SubscriptionRefunded, RefundRequested]);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_undone_that_nobody_heard_of_is_told_and_moves_nothing() {
    let world = World::new().await;
    let bought = bought(&world, "1000");
    tell(&world, "SUBSCRIBED", "n1", &bought, &json!({})).await;
    tell(&world, "REFUND_REVERSED", "n2", &bought, &json!({})).await;
    assert_eq!(
        world.kinds_of("ann").await,
        [SubscriptionStarted, RefundReversed]
    );
    assert!(world.has_premium("ann").await);
    let undone = of_kind(&world, RefundReversed).await.remove(0);
    assert_eq!(undone.revenue_usd_micros(), 0);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_google_asks_about_is_told_of_the_customer_whose_order_it_is() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    play.buy("o", "coins", "ann", world.now());
    play.change_order("GPA.o", |order| order["purchaseToken"] = "o".into());
    let body = play.tell_product(1, "o", "coins", world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
    let review = json!({ "pendingRefundReviewNotification": {
        "version": "1.0", "pendingRefundToken": "pending-1", "orderId": "GPA.o", "refundReason": "ACCIDENTAL_PURCHASE",
        "obfuscatedAccountId": "ann",
    } });
    let asked_at = world.now();
    let body = play.push(&review, asked_at);
    world.push(&body).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds_of("ann").await,
        [NonSubscriptionPurchase, RefundRequested]
    );
    let asked = of_kind(&world, RefundRequested).await.remove(0);
    let request = asked.request.unwrap();
    assert_eq!(request.reason.as_deref(), Some("ACCIDENTAL_PURCHASE"));
    assert_eq!(request.token.as_deref(), Some("pending-1"));
    let waits = asked_at.duration_until(request.respond_by.unwrap());
    assert_eq!(waits.as_hours(), 24);
    assert_eq!(asked.transaction.unwrap().id, "GPA.o");
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rescinded_consent_is_told_of_the_apple_account_that_it_is_about() {
    let world = World::new().await;
    let mut nameless = transaction(&world, "1000", 0, world.now());
    nameless["appTransactionId"] = "704900000000009".into();
    tell(&world, "SUBSCRIBED", "n1", &nameless, &json!({})).await;
    let consent = json!({
        "appTransactionId": "704900000000009", "bundleId": "com.example", "receiptType": "LocalTesting",
        "receiptCreationDate": world.now().as_millisecond(),
    });
    let payload = json!({
        "notificationType": "RESCIND_CONSENT", "notificationUUID": "n2", "version": "2.0",
        "appData": { "environment": "LocalTesting", "bundleId": "com.example", "signedAppTransactionInfo": signed(&world, &consent) },
    });
    let body = json!({ "signedPayload": signed(&world, &payload) }).to_string();
    for _ in 0..2 {
        world.tell(&body).await.unwrap();
        world.settled().await;
    }
    assert_eq!(world.kinds().await, [SubscriptionStarted, ConsentRescinded]);
    let told = of_kind(&world, ConsentRescinded).await.remove(0);
    let bought = of_kind(&world, SubscriptionStarted).await.remove(0);
    assert_eq!(told.customer.id, bought.customer.id);
    world.rederives().await;
}

/// Stripe, "Types of events", `customer.subscription.trial_will_end`: three days before the end that is scheduled, and again for
/// another end.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_about_to_end_is_told_once_per_end() {
    let world = World::with_stores().await;
    let ends = stripe::begin(&world, "sub_t", true).await;
    world.pass(4 * DAY).await;
    for _ in 0..2 {
        stripe::tell(&world, "customer.subscription.trial_will_end", "sub_t").await;
    }
    let who = "user-sub_t";
    assert_eq!(world.kinds_of(who).await, [TrialStarted, TrialWillEnd]);
    let told = of_kind(&world, TrialWillEnd).await.remove(0);
    assert_eq!(told.purchase.unwrap().expires_at, Some(ends));
    // Another end, and another word.
    let later = stripe::after(ends, 7);
    let stripe_api = &world.stores.stripe.api;
    stripe_api.change("subscriptions", "sub_t", |subscription| {
        subscription["trial_end"] = later.as_second().into();
    });
    stripe::move_period(&world, "sub_t", stripe::after(ends, -7), later);
    stripe::tell(&world, "customer.subscription.updated", "sub_t").await;
    world.pass(7 * DAY).await;
    stripe::tell(&world, "customer.subscription.trial_will_end", "sub_t").await;
    assert_eq!(
        world.kinds_of(who).await,
        [
            TrialStarted,
            TrialWillEnd,
            SubscriptionExtended,
            TrialWillEnd
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_trial_will_end_is_not_told_when_it_has() {
    let world = World::with_stores().await;
    let ends = stripe::begin(&world, "sub_t", true).await;
    let trial = world.stores.stripe.api.get("subscriptions", "sub_t");
    world.pass(4 * DAY).await;
    let late = world.stores.stripe.api.tell(
        "customer.subscription.trial_will_end",
        &trial.unwrap(),
        world.now(),
    );
    world.pass(3 * DAY).await;
    let next = stripe::after(ends, 30);
    let stripe_api = &world.stores.stripe.api;
    stripe_api.change("subscriptions", "sub_t", |subscription| {
        subscription["status"] = "active".into();
    });
    stripe::move_period(&world, "sub_t", ends, next);
    let cycle = "subscription_cycle";
    stripe_api.invoice("in_2", "sub_t", cycle, 999, (ends, next), world.now());
    stripe::tell(&world, "invoice.paid", "sub_t").await;
    let message = Message {
        channel: Channel::Stripe,
        body: late,
        subject: String::new(),
    };
    world.deliver(&message).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds_of("user-sub_t").await,
        [TrialStarted, TrialConverted]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_trial_will_end_is_news_also_of_a_purchase_never_heard_of() {
    let world = World::with_stores().await;
    let stripe_api = &world.stores.stripe.api;
    let ends = stripe::after(world.now(), 7);
    let new = stripe::subscription("sub_t");
    stripe_api.subscribe(&new, world.now(), ends, true);
    let create = "subscription_create";
    stripe_api.invoice("in_1", "sub_t", create, 0, (world.now(), ends), world.now());
    world.pass(4 * DAY).await;
    stripe::tell(&world, "customer.subscription.trial_will_end", "sub_t").await;
    assert_eq!(world.kinds().await, [TrialStarted, TrialWillEnd]);
}
