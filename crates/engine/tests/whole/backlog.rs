//! A backlog of messages that wait is worked through, and that of one app keeps nothing of another waiting.

use crate::world::{Chain, World, incoming};
use domain::{EventKind, InboxId, Store};
use jiff::SignedDuration;
use ledger::{InboxMessage, Origin};
use uuid::Uuid;

/// More than is taken up at once, and than in a step.
const MANY: u128 = 1_500;

#[tokio::test(flavor = "multi_thread")]
async fn of_many_messages_that_wait_each_has_its_try_and_so_has_what_came_last() {
    let world = World::new().await;
    let (setup, ledger) = (world.engine.setup(), world.engine.ledger());
    let mut apps = setup.apps();
    let android = apps
        .find(|app| app.row.store() == Store::PlayStore)
        .unwrap();
    let due_at = world.now() - SignedDuration::from_mins(10);
    for number in 0..MANY {
        // None of it can be read, however often it is tried.
        let message = InboxMessage {
            id: InboxId::new(Uuid::from_u128(number + 1)),
            project: world.project,
            app: android.row.id,
            origin: Origin::Store(Store::PlayStore),
            key: number.to_string(),
            title: "push".into(),
            body: b"not a push".to_vec(),
            received_at: due_at,
        };
        let parked = ledger.park(message, "cannot be read".into(), due_at);
        assert!(parked.await.unwrap());
    }
    let mut chain = Chain::purchase(1000, "monthly", None, world.now());
    let told = chain.notify("SUBSCRIBED", world.now());
    let message = InboxMessage {
        id: InboxId::new(Uuid::from_u128(MANY + 1)),
        project: world.project,
        app: world.app,
        origin: Origin::Store(Store::AppStore),
        key: "last".into(),
        title: "SUBSCRIBED".into(),
        body: incoming(&told).body.to_vec(),
        received_at: world.now(),
    };
    ledger
        .park(message, "its store did not answer".into(), world.now())
        .await
        .unwrap();
    world.engine.catch_up().await.unwrap();
    assert_eq!(
        ledger.due_parked(world.now(), &[], 1).await.unwrap(),
        [],
        "each has had its try"
    );
    assert_eq!(world.kinds().await, [EventKind::SubscriptionStarted]);
}
