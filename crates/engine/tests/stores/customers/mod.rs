//! Customers through a whole engine: names, transfers, merges, attributes, grants, deletion, stated purchases.

mod counted;
mod doors;
mod given;
mod known;
mod money;
mod names;
mod transfers;

use crate::world::World;
use domain::{EventKind::*, Store};
use engine::IntakeError;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::Subscription;

const DAY: i64 = 86_400;

fn after(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(days * DAY))
        .unwrap()
}

/// A running Play subscription of this account.
pub(crate) fn sell(world: &World, token: &str, account: &str) {
    let new = Subscription {
        token: token.into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 9_990_000,
        currency: "USD".into(),
        account: account.into(),
        is_trial: false,
        linked: None,
    };
    world
        .stores
        .play
        .api
        .subscribe(&new, world.now(), after(world.now(), 30));
}

async fn restore(world: &World, who: &str, token: &str) -> Result<(), IntakeError> {
    world.pass(1).await;
    world.receipt(Store::PlayStore, who, token).await
}

pub(crate) async fn push(world: &World, kind: u8, token: &str) {
    world.pass(1).await;
    let body = world.stores.play.api.tell(kind, token, world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
}

/// Changes of access told to a customer: whether each gave or took.
async fn access(world: &World, who: &str) -> Vec<bool> {
    world
        .events()
        .await
        .into_iter()
        .filter(|event| event.kind == AccessLevelUpdated && event.customer.answers_to(who))
        .map(|event| event.level.unwrap().is_active)
        .collect()
}

fn statement(world: &World, who: &str, transaction: &str, extra: &Value) -> Value {
    let mut statement = json!({
        "app_user_id": who, "kind": "subscription", "product_id": "shop_gold", "transaction_id": transaction, "original_transaction_id": "s1",
        "updated_at": world.now(), "purchased_at": world.now(), "expires_at": after(world.now(), 30), "price": { "amount": "4.99", "currency": "USD" },
    });
    statement
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    statement
}

async fn state(world: &World, statement: &Value) -> Result<engine::Accepted, IntakeError> {
    world
        .engine
        .intake()
        .take_statement(
            world.app_of(Store::External),
            statement.to_string().as_bytes(),
        )
        .await
}
