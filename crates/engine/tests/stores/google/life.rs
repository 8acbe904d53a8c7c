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

#[tokio::test(flavor = "multi_thread")]
async fn table_of_pauses_deferrals_cancellations_and_voids() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    // Pause: asked for, begun, resumed.
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
    // A pause whose request was missed.
    begin(&world, "q", false).await;
    world.pass(30 * DAY).await;
    play.set_state("q", "PAUSED", None);
    tell(&world, 10, "q").await;
    assert_eq!(
        world.kinds_of("user-q").await,
        [SubscriptionStarted, SubscriptionPaused]
    );
    // Deferral.
    let ends = begin(&world, "d", false).await;
    play.set_state("d", "ACTIVE", Some(after(ends, 10)));
    tell(&world, 9, "d").await;
    assert_eq!(
        world.kinds_of("user-d").await,
        [SubscriptionStarted, SubscriptionDeferred]
    );
    // Cancel, restart, cancel, expire.
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
    // An order voided: the current one takes access away, with one event although told three times.
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
    // One-time purchases.
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

#[tokio::test(flavor = "multi_thread")]
async fn table_of_schedules_price_changes_instalments_and_old_orders() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    // Another product, chosen for the renewal.
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
    // A price increase, asked for and consented to.
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
    // Instalments: cancelled, but running until the commitment ends.
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
    // An order of an earlier period is voided: told, and access stays.
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
    // From grace the customer cancels, and access ends with it.
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
