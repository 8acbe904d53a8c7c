//! Purchases that others took over from, of which not everything is heard, or only late. Sources: Google, purchases.subscriptionsv2,
//! `replacementCancellation` and `linkedPurchaseToken`; "Subscription upgrade or downgrade", DEFERRED.

use super::{DAY, after, begin, linked::linked, tell};
use crate::world::World;
use domain::{CancellationReason, Event, EventKind, EventKind::*};
use jiff::Timestamp;
use serde_json::json;

/// Another product is chosen for the renewal: a token of its own, which shows the order of the old one until then.
fn plan(world: &World, token: &str, old: &str, ends: Timestamp) {
    let play = &world.stores.play.api;
    let shown = play.subscription(old).unwrap();
    let mut planned = linked(token, old, "monthly");
    planned.product = "silver".into();
    play.subscribe(&planned, world.now(), ends);
    play.change(token, |it| {
        let mut runs = shown["lineItems"][0].clone();
        runs["autoRenewingPlan"] = json!({});
        runs["deferredItemReplacement"] = json!({ "productId": "silver" });
        let mut next = it["lineItems"][0].take();
        let fields = next.as_object_mut().unwrap();
        fields.retain(|field, _| !["expiryTime", "latestSuccessfulOrderId"].contains(&&**field));
        it["latestOrderId"] = runs["latestSuccessfulOrderId"].clone();
        it["lineItems"] = json!([next, runs]);
    });
}

fn told(events: &[Event]) -> Vec<(EventKind, Option<CancellationReason>)> {
    let told = events
        .iter()
        .filter(|event| event.kind != AccessLevelUpdated);
    told.map(|event| (event.kind, event.cancellation_reason))
        .collect()
}

/// What Google says to have been replaced waits ten minutes for what took its place, whatever end is still shown of it. Sources: Google,
/// purchases.subscriptionsv2, `replacementCancellation`; docs/lifecycle.md, *Google Play*.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_replaced_by_nobody_knows_what_is_over_after_ten_minutes() {
    for is_pulled_back in [true, false] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        let ends = begin(&world, "a", false).await;
        world.pass(DAY).await;
        let shown = if is_pulled_back { world.now() } else { ends };
        play.expire("a", "replacementCancellation", shown);
        tell(&world, 13, "a").await;
        world.pass(5 * 60).await;
        world.settled().await;
        assert_eq!(world.kinds().await, [SubscriptionStarted]);
        assert!(world.has_premium("user-a").await, "{is_pulled_back}");
        // Asked again meanwhile, it waits no longer.
        tell(&world, 3, "a").await;
        world.pass(6 * 60).await;
        world.settled().await;
        let told = world.events().await;
        let ended = told.iter().find(|event| event.kind == SubscriptionExpired);
        let reason = ended.and_then(|event| event.cancellation_reason);
        let replaced = CancellationReason::NewSubscriptionReplace;
        assert_eq!(reason, Some(replaced), "{is_pulled_back}");
        assert!(!world.has_premium("user-a").await, "{is_pulled_back}");
        // What took its place goes on with the chain, whenever it is heard of.
        play.subscribe(
            &linked("b", "a", "yearly"),
            world.now(),
            after(world.now(), 365),
        );
        tell(&world, 4, "b").await;
        assert!(world.has_premium("user-a").await);
        assert_eq!(world.kinds().await.last(), Some(&SubscriptionStarted));
        let ends = world.kinds().await;
        let ends = ends.iter().filter(|kind| **kind == SubscriptionExpired);
        assert_eq!(ends.count(), 1);
        world.rederives().await;
    }
}

/// What was heard of the plan makes no difference: it is a change at the renewal, which gives nothing back.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_change_that_is_heard_of_at_the_renewal_was_none_at_once() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "a", false).await;
    world.pass(10 * DAY).await;
    plan(&world, "b", "a", ends);
    world.pass(20 * DAY).await;
    let next = after(ends, 30);
    let order = json!({
        "orderId": "GPA.c", "state": "PROCESSED", "createTime": ends, "lastEventTime": ends,
        "total": { "currencyCode": "USD", "units": "4" },
        "lineItems": [{ "productId": "silver", "total": { "currencyCode": "USD", "units": "4" }, "subscriptionDetails": {
            "basePlanId": "monthly", "offerPhase": "BASE", "servicePeriodStartTime": ends, "servicePeriodEndTime": next,
        } }],
    });
    play.put_order(order);
    play.change("b", |it| {
        let mut item = it["lineItems"][0].take();
        item["latestSuccessfulOrderId"] = "GPA.c".into();
        item["expiryTime"] = json!(next);
        it["latestOrderId"] = "GPA.c".into();
        it["lineItems"] = json!([item]);
    });
    tell(&world, 2, "b").await;
    assert_eq!(
        told(&world.events().await),
        [
            (SubscriptionStarted, None),
            (
                SubscriptionExpired,
                Some(CancellationReason::NewSubscriptionReplace)
            ),
            (SubscriptionStarted, None),
        ]
    );
    world.rederives().await;
}

/// Who hears of the old token alone is told that it was replaced; what took over ends with the same period, and that is told as well.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_with_the_period_of_what_it_replaced_has_an_end_of_its_own() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = begin(&world, "a", false).await;
    world.pass(10 * DAY).await;
    plan(&world, "b", "a", ends);
    tell(&world, 13, "a").await;
    world.pass(20 * 60).await;
    world.settled().await;
    let replaced = (
        SubscriptionExpired,
        Some(CancellationReason::NewSubscriptionReplace),
    );
    assert_eq!(
        told(&world.events().await),
        [(SubscriptionStarted, None), replaced]
    );
    // It turns out to go on, is cancelled, and runs out.
    tell(&world, 4, "b").await;
    assert!(world.has_premium("user-a").await);
    play.cancel("b", world.now());
    play.change("b", |it| {
        let runs = it["lineItems"][1].take();
        it["lineItems"] = json!([runs]);
        it["lineItems"][0]["deferredItemReplacement"] = json!(null);
    });
    tell(&world, 3, "b").await;
    world.pass(21 * DAY).await;
    play.expire("b", "userInitiatedCancellation", ends);
    tell(&world, 13, "b").await;
    let told = told(&world.events().await);
    let ended = (
        SubscriptionExpired,
        Some(CancellationReason::VoluntarilyCancelled),
    );
    assert_eq!(told.last(), Some(&ended), "{told:?}");
    let ends = told.iter().filter(|(kind, _)| *kind == SubscriptionExpired);
    assert_eq!(ends.count(), 2, "{told:?}");
    assert!(!world.has_premium("user-a").await);
    world.rederives().await;
}

/// Google, "Subscription lifecycle", paused: the customer may resume at any time, and whoever loses that message shuts nobody out for long.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_up_before_its_pause_was_to_end_is_found_within_a_day() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    begin(&world, "p", false).await;
    world.pass(30 * DAY).await;
    play.pause("p", after(world.now(), 90));
    tell(&world, 10, "p").await;
    assert!(!world.has_premium("user-p").await);
    world.pass(5 * DAY).await;
    play.renew("p", world.now(), after(world.now(), 30));
    world.pass(DAY).await;
    world.settled().await;
    assert!(world.has_premium("user-p").await);
    assert_eq!(
        told(&world.events().await),
        [SubscriptionStarted, SubscriptionPaused, SubscriptionRenewed].map(|kind| (kind, None))
    );
    world.rederives().await;
}
