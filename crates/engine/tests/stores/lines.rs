//! Purchases of several products through a whole engine: each is told, ends and gives access by itself, and the order in which a
//! store lists them says nothing.
//!
//! Sources, as of November 2026: Google, "Subscriptions with add-ons" and the resources purchases.subscriptionsv2, purchases.productsv2
//! and orders; Apple, "Advanced Commerce API".

use super::apple::{notification, renewal, transaction};
use crate::world::World;
use domain::{Event, EventKind, EventKind::*};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAY: i64 = 86_400;
const MINUTE: i64 = 60;

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

fn usd(cents: i64) -> Value {
    json!({ "currencyCode": "USD", "units": (cents / 100).to_string(), "nanos": cents % 100 * 10_000_000 })
}

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

async fn tell(world: &World, kind: u8, token: &str) {
    world.pass(1).await;
    let body = world.stores.play.api.tell(kind, token, world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
}

async fn told(world: &World) -> Vec<Event> {
    let mut events = world.events().await;
    events.retain(|event| event.kind != AccessLevelUpdated);
    events
}

/// Kind, product and cents of each event.
fn charges(events: &[Event]) -> Vec<(EventKind, &str, i64)> {
    events
        .iter()
        .map(|event| {
            let transaction = event.transaction.as_ref();
            let price = transaction.and_then(|transaction| transaction.price);
            let cents = price.map_or(-1, |price| price.micros / 10_000);
            (
                event.kind,
                event.product.as_deref().unwrap_or_default(),
                cents,
            )
        })
        .collect()
}

async fn revenue(world: &World, who: &str) -> i64 {
    let known = world.engine.ledger().customer(world.project, who).await;
    known.unwrap().unwrap().customer.revenue_usd_micros
}

/// A base for 9.99 and an add-on for 4.99, bought in one order.
async fn with_an_addon(world: &World, reversed: bool) -> (Timestamp, Timestamp) {
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

/// Apple's product is generic; the items say what was bought, each with its own price and refunds.
#[tokio::test(flavor = "multi_thread")]
async fn items_of_advanced_commerce_are_lines_with_their_skus_as_products() {
    let world = World::with_stores().await;
    let start = world.now();
    let bought = |items: Value| {
        let mut bought = transaction(&world, "9001", 0, start);
        bought["productId"] = "com.example.generic".into();
        bought["price"] = 14_980.into();
        bought["appAccountToken"] = "ann".into();
        bought["advancedCommerceInfo"] = json!({ "items": items, "estimatedTax": 1_498, "taxCode": "C003-00-1", "requestReferenceId": "r" });
        bought
    };
    let gold =
        json!({ "SKU": "gold", "displayName": "Gold", "description": "Gold", "price": 9_990 });
    let hd = json!({ "SKU": "hd", "displayName": "HD", "description": "HD", "price": 4_990 });
    let mut renews = renewal("9001", true);
    renews["productId"] = "com.example.generic".into();
    renews["autoRenewProductId"] = "com.example.generic".into();
    renews["advancedCommerceInfo"] = json!({ "items": [hd, gold] });
    let first = bought(json!([hd, gold]));
    world
        .tell(&notification(&world, "n1", &first, &renews, 1))
        .await
        .unwrap();
    world.settled().await;
    let events = told(&world).await;
    assert_eq!(
        charges(&events),
        [
            (SubscriptionStarted, "gold", 999),
            (SubscriptionStarted, "hd", 499)
        ]
    );
    let taxes: Vec<_> = events
        .iter()
        .map(|event| event.transaction.as_ref().unwrap().tax.unwrap().micros)
        .collect();
    assert_eq!(taxes, [999_000, 499_000]);
    assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
    // One item is given back: it ends, the other goes on.
    world.pass(MINUTE).await;
    let mut back = hd.clone();
    back["revocationDate"] = world.now().as_millisecond().into();
    back["refunds"] = json!([{ "refundAmount": 4_990, "refundDate": world.now().as_millisecond(), "refundReason": "OTHER", "refundType": "FULL" }]);
    let refunded = bought(json!([back, gold]));
    world
        .tell(&notification(&world, "n2", &refunded, &renews, 1))
        .await
        .unwrap();
    world.settled().await;
    assert_eq!(
        charges(&told(&world).await)[2..],
        [(SubscriptionRefunded, "hd", 499)]
    );
    assert!(world.has_premium("ann").await && !world.has("ann", "hd").await);
    assert_eq!(revenue(&world, "ann").await, 9_990_000);
    world.rederives().await;
}

fn stripe_item(
    id: &str,
    (product, price, cents): (&str, &str, i64),
    is_metered: bool,
    (start, end): (Timestamp, Timestamp),
) -> Value {
    json!({
        "id": id, "object": "subscription_item", "quantity": 1,
        "price": { "id": price, "object": "price", "product": product, "unit_amount": cents, "currency": "usd",
            "recurring": { "interval": "month", "interval_count": 1, "usage_type": if is_metered { "metered" } else { "licensed" } } },
        "current_period_start": start.as_second(), "current_period_end": end.as_second(),
    })
}

fn stripe_subscription(items: &[Value], began: Timestamp) -> Value {
    json!({
        "id": "sub_l", "object": "subscription", "customer": "cus_l", "status": "active", "livemode": false, "currency": "usd",
        "start_date": began.as_second(), "created": began.as_second(), "cancel_at_period_end": false,
        "items": { "object": "list", "data": items, "has_more": false }, "metadata": { "app_user_id": "ann" },
    })
}

/// A line of an invoice: the item, what it is, what it came to, its period, and whether it is a proration.
fn stripe_line(
    item: &str,
    (product, price): (&str, &str),
    cents: i64,
    (start, end): (Timestamp, Timestamp),
    is_proration: bool,
) -> Value {
    json!({
        "object": "line_item", "amount": cents, "currency": "usd", "quantity": 1,
        "period": { "start": start.as_second(), "end": end.as_second() },
        "parent": { "type": "subscription_item_details", "subscription_item_details": { "proration": is_proration, "subscription": "sub_l", "subscription_item": item } },
        "pricing": { "type": "price_details", "price_details": { "price": price, "product": product } },
    })
}

fn stripe_invoice(id: &str, reason: &str, lines: &[Value], paid: i64, at: Timestamp) -> Value {
    json!({
        "id": id, "object": "invoice", "status": "paid", "billing_reason": reason, "currency": "usd", "amount_paid": paid,
        "created": at.as_second(), "status_transitions": { "paid_at": at.as_second() }, "total_taxes": [],
        "parent": { "type": "subscription_details", "subscription_details": { "subscription": "sub_l" } },
        "lines": { "object": "list", "data": lines, "has_more": false },
    })
}

/// The subscription as it is from now on, and Stripe tells of it.
async fn stripe_tells(world: &World, subscription: Value) {
    world.pass(1).await;
    world
        .stores
        .stripe
        .api
        .put("subscriptions", subscription.clone());
    world
        .hook("customer.subscription.updated", &subscription)
        .await
        .unwrap();
    world.settled().await;
}

const GOLD: (&str, &str) = ("prod_gold", "price_gold");
const HD: (&str, &str) = ("prod_hd", "price_hd");

#[tokio::test(flavor = "multi_thread")]
async fn every_item_of_a_subscription_is_told_in_whatever_order_they_are_listed() {
    let mut ids = Vec::new();
    for reversed in [false, true] {
        let world = World::with_stores().await;
        let period = (world.now(), later(world.now(), 30 * DAY));
        let mut items = vec![
            stripe_item("si_1", ("prod_gold", "price_gold", 1000), false, period),
            stripe_item("si_2", ("prod_hd", "price_hd", 500), false, period),
        ];
        let mut lines = vec![
            stripe_line("si_1", GOLD, 1000, period, false),
            stripe_line("si_2", HD, 500, period, false),
        ];
        if reversed {
            items.reverse();
            lines.reverse();
        }
        let stripe = &world.stores.stripe.api;
        stripe.put(
            "invoices",
            stripe_invoice("in_1", "subscription_create", &lines, 1500, period.0),
        );
        stripe_tells(&world, stripe_subscription(&items, period.0)).await;
        let events = told(&world).await;
        assert_eq!(
            charges(&events),
            [
                (SubscriptionStarted, "prod_gold:price_gold", 1000),
                (SubscriptionStarted, "prod_hd:price_hd", 500)
            ]
        );
        assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
        assert_eq!(revenue(&world, "ann").await, 15_000_000);
        ids.push(
            events
                .into_iter()
                .map(|event| event.key)
                .collect::<Vec<_>>(),
        );
        // One item is taken off at once: it ends, and the rest of it is a credit for later.
        world.pass(DAY).await;
        items.retain(|item| item["id"] == "si_1");
        let credit = stripe_line("si_2", HD, -480, (world.now(), period.1), true);
        stripe.put(
            "invoices",
            stripe_invoice("in_2", "subscription_update", &[credit], 0, world.now()),
        );
        stripe_tells(&world, stripe_subscription(&items, period.0)).await;
        assert_eq!(
            charges(&told(&world).await)[2..],
            [(SubscriptionExpired, "prod_hd:price_hd", 500)]
        );
        assert!(world.has_premium("ann").await && !world.has("ann", "hd").await);
        world.rederives().await;
    }
    assert_eq!(ids[0], ids[1]);
}

/// Usage is counted first and charged afterwards. It comes first in the list and is not what the customer subscribed to.
#[tokio::test(flavor = "multi_thread")]
async fn a_metered_item_is_told_once_it_is_charged_and_takes_nothing_from_the_plan() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let period = (world.now(), later(world.now(), 30 * DAY));
    let items = |period| {
        [
            stripe_item("si_0", ("prod_calls", "price_calls", 0), true, period),
            stripe_item("si_1", ("prod_gold", "price_gold", 1000), false, period),
        ]
    };
    let calls = ("prod_calls", "price_calls");
    let lines = [
        stripe_line("si_0", calls, 0, period, false),
        stripe_line("si_1", GOLD, 1000, period, false),
    ];
    stripe.put(
        "invoices",
        stripe_invoice("in_1", "subscription_create", &lines, 1000, period.0),
    );
    stripe_tells(&world, stripe_subscription(&items(period), period.0)).await;
    assert_eq!(
        charges(&told(&world).await),
        [(SubscriptionStarted, "prod_gold:price_gold", 1000)]
    );
    assert!(world.has_premium("ann").await);
    world.pass(30 * DAY).await;
    let next = (period.1, later(period.1, 30 * DAY));
    let lines = [
        stripe_line("si_0", calls, 320, period, false),
        stripe_line("si_1", GOLD, 1000, next, false),
    ];
    stripe.put(
        "invoices",
        stripe_invoice("in_2", "subscription_cycle", &lines, 1320, next.0),
    );
    stripe_tells(&world, stripe_subscription(&items(next), period.0)).await;
    assert_eq!(
        charges(&told(&world).await)[1..],
        [
            (SubscriptionRenewed, "prod_gold:price_gold", 1000),
            (SubscriptionStarted, "prod_calls:price_calls", 320)
        ]
    );
    assert!(world.has_premium("ann").await);
    assert_eq!(revenue(&world, "ann").await, 23_200_000);
    world.rederives().await;
}

/// One item removed and another added in one request is a change of plan; what stays beside it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_takes_the_place_of_the_plan_is_a_change_of_product() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let period = (world.now(), later(world.now(), 30 * DAY));
    let hd = stripe_item("si_2", ("prod_hd", "price_hd", 500), false, period);
    let lines = [
        stripe_line("si_2", HD, 500, period, false),
        stripe_line("si_1", GOLD, 1000, period, false),
    ];
    let items = [
        hd.clone(),
        stripe_item("si_1", ("prod_gold", "price_gold", 1000), false, period),
    ];
    stripe.put(
        "invoices",
        stripe_invoice("in_1", "subscription_create", &lines, 1500, period.0),
    );
    stripe_tells(&world, stripe_subscription(&items, period.0)).await;
    world.pass(10 * DAY).await;
    let rest = (world.now(), period.1);
    let team = ("prod_team", "price_team");
    let lines = [
        stripe_line("si_3", team, 2000, rest, true),
        stripe_line("si_1", GOLD, -667, rest, true),
    ];
    let items = [
        stripe_item("si_3", ("prod_team", "price_team", 3000), false, period),
        hd,
    ];
    stripe.put(
        "invoices",
        stripe_invoice("in_2", "subscription_update", &lines, 1333, rest.0),
    );
    stripe_tells(&world, stripe_subscription(&items, period.0)).await;
    assert_eq!(
        charges(&told(&world).await)[2..],
        [
            (ProductChanged, "prod_team:price_team", 1333),
            (SubscriptionRefunded, "prod_gold:price_gold", 0),
            (SubscriptionStarted, "prod_team:price_team", 1333),
        ]
    );
    assert!(world.has("ann", "hd").await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_product_of_a_cart_is_told_with_its_share_of_what_was_paid() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let at = world.now();
    let item = |(product, price): (&str, &str), quantity: u32, total: i64, tax: i64| {
        json!({ "object": "item", "quantity": quantity, "amount_total": total, "amount_tax": tax, "amount_subtotal": total - tax,
            "price": { "id": price, "object": "price", "product": product, "currency": "usd" } })
    };
    // More than the session shows of itself.
    let all = [item(HD, 2, 1200, 200), item(GOLD, 1, 3300, 300)];
    let session = json!({
        "id": "cs_1", "object": "checkout.session", "mode": "payment", "payment_status": "paid", "payment_intent": "pi_1", "livemode": false,
        "created": at.as_second(), "currency": "usd", "amount_total": 4500, "total_details": { "amount_tax": 500 },
        "line_items": { "object": "list", "data": [all[0]], "has_more": true }, "metadata": { "app_user_id": "ann" },
    });
    stripe.put("checkout/sessions", session.clone());
    stripe.put(
        "checkout/sessions/cs_1",
        json!({ "id": "line_items", "object": "list", "data": all, "has_more": false }),
    );
    world
        .hook("checkout.session.completed", &session)
        .await
        .unwrap();
    world.settled().await;
    let events = told(&world).await;
    assert_eq!(
        charges(&events),
        [
            (NonSubscriptionPurchase, "prod_gold:price_gold", 3300),
            (NonSubscriptionPurchase, "prod_hd:price_hd", 1200)
        ]
    );
    let more: Vec<_> = events
        .iter()
        .map(|event| event.transaction.as_ref().unwrap())
        .map(|transaction| (transaction.quantity, transaction.tax.unwrap().micros))
        .collect();
    assert_eq!(more, [(1, 3_000_000), (2, 2_000_000)]);
    assert!(world.has_premium("ann").await && world.has("ann", "hd").await);
    assert_eq!(revenue(&world, "ann").await, 45_000_000);
    world.rederives().await;
}
