//! Each endpoint of an integration has a lane of its own.

use crate::world::{Chain, World, answer};
use domain::{Environment, breaker::THRESHOLD};
use serde_json::json;

const DEAD: &str = "https://sandbox.example/";
const ALIVE: &str = "https://production.example/";

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_sandbox_delays_no_production() {
    let world = World::new().await;
    let settings = json!({ "sandbox_url": DEAD, "production_url": ALIVE });
    world
        .save(json!({ "a": { "destination": "webhook", "settings": settings } }))
        .await;
    world
        .until("it is verified", || world.held("a").is_none())
        .await;
    world.answer_with(|url, _| answer(if url == DEAD { 503 } else { 200 }, "{}"));
    for number in 1..=u64::from(THRESHOLD) {
        let mut chain = Chain::purchase(number * 1000, "unmapped", None, world.now());
        let told = chain.notify("SUBSCRIBED", world.now());
        world.tell(&told).await.unwrap();
    }
    let setup = world.engine.setup();
    let mut all = setup.integrations();
    let a = all.find(|active| active.row.key == "a").unwrap();
    let open = || -> Vec<Environment> {
        let lanes = world.engine.dispatch().lanes().into_iter();
        lanes
            .filter(|(id, lane)| id.integration == a.row.id && lane.breaker_open)
            .map(|(id, _)| id.endpoint)
            .collect()
    };
    let is_dead = || open() == [Environment::Sandbox];
    world.until("sandbox is left alone", is_dead).await;
    // A test is of production.
    world.engine.dispatch().send_test(a, None).await.unwrap();
    let arrived = || world.received(ALIVE).len() == 1;
    world.until("it went to production", arrived).await;
    assert!(is_dead(), "and says nothing of the other");
}
