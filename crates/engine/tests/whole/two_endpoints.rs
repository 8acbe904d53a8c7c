//! What is wrong with one endpoint of an integration holds nothing of the other.

use crate::world::{Chain, World, answer};
use domain::{
    Environment::{Production, Sandbox},
    NotSent,
};
use ledger::{DeliveryFilter, DeliveryRecord, DeliveryState};
use serde_json::json;

const LIVE: &str = "https://two.example/live";
const TRIAL: &str = "https://two.example/trial";

#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_the_credentials_or_wants_no_more_is_held_alone() {
    let slack = json!({ "destination": "slack", "settings": { "webhook_url": LIVE, "sandbox_webhook_url": TRIAL } });
    let urls = json!({ "format": "standard", "production_url": LIVE, "sandbox_url": TRIAL });
    let webhook = json!({ "destination": "webhook", "settings": urls });
    for (two, refused) in [
        (slack, answer(404, "no_service")),
        (webhook, answer(410, "")),
    ] {
        let world = World::new().await;
        world.save(json!({ "two": two.clone() })).await;
        world.answer_with(move |url, _| {
            if url == TRIAL {
                refused.clone()
            } else {
                answer(200, "{}")
            }
        });
        // Purchases of the App Store here are of the sandbox.
        for customer in 1..=2 {
            let mut chain = Chain::purchase(customer * 1000, "unmapped", None, world.now());
            let told = chain.notify("SUBSCRIBED", world.now());
            world.tell(&told).await.unwrap();
            world.catch_up().await;
            world.pass(2).await;
        }
        world.catch_up().await;
        assert!(world.held_at("two", Sandbox).is_some(), "{two}");
        assert_eq!(world.held_at("two", Production), None, "{two}");
        let asked = |at: &str| {
            let sent = world.endpoints.sent.lock().unwrap();
            sent.iter().filter(|sent| sent.url == at).count()
        };
        let before = asked(TRIAL);
        let setup = world.engine.setup();
        let active = setup.integrations().find(|active| active.row.key == "two");
        let dispatch = world.engine.dispatch();
        dispatch.send_test(active.unwrap(), None).await.unwrap();
        world.pass(2).await;
        world.catch_up().await;
        assert_eq!((asked(LIVE), asked(TRIAL)), (1, before), "{two}");
        // The integration itself goes on: nobody paused it.
        assert!(!active.unwrap().row.paused, "{two}");
    }
}

/// Why it was held may have been mended on its side, where nothing of it is seen here: saving what there is asks it again, and what waited goes in order.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_held_goes_on_when_the_same_is_saved_again() {
    let slack = json!({ "destination": "slack", "settings": { "webhook_url": LIVE, "sandbox_webhook_url": TRIAL } });
    let urls = json!({ "format": "standard", "production_url": LIVE, "sandbox_url": TRIAL });
    let webhook = json!({ "destination": "webhook", "settings": urls });
    let untouched = json!({ "name": "two" });
    let (no_service, forbidden) = (answer(404, "no_service"), answer(403, ""));
    for (two, again, refused) in [
        (slack.clone(), slack.clone(), no_service.clone()),
        (slack, untouched.clone(), no_service),
        (webhook.clone(), webhook.clone(), forbidden.clone()),
        (webhook, untouched, forbidden),
    ] {
        let world = World::new().await;
        world.save(json!({ "two": two })).await;
        world.answer_with(move |_, _| refused.clone());
        let mut chain = Chain::purchase(1000, "unmapped", None, world.now());
        let told = chain.notify("SUBSCRIBED", world.now());
        world.tell(&told).await.unwrap();
        for on in [0, 1, 0] {
            chain.renewal["autoRenewStatus"] = on.into();
            let told = chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now());
            world.tell(&told).await.unwrap();
        }
        for _ in 0..3 {
            world.pass(5).await;
            world.catch_up().await;
        }
        let held = || world.held_at("two", Sandbox);
        assert_eq!(held(), Some(NotSent::MissingCredentials), "{two}");
        world.answer_with(|_, _| answer(200, "ok"));
        world.save(json!({ "two": again })).await;
        assert_eq!(held(), None, "{two}");
        world.endpoints.sent.lock().unwrap().clear();
        for _ in 0..3 {
            world.catch_up().await;
            world.pass(1).await;
        }
        let rows = deliveries(&world).await;
        assert!(rows.iter().all(|row| row.state == DeliveryState::Delivered));
        world.holds().await;
    }
}

/// While it is held it is asked now and then whether it takes the credentials; what else it answers then is no try of what it was asked with.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_held_one_is_asked_with_is_not_used_up_by_its_other_faults() {
    let world = World::new().await;
    let retry = json!({ "policy": "custom", "delays": [5] });
    let settings = json!({ "format": "standard", "sandbox_url": TRIAL, "retry": retry });
    let two = json!({ "destination": "webhook", "settings": settings });
    world.save(json!({ "two": two })).await;
    world.answer_with(|_, _| answer(401, ""));
    let mut chain = Chain::purchase(1000, "unmapped", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    for _ in 0..3 {
        world.catch_up().await;
        world.pass(5).await;
    }
    let held = || world.held_at("two", Sandbox);
    assert_eq!(held(), Some(NotSent::MissingCredentials));
    // For a week, which is more often than anything is put off otherwise.
    world.answer_with(|_, count| answer(if count % 3 == 0 { 401 } else { 502 }, ""));
    let asked = || {
        let sent = world.endpoints.sent.lock().unwrap();
        sent.iter().filter(|sent| sent.url == TRIAL).count()
    };
    let before = asked();
    for _ in 0..7 * 48 {
        world.pass(1800).await;
        world.catch_up().await;
    }
    let asked = asked() - before;
    assert!((100..200).contains(&asked), "{asked}");
    world.answer_with(|_, _| answer(200, ""));
    for _ in 0..13 {
        world.pass(300).await;
        world.catch_up().await;
    }
    assert_eq!(held(), None);
    for row in deliveries(&world).await {
        assert_eq!(row.state, DeliveryState::Delivered, "{row:?}");
    }
}

/// Those of `two`.
async fn deliveries(world: &World) -> Vec<DeliveryRecord> {
    let setup = world.engine.setup();
    let active = setup.integrations().find(|active| active.row.key == "two");
    let filter = DeliveryFilter {
        integration: active.map(|active| active.row.id),
        ..DeliveryFilter::default()
    };
    let ledger = world.engine.ledger();
    ledger.deliveries(&filter, None, 100).await.unwrap()
}

/// A receiver that answers 401 while it is deployed costs no event, whatever its format makes of other answers, and nobody has to save anything here.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_the_credentials_for_a_while_is_held_and_comes_back_by_itself() {
    for format in ["adapty", "revenuecat", "standard"] {
        let world = World::new().await;
        let settings = json!({ "format": format, "sandbox_url": TRIAL, "production_url": LIVE });
        let two = json!({ "destination": "webhook", "settings": settings });
        world.save(json!({ "two": two })).await;
        world.catch_up().await;
        let asked = || {
            let sent = world.endpoints.sent.lock().unwrap();
            sent.iter().filter(|sent| sent.url == TRIAL).count()
        };
        let buy = async |customer: u64| {
            let mut chain = Chain::purchase(customer * 1000, "unmapped", None, world.now());
            let told = chain.notify("SUBSCRIBED", world.now());
            world.tell(&told).await.unwrap();
            world.catch_up().await;
        };
        world.answer_with(|url, _| answer(if url == TRIAL { 401 } else { 200 }, ""));
        buy(1).await;
        world.pass(2).await;
        world.catch_up().await;
        let held = || world.held_at("two", Sandbox);
        assert_eq!((asked(), held()), (2, Some(NotSent::MissingCredentials)));
        buy(2).await;
        buy(3).await;
        // Asked after 5, 15 and 35 minutes.
        for _ in 0..60 {
            world.pass(60).await;
            world.catch_up().await;
        }
        assert_eq!(asked(), 5, "{format}");
        assert_eq!(world.held_at("two", Production), None);
        world.answer_with(|_, _| answer(200, ""));
        for _ in 0..16 {
            world.pass(60).await;
            world.catch_up().await;
        }
        assert_eq!(held(), None, "{format}");
        let all = deliveries(&world).await;
        assert!(all.len() >= 3, "{format}");
        for row in all {
            assert_eq!(row.state, DeliveryState::Delivered, "{format}: {row:?}");
        }
    }
}
