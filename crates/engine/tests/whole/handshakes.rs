//! An endpoint that does not say whose it is holds up nobody but itself.

use crate::world::{Chain, DAY, SILENT, World, webhook};
use domain::{
    Environment::{Production, Sandbox},
    EventKind::{SubscriptionExpired, SubscriptionStarted},
    NotSent,
};
use serde_json::json;

/// Once an endpoint was asked that never answers.
async fn beside_a_silent_endpoint() -> World {
    let world = World::running().await;
    world.save(json!({ "silent": webhook(SILENT) })).await;
    world
        .until("it is asked", || {
            let asked = world.endpoints.handshakes.lock().unwrap();
            asked.iter().any(|url| url.starts_with(SILENT))
        })
        .await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_saved_and_verified() {
    let world = beside_a_silent_endpoint().await;
    world
        .save(json!({ "c": webhook("https://c.example/") }))
        .await;
    world
        .until("the other is verified", || world.held("c").is_none())
        .await;
    assert_eq!(world.held("silent"), Some(NotSent::EndpointUnverified));
}

/// Whoever believes nothing that is not signed can believe the question too, in both editions.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_signed_like_everything_that_follows() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let world = World::running().await;
    let mut signed = webhook("https://signed.example/");
    signed["settings"]["signing_secrets"] = json!([secret]);
    world.save(json!({ "signed": signed })).await;
    world
        .until("it is verified", || world.held("signed").is_none())
        .await;
    let asked = world.endpoints.asked_with.lock().unwrap();
    let header = |name: &str| asked.first(name).unwrap();
    let (id, second) = (header("webhook-id"), header("webhook-timestamp"));
    let expected = destinations::webhook::signature(secret, id, second, b"{}").unwrap();
    assert_eq!(header("webhook-signature"), expected);
}

/// Whoever let a sandbox go is not cut off from production for it, and nothing that is saved cuts it off either.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_endpoint_of_the_same_integration_is_verified_and_stays_so() {
    let world = World::running().await;
    let two = |more: serde_json::Value| {
        let mut settings =
            json!({ "production_url": "https://live.example/", "sandbox_url": SILENT });
        settings
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "two": { "destination": "webhook", "settings": settings } })
    };
    world.save(two(json!({}))).await;
    let live = || world.held_at("two", Production);
    world
        .until("production is verified", || live().is_none())
        .await;
    let unverified = Some(NotSent::EndpointUnverified);
    assert_eq!(world.held_at("two", Sandbox), unverified);
    world
        .save(two(json!({ "events": { "trial_started": false } })))
        .await;
    assert_eq!((live(), world.held_at("two", Sandbox)), (None, unverified));
    let asked = world.endpoints.handshakes.lock().unwrap();
    let of_live = asked.iter().filter(|url| url.starts_with("https://live."));
    assert_eq!(of_live.count(), 1, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_that_time_asks_for_is_done() {
    let world = beside_a_silent_endpoint().await;
    let mut chain = Chain::purchase(1000, "monthly", Some("ann"), world.now());
    let bought = chain.notify("SUBSCRIBED", world.now());
    world.tell(&bought).await.unwrap();
    world.pass(40 * DAY).await;
    world
        .eventually("its end is told and sent", async || {
            world.kinds().await == [SubscriptionStarted, SubscriptionExpired]
                && world.received("https://a.example/").len() == world.events().await.len()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_again_as_soon_as_its_settings_are_saved() {
    let world = beside_a_silent_endpoint().await;
    world
        .save(json!({ "silent": webhook("https://answers.example/") }))
        .await;
    world
        .until("it is verified", || world.held("silent").is_none())
        .await;
}
