//! What a store asks or says that a person must act on: refunds asked for and declined, one undone that nobody heard of, a trial
//! that will end.
//!
//! Sources: Apple, App Store Server Notifications, `notificationType` and `consumptionRequestReason`, and *Send Consumption
//! Information* (an answer is awaited for 12 hours); Google, "Real-time developer notifications reference guide",
//! `PendingRefundReviewNotification` (24 hours).

use super::{
    apple::{renewal, signed, transaction},
    stripe,
};
use crate::world::{DAY, World};
use domain::{Event, EventKind, EventKind::*, event::Request};
use engine::RefundAnswerError;
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Channel, Message, Outage};
use sources::{DeliveryStatus, RefundAnswer, RefundPreference};

/// The App Store sends a notification of this kind about a transaction.
async fn tell(world: &World, kind: &str, id: &str, bought: &Value, more: &Value) {
    world.jump(world.now() + SignedDuration::from_secs(60));
    let mut data = json!({
        "environment": "LocalTesting", "bundleId": "com.example", "signedTransactionInfo": signed(world, bought),
    });
    if bought["type"] == "Auto-Renewable Subscription" {
        let chain = bought["originalTransactionId"].as_str().unwrap();
        data["status"] = 1.into();
        data["signedRenewalInfo"] = signed(world, &renewal(chain, true)).into();
    }
    for (name, value) in more.as_object().unwrap() {
        data[name] = value.clone();
    }
    let payload =
        json!({ "notificationType": kind, "notificationUUID": id, "version": "2.0", "data": data });
    let body = json!({ "signedPayload": signed(world, &payload) }).to_string();
    world.tell(&body).await.unwrap();
    world.settled().await;
}

fn bought(world: &World, chain: &str) -> Value {
    let mut bought = transaction(world, chain, 0, world.now());
    bought["appAccountToken"] = "ann".into();
    bought
}

async fn of_kind(world: &World, kind: EventKind) -> Vec<Event> {
    let events = world.events().await;
    events
        .into_iter()
        .filter(|event| event.kind == kind)
        .collect()
}

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
        })
    );
    assert_eq!(asked.transaction.unwrap().id, "1000");
    assert_eq!(asked.product.as_deref(), Some("com.example.monthly"));
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_asked_for_is_news_also_of_a_purchase_never_heard_of() {
    let world = World::new().await;
    let old = transaction(&world, "1000", 0, super::apple::after(world.now(), -20));
    let reason = json!({ "consumptionRequestReason": "LEGAL" });
    tell(&world, "CONSUMPTION_REQUEST", "n1", &old, &reason).await;
    assert_eq!(world.kinds().await, [SubscriptionStarted, RefundRequested]);
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

/// What is said of a purchase that was delivered, and works.
fn delivered() -> RefundAnswer {
    RefundAnswer {
        customer_consented: Some(true),
        sample_content_provided: true,
        delivery_status: Some(DeliveryStatus::Delivered),
        consumption_percentage: Some(67_932),
        refund_preference: Some(RefundPreference::GrantProrated),
    }
}

/// Apple, *Send Consumption Information*: a `PUT` named by the transaction, with `ConsumptionRequest`; 400 with a code where a field is
/// wrong.
#[tokio::test(flavor = "multi_thread")]
async fn what_speaks_for_or_against_a_refund_is_told_to_the_app_store_while_it_waits() {
    let world = World::with_stores().await;
    let apple = &world.stores.apple.api;
    let mut coins = bought(&world, "1000");
    coins["type"] = "Consumable".into();
    coins.as_object_mut().unwrap().remove("expiresDate");
    apple.record(&coins, None, 1);
    tell(&world, "ONE_TIME_CHARGE", "n1", &coins, &json!({})).await;
    let reason = json!({ "consumptionRequestReason": "UNINTENDED_PURCHASE" });
    tell(&world, "CONSUMPTION_REQUEST", "n2", &coins, &reason).await;
    let intake = world.engine.intake();
    let asked = of_kind(&world, RefundRequested).await.remove(0);
    intake.answer_refund(&asked, &delivered()).await.unwrap();
    let said = json!({
        "customerConsented": true, "sampleContentProvided": true, "deliveryStatus": "DELIVERED", "consumptionPercentage": 67932,
        "refundPreference": "GRANT_PRORATED",
    });
    assert_eq!(apple.consumed(), [("1000".to_owned(), said)]);
    // What Apple documents to refuse is not sent, and said by field.
    let undelivered = DeliveryStatus::UndeliveredServerOutage;
    for (answer, field) in [
        (
            RefundAnswer {
                customer_consented: None,
                ..delivered()
            },
            "customer_consented",
        ),
        (
            RefundAnswer {
                customer_consented: Some(false),
                ..delivered()
            },
            "customer_consented",
        ),
        (
            RefundAnswer {
                delivery_status: None,
                ..delivered()
            },
            "delivery_status",
        ),
        (
            RefundAnswer {
                delivery_status: Some(undelivered),
                ..delivered()
            },
            "consumption_percentage",
        ),
        (
            RefundAnswer {
                consumption_percentage: None,
                ..delivered()
            },
            "consumption_percentage",
        ),
        (
            RefundAnswer {
                consumption_percentage: Some(100_000),
                ..delivered()
            },
            "consumption_percentage",
        ),
        (
            RefundAnswer {
                consumption_percentage: Some(100_001),
                ..delivered()
            },
            "consumption_percentage",
        ),
    ] {
        match intake.answer_refund(&asked, &answer).await {
            Err(RefundAnswerError::Invalid(fields)) => {
                assert_eq!(fields[0].field, field, "{answer:?}")
            }
            other => panic!("{answer:?}: {other:?}"),
        }
    }
    assert_eq!(apple.consumed().len(), 1);
    // What it refuses all the same is told in its words.
    let mut unknown = asked.clone();
    unknown.transaction.as_mut().unwrap().id = "2000".into();
    match intake.answer_refund(&unknown, &delivered()).await {
        Err(RefundAnswerError::Refused(words)) => {
            assert!(words.contains("4040010"), "{words}");
            assert!(words.contains("Transaction id not found."), "{words}");
        }
        other => panic!("{other:?}"),
    }
    world.stores.apple.set(Outage::Down);
    let down = intake.answer_refund(&asked, &delivered()).await;
    assert!(
        matches!(down, Err(RefundAnswerError::Intake(_))),
        "{down:?}"
    );
    world.stores.apple.set(Outage::None);
    // Nobody waits any more after twelve hours, and an event of another kind asks nothing.
    world.jump(world.now() + SignedDuration::from_secs(12 * 3600 + 1));
    let late = intake.answer_refund(&asked, &delivered()).await;
    assert!(
        matches!(late, Err(RefundAnswerError::TooLate(_))),
        "{late:?}"
    );
    let other = of_kind(&world, NonSubscriptionPurchase).await.remove(0);
    let other = intake.answer_refund(&other, &delivered()).await;
    assert!(
        matches!(other, Err(RefundAnswerError::NotAsked(_))),
        "{other:?}"
    );
}

/// Apple, `consumptionPercentage`: "Don't provide a consumption percentage for auto-renewable subscriptions".
#[tokio::test(flavor = "multi_thread")]
async fn how_much_of_a_subscription_was_used_the_app_store_works_out_itself() {
    let world = World::with_stores().await;
    let apple = &world.stores.apple.api;
    let bought = bought(&world, "1000");
    apple.record(&bought, Some(&renewal("1000", true)), 1);
    tell(&world, "SUBSCRIBED", "n1", &bought, &json!({})).await;
    let reason = json!({ "consumptionRequestReason": "OTHER" });
    tell(&world, "CONSUMPTION_REQUEST", "n2", &bought, &reason).await;
    let intake = world.engine.intake();
    let asked = of_kind(&world, RefundRequested).await.remove(0);
    let refused = intake.answer_refund(&asked, &delivered()).await;
    assert!(
        matches!(refused, Err(RefundAnswerError::Invalid(_))),
        "{refused:?}"
    );
    let without = RefundAnswer {
        consumption_percentage: None,
        refund_preference: Some(RefundPreference::Neutral),
        ..delivered()
    };
    intake.answer_refund(&asked, &without).await.unwrap();
    let said = json!({ "customerConsented": true, "sampleContentProvided": true, "deliveryStatus": "DELIVERED" });
    assert_eq!(apple.consumed(), [("1000".to_owned(), said)]);
}

/// Google, orders.reviewrefund: the token of the notification, whether there was a sample, and a preference are required.
#[tokio::test(flavor = "multi_thread")]
async fn what_speaks_for_or_against_a_refund_is_told_to_google_play() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    play.buy("o", "coins", "ann", world.now());
    play.change_order("GPA.o", |order| order["purchaseToken"] = "o".into());
    let review = json!({ "pendingRefundReviewNotification": {
        "version": "1.0", "pendingRefundToken": "pending-1", "orderId": "GPA.o", "refundReason": "ACCIDENTAL_PURCHASE",
    } });
    let body = play.push(&review, world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
    let intake = world.engine.intake();
    let asked = of_kind(&world, RefundRequested).await.remove(0);
    let answer = RefundAnswer {
        customer_consented: None,
        sample_content_provided: false,
        delivery_status: None,
        consumption_percentage: Some(45_200),
        refund_preference: Some(RefundPreference::GrantFull),
    };
    for (answer, field) in [
        (delivered(), "customer_consented"),
        (
            RefundAnswer {
                refund_preference: None,
                ..answer.clone()
            },
            "refund_preference",
        ),
        (
            RefundAnswer {
                refund_preference: Some(RefundPreference::GrantProrated),
                ..answer.clone()
            },
            "refund_preference",
        ),
    ] {
        match intake.answer_refund(&asked, &answer).await {
            Err(RefundAnswerError::Invalid(fields)) => {
                assert_eq!(fields[0].field, field, "{answer:?}")
            }
            other => panic!("{answer:?}: {other:?}"),
        }
    }
    intake.answer_refund(&asked, &answer).await.unwrap();
    let said = json!({
        "pendingRefundToken": "pending-1", "sampleContentProvided": false, "refundPreference": "APPROVE",
        "consumptionPercentageMilliunits": 45200,
    });
    assert_eq!(play.reviewed(), [("GPA.o".to_owned(), said)]);
}
