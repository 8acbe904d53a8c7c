//! Google Play through a whole engine: pushes, questions, outages.

use crate::world::World;
use domain::{EventKind::*, Store};
use engine::{Accepted, IntakeError};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use simulator::{Outage, Subscription};
use sources::Incoming;

const DAY: i64 = 86_400;

fn after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(days * DAY))
        .unwrap()
}

fn subscription(token: &str, is_trial: bool) -> Subscription {
    Subscription {
        token: token.into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 9_990_000,
        currency: "USD".into(),
        account: format!("user-{token}"),
        is_trial,
        linked: None,
    }
}

/// A running subscription whose purchase was told.
async fn begin(world: &World, token: &str, is_trial: bool) -> Timestamp {
    let ends = after(world.now(), if is_trial { 7 } else { 30 });
    let play = &world.stores.play.api;
    play.subscribe(&subscription(token, is_trial), world.now(), ends);
    tell(world, 4, token).await;
    ends
}

async fn tell(world: &World, kind: u8, token: &str) {
    world.pass(1).await;
    let body = world.stores.play.api.tell(kind, token, world.now());
    assert!(matches!(
        world.push(&body).await.unwrap(),
        Accepted::Pending { .. }
    ));
    world.settled().await;
}

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

#[tokio::test(flavor = "multi_thread")]
async fn a_life_with_trial_grace_hold_and_recovery() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let trial_ends = begin(&world, "t", true).await;
    assert_eq!(world.kinds().await, [TrialStarted]);
    assert!(
        world.has_premium("user-t").await,
        "the product without its plan unlocks it"
    );
    assert_eq!(play.acknowledged(), ["t"]);
    world.pass(7 * DAY).await;
    let ends = after(trial_ends, 30);
    play.renew("t", trial_ends, ends);
    tell(&world, 2, "t").await;
    let converted = world
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == TrialConverted)
        .unwrap();
    let charged = converted.transaction.unwrap();
    assert_eq!(
        (charged.id.as_str(), charged.price.unwrap().micros),
        ("GPA.t..0", 9_990_000)
    );
    assert_eq!(charged.purchased_at, trial_ends, "the period of the order");
    world.pass(30 * DAY).await;
    play.set_state("t", "IN_GRACE_PERIOD", Some(after(ends, 3)));
    tell(&world, 6, "t").await;
    assert!(world.has_premium("user-t").await);
    world.pass(3 * DAY).await;
    play.set_state("t", "ON_HOLD", Some(after(ends, 3)));
    tell(&world, 5, "t").await;
    assert!(!world.has_premium("user-t").await);
    world.pass(DAY).await;
    play.renew("t", world.now(), after(world.now(), 30));
    tell(&world, 1, "t").await;
    assert!(world.has_premium("user-t").await);
    assert_eq!(
        world.kinds().await,
        [
            TrialStarted,
            TrialConverted,
            BillingIssueDetected,
            EnteredGracePeriod,
            SubscriptionRenewed
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn table_of_pauses_deferrals_cancellations_and_voids() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    // Pause: asked for, begun, resumed.
    let ends = begin(&world, "p", false).await;
    tell(&world, 11, "p").await;
    tell(&world, 11, "p").await;
    world.pass(30 * DAY).await;
    play.change("p", |subscription| {
        subscription["subscriptionState"] = "SUBSCRIPTION_STATE_PAUSED".into();
        subscription["pausedStateContext"] = json!({ "autoResumeTime": "2026-06-01T00:00:00Z" });
    });
    tell(&world, 10, "p").await;
    assert!(!world.has_premium("user-p").await);
    play.renew("p", after(ends, 5), after(ends, 35));
    tell(&world, 1, "p").await;
    assert_eq!(
        world.kinds_of("user-p").await,
        [SubscriptionStarted, SubscriptionPaused, SubscriptionRenewed]
    );
    // A pause whose request was missed.
    begin(&world, "q", false).await;
    world.pass(30 * DAY).await;
    play.set_state("q", "PAUSED", None);
    tell(&world, 10, "q").await;
    assert_eq!(
        world.kinds_of("user-q").await,
        [SubscriptionStarted, SubscriptionPaused]
    );
    // Deferral.
    let ends = begin(&world, "d", false).await;
    play.set_state("d", "ACTIVE", Some(after(ends, 10)));
    tell(&world, 9, "d").await;
    assert_eq!(
        world.kinds_of("user-d").await,
        [SubscriptionStarted, SubscriptionDeferred]
    );
    // Cancel, restart, cancel, expire.
    let ends = begin(&world, "c", false).await;
    play.cancel("c", world.now());
    tell(&world, 3, "c").await;
    play.restart("c");
    tell(&world, 7, "c").await;
    play.cancel("c", world.now());
    world.pass(60).await;
    tell(&world, 3, "c").await;
    world.pass(31 * DAY).await;
    play.expire("c", "userInitiatedCancellation", ends);
    tell(&world, 13, "c").await;
    assert_eq!(
        world.kinds_of("user-c").await,
        [
            SubscriptionStarted,
            SubscriptionRenewalCancelled,
            SubscriptionRenewalReactivated,
            SubscriptionRenewalCancelled,
            SubscriptionExpired
        ]
    );
    // An order voided: the current one takes access away, with one event although told three times.
    begin(&world, "v", false).await;
    let voided = play.tell_voided("v", "GPA.v", 1, world.now());
    world.push(&voided).await.unwrap();
    world.settled().await;
    play.expire("v", "userInitiatedCancellation", world.now());
    tell(&world, 12, "v").await;
    tell(&world, 13, "v").await;
    assert_eq!(
        world.kinds_of("user-v").await,
        [SubscriptionStarted, SubscriptionRefunded]
    );
    assert!(!world.has_premium("user-v").await);
    // One-time purchases.
    play.buy("o", "coins", "user-o", world.now());
    let bought = play.tell_product(1, "o", "coins", world.now());
    world.push(&bought).await.unwrap();
    world.settled().await;
    let voided = play.tell_voided("o", "GPA.o", 2, world.now());
    world.push(&voided).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds_of("user-o").await,
        [NonSubscriptionPurchase, NonSubscriptionPurchaseRefunded]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn table_of_one_time_purchases_that_wait_are_cancelled_or_given_back_in_pieces() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let tell = async |kind: u8, token: &str| {
        world.pass(1).await;
        let body = play.tell_product(kind, token, "coins", world.now());
        world.push(&body).await.unwrap();
        world.settled().await;
    };
    // Waits for cash, then is paid; waits, then is cancelled.
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
    // Five bought, two given back, then one, each told twice and asked for once more.
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
async fn an_ending_told_late_of_a_purchase_that_runs_again_ends_nothing() {
    let world = World::with_stores().await;
    let ends = begin(&world, "l", false).await;
    let play = &world.stores.play.api;
    let late = play.tell(13, "l", world.now());
    world.pass(30 * DAY).await;
    play.renew("l", ends, after(ends, 30));
    world.push(&late).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds().await,
        [SubscriptionStarted, SubscriptionRenewed],
        "what is told is what was found"
    );
    assert!(world.has_premium("user-l").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn renewals_missed_while_nobody_listened_are_all_told() {
    let world = World::with_stores().await;
    let mut ends = begin(&world, "m", false).await;
    for _ in 0..3 {
        world.pass(30 * DAY).await;
        world.stores.play.api.renew("m", ends, after(ends, 30));
        ends = after(ends, 30);
    }
    tell(&world, 2, "m").await;
    let orders: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.kind == SubscriptionRenewed)
        .map(|event| event.transaction.unwrap().id)
        .collect();
    assert_eq!(orders, ["GPA.m..0", "GPA.m..1", "GPA.m..2"]);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_google_state_unknown_to_us_changes_nothing() {
    let world = World::with_stores().await;
    begin(&world, "u", false).await;
    world.stores.play.api.set_state("u", "SOMETHING_NEW", None);
    tell(&world, 99, "u").await;
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    assert!(world.has_premium("user-u").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_of_anybody_else_are_refused() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let body = play.tell(4, "t", world.now());
    let url = "https://t.example/callbacks/google/app";
    let genuine = play.push_authorization(url, world.now()).unwrap();
    let elsewhere = play
        .push_authorization("https://other.example", world.now())
        .unwrap();
    let old = play
        .push_authorization(
            url,
            world
                .now()
                .checked_sub(SignedDuration::from_hours(2))
                .unwrap(),
        )
        .unwrap();
    let mut forged = genuine.clone().into_bytes();
    let last = forged.len() - 10;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for authorization in [
        None,
        Some("Bearer nonsense"),
        Some(elsewhere.as_str()),
        Some(old.as_str()),
        Some(forged.as_str()),
    ] {
        let incoming = Incoming {
            body: body.as_bytes(),
            authorization,
            signature: None,
            url,
        };
        let refused = world
            .engine
            .intake()
            .accept(world.app_of(Store::PlayStore), &incoming)
            .await;
        let Err(IntakeError::Refused(refusal)) = refused else {
            panic!("{authorization:?}: {refused:?}")
        };
        assert_eq!(refusal.code.text(), "push_not_authenticated");
    }
    assert_eq!(world.parked().await, 0, "nothing of it was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_fails_loses_and_blocks_nothing() {
    for outage in [Outage::Down, Outage::Limited(5), Outage::Nonsense] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        play.subscribe(
            &subscription("t", false),
            world.now(),
            after(world.now(), 30),
        );
        // The keys that sign pushes come from the same server: they are read before it breaks.
        let warm = play.tell(4, "nobody", world.now());
        world.push(&warm).await.unwrap();
        world.stores.play.set(outage);
        let body = play.tell(4, "t", world.now());
        assert!(matches!(
            world.push(&body).await.unwrap(),
            Accepted::Pending { .. }
        ));
        // Another store's customer is not held up.
        let stated = json!({ "app_user_id": "shopper", "kind": "one_time_purchase", "product_id": "shop_gold", "transaction_id": "1", "original_transaction_id": "1", "updated_at": world.now(), "purchased_at": world.now() });
        world
            .engine
            .intake()
            .take_statement(world.app_of(Store::External), stated.to_string().as_bytes())
            .await
            .unwrap();
        assert!(world.has_premium("shopper").await);
        world.engine.idle().await;
        let ledger = world.engine.ledger();
        let waiting = ledger.parked(world.project, None, None, 10).await.unwrap();
        let found = waiting.iter().find(|parked| {
            parked.message.title == "SUBSCRIPTION_PURCHASED" && parked.reason.contains("answered")
        });
        assert!(
            found.is_some_and(|parked| parked.reason.contains("Google")),
            "{outage:?}: {waiting:?}"
        );
        world.stores.play.set(Outage::None);
        world
            .pass_until(30, "it is told", async || {
                world.kinds_of("user-t").await == [SubscriptionStarted]
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_clients_a_push_and_a_poll_at_once_give_one_event() {
    let world = std::sync::Arc::new(World::with_stores().await);
    let play = &world.stores.play.api;
    play.subscribe(
        &subscription("t", false),
        world.now(),
        after(world.now(), 30),
    );
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let world = std::sync::Arc::clone(&world);
            tokio::spawn(async move {
                if number % 2 == 0 {
                    world
                        .receipt(Store::PlayStore, "user-t", "t")
                        .await
                        .unwrap();
                } else {
                    let body = world.stores.play.api.tell(4, "t", world.now());
                    world.push(&body).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    world.settled().await;
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn table_of_linked_prepaid_and_out_of_app_purchases() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let linked = |token: &str, old: &str, plan: &str| Subscription {
        linked: Some(old.into()),
        plan: plan.into(),
        account: format!("user-{old}"),
        ..subscription(token, false)
    };
    // The same plan again, while it still runs: the cancellation is taken back, and the new order is a renewal.
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
    // A plan changed in a trial that charges nothing tells the change only.
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
    // Prepaid never renews, which is no cancellation; a top-up is a renewal.
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
    // Bought again in Play after it had expired, without identifiers of its own: its user is that of the expired token.
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

#[tokio::test(flavor = "multi_thread")]
async fn table_of_schedules_price_changes_instalments_and_old_orders() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    // Another product, chosen for the renewal.
    let ends = begin(&world, "d", false).await;
    play.change("d", |it| {
        it["lineItems"][0]["deferredItemReplacement"] = json!({ "productId": "silver" });
    });
    tell(&world, 17, "d").await;
    world.pass(30 * DAY).await;
    play.change("d", |it| {
        it["lineItems"][0]["productId"] = "silver".into();
        it["lineItems"][0]["deferredItemReplacement"] = serde_json::Value::Null;
    });
    play.renew("d", ends, after(ends, 30));
    tell(&world, 2, "d").await;
    assert_eq!(
        world.kinds_of("user-d").await,
        [
            SubscriptionStarted,
            ProductChanged,
            SubscriptionExpired,
            SubscriptionStarted
        ]
    );
    // A price increase, asked for and consented to.
    begin(&world, "p", false).await;
    for state in ["OUTSTANDING", "CONFIRMED"] {
        play.change("p", |it| {
            it["lineItems"][0]["autoRenewingPlan"]["priceChangeDetails"] =
                json!({ "priceChangeMode": "PRICE_INCREASE", "priceChangeState": state });
        });
        tell(&world, 19, "p").await;
    }
    assert_eq!(
        world.kinds_of("user-p").await,
        [
            SubscriptionStarted,
            PriceIncreasePending,
            PriceIncreaseAccepted
        ]
    );
    // Instalments: cancelled, but running until the commitment ends.
    begin(&world, "i", false).await;
    play.change("i", |it| {
        it["lineItems"][0]["autoRenewingPlan"]["installmentDetails"] =
            json!({ "pendingCancellation": {} });
    });
    tell(&world, 18, "i").await;
    assert_eq!(
        world.kinds_of("user-i").await,
        [SubscriptionStarted, SubscriptionRenewalCancelled]
    );
    assert!(world.has_premium("user-i").await);
    // An order of an earlier period is voided: told, and access stays.
    let ends = begin(&world, "v", false).await;
    world.pass(30 * DAY).await;
    play.renew("v", ends, after(ends, 30));
    tell(&world, 2, "v").await;
    let voided = play.tell_voided("v", "GPA.v", 1, world.now());
    world.pass(1).await;
    world.push(&voided).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds_of("user-v").await,
        [
            SubscriptionStarted,
            SubscriptionRenewed,
            SubscriptionRefunded
        ]
    );
    assert!(
        world.has_premium("user-v").await,
        "refund of an earlier period"
    );
    // From grace the customer cancels, and access ends with it.
    let ends = begin(&world, "g", false).await;
    world.pass(30 * DAY).await;
    play.set_state("g", "IN_GRACE_PERIOD", Some(after(ends, 3)));
    tell(&world, 6, "g").await;
    let now = world.now();
    play.cancel("g", now);
    play.expire("g", "userInitiatedCancellation", now);
    tell(&world, 3, "g").await;
    tell(&world, 13, "g").await;
    assert_eq!(
        world.kinds_of("user-g").await,
        [
            SubscriptionStarted,
            BillingIssueDetected,
            EnteredGracePeriod,
            SubscriptionRenewalCancelled,
            SubscriptionExpired
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_expires_because_its_store_does_not_answer() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "t", false).await;
    world.stores.play.set(Outage::Down);
    // A week past the end, the store silent all the time.
    world.pass(30 * DAY).await;
    for _ in 0..14 {
        world.pass(DAY / 2).await;
    }
    world.catch_up().await;
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    play.renew("t", ends, after(ends, 30));
    world.stores.play.set(Outage::None);
    // A push says so at last; whatever else was due is asked by itself.
    tell(&world, 2, "t").await;
    assert_eq!(
        world.kinds().await,
        [SubscriptionStarted, SubscriptionRenewed]
    );
}
