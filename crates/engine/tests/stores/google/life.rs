//! Subscriptions: trials, grace, holds, pauses, deferrals, cancellations, refunds, schedules.

use super::{DAY, after, begin, tell};
use crate::world::World;
use domain::EventKind::*;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_life_with_trial_grace_hold_and_recovery() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let trial_ends = begin(&world, "t", true).await;
    assert_eq!(world.kinds().await, [TrialStarted]);
    assert!(
        world.has_premium("user-t").await,
        "the product without its plan unlocks it"
    );
    assert_eq!(play.acknowledged(), ["t"]);
    world.pass(7 * DAY).await;
    let ends = after(trial_ends, 30);
    play.renew("t", trial_ends, ends);
    tell(&world, 2, "t").await;
    let converted = world
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == TrialConverted)
        .unwrap();
    let charged = converted.transaction.unwrap();
    assert_eq!(
        (charged.id.as_str(), charged.price.unwrap().micros),
        ("GPA.t..0", 9_990_000)
    );
    assert_eq!(charged.purchased_at, trial_ends, "the period of the order");
    world.pass(30 * DAY).await;
    play.set_state("t", "IN_GRACE_PERIOD", Some(after(ends, 3)));
    tell(&world, 6, "t").await;
    assert!(world.has_premium("user-t").await);
    world.pass(3 * DAY).await;
    play.set_state("t", "ON_HOLD", Some(after(ends, 3)));
    tell(&world, 5, "t").await;
    assert!(!world.has_premium("user-t").await);
    world.pass(DAY).await;
    play.renew("t", world.now(), after(world.now(), 30));
    tell(&world, 1, "t").await;
    assert!(world.has_premium("user-t").await);
    assert_eq!(
        world.kinds().await,
        [
            TrialStarted,
            TrialConverted,
            BillingIssueDetected,
            EnteredGracePeriod,
            SubscriptionRenewed
        ]
    );
    world.rederives().await;
}

/// Pause: asked for, begun, resumed.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_told_when_it_is_asked_for_and_ends_with_a_renewal() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "p", false).await;
    tell(&world, 11, "p").await;
    tell(&world, 11, "p").await;
    world.pass(30 * DAY).await;
    play.change("p", |subscription| {
        subscription["subscriptionState"] = "SUBSCRIPTION_STATE_PAUSED".into();
        subscription["pausedStateContext"] = json!({ "autoResumeTime": "2026-06-01T00:00:00Z" });
    });
    tell(&world, 10, "p").await;
    assert!(!world.has_premium("user-p").await);
    play.renew("p", after(ends, 5), after(ends, 35));
    tell(&world, 1, "p").await;
    assert_eq!(
        world.kinds_of("user-p").await,
        [SubscriptionStarted, SubscriptionPaused, SubscriptionRenewed]
    );
    world.rederives().await;
}

/// A pause whose request was missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_whose_request_was_missed_is_told_when_it_begins() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    begin(&world, "q", false).await;
    world.pass(30 * DAY).await;
    play.set_state("q", "PAUSED", None);
    tell(&world, 10, "q").await;
    assert_eq!(
        world.kinds_of("user-q").await,
        [SubscriptionStarted, SubscriptionPaused]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferral_is_told_as_one() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "d", false).await;
    play.set_state("d", "ACTIVE", Some(after(ends, 10)));
    tell(&world, 9, "d").await;
    assert_eq!(
        world.kinds_of("user-d").await,
        [SubscriptionStarted, SubscriptionDeferred]
    );
    world.rederives().await;
}

/// Google, "Subscription lifecycle", silent grace period: after a failed charge access goes on for at least a day, and its end moves meanwhile.
/// That the developer moved the end once says nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_moves_by_itself_after_a_deferral_is_no_other() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "d", false).await;
    let deferred = after(ends, 10);
    play.set_state("d", "ACTIVE", Some(deferred));
    tell(&world, 9, "d").await;
    world.jump(deferred);
    let silent = after(deferred, 1);
    play.set_state("d", "ACTIVE", Some(silent));
    tell(&world, 19, "d").await;
    assert_eq!(
        world.kinds_of("user-d").await,
        [SubscriptionStarted, SubscriptionDeferred]
    );
    assert!(world.has_premium("user-d").await);
    // Moved again by the developer, by no more than a day.
    play.set_state("d", "ACTIVE", Some(after(silent, 1)));
    tell(&world, 9, "d").await;
    assert_eq!(world.kinds_of("user-d").await[2..], [SubscriptionDeferred]);
    world.rederives().await;
}

/// Cancel, restart, cancel, expire.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_is_taken_back_told_again_and_ends() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "c", false).await;
    play.cancel("c", world.now());
    tell(&world, 3, "c").await;
    play.restart("c");
    tell(&world, 7, "c").await;
    play.cancel("c", world.now());
    world.pass(60).await;
    tell(&world, 3, "c").await;
    world.pass(31 * DAY).await;
    play.expire("c", "userInitiatedCancellation", ends);
    tell(&world, 13, "c").await;
    assert_eq!(
        world.kinds_of("user-c").await,
        [
            SubscriptionStarted,
            SubscriptionRenewalCancelled,
            SubscriptionRenewalReactivated,
            SubscriptionRenewalCancelled,
            SubscriptionExpired
        ]
    );
    world.rederives().await;
}

/// An order voided: the current one takes access away, with one event although told three times.
#[tokio::test(flavor = "multi_thread")]
async fn a_voided_order_takes_access_away_and_is_told_once() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    begin(&world, "v", false).await;
    let voided = play.tell_voided("v", "GPA.v", 1, world.now());
    world.push(&voided).await.unwrap();
    world.settled().await;
    play.expire("v", "userInitiatedCancellation", world.now());
    tell(&world, 12, "v").await;
    tell(&world, 13, "v").await;
    assert_eq!(
        world.kinds_of("user-v").await,
        [SubscriptionStarted, SubscriptionRefunded]
    );
    assert!(!world.has_premium("user-v").await);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_purchase_is_told_and_so_is_that_it_was_voided() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    play.buy("o", "coins", "user-o", world.now());
    let bought = play.tell_product(1, "o", "coins", world.now());
    world.push(&bought).await.unwrap();
    world.settled().await;
    let voided = play.tell_voided("o", "GPA.o", 2, world.now());
    world.push(&voided).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds_of("user-o").await,
        [NonSubscriptionPurchase, NonSubscriptionPurchaseRefunded]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ending_told_late_of_a_purchase_that_runs_again_ends_nothing() {
    let world = World::with_stores().await;
    let ends = begin(&world, "l", false).await;
    let play = &world.stores.play.api;
    let late = play.tell(13, "l", world.now());
    world.pass(30 * DAY).await;
    play.renew("l", ends, after(ends, 30));
    world.push(&late).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds().await,
        [SubscriptionStarted, SubscriptionRenewed],
        "what is told is what was found"
    );
    assert!(world.has_premium("user-l").await);
}

/// Another product, chosen for the renewal.
#[tokio::test(flavor = "multi_thread")]
async fn another_product_chosen_for_the_renewal_takes_over_then() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "d", false).await;
    play.change("d", |it| {
        it["lineItems"][0]["deferredItemReplacement"] = json!({ "productId": "silver" });
    });
    tell(&world, 17, "d").await;
    world.pass(30 * DAY).await;
    play.change("d", |it| {
        it["lineItems"][0]["productId"] = "silver".into();
        it["lineItems"][0]["deferredItemReplacement"] = serde_json::Value::Null;
    });
    play.renew("d", ends, after(ends, 30));
    tell(&world, 2, "d").await;
    assert_eq!(
        world.kinds_of("user-d").await,
        [
            SubscriptionStarted,
            ProductChanged,
            SubscriptionExpired,
            SubscriptionStarted
        ]
    );
    world.rederives().await;
}

/// A price increase, asked for and consented to.
#[tokio::test(flavor = "multi_thread")]
async fn a_price_increase_is_told_when_it_waits_and_when_it_is_accepted() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    begin(&world, "p", false).await;
    for state in ["OUTSTANDING", "CONFIRMED"] {
        play.change("p", |it| {
            it["lineItems"][0]["autoRenewingPlan"]["priceChangeDetails"] =
                json!({ "priceChangeMode": "PRICE_INCREASE", "priceChangeState": state });
        });
        tell(&world, 19, "p").await;
    }
    assert_eq!(
        world.kinds_of("user-p").await,
        [
            SubscriptionStarted,
            PriceIncreasePending,
            PriceIncreaseAccepted
        ]
    );
    world.rederives().await;
}

/// Instalments: cancelled, but running until the commitment ends.
#[tokio::test(flavor = "multi_thread")]
async fn instalments_that_are_cancelled_run_until_the_commitment_ends() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    begin(&world, "i", false).await;
    play.change("i", |it| {
        it["lineItems"][0]["autoRenewingPlan"]["installmentDetails"] =
            json!({ "pendingCancellation": {} });
    });
    tell(&world, 18, "i").await;
    assert_eq!(
        world.kinds_of("user-i").await,
        [SubscriptionStarted, SubscriptionRenewalCancelled]
    );
    assert!(world.has_premium("user-i").await);
    world.rederives().await;
}

/// An order of an earlier period is voided: told, and access stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_voided_order_of_an_earlier_period_leaves_access() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "v", false).await;
    world.pass(30 * DAY).await;
    play.renew("v", ends, after(ends, 30));
    tell(&world, 2, "v").await;
    let voided = play.tell_voided("v", "GPA.v", 1, world.now());
    world.pass(1).await;
    world.push(&voided).await.unwrap();
    world.settled().await;
    assert_eq!(
        world.kinds_of("user-v").await,
        [
            SubscriptionStarted,
            SubscriptionRenewed,
            SubscriptionRefunded
        ]
    );
    assert!(
        world.has_premium("user-v").await,
        "refund of an earlier period"
    );
    world.rederives().await;
}

/// From grace the customer cancels, and access ends with it.
#[tokio::test(flavor = "multi_thread")]
async fn who_cancels_in_grace_loses_access_with_it() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "g", false).await;
    world.pass(30 * DAY).await;
    play.set_state("g", "IN_GRACE_PERIOD", Some(after(ends, 3)));
    tell(&world, 6, "g").await;
    let now = world.now();
    play.cancel("g", now);
    play.expire("g", "userInitiatedCancellation", now);
    tell(&world, 3, "g").await;
    tell(&world, 13, "g").await;
    assert_eq!(
        world.kinds_of("user-g").await,
        [
            SubscriptionStarted,
            BillingIssueDetected,
            EnteredGracePeriod,
            SubscriptionRenewalCancelled,
            SubscriptionExpired
        ]
    );
    world.rederives().await;
}
