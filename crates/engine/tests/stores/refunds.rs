//! What refunds give back, through a whole engine: shares, parts, and what stays taken back whatever is read later.
//!
//! Sources: Apple, JWSTransactionDecodedPayload, `revocationPercentage` (thousandths of a percent); Google, orders,
//! `orderHistory` and `state`, purchases.voidedpurchases, and "Real-time developer notifications reference guide".

mod pieces;

use super::apple::{after, notification, renewal, transaction};
use crate::world::{DAY, World};
use domain::{Event, EventKind, EventKind::*, event::TransactionRef};
use serde_json::json;
use simulator::{PlayStore, Subscription};

/// What each event that moves money says was given back or taken again, in millionths, and what it brought in.
async fn money(world: &World) -> Vec<(EventKind, i64, i64)> {
    let moved = |event: &Event| {
        let transaction: &TransactionRef = event.transaction.as_ref()?;
        let amount = transaction.refunded.or(transaction.price)?;
        Some((event.kind, amount.micros, event.revenue_usd_micros()))
    };
    let events = world.events().await;
    let told = events
        .iter()
        .filter(|event| event.kind != AccessLevelUpdated);
    told.filter_map(moved).collect()
}

/// What a customer brought in is what the events about it say.
async fn brought_in(world: &World, who: &str) -> i64 {
    let ledger = world.engine.ledger();
    let record = ledger.customer(world.project, who).await.unwrap().unwrap();
    let events = world.events().await;
    let told = events.iter().filter(|event| event.customer.answers_to(who));
    let sum: i64 = told.map(Event::revenue_usd_micros).sum();
    assert_eq!(record.customer.revenue_usd_micros, sum);
    sum
}

fn play(world: &World) -> &PlayStore {
    &world.stores.play.api
}

async fn pushed(world: &World, body: &str) {
    world.push(body).await.unwrap();
    world.settled().await;
}

async fn tell(world: &World, kind: u8, token: &str) {
    world.pass(1).await;
    let body = play(world).tell(kind, token, world.now());
    pushed(world, &body).await;
}

/// A subscription for 10 dollars a month that runs for `days` more.
async fn subscribe(world: &World, token: &str, days: i64) {
    let new = Subscription {
        token: token.into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 10_000_000,
        currency: "USD".into(),
        account: "ann".into(),
        is_trial: false,
        linked: None,
    };
    play(world).subscribe(&new, world.now(), after(world.now(), days));
    tell(world, 4, token).await;
}

async fn buy(world: &World, token: &str, quantity: u32) {
    play(world).buy(token, "monthly", "ann", world.now());
    play(world).change_product(token, |product| {
        // No test: real money.
        product["testPurchaseContext"] = json!(null);
        let details = &mut product["productLineItem"][0]["productOfferDetails"];
        details["quantity"] = quantity.into();
        details["refundableQuantity"] = quantity.into();
    });
    let body = play(world).tell_product(1, token, "monthly", world.now());
    pushed(world, &body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prorated_refund_of_the_app_store_gives_back_its_share_and_its_undoing_brings_it_back() {
    let world = World::new().await;
    let mut bought = transaction(&world, "1000", 0, world.now());
    bought["appAccountToken"] = "ann".into();
    let tell = async |id: &str, bought: &serde_json::Value, status: u8| {
        world.jump(world.now() + jiff::SignedDuration::from_secs(60));
        let body = notification(&world, id, bought, &renewal("1000", false), status);
        world.tell(&body).await.unwrap();
        world.settled().await;
    };
    tell("n1", &bought, 1).await;
    let mut refunded = bought.clone();
    refunded["revocationDate"] = world.now().as_millisecond().into();
    refunded["revocationType"] = "REFUND_PRORATED".into();
    refunded["revocationPercentage"] = 40_000.into();
    tell("n2", &refunded, 5).await;
    assert_eq!(brought_in(&world, "ann").await, 5_994_000);
    assert!(!world.has_premium("ann").await);
    tell("n3", &bought, 1).await;
    assert_eq!(brought_in(&world, "ann").await, 9_990_000);
    let told = money(&world).await;
    let told: Vec<_> = told.into_iter().filter(|(_, _, usd)| *usd != 0).collect();
    assert_eq!(
        told,
        [
            (SubscriptionStarted, 9_990_000, 9_990_000),
            (SubscriptionRefunded, 3_996_000, -3_996_000),
            (RefundReversed, 3_996_000, 3_996_000),
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_given_back_in_parts_and_then_its_rest() {
    let world = World::with_stores().await;
    subscribe(&world, "t", 30).await;
    for micros in [3_000_000, 2_000_000] {
        play(&world).give_back("GPA.t", micros, false, world.now());
        // Nobody is told of it: it is seen when the purchase is read next.
        tell(&world, 19, "t").await;
        assert!(world.has_premium("ann").await, "money alone");
    }
    tell(&world, 19, "t").await;
    assert_eq!(brought_in(&world, "ann").await, 5_000_000);
    play(&world).give_back("GPA.t", 10_000_000, true, world.now());
    tell(&world, 19, "t").await;
    assert_eq!(
        money(&world).await,
        [
            (SubscriptionStarted, 10_000_000, 10_000_000),
            (SubscriptionRefunded, 3_000_000, -3_000_000),
            (SubscriptionRefunded, 2_000_000, -2_000_000),
            (SubscriptionRefunded, 5_000_000, -5_000_000),
        ]
    );
    assert_eq!(brought_in(&world, "ann").await, 0);
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_stays_so_when_the_purchase_is_read_again() {
    let world = World::with_stores().await;
    buy(&world, "o", 1).await;
    assert!(world.has_premium("ann").await);
    play(&world).give_back("GPA.o", 4_990_000, true, world.now());
    let body = play(&world).tell_voided("o", "GPA.o", 2, world.now());
    pushed(&world, &body).await;
    assert!(!world.has_premium("ann").await);
    // The purchase itself still says that it was bought, and the order that it was refunded.
    world.pass(60).await;
    let body = play(&world).tell_product(1, "o", "monthly", world.now());
    pushed(&world, &body).await;
    assert!(!world.has_premium("ann").await);
    assert_eq!(
        world.kinds().await,
        [NonSubscriptionPurchase, NonSubscriptionPurchaseRefunded]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn voids_that_only_the_list_tells_are_acted_on_also_when_the_token_is_gone() {
    for (is_gone, is_test) in [(false, false), (true, false), (false, true), (true, true)] {
        let world = World::with_stores().await;
        if is_test {
            // By a tester, which neither the message nor the order says.
            play(&world).buy("o", "monthly", "ann", world.now());
            let body = play(&world).tell_product(1, "o", "monthly", world.now());
            pushed(&world, &body).await;
        } else {
            buy(&world, "o", 1).await;
        }
        subscribe(&world, "s", 30).await;
        play(&world).give_back("GPA.o", 4_990_000, true, world.now());
        play(&world).change_product("o", |product| {
            product["purchaseStateContext"] = json!({ "purchaseState": "CANCELLED" });
        });
        if is_gone {
            play(&world).forget("o");
        }
        play(&world).void("o", "GPA.o", None, world.now());
        let is_told = async || {
            let kinds = world.kinds().await;
            kinds.contains(&NonSubscriptionPurchaseRefunded)
        };
        world.pass_until(60, "the list is read", is_told).await;
        assert_eq!(world.parked().await, 0);
        assert!(world.has_premium("ann").await, "the subscription runs on");
        assert_eq!(brought_in(&world, "ann").await, 10_000_000);
        world.rederives().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_ends_a_subscription_is_no_end_of_its_own_whichever_message_comes_first() {
    for kinds in [[12, 13], [13, 12]] {
        let world = World::with_stores().await;
        subscribe(&world, "t", 30).await;
        world.pass(DAY).await;
        play(&world).give_back("GPA.t", 10_000_000, true, world.now());
        // What a refund by the developer was seen to show.
        play(&world).expire("t", "userInitiatedCancellation", world.now());
        for kind in kinds {
            tell(&world, kind, "t").await;
        }
        assert_eq!(
            world.kinds().await,
            [SubscriptionStarted, SubscriptionRefunded],
            "{kinds:?}"
        );
        assert!(!world.has_premium("ann").await);
        world.rederives().await;
    }
}

/// Three messages of one revocation, in every order.
const ORDERS: [[u8; 3]; 6] = [
    [12, 13, 3],
    [12, 3, 13],
    [13, 12, 3],
    [13, 3, 12],
    [3, 12, 13],
    [3, 13, 12],
];

/// Google, purchases.subscriptionsv2.revoke, `proratedRefund`: the order is refunded in part, and the subscription ends at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_prorated_revocation_is_one_refund_of_its_part_whichever_message_comes_first() {
    for (index, kinds) in ORDERS.into_iter().enumerate() {
        let world = World::with_stores().await;
        subscribe(&world, "t", 30).await;
        world.pass(12 * DAY).await;
        play(&world).give_back("GPA.t", 6_000_000, false, world.now());
        if index % 2 == 1 {
            // The money is on its way.
            play(&world).change_order("GPA.t", |order| {
                let part = &mut order["orderHistory"]["partialRefundEvents"][0];
                part["state"] = "PENDING".into();
                part["processTime"] = json!(null);
            });
        }
        play(&world).expire("t", "userInitiatedCancellation", world.now());
        if index % 3 == 1 {
            let body = play(&world).tell_voided("t", "GPA.t", 1, world.now());
            pushed(&world, &body).await;
        }
        for kind in kinds {
            tell(&world, kind, "t").await;
        }
        assert_eq!(
            money(&world).await,
            [
                (SubscriptionStarted, 10_000_000, 10_000_000),
                (SubscriptionRefunded, 6_000_000, -6_000_000),
            ],
            "{kinds:?}"
        );
        assert_eq!(brought_in(&world, "ann").await, 4_000_000);
        assert!(!world.has_premium("ann").await, "{kinds:?}");
        world.rederives().await;
    }
}

/// The same, where the order says that it was refunded in part and not how much: what was left of the time. `proratedRefund`: "the remaining
/// time of the subscription".
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_which_nothing_says_how_large_is_worth_the_time_that_was_left() {
    for kinds in ORDERS {
        let world = World::with_stores().await;
        subscribe(&world, "t", 30).await;
        world.pass(12 * DAY).await;
        play(&world).change_order("GPA.t", |order| {
            order["state"] = "PARTIALLY_REFUNDED".into();
        });
        play(&world).expire("t", "userInitiatedCancellation", world.now());
        for kind in kinds {
            tell(&world, kind, "t").await;
        }
        // Of 2,592,000 seconds for ten dollars 1,555,199 were left: it was heard of after the first of them.
        assert_eq!(
            money(&world).await,
            [
                (SubscriptionStarted, 10_000_000, 10_000_000),
                (SubscriptionRefunded, 5_999_996, -5_999_996),
            ],
            "{kinds:?}"
        );
        assert!(!world.has_premium("ann").await, "{kinds:?}");
        world.rederives().await;
    }
}

/// Whose order was given back in part before, and who then takes another plan, is not revoked: Google says of the old token that it was replaced.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_given_back_before_another_plan_takes_nothing() {
    for is_whole in [false, true] {
        let world = World::with_stores().await;
        subscribe(&world, "t", 30).await;
        world.pass(DAY).await;
        let micros = if is_whole { 10_000_000 } else { 3_000_000 };
        play(&world).give_back("GPA.t", micros, is_whole, world.now());
        tell(&world, 19, "t").await;
        let linked = Subscription {
            token: "t2".into(),
            product: "gold".into(),
            plan: "yearly".into(),
            price_micros: 50_000_000,
            currency: "USD".into(),
            account: "ann".into(),
            is_trial: false,
            linked: Some("t".into()),
        };
        play(&world).subscribe(&linked, world.now(), after(world.now(), 365));
        tell(&world, 13, "t").await;
        assert!(world.has_premium("ann").await, "{is_whole}");
        tell(&world, 4, "t2").await;
        assert_eq!(
            world.kinds().await,
            [
                SubscriptionStarted,
                SubscriptionRefunded,
                ProductChanged,
                SubscriptionRefunded,
                SubscriptionStarted
            ]
        );
        assert!(world.has_premium("ann").await);
        world.rederives().await;
    }
}

/// Google, "Real-time developer notifications reference guide": of one revocation come REVOKED and EXPIRED, in no order. Orders are shown to
/// nobody without financial rights.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_money_hears_of_a_revocation_as_one_refund_whichever_message_comes_first() {
    for kinds in ORDERS {
        let world = World::with_stores().await;
        play(&world).hide_money();
        subscribe(&world, "t", 30).await;
        world.pass(DAY).await;
        play(&world).expire("t", "userInitiatedCancellation", world.now());
        for kind in kinds {
            tell(&world, kind, "t").await;
            assert!(!world.has_premium("ann").await, "{kinds:?}: {kind}");
        }
        world.pass(3600).await;
        world.catch_up().await;
        assert_eq!(
            world.kinds().await,
            [SubscriptionStarted, SubscriptionRefunded],
            "{kinds:?}"
        );
        world.rederives().await;
    }
}

/// What nobody explains is an end.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_before_its_time_is_told_when_no_refund_is_heard_of() {
    let world = World::with_stores().await;
    play(&world).hide_money();
    subscribe(&world, "t", 30).await;
    world.pass(DAY).await;
    play(&world).expire("t", "developerInitiatedCancellation", world.now());
    tell(&world, 13, "t").await;
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    assert!(!world.has_premium("ann").await);
    let is_told = async || world.kinds().await.len() > 1;
    world.pass_until(60, "it is told", is_told).await;
    assert_eq!(
        world.kinds().await,
        [SubscriptionStarted, SubscriptionExpired]
    );
    assert!(!world.has_premium("ann").await);
    world.rederives().await;
}
