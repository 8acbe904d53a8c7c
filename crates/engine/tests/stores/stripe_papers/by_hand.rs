//! Invoices that somebody wrote for a customer who has a subscription, and what is given back of them.

use super::{paid, told, total};
use crate::{
    stores::stripe::{DAY, begin, tell},
    world::World,
};
use domain::EventKind::*;
use serde_json::json;

/// It names the subscription, and on it is nothing that the subscription consists of.
fn write(world: &World, id: &str, of: &str, cents: i64) {
    let stripe = &world.stores.stripe.api;
    stripe.invoice(
        id,
        of,
        "manual",
        cents,
        (world.now(), world.now()),
        world.now(),
    );
    stripe.change("invoices", id, |it| {
        it["lines"]["data"] = json!([{
            "amount": cents, "quantity": 1, "period": { "start": world.now().as_second(), "end": world.now().as_second() },
            "parent": { "type": "invoice_item_details", "invoice_item_details": { "invoice_item": "ii_1", "proration": false } },
            "pricing": { "price_details": { "price": "price_book", "product": "prod_book" } },
        }]);
        it["metadata"] = json!({ "app_user_id": "reader" });
    });
}

/// Whatever is heard of the subscription afterwards, and whichever of the two is heard of first.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_back_of_an_invoice_by_hand_is_no_refund_of_the_subscription() {
    for is_heard_of_it in [true, false] {
        let world = World::with_stores().await;
        let stripe = &world.stores.stripe.api;
        let who = "user-sub_1";
        begin(&world, "sub_1", false).await;
        world.pass(DAY).await;
        write(&world, "in_m", "sub_1", 1500);
        stripe.refund("re_m", "in_m", 1500, world.now());
        if is_heard_of_it {
            paid(&world, "in_m").await;
            let refund = stripe.get("refunds", "re_m").unwrap();
            world.hook("refund.created", &refund).await.unwrap();
            world.settled().await;
            let expected = [
                (NonSubscriptionPurchase, Some(1500)),
                (NonSubscriptionPurchaseRefunded, Some(1500)),
            ];
            assert_eq!(told(&world, "reader").await, expected);
        }
        tell(&world, "customer.subscription.updated", "sub_1").await;
        assert_eq!(told(&world, who).await, [(SubscriptionStarted, Some(999))]);
        assert_eq!(total(&world, who).await, 999);
        world.rederives().await;
    }
}
