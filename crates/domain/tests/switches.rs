//! Products that take each other's place, in whatever order it is heard of: every change is told, and each once.
//!
//! Sources: Apple, App Store Server Notifications, `DID_CHANGE_RENEWAL_PREF` (`UPGRADE` takes effect at once, and what was left of the
//! period before is given back), JWSTransactionDecodedPayload, `purchaseDate` (of a renewal the start of the new period, which may be
//! charged a day ahead); Adapty docs, "Event flows".
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

#[expect(dead_code, reason = "it plays more than is told of here")]
mod history;

use domain::{
    Change, EventKind,
    EventKind::*,
    Observation,
    fact::{Note, Status, TransactionFact},
    reason::ExpirationIntent,
};
use history::{AppStore, CHAIN, DAY, Tracker, at};
use jiff::SignedDuration;

const HOUR: i64 = 3600;

fn see(tracker: &mut Tracker, store: &AppStore, seen: &Observation) -> Vec<Change> {
    tracker.see_within(seen, at(store.now), SignedDuration::from_hours(24))
}

fn kinds(told: &[Change]) -> Vec<EventKind> {
    told.iter().map(|change| change.kind).collect()
}

/// Bought, renewed six hours ahead, and changed three hours later.
struct Ahead {
    store: AppStore,
    bought: Observation,
    renewed: Observation,
    changed: Observation,
}

fn ahead() -> Ahead {
    let mut store = AppStore::purchase(false);
    let bought = store.tell();
    let end = store.end();
    let mut renewed = store.renew();
    let signed = at(end - 6 * HOUR);
    renewed.transactions[0].version = signed;
    renewed.renewals[0].version = signed;
    store.now = end - 3 * HOUR;
    let changed = store.upgrade("yearly");
    Ahead {
        store,
        bought,
        renewed,
        changed,
    }
}

#[test]
fn what_was_taken_over_from_is_given_back_once_also_when_its_last_charge_is_heard_of_late() {
    let change = [ProductChanged, SubscriptionRefunded, SubscriptionStarted];
    let Ahead {
        store,
        bought,
        renewed,
        changed,
    } = ahead();
    let mut tracker = Tracker::default();
    see(&mut tracker, &store, &bought);
    assert_eq!(kinds(&see(&mut tracker, &store, &changed)), change);
    let late = see(&mut tracker, &store, &renewed);
    assert_eq!(kinds(&late), [SubscriptionRenewed]);
    // In order.
    let mut tracker = Tracker::default();
    see(&mut tracker, &store, &bought);
    assert_eq!(
        kinds(&see(&mut tracker, &store, &renewed)),
        [SubscriptionRenewed]
    );
    let told = see(&mut tracker, &store, &changed);
    assert_eq!(kinds(&told), change);
    assert_eq!(told[1].transaction, renewed.transactions[0].id);
}

/// What was free gives nothing back; what was charged after it does, whenever it is heard of.
#[test]
fn what_was_charged_after_a_trial_is_given_back_also_when_it_is_heard_of_late() {
    let mut store = AppStore::purchase(true);
    let bought = store.tell();
    let converted = store.renew();
    let changed = store.wait(DAY).upgrade("yearly");
    let mut tracker = Tracker::default();
    see(&mut tracker, &store, &bought);
    see(&mut tracker, &store, &changed);
    let late = see(&mut tracker, &store, &converted);
    assert!(kinds(&late).contains(&SubscriptionRefunded), "{late:?}");
}

#[test]
fn a_product_that_is_left_and_taken_again_within_a_period_is_two_changes_in_every_order() {
    let mut store = AppStore::purchase(false);
    let bought = store.tell();
    let there = store.wait(10 * DAY).upgrade("yearly");
    let back = store.wait(5 * DAY).upgrade("monthly");
    let both = Observation {
        transactions: [&there, &back]
            .map(|seen| seen.transactions[0].clone())
            .to_vec(),
        ..back.clone()
    };
    for messages in [vec![&there, &back], vec![&back, &there], vec![&both]] {
        let mut tracker = Tracker::default();
        see(&mut tracker, &store, &bought);
        for message in &messages {
            see(&mut tracker, &store, message);
        }
        let changes = tracker.told.iter();
        let changes = changes.filter(|change| change.kind == ProductChanged);
        let mut changes: Vec<_> = changes
            .map(|change| {
                (
                    change.previous_product.as_deref().unwrap(),
                    &*change.product,
                )
            })
            .collect();
        changes.sort_unstable();
        let expected = [("monthly", "yearly"), ("yearly", "monthly")];
        assert_eq!(changes, expected, "{} messages", messages.len());
        let given_back = tracker.told.iter();
        let given_back = given_back.filter(|change| change.kind == SubscriptionRefunded);
        assert_eq!(given_back.count(), 2, "{} messages", messages.len());
    }
}

/// Apple, App Store Server Notifications, `REFUND_REVERSED`: what was bought while the refund stood was bought after an end.
#[test]
fn a_refund_that_is_undone_later_makes_no_upgrade_of_what_was_bought_after_it() {
    let mut store = AppStore::purchase(false);
    let mut tracker = Tracker::default();
    let bought = store.tell();
    see(&mut tracker, &store, &bought);
    let refunded = store.wait(5 * DAY).refund();
    assert_eq!(
        kinds(&see(&mut tracker, &store, &refunded)),
        [SubscriptionRefunded]
    );
    let back = store.resubscribe("yearly");
    assert_eq!(
        kinds(&see(&mut tracker, &store, &back)),
        [ProductChanged, SubscriptionRenewed]
    );
    let old = TransactionFact {
        revocation: None,
        ..store.past[0].clone()
    };
    let mut undone = store.wait(DAY).tell_about(old);
    undone.notes = vec![Note::RefundUndone {
        at: at(store.now),
        transaction: CHAIN.into(),
    }];
    assert_eq!(kinds(&see(&mut tracker, &store, &undone)), [RefundReversed]);
}

/// Who undoes it first has the old one again, and changes that.
#[test]
fn what_is_bought_after_a_refund_was_undone_is_an_upgrade() {
    let mut store = AppStore::purchase(false);
    let mut tracker = Tracker::default();
    let bought = store.tell();
    let refunded = store.wait(5 * DAY).refund();
    let mut undone = store.wait(DAY).reverse_refund();
    undone.notes = vec![Note::RefundUndone {
        at: at(store.now),
        transaction: CHAIN.into(),
    }];
    for seen in [&bought, &refunded, &undone] {
        see(&mut tracker, &store, seen);
    }
    let changed = store.wait(DAY).upgrade("yearly");
    assert_eq!(
        kinds(&see(&mut tracker, &store, &changed)),
        [ProductChanged, SubscriptionRefunded, SubscriptionStarted]
    );
}

/// Bought again after an end it was to renew; who hears of that and of the cancellation at once hears of both.
#[test]
fn what_was_bought_anew_and_cancelled_unheard_is_told_as_both() {
    let mut store = AppStore::purchase(false);
    let mut tracker = Tracker::default();
    let bought = store.tell();
    see(&mut tracker, &store, &bought);
    let ended = store.expire(ExpirationIntent::Cancelled);
    see(&mut tracker, &store, &ended);
    store.resubscribe("monthly");
    let cancelled = store.wait(DAY).set_auto_renew(false);
    assert_eq!(
        kinds(&see(&mut tracker, &store, &cancelled)),
        [SubscriptionRenewed, SubscriptionRenewalCancelled]
    );
}

/// Source: Apple, JWSRenewalInfoDecodedPayload, `autoRenewProductId`, which names the product that was chosen also while `autoRenewStatus`
/// is off.
#[test]
fn what_is_chosen_for_the_next_period_is_told_once_whatever_becomes_of_renewal() {
    let mut store = AppStore::purchase(false);
    let mut tracker = Tracker::default();
    let bought = store.tell();
    see(&mut tracker, &store, &bought);
    let mut told =
        |store: &mut AppStore, seen: &Observation| kinds(&see(&mut tracker, store, seen));
    let chosen = store.wait(HOUR).schedule("light");
    assert_eq!(told(&mut store, &chosen), [ProductChanged]);
    let off = store.wait(HOUR).set_auto_renew(false);
    assert_eq!(told(&mut store, &off), [SubscriptionRenewalCancelled]);
    let on = store.wait(HOUR).set_auto_renew(true);
    assert_eq!(told(&mut store, &on), [SubscriptionRenewalReactivated]);
    let refunded = store.wait(HOUR).refund();
    assert_eq!(told(&mut store, &refunded), [SubscriptionRefunded]);
    let undone = store.wait(HOUR).reverse_refund();
    assert_eq!(told(&mut store, &undone), [RefundReversed]);
}

/// What is said of the same purchase under another name, which took over from the first or is it.
fn of_leg(mut seen: Observation, leg: &str, replaces: Option<&str>) -> Observation {
    for transaction in &mut seen.transactions {
        leg.clone_into(&mut transaction.leg);
        transaction.replaces = replaces.map(str::to_owned);
    }
    for renewal in &mut seen.renewals {
        leg.clone_into(&mut renewal.leg);
    }
    seen
}

/// Source: Google, purchases.subscriptionsv2, `replacementCancellation`, which does not say by what, and `linkedPurchaseToken`.
#[test]
fn what_took_over_unheard_is_told_as_cancelled_and_then_as_ended() {
    let mut store = AppStore::purchase(false);
    let mut tracker = Tracker::default();
    let bought = of_leg(store.tell(), CHAIN, None);
    see(&mut tracker, &store, &bought);
    let mut replaced = of_leg(store.wait(DAY).tell(), CHAIN, None);
    replaced.renewals[0].status = Some(Status::Replaced);
    replaced.renewals[0].ended_at = Some(at(store.now));
    assert_eq!(kinds(&see(&mut tracker, &store, &replaced)), []);
    store.wait(HOUR);
    assert_eq!(kinds(&tracker.tick(at(store.now))), [SubscriptionExpired]);
    let other = store.wait(HOUR).set_auto_renew(false);
    let other = of_leg(other, "other", Some(CHAIN));
    assert_eq!(
        kinds(&see(&mut tracker, &store, &other)),
        [SubscriptionRenewalCancelled]
    );
    let over = store.wait_for_end().expire(ExpirationIntent::Cancelled);
    let over = of_leg(over, "other", Some(CHAIN));
    let told = see(&mut tracker, &store, &over);
    assert_eq!(kinds(&told), [SubscriptionExpired]);
    assert_eq!(
        told[0].reason,
        Some(domain::CancellationReason::VoluntarilyCancelled)
    );
}
