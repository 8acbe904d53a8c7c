//! Invoices that are about no subscription, of which some was paid, and the rest never will be. Source: Stripe, "Partial payments" and API
//! reference, Invoice, `status`.

use super::told;
use crate::{
    stores::stripe::{DAY, after},
    world::World,
};
use domain::EventKind::*;
use serde_json::json;

/// Tells that the invoice stands so, of which that much was paid.
async fn stands(world: &World, status: &str, paid: i64) {
    let at = world.now();
    let invoice = json!({
        "id": "in_once", "object": "invoice", "status": status, "billing_reason": "manual", "currency": "usd", "customer": "cus_once",
        "total": 1000, "amount_due": 1000, "amount_paid": paid, "amount_remaining": 1000 - paid, "created": at.as_second(),
        "livemode": false, "status_transitions": { "paid_at": null }, "total_taxes": [], "metadata": { "app_user_id": "ann" },
        "lines": { "data": [{
            "amount": 1000, "quantity": 1, "description": "course",
            "pricing": { "price_details": { "price": "price_course", "product": "prod_course" } },
        }] },
    });
    world.stores.stripe.api.put("invoices", invoice.clone());
    let kind = format!("invoice.{status}");
    world.hook(&kind, &invoice).await.unwrap();
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_of_an_invoice_of_its_own_is_a_charge_once_the_rest_is_given_up() {
    for status in ["uncollectible", "void"] {
        let world = World::with_stores().await;
        let stripe = &world.stores.stripe.api;
        stands(&world, "open", 0).await;
        world.pass(DAY).await;
        let paid_at = world.now();
        stripe.put("invoice_payments", json!({
            "id": "inpay_once", "object": "invoice_payment", "invoice": "in_once", "status": "paid", "amount_paid": 400,
            "created": paid_at.as_second(), "status_transitions": { "paid_at": paid_at.as_second() },
            "payment": { "type": "payment_intent", "payment_intent": "pi_once" },
        }));
        stands(&world, "open", 400).await;
        assert_eq!(told(&world, "ann").await, []);
        world.pass(20 * DAY).await;
        stands(&world, status, 400).await;
        assert_eq!(
            told(&world, "ann").await,
            [(NonSubscriptionPurchase, Some(400))],
            "{status}"
        );
        let bought = world.events().await.remove(0);
        assert_eq!(bought.occurred_at, paid_at);
        assert_eq!(bought.product.as_deref(), Some("prod_course:price_course"));
        stripe.refund("re_once", "once", 400, after(paid_at, 25));
        world.rederives().await;
    }
}

/// Of one that nobody paid anything of, nothing is told.
#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_that_was_given_up_unpaid_tells_nothing() {
    let world = World::with_stores().await;
    stands(&world, "open", 0).await;
    stands(&world, "uncollectible", 0).await;
    assert_eq!(told(&world, "ann").await, []);
}
