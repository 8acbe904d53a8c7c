//! A clock that is set back while no server runs, as by a restart of the machine: the next one sees it by what the last one noted.

use crate::world::World;
use jiff::SignedDuration;
use ledger::contract::message;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_back_between_two_servers_puts_nothing_to_sleep() {
    let world = World::running().await;
    let (hour, day) = (
        SignedDuration::from_hours(1),
        SignedDuration::from_hours(24),
    );
    let ledger = world.engine.ledger();
    let waits = ledger.park(message(1), "waits".into(), world.now() + hour);
    assert!(waits.await.unwrap());
    world.engine.stop(Duration::from_secs(60)).await;
    world.jump(world.now() - day);
    let next = world.restarted().await;
    let within_an_hour = ledger.due_parked(world.now() + hour, &[], 10).await;
    assert_eq!(within_an_hour.unwrap().len(), 1);
    let sooner = world.now() + hour / 2;
    assert_eq!(ledger.due_parked(sooner, &[], 10).await.unwrap(), []);
    next.stop(Duration::from_secs(60)).await;
}

/// Clocks of nodes differ: one that starts beside another moves nothing of what that one scheduled.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_a_little_behind_was_not_set_back() {
    // No server runs before: one that stops may look at the clock once more.
    let world = World::new().await;
    let hour = SignedDuration::from_hours(1);
    let due = world.now() + hour;
    let ledger = world.engine.ledger();
    assert!(ledger.park(message(1), "waits".into(), due).await.unwrap());
    ledger.note_time(world.now()).await.unwrap();
    world.jump(world.now() - SignedDuration::from_secs(50));
    let next = world.restarted().await;
    let sooner = due - SignedDuration::from_secs(1);
    assert_eq!(ledger.due_parked(sooner, &[], 10).await.unwrap(), []);
    next.stop(Duration::from_secs(60)).await;
}
