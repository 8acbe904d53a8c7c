//! What is told of a delivery is true.

use crate::world::{Chain, World, answer};
use destinations::Response;
use domain::NotSent;
use engine::{Condition, EndpointHealth};
use ledger::{ConfigurationChange, DeliveryFilter, DeliveryRecord, DeliveryState};
use serde_json::json;

const A: &str = "https://a.example/";

async fn buy(world: &World, customer: u64) {
    let mut chain = Chain::purchase(customer * 1000, "unmapped", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
    world.catch_up().await;
}

fn a(world: &World) -> domain::IntegrationId {
    let setup = world.engine.setup();
    let mut all = setup.integrations();
    all.find(|active| active.row.key == "a").unwrap().row.id
}

/// How an integration does, and the worst of its endpoints.
fn health(world: &World, key: &str) -> (Condition, EndpointHealth) {
    let (setup, now) = (world.engine.setup(), world.now());
    let active = setup.integrations().find(|active| active.row.key == key);
    let health = world.engine.dispatch().health(active.unwrap());
    let worst = health.worst(now).unwrap().clone();
    (health.condition(now), worst)
}

async fn of_a(world: &World, a: domain::IntegrationId) -> Vec<DeliveryRecord> {
    let filter = DeliveryFilter {
        integration: Some(a),
        ..DeliveryFilter::default()
    };
    let ledger = world.engine.ledger();
    ledger.deliveries(&filter, None, 100).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_shown_with_where_it_leads_and_is_nothing_accepted() {
    let world = World::new().await;
    world.answer_with(|url, _| {
        let mut response = answer(if url == A { 308 } else { 200 }, "")?;
        response.headers.push("location", "https://www.a.example/");
        Ok::<Response, engine::TransportError>(response)
    });
    buy(&world, 1).await;
    let record = of_a(&world, a(&world)).await.remove(0);
    let last = record.last.unwrap();
    assert_eq!(
        last.detail,
        "answered 308: redirected to https://www.a.example/: accepted by the rule of its format, probably not processed; redirects are not followed: set that URL"
    );
    assert_eq!(
        last.headers.first("location"),
        Some("https://www.a.example/")
    );
    let (_, of) = health(&world, "a");
    assert_eq!((of.attempts, of.accepted), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_refuses_everything_is_not_working() {
    let world = World::new().await;
    world.answer_with(|url, _| answer(if url == A { 404 } else { 200 }, "no such route"));
    for customer in 1..=30 {
        buy(&world, customer).await;
    }
    let (condition, of) = health(&world, "a");
    assert_eq!((of.attempts, of.accepted), (30, 0));
    assert_eq!(condition, Condition::Failing);
    let failure = of.failure.unwrap();
    assert_eq!(failure.reason, NotSent::RejectedByDestination);
    assert!(failure.detail.contains("404"), "{}", failure.detail);
    assert_eq!(health(&world, "b").0, Condition::Working);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_integration_did_not_get_says_so_and_is_not_resent() {
    let world = World::new().await;
    world.answer_with(|url, _| answer(if url == A { 503 } else { 200 }, ""));
    buy(&world, 1).await;
    let a = a(&world);
    let removed = vec![ConfigurationChange::RemoveIntegration(a)];
    let setup = world.engine.setup();
    assert!(
        world
            .engine
            .configure(&setup, removed, "test")
            .await
            .unwrap()
    );
    let record = of_a(&world, a).await.remove(0);
    assert_eq!(
        (record.state, record.reason),
        (DeliveryState::Failed, Some(NotSent::IntegrationRemoved))
    );
    let dispatch = world.engine.dispatch();
    assert!(!dispatch.resend(world.project, record.id).await.unwrap());
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_that_changes_under_a_backlog_changes_nothing_that_waits() {
    let world = World::new().await;
    let settings = |format: &str| {
        let events = if format == "adapty" {
            json!({ "subscription_started": "sub_begun" })
        } else {
            json!({})
        };
        let settings = json!({ "format": format, "sandbox_url": A, "events": events });
        json!({ "a": { "destination": "webhook", "settings": settings } })
    };
    world.save(settings("adapty")).await;
    world.answer_with(|url, _| answer(if url == A { 503 } else { 200 }, ""));
    buy(&world, 1).await;
    world.answer_with(|_, _| answer(200, "{}"));
    world.save(settings("revenuecat")).await;
    world.pass(600).await;
    world.settled().await;
    let sent = world.endpoints.sent.lock().unwrap();
    let bodies: Vec<_> = sent.iter().filter(|sent| sent.url == A).collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0].body, bodies[1].body, "the same under the same id");
    assert_eq!(bodies[0].body["event_type"], "sub_begun");
}
