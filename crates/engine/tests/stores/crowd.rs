//! Any number of tokens that no store knows, sent with the public key that every copy of the app has.

use super::customers::sell;
use crate::world::{WAITING, World};
use domain::{InboxId, Store};
use engine::{Accepted, IntakeError};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use jiff::{SignedDuration, Timestamp};
use ledger::{InboxMessage, Origin};
use sources::Trouble;
use uuid::Uuid;

/// As docs/security.md states it.
const OF_ANYBODY: u64 = 10_000;

/// So many receipts wait that were tried and are to be tried again.
async fn leave_waiting(world: &World, numbers: std::ops::Range<u64>, retry_at: Timestamp) {
    let ledger = world.engine.ledger();
    let park = |number: u64| {
        let message = InboxMessage {
            id: InboxId::new(Uuid::from_u128(u128::from(number) + 1)),
            project: world.project,
            app: world.app_of(Store::PlayStore),
            origin: Origin::Receipt,
            key: number.to_string(),
            title: "RECEIPT".into(),
            body: b"{}".to_vec(),
            received_at: world.now(),
        };
        ledger.park(message, "the store does not answer".into(), retry_at)
    };
    let numbers: Vec<u64> = numbers.collect();
    for some in numbers.chunks(100) {
        for parked in join_all(some.iter().copied().map(park)).await {
            assert!(parked.unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_receipts_of_an_app_wait_and_the_next_is_sent_again() {
    let world = World::with_stores().await;
    let is_put_off = |taken: Result<(), IntakeError>| matches!(taken, Err(IntakeError::Crowded));
    for token in ["old", "new", "another", "late"] {
        sell(&world, token, "");
    }
    let send = async |who: &str, token: &str| {
        world.pass(60).await;
        world.receipt(Store::PlayStore, who, token).await
    };
    send("ann", "old").await.unwrap();
    let later = world.now() + SignedDuration::from_hours(24);
    let given_up = world.now() + SignedDuration::from_hours(24 * 365 * 90);
    leave_waiting(&world, 0..OF_ANYBODY - 1, later).await;
    // What nobody asks about any more keeps nobody out.
    leave_waiting(&world, 100_000..100_100, given_up).await;
    send("bob", "new").await.unwrap();
    leave_waiting(&world, OF_ANYBODY..OF_ANYBODY + 1, later).await;
    assert!(is_put_off(send("cleo", "late").await));
    let cleo = world.engine.customers().known(world.project, "cleo").await;
    assert!(cleo.unwrap().is_none(), "nobody is made of what is refused");
    // Nothing of it was kept: it is the client's to send again.
    let waiting = world.engine.ledger().count_waiting_receipts(
        world.app_of(Store::PlayStore),
        given_up,
        3 * OF_ANYBODY,
    );
    assert_eq!(waiting.await.unwrap(), OF_ANYBODY);
    // Whoever has a purchase is let through, and so is a server of the project, and what was sent before.
    send("ann", "another").await.unwrap();
    send("bob", "new").await.unwrap();
    let vouched = world.vouched_receipt(Store::PlayStore, "dan", "late").await;
    vouched.unwrap();
    assert!(world.has_premium("dan").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_clients_wait_for_a_store_and_what_others_send_is_asked_about_later() {
    let world = World::with_stores().await;
    let token = |number: usize| format!("token-{number}");
    for number in 0..WAITING {
        sell(&world, &token(number), "");
    }
    // The keys that pushes are signed with are known from now on.
    let tell = || world.stores.play.api.tell(4, "token-0", world.now());
    world.push(&tell()).await.unwrap();
    world.settled().await;
    world.silence_stores(true);
    let send = async |number| {
        let (who, token) = (format!("customer-{number}"), token(number));
        world.receipt(Store::PlayStore, &who, &token).await
    };
    let mut sent: FuturesUnordered<_> = (0..WAITING).map(send).collect();
    // Those of one app may have half of the places: the others are told to come again at once.
    for _ in 0..WAITING / 2 {
        let taken = sent.next().await.unwrap();
        assert!(
            matches!(taken, Err(IntakeError::Store(Trouble::Unavailable { .. }))),
            "{taken:?}"
        );
    }
    let accepted = world.push(&tell()).await;
    assert!(
        matches!(accepted, Ok(Accepted::Pending { .. })),
        "{accepted:?}"
    );
    world.silence_stores(false);
    while let Some(taken) = sent.next().await {
        taken.unwrap();
    }
    world.pass(60).await;
    world.settled().await;
    for number in 0..WAITING {
        assert!(world.has_premium(&format!("customer-{number}")).await);
    }
}
