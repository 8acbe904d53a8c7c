//! Google Play through a whole engine: lives of subscriptions, purchases that lead to others, pushes, questions, outages.

mod heard;
mod life;
mod linked;
mod planned;

use crate::world::World;
use engine::Accepted;
use jiff::{SignedDuration, Timestamp};
use simulator::Subscription;

const DAY: i64 = 86_400;

fn after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(days * DAY))
        .unwrap()
}

fn subscription(token: &str, is_trial: bool) -> Subscription {
    Subscription {
        token: token.into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 9_990_000,
        currency: "USD".into(),
        account: format!("user-{token}"),
        is_trial,
        linked: None,
    }
}

/// A running subscription whose purchase was told.
async fn begin(world: &World, token: &str, is_trial: bool) -> Timestamp {
    let ends = after(world.now(), if is_trial { 7 } else { 30 });
    let play = &world.stores.play.api;
    play.subscribe(&subscription(token, is_trial), world.now(), ends);
    tell(world, 4, token).await;
    ends
}

async fn tell(world: &World, kind: u8, token: &str) {
    world.pass(1).await;
    let body = world.stores.play.api.tell(kind, token, world.now());
    assert!(matches!(
        world.push(&body).await.unwrap(),
        Accepted::Pending { .. }
    ));
    world.settled().await;
}
