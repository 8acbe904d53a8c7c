//! One product of several that is taken back alone. Source: Google, purchases.subscriptionsv2.revoke, `itemBasedRefund`; orders,
//! `orderHistory`.

use super::{
    DAY, MINUTE,
    play::{tell, with_an_addon},
    revenue, told,
};
use crate::world::World;
use domain::{Event, EventKind, EventKind::*};
use serde_json::json;

/// How Google shows that one item was taken.
#[derive(Debug, Clone, Copy)]
enum Shown {
    /// Over, with what was given back.
    Over,
    /// No more, with what was given back.
    Gone,
    /// Over, to whom no order is shown in part.
    OverAlone,
}

/// Kind, product and cents that moved.
fn moved(events: &[Event]) -> Vec<(EventKind, &str, i64)> {
    let of = |event: &Event| {
        let transaction = event.transaction.as_ref()?;
        let money = transaction.refunded.or(transaction.price)?;
        Some(money.micros / 10_000)
    };
    let told = events.iter();
    told.map(|event| {
        (
            event.kind,
            event.product.as_deref().unwrap(),
            of(event).unwrap(),
        )
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_revoked_alone_takes_nothing_of_the_others() {
    for shown in [Shown::Over, Shown::Gone, Shown::OverAlone] {
        for kinds in [&[12][..], &[12, 17], &[17, 12]] {
            let world = World::with_stores().await;
            let play = &world.stores.play.api;
            with_an_addon(&world, false).await;
            world.pass(10 * DAY).await;
            let at = world.now();
            play.change("t", |purchase| {
                let items = purchase["lineItems"].as_array_mut().unwrap();
                if matches!(shown, Shown::Gone) {
                    items.remove(1);
                } else {
                    items[1]["expiryTime"] = json!(at);
                    items[1]["autoRenewingPlan"] = json!({});
                }
            });
            let is_in_part = !matches!(shown, Shown::OverAlone);
            if is_in_part {
                play.give_back("GPA.1", 3_320_000, false, at);
            }
            for kind in kinds {
                tell(&world, *kind, "t").await;
            }
            let cents = if is_in_part { 332 } else { 499 };
            let expected = [
                (SubscriptionStarted, "gold:monthly", 999),
                (SubscriptionStarted, "hd:monthly", 499),
                (SubscriptionRefunded, "hd:monthly", cents),
            ];
            assert_eq!(moved(&told(&world).await), expected, "{shown:?} {kinds:?}");
            assert!(world.has_premium("ann").await, "{shown:?} {kinds:?}");
            assert!(!world.has("ann", "hd").await, "{shown:?} {kinds:?}");
            // Read again, and when whatever waits is over, it is as it was.
            tell(&world, 19, "t").await;
            world.pass(20 * MINUTE).await;
            world.settled().await;
            assert_eq!(moved(&told(&world).await), expected, "{shown:?} {kinds:?}");
            assert_eq!(revenue(&world, "ann").await, 14_980_000 - cents * 10_000);
            world.rederives().await;
        }
    }
}

/// A revocation of a purchase of which Google shows that all of it runs, as it says itself, took none of its products.
#[tokio::test(flavor = "multi_thread")]
async fn products_that_are_shown_to_run_are_not_revoked() {
    let world = World::with_stores().await;
    with_an_addon(&world, true).await;
    world.pass(DAY).await;
    tell(&world, 12, "t").await;
    assert_eq!(told(&world).await.len(), 2);
    assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_of_all_products_takes_each() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    with_an_addon(&world, false).await;
    world.pass(DAY).await;
    let at = world.now();
    play.expire("t", "developerInitiatedCancellation", at);
    play.change("t", |purchase| {
        purchase["lineItems"][1]["expiryTime"] = json!(at);
    });
    tell(&world, 12, "t").await;
    let expected = [
        (SubscriptionStarted, "gold:monthly", 999),
        (SubscriptionStarted, "hd:monthly", 499),
        (SubscriptionRefunded, "gold:monthly", 999),
        (SubscriptionRefunded, "hd:monthly", 499),
    ];
    assert_eq!(moved(&told(&world).await), expected);
    assert!(!world.has_premium("ann").await && !world.has("ann", "hd").await);
}
