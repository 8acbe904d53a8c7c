//! Add-ons, their order, deferred changes and one-time orders. Source: Google, "Subscriptions with add-ons" and the resources
//! purchases.subscriptionsv2, purchases.productsv2 and orders.

use super::{DAY, MINUTE, charges, later, revenue, told, usd};
use crate::world::World;
use domain::{CancellationReason, EventKind::*, Store};
use jiff::Timestamp;
use serde_json::{Value, json};

/// An item of a subscription, last paid by this order.
fn item(product: &str, order: &str, ends: Timestamp) -> Value {
    json!({
        "productId": product, "expiryTime": ends, "latestSuccessfulOrderId": order,
        "autoRenewingPlan": { "autoRenewEnabled": true, "recurringPrice": usd(999) },
        "offerDetails": { "basePlanId": "monthly" }, "offerPhase": { "basePrice": {} },
    })
}

fn subscription(account: &str, began: Timestamp, items: Vec<Value>) -> Value {
    json!({
        "regionCode": "US", "startTime": began, "subscriptionState": "SUBSCRIPTION_STATE_ACTIVE",
        "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED", "testPurchase": {}, "lineItems": items,
        "externalAccountIdentifiers": { "obfuscatedExternalAccountId": account },
    })
}

/// An order that paid for these products, in cents.
fn order(id: &str, products: &[(&str, i64)], (start, end): (Timestamp, Timestamp)) -> Value {
    let lines = products.iter().map(|(product, cents)| {
        json!({
            "productId": product, "total": usd(*cents), "listingPrice": usd(*cents),
            "subscriptionDetails": { "basePlanId": "monthly", "offerPhase": "BASE", "servicePeriodStartTime": start, "servicePeriodEndTime": end },
        })
    });
    json!({
        "orderId": id, "state": "PROCESSED", "createTime": start, "lastEventTime": start,
        "total": usd(products.iter().map(|(_, cents)| cents).sum()), "lineItems": lines.collect::<Vec<_>>(),
    })
}

pub(super) async fn tell(world: &World, kind: u8, token: &str) {
    world.pass(1).await;
    let body = world.stores.play.api.tell(kind, token, world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
}

/// A base for 9.99 and an add-on for 4.99, bought in one order.
pub(super) async fn with_an_addon(world: &World, reversed: bool) -> (Timestamp, Timestamp) {
    let (start, end) = (world.now(), later(world.now(), 30 * DAY));
    let play = &world.stores.play.api;
    play.put_order(order("GPA.1", &[("gold", 999), ("hd", 499)], (start, end)));
    let mut items = vec![item("gold", "GPA.1", end), item("hd", "GPA.1", end)];
    if reversed {
        items.reverse();
    }
    play.put_subscription("t", subscription("ann", start, items));
    tell(world, 4, "t").await;
    (start, end)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_and_its_addon_are_both_told_in_whatever_order_they_are_listed() {
    let mut ids = Vec::new();
    for reversed in [false, true] {
        let world = World::with_stores().await;
        with_an_addon(&world, reversed).await;
        let events = told(&world).await;
        assert_eq!(
            charges(&events),
            [
                (SubscriptionStarted, "gold:monthly", 999),
                (SubscriptionStarted, "hd:monthly", 499)
            ]
        );
        assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
        assert_eq!(revenue(&world, "ann").await, 14_980_000);
        // Each tells of the whole purchase; the dearer one stands for it.
        for event in &events {
            let lines = event
                .lines
                .iter()
                .map(|line| (line.product.as_str(), line.is_base));
            assert_eq!(
                lines.collect::<Vec<_>>(),
                [("gold:monthly", true), ("hd:monthly", false)]
            );
            assert_eq!(event.transaction.as_ref().unwrap().id, "GPA.1");
        }
        assert_eq!(
            events
                .iter()
                .map(|event| event.joins_base)
                .collect::<Vec<_>>(),
            [false, true]
        );
        ids.push(
            events
                .into_iter()
                .map(|event| event.key)
                .collect::<Vec<_>>(),
        );
        world.rederives().await;
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addon_taken_off_at_the_renewal_ends_then_and_its_base_goes_on() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let (start, end) = with_an_addon(&world, false).await;
    world.pass(DAY).await;
    play.change("t", |purchase| {
        purchase["lineItems"][1]["deferredItemRemoval"] = json!({});
    });
    tell(&world, 17, "t").await;
    assert_eq!(
        told(&world).await.last().unwrap().kind,
        SubscriptionRenewalCancelled
    );
    assert!(
        world.has("ann", "hd").await,
        "until the end of what was paid for"
    );
    world.pass(29 * DAY).await;
    let next = later(end, 30 * DAY);
    play.put_order(order("GPA.1..0", &[("gold", 999)], (end, next)));
    let items = vec![item("gold", "GPA.1..0", next)];
    play.put_subscription("t", subscription("ann", start, items));
    tell(&world, 2, "t").await;
    assert_eq!(
        charges(&told(&world).await),
        [
            (SubscriptionStarted, "gold:monthly", 999),
            (SubscriptionStarted, "hd:monthly", 499),
            (SubscriptionRenewalCancelled, "hd:monthly", 499),
            (SubscriptionRenewed, "gold:monthly", 999),
            (SubscriptionExpired, "hd:monthly", 499),
        ]
    );
    assert!(world.has_premium("ann").await && !world.has("ann", "hd").await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addon_bought_later_starts_then_and_both_renew_in_one_order() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let (start, end) = (world.now(), later(world.now(), 30 * DAY));
    play.put_order(order("GPA.1", &[("gold", 999)], (start, end)));
    play.put_subscription(
        "t",
        subscription("ann", start, vec![item("gold", "GPA.1", end)]),
    );
    tell(&world, 4, "t").await;
    world.pass(10 * DAY).await;
    // A new token with both; the base keeps what it was paid by.
    let added = world.now();
    play.put_order(order("GPA.2", &[("hd", 333)], (added, end)));
    let mut kept = item("gold", "GPA.1", end);
    kept["itemReplacement"] = json!({ "productId": "gold", "replacementMode": "KEEP_EXISTING" });
    let mut second = subscription("ann", added, vec![item("hd", "GPA.2", end), kept]);
    second["linkedPurchaseToken"] = "t".into();
    play.put_subscription("t2", second);
    play.replaced("t", added);
    tell(&world, 13, "t").await;
    tell(&world, 4, "t2").await;
    assert_eq!(
        charges(&told(&world).await),
        [
            (SubscriptionStarted, "gold:monthly", 999),
            (SubscriptionStarted, "hd:monthly", 333)
        ]
    );
    assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
    world.pass(20 * DAY).await;
    let next = later(end, 30 * DAY);
    play.put_order(order(
        "GPA.2..0",
        &[("gold", 999), ("hd", 499)],
        (end, next),
    ));
    play.change("t2", |purchase| {
        for item in purchase["lineItems"].as_array_mut().unwrap() {
            item["latestSuccessfulOrderId"] = "GPA.2..0".into();
            item["expiryTime"] = json!(next);
        }
    });
    tell(&world, 2, "t2").await;
    assert_eq!(
        charges(&told(&world).await)[2..],
        [
            (SubscriptionRenewed, "gold:monthly", 999),
            (SubscriptionRenewed, "hd:monthly", 499)
        ]
    );
    world.rederives().await;
}

/// The old plan runs on until its end, on the new token with the order that paid for it; what follows is bought then.
#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_change_takes_nothing_away_and_is_told_at_the_renewal_again() {
    for late_push_first in [false, true] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        let (start, end) = (world.now(), later(world.now(), 21 * DAY));
        play.put_order(order("GPA.6", &[("gold", 2000)], (start, end)));
        play.put_subscription(
            "t",
            subscription("ann", start, vec![item("gold", "GPA.6", end)]),
        );
        tell(&world, 4, "t").await;
        world.pass(DAY).await;
        let changed = world.now();
        let mut runs = item("gold", "GPA.6", end);
        runs["autoRenewingPlan"] = json!({});
        runs["deferredItemReplacement"] = json!({ "productId": "silver" });
        let next = json!({
            "productId": "silver", "offerDetails": { "basePlanId": "monthly" },
            "autoRenewingPlan": { "autoRenewEnabled": true, "recurringPrice": usd(500) },
        });
        let mut second = subscription("ann", changed, vec![next, runs]);
        second["linkedPurchaseToken"] = "t".into();
        play.put_subscription("t2", second);
        play.replaced("t", changed);
        let pushes: [(u8, &str); 2] = if late_push_first {
            [(13, "t"), (4, "t2")]
        } else {
            [(4, "t2"), (13, "t")]
        };
        for (kind, token) in pushes {
            tell(&world, kind, token).await;
        }
        world.pass(20 * MINUTE).await;
        let events = told(&world).await;
        let scheduled: Vec<_> = events
            .iter()
            .map(|event| (event.kind, event.scheduled))
            .collect();
        assert_eq!(
            scheduled,
            [(SubscriptionStarted, false), (ProductChanged, true)]
        );
        let last = events.last().unwrap();
        assert_eq!(
            (last.previous_product.as_deref(), last.product.as_deref()),
            (Some("gold:monthly"), Some("silver:monthly"))
        );
        assert!(world.has_premium("ann").await);
        assert_eq!(revenue(&world, "ann").await, 20_000_000);
        // The renewal charges for what was chosen.
        world.pass(20 * DAY).await;
        let next_end = later(end, 30 * DAY);
        play.put_order(order("GPA.7", &[("silver", 500)], (end, next_end)));
        let mut second = subscription("ann", changed, vec![item("silver", "GPA.7", next_end)]);
        second["linkedPurchaseToken"] = "t".into();
        play.put_subscription("t2", second);
        tell(&world, 2, "t2").await;
        assert_eq!(
            charges(&told(&world).await)[2..],
            [
                (SubscriptionExpired, "gold:monthly", 2000),
                (SubscriptionStarted, "silver:monthly", 500)
            ]
        );
        world.rederives().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_product_of_a_one_time_order_is_told_with_its_own_price() {
    let mut keys = Vec::new();
    for reversed in [false, true] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        let at = world.now();
        let line = |product: &str, quantity: u32| {
            json!({ "productId": product, "productOfferDetails": { "quantity": quantity, "refundableQuantity": quantity,
                "consumptionState": "CONSUMPTION_STATE_YET_TO_BE_CONSUMED" } })
        };
        let mut lines = vec![line("gold", 1), line("hd", 2)];
        if reversed {
            lines.reverse();
        }
        play.put_product("one", json!({
            "productLineItem": lines, "purchaseStateContext": { "purchaseState": "PURCHASED" }, "testPurchaseContext": {},
            "orderId": "GPA.9", "obfuscatedExternalAccountId": "ann", "regionCode": "US", "purchaseCompletionTime": at,
            "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED",
        }));
        play.put_order(json!({
            "orderId": "GPA.9", "state": "PROCESSED", "createTime": at, "lastEventTime": at, "total": usd(1300),
            "lineItems": [{ "productId": "hd", "total": usd(300) }, { "productId": "gold", "total": usd(1000) }],
        }));
        let body = play.tell_product(1, "one", "gold", world.now());
        world.push(&body).await.unwrap();
        world.settled().await;
        let events = told(&world).await;
        assert_eq!(
            charges(&events),
            [
                (NonSubscriptionPurchase, "gold", 1000),
                (NonSubscriptionPurchase, "hd", 300)
            ]
        );
        assert_eq!(events[1].transaction.as_ref().unwrap().quantity, 2);
        assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
        // All of the order is given back, in one void.
        let body = play.tell_voided("one", "GPA.9", 2, later(at, MINUTE));
        world.push(&body).await.unwrap();
        world.settled().await;
        let all = told(&world).await;
        assert_eq!(
            charges(&all)[2..],
            [
                (NonSubscriptionPurchaseRefunded, "gold", 1000),
                (NonSubscriptionPurchaseRefunded, "hd", 300)
            ]
        );
        assert!(!world.has_premium("ann").await && !world.has("ann", "hd").await);
        assert_eq!(revenue(&world, "ann").await, 0);
        world.rederives().await;
        keys.push(
            events
                .into_iter()
                .map(|event| event.key)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(keys[0], keys[1]);
}

/// An add-on is known by its order and its line: what repeats a purchase names nobody anew.
#[tokio::test(flavor = "multi_thread")]
async fn an_addon_that_was_heard_of_passes_nothing_back() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let (_, end) = with_an_addon(&world, false).await;
    world.pass(10 * DAY).await;
    // A new token on which the add-on has another plan.
    let changed = world.now();
    play.put_order(order("GPA.2", &[("hd", 333)], (changed, end)));
    let mut kept = item("gold", "GPA.1", end);
    kept["itemReplacement"] = json!({ "productId": "gold", "replacementMode": "KEEP_EXISTING" });
    let mut replaced = item("hd", "GPA.2", end);
    replaced["itemReplacement"] =
        json!({ "productId": "hd", "replacementMode": "CHARGE_FULL_PRICE" });
    let mut second = subscription("ann", changed, vec![kept, replaced]);
    second["linkedPurchaseToken"] = "t".into();
    play.put_subscription("t2", second);
    play.replaced("t", changed);
    tell(&world, 4, "t2").await;
    assert!(world.has("ann", "hd").await);
    world.pass(DAY).await;
    world
        .vouched_receipt(Store::PlayStore, "bob", "t2")
        .await
        .unwrap();
    world.settled().await;
    for _ in 0..2 {
        tell(&world, 17, "t2").await;
        assert_eq!(world.kinds_of("bob").await, [Transfer]);
    }
    assert!(world.has("bob", "hd").await && !world.has("ann", "hd").await);
    world.rederives().await;
}

/// What remains of a purchase may be a line with a name: Google is asked about it as about any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_remains_alone_is_confirmed_where_nobody_tells_of_its_renewal() {
    for remains in ["gold", "hd"] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        let (start, end) = with_an_addon(&world, false).await;
        let renew = |id: &str, start_of_it: Timestamp| {
            let ends = later(start_of_it, 30 * DAY);
            play.put_order(order(id, &[(remains, 499)], (start_of_it, ends)));
            let items = vec![item(remains, id, ends)];
            play.put_subscription("t", subscription("ann", start, items));
            ends
        };
        world.pass(world.now().duration_until(end).as_secs()).await;
        let next = renew("GPA.1..0", end);
        tell(&world, 2, "t").await;
        world.pass(world.now().duration_until(next).as_secs()).await;
        renew("GPA.1..1", next);
        world.pass(20 * MINUTE).await;
        world.settled().await;
        let product = format!("{remains}:monthly");
        let events = told(&world).await;
        let renewed = charges(&events)
            .into_iter()
            .filter(|charge| *charge == (SubscriptionRenewed, &*product, 499));
        // The first was told; about the second Google was asked.
        assert_eq!(renewed.count(), 2, "{remains}");
        world.rederives().await;
    }
}

/// Google, purchases.subscriptionsv2: the state is that of the purchase, `expiryTime` and `autoRenewEnabled` are of each item.
#[tokio::test(flavor = "multi_thread")]
async fn an_addon_that_was_not_to_renew_ends_when_google_shows_it_over() {
    for (state, kind) in [("ACTIVE", 2), ("IN_GRACE_PERIOD", 6), ("ON_HOLD", 5)] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        let (start, end) = with_an_addon(&world, false).await;
        let switch_off = |item: &mut Value| item["autoRenewingPlan"] = json!({});
        world.pass(DAY).await;
        play.change("t", |purchase| switch_off(&mut purchase["lineItems"][1]));
        tell(&world, 17, "t").await;
        world.jump(later(end, MINUTE));
        let next = later(end, 30 * DAY);
        let mut base = item("gold", "GPA.1", end);
        if state == "ACTIVE" {
            play.put_order(order("GPA.1..0", &[("gold", 999)], (end, next)));
            base = item("gold", "GPA.1..0", next);
        } else if state == "IN_GRACE_PERIOD" {
            base["expiryTime"] = json!(later(end, 3 * DAY));
        }
        let mut addon = item("hd", "GPA.1", end);
        switch_off(&mut addon);
        let mut shown = subscription("ann", start, vec![base, addon]);
        shown["subscriptionState"] = format!("SUBSCRIPTION_STATE_{state}").into();
        play.put_subscription("t", shown);
        tell(&world, kind, "t").await;
        let events = told(&world).await;
        let of_addon: Vec<_> = events
            .iter()
            .filter(|event| event.product.as_deref() == Some("hd:monthly"))
            .map(|event| (event.kind, event.cancellation_reason, event.occurred_at))
            .collect();
        let [
            (SubscriptionStarted, ..),
            (SubscriptionRenewalCancelled, ..),
            over,
        ] = of_addon[..]
        else {
            panic!("{state}: {of_addon:?}");
        };
        let why = Some(CancellationReason::VoluntarilyCancelled);
        assert_eq!(over, (SubscriptionExpired, why, end), "{state}");
        assert!(!world.has("ann", "hd").await);
        assert_eq!(world.has_premium("ann").await, state != "ON_HOLD");
        world.rederives().await;
    }
}
