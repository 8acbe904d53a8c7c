//! A ledger that an earlier release wrote, which told no lines of a purchase apart: what its messages say beyond that is read when
//! this release starts, nothing is told of it, and what comes next is told of every line.
//!
//! The ledger is `again/one_line.sql`. Of an order of two products that release told the one that the store listed last.

use crate::world::World;
use domain::{Event, EventKind::*};
use engine::rederive::Difference;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAY: i64 = 86_400;
/// The moment at which the earlier release was stopped.
const STOPPED: &str = "2026-01-31T00:01:01Z";

/// Purchases of `who` by product, each with the end of what it gives.
async fn lines(world: &World, who: &str) -> Vec<String> {
    let known = world.engine.ledger().customer(world.project, who).await;
    let known = known.unwrap().unwrap();
    let mut products: Vec<_> = known
        .purchases
        .iter()
        .flat_map(|purchase| purchase.stored.snapshot.lines())
        .map(|line| line.product.clone())
        .collect();
    products.sort();
    products
}

fn usd(cents: i64) -> Value {
    json!({ "currencyCode": "USD", "units": (cents / 100).to_string(), "nanos": cents % 100 * 10_000_000 })
}

/// The next period of ann's base for 9.99 and her add-on for 4.99.
async fn ann_renews(world: &World) {
    let began: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let day = |days: i64| {
        began
            .checked_add(SignedDuration::from_secs(days * DAY))
            .unwrap()
    };
    let (start, end) = (day(60), day(90));
    let line = |product: &str, cents: i64| {
        json!({
            "productId": product, "total": usd(cents), "listingPrice": usd(cents),
            "subscriptionDetails": { "basePlanId": "monthly", "offerPhase": "BASE", "servicePeriodStartTime": start, "servicePeriodEndTime": end },
        })
    };
    let item = |product: &str| {
        json!({
            "productId": product, "expiryTime": end, "latestSuccessfulOrderId": "GPA.1..1",
            "autoRenewingPlan": { "autoRenewEnabled": true, "recurringPrice": usd(999) },
            "offerDetails": { "basePlanId": "monthly" }, "offerPhase": { "basePrice": {} },
        })
    };
    let play = &world.stores.play.api;
    play.put_order(json!({
        "orderId": "GPA.1..1", "state": "PROCESSED", "createTime": start, "lastEventTime": start,
        "total": usd(1498), "lineItems": [line("gold", 999), line("hd", 499)],
    }));
    play.put_subscription(
        "t",
        json!({
            "regionCode": "US", "startTime": began, "subscriptionState": "SUBSCRIPTION_STATE_ACTIVE",
            "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED", "testPurchase": {},
            "lineItems": [item("gold"), item("hd")],
            "externalAccountIdentifiers": { "obfuscatedExternalAccountId": "ann" },
        }),
    );
    world.jump(start);
    let body = play.tell(2, "t", world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
}

fn of<'a>(events: &'a [Event], who: &str) -> Vec<(domain::EventKind, &'a str)> {
    events
        .iter()
        .filter(|event| event.customer.app_user_id == who && event.kind != AccessLevelUpdated)
        .map(|event| (event.kind, event.product.as_deref().unwrap_or_default()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_release_did_not_tell_apart_is_known_and_no_news() {
    let world =
        World::of_an_earlier_release(include_str!("again/one_line.sql"), STOPPED.parse().unwrap())
            .await;
    let told = world.events().await;
    assert_eq!(lines(&world, "ann").await, ["hd:monthly"]);
    assert_eq!(world.engine.read_again().await.unwrap(), 3);
    for (who, products) in [
        ("ann", ["gold:monthly", "hd:monthly"]),
        ("ben", ["gold:monthly", "hd:monthly"]),
        ("carl", ["prod_gold:price_gold", "prod_hd:price_hd"]),
    ] {
        assert_eq!(lines(&world, who).await, products);
    }
    assert_eq!(
        world.engine.read_again().await.unwrap(),
        0,
        "once is enough"
    );
    world.catch_up().await;
    assert_eq!(world.events().await, told, "nothing of it is news");
    ann_renews(&world).await;
    let all = world.events().await;
    let new = &all[told.len()..];
    assert_eq!(
        of(new, "ann"),
        [
            (SubscriptionRenewed, "gold:monthly"),
            (SubscriptionRenewed, "hd:monthly")
        ]
    );
    assert_eq!([of(new, "ben"), of(new, "carl")], [vec![], vec![]]);
    // What would have been told otherwise is said to whoever asks.
    let report = world.rederive(|_| {}).await;
    let is_of_gold = |difference: &Difference| matches!(difference, Difference::Extra(told) if told.product.as_deref() == Some("gold:monthly"));
    assert!(report.differences.iter().any(is_of_gold), "{report:?}");
}
