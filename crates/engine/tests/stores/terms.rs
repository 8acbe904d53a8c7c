//! Terms of a plan through a whole engine: charges that the customer is committed to, and prices that go up.
//!
//! Sources: Apple, JWSRenewalInfoDecodedPayload, `commitmentInfo`: switched off, `commitmentAutoRenewStatus` is 0 while
//! `autoRenewStatus` stays 1, since the charges of the term go on; Google, purchases.subscriptionsv2, `installmentDetails`,
//! `priceChangeMode` and `canceledStateContext`.

use super::apple::{after, notification, renewal, transaction};
use crate::world::{DAY, World};
use domain::{CancellationReason, EventKind::*};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::Subscription;

fn committed(renews: bool) -> Value {
    let mut committed = renewal("1000", true);
    committed["renewalBillingPlanType"] = "MONTHLY".into();
    committed["commitmentInfo"] = json!({ "commitmentAutoRenewStatus": u8::from(renews) });
    committed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_is_cancelled_is_told_once_and_charged_to_its_end() {
    let world = World::new().await;
    let period = |number: i64| {
        let mut bought = transaction(&world, "1000", number, world.now());
        bought["appAccountToken"] = "ann".into();
        bought["billingPlanType"] = "MONTHLY".into();
        bought["commitmentInfo"] =
            json!({ "billingPeriodNumber": number + 1, "totalBillingPeriods": 12 });
        bought
    };
    let periods: Vec<_> = (0..3).map(period).collect();
    let tell = async |id: &str, number: usize, renews: bool| {
        let body = notification(&world, id, &periods[number], &committed(renews), 1);
        world.tell(&body).await.unwrap();
        world.settled().await;
        assert!(world.has_premium("ann").await);
    };
    tell("n1", 0, true).await;
    world.jump(after(world.now(), 2));
    tell("n2", 0, false).await;
    for (id, number) in [("n3", 1), ("n4", 2)] {
        world.jump(world.now() + SignedDuration::from_secs(30 * DAY));
        tell(id, number, false).await;
    }
    world.jump(after(world.now(), 2));
    tell("n5", 2, true).await;
    assert_eq!(
        world.kinds_of("ann").await,
        [
            SubscriptionStarted,
            SubscriptionRenewalCancelled,
            SubscriptionRenewed,
            SubscriptionRenewed,
            SubscriptionRenewalReactivated
        ]
    );
    world.rederives().await;
}

fn gold(token: &str) -> Subscription {
    Subscription {
        token: token.into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 10_000_000,
        currency: "USD".into(),
        account: "ann".into(),
        is_trial: false,
        linked: None,
    }
}

async fn tell(world: &World, kind: u8) {
    world.pass(1).await;
    let body = world.stores.play.api.tell(kind, "t", world.now());
    world.push(&body).await.unwrap();
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instalments_that_are_cancelled_are_told_once_and_charged_to_their_end() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let ends = after(world.now(), 30);
    let plan = |pending: bool| {
        play.change("t", |subscription| {
            let plan = &mut subscription["lineItems"][0]["autoRenewingPlan"];
            plan["installmentDetails"] = json!({ "initialCommittedPaymentsCount": 12 });
            if pending {
                plan["installmentDetails"]["pendingCancellation"] = json!({});
            }
        });
    };
    play.subscribe(&gold("t"), world.now(), ends);
    plan(false);
    tell(&world, 4).await;
    plan(true);
    tell(&world, 18).await;
    world.pass(30 * DAY).await;
    play.renew("t", ends, after(ends, 30));
    plan(true);
    tell(&world, 2).await;
    assert!(world.has_premium("ann").await);
    assert_eq!(
        world.kinds_of("ann").await,
        [
            SubscriptionStarted,
            SubscriptionRenewalCancelled,
            SubscriptionRenewed
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cancels_under_an_increase_cancelled_and_refused_no_price() {
    for (mode, context, told, reason) in [
        (
            "OPT_OUT_PRICE_INCREASE",
            "userInitiatedCancellation",
            PriceIncreaseAccepted,
            CancellationReason::VoluntarilyCancelled,
        ),
        (
            "PRICE_INCREASE",
            "userInitiatedCancellation",
            PriceIncreasePending,
            CancellationReason::VoluntarilyCancelled,
        ),
        (
            "PRICE_INCREASE",
            "developerInitiatedCancellation",
            PriceIncreasePending,
            CancellationReason::CancelledByDeveloper,
        ),
        (
            "PRICE_INCREASE",
            "systemInitiatedCancellation",
            PriceIncreasePending,
            CancellationReason::PriceIncrease,
        ),
        (
            "OPT_OUT_PRICE_INCREASE",
            "systemInitiatedCancellation",
            PriceIncreaseAccepted,
            CancellationReason::BillingError,
        ),
    ] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        let ends = after(world.now(), 30);
        play.subscribe(&gold("t"), world.now(), ends);
        tell(&world, 4).await;
        play.change("t", |subscription| {
            subscription["lineItems"][0]["autoRenewingPlan"]["priceChangeDetails"] =
                json!({ "priceChangeMode": mode, "priceChangeState": "OUTSTANDING" });
        });
        tell(&world, 19).await;
        world.pass(30 * DAY).await;
        play.expire("t", context, ends);
        tell(&world, 13).await;
        let events = world.events().await;
        let ended = events
            .iter()
            .find(|event| event.kind == SubscriptionExpired);
        assert_eq!(
            ended.unwrap().cancellation_reason,
            Some(reason),
            "{mode} {context}"
        );
        assert!(
            events.iter().any(|event| event.kind == told),
            "{mode} {context}"
        );
    }
}

/// A price that nobody has agreed to when the charge fails: what ends the subscription is that it was not paid. The latest order is that of
/// the charge, as Google's answers show it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_paid_did_not_end_for_a_price_that_was_still_open() {
    for (state, last, kind) in [
        ("OUTSTANDING", "ON_HOLD", 5),
        ("CANCELED", "IN_GRACE_PERIOD", 6),
    ] {
        let world = World::with_stores().await;
        let play = &world.stores.play.api;
        let ends = after(world.now(), 30);
        play.subscribe(&gold("t"), world.now(), ends);
        tell(&world, 4).await;
        play.change("t", |subscription| {
            subscription["lineItems"][0]["autoRenewingPlan"]["priceChangeDetails"] =
                json!({ "priceChangeMode": "PRICE_INCREASE", "priceChangeState": state });
        });
        world.pass(30 * DAY).await;
        play.change("t", |subscription| {
            let paid = subscription["latestOrderId"].as_str().unwrap();
            subscription["latestOrderId"] = format!("{paid}..0").into();
        });
        play.set_state("t", last, Some(after(ends, 3)));
        tell(&world, kind).await;
        world.pass(20 * DAY).await;
        play.expire("t", "systemInitiatedCancellation", after(ends, 20));
        tell(&world, 13).await;
        let events = world.events().await;
        let mut ended = events
            .iter()
            .filter(|event| event.kind == SubscriptionExpired);
        let reason = ended.next().unwrap().cancellation_reason;
        assert_eq!(reason, Some(CancellationReason::BillingError), "{state}");
        world.rederives().await;
    }
}
