//! What a lane takes, and what it makes of what attempts say.

use super::{nodes::CAPACITY, *};
use crate::dispatch::held::tests::lease;
use std::num::NonZeroU32;
use uuid::Uuid;

fn lane() -> (Arc<Lane>, mpsc::UnboundedReceiver<Job>) {
    let (held, _backs) = Held::new();
    Lane::new(&held, Duration::ZERO)
}

fn of(customer: u128) -> Lease {
    let mut lease = lease();
    let id = Uuid::from_u128(customer);
    lease.id = DeliveryId::new(id);
    let mut event = (*lease.event).clone();
    event.customer.id = CustomerId::new(id);
    lease.event = Arc::new(event);
    lease
}

fn at(second: u64) -> Duration {
    Duration::from_secs(second)
}

/// What an attempt said that was made when it was due.
fn heard(lane: &Lane, says: Says, lease: &Lease, uptime: Duration) -> Turned {
    let tried = Tried {
        at: Timestamp::UNIX_EPOCH,
        ended: Timestamp::UNIX_EPOCH,
        is_early: false,
    };
    lane.heard(says, lease, tried, uptime)
}

/// Customers fail until the breaker opens.
fn break_it(lane: &Lane) -> u128 {
    let opens =
        |customer: &u128| heard(lane, Says::Failing, &of(*customer), at(0)) == Turned::Opened;
    (100..200).find(opens).unwrap()
}

#[tokio::test]
async fn a_lane_is_full_with_its_share_and_goes_on_when_one_ends() {
    let limits = || Limits {
        concurrency: 4,
        per_second: None,
    };
    let ((lane, _queue), nodes) = (lane(), Nodes::default());
    nodes.set(NonZeroU32::new(2).unwrap());
    let first = lane.begin(limits, &nodes).await;
    let second = lane.begin(limits, &nodes).await;
    let third = lane.begin(limits, &nodes);
    tokio::pin!(third);
    let soon = tokio::time::timeout(Duration::from_millis(20), &mut third);
    assert!(soon.await.is_err(), "two are its share of four");
    drop(first);
    drop((second, third.await));
    assert_eq!(lane.under_way.load(Ordering::Acquire), 0);
}

#[test]
fn an_endpoint_that_accepted_nothing_yet_is_tried_with_little() {
    let (lane, _queue) = lane();
    let claimed = |now| lane.reserve_up_to(256, CAPACITY, now).len();
    assert_eq!(claimed(at(0)), UNPROVEN);
    for says in [Says::Refused, Says::Nothing, Says::Failing] {
        assert_eq!(heard(&lane, says, &of(1), at(0)), Turned::No);
        assert_eq!(claimed(at(0)), UNPROVEN, "{says:?}");
    }
    heard(&lane, Says::Accepted, &of(1), at(0));
    assert_eq!(claimed(at(0)), 256);
    break_it(&lane);
    let later = at(300);
    let probe = lane.reserve_up_to(256, CAPACITY, later);
    assert_eq!((probe.len(), claimed(later)), (1, 0), "one probe at a time");
    drop(probe);
    for says in [Says::Refused, Says::Nothing] {
        heard(&lane, says, &of(1), later);
        assert!(lane.health(later).breaker_open, "{says:?}");
        assert_eq!(claimed(later), 1, "another");
    }
    heard(&lane, Says::Accepted, &of(1), later);
    assert!(!lane.health(later).breaker_open);
}

#[test]
fn whoever_failed_last_is_no_good_probe() {
    let (lane, _queue) = lane();
    assert_eq!(lane.suspect(), None);
    let last = break_it(&lane);
    assert_eq!(lane.suspect(), Some(of(last).event.customer.id));
}

#[test]
fn an_endpoint_that_asks_to_be_left_alone_is_and_then_asked_with_one_until_it_accepts() {
    let (lane, _queue) = lane();
    heard(&lane, Says::Accepted, &of(1), at(0));
    heard(&lane, Says::NotNow(Some(at(90))), &of(2), at(10));
    assert!(!lane.admits(at(99)) && !lane.has_room(CAPACITY, at(99)));
    assert!(
        !lane.health(at(99)).breaker_open,
        "nothing is wrong with it"
    );
    assert!(lane.admits(at(100)) && lane.has_room(CAPACITY, at(100)));
    let first = lane.reserve_up_to(256, CAPACITY, at(100));
    assert_eq!((first.len(), lane.reserve(CAPACITY).is_some()), (1, false));
    assert!(!lane.has_room(CAPACITY, at(100)));
    heard(&lane, Says::Accepted, &of(2), at(100));
    assert!(lane.reserve(CAPACITY).is_some());
}

#[test]
fn what_was_put_off_is_queued_first() {
    let (lane, mut queue) = lane();
    let rooms = lane.reserve_up_to(3, CAPACITY, at(0));
    heard(&lane, Says::NotNow(None), &of(2), at(0));
    let jobs = [3, 1, 2].into_iter().zip(rooms);
    let jobs = jobs.map(|(customer, room)| Job::new(of(customer), Timestamp::UNIX_EPOCH, room));
    lane.push_all(jobs.collect());
    let order: Vec<_> = std::iter::from_fn(|| queue.try_recv().ok())
        .map(|job| job.begin().0.id)
        .collect();
    assert_eq!(order, [2, 3, 1].map(|customer| of(customer).id));
}

#[test]
fn one_that_is_put_off_while_others_are_taken_is_singled_out() {
    let (lane, _queue) = lane();
    let hear = |says, customer, now| heard(&lane, says, &of(customer), at(now));
    hear(Says::NotNow(Some(at(60))), 1, 0);
    hear(Says::Accepted, 2, 1);
    assert!(!lane.is_singled_out(&of(1)), "that was under way before");
    hear(Says::Accepted, 2, 60);
    assert!(lane.is_singled_out(&of(1)) && !lane.is_singled_out(&of(2)));
    lane.forget(of(1).id);
    assert!(!lane.is_singled_out(&of(1)));
}

#[test]
fn what_is_put_off_twice_is_no_longer_queued_first() {
    let (lane, mut queue) = lane();
    let queued = |queue: &mut mpsc::UnboundedReceiver<Job>| {
        let (held, _backs) = Held::new();
        let rooms = Share::new(&held).make(|_| 2);
        let jobs = [1, 2].into_iter().zip(rooms);
        let jobs = jobs.map(|(customer, room)| Job::new(of(customer), Timestamp::UNIX_EPOCH, room));
        lane.push_all(jobs.collect());
        let order: Vec<_> = std::iter::from_fn(|| queue.try_recv().ok())
            .map(|job| job.begin().0.id)
            .collect();
        order
    };
    heard(&lane, Says::NotNow(None), &of(2), at(0));
    let first = [of(2).id, of(1).id];
    assert_eq!(queued(&mut queue), first);
    assert_eq!(queued(&mut queue), first, "until it is settled");
    heard(&lane, Says::NotNow(None), &of(2), at(9));
    assert_eq!(queued(&mut queue), [of(1).id, of(2).id]);
}

#[test]
fn two_refusals_of_credentials_in_a_row_lock_out() {
    let (lane, _queue) = lane();
    let hear = |says| heard(&lane, says, &of(1), at(0));
    assert_eq!(hear(Says::LockedOut), Turned::No);
    hear(Says::Accepted);
    assert_eq!(hear(Says::LockedOut), Turned::No);
    assert_eq!(hear(Says::LockedOut), Turned::LockedOut);
}
