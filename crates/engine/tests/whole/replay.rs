//! Past events sent again: what was delivered, what failed, and what was never sent.

use crate::world::{Chain, DAY, World, answer};
use domain::{EventKind, NotSent};
use engine::{ActiveIntegration, Forecast};
use ledger::{Choice, ConfigurationChange, ReplayOf, ReplayState, ReplayWhat};
use serde_json::json;
use std::collections::BTreeMap;

fn integration(world: &World, key: &str) -> ActiveIntegration {
    let setup = world.engine.setup();
    let found = setup.integrations().find(|active| active.row.key == key);
    found.unwrap().clone()
}

fn choice(world: &World, standings: &[ReplayOf]) -> Choice {
    Choice {
        what: ReplayWhat::Events,
        since: world.now() - jiff::SignedDuration::from_hours(24 * 400),
        until: world.now() + jiff::SignedDuration::from_hours(1),
        kinds: Vec::new(),
        environment: None,
        customer: None,
        standings: standings.to_vec(),
        reasons: Vec::new(),
    }
}

async fn foreseen(world: &World, key: &str, choice: &Choice) -> Forecast {
    let active = integration(world, key);
    world
        .engine
        .replays()
        .foresee(&active, choice)
        .await
        .unwrap()
}

/// Lets time pass until no replay goes on.
async fn finish(world: &World) {
    let ledger = world.engine.ledger();
    world
        .pass_until(1, "the replay ends", async || {
            ledger.running_replays().await.unwrap().is_empty()
        })
        .await;
}

/// Six renewals of each of three customers, all delivered to `a`; `b` refuses them for good.
async fn history(world: &World) -> usize {
    world.answer_with(|url, _| {
        if url.contains("b.example") {
            answer(404, "gone")
        } else {
            answer(200, "{}")
        }
    });
    let mut chains: Vec<_> = (1..=3)
        .map(|number| Chain::purchase(number * 1000, "monthly", None, world.now()))
        .collect();
    for chain in &mut chains {
        world
            .tell(&chain.notify("SUBSCRIBED", world.now()))
            .await
            .unwrap();
    }
    for _ in 0..6 {
        world.pass(30 * DAY).await;
        for chain in &mut chains {
            chain.renew();
            world
                .tell(&chain.notify("DID_RENEW", world.now()))
                .await
                .unwrap();
        }
    }
    world.settled().await;
    let events = world.feed().await.len();
    assert_eq!(world.endpoints.sent.lock().unwrap().len(), 2 * events);
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_sent_again_in_order_with_the_ids_it_had() {
    let world = World::new().await;
    let events = history(&world).await;
    let choice = choice(&world, &[ReplayOf::Failed]);
    let seen = foreseen(&world, "b", &choice).await;
    assert_eq!(
        (seen.events, seen.total(), seen.is_complete),
        (events as u64, events as u64, true)
    );
    assert_eq!(seen.samples.len(), 10);
    assert_eq!(foreseen(&world, "a", &choice).await.total(), 0);

    let tried = world.received("https://b.example");
    world.answer_with(|_, _| answer(200, "{}"));
    let active = integration(&world, "b");
    let replay = world
        .engine
        .replays()
        .start(&active, choice.clone(), 7, "ann", None)
        .await
        .unwrap()
        .replay;
    finish(&world).await;
    world.settled().await;
    let all = world.received("https://b.example");
    assert_eq!(all.len(), 2 * events);
    let again: Vec<_> = all[events..].to_vec();
    let ids = |some: &[(String, u64)]| {
        let mut ids: Vec<_> = some.iter().map(|(id, _)| id.clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&tried), ids(&again), "the same ids");
    // Customers are told apart by the first event of each: their order is by sequence number.
    let rows = world.feed().await;
    let whose: BTreeMap<String, domain::CustomerId> = rows
        .iter()
        .flat_map(|row| {
            row.integrations
                .iter()
                .filter_map(|(_, stands)| match stands {
                    ledger::IntegrationState::Delivery { id, .. } => {
                        Some((id.to_string(), row.event.customer.id))
                    }
                    ledger::IntegrationState::NotSent(_) => None,
                })
        })
        .collect();
    let mut last: BTreeMap<domain::CustomerId, u64> = BTreeMap::new();
    for (id, seq) in &again {
        let before = last.insert(whose[id], *seq).unwrap_or(0);
        assert!(before < *seq, "each customer's events leave in order");
    }
    let told = world
        .engine
        .ledger()
        .replays(active.row.project, None, 5)
        .await
        .unwrap();
    assert_eq!(told[0].id, replay.id);
    assert_eq!(told[0].progress.state, ReplayState::Done);
    assert_eq!(told[0].progress.again, events as u64);
    assert!(
        told[0].progress.at > replay.started_at + jiff::SignedDuration::from_secs(3),
        "seven a second"
    );
    assert_eq!(foreseen(&world, "b", &choice).await.total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integration_that_came_later_is_told_what_it_missed() {
    let world = World::new().await;
    let events = history(&world).await;
    let mut later = (*integration(&world, "a").row).clone();
    let settings = json!({
        "sandbox_url": "https://later.example/",
        "events": { "access_level_updated": false },
    });
    later.id = domain::IntegrationId::derived(later.project.uuid(), "later", world.now());
    later.key = "later".into();
    let plain = settings.to_string();
    later.sealed_settings = world
        .engine
        .vault()
        .seal(&later.id.to_string(), plain.as_bytes());
    world
        .engine
        .configure(
            &world.engine.setup(),
            vec![ConfigurationChange::PutIntegration(later)],
            "ann",
        )
        .await
        .unwrap();
    let everything = choice(&world, &ReplayOf::ALL);
    let seen = foreseen(&world, "later", &everything).await;
    let updates = world
        .events()
        .await
        .iter()
        .filter(|event| event.kind == EventKind::AccessLevelUpdated)
        .count();
    assert_eq!(
        seen.refused,
        BTreeMap::from([(NotSent::EventDisabled, updates as u64)])
    );
    let wanted = (events - updates) as u64;
    assert_eq!(seen.sent, BTreeMap::from([(ReplayOf::NeverSent, wanted)]));

    let active = integration(&world, "later");
    for _ in 0..2 {
        // Twice at once: it is still told once.
        world
            .engine
            .replays()
            .start(
                &active,
                choice(&world, &[ReplayOf::NeverSent]),
                100,
                "ann",
                None,
            )
            .await
            .unwrap();
    }
    finish(&world).await;
    world.settled().await;
    let arrived = world.received("https://later.example").len();
    assert_eq!(arrived, usize::try_from(wanted).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_replay_sends_no_more_and_a_paused_integration_holds_it() {
    let world = World::new().await;
    let events = history(&world).await;
    let active = integration(&world, "b");
    let mut paused = (*active.row).clone();
    paused.paused = true;
    let change = vec![ConfigurationChange::PutIntegration(paused)];
    world
        .engine
        .configure(&world.engine.setup(), change, "ann")
        .await
        .unwrap();
    let wanted = choice(&world, &[ReplayOf::Failed]);
    let replay = world
        .engine
        .replays()
        .start(&active, wanted, 1, "ann", None)
        .await
        .unwrap()
        .replay;
    for _ in 0..5 {
        world.pass(2).await;
    }
    world.catch_up().await;
    let project = active.row.project;
    let stands = async || {
        world
            .engine
            .ledger()
            .replays(project, None, 1)
            .await
            .unwrap()[0]
            .progress
    };
    assert_eq!(stands().await.again, 0, "held with its integration");
    assert!(
        world
            .engine
            .replays()
            .cancel(project, replay.id)
            .await
            .unwrap()
    );
    let change = vec![ConfigurationChange::PutIntegration((*active.row).clone())];
    world
        .engine
        .configure(&world.engine.setup(), change, "ann")
        .await
        .unwrap();
    world.pass(5).await;
    world.catch_up().await;
    assert_eq!(stands().await.state, ReplayState::Cancelled);
    assert_eq!(world.received("https://b.example").len(), events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lags_behind_goes_on_with_a_replay_to_what_it_does_not_know_yet() {
    let world = World::new().await;
    let events = history(&world).await;
    let lagging = world.another_node().await;
    let settings = json!({ "format": "standard", "sandbox_url": "https://later.example/" });
    let later = json!({ "later": { "destination": "webhook", "settings": settings } });
    world.save(later).await;
    let active = integration(&world, "later");
    let wanted = choice(&world, &[ReplayOf::NeverSent]);
    let replays = world.engine.replays();
    let replay = replays.start(&active, wanted, 100, "ann", None).await;
    let ledger = world.engine.ledger();
    let stands = async || ledger.replays(world.project, None, 1).await.unwrap()[0].progress;
    lagging.step_replays().await.unwrap();
    assert_eq!(stands().await.new, events as u64, "{:?}", replay.unwrap());
    finish(&world).await;
    assert_eq!(stands().await.state, ReplayState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_puts_no_replay_to_sleep() {
    let world = World::new().await;
    let events = history(&world).await;
    let active = integration(&world, "b");
    let wanted = choice(&world, &[ReplayOf::Failed]);
    let replays = world.engine.replays();
    replays
        .start(&active, wanted, 7, "ann", None)
        .await
        .unwrap();
    world.catch_up().await;
    let ledger = world.engine.ledger();
    let stands = async || ledger.replays(world.project, None, 1).await.unwrap()[0].progress;
    assert_eq!(stands().await.again, 7);
    world.jump(world.now() - jiff::SignedDuration::from_hours(24));
    finish(&world).await;
    assert_eq!(stands().await.again, events as u64);
}
