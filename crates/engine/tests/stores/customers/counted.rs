//! What charges are counted with in the total of their customer, as rates become known.

use super::{
    DAY, after,
    money::{give_back, total},
    push, restore, sell,
};
use crate::world::World;
use domain::{Currency, EventKind::*, Store, rates::Rate};
use jiff::tz::TimeZone;
use simulator::Subscription;

async fn add_rate(world: &World, currency: &str, micros_per_euro: i64) {
    let rate = |currency: &str, micros_per_euro| Rate {
        date: world.now().to_zoned(TimeZone::UTC).date(),
        currency: Currency::try_from(currency).unwrap(),
        micros_per_euro,
    };
    let rates = vec![rate("USD", 1_100_000), rate(currency, micros_per_euro)];
    world.engine.add_rates(rates).await.unwrap();
}

/// A purchase of 2000 in a currency.
async fn buy(world: &World, token: &str, currency: &str) {
    let new = Subscription {
        token: token.into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 2_000_000_000,
        currency: currency.into(),
        account: "ann".into(),
        is_trial: false,
        linked: None,
    };
    let play = &world.stores.play.api;
    play.subscribe(&new, world.now(), after(world.now(), 30));
    push(world, 4, token).await;
}

/// A charge is counted once, with what was known then; what is given back of it is counted with the same, and so is what passes.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_takes_back_what_its_charge_was_counted_with() {
    for (currency, passes) in [("KES", false), ("KES", true), ("SEK", false), ("SEK", true)] {
        let world = World::with_stores().await;
        sell(&world, "t", "ann");
        push(&world, 4, "t").await;
        buy(&world, "foreign", currency).await;
        let counted = total(&world, "ann").await;
        assert_eq!(counted == 999, currency == "KES", "{counted}");
        // The rates of that day come later than the charge.
        add_rate(&world, currency, 5_000_000).await;
        push(&world, 4, "foreign").await;
        assert_eq!(
            total(&world, "ann").await,
            counted,
            "nothing new was charged"
        );
        let who = if passes { "bob" } else { "ann" };
        if passes {
            restore(&world, "bob", "foreign").await.unwrap_err();
            world.pass(DAY).await;
            let sent = world.vouched_receipt(Store::PlayStore, "bob", "foreign");
            sent.await.unwrap();
            assert_eq!(total(&world, "ann").await, 999);
            assert_eq!(total(&world, "bob").await, counted - 999);
        }
        give_back(&world, "GPA.foreign", 2_000_000_000);
        push(&world, 12, "foreign").await;
        assert!(world.kinds_of(who).await.contains(&SubscriptionRefunded));
        assert_eq!(total(&world, "ann").await, 999, "{currency} {passes}");
        assert!(!passes || total(&world, "bob").await == 0);
        world.rederives().await;
    }
}
