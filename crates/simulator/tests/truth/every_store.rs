//! What happens in every store.

use crate::{check, life, until};
use jiff::SignedDuration;
use simulator::truth::{Beginning, Deed, Market};

/// Adapty, "Event flows": trial, conversion, renewal, cancellation, end, return.
#[test]
fn a_trial_that_converts_is_cancelled_and_comes_back() {
    use Deed::{Renew, Return, RunOut, SwitchOff};
    check(
        Market::AppStore,
        Beginning::Trial,
        &[Renew, Renew, SwitchOff, RunOut, Return],
        &[
            "trial_started monthly 0",
            "trial_converted monthly 999",
            "subscription_renewed monthly 999",
            "subscription_renewal_cancelled monthly",
            "subscription_expired monthly voluntarily_cancelled",
            "subscription_renewed monthly 999",
        ],
    );
}

/// Adapty, "Event flows": a change of product at once, and one for the next period.
#[test]
fn products_change_at_once_and_at_the_renewal() {
    use Deed::{Plan, Renew, Upgrade};
    check(
        Market::AppStore,
        Beginning::Full,
        &[Upgrade, Plan, Renew],
        &[
            "subscription_started monthly 999",
            "product_changed yearly",
            "subscription_refunded monthly upgraded",
            "subscription_started yearly 5999",
            "product_changed monthly",
            "subscription_expired yearly new_subscription_replace",
            "subscription_started monthly 999",
        ],
    );
}

/// Apple, "Change a subscription's renewal preference": what is chosen for the next period comes with it, whatever its length.
#[test]
fn a_smaller_product_comes_with_the_next_month() {
    use Deed::{Plan, Renew};
    for (market, light) in [
        (Market::AppStore, "light"),
        (Market::Play, "monthly"),
        (Market::Stripe, "light"),
    ] {
        let told = [
            "subscription_started monthly 999".to_owned(),
            format!("product_changed {light}"),
            "subscription_expired monthly new_subscription_replace".to_owned(),
            format!("subscription_started {light} 499"),
        ];
        let told = told.each_ref().map(String::as_str);
        check(market, Beginning::Full, &[Plan, Renew], &told);
    }
}

/// Apple, `REFUND_REVERSED`: what was taken back is restored. Where its period is over, it is the end that is left to be told.
#[test]
fn a_refund_that_is_undone_too_late_leaves_an_end() {
    use Deed::{Refund, RefundEarlier, Renew, SwitchOff, UndoEarlier, UndoLate};
    let told = [
        "subscription_started monthly 999",
        "subscription_refunded monthly 999 refund",
        "refund_reversed monthly",
        "subscription_expired monthly",
    ];
    check(
        Market::AppStore,
        Beginning::Full,
        &[Refund, UndoLate],
        &told,
    );
    let told = [
        "subscription_started monthly 999",
        "subscription_renewal_cancelled monthly",
        "subscription_refunded monthly 999 refund",
        "refund_reversed monthly",
        "subscription_expired monthly voluntarily_cancelled",
    ];
    check(
        Market::AppStore,
        Beginning::Full,
        &[SwitchOff, Refund, UndoLate],
        &told,
    );
    let told = [
        "subscription_started monthly 999",
        "subscription_renewed monthly 999",
        "subscription_refunded monthly 999 refund",
        "refund_reversed monthly",
    ];
    for market in [Market::AppStore, Market::Stripe] {
        let deeds = [Renew, RefundEarlier, UndoEarlier];
        check(market, Beginning::Full, &deeds, &told);
    }
}

/// Apple, "Reducing involuntary subscriber churn": grace, retry, and what comes of it.
#[test]
fn a_failed_charge_is_told_once_and_given_up_for_a_reason() {
    use Deed::{EndGrace, Fail, GiveUp, Recover};
    let failed = [
        "subscription_started monthly 999",
        "billing_issue_detected monthly",
        "entered_grace_period monthly",
    ];
    let mut recovered = failed.to_vec();
    recovered.push("subscription_renewed monthly 999");
    check(
        Market::AppStore,
        Beginning::Full,
        &[Fail, Recover],
        &recovered,
    );
    let mut lost = failed.to_vec();
    lost.push("subscription_expired monthly billing_error");
    check(
        Market::AppStore,
        Beginning::Full,
        &[Fail, EndGrace, GiveUp],
        &lost,
    );
}

#[test]
fn refunds_are_of_one_charge_and_a_whole_one_takes_what_was_bought() {
    use Deed::{Refund, RefundEarlier, RefundPart, Renew, Return, Undo};
    let deeds = [Renew, RefundEarlier, RefundPart, Undo, Refund, Return];
    check(
        Market::AppStore,
        Beginning::Intro,
        &deeds,
        &[
            "subscription_started monthly 199",
            "subscription_renewed monthly 999",
            "subscription_refunded monthly 199 refund",
            "subscription_refunded monthly 399 refund",
            "refund_reversed monthly",
            "subscription_refunded monthly 999 refund",
            "subscription_renewed monthly 999",
        ],
    );
    let lived = life(Market::AppStore, Beginning::Full, &[Refund]).live(1, until(90));
    let at = lived.history.told[1].at;
    assert!(lived.history.has_access(at - SignedDuration::from_secs(1)));
    assert!(!lived.history.has_access(at));
}

/// Google, "Subscription lifecycle": each purchase has a token of its own, a pause is told when it is asked for, and a refund of a
/// part takes nothing.
#[test]
fn google_play_goes_about_it_in_its_own_way() {
    use Deed::{AskPause, Pause, RefundPart, Resume, Return, RunOut, SwitchOff, Upgrade};
    let deeds = [
        RefundPart, AskPause, Pause, Resume, SwitchOff, RunOut, Return,
    ];
    let told = [
        "subscription_started monthly 999",
        "subscription_refunded monthly 399 refund",
        "subscription_paused monthly",
        "subscription_renewed monthly 999",
        "subscription_renewal_cancelled monthly",
        "subscription_expired monthly voluntarily_cancelled",
        "subscription_started monthly 999",
    ];
    check(Market::Play, Beginning::Full, &deeds, &told);
    let told = [
        "trial_started monthly 0",
        "product_changed yearly",
        "trial_converted yearly 5999",
    ];
    check(Market::Play, Beginning::Trial, &[Upgrade], &told);
}

/// `docs/stores.md`, *Any other store*: a charge after a gap is a renewal.
#[test]
fn what_is_stated_comes_back_as_a_renewal() {
    use Deed::{Renew, Return, StopNow};
    let told = [
        "trial_started monthly 0",
        "trial_converted monthly 999",
        "subscription_renewal_cancelled monthly",
        "subscription_expired monthly voluntarily_cancelled",
        "subscription_renewed monthly 999",
    ];
    let deeds = [Renew, StopNow, Return];
    check(Market::Stated, Beginning::Trial, &deeds, &told);
}
