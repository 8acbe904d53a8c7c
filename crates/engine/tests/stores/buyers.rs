//! Subscriptions bought anew under another of the app's accounts.
//!
//! Source: Apple, JWSTransactionDecodedPayload, `appAccountToken` and `transactionReason`; RevenueCat docs, "Restoring
//! Purchases", transfer behavior.

use super::apple::{after, notification, renewal, signed, transaction};
use crate::{
    gate::Gate,
    world::{DAY, World},
};
use domain::{EventKind::*, Store};
use engine::Accepted;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

/// A period of chain 1000 that the customer bought or that was renewed, under an account.
fn period(world: &World, id: &str, start: Timestamp, reason: &str, account: &str) -> Value {
    let mut bought = transaction(world, "1000", 0, start);
    bought["transactionId"] = id.into();
    bought["originalTransactionId"] = "1000".into();
    bought["transactionReason"] = reason.into();
    bought["appAccountToken"] = account.into();
    bought
}

async fn tell(world: &World, id: &str, bought: &Value, renewal: &Value, status: u8) {
    let body = notification(world, id, bought, renewal, status);
    world.tell(&body).await.unwrap();
    world.settled().await;
}

/// A world in which ann's subscription has run out.
async fn lapsed(behaviour: &str) -> World {
    let world = World::with_stores_and(&json!({ "transfer_behaviour": behaviour })).await;
    let first = period(&world, "1000", world.now(), "PURCHASE", "ann");
    tell(&world, "n1", &first, &renewal("1000", true), 1).await;
    world.jump(after(world.now(), 31));
    let mut over = renewal("1000", false);
    over["expirationIntent"] = 1.into();
    tell(&world, "n2", &first, &over, 2).await;
    assert!(!world.has_premium("ann").await);
    world.jump(after(world.now(), 1));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_resubscribes_under_another_account_has_the_purchase_and_hears_of_it() {
    let world = lapsed("transfer").await;
    let anew = period(&world, "1001", world.now(), "PURCHASE", "bob");
    tell(&world, "n3", &anew, &renewal("1000", true), 1).await;
    assert_eq!(world.kinds_of("bob").await, [Transfer, SubscriptionRenewed]);
    assert_eq!(
        world.kinds_of("ann").await,
        [SubscriptionStarted, SubscriptionExpired],
        "nothing of it is told to who had it before"
    );
    assert!(world.has_premium("bob").await && !world.has_premium("ann").await);
    // A renewal repeats the account that the subscription began with; the same purchase told again takes nothing back.
    world.jump(world.now() + jiff::SignedDuration::from_secs(30 * DAY));
    let renewed = period(&world, "1002", world.now(), "RENEWAL", "ann");
    tell(&world, "n4", &renewed, &renewal("1000", true), 1).await;
    tell(&world, "n5", &anew, &renewal("1000", true), 1).await;
    assert!(world.has_premium("bob").await && !world.has_premium("ann").await);
    assert_eq!(
        world.kinds_of("bob").await,
        [Transfer, SubscriptionRenewed, SubscriptionRenewed]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_comes_before_the_notification_names_the_buyer_as_well() {
    let world = lapsed("transfer").await;
    let anew = period(&world, "1001", world.now(), "PURCHASE", "bob");
    world
        .stores
        .apple
        .api
        .record(&anew, Some(&renewal("1000", true)), 1);
    let sent = signed(&world, &anew);
    world.receipt(Store::AppStore, "bob", &sent).await.unwrap();
    world.settled().await;
    assert_eq!(world.kinds_of("bob").await, [Transfer, SubscriptionRenewed]);
    assert_eq!(
        world.kinds_of("ann").await,
        [SubscriptionStarted, SubscriptionExpired]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_keeps_purchases_keeps_this_one_with_its_owner() {
    let world = lapsed("keep").await;
    let anew = period(&world, "1001", world.now(), "PURCHASE", "bob");
    tell(&world, "n3", &anew, &renewal("1000", true), 1).await;
    assert_eq!(
        world.kinds_of("ann").await,
        [
            SubscriptionStarted,
            SubscriptionExpired,
            SubscriptionRenewed
        ]
    );
    assert!(world.has_premium("ann").await && !world.has_premium("bob").await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_moves_purchases_only_when_they_have_ended_moves_this_one() {
    let world = lapsed("transfer_if_inactive").await;
    let anew = period(&world, "1001", world.now(), "PURCHASE", "bob");
    tell(&world, "n3", &anew, &renewal("1000", true), 1).await;
    assert_eq!(world.kinds_of("bob").await, [Transfer, SubscriptionRenewed]);
    world.rederives().await;
}

/// A history names whom an older purchase was made for, and the newest nobody.
#[tokio::test(flavor = "multi_thread")]
async fn one_bought_anew_without_a_name_stays_with_whom_a_key_gave_the_purchase_to() {
    let world = World::with_stores().await;
    let apple = &world.stores.apple.api;
    let first = period(&world, "1000", world.now(), "PURCHASE", "ann");
    apple.record(&first, Some(&renewal("1000", true)), 1);
    tell(&world, "n1", &first, &renewal("1000", true), 1).await;
    let sent = world.vouched_receipt(Store::AppStore, "bob", "1000");
    sent.await.unwrap();
    world.settled().await;
    world.jump(after(world.now(), 40));
    let mut anew = period(&world, "1001", world.now(), "PURCHASE", "");
    anew.as_object_mut().unwrap().remove("appAccountToken");
    apple.record(&anew, Some(&renewal("1000", true)), 1);
    world.pass(60).await;
    let sent = world.vouched_receipt(Store::AppStore, "bob", "1001");
    sent.await.unwrap();
    world.settled().await;
    let moves = world.kinds_of("ann").await;
    assert!(!moves.contains(&Transfer), "{moves:?}");
    let told = world.kinds_of("bob").await;
    assert_eq!(told.last(), Some(&SubscriptionRenewed), "{told:?}");
    assert!(world.has_premium("bob").await && !world.has_premium("ann").await);
    world.rederives().await;
}

/// A purchase of chain `chain` without a name, by the Apple account 7000.
fn nameless(world: &World, chain: &str) -> Value {
    let mut bought = transaction(world, chain, 0, world.now());
    bought["appTransactionId"] = "704900000000009".into();
    bought
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_of_one_apple_account_that_name_nobody_are_one_customers() {
    let world = World::new().await;
    for (id, chain) in [("n1", "1000"), ("n2", "2000")] {
        tell(
            &world,
            id,
            &nameless(&world, chain),
            &renewal(chain, true),
            1,
        )
        .await;
    }
    let events = world.events().await;
    let first = events[0].customer.clone();
    assert!(first.is_anonymous());
    assert!(events.iter().all(|event| event.customer.id == first.id));
    // Another account is another customer.
    let mut other = nameless(&world, "3000");
    other["appTransactionId"] = "704900000000010".into();
    tell(&world, "n3", &other, &renewal("3000", true), 1).await;
    let last = world.events().await.pop().unwrap();
    assert_ne!(last.customer.id, first.id);
    // One that says nothing has a customer of its own: 0 is no account.
    for (id, chain) in [("n4", "4000"), ("n5", "5000")] {
        let mut none = nameless(&world, chain);
        none["appTransactionId"] = "0".into();
        tell(&world, id, &none, &renewal(chain, true), 1).await;
    }
    let events = world.events().await;
    let customers: BTreeSet<_> = events.iter().map(|event| event.customer.id).collect();
    assert_eq!(customers.len(), 4);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_named_by_a_later_purchase_has_those_that_named_nobody() {
    let world = World::new().await;
    tell(
        &world,
        "n1",
        &nameless(&world, "1000"),
        &renewal("1000", true),
        1,
    )
    .await;
    let mut named = nameless(&world, "2000");
    named["appAccountToken"] = "ann".into();
    world.jump(after(world.now(), 1));
    tell(&world, "n2", &named, &renewal("2000", true), 1).await;
    // And one after it, which names nobody again.
    tell(
        &world,
        "n3",
        &nameless(&world, "3000"),
        &renewal("3000", true),
        1,
    )
    .await;
    // Somebody else of the app buys with the same account.
    let mut other = nameless(&world, "4000");
    other["appAccountToken"] = "bob".into();
    tell(&world, "n4", &other, &renewal("4000", true), 1).await;
    let ledger = world.engine.ledger();
    let chains = async |who: &str| {
        let record = ledger.customer(world.project, who).await.unwrap().unwrap();
        let mut chains: Vec<_> = record
            .purchases
            .iter()
            .map(|owned| owned.chain.id.clone())
            .collect();
        chains.sort();
        chains
    };
    assert_eq!(chains("ann").await, ["1000", "2000", "3000"]);
    assert_eq!(chains("bob").await, ["4000"]);
    world.rederives().await;
}

/// A message is taken in, and its server is gone before it does anything that follows the commit.
async fn crashes_after_the_commit(world: &Arc<World>, gate: &Gate, body: String) {
    gate.detain("commit");
    let telling = Arc::clone(world);
    let told = tokio::spawn(async move { telling.tell(&body).await });
    gate.holds("commit").await;
    told.abort();
    drop(told.await);
    gate.open("commit");
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_nameless_is_found_when_the_message_is_told_again() {
    for is_more_heard in [false, true] {
        let (world, gate) = World::gated_and_quiet().await;
        let world = Arc::new(world);
        let chains = async |who: &str| {
            let ledger = world.engine.ledger();
            let record = ledger.customer(world.project, who).await.unwrap().unwrap();
            let chains = record.purchases.iter().map(|owned| &owned.chain.id);
            chains.cloned().collect::<BTreeSet<_>>()
        };
        let first = nameless(&world, "1000");
        tell(&world, "n1", &first, &renewal("1000", true), 1).await;
        world.jump(after(world.now(), 1));
        let mut named = nameless(&world, "2000");
        named["appAccountToken"] = "ann".into();
        let second = notification(&world, "n2", &named, &renewal("2000", true), 1);
        crashes_after_the_commit(&world, &gate, second.clone()).await;
        assert_eq!(chains("ann").await, ["2000".to_owned()].into());
        world.jump(after(world.now(), 1));
        if is_more_heard {
            // By then another message of the same purchase was taken in.
            tell(&world, "n3", &named, &renewal("2000", false), 1).await;
        }
        let events = world.events().await.len();
        let again = world.tell(&second).await.unwrap();
        world.settled().await;
        let both = BTreeSet::from(["1000".to_owned(), "2000".to_owned()]);
        assert_eq!(chains("ann").await, both, "{is_more_heard}: {again:?}");
        let told = world.events().await;
        assert!(
            told[events..]
                .iter()
                .all(|event| event.kind != SubscriptionStarted)
        );
        assert!(matches!(world.tell(&second).await, Ok(Accepted::Duplicate)));
        assert_eq!(world.events().await.len(), told.len(), "once");
        if !is_more_heard {
            world.rederives().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_nobody_is_not_of_whom_an_earlier_purchase_named_however_often_that_is_told() {
    let world = World::new().await;
    let mut named = nameless(&world, "1000");
    named["appAccountToken"] = "ann".into();
    let first = notification(&world, "n1", &named, &renewal("1000", true), 1);
    world.tell(&first).await.unwrap();
    world.jump(after(world.now(), 1));
    tell(
        &world,
        "n2",
        &nameless(&world, "2000"),
        &renewal("2000", true),
        1,
    )
    .await;
    world.jump(after(world.now(), 1));
    let off = notification(&world, "n3", &named, &renewal("1000", false), 1);
    world.tell(&off).await.unwrap();
    for body in [first, off] {
        let again = world.tell(&body).await;
        assert!(matches!(again, Ok(Accepted::Duplicate)), "{again:?}");
    }
    let ledger = world.engine.ledger();
    let ann = ledger
        .customer(world.project, "ann")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ann.purchases.len(), 1);
    world.rederives().await;
}
