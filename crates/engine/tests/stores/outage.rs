//! Tidings itself is away for ten minutes in the middle of a thousand lives.

use crate::world::World;
use domain::Store;
use jiff::{SignedDuration, Timestamp};
use simulator::{App, Channel, Driver, Message, Pace, Turn};
use std::collections::BTreeMap;

/// Customers of each store; those who must ask their store ask at its pace.
const CUSTOMERS: [(Channel, u64); 3] = [
    (Channel::Apple, 900),
    (Channel::Google, 60),
    (Channel::Stripe, 40),
];
const STEPS: usize = 5;
/// A day of a life lasts this long: a life of some months passes in minutes.
const DAY: SignedDuration = SignedDuration::from_secs(4);

fn lives(world: &World) -> Vec<Turn> {
    let app = App {
        bundle_id: "com.example".into(),
        environment: "LocalTesting".into(),
    };
    let driver = Driver::new(world.stores.clone(), app, [], Pace { day: DAY }, 11).unwrap();
    let spread = SignedDuration::from_mins(20);
    let script = |(channel, count)| driver.script(channel, 0..count, world.now(), spread, STEPS);
    let mut turns: Vec<_> = CUSTOMERS.into_iter().flat_map(script).collect();
    turns.sort_by_key(|turn| turn.at);
    turns
}

/// What counts of an event.
#[derive(Debug, PartialEq)]
struct Told {
    id: String,
    kind: &'static str,
    occurred_at: Timestamp,
    product: Option<String>,
    store: Option<Store>,
}

/// What was told, by customer and key.
async fn told(world: &World) -> BTreeMap<(String, String), Told> {
    let events = world.events().await;
    let told: BTreeMap<_, _> = events
        .iter()
        .map(|event| {
            let what = Told {
                id: event.id.to_string(),
                kind: event.kind.id(),
                occurred_at: event.occurred_at,
                product: event.product.clone(),
                store: event.app.as_ref().map(|app| app.store),
            };
            (
                (event.customer.app_user_id.clone(), event.key.clone()),
                what,
            )
        })
        .collect();
    assert_eq!(told.len(), events.len(), "no two alike");
    told
}

async fn deliver(world: &World, message: &Message) {
    world.deliver(message).await.unwrap();
    // One after the other, as the store tells them: nothing of what time asks for happens here.
    world.engine.idle().await;
}

/// When the store tells again what it could not deliver.
#[derive(Clone, Copy, PartialEq)]
enum Heals {
    /// Before anything new.
    First,
    /// Half of it before, half after whatever is new.
    Late,
}

async fn live(away: Option<Heals>) -> World {
    let world = World::with_stores().await;
    let start = world.now();
    let from = start.checked_add(SignedDuration::from_mins(8)).unwrap();
    let until = start.checked_add(SignedDuration::from_mins(18)).unwrap();
    let mut missed = Vec::new();
    let mut told = 0;
    for turn in lives(&world) {
        let message = turn.message(&world.stores).unwrap().clone();
        if !turn.tells {
            continue;
        }
        told += 1;
        if away.is_some() && turn.at >= from && turn.at < until {
            missed.push(message);
            continue;
        }
        world.jump(world.now().max(turn.at));
        let now = match away {
            Some(Heals::Late) => missed.len() / 2,
            _ => missed.len(),
        };
        for message in missed.drain(..if turn.at >= until { now } else { 0 }) {
            deliver(&world, &message).await;
        }
        deliver(&world, &message).await;
    }
    assert!(told > 4000, "{told}");
    for message in missed {
        deliver(&world, &message).await;
    }
    assert_eq!(world.parked().await, 0);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_ten_minutes_changes_nothing_but_when_it_is_told() {
    let undisturbed = live(None).await;
    let expected = told(&undisturbed).await;
    let first = live(Some(Heals::First)).await;
    let healed = told(&first).await;
    let of_apple = |told: &Told| told.store == Some(Store::AppStore);
    let differs: Vec<_> = expected
        .iter()
        .filter(|(key, told)| healed.get(*key) != Some(told) && of_apple(told))
        .take(5)
        .collect();
    assert!(differs.is_empty(), "{differs:?}");
    let count = |all: &BTreeMap<_, Told>| all.values().filter(|told| of_apple(told)).count();
    assert_eq!(count(&expected), count(&healed), "nothing more either");
    // What comes behind newer news tells every charge and refund; what has passed since is not told as if it were new. The
    // other stores answer how things stand when they are asked: what came and went in between they do not tell.
    let late = live(Some(Heals::Late)).await;
    let is_money = |key: &str| {
        ["charged:", "refunded:", "refund_reversed:"]
            .iter()
            .any(|kind| key.contains(kind))
    };
    for other in [&first, &late] {
        let others = told(other).await;
        let lost: Vec<_> = expected
            .iter()
            .filter(|(key, value)| is_money(&key.1) && others.get(*key) != Some(*value))
            .collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
    undisturbed.rederives().await;
}
