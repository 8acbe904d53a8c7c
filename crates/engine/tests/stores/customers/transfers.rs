//! Purchases that pass from customer to customer.

use super::{DAY, access, after, push, restore, sell};
use crate::world::World;
use domain::{EventKind::*, Store};
use engine::IntakeError;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn transfer_moves_a_purchase_and_tells_both_sides() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    restore(&world, "bob", "t").await.unwrap();
    assert!(world.has_premium("bob").await && !world.has_premium("ann").await);
    assert_eq!(world.kinds().await, [SubscriptionStarted, Transfer]);
    let moved = world
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == Transfer)
        .unwrap();
    assert_eq!(
        (
            moved.customer.app_user_id.as_str(),
            moved.transferred_from.unwrap().app_user_id.as_str()
        ),
        ("bob", "ann")
    );
    assert_eq!(moved.product.as_deref(), Some("gold:monthly"));
    assert_eq!(access(&world, "ann").await, [true, false]);
    assert_eq!(access(&world, "bob").await, [true]);
    // Told again, and told by the store: nothing is doubled, and it stays where it is.
    restore(&world, "bob", "t").await.unwrap();
    push(&world, 4, "t").await;
    assert_eq!(world.kinds().await, [SubscriptionStarted, Transfer]);
    world.pass(30 * DAY).await;
    world
        .stores
        .play
        .api
        .renew("t", world.now(), after(world.now(), 30));
    push(&world, 2, "t").await;
    assert_eq!(world.kinds_of("bob").await, [Transfer, SubscriptionRenewed]);
    // And back: what was told to Ann before is not told again.
    restore(&world, "ann", "t").await.unwrap();
    assert_eq!(world.kinds_of("ann").await, [SubscriptionStarted, Transfer]);
    let seqs: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.customer.answers_to("ann"))
        .map(|event| event.customer_seq)
        .collect();
    assert_eq!(
        seqs,
        (1..=seqs.len() as u64).collect::<Vec<_>>(),
        "without gaps"
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_is_claimed_over_and_over_in_one_moment_passes_each_time() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    // No time passes from here on.
    for who in ["bob", "ann", "bob"] {
        world.receipt(Store::PlayStore, who, "t").await.unwrap();
        assert!(world.has_premium(who).await, "{who}");
    }
    assert!(!world.has_premium("ann").await);
    assert_eq!(world.kinds_of("bob").await, [Transfer, Transfer]);
    assert_eq!(access(&world, "bob").await, [true, false, true]);
    assert_eq!(access(&world, "ann").await, [true, false, true, false]);
    world.settled().await;
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transfer_while_in_billing_retry_gives_no_access_until_it_recovers() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    world.pass(30 * DAY).await;
    world.stores.play.api.set_state("t", "ON_HOLD", None);
    push(&world, 5, "t").await;
    restore(&world, "bob", "t").await.unwrap();
    assert!(!world.has_premium("bob").await);
    world
        .stores
        .play
        .api
        .renew("t", world.now(), after(world.now(), 30));
    push(&world, 1, "t").await;
    assert!(world.has_premium("bob").await && !world.has_premium("ann").await);
    assert_eq!(world.kinds_of("bob").await, [Transfer, SubscriptionRenewed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_refuses_and_share_makes_one_customer_of_two() {
    let keep = World::with_stores_and(
        &json!({ "transfer_behaviour": "share", "sandbox_transfer_behaviour": "keep" }),
    )
    .await;
    sell(&keep, "t", "");
    restore(&keep, "ann", "t").await.unwrap();
    let refused = restore(&keep, "bob", "t").await;
    assert!(
        matches!(refused, Err(IntakeError::OwnedByAnother)),
        "{refused:?}"
    );
    assert!(keep.has_premium("ann").await && !keep.has_premium("bob").await);
    assert_eq!(
        keep.parked().await,
        0,
        "a refusal is an answer: nothing waits"
    );
    let share = World::with_stores_and(&json!({ "transfer_behaviour": "share" })).await;
    sell(&share, "t", "");
    restore(&share, "ann", "t").await.unwrap();
    restore(&share, "bob", "t").await.unwrap();
    assert!(share.has_premium("ann").await && share.has_premium("bob").await);
    assert_eq!(share.kinds().await, [SubscriptionStarted]);
    let inactive =
        World::with_stores_and(&json!({ "transfer_behaviour": "transfer_if_inactive" })).await;
    sell(&inactive, "t", "");
    restore(&inactive, "ann", "t").await.unwrap();
    assert!(restore(&inactive, "bob", "t").await.is_err());
    let end = inactive.now();
    inactive
        .stores
        .play
        .api
        .expire("t", "userInitiatedCancellation", end);
    push(&inactive, 13, "t").await;
    restore(&inactive, "bob", "t").await.unwrap();
    assert!(inactive.kinds_of("bob").await.contains(&Transfer));
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_to_b_and_on_to_c_delivered_reversed_still_tell_the_truth() {
    let world = World::with_stores().await;
    sell(&world, "t", "");
    restore(&world, "ann", "t").await.unwrap();
    restore(&world, "bob", "t").await.unwrap();
    restore(&world, "cat", "t").await.unwrap();
    // Whatever the order of arrival: per customer the highest number carries the access that results.
    let mut events = world.events().await;
    events.reverse();
    let mut known: std::collections::BTreeMap<String, (u64, bool)> =
        std::collections::BTreeMap::new();
    for event in &events {
        let active = event
            .access
            .get("premium")
            .is_some_and(|level| level.is_active);
        let entry = known
            .entry(event.customer.app_user_id.clone())
            .or_insert((0, false));
        if event.customer_seq > entry.0 {
            *entry = (event.customer_seq, active);
        }
    }
    let access: Vec<_> = known
        .iter()
        .map(|(who, (_, active))| (who.as_str(), *active))
        .collect();
    assert_eq!(access, [("ann", false), ("bob", false), ("cat", true)]);
    let moves: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.kind == Transfer)
        .map(|event| {
            (
                event.transferred_from.unwrap().app_user_id,
                event.customer.app_user_id,
            )
        })
        .collect();
    assert_eq!(
        moves,
        [("ann".into(), "bob".into()), ("bob".into(), "cat".into())]
    );
}
