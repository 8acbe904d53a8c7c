//! Refunds, credits, pauses, cancellations, scheduled prices.

use super::{change, paid, told, total, unpaid};
use crate::{
    stores::stripe::{DAY, after, begin, move_period, tell},
    world::World,
};
use domain::{
    CancellationReason::{self, BillingError, NewSubscriptionReplace, Unknown, Upgraded},
    EventKind::{self, *},
};
use serde_json::{Value, json};

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

/// A price that was charged before is called what it was called then, also by a schedule of which the account does not know the price.
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_price_that_was_charged_before_has_the_name_that_it_had() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let ends = begin(&world, "sub_b", false).await;
    world.pass(DAY).await;
    change(&world, "sub_b", |it| {
        it["items"]["data"][0]["price"] = json!({ "id": "price_large", "product": "prod_large", "unit_amount": 5000, "currency": "usd" });
    });
    tell(&world, "customer.subscription.updated", "sub_b").await;
    stripe.put("subscription_schedules", json!({ "id": "sub_sched_b", "subscription": "sub_b", "phases": [
        { "start_date": world.now().as_second(), "end_date": ends.as_second(), "items": [{ "price": "price_large" }] },
        { "start_date": ends.as_second(), "items": [{ "price": "price_monthly" }] },
    ] }));
    change(&world, "sub_b", |it| it["schedule"] = "sub_sched_b".into());
    tell(&world, "customer.subscription.updated", "sub_b").await;
    let mut events = world.events().await.into_iter();
    let began = events
        .find(|event| event.kind == SubscriptionStarted)
        .unwrap();
    let planned = events.rfind(|event| event.kind == ProductChanged).unwrap();
    assert!(planned.scheduled);
    assert_eq!(planned.product, began.product);
}
