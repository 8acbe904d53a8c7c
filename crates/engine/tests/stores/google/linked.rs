//! Purchases that wait, take the place of others, or are made outside the app.

use super::{DAY, after, begin, subscription, tell};
use crate::world::World;
use domain::{EventKind::*, Store};
use serde_json::json;
use simulator::Subscription;

/// Google, purchases.subscriptions.acknowledge: one token, whatever the names of what was bought with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_of_several_products_is_acknowledged_by_the_name_of_each() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = after(world.now(), 30);
    play.subscribe(&subscription("t", false), world.now(), ends);
    play.change("t", |subscription| {
        let mut further = subscription["lineItems"][0].clone();
        further["productId"] = "addon".into();
        subscription["lineItems"]
            .as_array_mut()
            .unwrap()
            .insert(0, further);
    });
    tell(&world, 4, "t").await;
    assert_eq!(play.acknowledged_products(), ["addon", "gold"]);
    // Once it is, it is not again.
    tell(&world, 2, "t").await;
    assert_eq!(play.acknowledged(), ["t", "t"]);
}

/// Waits for cash, then is paid; waits, then is cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_purchase_that_waits_is_told_once_it_is_paid_and_not_when_it_is_cancelled() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let tell = async |kind: u8, token: &str| {
        world.pass(1).await;
        let body = play.tell_product(kind, token, "coins", world.now());
        world.push(&body).await.unwrap();
        world.settled().await;
    };
    for token in ["w", "x"] {
        play.buy(token, "coins", &format!("user-{token}"), world.now());
        play.change_product(token, |product| {
            product["purchaseStateContext"] = json!({ "purchaseState": "PENDING" });
        });
        tell(1, token).await;
    }
    assert_eq!(world.kinds().await, []);
    for (token, state, kind) in [("w", "PURCHASED", 1), ("x", "CANCELLED", 2)] {
        play.change_product(token, |product| {
            product["purchaseStateContext"] = json!({ "purchaseState": state });
        });
        tell(kind, token).await;
    }
    assert_eq!(world.kinds().await, [NonSubscriptionPurchase]);
    world.rederives().await;
}

/// Five bought, two given back, then one, each told twice and asked for once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_purchase_of_several_is_given_back_in_pieces() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let tell = async |kind: u8, token: &str| {
        world.pass(1).await;
        let body = play.tell_product(kind, token, "coins", world.now());
        world.push(&body).await.unwrap();
        world.settled().await;
    };
    play.buy("q", "coins", "user-q", world.now());
    let left = |left: u32| {
        play.change_product("q", |product| {
            let details = &mut product["productLineItem"][0]["productOfferDetails"];
            details["quantity"] = 5.into();
            details["refundableQuantity"] = left.into();
        });
    };
    left(5);
    tell(1, "q").await;
    for remaining in [3, 2] {
        left(remaining);
        play.change_order("GPA.q", |order| {
            order["state"] = "PARTIALLY_REFUNDED".into();
        });
        for _ in 0..2 {
            world.pass(1).await;
            let voided = play.push(
                &json!({ "voidedPurchaseNotification": { "purchaseToken": "q", "orderId": "GPA.q", "productType": 2, "refundType": 2 } }),
                world.now(),
            );
            world.push(&voided).await.unwrap();
            world.settled().await;
        }
        world
            .receipt(Store::PlayStore, "user-q", "q")
            .await
            .unwrap();
    }
    let events = world.events().await;
    let quantities: Vec<_> = events
        .iter()
        .filter(|event| event.customer.answers_to("user-q"))
        .filter(|event| event.kind != AccessLevelUpdated)
        .map(|event| (event.kind, event.transaction.as_ref().unwrap().quantity))
        .collect();
    assert_eq!(
        quantities,
        [
            (NonSubscriptionPurchase, 5),
            (NonSubscriptionPurchaseRefunded, 2),
            (NonSubscriptionPurchaseRefunded, 1)
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_purchase_token_in_both_orders() {
    for new_first in [true, false] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        begin(&world, "a", false).await;
        world.pass(DAY).await;
        let change = Subscription {
            linked: Some("a".into()),
            plan: "yearly".into(),
            account: "user-a".into(),
            ..subscription("b", false)
        };
        play.subscribe(&change, world.now(), after(world.now(), 365));
        let order = if new_first {
            [(4, "b"), (13, "a")]
        } else {
            [(13, "a"), (4, "b")]
        };
        for (kind, token) in order {
            tell(&world, kind, token).await;
        }
        assert_eq!(
            world.kinds().await,
            [
                SubscriptionStarted,
                ProductChanged,
                SubscriptionRefunded,
                SubscriptionStarted
            ],
            "new token first: {new_first}"
        );
        assert!(world.has_premium("user-a").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_then_cancelled_tells_nothing_and_pending_then_paid_starts() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    for (token, paid) in [("x", false), ("y", true)] {
        play.subscribe(
            &subscription(token, false),
            world.now(),
            after(world.now(), 30),
        );
        play.set_state(token, "PENDING", None);
        tell(&world, 4, token).await;
        assert!(!world.has_premium(&format!("user-{token}")).await);
        play.set_state(
            token,
            if paid {
                "ACTIVE"
            } else {
                "PENDING_PURCHASE_CANCELED"
            },
            None,
        );
        tell(&world, if paid { 4 } else { 20 }, token).await;
    }
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
}

/// One that takes the place of another.
pub(super) fn linked(token: &str, old: &str, plan: &str) -> Subscription {
    Subscription {
        linked: Some(old.into()),
        plan: plan.into(),
        account: format!("user-{old}"),
        ..subscription(token, false)
    }
}

/// The same plan again, while it still runs: the cancellation is taken back, and the new order is a renewal.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_plan_bought_again_while_it_runs_is_a_renewal() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    begin(&world, "s1", false).await;
    play.cancel("s1", world.now());
    tell(&world, 3, "s1").await;
    world.pass(DAY).await;
    play.subscribe(
        &linked("s2", "s1", "monthly"),
        world.now(),
        after(world.now(), 30),
    );
    tell(&world, 4, "s2").await;
    tell(&world, 13, "s1").await;
    let told = world.kinds_of("user-s1").await;
    assert_eq!(
        told[..2],
        [SubscriptionStarted, SubscriptionRenewalCancelled]
    );
    assert!(
        told.contains(&SubscriptionRenewalReactivated)
            && told.contains(&SubscriptionRenewed)
            && told.len() == 4,
        "{told:?}"
    );
}

/// A plan changed in a trial that charges nothing tells the change only.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_changed_in_a_trial_that_charges_nothing_tells_the_change_only() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    begin(&world, "f1", true).await;
    world.pass(DAY).await;
    let free = Subscription {
        is_trial: true,
        ..linked("f2", "f1", "yearly")
    };
    play.subscribe(&free, world.now(), after(world.now(), 6));
    tell(&world, 4, "f2").await;
    assert_eq!(
        world.kinds_of("user-f1").await,
        [TrialStarted, ProductChanged]
    );
}

/// Prepaid never renews, which is no cancellation; a top-up is a renewal.
#[tokio::test(flavor = "multi_thread")]
async fn prepaid_never_renews_and_a_top_up_is_a_renewal() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let prepaid = |token: &str| {
        play.change(token, |it| {
            if let Some(line) = it["lineItems"][0].as_object_mut() {
                line.remove("autoRenewingPlan");
                line.insert("prepaidPlan".into(), json!({}));
            }
        });
    };
    play.subscribe(
        &subscription("p1", false),
        world.now(),
        after(world.now(), 30),
    );
    prepaid("p1");
    tell(&world, 4, "p1").await;
    play.subscribe(
        &linked("p2", "p1", "monthly"),
        world.now(),
        after(world.now(), 60),
    );
    prepaid("p2");
    tell(&world, 4, "p2").await;
    assert_eq!(
        world.kinds_of("user-p1").await,
        [SubscriptionStarted, SubscriptionRenewed]
    );
}

/// Bought again in Play after it had expired, without identifiers of its own: its user is that of the expired token.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_bought_again_in_play_is_of_the_user_of_the_expired_token() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "o1", false).await;
    world.pass(31 * DAY).await;
    play.expire("o1", "userInitiatedCancellation", ends);
    tell(&world, 13, "o1").await;
    play.subscribe(
        &Subscription {
            account: String::new(),
            ..subscription("o2", false)
        },
        world.now(),
        after(world.now(), 30),
    );
    play.change("o2", |it| {
        it["externalAccountIdentifiers"] = serde_json::Value::Null;
        it["outOfAppPurchaseContext"] = json!({ "expiredPurchaseToken": "o1", "expiredExternalAccountIdentifiers": { "obfuscatedExternalAccountId": "user-o1" } });
    });
    tell(&world, 4, "o2").await;
    let told = world.kinds_of("user-o1").await;
    assert_eq!(
        (told.first(), told.last()),
        (Some(&SubscriptionStarted), Some(&SubscriptionRenewed)),
        "{told:?}"
    );
    assert!(world.has_premium("user-o1").await);
}

/// A leg that names nobody is no purchase of whom an earlier one named.
#[tokio::test(flavor = "multi_thread")]
async fn a_leg_without_a_name_stays_with_whom_a_key_gave_the_purchase_to() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "t", false).await;
    let sent = world.vouched_receipt(Store::PlayStore, "bob", "t");
    sent.await.unwrap();
    world.pass(DAY).await;
    let nameless = Subscription {
        account: String::new(),
        linked: Some("t".into()),
        product: "silver".into(),
        ..subscription("t2", false)
    };
    play.subscribe(&nameless, world.now(), ends);
    play.change("t2", |purchase| {
        purchase["externalAccountIdentifiers"] = json!(null);
    });
    tell(&world, 4, "t2").await;
    let told = world.kinds_of("user-t").await;
    assert!(!told.contains(&Transfer), "{told:?}");
    assert!(world.has_premium("bob").await && !world.has_premium("user-t").await);
    world.rederives().await;
}

/// A product that is to follow at the renewal is bought under a token of its own, and whoever bought it is named by that: until the renewal it
/// shows the order of the old one, and the renewal itself names nobody anew. Source: Google, "Subscription upgrade or downgrade", DEFERRED.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_plans_another_product_under_another_account_has_the_purchase() {
    for behaviour in ["transfer", "keep"] {
        let world = World::with_stores_and(&json!({ "transfer_behaviour": behaviour })).await;
        let play = &world.stores.play.api;
        let ends = begin(&world, "a", false).await;
        world.pass(DAY).await;
        let changed = world.now();
        let planned = Subscription {
            account: "bob".into(),
            product: "silver".into(),
            ..linked("b", "a", "monthly")
        };
        let old = play.subscription("a").unwrap();
        play.subscribe(&planned, changed, ends);
        play.change("b", |it| {
            let mut runs = old["lineItems"][0].clone();
            runs["autoRenewingPlan"] = json!({});
            runs["deferredItemReplacement"] = json!({ "productId": "silver" });
            let mut next = it["lineItems"][0].take();
            next.as_object_mut().unwrap().retain(|field, _| {
                !["expiryTime", "latestSuccessfulOrderId"].contains(&field.as_str())
            });
            it["lineItems"] = json!([next, runs]);
            it["latestOrderId"] = "GPA.a".into();
        });
        tell(&world, 13, "a").await;
        tell(&world, 4, "b").await;
        // Told again, it passes nothing anew.
        tell(&world, 19, "b").await;
        let (ann, bob) = (world.kinds_of("user-a").await, world.kinds_of("bob").await);
        if behaviour == "transfer" {
            assert_eq!(
                (&ann[..], &bob[..]),
                (&[SubscriptionStarted][..], &[Transfer, ProductChanged][..])
            );
            assert!(world.has_premium("bob").await && !world.has_premium("user-a").await);
        } else {
            assert_eq!(
                (&ann[..], &bob[..]),
                (&[SubscriptionStarted, ProductChanged][..], &[][..])
            );
            assert!(world.has_premium("user-a").await && !world.has_premium("bob").await);
        }
        world.rederives().await;
    }
}

/// An empty link leads nowhere, and an empty order is none.
#[tokio::test(flavor = "multi_thread")]
async fn purchases_without_a_predecessor_have_nothing_in_common() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    for token in ["x", "y"] {
        let new = subscription(token, false);
        play.subscribe(&new, world.now(), after(world.now(), 30));
        play.change(token, |it| it["linkedPurchaseToken"] = "".into());
        tell(&world, 4, token).await;
    }
    assert_eq!(world.kinds_of("user-x").await, [SubscriptionStarted]);
    assert_eq!(world.kinds_of("user-y").await, [SubscriptionStarted]);
    assert!(world.has_premium("user-x").await && world.has_premium("user-y").await);
    // One that is not paid for yet.
    let new = subscription("z", false);
    play.subscribe(&new, world.now(), after(world.now(), 30));
    play.change("z", |it| {
        it["subscriptionState"] = "SUBSCRIPTION_STATE_ON_HOLD".into();
        it["lineItems"][0]["latestSuccessfulOrderId"] = "".into();
    });
    tell(&world, 5, "z").await;
    assert_eq!(world.kinds_of("user-z").await, []);
}

/// Source: Google, purchases.subscriptionsv2, `outOfAppPurchaseContext`: what is bought in the Play subscription centre after an end names
/// the token that had expired, which can be read for sixty days.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_no_beginning_although_google_has_forgotten_what_had_expired() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = after(world.now(), 30);
    play.subscribe(&subscription("n", false), world.now(), ends);
    play.change("n", |subscription| {
        subscription["outOfAppPurchaseContext"] = json!({ "expiredPurchaseToken": "gone" });
    });
    tell(&world, 4, "n").await;
    assert_eq!(world.kinds().await, [SubscriptionRenewed]);
    world.rederives().await;
}
