//! A receiver that heard nothing so far is told how every customer stands.

use crate::world::{Chain, DAY, World, answer, webhook};
use domain::{Event, EventKind};
use engine::{ActiveIntegration, Forecast};
use ledger::{Choice, Progress, ReplayState, ReplayWhat};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const NEW: &str = "https://new.example/";

fn choice(world: &World) -> Choice {
    Choice {
        what: ReplayWhat::States,
        since: jiff::Timestamp::UNIX_EPOCH,
        until: world.now(),
        kinds: Vec::new(),
        environment: None,
        customer: None,
        standings: Vec::new(),
        reasons: Vec::new(),
    }
}

/// Twelve customers of whom one cancelled, one is in grace, one has expired, one is on trial, and one bought nothing; all of it was told to others.
async fn lived() -> World {
    let world = World::new().await;
    world.answer_with(|_, _| answer(200, "{}"));
    for number in 1..=11_u64 {
        let name = format!("user-{number}");
        let mut chain = Chain::purchase(number * 1000, "monthly", Some(&name), world.now());
        if number == 4 {
            chain = chain.free();
        }
        let bought = chain.notify("SUBSCRIBED", world.now());
        world.tell(&bought).await.unwrap();
        world.pass(1).await;
        let kind = match number {
            1 => {
                chain.renewal["autoRenewStatus"] = 0.into();
                "DID_CHANGE_RENEWAL_STATUS"
            }
            2 => {
                let ends = world.now().as_millisecond() + 40 * DAY * 1000;
                chain.renewal["isInBillingRetryPeriod"] = true.into();
                chain.renewal["gracePeriodExpiresDate"] = ends.into();
                chain.status = 4;
                "DID_FAIL_TO_RENEW"
            }
            3 => {
                chain.renewal["expirationIntent"] = 1.into();
                chain.renewal["autoRenewStatus"] = 0.into();
                chain.transaction["expiresDate"] = world.now().as_millisecond().into();
                chain.status = 2;
                "EXPIRED"
            }
            _ => continue,
        };
        world.tell(&chain.notify(kind, world.now())).await.unwrap();
        world.pass(1).await;
    }
    let customers = world.engine.customers();
    customers.profile(world.project, "nobody").await.unwrap();
    world.settled().await;
    world
}

async fn add(world: &World, format: &str, more: Value) -> ActiveIntegration {
    let mut new = webhook(NEW);
    new["settings"]["format"] = format.into();
    for (name, value) in more.as_object().unwrap() {
        new["settings"][name] = value.clone();
    }
    world.save(json!({ "new": new })).await;
    world.settled().await;
    let setup = world.engine.setup();
    let found = setup.integrations().find(|active| active.row.key == "new");
    found.unwrap().clone()
}

async fn load(world: &World, active: &ActiveIntegration, per_second: u32) -> Progress {
    let replays = world.engine.replays();
    let begun = replays.start(active, choice(world), per_second, "ann", None);
    let id = begun.await.unwrap().replay.id;
    let ledger = world.engine.ledger();
    world
        .pass_until(1, "the load ends", async || {
            ledger.running_replays().await.unwrap().is_empty()
        })
        .await;
    world.settled().await;
    let replay = ledger.replay(world.project, id).await.unwrap().unwrap();
    assert_eq!(replay.progress.state, ReplayState::Done);
    replay.progress
}

async fn foreseen(world: &World, active: &ActiveIntegration) -> Forecast {
    let replays = world.engine.replays();
    replays.foresee(active, &choice(world)).await.unwrap()
}

/// Bodies that reached the new receiver.
fn heard(world: &World) -> Vec<Value> {
    let sent = world.endpoints.sent.lock().unwrap();
    let to_it = sent.iter().filter(|sent| sent.url == NEW);
    to_it.map(|sent| sent.body.clone()).collect()
}

/// What each customer may use and by which number that is known, from what everybody else was told.
fn truth(events: &[Event]) -> BTreeMap<String, Value> {
    let last = events.iter().map(|event| {
        let access = serde_json::to_value(&event.access).unwrap();
        (event.customer.app_user_id.clone(), access)
    });
    last.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_customer_is_told_once_and_ends_in_the_state_that_the_others_know() {
    let world = lived().await;
    let before = world.events().await;
    let new = add(&world, "standard", json!({ "send_state": true })).await;
    let forecast = foreseen(&world, &new).await;
    assert_eq!(
        (forecast.events, forecast.total(), forecast.is_complete),
        (12, 12, true)
    );
    assert_eq!(world.events().await.len(), before.len(), "it only looked");

    let began = world.now();
    let progress = load(&world, &new, 4).await;
    assert_eq!(
        (progress.new, progress.refused, progress.after),
        (12, 0, 12)
    );
    assert!(
        progress.at >= began + jiff::SignedDuration::from_secs(2),
        "four a second"
    );
    let heard = heard(&world);
    let mut known = BTreeMap::new();
    for state in &heard {
        assert_eq!(state["type"], "customer_state");
        let name = state["data"]["customer"]["app_user_id"].as_str().unwrap();
        let access = state["data"]["access"].clone();
        assert_eq!(known.insert(name.to_owned(), access), None, "{name} twice");
    }
    let mut expected = truth(&before);
    expected.insert("nobody".into(), json!({}));
    assert_eq!(known, expected);
    // Nobody else heard anything of it, and nothing of it is derived again.
    for url in ["https://a.example/", "https://b.example/"] {
        assert_eq!(world.received(url).len(), before.len());
    }
    world.rederives().await;
}

/// What happens to a customer afterwards has a higher number than what was told of them, and goes behind it.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_next_follows_in_order() {
    let world = lived().await;
    let new = add(&world, "standard", json!({})).await;
    load(&world, &new, 500).await;
    let told = heard(&world).len();
    let mut chain = Chain::purchase(99_000, "yearly", Some("user-5"), world.now());
    let bought = chain.notify("SUBSCRIBED", world.now());
    world.tell(&bought).await.unwrap();
    world.settled().await;
    let mut last = BTreeMap::new();
    let heard = heard(&world);
    assert!(heard.len() > told);
    for event in &heard {
        let data = &event["data"];
        let name = data["customer"]["app_user_id"].as_str().unwrap();
        let seq = data["customer_seq"].as_u64().unwrap();
        let before = last.insert(name.to_owned(), seq);
        assert!(before.is_none_or(|before| before < seq), "{name}: {seq}");
    }
}

/// In the format of others a receiver is told in their words what a purchase came to.
#[tokio::test(flavor = "multi_thread")]
async fn each_format_tells_it_in_its_words() {
    let world = lived().await;
    let new = add(&world, "revenuecat", json!({})).await;
    let progress = load(&world, &new, 500).await;
    assert_eq!(
        progress.refused, 1,
        "who bought nothing is no event of theirs"
    );
    let mut by_user: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for body in heard(&world) {
        let event = &body["event"];
        let text = |member: &str| event[member].as_str().unwrap().to_owned();
        by_user
            .entry(text("app_user_id"))
            .or_default()
            .push(text("type"));
        assert_eq!(event["price"], 0, "nothing is charged again");
    }
    assert_eq!(by_user.len(), 11);
    let cancelled = ["INITIAL_PURCHASE", "CANCELLATION"];
    let in_grace = ["INITIAL_PURCHASE", "BILLING_ISSUE", "CANCELLATION"];
    assert_eq!(by_user["user-1"], cancelled);
    assert_eq!(by_user["user-2"], in_grace);
    assert_eq!(by_user["user-3"], ["EXPIRATION"]);
    assert_eq!(by_user["user-4"], ["INITIAL_PURCHASE"]);

    let world = lived().await;
    let new = add(&world, "adapty", json!({})).await;
    load(&world, &new, 500).await;
    let heard = heard(&world);
    let names: BTreeSet<_> = heard
        .iter()
        .map(|body| body["customer_user_id"].as_str().unwrap())
        .collect();
    assert_eq!((heard.len(), names.len()), (11, 11));
    for body in &heard {
        assert_eq!(body["event_type"], EventKind::AccessLevelUpdated.id());
        let ended = body["customer_user_id"] == "user-3";
        assert_eq!(body["event_properties"]["is_active"], !ended, "{body:#}");
    }
}

/// Another node, or a crash after a customer was told and before that could be written down, repeats nobody.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_load_at_once_tell_each_customer_once() {
    let world = lived().await;
    let new = add(&world, "standard", json!({ "send_state": true })).await;
    let other = world.another_node().await;
    let progress = load(&world, &new, 3).await;
    drop(other);
    assert_eq!(progress.after, 12);
    let names: Vec<_> = heard(&world)
        .iter()
        .map(|state| state["data"]["customer"]["id"].clone())
        .collect();
    let unique: BTreeSet<_> = names.iter().map(Value::to_string).collect();
    assert_eq!((names.len(), unique.len()), (12, 12));
}
