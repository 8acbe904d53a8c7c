//! Usage of Stripe's subscriptions that nobody was charged for.

use super::{
    DAY, charges, later,
    stripe::{GOLD, stripe_invoice, stripe_item, stripe_line, stripe_subscription, stripe_tells},
    told,
};
use crate::world::World;
use domain::EventKind::*;

/// Usage that nobody was charged for and that is taken off again was never bought. The newer shape of a line does not say that it is of
/// usage: its price does, and that nothing was counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_metered_item_that_is_taken_off_before_it_is_charged_was_never_bought() {
    for says in ["price", "quantity"] {
        let world = World::with_stores().await;
        let stripe = &world.stores.stripe.api;
        let period = (world.now(), later(world.now(), 30 * DAY));
        let calls = stripe_item("si_0", ("prod_calls", "price_calls", 0), true, period);
        let gold = stripe_item("si_1", ("prod_gold", "price_gold", 1000), false, period);
        let mut usage = stripe_line("si_0", ("prod_calls", "price_calls"), 0, period, false);
        if says == "price" {
            stripe.put("prices", calls["price"].clone());
        } else {
            usage["quantity"] = 0.into();
        }
        let lines = [usage, stripe_line("si_1", GOLD, 1000, period, false)];
        stripe.put(
            "invoices",
            stripe_invoice("in_1", "subscription_create", &lines, 1000, period.0),
        );
        let both = stripe_subscription(&[calls, gold.clone()], period.0);
        stripe_tells(&world, both).await;
        let expected = [(SubscriptionStarted, "prod_gold:price_gold", 1000)];
        assert_eq!(charges(&told(&world).await), expected);
        world.pass(DAY).await;
        stripe_tells(&world, stripe_subscription(&[gold], period.0)).await;
        assert_eq!(charges(&told(&world).await), expected, "{says}");
        world.rederives().await;
    }
}
