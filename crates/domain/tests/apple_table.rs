//! Every row of the App Store transition table, what was told before and what is told now, and of the table of what is told when
//! a chain is seen for the first time.
//!
//! It is as long as the table: a test for each row, in the order of the rows, so that one is read beside the other.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod history;

use domain::{
    CancellationReason, Change, EventKind,
    EventKind::*,
    Facts, Observation, Snapshot,
    fact::{Ownership, PriceIncrease, Status, TransactionKind, TransactionReason},
    reason::ExpirationIntent,
    snapshot::{Phase, Standing},
};
use history::{AppStore, DAY, Tracker, at};
use jiff::{SignedDuration, Timestamp};

impl Tracker {
    pub(crate) fn see(&mut self, observation: &Observation, now: Timestamp) -> Vec<Change> {
        self.see_within(observation, now, SignedDuration::from_hours(24))
    }

    /// Sees what the store says now and returns the kinds of events.
    pub(crate) fn kinds(&mut self, observation: &Observation) -> Vec<EventKind> {
        let now = observation
            .renewals
            .first()
            .map_or(observation.transactions[0].version, |renewal| {
                renewal.version
            });
        self.see(observation, now)
            .iter()
            .map(|change| change.kind)
            .collect()
    }
}

/// A chain that is known and has begun, in trial or paid.
fn known(free: bool) -> (AppStore, Tracker) {
    let mut store = AppStore::purchase(free);
    let mut tracker = Tracker::default();
    let expected = if free {
        TrialStarted
    } else {
        SubscriptionStarted
    };
    assert_eq!(tracker.kinds(&store.tell()), [expected]);
    (store, tracker)
}

/// A chain with one paid renewal behind it.
fn renewed() -> (AppStore, Tracker) {
    let (mut store, mut tracker) = known(false);
    assert_eq!(tracker.kinds(&store.renew()), [SubscriptionRenewed]);
    (store, tracker)
}

fn standing(tracker: &Tracker) -> Standing {
    tracker.snapshot.as_ref().unwrap().standing.clone()
}

fn phase(tracker: &Tracker) -> Phase {
    tracker.snapshot.as_ref().unwrap().phase
}

const NOTHING: [EventKind; 0] = [];

#[test]
fn first_purchase_is_named_by_what_was_charged() {
    let (_, tracker) = known(true);
    assert_eq!(
        (phase(&tracker), standing(&tracker)),
        (Phase::Trial, Standing::Current)
    );
    let (_, tracker) = known(false);
    assert_eq!(phase(&tracker), Phase::Regular);
    let mut intro = AppStore::purchase(true);
    let offer = intro.transaction.offer.as_mut().unwrap();
    offer.discount = Some(domain::fact::Discount::PayAsYouGo);
    let mut tracker = Tracker::default();
    assert_eq!(tracker.kinds(&intro.tell()), [SubscriptionStarted]);
    assert_eq!(phase(&tracker), Phase::Intro);
}

#[test]
fn family_shared_purchases_give_access_but_no_events() {
    let mut store = AppStore::purchase(false);
    store.transaction.ownership = Ownership::FamilyShared;
    let mut tracker = Tracker::default();
    for observation in [
        store.tell(),
        store.renew(),
        store.set_auto_renew(false),
        store.refund(),
    ] {
        assert_eq!(tracker.kinds(&observation), NOTHING);
    }
    assert!(
        !tracker.snapshot.unwrap().gives_access(),
        "REVOKE takes the share away"
    );
}

#[test]
fn the_same_purchase_told_again_changes_nothing() {
    let (mut store, mut tracker) = known(false);
    assert_eq!(tracker.kinds(&store.tell()), NOTHING);
}

#[test]
fn resubscription_is_a_renewal_and_converts_an_unpaid_chain() {
    let (mut store, mut tracker) = renewed();
    store.set_auto_renew(false);
    assert_eq!(
        tracker.kinds(&store.expire(ExpirationIntent::Cancelled)),
        [SubscriptionExpired]
    );
    assert_eq!(
        tracker.kinds(&store.resubscribe("monthly")),
        [SubscriptionRenewed]
    );
    tracker.kinds(&store.expire(ExpirationIntent::Cancelled));
    assert_eq!(
        tracker.kinds(&store.resubscribe("yearly")),
        [ProductChanged, SubscriptionRenewed]
    );

    let (mut store, mut tracker) = known(true);
    assert_eq!(
        tracker.kinds(&store.expire(ExpirationIntent::Cancelled)),
        [TrialExpired]
    );
    assert_eq!(
        tracker.kinds(&store.resubscribe("monthly")),
        [TrialConverted]
    );
}

#[test]
fn resubscription_before_the_expiry_notice_skips_the_expiry() {
    let (mut store, mut tracker) = renewed();
    store.wait_for_end();
    let mut late = store.clone();
    assert_eq!(
        tracker.kinds(&store.resubscribe("monthly")),
        [SubscriptionRenewed]
    );
    assert_eq!(
        tracker.see(&late.expire(ExpirationIntent::Cancelled), at(store.now)),
        [],
        "a late EXPIRED after a newer purchase"
    );
}

#[test]
fn renewal_converts_a_trial_and_renews_a_paid_period() {
    let (mut store, mut tracker) = known(true);
    let renewal = store.renew();
    assert_eq!(tracker.kinds(&renewal), [TrialConverted]);
    assert_eq!(tracker.kinds(&renewal), NOTHING);
    assert_eq!(tracker.kinds(&store.renew()), [SubscriptionRenewed]);
    assert_eq!(phase(&tracker), Phase::Regular);
}

#[test]
fn a_scheduled_product_takes_over_at_the_renewal() {
    let (mut store, mut tracker) = renewed();
    let change = &tracker.see(&store.schedule("weekly"), at(store.now))[0];
    assert_eq!(
        (
            change.kind,
            change.previous_product.as_deref(),
            change.product.as_str(),
            change.scheduled
        ),
        (ProductChanged, Some("monthly"), "weekly", true)
    );
    let observation = store.renew();
    let changes = tracker.see(&observation, at(store.now));
    assert_eq!(
        changes.iter().map(|change| change.kind).collect::<Vec<_>>(),
        [SubscriptionExpired, SubscriptionStarted]
    );
    assert_eq!(
        (changes[0].product.as_str(), changes[0].reason),
        ("monthly", Some(CancellationReason::NewSubscriptionReplace))
    );

    let (mut store, mut tracker) = known(true);
    assert_eq!(tracker.kinds(&store.schedule("weekly")), [ProductChanged]);
    assert_eq!(
        tracker.kinds(&store.renew()),
        [TrialConverted],
        "a trial that ends in another product only converts"
    );
}

#[test]
fn an_upgrade_refunds_the_old_product_and_starts_the_new() {
    let (mut store, mut tracker) = renewed();
    store.wait(5 * DAY);
    let observation = store.upgrade("yearly");
    let changes = tracker.see(&observation, at(store.now));
    assert_eq!(
        changes.iter().map(|change| change.kind).collect::<Vec<_>>(),
        [ProductChanged, SubscriptionRefunded, SubscriptionStarted]
    );
    assert_eq!(
        (changes[1].product.as_str(), changes[1].reason),
        ("monthly", Some(CancellationReason::Upgraded))
    );
    assert_eq!(changes[2].product, "yearly");
    assert_eq!(tracker.snapshot.as_ref().unwrap().product, "yearly");
}

#[test]
fn an_upgrade_in_a_trial_converts_when_charged() {
    let (mut store, mut tracker) = known(true);
    store.wait(DAY);
    assert_eq!(
        tracker.kinds(&store.upgrade("yearly")),
        [ProductChanged, TrialConverted]
    );

    let (mut store, mut tracker) = known(true);
    store.wait(DAY);
    let offer = store.transaction.offer.clone();
    store.upgrade("yearly");
    store.transaction.offer = offer;
    assert_eq!(
        tracker.kinds(&store.tell()),
        [ProductChanged],
        "from one trial into another"
    );
    assert_eq!(phase(&tracker), Phase::Trial);
}

#[test]
fn a_shorter_product_after_an_upgrade_wins_although_the_old_one_ends_later() {
    let (mut store, mut tracker) = renewed();
    store.wait(DAY);
    store.upgrade("weekly");
    store.transaction.expires_at = Some(at(store.now + 7 * DAY));
    tracker.kinds(&store.tell());
    assert_eq!(tracker.snapshot.unwrap().product, "weekly");
}

#[test]
fn choosing_a_downgrade_while_off_reactivates_and_withdrawing_it_is_told() {
    let (mut store, mut tracker) = renewed();
    assert_eq!(
        tracker.kinds(&store.set_auto_renew(false)),
        [SubscriptionRenewalCancelled]
    );
    assert_eq!(
        tracker.kinds(&store.schedule("weekly")),
        [SubscriptionRenewalReactivated, ProductChanged]
    );
    let changes = tracker.see(&store.schedule("monthly"), at(store.now));
    assert_eq!(
        (
            changes[0].kind,
            changes[0].previous_product.as_deref(),
            changes[0].product.as_str()
        ),
        (ProductChanged, Some("weekly"), "monthly")
    );
    assert_eq!(tracker.snapshot.unwrap().next_product, None);
}

#[test]
fn auto_renew_switches_are_told_while_the_chain_runs() {
    for (free, off, on) in [
        (true, TrialRenewalCancelled, TrialRenewalReactivated),
        (
            false,
            SubscriptionRenewalCancelled,
            SubscriptionRenewalReactivated,
        ),
    ] {
        let (mut store, mut tracker) = known(free);
        assert_eq!(tracker.kinds(&store.set_auto_renew(false)), [off]);
        assert_eq!(tracker.kinds(&store.set_auto_renew(true)), [on]);
        assert_eq!(
            tracker.kinds(&store.set_auto_renew(false)),
            [off],
            "each switch is told"
        );
        assert_eq!(standing(&tracker), Standing::Current);
    }
    let (mut store, mut tracker) = renewed();
    tracker.kinds(&store.fail_with_grace());
    assert_eq!(
        tracker.kinds(&store.set_auto_renew(false)),
        [SubscriptionRenewalCancelled]
    );
    assert!(
        matches!(standing(&tracker), Standing::Grace { .. }),
        "grace keeps its standing"
    );
    tracker.kinds(&store.expire(ExpirationIntent::Cancelled));
    assert_eq!(
        tracker.kinds(&store.set_auto_renew(true)),
        NOTHING,
        "an ended chain does not reactivate"
    );
}

#[test]
fn an_offer_on_the_running_product_renews_it() {
    let (mut store, mut tracker) = renewed();
    store.wait(DAY);
    assert_eq!(
        tracker.kinds(&store.upgrade("monthly")),
        [SubscriptionRenewed]
    );
    assert_eq!(
        tracker.kinds(&store.tell()),
        NOTHING,
        "an offer for the next renewal changes nothing now"
    );
}

#[test]
fn a_failed_charge_is_told_once_per_episode() {
    let (mut store, mut tracker) = renewed();
    assert_eq!(
        tracker.kinds(&store.fail_with_grace()),
        [BillingIssueDetected, EnteredGracePeriod]
    );
    assert!(tracker.snapshot.as_ref().unwrap().gives_access());
    assert_eq!(
        tracker.kinds(&store.retry()),
        NOTHING,
        "GRACE_PERIOD_EXPIRED takes access away, without an event of its own"
    );
    assert!(!tracker.snapshot.as_ref().unwrap().gives_access());
    assert_eq!(tracker.kinds(&store.recover()), [SubscriptionRenewed]);
    assert_eq!(
        tracker.kinds(&store.retry()),
        [BillingIssueDetected],
        "a new episode"
    );
    assert_eq!(tracker.kinds(&store.recover()), [SubscriptionRenewed]);

    let (mut store, mut tracker) = known(true);
    assert_eq!(
        tracker.kinds(&store.fail_with_grace()),
        [BillingIssueDetected, EnteredGracePeriod]
    );
    assert_eq!(tracker.kinds(&store.recover()), [TrialConverted]);
}

#[test]
fn grace_end_is_noticed_by_time_alone() {
    let (mut store, mut tracker) = renewed();
    tracker.kinds(&store.fail_with_grace());
    let end = tracker.next_check(at(store.now)).unwrap();
    assert_eq!(tracker.tick(end), []);
    assert!(matches!(standing(&tracker), Standing::Retry { .. }));
    assert_eq!(tracker.kinds(&store.retry()), NOTHING);
}

#[test]
fn grace_expiry_without_the_grace_notice_is_a_billing_issue() {
    let (mut store, mut tracker) = renewed();
    store.renewal.grace_ends_at = Some(at(store.end() + 16 * DAY));
    store.wait(50 * DAY);
    assert_eq!(tracker.kinds(&store.retry()), [BillingIssueDetected]);
}

#[test]
fn recovery_after_expiry_renews() {
    let (mut store, mut tracker) = renewed();
    tracker.kinds(&store.retry());
    let given_up = {
        store.wait(60 * DAY);
        store.expire(ExpirationIntent::BillingError)
    };
    let changes = tracker.see(&given_up, at(store.now));
    assert_eq!(
        (changes[0].kind, changes[0].reason, changes[0].occurred_at),
        (
            SubscriptionExpired,
            Some(CancellationReason::BillingError),
            at(store.now)
        )
    );
    assert_eq!(tracker.kinds(&store.recover()), [SubscriptionRenewed]);
}

#[test]
fn every_ending_has_its_reason() {
    for (intent, reason) in [
        (
            ExpirationIntent::Cancelled,
            CancellationReason::VoluntarilyCancelled,
        ),
        (
            ExpirationIntent::BillingError,
            CancellationReason::BillingError,
        ),
        (
            ExpirationIntent::PriceIncrease,
            CancellationReason::PriceIncrease,
        ),
        (
            ExpirationIntent::ProductUnavailable,
            CancellationReason::ProductWasNotAvailable,
        ),
        (ExpirationIntent::Other, CancellationReason::Unknown),
    ] {
        for (free, kind) in [(true, TrialExpired), (false, SubscriptionExpired)] {
            let (mut store, mut tracker) = known(free);
            let observation = store.expire(intent);
            let changes = tracker.see(&observation, at(store.now));
            assert_eq!(
                changes
                    .iter()
                    .map(|change| (change.kind, change.reason))
                    .collect::<Vec<_>>(),
                [(kind, Some(reason))],
                "no renewal-cancelled is invented"
            );
        }
    }
}

#[test]
fn expiry_after_trial_retry_is_a_trial_expiry_and_late_or_revoked_ones_are_silent() {
    let (mut store, mut tracker) = known(true);
    assert_eq!(tracker.kinds(&store.retry()), [BillingIssueDetected]);
    assert_eq!(
        tracker.kinds(&store.expire(ExpirationIntent::BillingError)),
        [TrialExpired]
    );

    let (mut store, mut tracker) = renewed();
    assert_eq!(tracker.kinds(&store.refund()), [SubscriptionRefunded]);
    assert_eq!(
        tracker.kinds(&store.expire(ExpirationIntent::Cancelled)),
        NOTHING,
        "the refund replaced the expiry"
    );
}

#[test]
fn refunds_revoke_the_current_period_only() {
    let (mut store, mut tracker) = renewed();
    let changes = tracker.see(&store.refund(), at(store.now));
    assert_eq!(
        (changes[0].kind, changes[0].reason),
        (SubscriptionRefunded, Some(CancellationReason::Refund))
    );
    assert!(matches!(standing(&tracker), Standing::Revoked { .. }));

    let (mut store, mut tracker) = renewed();
    assert_eq!(
        tracker.kinds(&store.refund_earlier(0)),
        [SubscriptionRefunded]
    );
    assert_eq!(
        standing(&tracker),
        Standing::Current,
        "a refund of an earlier period changes no access"
    );

    let (mut store, mut tracker) = renewed();
    tracker.kinds(&store.expire(ExpirationIntent::Cancelled));
    assert_eq!(tracker.kinds(&store.refund()), [SubscriptionRefunded]);
}

#[test]
fn a_refund_of_an_unknown_transaction_invents_no_purchase() {
    let mut store = AppStore::purchase(false);
    store.renew();
    store.wait(3 * DAY);
    let mut tracker = Tracker::default();
    assert_eq!(tracker.kinds(&store.refund()), [SubscriptionRefunded]);
}

#[test]
fn a_reversed_refund_gives_back_what_was_taken() {
    let (mut store, mut tracker) = renewed();
    tracker.kinds(&store.refund());
    assert_eq!(tracker.kinds(&store.reverse_refund()), [RefundReversed]);
    assert!(tracker.snapshot.unwrap().gives_access());
}

#[test]
fn one_time_purchases_and_their_refunds() {
    for kind in [
        TransactionKind::Consumable,
        TransactionKind::NonConsumable,
        TransactionKind::NonRenewing,
    ] {
        let mut store = AppStore::purchase(false);
        (store.transaction.kind, store.transaction.expires_at) = (kind, None);
        let mut tracker = Tracker::default();
        assert_eq!(
            tracker.kinds(&Observation {
                renewals: Vec::new(),
                ..store.tell()
            }),
            [NonSubscriptionPurchase]
        );
        assert_eq!(standing(&tracker), Standing::Current);
        assert_eq!(
            tracker.kinds(&Observation {
                renewals: Vec::new(),
                ..store.refund()
            }),
            [NonSubscriptionPurchaseRefunded]
        );
        assert!(!tracker.snapshot.unwrap().gives_access());
    }
}

#[test]
fn an_extension_moves_the_end() {
    let (mut store, mut tracker) = renewed();
    assert_eq!(tracker.kinds(&store.extend()), [SubscriptionExtended]);
    assert_eq!(tracker.kinds(&store.tell()), NOTHING);
}

#[test]
fn price_increases_are_informational() {
    let (mut store, mut tracker) = renewed();
    assert_eq!(
        tracker.kinds(&store.price_increase(PriceIncrease::Pending)),
        [PriceIncreasePending]
    );
    assert_eq!(
        tracker.kinds(&store.price_increase(PriceIncrease::Accepted)),
        [PriceIncreaseAccepted]
    );
    assert_eq!(standing(&tracker), Standing::Current);
}

#[test]
fn a_period_end_alone_never_expires_until_three_days_have_passed() {
    let (store, mut tracker) = renewed();
    let mut checks = Vec::new();
    let mut now = at(store.now);
    while let Some(next) = tracker.next_check(now) {
        now = next;
        let changes = tracker.tick(now);
        checks.push((
            (now.as_second() - at(store.end()).as_second()) / 60,
            changes.iter().map(|change| change.kind).collect::<Vec<_>>(),
        ));
    }
    assert_eq!(
        checks,
        [
            (10, vec![]),
            (60, vec![]),
            (360, vec![]),
            (1440, vec![]),
            (4320, vec![SubscriptionExpired])
        ]
    );
}

#[test]
fn a_late_renewal_revives_a_lapsed_period() {
    let (mut store, mut tracker) = renewed();
    store.wait_for_end().wait(3 * 3600);
    assert_eq!(tracker.tick(at(store.now)), []);
    assert_eq!(standing(&tracker), Standing::Lapsed);
    assert_eq!(tracker.kinds(&store.renew()), [SubscriptionRenewed]);
}

/// Section 6: what one chain tells when it is first heard of long after it began.
#[test]
fn a_chain_first_seen_late_tells_the_one_event_of_its_present_state() {
    type Life = fn(&mut AppStore) -> Observation;
    let cases: [(bool, Life, Option<EventKind>); 9] = [
        (true, |store| store.wait(2 * DAY).tell(), Some(TrialStarted)),
        (
            true,
            |store| store.wait(2 * DAY).set_auto_renew(false),
            Some(TrialRenewalCancelled),
        ),
        (
            false,
            |store| store.wait(2 * DAY).tell(),
            Some(SubscriptionStarted),
        ),
        (false, AppStore::renew, Some(SubscriptionRenewed)),
        (
            false,
            |store| store.wait(2 * DAY).set_auto_renew(false),
            Some(SubscriptionRenewalCancelled),
        ),
        (false, AppStore::fail_with_grace, Some(EnteredGracePeriod)),
        (false, AppStore::retry, Some(BillingIssueDetected)),
        (
            true,
            |store| store.expire(ExpirationIntent::Cancelled),
            Some(TrialExpired),
        ),
        (
            false,
            |store| store.wait(2 * DAY).refund(),
            Some(SubscriptionRefunded),
        ),
    ];
    for (free, life, expected) in cases {
        let mut store = AppStore::purchase(free);
        let observation = life(&mut store);
        let mut tracker = Tracker::default();
        assert_eq!(
            tracker.kinds(&observation),
            expected.into_iter().collect::<Vec<_>>()
        );
        assert_eq!(tracker.kinds(&observation), NOTHING, "and never again");
    }
}

#[test]
fn a_whole_history_at_once_tells_only_its_latest_event() {
    let mut store = AppStore::purchase(true);
    let mut all = store.tell();
    for _ in 0..3 {
        let next = store.renew();
        all.transactions.extend(next.transactions);
        all.renewals = next.renewals;
    }
    let mut tracker = Tracker::default();
    assert_eq!(
        tracker
            .see(&all, at(store.now))
            .iter()
            .map(|change| (change.kind, change.historical))
            .collect::<Vec<_>>(),
        [(SubscriptionRenewed, false)]
    );
    let mut later = Tracker::default();
    store.wait(5 * DAY);
    assert!(
        later.see(&all, at(store.now))[0].historical,
        "older than the window"
    );
    let first_paid = Observation {
        transactions: all.transactions[..2].to_vec(),
        ..all.clone()
    };
    let mut converted = Tracker::default();
    assert_eq!(
        converted.see(&first_paid, at(31 * DAY))[0].kind,
        TrialConverted,
        "first paid after a trial is the latest"
    );
}

#[test]
fn a_recent_purchase_overtaken_by_its_cancellation_tells_both() {
    let mut store = AppStore::purchase(true);
    let started = store.tell();
    let cancelled = store.wait(60).set_auto_renew(false);
    let mut tracker = Tracker::default();
    assert_eq!(
        tracker.kinds(&cancelled),
        [TrialStarted, TrialRenewalCancelled]
    );
    assert_eq!(tracker.kinds(&started), NOTHING);
}

#[test]
fn equal_versions_prefer_the_copy_that_shows_a_refund_or_an_upgrade() {
    let mut store = AppStore::purchase(false);
    // How the subscription stands is not said.
    let plain = Observation {
        renewals: Vec::new(),
        ..store.tell()
    };
    let mut refunded = plain.clone();
    refunded.transactions[0].revocation = Some(domain::fact::Revocation {
        at: at(5),
        percentage: None,
    });
    for order in [[&plain, &refunded], [&refunded, &plain]] {
        let facts = order
            .iter()
            .fold(Facts::default(), |facts, seen| facts.absorb(seen));
        assert!(matches!(
            Snapshot::derive(&facts, at(10)).unwrap().standing,
            Standing::Revoked { .. }
        ));
    }
}

#[test]
fn a_status_for_an_earlier_period_says_nothing_about_a_newer_one() {
    let (mut store, mut tracker) = renewed();
    let mut stale = store.clone();
    stale.renewal.status = Some(Status::Expired);
    let stale = stale.tell();
    store.wait(10);
    store.transaction.version = at(store.now);
    let mut newer = store.renew();
    newer.renewals = Vec::new();
    newer.transactions[0].reason = Some(TransactionReason::Renewal);
    tracker.kinds(&newer);
    assert_eq!(tracker.see(&stale, at(store.now)), []);
    assert_eq!(standing(&tracker), Standing::Current);
}
