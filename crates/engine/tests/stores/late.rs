//! News that comes late, through a whole engine: after an end that only the clock knew, after an outage, after a long silence of
//! the store.
//!
//! Source: Apple, "App Store Server Notifications": a notification that could not be delivered is sent again for days, with the
//! time at which it was signed; JWSRenewalInfoDecodedPayload, `expirationIntent`.

use super::apple::{after, notification, renewal, transaction};
use crate::world::{DAY, World};
use domain::{CancellationReason, EventKind::*, fact::Environment};
use serde_json::Value;
use simulator::{Outage, Subscription};

fn first(world: &World) -> Value {
    let mut bought = transaction(world, "1000", 0, world.now());
    bought["appAccountToken"] = "ann".into();
    bought
}

/// What the customer was told last of premium: why it ended.
async fn ended_because(world: &World) -> Vec<Option<CancellationReason>> {
    let events = world.events().await;
    let levels = events.iter().filter_map(|event| event.level.as_ref());
    let ended = levels.filter(|level| !level.is_active);
    ended.map(|level| level.cancellation_reason).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_the_clock_told_gets_its_reason_from_the_store_and_is_told_once() {
    let world = World::new().await;
    let bought = first(&world);
    let begun = notification(&world, "n1", &bought, &renewal("1000", true), 1);
    world.tell(&begun).await.unwrap();
    // Apple gives up, and cannot say so.
    world.jump(after(world.now(), 31));
    let mut unpaid = renewal("1000", true);
    unpaid["expirationIntent"] = 2.into();
    let late = notification(&world, "n2", &bought, &unpaid, 2);
    world.pass(4 * DAY).await;
    world.settled().await;
    assert_eq!(
        world.kinds_of("ann").await,
        [SubscriptionStarted, SubscriptionExpired]
    );
    assert_eq!(
        ended_because(&world).await,
        [Some(CancellationReason::Unknown)]
    );
    for _ in 0..2 {
        world.tell(&late).await.unwrap();
        world.settled().await;
    }
    assert_eq!(
        world.kinds_of("ann").await,
        [SubscriptionStarted, SubscriptionExpired]
    );
    assert_eq!(
        ended_because(&world).await,
        [
            Some(CancellationReason::Unknown),
            Some(CancellationReason::BillingError)
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_told_after_the_clock_ended_it_lets_the_customer_in_again() {
    let world = World::new().await;
    let bought = first(&world);
    let begun = notification(&world, "n1", &bought, &renewal("1000", true), 1);
    world.tell(&begun).await.unwrap();
    let renewed = transaction(&world, "1000", 1, world.now());
    world.jump(after(world.now(), 30));
    let late = notification(&world, "n2", &renewed, &renewal("1000", true), 1);
    world.pass(4 * DAY).await;
    world.settled().await;
    assert!(!world.has_premium("ann").await);
    world.tell(&late).await.unwrap();
    world.settled().await;
    assert!(world.has_premium("ann").await);
    assert_eq!(
        world.kinds_of("ann").await,
        [
            SubscriptionStarted,
            SubscriptionExpired,
            SubscriptionRenewed
        ]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_downtime_the_mail_is_read_before_the_clock_speaks() {
    let world = World::with_stores().await;
    let bought = first(&world);
    // The store's API does not know the purchase; only what it could not deliver says how it ended.
    let begun = notification(&world, "n1", &bought, &renewal("1000", true), 1);
    world.tell(&begun).await.unwrap();
    world.settled().await;
    world.jump(after(world.now(), 31));
    let mut over = renewal("1000", false);
    over["expirationIntent"] = 3.into();
    let missed = notification(&world, "n2", &bought, &over, 2);
    world
        .stores
        .apple
        .api
        .failed_to_deliver(world.now(), missed);
    world.jump(after(world.now(), 4));
    world.settled().await;
    assert_eq!(
        ended_because(&world).await,
        [Some(CancellationReason::PriceIncrease)]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_news_however_long_its_store_could_not_be_asked() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let new = Subscription {
        token: "t".into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 9_990_000,
        currency: "USD".into(),
        account: "ann".into(),
        is_trial: false,
        linked: None,
    };
    play.subscribe(&new, world.now(), after(world.now(), 30));
    // The keys that sign pushes come from the same server: they are read before it breaks.
    let warm = play.tell(4, "nobody", world.now());
    world.push(&warm).await.unwrap();
    let body = play.tell(4, "t", world.now());
    world.stores.play.set(Outage::Down);
    world.push(&body).await.unwrap();
    world.pass(3 * DAY).await;
    play.cancel("t", world.now());
    world.stores.play.set(Outage::None);
    let is_told = async || !world.kinds_of("ann").await.is_empty();
    world.pass_until(600, "it is told", is_told).await;
    let events = world.events().await;
    let started = events
        .iter()
        .find(|event| event.kind == SubscriptionStarted);
    let started = started.unwrap();
    assert!(!started.historical);
    assert_eq!(started.environment, Environment::Sandbox);
    assert_eq!(
        world.kinds_of("ann").await,
        [SubscriptionStarted, SubscriptionRenewalCancelled]
    );
    world.rederives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_clock_was_set_back_what_was_missed_is_asked_for_all_the_same() {
    let world = World::with_stores().await;
    let bought = first(&world);
    let begun = notification(&world, "n1", &bought, &renewal("1000", true), 1);
    world.tell(&begun).await.unwrap();
    world.settled().await;
    world.jump(after(world.now(), -1));
    let mut bought = transaction(&world, "2000", 0, world.now());
    bought["appAccountToken"] = "bob".into();
    let missed = notification(&world, "n2", &bought, &renewal("2000", true), 1);
    world
        .stores
        .apple
        .api
        .failed_to_deliver(world.now(), missed);
    world.pass(60).await;
    world.settled().await;
    assert_eq!(world.kinds_of("bob").await, [SubscriptionStarted]);
}

/// Stores send again for days what does not arrive: Apple as it was signed, Google with its `eventTimeMillis`, Stripe with its `created`.
/// That this server was away makes no history of what was bought meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_news_however_long_this_server_was_away() {
    let world = World::with_stores().await;
    let play = &world.stores.play.api;
    let bought = first(&world);
    let begun = notification(&world, "n1", &bought, &renewal("1000", true), 1);
    let api = &world.stores.apple.api;
    api.record(&bought, Some(&renewal("1000", true)), 1);
    let new = Subscription {
        token: "t".into(),
        product: "gold".into(),
        plan: "monthly".into(),
        price_micros: 9_990_000,
        currency: "USD".into(),
        account: "bob".into(),
        is_trial: false,
        linked: None,
    };
    play.subscribe(&new, world.now(), after(world.now(), 30));
    let pushed = play.tell(4, "t", world.now());
    world.jump(after(world.now(), 2));
    world.tell(&begun).await.unwrap();
    world.push(&pushed).await.unwrap();
    world.settled().await;
    for who in ["ann", "bob"] {
        assert_eq!(world.kinds_of(who).await, [SubscriptionStarted], "{who}");
    }
    let events = world.events().await;
    assert!(events.iter().all(|event| !event.historical));
    world.rederives().await;
}
