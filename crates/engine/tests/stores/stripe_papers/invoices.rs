//! Invoices, whatever they are called and about, and what is paid on them.

use super::{change, paid, told, total, unpaid};
use crate::{
    stores::stripe::{DAY, after, begin, move_period, subscription, tell},
    world::World,
};
use domain::EventKind::*;
use serde_json::{Value, json};

/// Money that an invoice of an update, a threshold or somebody's hand takes for the subscription is told, with its amount.
#[tokio::test(flavor = "multi_thread")]
async fn money_is_a_charge_whatever_the_paper_is_called() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    // From now on, in full.
    begin(&world, "sub_anchor", false).await;
    world.pass(DAY).await;
    let (now, ends) = (world.now(), after(world.now(), 30));
    move_period(&world, "sub_anchor", now, ends);
    stripe.invoice(
        "in_anchor_2",
        "sub_anchor",
        "subscription_update",
        30,
        (now, ends),
        now,
    );
    stripe.change("invoices", "in_anchor_2", |it| {
        let mut credit = it["lines"]["data"][0].clone();
        credit["amount"] = (-969).into();
        credit["parent"]["subscription_item_details"]["proration"] = true.into();
        it["lines"]["data"][0]["amount"] = 999.into();
        it["lines"]["data"].as_array_mut().unwrap().push(credit);
    });
    paid(&world, "in_anchor_2").await;
    let expected = [
        (SubscriptionStarted, Some(999)),
        (SubscriptionRenewed, Some(30)),
    ];
    assert_eq!(told(&world, "user-sub_anchor").await, expected);
    assert_eq!(total(&world, "user-sub_anchor").await, 1029);
    // Beyond a threshold: the period goes on as it was.
    let ends = begin(&world, "sub_usage", false).await;
    world.pass(DAY).await;
    stripe.invoice(
        "in_usage_2",
        "sub_usage",
        "subscription_threshold",
        700,
        (world.now(), ends),
        world.now(),
    );
    paid(&world, "in_usage_2").await;
    let expected = [
        (SubscriptionStarted, Some(999)),
        (SubscriptionRenewed, Some(700)),
    ];
    assert_eq!(told(&world, "user-sub_usage").await, expected);
    let last = world.events().await.pop().unwrap();
    let purchase = last.purchase.unwrap();
    assert_eq!(
        (purchase.expires_at, last.cause.rule.as_str()),
        (Some(ends), "charge.extra")
    );
    // Given back again, it is that money and no other.
    stripe.refund("re_usage", "in_usage_2", 700, world.now());
    let refund = stripe.get("refunds", "re_usage").unwrap();
    world.pass(1).await;
    world.hook("refund.created", &refund).await.unwrap();
    world.settled().await;
    assert_eq!(
        told(&world, "user-sub_usage").await.last(),
        Some(&(SubscriptionRefunded, Some(700)))
    );
    assert_eq!(total(&world, "user-sub_usage").await, 999);
    assert!(world.has_premium("user-sub_usage").await);
    world.rederives().await;
}

/// `active` runs to the end that Stripe names, while the invoice of the period is a draft, open, void or given up.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_active_runs_on_whatever_becomes_of_the_invoice() {
    let world = World::with_stores().await;
    for status in ["draft", "open", "void", "uncollectible"] {
        let id = format!("sub_{status}");
        let who = format!("user-{id}");
        let ends = begin(&world, &id, false).await;
        let next = after(ends, 30);
        let left = world.now().duration_until(ends).as_secs();
        world.pass(left).await;
        move_period(&world, &id, ends, next);
        unpaid(
            &world,
            &format!("in_{id}_2"),
            &id,
            "subscription_cycle",
            status,
            (ends, next),
        );
        tell(&world, "customer.subscription.updated", &id).await;
        world.pass(20 * DAY).await;
        assert!(world.has_premium(&who).await, "{status}");
        assert_eq!(
            told(&world, &who).await,
            [(SubscriptionStarted, Some(999))],
            "{status}"
        );
        // Paid after all: that is the renewal.
        let stripe = &world.stores.stripe.api;
        let invoice = format!("in_{id}_2");
        stripe.invoice(&invoice, &id, "subscription_cycle", 999, (ends, next), ends);
        paid(&world, &invoice).await;
        let expected = [
            (SubscriptionStarted, Some(999)),
            (SubscriptionRenewed, Some(999)),
        ];
        assert_eq!(told(&world, &who).await, expected, "{status}");
    }
    world.rederives().await;
}

/// With `collection_method: send_invoice` a subscription is active before its first invoice is paid.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_invoiced_lets_in_at_once_and_begins_when_it_is_paid() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let (who, now, ends) = ("user-sub_send", world.now(), after(world.now(), 30));
    stripe.subscribe(&subscription("sub_send"), now, ends, false);
    change(&world, "sub_send", |it| {
        it["collection_method"] = "send_invoice".into();
        it["latest_invoice"] = "in_send".into();
    });
    unpaid(
        &world,
        "in_send",
        "sub_send",
        "subscription_create",
        "open",
        (now, ends),
    );
    tell(&world, "customer.subscription.created", "sub_send").await;
    assert!(world.has_premium(who).await);
    assert_eq!(told(&world, who).await, []);
    world.pass(20 * DAY).await;
    stripe.invoice(
        "in_send",
        "sub_send",
        "subscription_create",
        999,
        (now, ends),
        world.now(),
    );
    paid(&world, "in_send").await;
    assert_eq!(told(&world, who).await, [(SubscriptionStarted, Some(999))]);
    assert_eq!(total(&world, who).await, 999);
    // One of which only the second invoice is ever paid began with that.
    let (who, now, ends) = ("user-sub_late", world.now(), after(world.now(), 30));
    stripe.subscribe(&subscription("sub_late"), now, ends, false);
    change(&world, "sub_late", |it| {
        it["collection_method"] = "send_invoice".into();
    });
    unpaid(
        &world,
        "in_late_1",
        "sub_late",
        "subscription_create",
        "open",
        (now, ends),
    );
    tell(&world, "customer.subscription.created", "sub_late").await;
    world.pass(30 * DAY).await;
    let next = after(ends, 30);
    move_period(&world, "sub_late", ends, next);
    stripe.change("invoices", "in_late_1", |it| {
        it["status"] = "uncollectible".into();
    });
    stripe.invoice(
        "in_late_2",
        "sub_late",
        "subscription_cycle",
        999,
        (ends, next),
        world.now(),
    );
    paid(&world, "in_late_2").await;
    assert_eq!(told(&world, who).await, [(SubscriptionStarted, Some(999))]);
    world.rederives().await;
}

/// Usage is charged when its period is over: the line names that one, and the subscription the one that runs.
#[tokio::test(flavor = "multi_thread")]
async fn usage_is_charged_afterwards_and_access_runs_on() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let who = "user-sub_m";
    let begun = world.now();
    let mut ends = after(begun, 30);
    stripe.subscribe(&subscription("sub_m"), begun, ends, false);
    stripe.invoice(
        "in_m_0",
        "sub_m",
        "subscription_create",
        0,
        (begun, ends),
        begun,
    );
    tell(&world, "customer.subscription.created", "sub_m").await;
    let mut from = begun;
    for (number, cents) in [(1, 420), (2, 0), (3, 1310)] {
        world.pass(world.now().duration_until(ends).as_secs()).await;
        let next = after(ends, 30);
        move_period(&world, "sub_m", ends, next);
        let id = format!("in_m_{number}");
        stripe.invoice(
            &id,
            "sub_m",
            "subscription_cycle",
            cents,
            (from, ends),
            ends,
        );
        stripe.change("invoices", &id, |it| {
            it["period_end"] = ends.as_second().into();
        });
        paid(&world, &id).await;
        (from, ends) = (ends, next);
        world.pass(15 * DAY).await;
        assert!(world.has_premium(who).await, "{number}");
    }
    let mut expected = vec![
        (SubscriptionStarted, Some(0)),
        (SubscriptionRenewed, Some(420)),
        (SubscriptionRenewed, Some(0)),
        (SubscriptionRenewed, Some(1310)),
    ];
    assert_eq!(told(&world, who).await, expected);
    // It ends in the middle of a period, and what was used until then is charged last.
    let now = world.now().as_second();
    change(&world, "sub_m", |it| {
        it["status"] = "canceled".into();
        it["canceled_at"] = now.into();
        it["ended_at"] = now.into();
    });
    tell(&world, "customer.subscription.deleted", "sub_m").await;
    stripe.invoice(
        "in_m_4",
        "sub_m",
        "subscription_cycle",
        77,
        (from, world.now()),
        world.now(),
    );
    paid(&world, "in_m_4").await;
    expected.extend([
        (SubscriptionRenewalCancelled, None),
        (SubscriptionExpired, None),
        (SubscriptionRenewed, Some(77)),
    ]);
    assert_eq!(told(&world, who).await, expected);
    assert_eq!(total(&world, who).await, 1807);
    assert!(!world.has_premium(who).await);
    world.rederives().await;
}

/// An invoice of a customer who has no subscription sells something once; so does one that was written by hand for a customer
/// who has one.
#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_is_about_no_subscription_sells_something_once() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_h", false).await;
    for (number, of, status) in [
        (1, None, "paid"),
        (2, Some("sub_h"), "paid"),
        (3, None, "open"),
    ] {
        let (id, now) = (format!("in_once_{number}"), world.now().as_second());
        let customer = format!("cus_once_{number}");
        stripe.put("customers", json!({ "id": customer, "metadata": {} }));
        stripe.put("invoices", json!({
            "id": id, "metadata": { "app_user_id": format!("reader-{number}") }, "object": "invoice", "status": status, "billing_reason": "manual", "currency": "usd", "amount_paid": 1500, "total": 1500,
            "customer": customer, "created": now, "status_transitions": { "paid_at": now }, "livemode": false,
            "parent": of.map(|of| json!({ "subscription_details": { "subscription": of } })),
            "lines": { "data": [{
                "amount": 1500, "period": { "start": now, "end": now }, "quantity": 3,
                "parent": { "type": "invoice_item_details", "invoice_item_details": { "invoice_item": "ii_1", "proration": false } },
                "pricing": { "price_details": { "price": "price_book", "product": "prod_book" } },
            }] },
        }));
        stripe.put("invoice_payments", json!({ "id": format!("inpay_{id}"), "invoice": id, "payment": { "type": "payment_intent", "payment_intent": format!("pi_{id}") } }));
        stripe.put("charges", json!({ "id": format!("ch_{id}"), "object": "charge", "payment_intent": format!("pi_{id}"), "amount": 1500, "currency": "usd", "paid": true, "created": now }));
        let word = if status == "paid" {
            "invoice.paid"
        } else {
            "invoice.finalized"
        };
        let object = stripe.get("invoices", &id).unwrap();
        world.pass(1).await;
        world.hook(word, &object).await.unwrap();
        world.settled().await;
        let who = format!("reader-{number}");
        if status == "open" {
            assert_eq!(told(&world, &who).await, []);
            continue;
        }
        assert_eq!(
            told(&world, &who).await,
            [(NonSubscriptionPurchase, Some(1500))]
        );
        let bought = world
            .events()
            .await
            .into_iter()
            .rfind(|event| event.kind == NonSubscriptionPurchase);
        let bought = bought.unwrap();
        assert_eq!(bought.product.as_deref(), Some("prod_book:price_book"));
        assert_eq!(bought.transaction.unwrap().quantity, 3);
        // Refunded by its charge, and by its payment alone.
        stripe.refund(&format!("re_{id}"), &id, 1500, world.now());
        stripe.change("refunds", &format!("re_{id}"), |it| {
            if of.is_none() {
                it["charge"] = Value::Null;
            }
        });
        let refund = stripe.get("refunds", &format!("re_{id}")).unwrap();
        world.pass(1).await;
        world.hook("refund.created", &refund).await.unwrap();
        world.settled().await;
        let expected = [
            (NonSubscriptionPurchase, Some(1500)),
            (NonSubscriptionPurchaseRefunded, Some(1500)),
        ];
        assert_eq!(told(&world, &who).await, expected);
        assert_eq!(total(&world, &who).await, 0);
    }
    assert_eq!(
        told(&world, "user-sub_h").await,
        [(SubscriptionStarted, Some(999))]
    );
    world.rederives().await;
}

/// Checkout makes an invoice of what it sold, where `invoice_creation` says so: that is one purchase, whichever is told first.
#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_what_checkout_sold_is_no_second_purchase() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    for (who, order) in [("first", [0, 1]), ("second", [1, 0])] {
        let now = world.now().as_second();
        let named = |kind: &str| format!("{kind}_{who}");
        let objects = [
            (
                "checkout/sessions",
                "checkout.session.completed",
                json!({
                    "id": named("cs"), "object": "checkout.session", "mode": "payment", "payment_status": "paid", "payment_intent": named("pi"),
                    "livemode": false, "currency": "usd", "amount_total": 499, "created": now, "metadata": { "app_user_id": who }, "invoice": named("in"),
                    "line_items": { "data": [{ "price": { "id": "price_coins", "product": "prod_coins" }, "quantity": 1 }] },
                }),
            ),
            (
                "invoices",
                "invoice.paid",
                json!({
                    "id": named("in"), "object": "invoice", "status": "paid", "billing_reason": "manual", "currency": "usd", "amount_paid": 499,
                    "created": now, "status_transitions": { "paid_at": now }, "livemode": false, "metadata": { "app_user_id": who },
                    "lines": { "data": [{
                        "amount": 499, "period": { "start": now, "end": now }, "parent": { "invoice_item_details": { "proration": false } },
                        "pricing": { "price_details": { "price": "price_coins", "product": "prod_coins" } },
                    }] },
                }),
            ),
        ];
        stripe.put("invoice_payments", json!({ "id": named("inpay"), "invoice": named("in"), "payment": { "type": "payment_intent", "payment_intent": named("pi") } }));
        for (collection, _, object) in &objects {
            stripe.put(collection, object.clone());
        }
        for index in order {
            let (_, kind, object) = &objects[index];
            world.pass(1).await;
            world.hook(kind, object).await.unwrap();
            world.settled().await;
        }
        assert_eq!(
            told(&world, who).await,
            [(NonSubscriptionPurchase, Some(499))]
        );
        assert_eq!(total(&world, who).await, 499);
    }
}
