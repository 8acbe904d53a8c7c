//! What is told to a store that asked.

use super::{bought, of_kind, tell};
use crate::{stores::apple::renewal, world::World};
use domain::{Event, EventKind::*};
use engine::RefundAnswerError;
use jiff::SignedDuration;
use serde_json::json;
use simulator::{Outage, Subscription};
use sources::{DeliveryStatus, RefundAnswer, RefundPreference};

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
                assert_eq!(fields[0].field, field, "{answer:?}");
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
                assert_eq!(fields[0].field, field, "{answer:?}");
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

/// A review of an order, pushed.
async fn reviewed(world: &World, order: &str, account: Option<&str>) {
    let mut review = json!({ "pendingRefundReviewNotification": {
        "version": "1.0", "pendingRefundToken": "pending-1", "orderId": order, "refundReason": "ACCIDENTAL_PURCHASE",
    } });
    if let Some(account) = account {
        review["pendingRefundReviewNotification"]["obfuscatedAccountId"] = account.into();
    }
    let body = world.stores.play.api.push(&review, world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
}

/// The only one that is asked about can be answered, and names its order.
async fn can_be_answered(world: &World, order: &str) -> Event {
    assert_eq!(world.parked().await, 0);
    let [asked] = &of_kind(world, RefundRequested).await[..] else {
        panic!("{:?}", world.kinds().await);
    };
    let answer = RefundAnswer {
        customer_consented: None,
        sample_content_provided: false,
        delivery_status: None,
        consumption_percentage: None,
        refund_preference: Some(RefundPreference::Decline),
    };
    let intake = world.engine.intake();
    intake.answer_refund(asked, &answer).await.unwrap();
    let said = world.stores.play.api.reviewed();
    let [(named, said)] = &said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(
        (named.as_str(), &said["pendingRefundToken"]),
        (order, &json!("pending-1"))
    );
    asked.clone()
}

/// Google, "Real-time developer notifications reference guide", `PendingRefundReviewNotification`: it names the order and the app's account. Orders
/// are shown to nobody without financial rights.
#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_told_and_answered_also_by_who_may_not_see_orders() {
    for (is_known, account) in [
        (true, None),
        (true, Some("eve")),
        (false, Some("eve")),
        (false, None),
    ] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        play.hide_money();
        play.buy("o", "coins", "eve", world.now());
        if is_known {
            let body = play.tell_product(1, "o", "coins", world.now());
            world.push(&body).await.unwrap();
            world.settled().await;
        }
        reviewed(&world, "GPA.o", account).await;
        // Told twice, it is one.
        reviewed(&world, "GPA.o", account).await;
        let asked = can_be_answered(&world, "GPA.o").await;
        let is_eve = asked.customer.answers_to("eve");
        assert_eq!(is_eve, is_known || account.is_some());
        let of_it = asked.transaction.map(|transaction| transaction.id);
        assert_eq!(of_it.as_deref(), is_known.then_some("GPA.o"));
        world.rederives().await;
    }
}

/// Of a long life only the last orders are read. What is asked about an earlier one is told of the same purchase.
#[tokio::test(flavor = "multi_thread")]
async fn a_review_of_an_order_that_nobody_has_read_can_be_answered() {
    for hides_money in [false, true] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        if hides_money {
            play.hide_money();
        }
        let began = world.now();
        let month = |number: i64| began + SignedDuration::from_hours(24 * 30 * number);
        play.subscribe(
            &Subscription {
                token: "t".into(),
                product: "gold".into(),
                plan: "monthly".into(),
                price_micros: 9_990_000,
                currency: "USD".into(),
                account: "ann".into(),
                is_trial: false,
                linked: None,
            },
            began,
            month(1),
        );
        for number in 1..20 {
            play.renew("t", month(number), month(number + 1));
        }
        play.change_order("GPA.t..2", |order| order["purchaseToken"] = "t".into());
        world.jump(month(19) + SignedDuration::from_hours(1));
        let body = play.tell(2, "t", world.now());
        world.push(&body).await.unwrap();
        world.settled().await;
        assert_eq!(world.kinds_of("ann").await, [SubscriptionRenewed]);
        world.pass(60).await;
        reviewed(&world, "GPA.t..2", Some("ann")).await;
        let asked = can_be_answered(&world, "GPA.t..2").await;
        assert!(asked.customer.answers_to("ann"));
        assert_eq!(asked.purchase.unwrap().chain, "t");
        assert_eq!(world.kinds().await, [SubscriptionRenewed, RefundRequested]);
        world.rederives().await;
    }
}
