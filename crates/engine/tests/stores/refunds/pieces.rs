//! Several pieces of one purchase, given back one after the other, whoever tells of them.
//!
//! Sources: Google, "Real-time developer notifications reference guide", *VoidedPurchaseNotification*; purchases.voidedpurchases,
//! `voidedQuantity`; orders, `oneTimePurchaseDetails.quantity`.

use super::{brought_in, buy, money, play, pushed};
use crate::world::World;
use domain::EventKind::{NonSubscriptionPurchase, NonSubscriptionPurchaseRefunded};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn pieces_given_back_are_their_share_of_the_price_whoever_tells_of_them() {
    let world = World::with_stores().await;
    buy(&world, "q", 5).await;
    let left = |left: u32| {
        play(&world).change_product("q", |product| {
            product["productLineItem"][0]["productOfferDetails"]["refundableQuantity"] =
                left.into();
        });
    };
    // Two of five, told by a push; one more, which only the list tells; the rest, with the order.
    left(3);
    play(&world).give_back("GPA.q", 1_996_000, false, world.now());
    let voided = json!({ "voidedPurchaseNotification": { "purchaseToken": "q", "orderId": "GPA.q", "productType": 2, "refundType": 2 } });
    let body = play(&world).push(&voided, world.now());
    pushed(&world, &body).await;
    world.pass(60).await;
    left(2);
    play(&world).give_back("GPA.q", 998_000, false, world.now());
    play(&world).void("q", "GPA.q", Some(1), world.now());
    world
        .pass_until(60, "the list is read", async || {
            money(&world).await.len() == 3
        })
        .await;
    world.pass(60).await;
    play(&world).give_back("GPA.q", 1_996_000, true, world.now());
    let body = play(&world).tell_voided("q", "GPA.q", 2, world.now());
    pushed(&world, &body).await;
    assert_eq!(
        money(&world).await,
        [
            (NonSubscriptionPurchase, 4_990_000, 4_990_000),
            (NonSubscriptionPurchaseRefunded, 1_996_000, -1_996_000),
            (NonSubscriptionPurchaseRefunded, 998_000, -998_000),
            (NonSubscriptionPurchaseRefunded, 1_996_000, -1_996_000),
        ]
    );
    assert_eq!(brought_in(&world, "ann").await, 0);
    assert!(!world.has_premium("ann").await);
    world.rederives().await;
}

/// Google, purchases.voidedpurchases, `voidedQuantity`; orders, `oneTimePurchaseDetails.quantity`.
#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_a_purchase_whose_token_is_gone_are_no_more_than_those() {
    for is_shown in [true, false] {
        let world = World::with_stores().await;
        buy(&world, "q", 5).await;
        play(&world).forget("q");
        if is_shown {
            play(&world).give_back("GPA.q", 1_996_000, false, world.now());
            play(&world).change_order("GPA.q", |order| {
                order["lineItems"][0]["oneTimePurchaseDetails"] = json!({ "quantity": 5 });
            });
        }
        play(&world).void("q", "GPA.q", Some(2), world.now());
        let is_told = async || world.kinds().await.len() > 1;
        world.pass_until(60, "the list is read", is_told).await;
        assert_eq!(
            money(&world).await,
            [
                (NonSubscriptionPurchase, 4_990_000, 4_990_000),
                (NonSubscriptionPurchaseRefunded, 1_996_000, -1_996_000),
            ]
        );
        let told = world.events().await;
        let refund = told
            .iter()
            .find(|event| event.kind == NonSubscriptionPurchaseRefunded);
        assert_eq!(refund.unwrap().transaction.as_ref().unwrap().quantity, 2);
        assert!(world.has_premium("ann").await, "three are left");
        world.rederives().await;
    }
}

/// A push of pieces does not say of how many.
#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_which_nobody_says_how_many_are_one_at_least_and_not_all() {
    let world = World::with_stores().await;
    buy(&world, "q", 5).await;
    play(&world).forget("q");
    play(&world).hide_money();
    let voided = json!({ "voidedPurchaseNotification": { "purchaseToken": "q", "orderId": "GPA.q", "productType": 2, "refundType": 2 } });
    let body = play(&world).push(&voided, world.now());
    pushed(&world, &body).await;
    assert_eq!(
        money(&world).await[1..],
        [(NonSubscriptionPurchaseRefunded, 998_000, -998_000)]
    );
    assert!(world.has_premium("ann").await);
    world.rederives().await;
}

/// Given back piece by piece, nothing is left in the end.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_piece_given_back_takes_what_was_bought() {
    let world = World::with_stores().await;
    buy(&world, "q", 2).await;
    for left in [1, 0] {
        world.pass(60).await;
        assert!(world.has_premium("ann").await);
        play(&world).change_product("q", |product| {
            let details = &mut product["productLineItem"][0]["productOfferDetails"];
            details["refundableQuantity"] = left.into();
        });
        play(&world).give_back("GPA.q", 2_495_000, false, world.now());
        let voided = json!({ "voidedPurchaseNotification": { "purchaseToken": "q", "orderId": "GPA.q", "productType": 2, "refundType": 2 } });
        let body = play(&world).push(&voided, world.now());
        pushed(&world, &body).await;
    }
    assert_eq!(
        world.kinds().await,
        [
            NonSubscriptionPurchase,
            NonSubscriptionPurchaseRefunded,
            NonSubscriptionPurchaseRefunded
        ]
    );
    assert!(!world.has_premium("ann").await);
    assert_eq!(brought_in(&world, "ann").await, 0);
    world.rederives().await;
}
