//! Trials: cut short, made longer, with a fee, ended by Stripe.

use super::{HOUR, change, paid, told, total, unpaid};
use crate::{
    stores::stripe::{DAY, after, begin, move_period, subscription, tell},
    world::World,
};
use domain::EventKind::*;
use serde_json::json;

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

/// A trial is over when Stripe lets the next period run, also while nobody has paid for it: it was sent, or is under way through a bank.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_after_the_trial_is_no_trial_although_nobody_has_paid_yet() {
    let world = World::with_stores().await;
    let who = "user-sub_u";
    let ends = begin(&world, "sub_u", true).await;
    change(&world, "sub_u", |it| {
        it["collection_method"] = "send_invoice".into();
    });
    world.pass(7 * DAY).await;
    let next = after(ends, 30);
    change(&world, "sub_u", |it| it["status"] = "active".into());
    move_period(&world, "sub_u", ends, next);
    unpaid(
        &world,
        "in_u_2",
        "sub_u",
        "subscription_cycle",
        "open",
        (ends, next),
    );
    tell(&world, "customer.subscription.updated", "sub_u").await;
    world.pass(DAY).await;
    assert_eq!(told(&world, who).await, [(TrialStarted, Some(0))]);
    let now = world.now().as_second();
    change(&world, "sub_u", |it| {
        it["cancel_at_period_end"] = true.into();
        it["canceled_at"] = now.into();
    });
    tell(&world, "customer.subscription.updated", "sub_u").await;
    let expected = [
        (TrialStarted, Some(0)),
        (SubscriptionRenewalCancelled, None),
    ];
    assert_eq!(told(&world, who).await, expected);
    // Paid after all, it is what the trial became.
    let stripe = &world.stores.stripe.api;
    stripe.invoice(
        "in_u_2",
        "sub_u",
        "subscription_cycle",
        999,
        (ends, next),
        ends,
    );
    paid(&world, "in_u_2").await;
    assert_eq!(
        told(&world, who).await.last(),
        Some(&(TrialConverted, Some(999)))
    );
    world.rederives().await;
}
