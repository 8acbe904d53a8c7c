//! Rows of the table: trials, renewals, cancellations, pauses, changes, quantities, schedules.

use super::{DAY, after, begin, move_period, subscription, tell};
use crate::world::World;
use domain::{CancellationReason, EventKind::*};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_converts_renews_fails_recovers_and_ends() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let who = "user-sub_a";
    let ends = begin(&world, "sub_a", true).await;
    assert_eq!(world.kinds_of(who).await, [TrialStarted]);
    assert!(world.has_premium(who).await);
    // The period moves about an hour before the invoice is paid: nothing is told until it is.
    world.pass(7 * DAY).await;
    let next = after(ends, 30);
    stripe.change("subscriptions", "sub_a", |subscription| {
        subscription["status"] = "active".into();
    });
    move_period(&world, "sub_a", ends, next);
    tell(&world, "customer.subscription.updated", "sub_a").await;
    assert_eq!(world.kinds_of(who).await, [TrialStarted]);
    stripe.invoice(
        "in_a_2",
        "sub_a",
        "subscription_cycle",
        999,
        (ends, next),
        world.now(),
    );
    tell(&world, "customer.subscription.updated", "sub_a").await;
    world.pass(30 * DAY).await;
    let third = after(next, 30);
    move_period(&world, "sub_a", next, third);
    stripe.change("subscriptions", "sub_a", |subscription| {
        subscription["status"] = "past_due".into();
    });
    tell(&world, "invoice.payment_failed", "sub_a").await;
    assert!(
        !world.has_premium(who).await,
        "past due gives no access unless the app says so"
    );
    tell(&world, "customer.subscription.updated", "sub_a").await;
    stripe.change("subscriptions", "sub_a", |subscription| {
        subscription["status"] = "active".into();
    });
    stripe.invoice(
        "in_a_3",
        "sub_a",
        "subscription_cycle",
        999,
        (next, third),
        world.now(),
    );
    tell(&world, "customer.subscription.updated", "sub_a").await;
    world.pass(30 * DAY).await;
    stripe.change("subscriptions", "sub_a", |subscription| {
        subscription["status"] = "canceled".into();
        subscription["ended_at"] = third.as_second().into();
        subscription["cancellation_details"] = json!({ "reason": "payment_failed" });
    });
    tell(&world, "customer.subscription.deleted", "sub_a").await;
    assert_eq!(
        world.kinds_of(who).await,
        [
            TrialStarted,
            TrialConverted,
            BillingIssueDetected,
            SubscriptionRenewed,
            SubscriptionExpired
        ]
    );
    let last = world
        .events()
        .await
        .into_iter()
        .rfind(|event| event.kind == SubscriptionExpired)
        .unwrap();
    assert_eq!(
        last.cancellation_reason,
        Some(CancellationReason::BillingError)
    );
    world.rederives().await;
}

/// Cancel at the period's end, take it back, cancel at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_is_told_taken_back_and_told_again() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_c", false).await;
    stripe.change("subscriptions", "sub_c", |it| {
        it["cancel_at_period_end"] = true.into();
    });
    tell(&world, "customer.subscription.updated", "sub_c").await;
    stripe.change("subscriptions", "sub_c", |it| {
        it["cancel_at_period_end"] = false.into();
    });
    tell(&world, "customer.subscription.updated", "sub_c").await;
    let now = world.now().as_second();
    stripe.change("subscriptions", "sub_c", |it| {
        it["status"] = "canceled".into();
        it["canceled_at"] = now.into();
        it["ended_at"] = now.into();
        it["cancellation_details"] = json!({ "reason": "cancellation_requested" });
    });
    tell(&world, "customer.subscription.deleted", "sub_c").await;
    assert_eq!(
        world.kinds_of("user-sub_c").await,
        [
            SubscriptionStarted,
            SubscriptionRenewalCancelled,
            SubscriptionRenewalReactivated,
            SubscriptionRenewalCancelled,
            SubscriptionExpired
        ]
    );
    assert!(!world.has_premium("user-sub_c").await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_told_once_and_leaves_what_was_paid_for() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_p", false).await;
    stripe.change("subscriptions", "sub_p", |it| {
        it["pause_collection"] = json!({ "behavior": "void", "resumes_at": null });
    });
    tell(&world, "customer.subscription.updated", "sub_p").await;
    tell(&world, "customer.subscription.updated", "sub_p").await;
    assert_eq!(
        world.kinds_of("user-sub_p").await,
        [SubscriptionStarted, SubscriptionPaused]
    );
    assert!(
        world.has_premium("user-sub_p").await,
        "until the end of the period"
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_trial_is_an_extension_and_one_without_a_way_to_pay_ends() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let ends = begin(&world, "sub_t", true).await;
    stripe.change("subscriptions", "sub_t", |it| {
        it["trial_end"] = after(ends, 7).as_second().into();
    });
    tell(&world, "customer.subscription.updated", "sub_t").await;
    assert_eq!(
        world.kinds_of("user-sub_t").await,
        [TrialStarted, SubscriptionExtended]
    );
    // A trial that ends without a way to pay.
    stripe.change("subscriptions", "sub_t", |it| {
        it["status"] = "paused".into();
    });
    tell(&world, "customer.subscription.paused", "sub_t").await;
    assert_eq!(
        world.kinds_of("user-sub_t").await,
        [TrialStarted, SubscriptionExtended, TrialExpired]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_price_that_is_charged_at_once_changes_the_product() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_u", false).await;
    world.pass(DAY).await;
    stripe.change("subscriptions", "sub_u", |it| {
        it["items"]["data"][0]["price"] = json!({ "id": "price_yearly", "product": "prod_gold", "unit_amount": 9900, "currency": "usd" });
    });
    stripe.invoice(
        "in_u_2",
        "sub_u",
        "subscription_update",
        9000,
        (world.now(), after(world.now(), 365)),
        world.now(),
    );
    tell(&world, "customer.subscription.updated", "sub_u").await;
    assert_eq!(
        world.kinds_of("user-sub_u").await,
        [
            SubscriptionStarted,
            ProductChanged,
            SubscriptionRefunded,
            SubscriptionStarted
        ]
    );
    world.rederives().await;
}

/// Another price now, charged for later.
#[tokio::test(flavor = "multi_thread")]
async fn another_price_that_is_charged_later_is_changed_now_and_told_once() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_w", false).await;
    world.pass(DAY).await;
    stripe.change("subscriptions", "sub_w", |it| {
        it["items"]["data"][0]["price"] = json!({ "id": "price_yearly", "product": "prod_gold", "unit_amount": 9900, "currency": "usd" });
    });
    tell(&world, "customer.subscription.updated", "sub_w").await;
    tell(&world, "customer.subscription.updated", "sub_w").await;
    let told = world.events().await;
    let changed = told
        .iter()
        .rev()
        .find(|event| event.kind == ProductChanged)
        .unwrap();
    assert!(!changed.scheduled && changed.customer.answers_to("user-sub_w"));
    assert_eq!(changed.product.as_deref(), Some("prod_gold:price_yearly"));
    stripe.invoice(
        "in_w_2",
        "sub_w",
        "subscription_update",
        9000,
        (world.now(), after(world.now(), 365)),
        world.now(),
    );
    tell(&world, "customer.subscription.updated", "sub_w").await;
    assert_eq!(
        world.kinds_of("user-sub_w").await,
        [
            SubscriptionStarted,
            ProductChanged,
            SubscriptionRefunded,
            SubscriptionStarted
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_paid_tells_nothing() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    stripe.subscribe(
        &subscription("sub_i"),
        world.now(),
        after(world.now(), 30),
        false,
    );
    stripe.change("subscriptions", "sub_i", |it| {
        it["status"] = "incomplete".into();
    });
    tell(&world, "customer.subscription.created", "sub_i").await;
    stripe.change("subscriptions", "sub_i", |it| {
        it["status"] = "incomplete_expired".into();
    });
    tell(&world, "customer.subscription.updated", "sub_i").await;
    assert!(world.kinds_of("user-sub_i").await.is_empty());
    assert_eq!(world.rederive(|_| {}).await.differences, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_unpaid_for_good_expires() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_n", false).await;
    stripe.change("subscriptions", "sub_n", |it| {
        it["status"] = "unpaid".into();
    });
    tell(&world, "customer.subscription.updated", "sub_n").await;
    assert_eq!(
        world.kinds_of("user-sub_n").await,
        [SubscriptionStarted, SubscriptionExpired]
    );
    world.rederives().await;
}

/// Another quantity is prorated: no change of product, and no new period, but money.
#[tokio::test(flavor = "multi_thread")]
async fn another_quantity_and_an_invoice_by_hand_move_money_and_no_period() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let ends = begin(&world, "sub_q", false).await;
    stripe.invoice(
        "in_q_2",
        "sub_q",
        "subscription_update",
        300,
        (world.now(), ends),
        world.now(),
    );
    stripe.change("invoices", "in_q_2", |it| {
        it["lines"]["data"][0]["parent"]["subscription_item_details"]["proration"] = true.into();
    });
    tell(&world, "customer.subscription.updated", "sub_q").await;
    // Nor is an invoice that somebody wrote for what the subscription consists of.
    stripe.invoice(
        "in_q_3",
        "sub_q",
        "manual",
        5000,
        (world.now(), ends),
        world.now(),
    );
    tell(&world, "customer.subscription.updated", "sub_q").await;
    assert_eq!(
        world.kinds_of("user-sub_q").await,
        [
            SubscriptionStarted,
            SubscriptionRenewed,
            SubscriptionRenewed
        ]
    );
    let last = world.events().await.pop().unwrap();
    assert_eq!(last.purchase.unwrap().expires_at, Some(ends));
    assert_eq!(last.customer.revenue_usd_micros, 62_990_000);
}

/// A schedule that changes the price later.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_changes_the_price_later_is_a_planned_change() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_s", false).await;
    let later = after(world.now(), 30).as_second();
    stripe.put(
        "prices",
        json!({ "id": "price_yearly", "product": "prod_gold", "unit_amount": 9900, "currency": "usd" }),
    );
    stripe.put(
        "subscription_schedules",
        json!({ "id": "sub_sched_1", "object": "subscription_schedule", "subscription": "sub_s", "phases": [
            { "start_date": 1, "end_date": later, "items": [{ "price": "price_monthly" }] },
            { "start_date": later, "items": [{ "price": "price_yearly" }] },
        ] }),
    );
    stripe.change("subscriptions", "sub_s", |it| {
        it["schedule"] = "sub_sched_1".into();
    });
    tell(&world, "subscription_schedule.updated", "sub_s").await;
    tell(&world, "customer.subscription.updated", "sub_s").await;
    assert_eq!(
        world.kinds_of("user-sub_s").await,
        [SubscriptionStarted, ProductChanged]
    );
    let planned = world
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == ProductChanged)
        .unwrap();
    assert!(planned.scheduled && planned.product.as_deref() == Some("prod_gold:price_yearly"));
}

/// Ended by a dispute: no cancellation by the customer is made up.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_dispute_ended_was_not_cancelled_by_the_customer() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    begin(&world, "sub_x", false).await;
    let now = world.now().as_second();
    stripe.change("subscriptions", "sub_x", |it| {
        it["status"] = "canceled".into();
        it["canceled_at"] = now.into();
        it["ended_at"] = now.into();
        it["cancellation_details"] = json!({ "reason": "payment_disputed" });
    });
    tell(&world, "customer.subscription.deleted", "sub_x").await;
    assert_eq!(
        world.kinds_of("user-sub_x").await,
        [SubscriptionStarted, SubscriptionExpired]
    );
}

/// The first payment fails: nothing began.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_payment_that_fails_begins_nothing() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    stripe.subscribe(
        &subscription("sub_y"),
        world.now(),
        after(world.now(), 30),
        false,
    );
    stripe.change("subscriptions", "sub_y", |it| {
        it["status"] = "incomplete".into();
    });
    tell(&world, "invoice.payment_failed", "sub_y").await;
    assert!(world.kinds_of("user-sub_y").await.is_empty());
}

/// Older shapes are read as well.
#[tokio::test(flavor = "multi_thread")]
async fn older_shapes_are_read_as_well() {
    let world = World::with_stores().await;
    let stripe = &world.stores.stripe.api;
    let now = world.now().as_second();
    let later = after(world.now(), 30).as_second();
    stripe.put("subscriptions", json!({
        "id": "sub_old", "customer": "cus_old", "status": "active", "livemode": false, "start_date": now, "current_period_end": later,
        "plan": { "id": "plan_gold", "product": "prod_gold", "unit_amount": 999, "currency": "usd" }, "metadata": { "app_user_id": "olga" },
    }));
    stripe.put("invoices", json!({
        "id": "in_old", "subscription": "sub_old", "status": "paid", "billing_reason": "subscription_create", "currency": "jpy", "amount_paid": 500, "total": 500,
        "tax": 45, "created": now, "charge": "ch_old", "status_transitions": { "paid_at": now },
        "lines": { "data": [{ "amount": 500, "proration": false, "period": { "start": now, "end": later }, "plan": { "id": "plan_gold", "product": "prod_gold" } }] },
    }));
    tell(&world, "customer.subscription.created", "sub_old").await;
    let started = world
        .events()
        .await
        .into_iter()
        .find(|event| event.customer.answers_to("olga"))
        .unwrap();
    let charged = started.transaction.unwrap();
    assert_eq!(
        (
            charged.price.unwrap().to_string().as_str(),
            charged.tax.unwrap().micros
        ),
        ("¥500", 45_000_000)
    );
    assert!(world.has_premium("olga").await);
}
