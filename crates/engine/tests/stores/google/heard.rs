//! How it is heard: pushes, questions, outages, what nobody understands.

use super::{DAY, after, begin, subscription, tell};
use crate::world::World;
use domain::{EventKind::*, Store};
use engine::{Accepted, IntakeError};
use jiff::SignedDuration;
use serde_json::json;
use simulator::Outage;
use sources::Incoming;

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

/// A token that Google will not speak of: what was given back the message names itself. Source: Google, "Real-time developer notifications
/// reference guide", `VoidedPurchaseNotification`.
#[tokio::test(flavor = "multi_thread")]
async fn a_void_is_acted_on_although_google_refuses_to_speak_of_its_token() {
    let world = World::with_stores().await;
    begin(&world, "v", false).await;
    let play = &world.stores.play;
    let void = |order: &str, token: &str| {
        let voided = json!({ "voidedPurchaseNotification": {
            "purchaseToken": token, "orderId": order, "productType": 1, "refundType": 1,
        } });
        play.api.push(&voided, world.now())
    };
    play.set(Outage::Refusing(400));
    world.pass(1).await;
    world.push(&void("GPA.v", "v")).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds().await,
        [SubscriptionStarted, SubscriptionRefunded]
    );
    assert!(!world.has_premium("user-v").await);
    // Of a purchase that nobody has heard of, it waits for that: what Google shows of it later need not repeat it.
    world.pass(1).await;
    let bought = subscription("w", false);
    play.api
        .subscribe(&bought, world.now(), after(world.now(), 30));
    world.push(&void("GPA.w", "w")).await.unwrap();
    world.catch_up().await;
    let kinds = world.kinds().await;
    assert_eq!(world.parked().await, 1);
    world.pass(7200).await;
    world.catch_up().await;
    assert_eq!((world.kinds().await, world.parked().await), (kinds, 1));
    play.set(Outage::None);
    world.pass(1).await;
    let body = play.api.tell(4, "w", world.now());
    world.push(&body).await.unwrap();
    world
        .pass_until(10, "what waited is taken in", async || {
            world.kinds_of("user-w").await == [SubscriptionStarted, SubscriptionRefunded]
        })
        .await;
    assert!(!world.has_premium("user-w").await);
    assert_eq!(world.parked().await, 0);
    let answers = titles(&world, "ANSWER / subscription").await;
    assert_eq!(answers, ["v", "v", "w", "w"]);
    world.rederives().await;
}

/// Nobody is waited for without end: after ninety days, of which Google shows a purchase for sixty, a void is kept without one.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_back_of_a_purchase_that_nobody_hears_of_is_kept_in_the_end() {
    let world = World::with_stores().await;
    let voided = json!({ "voidedPurchaseNotification": {
        "purchaseToken": "w", "orderId": "GPA.w", "productType": 1, "refundType": 1,
    } });
    let body = world.stores.play.api.push(&voided, world.now());
    world.push(&body).await.unwrap();
    for _ in 0..89 {
        world.pass(DAY).await;
        assert_eq!(world.parked().await, 1);
    }
    for _ in 0..4 {
        world.pass(DAY).await;
    }
    world.settled().await;
    assert_eq!(titles(&world, "ANSWER / subscription").await, ["w"]);
    assert_eq!((world.parked().await, world.kinds().await), (0, vec![]));
}

/// What the messages of this title are about, in the order in which they were processed.
async fn titles(world: &World, title: &str) -> Vec<String> {
    let ledger = world.engine.ledger();
    let archive = ledger.archive(world.project, 0, 100).await.unwrap();
    let messages = archive.into_iter().map(|archived| archived.message);
    messages
        .filter(|message| message.title == title)
        .map(|message| {
            let answer: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
            answer["question"]["id"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Asking for ever changes nothing: the message stays, with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn what_google_refuses_to_answer_is_given_up_with_the_reason() {
    let world = World::with_stores().await;
    let play = &world.stores.play;
    begin(&world, "r", false).await;
    play.set(Outage::Refusing(400));
    world.pass(1).await;
    let body = play.api.tell(4, "s", world.now());
    world.push(&body).await.unwrap();
    for _ in 0..20 {
        world.pass(2 * 3600).await;
    }
    let parked = world.engine.ledger().parked(world.project, None, None, 10);
    let parked = parked.await.unwrap();
    let [parked] = &parked[..] else {
        panic!("{parked:?}")
    };
    assert!(parked.reason.contains("answered 400"), "{parked:?}");
    assert!(
        parked.tries < 10 && after(world.now(), 3650) < parked.retry_at,
        "{parked:?}"
    );
}
