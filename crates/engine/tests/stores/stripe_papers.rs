//! What Stripe charges, whatever it calls the paper, and what runs although nothing was paid for it.
//!
//! Sources, as of November 2026: Stripe, API reference (Subscription, Invoice, Invoice Line Item, Refund, Subscription Schedule),
//! "How subscriptions work", "Set up subscriptions with invoicing", "Usage-based billing", "Use trial periods on
//! subscriptions", "Pause subscriptions", "Pause payment collection", "Supported currencies".

use super::stripe::{DAY, after, begin, move_period, subscription, tell};
use crate::world::World;
use domain::{
    CancellationReason::{self, BillingError, NewSubscriptionReplace, Unknown, Upgraded},
    EventKind::{self, *},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulator::Outage;

const HOUR: i64 = 3_600;

/// What a customer's events say, oldest first: the kind, and the money that was taken or given back, in cents.
async fn told(world: &World, who: &str) -> Vec<(EventKind, Option<i64>)> {
    let events = world.events().await.into_iter();
    let told =
        events.filter(|event| event.customer.answers_to(who) && event.kind != AccessLevelUpdated);
    told.map(|event| {
        let transaction = event.transaction.as_ref();
        let money = match event.kind {
            kind if kind.is_charge() || kind == TrialStarted => {
                transaction.and_then(|known| known.price)
            }
            kind if kind.is_refund() => {
                transaction.and_then(|known| known.refunded.or(known.price))
            }
            _ => None,
        };
        (event.kind, money.map(|money| money.micros / 10_000))
    })
    .collect()
}

/// What Stripe took from a customer, less what it gave back, in cents.
async fn total(world: &World, who: &str) -> i64 {
    let mut events = world.events().await.into_iter();
    let last = events.rfind(|event| event.customer.answers_to(who));
    last.map_or(0, |event| event.customer.revenue_usd_micros / 10_000)
}

fn change(world: &World, id: &str, change: impl FnOnce(&mut Value)) {
    let stripe = &world.stores.stripe.api;
    stripe.change("subscriptions", id, change);
}

/// An invoice that is not paid.
fn unpaid(
    world: &World,
    id: &str,
    of: &str,
    reason: &str,
    status: &str,
    period: (Timestamp, Timestamp),
) {
    let stripe = &world.stores.stripe.api;
    stripe.invoice(id, of, reason, 999, period, world.now());
    stripe.change("invoices", id, |it| {
        it["status"] = status.into();
        it["amount_paid"] = 0.into();
        it["status_transitions"]["paid_at"] = Value::Null;
    });
}

async fn paid(world: &World, invoice: &str) {
    let object = world.stores.stripe.api.get("invoices", invoice).unwrap();
    world.pass(1).await;
    world.hook("invoice.paid", &object).await.unwrap();
    world.settled().await;
}

/// A trial that is ended at once is charged by an invoice of an update. The invoice of the trial stays that of a trial.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_is_cut_short_is_converted_by_the_invoice_of_an_update() {
    let world = World::with_stores().await;
    let who = "user-sub_e";
    begin(&world, "sub_e", true).await;
    world.pass(DAY).await;
    let (now, ends) = (world.now(), after(world.now(), 30));
    change(&world, "sub_e", |it| {
        it["status"] = "active".into();
        it["trial_end"] = now.as_second().into();
    });
    move_period(&world, "sub_e", now, ends);
    let stripe = &world.stores.stripe.api;
    stripe.invoice(
        "in_e_2",
        "sub_e",
        "subscription_update",
        999,
        (now, ends),
        now,
    );
    paid(&world, "in_e_2").await;
    tell(&world, "customer.subscription.updated", "sub_e").await;
    let expected = [(TrialStarted, Some(0)), (TrialConverted, Some(999))];
    assert_eq!(told(&world, who).await, expected);
    assert_eq!(total(&world, who).await, 999);
    world.pass(20 * DAY).await;
    assert!(world.has_premium(who).await, "until the end of the period");
    world.rederives().await;
}

/// The fee stands beside the line of the trial, which is free all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_with_a_setup_fee_is_a_trial_and_the_fee_is_money() {
    let world = World::with_stores().await;
    let who = "user-sub_f";
    let (now, ends) = (world.now(), after(world.now(), 7));
    let stripe = &world.stores.stripe.api;
    stripe.subscribe(&subscription("sub_f"), now, ends, true);
    stripe.invoice("in_f", "sub_f", "subscription_create", 0, (now, ends), now);
    stripe.change("invoices", "in_f", |it| {
        it["amount_paid"] = 5000.into();
        it["total"] = 5000.into();
        let fee = json!({
            "amount": 5000, "period": { "start": now.as_second(), "end": now.as_second() },
            "parent": { "type": "invoice_item_details", "invoice_item_details": { "proration": false, "invoice_item": "ii_1" } },
            "pricing": { "price_details": { "price": "price_fee", "product": "prod_fee" } },
        });
        // The order of lines means nothing.
        it["lines"]["data"].as_array_mut().unwrap().insert(0, fee);
    });
    tell(&world, "customer.subscription.created", "sub_f").await;
    assert_eq!(told(&world, who).await, [(TrialStarted, Some(5000))]);
    world.pass(7 * DAY).await;
    let next = after(ends, 30);
    change(&world, "sub_f", |it| it["status"] = "active".into());
    move_period(&world, "sub_f", ends, next);
    stripe.invoice(
        "in_f_2",
        "sub_f",
        "subscription_cycle",
        999,
        (ends, next),
        world.now(),
    );
    paid(&world, "in_f_2").await;
    let expected = [(TrialStarted, Some(5000)), (TrialConverted, Some(999))];
    assert_eq!(told(&world, who).await, expected);
    assert_eq!(total(&world, who).await, 5999);
}

/// `trial_end` may be moved both ways; what was a trial stays one when it is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_made_longer_or_shorter_ends_when_stripe_says() {
    let world = World::with_stores().await;
    for (id, days) in [("sub_long", 14), ("sub_short", 3)] {
        let begun = world.now();
        begin(&world, id, true).await;
        let ends = after(begun, days);
        change(&world, id, |it| it["trial_end"] = ends.as_second().into());
        move_period(&world, id, begun, ends);
        tell(&world, "customer.subscription.updated", id).await;
        let who = format!("user-{id}");
        let is_longer = days > 7;
        let longer: &[_] = if is_longer {
            &[SubscriptionExtended]
        } else {
            &[]
        };
        let expected: Vec<_> = [TrialStarted].iter().chain(longer).copied().collect();
        assert_eq!(world.kinds_of(&who).await, expected);
        world.pass(days * DAY - HOUR).await;
        assert!(world.has_premium(&who).await, "{id}");
        let next = after(ends, 30);
        world.pass(HOUR).await;
        change(&world, id, |it| it["status"] = "active".into());
        move_period(&world, id, ends, next);
        let invoice = format!("in_{id}_2");
        let stripe = &world.stores.stripe.api;
        stripe.invoice(
            &invoice,
            id,
            "subscription_cycle",
            999,
            (ends, next),
            world.now(),
        );
        paid(&world, &invoice).await;
        let kinds = world.kinds_of(&who).await;
        assert_eq!(kinds.last(), Some(&TrialConverted), "{id}: {kinds:?}");
        assert_eq!(kinds.len(), expected.len() + 1, "{id}: {kinds:?}");
    }
    world.rederives().await;
}

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

/// `charge` of a refund may be null.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_without_a_charge_is_found_by_its_payment() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_r", false).await;
    for (number, cents) in [(1, 400), (2, 599)] {
        let id = format!("re_{number}");
        stripe.refund(&id, "in_sub_r_1", cents, world.now());
        stripe.change("refunds", &id, |it| it["charge"] = Value::Null);
        let refund = stripe.get("refunds", &id).unwrap();
        world.pass(1).await;
        world.hook("refund.created", &refund).await.unwrap();
        world.settled().await;
    }
    assert_eq!(world.parked().await, 0);
    let expected = [
        (SubscriptionStarted, Some(999)),
        (SubscriptionRefunded, Some(400)),
        (SubscriptionRefunded, Some(599)),
    ];
    assert_eq!(told(&world, "user-sub_r").await, expected);
    assert_eq!(total(&world, "user-sub_r").await, 0);
    assert!(
        world.has_premium("user-sub_r").await,
        "a refund ends no subscription"
    );
}

/// What is a purchase does not depend on which message led to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_without_checkout_is_no_purchase_when_it_is_refunded_either() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let now = world.now().as_second();
    stripe.put("charges", json!({ "id": "ch_b", "object": "charge", "payment_intent": "pi_b", "amount": 500, "currency": "usd", "paid": true, "created": now }));
    stripe.put("refunds", json!({ "id": "re_b", "amount": 500, "currency": "usd", "status": "succeeded", "created": now, "charge": "ch_b", "payment_intent": "pi_b" }));
    for (kind, at) in [
        ("charge.refunded", ("charges", "ch_b")),
        ("refund.created", ("refunds", "re_b")),
    ] {
        let object = stripe.get(at.0, at.1).unwrap();
        world.pass(1).await;
        world.hook(kind, &object).await.unwrap();
        world.settled().await;
    }
    assert_eq!(world.parked().await, 0);
    assert_eq!(world.kinds().await, []);
}

/// A pause: its name, whether of a trial, its cause in Stripe's words, what is told of it and why, and what when it ends.
type Pause<'a> = (
    &'a str,
    bool,
    Option<&'a str>,
    &'a [EventKind],
    Option<CancellationReason>,
    EventKind,
);

/// A status of `paused` is one of several things; resuming with money is a renewal.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_what_stripe_says_it_is() {
    let world = World::with_stores().await;
    let cases: [Pause<'_>; 7] = [
        (
            "asked",
            false,
            Some("pause_requested"),
            &[SubscriptionPaused],
            None,
            SubscriptionRenewed,
        ),
        (
            "system",
            false,
            Some("system"),
            &[SubscriptionPaused],
            None,
            SubscriptionRenewed,
        ),
        (
            "silent",
            false,
            None,
            &[SubscriptionPaused],
            None,
            SubscriptionRenewed,
        ),
        (
            "first",
            false,
            Some("first_payment_failure"),
            &[BillingIssueDetected],
            None,
            SubscriptionRenewed,
        ),
        (
            "last",
            false,
            Some("final_payment_failure"),
            &[SubscriptionExpired],
            Some(BillingError),
            SubscriptionRenewed,
        ),
        (
            "cardless",
            true,
            Some("trial_end_without_payment_method"),
            &[TrialExpired],
            Some(Unknown),
            TrialConverted,
        ),
        (
            "silenttrial",
            true,
            None,
            &[TrialExpired],
            Some(Unknown),
            TrialConverted,
        ),
    ];
    for (name, is_trial, cause, expected, reason, resumed) in cases {
        let id = format!("sub_{name}");
        let who = format!("user-{id}");
        let ends = begin(&world, &id, is_trial).await;
        if is_trial {
            world.pass(world.now().duration_until(ends).as_secs()).await;
        } else {
            world.pass(DAY).await;
        }
        change(&world, &id, |it| {
            it["status"] = "paused".into();
            if let Some(cause) = cause {
                it["status_details"] = json!({ "paused": { "type": "subscription", "subscription": { "type": cause } } });
            }
        });
        tell(&world, "customer.subscription.paused", &id).await;
        assert!(!world.has_premium(&who).await, "{name}");
        assert_eq!(world.kinds_of(&who).await[1..], *expected, "{name}");
        let last = world
            .events()
            .await
            .into_iter()
            .rfind(|event| event.kind == expected[0]);
        assert_eq!(last.unwrap().cancellation_reason, reason, "{name}");
        world.pass(2 * DAY).await;
        let (now, next) = (world.now(), after(world.now(), 30));
        change(&world, &id, |it| {
            it["status"] = "active".into();
            it["status_details"] = Value::Null;
        });
        move_period(&world, &id, now, next);
        let invoice = format!("in_{id}_2");
        let stripe = &world.stores.stripe.api;
        stripe.invoice(&invoice, &id, "subscription_update", 999, (now, next), now);
        tell(&world, "customer.subscription.resumed", &id).await;
        paid(&world, &invoice).await;
        assert!(world.has_premium(&who).await, "{name}");
        assert_eq!(
            told(&world, &who).await.last(),
            Some(&(resumed, Some(999))),
            "{name}"
        );
        assert_eq!(world.kinds_of(&who).await.len(), 3, "{name}");
    }
    world.rederives().await;
}

/// While collection is paused periods go on without being paid for, and the status stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_whose_payments_are_not_collected_is_paused_once_the_paid_period_is_over() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let who = "user-sub_pc";
    let ends = begin(&world, "sub_pc", false).await;
    world.pass(DAY).await;
    change(&world, "sub_pc", |it| {
        it["pause_collection"] = json!({ "behavior": "void", "resumes_at": null });
    });
    tell(&world, "customer.subscription.updated", "sub_pc").await;
    assert!(world.has_premium(who).await, "it is paid for");
    world.pass(world.now().duration_until(ends).as_secs()).await;
    let mut period = (ends, after(ends, 30));
    for number in 2..4 {
        move_period(&world, "sub_pc", period.0, period.1);
        unpaid(
            &world,
            &format!("in_pc_{number}"),
            "sub_pc",
            "subscription_cycle",
            "void",
            period,
        );
        tell(&world, "customer.subscription.updated", "sub_pc").await;
        world.pass(10 * DAY).await;
        assert!(!world.has_premium(who).await);
        world.pass(20 * DAY).await;
        period = (period.1, after(period.1, 30));
    }
    change(&world, "sub_pc", |it| it["pause_collection"] = Value::Null);
    move_period(&world, "sub_pc", period.0, period.1);
    stripe.invoice(
        "in_pc_4",
        "sub_pc",
        "subscription_cycle",
        999,
        period,
        world.now(),
    );
    paid(&world, "in_pc_4").await;
    let expected = [
        (SubscriptionStarted, Some(999)),
        (SubscriptionPaused, None),
        (SubscriptionRenewed, Some(999)),
    ];
    assert_eq!(told(&world, who).await, expected);
    assert!(world.has_premium(who).await);
    world.rederives().await;
}

/// 0 is no time; a cancellation far ahead is one, and charges go on until then.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_at_no_time_is_none_and_one_far_ahead_lets_charges_go_on() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_zero", false).await;
    change(&world, "sub_zero", |it| {
        it["cancel_at"] = 0.into();
        it["canceled_at"] = 0.into();
    });
    tell(&world, "customer.subscription.updated", "sub_zero").await;
    assert_eq!(world.kinds_of("user-sub_zero").await, [SubscriptionStarted]);
    let ends = begin(&world, "sub_far", false).await;
    let now = world.now();
    change(&world, "sub_far", |it| {
        it["cancel_at"] = after(now, 365).as_second().into();
        it["canceled_at"] = now.as_second().into();
    });
    tell(&world, "customer.subscription.updated", "sub_far").await;
    world.pass(world.now().duration_until(ends).as_secs()).await;
    let next = after(ends, 30);
    move_period(&world, "sub_far", ends, next);
    stripe.invoice(
        "in_far_2",
        "sub_far",
        "subscription_cycle",
        999,
        (ends, next),
        ends,
    );
    paid(&world, "in_far_2").await;
    let expected = [
        (SubscriptionStarted, Some(999)),
        (SubscriptionRenewalCancelled, None),
        (SubscriptionRenewed, Some(999)),
    ];
    assert_eq!(told(&world, "user-sub_far").await, expected);
    assert!(world.has_premium("user-sub_far").await);
}

/// A trial that Stripe itself ends because there is no way to pay was cancelled by nobody, also when a test clock says that this
/// was a month from now.
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_stripe_ends_by_itself_was_not_cancelled() {
    let world = World::with_stores().await;
    for (id, waits) in [("sub_waits", true), ("sub_clock", false)] {
        let ends = begin(&world, id, true).await;
        if waits {
            world.pass(world.now().duration_until(ends).as_secs()).await;
        }
        change(&world, id, |it| {
            it["status"] = "canceled".into();
            it["canceled_at"] = ends.as_second().into();
            it["ended_at"] = ends.as_second().into();
            it["cancellation_details"] = json!({ "reason": "cancellation_requested" });
        });
        tell(&world, "customer.subscription.deleted", id).await;
        let who = format!("user-{id}");
        assert_eq!(
            world.kinds_of(&who).await,
            [TrialStarted, TrialExpired],
            "{id}"
        );
        assert!(!world.has_premium(&who).await, "{id}");
    }
}

/// A phase of a schedule names a price, and the price its product.
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_price_is_asked_what_it_sells() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    stripe.put("prices", json!({ "id": "price_small", "object": "price", "product": "prod_silver", "unit_amount": 300, "currency": "usd" }));
    for (id, price, named) in [
        ("sub_s", "price_small", "prod_silver:price_small"),
        ("sub_g", "price_gone", "price_gone"),
    ] {
        let who = format!("user-{id}");
        let ends = begin(&world, id, false).await;
        let schedule = format!("sub_sched_{id}");
        stripe.put("subscription_schedules", json!({ "id": schedule, "subscription": id, "phases": [
            { "start_date": world.now().as_second(), "end_date": ends.as_second(), "items": [{ "price": "price_monthly" }] },
            { "start_date": ends.as_second(), "items": [{ "price": price }] },
        ] }));
        change(&world, id, |it| it["schedule"] = schedule.as_str().into());
        world.pass(1).await;
        let planned = stripe.get("subscription_schedules", &schedule).unwrap();
        world
            .hook("subscription_schedule.created", &planned)
            .await
            .unwrap();
        world.settled().await;
        let planned = world
            .events()
            .await
            .into_iter()
            .rfind(|event| event.kind == ProductChanged)
            .unwrap();
        assert!(planned.scheduled);
        assert_eq!(planned.product.as_deref(), Some(named));
        if price == "price_gone" {
            continue;
        }
        world.pass(world.now().duration_until(ends).as_secs()).await;
        let next = after(ends, 30);
        change(&world, id, |it| {
            it["schedule"] = Value::Null;
            it["items"]["data"][0]["price"] = json!({ "id": "price_small", "product": "prod_silver", "unit_amount": 300, "currency": "usd" });
        });
        move_period(&world, id, ends, next);
        tell(&world, "customer.subscription.updated", id).await;
        stripe.invoice("in_s_2", id, "subscription_cycle", 300, (ends, next), ends);
        paid(&world, "in_s_2").await;
        let expected = [
            (SubscriptionStarted, Some(999)),
            (ProductChanged, None),
            (SubscriptionExpired, None),
            (SubscriptionStarted, Some(300)),
        ];
        assert_eq!(told(&world, &who).await, expected);
        let mut events = world.events().await.into_iter();
        let expired = events
            .rfind(|event| event.kind == SubscriptionExpired)
            .unwrap();
        assert_eq!(expired.cancellation_reason, Some(NewSubscriptionReplace));
    }
    world.rederives().await;
}

/// A smaller product at once is a credit, and the credit pays the next period.
#[tokio::test(flavor = "multi_thread")]
async fn a_credit_is_no_money() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let who = "user-sub_d";
    let ends = begin(&world, "sub_d", false).await;
    world.pass(10 * DAY).await;
    let now = world.now();
    change(&world, "sub_d", |it| {
        it["items"]["data"][0]["price"] = json!({ "id": "price_small", "product": "prod_silver", "unit_amount": 300, "currency": "usd" });
    });
    stripe.invoice(
        "in_d_2",
        "sub_d",
        "subscription_update",
        0,
        (now, ends),
        now,
    );
    stripe.change("invoices", "in_d_2", |it| {
        it["total"] = (-350).into();
        let line = &mut it["lines"]["data"][0];
        line["amount"] = 150.into();
        line["parent"]["subscription_item_details"]["proration"] = true.into();
        let mut credit = line.clone();
        credit["amount"] = (-500).into();
        credit["pricing"]["price_details"] =
            json!({ "price": "price_monthly", "product": "prod_gold" });
        it["lines"]["data"]
            .as_array_mut()
            .unwrap()
            .insert(0, credit);
    });
    paid(&world, "in_d_2").await;
    world.pass(world.now().duration_until(ends).as_secs()).await;
    let next = after(ends, 30);
    move_period(&world, "sub_d", ends, next);
    stripe.invoice(
        "in_d_3",
        "sub_d",
        "subscription_cycle",
        0,
        (ends, next),
        ends,
    );
    stripe.change("invoices", "in_d_3", |it| {
        it["total"] = 300.into();
        it["lines"]["data"][0]["amount"] = 300.into();
    });
    paid(&world, "in_d_3").await;
    let expected = [
        (SubscriptionStarted, Some(999)),
        (ProductChanged, None),
        (SubscriptionRefunded, Some(0)),
        (SubscriptionStarted, Some(0)),
        (SubscriptionRenewed, Some(0)),
    ];
    assert_eq!(told(&world, who).await, expected);
    assert_eq!(total(&world, who).await, 999);
    let mut events = world.events().await.into_iter();
    let refunded = events
        .find(|event| event.kind == SubscriptionRefunded)
        .unwrap();
    assert_eq!(refunded.cancellation_reason, Some(Upgraded));
}

/// What is news is measured from when it was heard, not from when Stripe could be asked, nor from when a session was opened.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_away_for_days_makes_no_history_of_news() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let (who, now, ends) = ("user-sub_away", world.now(), after(world.now(), 30));
    stripe.subscribe(&subscription("sub_away"), now, ends, false);
    stripe.invoice(
        "in_away",
        "sub_away",
        "subscription_create",
        999,
        (now, ends),
        now,
    );
    world.stores.stripe.set(Outage::Down);
    let object = stripe.get("subscriptions", "sub_away").unwrap();
    world
        .hook("customer.subscription.created", &object)
        .await
        .unwrap();
    world.pass(3 * DAY).await;
    change(&world, "sub_away", |it| {
        it["cancel_at_period_end"] = true.into();
    });
    assert_eq!(told(&world, who).await, []);
    world.stores.stripe.set(Outage::None);
    world.pass(DAY).await;
    world.settled().await;
    let expected = [
        (SubscriptionStarted, Some(999)),
        (SubscriptionRenewalCancelled, None),
    ];
    assert_eq!(told(&world, who).await, expected);
    // Paid by bank, days after the session was opened.
    let opened = world.now();
    let mut session = json!({
        "id": "cs_bank", "object": "checkout.session", "mode": "payment", "payment_status": "unpaid", "payment_intent": "pi_bank", "livemode": false,
        "currency": "usd", "amount_total": 499, "created": opened.as_second(), "metadata": { "app_user_id": "banker" },
        "line_items": { "data": [{ "price": { "id": "price_coins", "product": "prod_coins" }, "quantity": 1 }] },
    });
    stripe.put("checkout/sessions", session.clone());
    world
        .hook("checkout.session.completed", &session)
        .await
        .unwrap();
    world.pass(5 * DAY).await;
    assert_eq!(told(&world, "banker").await, []);
    session["payment_status"] = "paid".into();
    stripe.put("checkout/sessions", session.clone());
    world
        .hook("checkout.session.async_payment_succeeded", &session)
        .await
        .unwrap();
    let paid_at = world.now();
    world.settled().await;
    assert_eq!(
        told(&world, "banker").await,
        [(NonSubscriptionPurchase, Some(499))]
    );
    let events = world.events().await;
    assert!(events.iter().all(|event| !event.historical), "{events:?}");
    let bought = events
        .iter()
        .find(|event| event.kind == NonSubscriptionPurchase);
    assert_eq!(bought.unwrap().occurred_at.as_second(), paid_at.as_second());
    world.rederives().await;
}

/// What was read while it changed is read again: the newest invoice is missing, or paid although the subscription is not.
#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_itself_is_read_again_and_in_the_end_believed() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let (who, now, ends) = ("user-sub_torn", world.now(), after(world.now(), 30));
    stripe.subscribe(&subscription("sub_torn"), now, ends, false);
    change(&world, "sub_torn", |it| {
        it["latest_invoice"] = "in_torn".into();
    });
    stripe.invoice(
        "in_torn",
        "sub_torn",
        "subscription_create",
        999,
        (now, ends),
        now,
    );
    let asked = || stripe.times_asked("subscriptions/sub_torn");
    tell(&world, "customer.subscription.created", "sub_torn").await;
    assert_eq!(asked(), 1);
    change(&world, "sub_torn", |it| it["status"] = "past_due".into());
    tell(&world, "customer.subscription.updated", "sub_torn").await;
    assert_eq!(asked(), 4);
    assert_eq!(
        world.kinds_of(who).await,
        [SubscriptionStarted, BillingIssueDetected]
    );
    change(&world, "sub_torn", |it| {
        it["status"] = "active".into();
        it["latest_invoice"] = "in_not_listed_yet".into();
    });
    tell(&world, "customer.subscription.updated", "sub_torn").await;
    assert_eq!(asked(), 7);
    assert!(world.has_premium(who).await);
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
