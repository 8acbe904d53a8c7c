//! What a lane takes, and what it makes of what attempts say.

use super::{nodes::CAPACITY, *};
use crate::{
    dispatch::held::{Job, tests::lease},
    setup::Limits,
};
use std::{num::NonZeroU32, sync::atomic::Ordering};
use uuid::Uuid;

fn lane() -> Arc<Lane> {
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
        rate: None,
        per_customer: None,
    };
    let (lane, nodes) = (lane(), Nodes::default());
    nodes.set(NonZeroU32::new(2).unwrap());
    let first = lane.begin(limits, &nodes).await;
    let second = lane.begin(limits, &nodes).await;
    let third = lane.begin(limits, &nodes);
    tokio::pin!(third);
    let at_once = tokio::time::timeout(Duration::ZERO, &mut third);
    assert!(at_once.await.is_err(), "two are its share of four");
    drop(first);
    drop((second, third.await));
    assert_eq!(lane.under_way.load(Ordering::Acquire), 0);
}

#[test]
fn an_endpoint_that_accepted_nothing_yet_is_tried_with_little() {
    let lane = lane();
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
    let lane = lane();
    assert_eq!(lane.suspect(), None);
    let last = break_it(&lane);
    assert_eq!(lane.suspect(), Some(of(last).event.customer.id));
}

#[test]
fn an_endpoint_that_asks_to_be_left_alone_is_and_then_asked_with_one_until_it_accepts() {
    let lane = lane();
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

/// Queues deliveries of these customers.
fn queue(lane: &Lane, customers: &[u128]) {
    let rooms = lane.share.make(|_| customers.len());
    let jobs = customers.iter().zip(rooms);
    lane.push_all(jobs.map(|(customer, room)| Job::new(of(*customer), Timestamp::MAX, room)));
}

/// An attempt that begins.
async fn begin(lane: &Arc<Lane>, uptime: Duration) -> Option<(UnderWay, Lease)> {
    let limits = || Limits {
        concurrency: 32,
        rate: None,
        per_customer: None,
    };
    let mut under_way = lane.begin(limits, &Nodes::default()).await;
    let (lease, _room) = under_way.take(uptime)?.begin();
    Some((under_way, lease))
}

#[tokio::test]
async fn what_was_put_off_goes_before_what_was_queued_earlier_and_alone_until_something_is_accepted()
 {
    let lane = lane();
    queue(&lane, &[1, 2, 3, 4]);
    let first = begin(&lane, at(0)).await.unwrap();
    let second = begin(&lane, at(0)).await.unwrap();
    // In the order in which they were put off.
    heard(&lane, Says::NotNow(Some(at(2))), &second.1, at(1));
    heard(&lane, Says::NotNow(Some(at(1))), &first.1, at(1));
    queue(&lane, &[1]);
    drop(first);
    assert_eq!(lane.stance(at(2)), Stance::Pauses(at(1)));
    assert!(begin(&lane, at(2)).await.is_none(), "left alone");
    assert_eq!(lane.stance(at(3)), Stance::Waits, "one is not recorded");
    assert!(begin(&lane, at(3)).await.is_none());
    queue(&lane, &[2]);
    drop(second);
    let (alone, lease) = begin(&lane, at(3)).await.unwrap();
    assert_eq!((lease.id, lane.stance(at(3))), (of(2).id, Stance::Waits));
    heard(&lane, Says::Accepted, &lease, at(3));
    assert_eq!(lane.stance(at(3)), Stance::Goes, "it is still under way");
    let mut order = Vec::new();
    while let Some((_, lease)) = begin(&lane, at(3)).await {
        order.push(lease.id);
    }
    assert_eq!(order, [1, 3, 4].map(|customer| of(customer).id));
    drop(alone);
    assert_eq!(lane.stance(at(3)), Stance::Empty);
}

#[tokio::test]
async fn only_one_that_is_put_off_again_and_again_though_it_goes_alone_steps_aside() {
    let lane = lane();
    let pauses = |seconds| Says::NotNow(Some(at(seconds)));
    queue(&lane, &[1]);
    let mut under_way = begin(&lane, at(0)).await.unwrap().0;
    for (second, is_first) in [(0, true), (10, true), (20, true), (30, false)] {
        heard(&lane, pauses(10), &of(1), at(second));
        drop(under_way);
        assert_eq!(lane.keeps(of(1).id, at(second)).is_some(), is_first);
        let due = lane.due(&of(1), Timestamp::MAX);
        assert_eq!(due == of(1).accepted_at, is_first, "{second}");
        queue(&lane, &[2, 1]);
        let next = begin(&lane, at(second + 10)).await.unwrap();
        let expected = if is_first { 1 } else { 2 };
        assert_eq!(next.1.id, of(expected).id, "{second}");
        under_way = next.0;
        lane.give_back();
    }
    assert!(!lane.is_singled_out(&of(1)), "nothing was accepted since");
    heard(&lane, Says::Accepted, &of(2), at(40));
    assert!(lane.is_singled_out(&of(1)) && !lane.is_singled_out(&of(2)));
    lane.forget(of(1).id);
    assert!(!lane.is_singled_out(&of(1)));
}

#[tokio::test]
async fn one_that_makes_everybody_wait_for_ten_minutes_steps_aside_sooner() {
    let lane = lane();
    queue(&lane, &[1]);
    let first = begin(&lane, at(0)).await.unwrap();
    heard(&lane, Says::NotNow(Some(at(600))), &first.1, at(0));
    drop(first);
    queue(&lane, &[1]);
    let again = begin(&lane, at(600)).await.unwrap();
    heard(&lane, Says::NotNow(Some(at(600))), &again.1, at(600));
    assert_eq!(lane.keeps(of(1).id, at(600)), None);
}

#[test]
fn what_is_put_off_among_many_is_not_what_is_wrong_however_often_others_are_taken() {
    let lane = lane();
    let hear = |says, customer, second| heard(&lane, says, &of(customer), at(second));
    for round in 0..50 {
        hear(Says::NotNow(Some(at(1))), 1, 2 * round);
        // What an attempt leaves behind when it ends.
        lane.known.lock().alone.clear();
        hear(Says::Accepted, 2, 2 * round + 1);
        assert!(!lane.is_singled_out(&of(1)), "{round}");
    }
    assert_eq!(lane.times_put_off(&of(1)), 50);
}

#[test]
fn what_ends_before_a_pause_does_goes_back_and_so_does_everything_once_the_lane_ends() {
    let (held, mut backs) = Held::new();
    let lane = Lane::new(&held, at(0));
    let push = |customer, second| {
        let until = Timestamp::from_second(second).unwrap();
        let room = lane.share.make(|_| 1).remove(0);
        lane.push(Job::new(of(customer), until, room));
    };
    let mut back = || backs.try_recv().ok().map(|back| back.lease.delivery);
    heard(&lane, Says::NotNow(Some(at(5))), &of(3), at(0));
    for (customer, until) in [(1, 10), (2, 11), (3, 10), (3, 12)] {
        push(customer, until);
    }
    assert_eq!(back(), Some(of(3).id), "by a lease that is no more");
    lane.give_back_ending(Timestamp::from_second(10).unwrap());
    assert_eq!((back(), back()), (Some(of(1).id), None));
    lane.close();
    assert_eq!((back(), back()), (Some(of(3).id), Some(of(2).id)));
    push(4, 60);
    assert_eq!(
        (back(), lane.stance(at(0))),
        (Some(of(4).id), Stance::Empty)
    );
}

#[test]
fn two_refusals_of_credentials_in_a_row_lock_out() {
    let lane = lane();
    let hear = |says| heard(&lane, says, &of(1), at(0));
    assert_eq!(hear(Says::LockedOut), Turned::No);
    hear(Says::Accepted);
    assert_eq!(hear(Says::LockedOut), Turned::No);
    assert_eq!(hear(Says::LockedOut), Turned::LockedOut);
}

#[test]
fn one_that_is_locked_out_is_asked_again_later_each_time_and_by_whatever_was_under_way_no_later() {
    let lane = lane();
    let minutes = |minutes: u64| at(minutes * 60);
    let refuses = |now| heard(&lane, Says::LockedOut, &of(1), now);
    refuses(at(0));
    assert_eq!(refuses(at(0)), Turned::LockedOut);
    for _ in 0..30 {
        assert_eq!(refuses(at(1)), Turned::No, "it is held already");
    }
    assert!(!lane.is_asked_again(minutes(4)) && lane.is_asked_again(minutes(5)));
    assert_eq!(lane.suspect(), Some(of(1).event.customer.id));
    refuses(minutes(5));
    assert!(!lane.is_asked_again(minutes(14)) && lane.is_asked_again(minutes(15)));
    // Somebody changed something: two in a row again.
    lane.note_flow(true, minutes(15));
    assert_eq!(refuses(minutes(16)), Turned::No);
    assert_eq!(refuses(minutes(17)), Turned::LockedOut);
}

#[tokio::test]
async fn a_customer_who_was_just_asked_about_holds_up_no_other() {
    let lane = lane();
    let limits = Limits {
        concurrency: 32,
        rate: None,
        per_customer: Some(domain::pace::Rate::per_second(NonZeroU32::MIN)),
    };
    lane.limit_customers(limits, &Nodes::default());
    queue(&lane, &[1, 1, 2, 1, 3]);
    let mut order = Vec::new();
    while let Some((_, lease)) = begin(&lane, at(0)).await {
        order.push(lease.id);
    }
    assert_eq!(order, [1, 2, 3].map(|customer| of(customer).id));
    let Stance::Pauses(wait) = lane.stance(at(0)) else {
        panic!("{:?}", lane.stance(at(0)));
    };
    assert_eq!(lane.health(at(0)).resting, 2);
    assert_eq!(begin(&lane, wait).await.unwrap().1.id, of(1).id);
    assert!(begin(&lane, wait).await.is_none(), "once a second");
}

/// What goes in one turn.
async fn together(lane: &Arc<Lane>, most: usize) -> Vec<DeliveryId> {
    let limits = || Limits {
        concurrency: 32,
        rate: None,
        per_customer: None,
    };
    let mut under_way = lane.begin(limits, &Nodes::default()).await;
    let first = under_way.take(at(0)).unwrap();
    let jobs = under_way.take_with(first, most, at(0));
    jobs.iter().filter_map(Job::delivery).collect()
}

#[tokio::test]
async fn what_went_together_goes_together_again_and_first_what_went_first() {
    let lane = lane();
    let ids = |customers: &[u128]| -> Vec<_> {
        customers.iter().map(|customer| of(*customer).id).collect()
    };
    lane.go_together(ids(&[3, 1]));
    queue(&lane, &[1, 2]);
    assert!(lane.goes_again() && !lane.is_gathered(2), "one is missing");
    queue(&lane, &[3, 4, 5]);
    assert!(lane.is_gathered(2));
    assert_eq!(together(&lane, 10).await, ids(&[3, 1]));
    assert!(!lane.goes_again());
    assert_eq!(together(&lane, 2).await, ids(&[2, 4]));
    assert_eq!(together(&lane, 2).await, ids(&[5]));
}
