//! Stripe through a whole engine: invoices that are paid in parts, pauses that follow each other, and schedules of several lines.
//!
//! Sources: Stripe, "Partial payments" and the API reference, `InvoicePayment` (an invoice shows how much of it was paid so far, and each
//! payment its own amount); "Pause payment collection"; "Subscription schedules" (a phase names its prices, not what they take the place
//! of).

use super::stripe::{after, begin, move_period, subscription, tell};
use crate::world::{DAY, World};
use domain::{EventKind, EventKind::*};
use serde_json::json;

/// Every event, with the cents that it moved.
async fn money(world: &World) -> Vec<(EventKind, i64)> {
    let events = world.events().await.into_iter();
    events
        .filter(|event| event.kind != AccessLevelUpdated)
        .map(|event| {
            let charged = event.transaction.and_then(|charged| {
                let moved = charged.refunded.or(charged.price)?;
                Some(moved.micros / 10_000)
            });
            (event.kind, charged.unwrap_or(0))
        })
        .collect()
}

async fn brought_in(world: &World, who: &str) -> i64 {
    let known = world.engine.ledger().customer(world.project, who).await;
    let known = known.unwrap().unwrap();
    known.customer.revenue_usd_micros / 10_000
}

/// A payment of the first invoice of `sub_p`.
fn pays(world: &World, number: u8, cents: i64) {
    let (stripe, now) = (&world.stores.stripe.api, world.now().as_second());
    let intent = format!("pi_p_{number}");
    stripe.put("invoice_payments", json!({
        "id": format!("inpay_{number}"), "object": "invoice_payment", "invoice": "in_p", "amount_paid": cents, "currency": "usd",
        "status": "paid", "created": now, "status_transitions": { "paid_at": now },
        "payment": { "type": "payment_intent", "payment_intent": intent },
    }));
    stripe.change("invoices", "in_p", |invoice| {
        let paid = invoice["amount_paid"].as_i64().unwrap() + cents;
        invoice["amount_paid"] = paid.into();
        if paid == 1000 {
            invoice["status"] = "paid".into();
            invoice["status_transitions"]["paid_at"] = now.into();
        }
    });
}

/// A subscription that runs with its first invoice, of ten dollars, sent to the customer.
fn sent_to_pay(world: &World) {
    let stripe = &world.stores.stripe.api;
    let ends = after(world.now(), 30);
    stripe.subscribe(&subscription("sub_p"), world.now(), ends, false);
    stripe.change("subscriptions", "sub_p", |subscription| {
        subscription["collection_method"] = "send_invoice".into();
    });
    let create = "subscription_create";
    stripe.invoice("in_p", "sub_p", create, 0, (world.now(), ends), world.now());
    stripe.change("invoices", "in_p", |invoice| {
        invoice["status"] = "open".into();
        invoice["total"] = 1000.into();
        invoice["lines"]["data"][0]["amount"] = 1000.into();
        invoice["status_transitions"]["paid_at"] = json!(null);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_paid_in_parts_is_a_charge_for_each_whenever_it_is_heard_of() {
    let whole = [(SubscriptionStarted, 400), (SubscriptionRenewed, 600)];
    let world = World::with_stores().await;
    sent_to_pay(&world);
    tell(&world, "customer.subscription.created", "sub_p").await;
    assert!(world.has_premium("user-sub_p").await, "it runs");
    assert_eq!(money(&world).await, []);
    world.pass(DAY).await;
    pays(&world, 1, 400);
    tell(&world, "customer.subscription.updated", "sub_p").await;
    assert_eq!(money(&world).await, whole[..1]);
    assert_eq!(brought_in(&world, "user-sub_p").await, 400);
    world.pass(DAY).await;
    pays(&world, 2, 600);
    for _ in 0..2 {
        tell(&world, "customer.subscription.updated", "sub_p").await;
    }
    assert_eq!(money(&world).await, whole);
    assert_eq!(brought_in(&world, "user-sub_p").await, 1000);
    // The second payment is given back, and nothing of the first.
    let stripe = &world.stores.stripe.api;
    stripe.put("refunds", json!({
        "id": "re_1", "object": "refund", "amount": 600, "currency": "usd", "status": "succeeded", "created": world.now().as_second(),
        "payment_intent": "pi_p_2",
    }));
    tell(&world, "customer.subscription.updated", "sub_p").await;
    assert_eq!(money(&world).await[2..], [(SubscriptionRefunded, 600)]);
    assert_eq!(brought_in(&world, "user-sub_p").await, 400);
    world.rederives().await;
    // Heard of when all was paid, it is the same.
    let world = World::with_stores().await;
    sent_to_pay(&world);
    pays(&world, 1, 400);
    world.pass(60).await;
    pays(&world, 2, 600);
    tell(&world, "customer.subscription.created", "sub_p").await;
    assert_eq!(money(&world).await, whole);
    world.rederives().await;
}

/// Whoever asked before payments were told apart heard of one charge: read again, the later payments are in it. What is given back of one
/// of them is given back all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_told_as_one_charge_tells_its_payments_no_second_time() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    sent_to_pay(&world);
    for (number, cents) in [(1, 400), (2, 350), (3, 250)] {
        pays(&world, number, cents);
        // So an answer looks that does not tell payments apart.
        stripe.change("invoice_payments", &format!("inpay_{number}"), |payment| {
            payment["amount_paid"] = json!(null);
        });
        world.pass(DAY).await;
    }
    tell(&world, "customer.subscription.created", "sub_p").await;
    assert_eq!(money(&world).await, [(SubscriptionStarted, 1000)]);
    for (number, cents) in [(1, 400), (2, 350), (3, 250)] {
        stripe.change("invoice_payments", &format!("inpay_{number}"), |payment| {
            payment["amount_paid"] = cents.into();
        });
    }
    for _ in 0..2 {
        tell(&world, "customer.subscription.updated", "sub_p").await;
        assert_eq!(money(&world).await, [(SubscriptionStarted, 1000)]);
        assert_eq!(brought_in(&world, "user-sub_p").await, 1000);
    }
    stripe.put("refunds", json!({
        "id": "re_1", "object": "refund", "amount": 350, "currency": "usd", "status": "succeeded", "created": world.now().as_second(),
        "payment_intent": "pi_p_2",
    }));
    tell(&world, "customer.subscription.updated", "sub_p").await;
    assert_eq!(money(&world).await[1..], [(SubscriptionRefunded, 350)]);
    assert_eq!(brought_in(&world, "user-sub_p").await, 650);
    world.rederives().await;
}

/// "Out-of-band invoices": what was not paid through Stripe is paid all the same. Stripe lists no payment of it, and of one that is paid
/// the rest remains.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_beside_stripe_is_a_charge() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let paid_elsewhere = |remaining: i64| {
        let now = world.now().as_second();
        stripe.change("invoices", "in_p", |invoice| {
            invoice["status"] = "paid".into();
            invoice["amount_remaining"] = remaining.into();
            invoice["status_transitions"]["paid_at"] = now.into();
        });
    };
    // Some of it by card, the rest in cash.
    sent_to_pay(&world);
    pays(&world, 1, 400);
    tell(&world, "customer.subscription.created", "sub_p").await;
    assert_eq!(money(&world).await, [(SubscriptionStarted, 400)]);
    world.pass(DAY).await;
    paid_elsewhere(600);
    for _ in 0..2 {
        tell(&world, "customer.subscription.updated", "sub_p").await;
        let whole = [(SubscriptionStarted, 400), (SubscriptionRenewed, 600)];
        assert_eq!(money(&world).await, whole);
        assert_eq!(brought_in(&world, "user-sub_p").await, 1000);
    }
    world.rederives().await;
    // All of it in cash: one charge.
    let world = World::with_stores().await;
    sent_to_pay(&world);
    let now = world.now().as_second();
    world
        .stores
        .stripe
        .api
        .change("invoices", "in_p", |invoice| {
            invoice["status"] = "paid".into();
            invoice["amount_remaining"] = 1000.into();
            invoice["status_transitions"]["paid_at"] = now.into();
        });
    tell(&world, "customer.subscription.created", "sub_p").await;
    assert_eq!(money(&world).await, [(SubscriptionStarted, 1000)]);
    assert_eq!(brought_in(&world, "user-sub_p").await, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_of_an_invoice_that_is_given_up_is_a_charge() {
    let world = World::with_stores().await;
    sent_to_pay(&world);
    pays(&world, 1, 400);
    world
        .stores
        .stripe
        .api
        .change("invoices", "in_p", |invoice| {
            invoice["status"] = "uncollectible".into();
        });
    tell(&world, "invoice.marked_uncollectible", "sub_p").await;
    tell(&world, "customer.subscription.updated", "sub_p").await;
    assert_eq!(money(&world).await, [(SubscriptionStarted, 400)]);
    // Nothing has begun while the first payment is still open.
    let world = World::with_stores().await;
    sent_to_pay(&world);
    pays(&world, 1, 400);
    world
        .stores
        .stripe
        .api
        .change("subscriptions", "sub_p", |subscription| {
            subscription["status"] = "incomplete".into();
        });
    tell(&world, "customer.subscription.created", "sub_p").await;
    assert_eq!(money(&world).await, []);
    assert!(!world.has_premium("user-sub_p").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_pause_in_one_period_is_told_like_the_first() {
    let world = World::with_stores().await;
    begin(&world, "sub_z", false).await;
    let stripe = &world.stores.stripe.api;
    for pause in [
        json!({ "behavior": "void" }),
        json!({ "behavior": "keep_as_draft" }),
        json!(null),
        json!({ "behavior": "void" }),
        json!(null),
    ] {
        world.pass(DAY).await;
        stripe.change("subscriptions", "sub_z", |subscription| {
            subscription["pause_collection"] = pause;
        });
        for _ in 0..2 {
            tell(&world, "customer.subscription.updated", "sub_z").await;
        }
    }
    assert_eq!(
        world.kinds_of("user-sub_z").await,
        [SubscriptionStarted, SubscriptionPaused, SubscriptionPaused]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_told_of_the_line_that_it_changes() {
    let world = World::with_stores().await;
    let ends = begin(&world, "sub_l", false).await;
    let stripe = &world.stores.stripe.api;
    let next = after(ends, 30);
    // A further item, charged with the next period.
    let hd =
        json!({ "id": "price_hd", "product": "prod_hd", "unit_amount": 500, "currency": "usd" });
    world.pass(30 * DAY).await;
    move_period(&world, "sub_l", ends, next);
    stripe.change("subscriptions", "sub_l", |subscription| {
        let mut item = subscription["items"]["data"][0].clone();
        item["id"] = "si_hd".into();
        item["price"] = hd.clone();
        subscription["items"]["data"]
            .as_array_mut()
            .unwrap()
            .insert(0, item);
    });
    let cycle = "subscription_cycle";
    stripe.invoice("in_2", "sub_l", cycle, 1499, (ends, next), world.now());
    stripe.change("invoices", "in_2", |invoice| {
        let lines = invoice["lines"]["data"].as_array_mut().unwrap();
        let mut gold = lines[0].clone();
        (lines[0]["amount"], gold["amount"]) = (500.into(), 999.into());
        gold["pricing"]["price_details"] =
            json!({ "price": "price_monthly", "product": "prod_gold" });
        lines.push(gold);
    });
    tell(&world, "customer.subscription.updated", "sub_l").await;
    let before = world.kinds_of("user-sub_l").await;
    assert_eq!(
        before,
        [
            SubscriptionStarted,
            SubscriptionRenewed,
            SubscriptionStarted
        ]
    );
    let yearly = json!({ "id": "price_hd_yearly", "product": "prod_hd", "unit_amount": 5000, "currency": "usd" });
    stripe.put("prices", yearly);
    let schedule = |items: serde_json::Value| {
        stripe.put("subscription_schedules", json!({
            "id": "sub_sched_l", "object": "subscription_schedule", "subscription": "sub_l",
            "current_phase": { "start_date": ends.as_second() },
            "phases": [
                { "start_date": ends.as_second(), "items": [{ "price": "price_monthly" }, { "price": "price_hd" }] },
                { "start_date": next.as_second(), "items": items },
            ],
        }));
        stripe.change("subscriptions", "sub_l", |subscription| {
            subscription["schedule"] = "sub_sched_l".into();
        });
    };
    schedule(json!([{ "price": "price_hd_yearly" }, { "price": "price_monthly" }]));
    tell(&world, "customer.subscription.updated", "sub_l").await;
    let events = world.events().await;
    let planned = events.iter().find(|event| event.kind == ProductChanged);
    let planned = planned.unwrap();
    assert!(planned.scheduled);
    assert_eq!(planned.product.as_deref(), Some("prod_hd:price_hd_yearly"));
    assert_eq!(
        planned.previous_product.as_deref(),
        Some("prod_hd:price_hd")
    );
    // And then the next phase is without it.
    schedule(json!([{ "price": "price_monthly" }]));
    tell(&world, "customer.subscription.updated", "sub_l").await;
    let told = world.kinds_of("user-sub_l").await;
    assert_eq!(told[3..], [ProductChanged, SubscriptionRenewalCancelled]);
    let events = world.events().await;
    let cancelled = events
        .iter()
        .find(|event| event.kind == SubscriptionRenewalCancelled);
    assert_eq!(
        cancelled.unwrap().product.as_deref(),
        Some("prod_hd:price_hd")
    );
    world.rederives().await;
}
