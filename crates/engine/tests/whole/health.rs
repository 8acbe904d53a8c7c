//! How an integration does is the same whichever node is asked, and what was found out outlasts a restart.

use crate::world::{Chain, World, answer};
use destinations::Response;
use domain::{Environment::Sandbox, IntegrationId};
use engine::{ActiveIntegration, Condition, EndpointHealth, Engine, Health};
use jiff::SignedDuration;
use ledger::{DeliveryFilter, DeliveryRecord, DeliveryState};

const A: &str = "https://a.example/";

fn active(world: &World) -> ActiveIntegration {
    let setup = world.engine.setup();
    let mut all = setup.integrations();
    let a = all.find(|active| active.row.key == "a");
    a.unwrap().clone()
}

fn a(world: &World) -> IntegrationId {
    active(world).row.id
}

/// Of its endpoints, the one that does worst: events of the sandbox are all there are.
fn worst(world: &World, health: &Health) -> EndpointHealth {
    health.worst(world.now()).unwrap().clone()
}

/// Somebody buys; who delivers it is left open.
async fn buy(world: &World, customer: u64) {
    let mut chain = Chain::purchase(customer * 1000, "unmapped", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    world.tell(&told).await.unwrap();
}

/// What every node says: those that were there, which look at the ledger now and then, and one that just started.
async fn said(world: &World, nodes: &[&Engine]) -> Health {
    for node in nodes {
        node.catch_up().await.unwrap();
    }
    // What the last of them heard, the first has not read yet.
    for node in nodes {
        node.catch_up().await.unwrap();
    }
    let started = world.another_node().await;
    let told = started.dispatch().health(&active(world));
    for node in nodes {
        assert_eq!(node.dispatch().health(&active(world)), told);
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_says_the_same_of_an_integration_and_so_does_one_that_just_started() {
    let world = World::new().await;
    let other = world.another_node().await;
    let nodes = [&world.engine, &other];
    assert_eq!(
        said(&world, &nodes).await.condition(world.now()),
        Condition::Idle
    );

    world.answer_with(|url, _| answer(if url == A { 404 } else { 200 }, "no such route"));
    for customer in 1..=20 {
        buy(&world, customer).await;
        nodes[usize::from(customer % 2 == 0)]
            .catch_up()
            .await
            .unwrap();
        world.pass(1).await;
    }
    let health = said(&world, &nodes).await;
    let of = worst(&world, &health);
    assert_eq!((of.endpoint, of.attempts, of.accepted), (Sandbox, 20, 0));
    assert_eq!(health.condition(world.now()), Condition::Failing);
    let detail = of.failure.unwrap().detail;
    assert!(detail.contains("404"), "{detail}");

    // It is mended, and only one of them notices.
    world.answer_with(|_, _| answer(200, ""));
    for customer in 21..=60 {
        buy(&world, customer).await;
        other.catch_up().await.unwrap();
        world.pass(1).await;
    }
    let health = said(&world, &nodes).await;
    let of = worst(&world, &health);
    assert_eq!((of.attempts, of.accepted), (30, 30));
    assert_eq!(health.condition(world.now()), Condition::Working);
    assert_eq!(of.failure, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_one_node_leaves_alone_is_failing_everywhere_until_it_accepts() {
    let world = World::new().await;
    let other = world.another_node().await;
    let nodes = [&world.engine, &other];
    // Enough was accepted that the share alone would not be red.
    for customer in 1..=30 {
        buy(&world, customer).await;
        world.pass(1).await;
    }
    world.answer_with(|url, _| answer(if url == A { 500 } else { 200 }, ""));
    for customer in 31..=38 {
        buy(&world, customer).await;
    }
    world.catch_up().await;
    let health = world.engine.dispatch().health(&active(&world));
    let of = worst(&world, &health);
    assert!(of.breaker_open && of.accepted * 2 > of.attempts);
    let told = world
        .another_node()
        .await
        .dispatch()
        .health(&active(&world));
    assert_eq!(told, health);
    assert_eq!(told.condition(world.now()), Condition::Failing);

    world.answer_with(|_, _| answer(200, ""));
    world
        .pass_until(30, "everything is delivered", async || {
            world.engine.ledger().backlog().await.unwrap().is_empty()
        })
        .await;
    let health = said(&world, &nodes).await;
    assert!(!worst(&world, &health).breaker_open);
    assert_ne!(health.condition(world.now()), Condition::Failing);
}

/// Each node finds out by itself that an endpoint is down. What that takes is no retry of anybody's schedule before its time, however many nodes come.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_beside_a_dead_endpoint_burn_no_retry_and_know_how_it_does() {
    // More than a schedule has retries.
    const STARTS: usize = 15;
    let world = World::new().await;
    let other = world.another_node().await;
    let nodes = [&world.engine, &other];
    world.answer_with(|url, _| answer(if url == A { 500 } else { 200 }, ""));
    for customer in 1..=40 {
        buy(&world, customer).await;
    }
    let dead = said(&world, &nodes).await;
    assert_eq!(dead.condition(world.now()), Condition::Failing);
    for node in nodes {
        let lanes = node.dispatch().lanes();
        assert!(lanes.iter().any(|(_, lane)| lane.breaker_open), "{lanes:?}");
    }
    let of_a = DeliveryFilter {
        integration: Some(a(&world)),
        ..DeliveryFilter::default()
    };
    let ledger = world.engine.ledger();
    for _ in 0..STARTS {
        let fresh = world.another_node().await;
        let condition = || {
            fresh
                .dispatch()
                .health(&active(&world))
                .condition(world.now())
        };
        assert_eq!(condition(), Condition::Failing, "before it sent anything");
        fresh.catch_up().await.unwrap();
        assert_eq!(condition(), Condition::Failing);
    }
    let waiting = ledger.deliveries(&of_a, None, 200).await.unwrap();
    assert!(waiting.len() >= 40);
    let is_pending = |row: &DeliveryRecord| row.state == DeliveryState::Pending;
    assert!(waiting.iter().all(is_pending), "{waiting:#?}");

    // It is well again, and both notice.
    world.answer_with(|_, _| answer(200, ""));
    world
        .pass_until(30, "everything is delivered", async || {
            other.catch_up().await.unwrap();
            ledger.backlog().await.unwrap().is_empty()
        })
        .await;
    for row in ledger.deliveries(&of_a, None, 200).await.unwrap() {
        assert_eq!(row.state, DeliveryState::Delivered, "{row:?}");
    }
    let well = said(&world, &nodes).await;
    assert_eq!(well.condition(world.now()), Condition::Working);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_asked_one_node_to_wait_is_put_off_everywhere() {
    let world = World::new().await;
    world.answer_with(|url, _| {
        if url != A {
            return answer(200, "");
        }
        let mut response = answer(429, "")?;
        response.headers.push("retry-after", "600");
        Ok::<Response, engine::TransportError>(response)
    });
    buy(&world, 1).await;
    world.catch_up().await;
    let health = world.engine.dispatch().health(&active(&world));
    assert_eq!(health.condition(world.now()), Condition::PutOff);
    let started = world.another_node().await;
    assert_eq!(started.dispatch().health(&active(&world)), health);
    world.jump(world.now() + SignedDuration::from_secs(601));
    for node in [&world.engine, &started] {
        let health = node.dispatch().health(&active(&world));
        assert_eq!(health.condition(world.now()), Condition::Idle);
    }
}
