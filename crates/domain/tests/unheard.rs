//! What is told of purchases of which something was not heard, was charged ahead, or is heard of first in the middle.
//!
//! Sources: Apple, JWSTransactionDecodedPayload (`originalPurchaseDate`, `purchaseDate`: of a renewal the start of the new period, which may
//! be charged a day ahead), responseBodyV2DecodedPayload (`data.status`: how the subscription stands, whichever transaction the notification
//! is about), *Send Consumption Information* (an answer is awaited for twelve hours), *Reducing Involuntary Subscriber Churn* (a charge is
//! tried for up to 60 days).
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

#[expect(dead_code, reason = "it plays more than is told of here")]
mod history;

use domain::{
    CancellationReason, EventKind,
    EventKind::*,
    Observation,
    fact::{Note, PriceIncrease, Status, TransactionKind},
    reason::ExpirationIntent,
    snapshot::Standing,
};
use history::{AppStore, DAY, Tracker, at, chain};
use jiff::SignedDuration;

const HOUR: i64 = 3600;

/// Sees what the store says now: kinds and products of what is told.
fn see(tracker: &mut Tracker, store: &AppStore, seen: &Observation) -> Vec<(EventKind, String)> {
    let window = SignedDuration::from_hours(24);
    let told = tracker.see_within(seen, at(store.now), window);
    let told = told.into_iter();
    told.map(|change| (change.kind, change.product)).collect()
}

fn kinds(tracker: &mut Tracker, store: &AppStore, seen: &Observation) -> Vec<EventKind> {
    let told = see(tracker, store, seen).into_iter();
    told.map(|(kind, _)| kind).collect()
}

const NOTHING: [EventKind; 0] = [];

#[test]
fn a_return_heard_of_first_is_no_beginning() {
    for product in ["monthly", "yearly"] {
        for is_free in [false, true] {
            let mut store = AppStore::purchase(false);
            store.expire(ExpirationIntent::Cancelled);
            let offer = AppStore::purchase(true).transaction.offer;
            let mut seen = store.resubscribe(product);
            seen.transactions[0].offer = offer.filter(|_| is_free);
            let told = kinds(&mut Tracker::default(), &store, &seen);
            assert_eq!(told, [SubscriptionRenewed], "{product} {is_free}");
        }
    }
    // Another product in the middle of a period.
    let mut store = AppStore::purchase(false);
    let seen = store.wait(10 * DAY).upgrade("yearly");
    assert_eq!(
        kinds(&mut Tracker::default(), &store, &seen),
        [SubscriptionRenewed]
    );
}

/// The chain is named after the purchase token that it began with. Source: Google, purchases.subscriptionsv2, `linkedPurchaseToken` and
/// `outOfAppPurchaseContext`.
#[test]
fn a_leg_that_took_over_from_one_nobody_knows_is_no_beginning() {
    for (leg, kind) in [
        ("another", SubscriptionRenewed),
        ("1000", SubscriptionStarted),
    ] {
        let mut store = AppStore::purchase(false);
        let mut seen = store.tell();
        seen.renewals.clear();
        let fact = &mut seen.transactions[0];
        (fact.id, fact.leg) = ("GPA.1".into(), leg.into());
        assert_eq!(chain().id, "1000");
        assert_eq!(kinds(&mut Tracker::default(), &store, &seen), [kind]);
    }
}

/// What is heard of within its first day is news as a whole, also what was announced by then.
#[test]
fn an_increase_that_is_announced_before_a_purchase_is_heard_of_is_told_with_it() {
    let mut store = AppStore::purchase(false);
    let seen = store.price_increase(PriceIncrease::Pending);
    let mut tracker = Tracker::default();
    let told = kinds(&mut tracker, &store, &seen);
    assert_eq!(told, [SubscriptionStarted, PriceIncreasePending]);
    let again = store.tell();
    assert_eq!(kinds(&mut tracker, &store, &again), NOTHING);
    // Of an old one it says nothing of how that stands.
    store.now += 3 * DAY;
    let seen = store.tell();
    let told = kinds(&mut Tracker::default(), &store, &seen);
    assert_eq!(told, [SubscriptionStarted]);
}

/// A first purchase whose dates lie seconds apart is one.
#[test]
fn a_beginning_needs_no_equal_dates() {
    let mut store = AppStore::purchase(false);
    store.transaction.original_purchased_at = at(-3);
    let seen = store.tell();
    assert_eq!(
        kinds(&mut Tracker::default(), &store, &seen),
        [SubscriptionStarted]
    );
}

/// A purchase whose renewal nobody heard of, and then a refund of its first charge; Apple says that it runs.
fn refunded_while_it_runs(tracker: &mut Tracker, is_known: bool) -> AppStore {
    let mut store = AppStore::purchase(false);
    let begun = store.tell();
    if is_known {
        assert_eq!(kinds(tracker, &store, &begun), [SubscriptionStarted]);
    }
    store.renew();
    store.wait(2 * DAY);
    store.renewal.renews_at = store.transaction.expires_at;
    let seen = store.refund_earlier(0);
    assert_eq!(kinds(tracker, &store, &seen), [SubscriptionRefunded]);
    store
}

#[test]
fn a_refund_of_the_only_known_period_ends_nothing_that_the_store_says_runs() {
    for is_known in [true, false] {
        let mut tracker = Tracker::default();
        let mut store = refunded_while_it_runs(&mut tracker, is_known);
        let snapshot = tracker.snapshot.clone().unwrap();
        assert_eq!(snapshot.standing, Standing::Current);
        assert!(snapshot.gives_access() && snapshot.will_renew);
        assert_eq!(snapshot.access_until(), store.transaction.expires_at);
        // The store is asked what runs, soon and then now and then.
        assert!(snapshot.wants_confirmation(at(store.now)));
        let next = tracker.next_check(at(store.now)).unwrap();
        assert!(next <= at(store.now + 10 * 60), "{next}");
        let next = tracker.next_check(at(store.now + 5 * DAY)).unwrap();
        assert!(next <= at(store.now + 6 * DAY), "{next}");
        // The next statement says what.
        let renewed = store.tell();
        assert_eq!(kinds(&mut tracker, &store, &renewed), [SubscriptionRenewed]);
        assert!(!tracker.snapshot.as_ref().unwrap().runs_unheard());
        let ended = store.expire(ExpirationIntent::Cancelled);
        assert_eq!(kinds(&mut tracker, &store, &ended), [SubscriptionExpired]);
    }
}

/// Where the store does not say when it will charge next, it runs for as long as a period does that began just then.
#[test]
fn what_runs_unheard_of_until_nobody_says_when_runs_for_a_period() {
    let mut tracker = Tracker::default();
    let mut store = refunded_while_it_runs(&mut tracker, true);
    store.renewal.renews_at = None;
    store.renewal.auto_renew = Some(false);
    let seen = store.tell_about(store.past[0].clone());
    let told = kinds(&mut tracker, &store, &seen);
    assert_eq!(told, [SubscriptionRenewalCancelled]);
    let until = tracker.snapshot.unwrap().access_until();
    assert_eq!(until, Some(at(store.now + 30 * DAY)));
}

/// Of another product, too, as the renewal information says.
#[test]
fn what_runs_unheard_of_is_what_the_store_says_it_is() {
    let mut tracker = Tracker::default();
    let mut store = AppStore::purchase(false);
    let begun = store.tell();
    kinds(&mut tracker, &store, &begun);
    store.wait(10 * DAY).upgrade("yearly");
    let seen = store.wait(DAY).refund_earlier(0);
    assert_eq!(kinds(&mut tracker, &store, &seen), [SubscriptionRefunded]);
    assert_eq!(tracker.snapshot.as_ref().unwrap().product, "yearly");
    let told = store.tell();
    let told = kinds(&mut tracker, &store, &told);
    assert!(told.contains(&SubscriptionStarted) || told.contains(&SubscriptionRenewed));
}

#[test]
fn a_refund_ends_what_the_store_does_not_say_runs() {
    for status in [None, Some(Status::Revoked), Some(Status::Expired)] {
        let mut tracker = Tracker::default();
        let mut store = AppStore::purchase(false);
        let begun = store.tell();
        kinds(&mut tracker, &store, &begun);
        store.wait(DAY).refund();
        store.renewal.status = status;
        let seen = store.tell();
        assert_eq!(kinds(&mut tracker, &store, &seen), [SubscriptionRefunded]);
        assert!(!tracker.snapshot.unwrap().gives_access(), "{status:?}");
    }
}

#[test]
fn what_is_bought_after_a_renewal_was_charged_ahead_takes_over_from_that() {
    let mut store = AppStore::purchase(false);
    let begun = store.tell();
    let end = store.end();
    // Charged a day ahead.
    store.renew();
    store.now = end - DAY;
    let renewed = store.tell();
    let upgraded = store.wait(12 * HOUR).upgrade("yearly");
    for order in [[&begun, &renewed, &upgraded], [&begun, &upgraded, &renewed]] {
        let mut tracker = Tracker::default();
        let told: Vec<_> = order
            .into_iter()
            .map(|seen| see(&mut tracker, &store, seen))
            .collect();
        let snapshot = tracker.snapshot.clone().unwrap();
        assert_eq!(
            (snapshot.product.as_str(), snapshot.transaction.as_str()),
            ("yearly", store.transaction.id.as_str())
        );
        if std::ptr::eq(order[1], &raw const renewed) {
            let monthly = |kind| (kind, "monthly".to_owned());
            let yearly = |kind| (kind, "yearly".to_owned());
            assert_eq!(told[1], [monthly(SubscriptionRenewed)]);
            assert_eq!(
                told[2],
                [
                    yearly(ProductChanged),
                    monthly(SubscriptionRefunded),
                    yearly(SubscriptionStarted)
                ]
            );
            let last = tracker.told.last().unwrap();
            assert!(!last.late, "nothing newer was known");
        }
    }
}

#[test]
fn a_refund_asked_for_again_when_nobody_waits_any_more_has_a_deadline_of_its_own() {
    let mut store = AppStore::purchase(false);
    let mut tracker = Tracker::default();
    let mut told = Vec::new();
    let begun = store.tell();
    kinds(&mut tracker, &store, &begun);
    // In minutes since the first.
    for minute in [0, 6 * 60, 12 * 60 + 30, 13 * 60, 24 * 60 + 31] {
        let mut asked = store.tell();
        let from = at(DAY + minute * 60);
        asked.notes = vec![Note::RefundRequested {
            at: from,
            transaction: "1000".into(),
            reason: None,
            respond_by: Some(from + SignedDuration::from_hours(12)),
            token: None,
        }];
        for seen in [&asked, &asked] {
            let window = SignedDuration::from_hours(24);
            let changes = tracker.see_within(seen, from, window);
            told.extend(changes.into_iter().map(|change| {
                assert_eq!(change.kind, RefundRequested);
                (minute, change.request.unwrap().respond_by)
            }));
        }
    }
    let until = |minute: i64| Some(at(DAY + (minute + 12 * 60) * 60));
    assert_eq!(
        told,
        [0, 12 * 60 + 30, 24 * 60 + 31].map(|minute| (minute, until(minute)))
    );
}

#[test]
fn what_is_bought_once_for_a_longer_time_is_not_extended() {
    let mut store = AppStore::purchase(false);
    store.transaction.kind = TransactionKind::NonRenewing;
    let mut tracker = Tracker::default();
    let once = |seen: Observation| Observation {
        renewals: Vec::new(),
        ..seen
    };
    let begun = once(store.tell());
    let told = kinds(&mut tracker, &store, &begun);
    assert_eq!(told, [NonSubscriptionPurchase]);
    let longer = once(store.extend());
    assert_eq!(kinds(&mut tracker, &store, &longer), NOTHING);
    let snapshot = tracker.snapshot.unwrap();
    assert_eq!(snapshot.expires_at, store.transaction.expires_at);
}

/// What time alone tells, by the checks that are due, and when the last of them is.
fn by_time_alone(tracker: &mut Tracker, from: i64) -> (Vec<(i64, EventKind)>, i64) {
    let (mut told, mut now) = (Vec::new(), at(from));
    let day = |now: jiff::Timestamp| at(0).duration_until(now).as_hours() / 24;
    while let Some(next) = tracker.next_check(now) {
        assert!(now < next);
        now = next;
        let changes = tracker.tick(now);
        told.extend(changes.iter().map(|change| (day(now), change.kind)));
    }
    (told, day(now))
}

#[test]
fn a_charge_that_no_store_tries_any_longer_ends_by_the_clock() {
    for (is_committed, with_grace, tried) in
        [(false, false, 65), (false, true, 65), (true, false, 95)]
    {
        let mut store = AppStore::purchase(false);
        store.renewal.term_renews = Some(true).filter(|_| is_committed);
        let mut tracker = Tracker::default();
        let begun = store.tell();
        kinds(&mut tracker, &store, &begun);
        let failed = if with_grace {
            store.fail_with_grace()
        } else {
            store.retry()
        };
        kinds(&mut tracker, &store, &failed);
        let (told, last) = by_time_alone(&mut tracker, store.now);
        assert_eq!(told, [(30 + tried, SubscriptionExpired)]);
        assert_eq!(last, 30 + tried);
        let snapshot = tracker.snapshot.clone().unwrap();
        assert_eq!(
            snapshot.standing,
            Standing::Expired {
                at: at((30 + tried) * DAY),
                reason: CancellationReason::BillingError
            }
        );
        // The store says so later, or that it was paid after all.
        let now = store.now + 70 * DAY;
        store.now = now;
        let mut paid = store.clone();
        let given_up = store.expire(ExpirationIntent::BillingError);
        assert_eq!(kinds(&mut tracker.clone(), &store, &given_up), NOTHING);
        paid.renewal.status = Some(Status::Retry);
        let recovered = paid.recover();
        let told = kinds(&mut tracker, &paid, &recovered);
        assert_eq!(told, [SubscriptionRenewed]);
    }
}

/// A store that says itself, beyond the time in which stores try, that it does, is believed.
#[test]
fn what_a_store_says_it_still_tries_is_not_ended_by_the_clock() {
    let mut store = AppStore::purchase(false);
    let mut tracker = Tracker::default();
    let begun = store.tell();
    kinds(&mut tracker, &store, &begun);
    let failed = store.retry();
    kinds(&mut tracker, &store, &failed);
    let still = store.wait(65 * DAY).retry();
    assert_eq!(kinds(&mut tracker, &store, &still), NOTHING);
    let (told, _) = by_time_alone(&mut tracker, store.now);
    assert_eq!(told, []);
    let standing = tracker.snapshot.unwrap().standing;
    assert!(matches!(standing, Standing::Retry { .. }));
}

/// Source: Apple, "App Store Server Notifications", `REFUND_REVERSED`: what was given back is charged again, and may be given back again.
#[test]
fn a_refund_that_did_not_last_gave_back_what_it_did_although_another_is_known_since() {
    let mut store = AppStore::purchase(false);
    let mut tracker = Tracker::default();
    let bought = store.tell();
    see(&mut tracker, &store, &bought);
    let (first, undone) = (store.wait(HOUR).refund(), store.wait(HOUR).reverse_refund());
    let again = store.wait(HOUR).refund();
    let refunded = kinds(&mut tracker, &store, &again);
    assert_eq!(refunded, [SubscriptionRefunded]);
    let price = bought.transactions[0].price;
    let window = SignedDuration::from_hours(24);
    for late in [&first, &undone] {
        let told = tracker.see_within(late, at(store.now), window);
        let told: Vec<_> = told
            .iter()
            .map(|change| (change.kind, change.refunded))
            .collect();
        if late == &first {
            let both = [SubscriptionRefunded, RefundReversed];
            assert_eq!(told, both.map(|kind| (kind, price)));
        } else {
            assert_eq!(told, []);
        }
    }
}

/// Source: Apple, "App Store Server Notifications", `PRICE_INCREASE`: of the subscription as it renews next.
#[test]
fn an_increase_of_what_was_bought_unheard_is_told_with_it() {
    let mut store = AppStore::purchase(false);
    let mut tracker = Tracker::default();
    let bought = store.tell();
    see(&mut tracker, &store, &bought);
    store.wait(10 * DAY).upgrade("yearly");
    let raised = store.wait(DAY).price_increase(PriceIncrease::Accepted);
    assert_eq!(
        kinds(&mut tracker, &store, &raised),
        [
            ProductChanged,
            SubscriptionRefunded,
            SubscriptionStarted,
            PriceIncreaseAccepted
        ]
    );
    // A period that follows by itself shows what was told.
    let renewed = store.renew();
    assert_eq!(kinds(&mut tracker, &store, &renewed), [SubscriptionRenewed]);
}
