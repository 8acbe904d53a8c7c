//! What is wrong with one endpoint of an integration holds nothing of the other.

use crate::world::{Chain, World, answer};
use domain::{
    Environment::{Production, Sandbox},
    NotSent,
};
use ledger::{DeliveryFilter, DeliveryState};
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
        dispatch.send_test(active.unwrap()).await.unwrap();
        world.pass(2).await;
        world.catch_up().await;
        assert_eq!((asked(LIVE), asked(TRIAL)), (1, before), "{two}");
        // The integration itself goes on: nobody paused it.
        assert!(!active.unwrap().row.paused, "{two}");
    }
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
        let ledger = world.engine.ledger();
        let setup = world.engine.setup();
        let active = setup.integrations().find(|active| active.row.key == "two");
        let filter = DeliveryFilter {
            integration: active.map(|active| active.row.id),
            ..DeliveryFilter::default()
        };
        let all = ledger.deliveries(&filter, None, 100).await.unwrap();
        assert!(all.len() >= 3, "{format}");
        for row in all {
            assert_eq!(row.state, DeliveryState::Delivered, "{format}: {row:?}");
        }
    }
}
