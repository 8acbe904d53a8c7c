//! Names, and customers that become one.

use super::{push, restore, sell};
use crate::world::World;
use domain::{EventKind::*, Store, attribute::Write};
use engine::{CustomerError, IntakeError};
use serde_json::json;
use sources::{Receipt, Sender};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_owner_always_becomes_an_alias() {
    let world = World::with_stores_and(&json!({ "transfer_behaviour": "keep" })).await;
    sell(&world, "t", "");
    push(&world, 4, "t").await;
    restore(&world, "ann", "t").await.unwrap();
    assert!(world.has_premium("ann").await);
    assert_eq!(
        world.kinds().await,
        [SubscriptionStarted],
        "no transfer: it is the same person"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn identify_merges_an_anonymous_customer_once() {
    let world = World::with_stores().await;
    let anonymous = |digit: char| format!("$RCAnonymousID:{}", String::from(digit).repeat(32));
    sell(&world, "t", "");
    restore(&world, &anonymous('a'), "t").await.unwrap();
    let write = |value: &str| {
        [Write {
            key: "color".into(),
            value: Some(value.into()),
            written_at: None,
        }]
    };
    world
        .engine
        .customers()
        .write_attributes(world.project, &anonymous('a'), &write("red"))
        .await
        .unwrap();
    let merged = world
        .engine
        .customers()
        .identify(world.project, &anonymous('a'), "ann")
        .await
        .unwrap();
    assert!(merged.is_alias && merged.profile.is_new);
    assert!(world.has_premium("ann").await && world.has_premium(&anonymous('a')).await);
    assert_eq!(merged.profile.record.customer.attributes["color"], "red");
    let second = world
        .engine
        .customers()
        .identify(world.project, &anonymous('b'), "ann")
        .await
        .unwrap();
    assert!(
        !second.is_alias && !second.profile.is_new,
        "Ann has an anonymous alias already: only a switch"
    );
    let named = world
        .engine
        .customers()
        .identify(world.project, "ann", "bob")
        .await
        .unwrap();
    assert!(
        !named.is_alias && named.profile.is_new,
        "two named customers are never merged"
    );
    assert!(!world.has_premium("bob").await);
    for nobody in ["", "null", "a\nb", "anonymous"] {
        assert!(
            matches!(
                world
                    .engine
                    .customers()
                    .profile(world.project, nobody)
                    .await,
                Err(CustomerError::Intake(IntakeError::Name(..)))
            ),
            "{nobody:?}"
        );
    }
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_name_of_somebody_named_merges_nobody() {
    let world = World::with_stores().await;
    let customers = world.engine.customers();
    let device = format!("$RCAnonymousID:{}", "a".repeat(32));
    let ann = customers.identify(world.project, &device, "ann").await;
    assert!(ann.unwrap().is_alias);
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    for expected_new in [true, false] {
        let bob = customers.identify(world.project, &device, "bob").await;
        let bob = bob.unwrap();
        assert_eq!((bob.is_alias, bob.profile.is_new), (false, expected_new));
        assert_eq!(bob.profile.record.customer.app_user_id, "bob");
        assert!(bob.profile.record.purchases.is_empty());
    }
    assert!(world.has_premium("ann").await && !world.has_premium("bob").await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_an_anonymous_customer_is_to_become_it_becomes_one() {
    let world = World::with_stores().await;
    let device = format!("$RCAnonymousID:{}", "a".repeat(32));
    let names: Vec<_> = (0..8).map(|number| format!("customer-{number}")).collect();
    for name in names.iter().chain([&device]) {
        let made = world.engine.customers().profile(world.project, name).await;
        made.unwrap();
    }
    let asked = names.clone().into_iter().map(|name| {
        let (engine, project, device) = (world.engine.clone(), world.project, device.clone());
        tokio::spawn(async move { engine.customers().identify(project, &device, &name).await })
    });
    for answer in asked.collect::<Vec<_>>() {
        // Whoever came between is told to ask again, and then switches.
        if let Err(error) = answer.await.unwrap() {
            let contended = CustomerError::Intake(IntakeError::Contended);
            assert_eq!(error.to_string(), contended.to_string());
        }
    }
    let mut became = 0;
    for name in &names {
        let profile = world.engine.customers().profile(world.project, name).await;
        let customer = profile.unwrap().record.customer;
        assert_eq!(&customer.app_user_id, name, "it is still itself");
        became += usize::from(customer.answers_to(&device));
    }
    assert_eq!(became, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_store_carries_for_nobody_is_nobodys_name() {
    let long = "a".repeat(256);
    for nobody in ["null", "undefined", "0", " ", "a/b", "a\nb", &long] {
        let world = World::with_stores().await;
        sell(&world, "t", nobody);
        push(&world, 4, "t").await;
        let owner = world.events().await.remove(0).customer;
        assert!(owner.is_anonymous(), "{nobody:?}: {owner:?}");
        // Nobody else bought it: whoever has the purchase may have it.
        restore(&world, "ann", "t").await.unwrap();
        assert!(world.has_premium("ann").await, "{nobody:?}");
        world.rederives().await;
    }
}

/// `purchases-android` sends the hash of the customer's name, in base64, which may have a slash: that of ann has.
#[tokio::test(flavor = "multi_thread")]
async fn a_hash_with_a_slash_stands_for_its_customer_and_is_no_name() {
    const HASH: &str = "SZFeDX1LQC4wF9AQvBwOg8rGx5fWwW5mNA/jJoaTpqE=";
    let world = World::with_stores().await;
    for token in ["t", "u"] {
        sell(&world, token, HASH);
        push(&world, 4, token).await;
    }
    let owners: BTreeSet<_> = world
        .events()
        .await
        .into_iter()
        .map(|event| event.customer.app_user_id)
        .collect();
    assert!(
        owners.len() == 1 && owners.iter().all(|owner| owner.starts_with("$anonymous:")),
        "{owners:?}"
    );
    let refused = restore(&world, "bob", "t").await;
    assert!(
        matches!(refused, Err(IntakeError::OwnedByAnother)),
        "{refused:?}"
    );
    restore(&world, "ann", "t").await.unwrap();
    assert!(world.has_premium("ann").await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_purchase_is_sent_in_or_imported_for_a_name_that_only_we_give() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    push(&world, 4, "t").await;
    let ours = world.events().await[0].customer.app_user_id.clone();
    assert!(ours.starts_with("$anonymous:"), "{ours}");
    for name in [&ours, "$anonymous:x", "$deleted:x"] {
        let sent = world.vouched_receipt(Store::PlayStore, name, "t").await;
        assert!(matches!(sent, Err(IntakeError::Ours(_))), "{name}");
        let receipt = Receipt {
            offering: None,
            claimed_price: None,
            token: "t".into(),
            product: None,
            app_user_id: name.to_owned(),
            sender: Sender::Project,
        };
        let app = world.app_of(Store::PlayStore);
        let imported = world.engine.intake().import(app, &receipt, false).await;
        assert!(matches!(imported, Err(IntakeError::Ours(_))), "{name}");
    }
    let customers = world.engine.customers();
    let known = customers.profile(world.project, &ours).await.unwrap();
    assert!(!known.is_new, "it is there all the same");
}
