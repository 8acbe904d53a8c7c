//! Items of Stripe's subscriptions, and carts.

use super::{DAY, charges, later, revenue, told};
use crate::world::World;
use domain::EventKind::*;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn stripe_item(
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

pub(super) fn stripe_subscription(items: &[Value], began: Timestamp) -> Value {
    json!({
        "id": "sub_l", "object": "subscription", "customer": "cus_l", "status": "active", "livemode": false, "currency": "usd",
        "start_date": began.as_second(), "created": began.as_second(), "cancel_at_period_end": false,
        "items": { "object": "list", "data": items, "has_more": false }, "metadata": { "app_user_id": "ann" },
    })
}

/// A line of an invoice: the item, what it is, what it came to, its period, and whether it is a proration.
pub(super) fn stripe_line(
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

pub(super) fn stripe_invoice(
    id: &str,
    reason: &str,
    lines: &[Value],
    paid: i64,
    at: Timestamp,
) -> Value {
    json!({
        "id": id, "object": "invoice", "status": "paid", "billing_reason": reason, "currency": "usd", "amount_paid": paid,
        "created": at.as_second(), "status_transitions": { "paid_at": at.as_second() }, "total_taxes": [],
        "parent": { "type": "subscription_details", "subscription_details": { "subscription": "sub_l" } },
        "lines": { "object": "list", "data": lines, "has_more": false },
    })
}

/// The subscription as it is from now on, and Stripe tells of it.
pub(super) async fn stripe_tells(world: &World, subscription: Value) {
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

pub(super) const GOLD: (&str, &str) = ("prod_gold", "price_gold");

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
/// An item that is added without a proration, or whose proration waits for the next invoice, is a part of the subscription at once. Source:
/// Stripe, "Prorations", `proration_behavior`.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_was_added_serves_at_once_and_is_told_once_it_is_charged() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let period = (world.now(), later(world.now(), 30 * DAY));
    let gold = |period| stripe_item("si_1", ("prod_gold", "price_gold", 1000), false, period);
    let lines = [stripe_line("si_1", GOLD, 1000, period, false)];
    stripe.put(
        "invoices",
        stripe_invoice("in_1", "subscription_create", &lines, 1000, period.0),
    );
    stripe_tells(&world, stripe_subscription(&[gold(period)], period.0)).await;
    world.pass(10 * DAY).await;
    let added = world.now();
    let hd = |period| {
        let mut item = stripe_item("si_2", ("prod_hd", "price_hd", 500), false, period);
        item["created"] = added.as_second().into();
        item
    };
    stripe_tells(
        &world,
        stripe_subscription(&[hd(period), gold(period)], period.0),
    )
    .await;
    assert!(world.has("ann", "hd").await && world.has_premium("ann").await);
    // It is nothing that was sold yet: what ends, fails or is paid then is that of the plan.
    let mut cancelled = stripe_subscription(&[gold(period), hd(period)], period.0);
    cancelled["cancel_at_period_end"] = true.into();
    cancelled["canceled_at"] = world.now().as_second().into();
    stripe_tells(&world, cancelled).await;
    stripe_tells(
        &world,
        stripe_subscription(&[gold(period), hd(period)], period.0),
    )
    .await;
    assert_eq!(
        charges(&told(&world).await)[1..],
        [
            (SubscriptionRenewalCancelled, "prod_gold:price_gold", 1000),
            (SubscriptionRenewalReactivated, "prod_gold:price_gold", 1000)
        ]
    );
    world.pass(20 * DAY).await;
    let next = (period.1, later(period.1, 30 * DAY));
    let lines = [
        stripe_line("si_2", HD, 333, (added, period.1), true),
        stripe_line("si_2", HD, 500, next, false),
        stripe_line("si_1", GOLD, 1000, next, false),
    ];
    stripe.put(
        "invoices",
        stripe_invoice("in_2", "subscription_cycle", &lines, 1833, next.0),
    );
    stripe_tells(
        &world,
        stripe_subscription(&[gold(next), hd(next)], period.0),
    )
    .await;
    assert_eq!(
        charges(&told(&world).await)[3..],
        [
            (SubscriptionRenewed, "prod_gold:price_gold", 1000),
            (SubscriptionStarted, "prod_hd:price_hd", 833)
        ]
    );
    assert!(world.has("ann", "hd").await && world.has_premium("ann").await);
    world.rederives().await;
}

/// One that is taken off before anything was charged for it tells nothing, and lets nobody in any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_was_taken_off_before_it_was_charged_tells_nothing() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let period = (world.now(), later(world.now(), 30 * DAY));
    let gold = stripe_item("si_1", ("prod_gold", "price_gold", 1000), false, period);
    let hd = stripe_item("si_2", ("prod_hd", "price_hd", 500), false, period);
    let lines = [stripe_line("si_1", GOLD, 1000, period, false)];
    stripe.put(
        "invoices",
        stripe_invoice("in_1", "subscription_create", &lines, 1000, period.0),
    );
    stripe_tells(
        &world,
        stripe_subscription(std::slice::from_ref(&gold), period.0),
    )
    .await;
    world.pass(DAY).await;
    stripe_tells(&world, stripe_subscription(&[gold.clone(), hd], period.0)).await;
    assert!(world.has("ann", "hd").await);
    world.pass(DAY).await;
    stripe_tells(&world, stripe_subscription(&[gold], period.0)).await;
    assert!(!world.has("ann", "hd").await && world.has_premium("ann").await);
    assert_eq!(
        charges(&told(&world).await),
        [(SubscriptionStarted, "prod_gold:price_gold", 1000)]
    );
    world.rederives().await;
}

/// What is counted first serves as long as the subscription does, and its last usage is charged when all is over. Source: Stripe,
/// "Usage-based billing".
#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_serves_before_it_is_charged() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let period = (world.now(), later(world.now(), 30 * DAY));
    let items = [
        stripe_item("si_0", ("prod_hd", "price_calls", 0), true, period),
        stripe_item("si_1", ("prod_gold", "price_gold", 1000), false, period),
    ];
    let lines = [stripe_line("si_1", GOLD, 1000, period, false)];
    stripe.put(
        "invoices",
        stripe_invoice("in_1", "subscription_create", &lines, 1000, period.0),
    );
    stripe_tells(&world, stripe_subscription(&items, period.0)).await;
    assert!(world.has("ann", "hd").await && world.has_premium("ann").await);
    world.pass(30 * DAY).await;
    let calls = ("prod_hd", "price_calls");
    let used = [stripe_line("si_0", calls, 320, period, false)];
    let mut last = stripe_invoice("in_2", "subscription_cycle", &used, 320, world.now());
    last["period_end"] = period.1.as_second().into();
    stripe.put("invoices", last);
    let mut over = stripe_subscription(&items, period.0);
    over["status"] = "canceled".into();
    over["canceled_at"] = later(period.0, DAY).as_second().into();
    over["ended_at"] = period.1.as_second().into();
    stripe_tells(&world, over).await;
    assert!(!world.has("ann", "hd").await && !world.has_premium("ann").await);
    let told = told(&world).await;
    let told = charges(&told);
    assert!(
        told.contains(&(SubscriptionRenewed, "prod_hd:price_calls", 320)),
        "{told:?}"
    );
    assert_eq!(revenue(&world, "ann").await, 13_200_000);
    world.rederives().await;
}
