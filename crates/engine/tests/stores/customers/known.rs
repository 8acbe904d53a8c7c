//! What is known of a customer, and forgetting it.

use super::{DAY, after, push, restore, sell, state, statement};
use crate::world::{Chain, World, answer};
use destinations::Response;
use domain::{EventKind::*, Store, attribute::Write};
use engine::{CustomerError, CustomerUpdate, WriteError};
use ledger::DeliveryFilter;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_customer_is_gone_and_what_it_bought_is_still_known() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann@example.com", "t").await.unwrap();
    world
        .engine
        .customers()
        .forget(world.project, "ann@example.com")
        .await
        .unwrap();
    assert!(
        world
            .engine
            .ledger()
            .customer(world.project, "ann@example.com")
            .await
            .unwrap()
            .is_none()
    );
    let events = world.events().await;
    assert!(
        !serde_json::to_string(&events).unwrap().contains("ann@"),
        "{events:?}"
    );
    for event in &events {
        if let Some(inbox) = event.cause.inbox {
            let message = world
                .engine
                .ledger()
                .inbox(inbox)
                .await
                .unwrap()
                .unwrap()
                .message;
            assert!(
                !String::from_utf8_lossy(&message.body).contains("ann@"),
                "{}",
                message.title
            );
        }
    }
    // The purchase can be claimed again.
    restore(&world, "bob", "t").await.unwrap();
    assert!(world.has_premium("bob").await);
    assert!(matches!(
        world
            .engine
            .customers()
            .forget(world.project, "nobody-here")
            .await,
        Err(CustomerError::Unknown(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_while_a_customer_is_forgotten_leaves_no_name_behind() {
    const ANN: &str = "ann@example.com";
    let world = World::running().await;
    world.answer_with(|_, _| {
        Ok(Response {
            headers: [("location", "https://example.com/ann@example.com")]
                .into_iter()
                .collect(),
            ..answer(302, "ann@example.com is at")?
        })
    });
    world.silence(true);
    let mut chain = Chain::purchase(1000, "unmapped", Some(ANN), world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    let is_out = || !world.endpoints.sent.lock().unwrap().is_empty();
    world.until("it is under way", is_out).await;
    let customers = world.engine.customers();
    customers.forget(world.project, ANN).await.unwrap();
    world.silence(false);
    let ledger = world.engine.ledger();
    let all = async || {
        let filter = DeliveryFilter::default();
        ledger.deliveries(&filter, None, 100).await.unwrap()
    };
    world
        .eventually("an attempt is recorded", async || {
            all().await.iter().any(|row| row.attempts > 0)
        })
        .await;
    for row in all().await {
        let attempts = ledger.attempts(row.id).await.unwrap();
        let record = ledger.delivery(world.project, row.id).await.unwrap();
        let kept = format!("{row:?} {attempts:?} {record:?}");
        assert!(!kept.contains("ann@"), "{kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_memory_when_a_customer_is_forgotten_goes_without_its_name() {
    const ANN: &str = "ann@example.com";
    let world = World::new().await;
    world.answer_with(|_, _| {
        Ok(Response {
            headers: [("retry-after", "30")].into_iter().collect(),
            ..answer(429, "later")?
        })
    });
    let mut chain = Chain::purchase(1000, "unmapped", Some(ANN), world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    world.catch_up().await;
    let bodies = || {
        let sent = world.endpoints.sent.lock().unwrap();
        let bodies = sent.iter().map(|sent| sent.body.to_string());
        bodies.collect::<Vec<_>>()
    };
    let before = bodies().len();
    assert!(before > 0 && bodies().iter().all(|body| body.contains(ANN)));
    let customers = world.engine.customers();
    customers.forget(world.project, ANN).await.unwrap();
    world.answer_with(|_, _| answer(200, "{}"));
    world.pass(31).await;
    world.settled().await;
    let after = bodies();
    assert!(after.len() > before);
    assert!(
        after[before..].iter().all(|body| !body.contains(ANN)),
        "{after:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_keep_what_is_good_and_name_what_is_not_and_opt_out_silences() {
    let world = World::with_stores().await;
    let write = |key: &str, value: &str| Write {
        key: key.into(),
        value: Some(value.into()),
        written_at: None,
    };
    let outcome = world
        .engine
        .customers()
        .write_attributes(
            world.project,
            "ann",
            &[write("good", "1"), write("$1st", "2")],
        )
        .await;
    let Err(WriteError::Refused(refused)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((refused.len(), refused[0].key.as_str()), (1, "$1st"));
    let record = world
        .engine
        .customers()
        .profile(world.project, "ann")
        .await
        .unwrap()
        .record;
    assert_eq!(record.customer.attributes["good"], "1");
    world
        .engine
        .customers()
        .update(
            world.project,
            "ann",
            &CustomerUpdate {
                analytics_disabled: Some(true),
                ..CustomerUpdate::default()
            },
        )
        .await
        .unwrap();
    state(&world, &statement(&world, "ann", "s1", &json!({})))
        .await
        .unwrap();
    let rows = world
        .engine
        .ledger()
        .events(&ledger::EventFilter::default(), ledger::Page::After(0, 10))
        .await
        .unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        for (_, state) in row.integrations {
            assert_eq!(
                state,
                ledger::IntegrationState::NotSent(domain::NotSent::AnalyticsDisabled)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_offering_a_client_names_stays_with_its_purchase() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    let send = async |offering: &str| {
        let receipt = sources::Receipt {
            offering: Some(offering.into()),
            claimed_price: Some("0.01 USD".into()),
            token: "t".into(),
            product: None,
            app_user_id: "ann".into(),
            sender: sources::Sender::Client,
        };
        let app = world.app_of(Store::PlayStore);
        world
            .engine
            .intake()
            .take_receipt(app, &receipt)
            .await
            .unwrap();
    };
    send("autumn").await;
    world.pass(1).await;
    send("winter").await;
    world.pass(30 * DAY).await;
    let play = &world.stores.play.api;
    play.renew("t", world.now(), after(world.now(), 30));
    push(&world, 2, "t").await;
    let told: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.transaction.is_some() && event.kind != AccessLevelUpdated)
        .map(|event| {
            let purchase = event.purchase.unwrap();
            let price = event.transaction.unwrap().price.unwrap();
            (purchase.offering, price.to_string())
        })
        .collect();
    let expected = (Some("autumn".to_owned()), "$9.99".to_owned());
    assert_eq!(
        told,
        [expected.clone(), expected],
        "the first one, and the store's price"
    );
    world.rederives().await;
}
