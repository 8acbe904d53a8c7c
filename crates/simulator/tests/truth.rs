//! Lives tell what documents say they should, and nothing in them knows how events are derived.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use jiff::{SignedDuration, Timestamp};
use simulator::truth::{Beginning, Deed, Expected, Form, Kinds, Life, Market, StripeDeed};
use std::path::PathBuf;

const DAY: i64 = 86_400;

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn life(market: Market, beginning: Beginning, deeds: &[Deed]) -> Life {
    Life {
        market,
        begins: start(),
        beginning,
        has_grace: true,
        form: Form::Plain,
        deeds: deeds.iter().map(|deed| (*deed, 50)).collect(),
    }
}

fn until(days: i64) -> Timestamp {
    start() + SignedDuration::from_secs(days * DAY)
}

/// What a life comes to while its deeds are done: kinds, with the end of the product and the amount or the reason.
fn check(market: Market, beginning: Beginning, deeds: &[Deed], expected: &[&str]) {
    let lived = life(market, beginning, deeds).live(1, until(3_000));
    let events = lived.history.expected(market);
    let told: Vec<_> = events.iter().take(expected.len()).map(sentence).collect();
    assert_eq!(told, expected, "{market:?} {deeds:?}");
}

fn sentence(event: &Expected) -> String {
    let product = event.product.rsplit(['.', ':', '_']).next().unwrap();
    let micros = event.micros.map(|micros| (micros / 10_000).to_string());
    let reason = event.reason.map(str::to_owned);
    let words = [Some(format!("{} {product}", event.kind)), micros, reason];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

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

/// Stripe, "How disputes work": the money is withdrawn, and reinstated when the dispute is won. A refund ends no subscription.
#[test]
fn a_disputed_payment_is_given_back_until_the_dispute_is_won() {
    use Deed::{Renew, Stripe};
    use StripeDeed::{Dispute, LoseDispute, WinDispute};
    let dispute = [Stripe(Dispute), Stripe(WinDispute), Renew];
    let told = [
        "subscription_started monthly 999",
        "subscription_refunded monthly 999 refund",
        "refund_reversed monthly",
        "subscription_renewed monthly 999",
    ];
    check(Market::Stripe, Beginning::Full, &dispute, &told);
    let lost = [Stripe(Dispute), Stripe(LoseDispute), Renew];
    check(
        Market::Stripe,
        Beginning::Full,
        &lost,
        &[told[0], told[1], told[3]],
    );
}

/// Stripe, "How subscriptions work": a subscription that is canceled is so for good, also when a refund fails afterwards.
#[test]
fn a_refund_that_fails_brings_no_ended_subscription_back() {
    use Deed::{Refund, Return, StopNow, SwitchOn, Undo};
    check(
        Market::Stripe,
        Beginning::Full,
        &[Refund, StopNow, Undo, SwitchOn, Return],
        &[
            "subscription_started monthly 999",
            "subscription_refunded monthly 999 refund",
            "subscription_renewal_cancelled monthly",
            "subscription_expired monthly voluntarily_cancelled",
            "refund_reversed monthly",
            "subscription_started monthly 999",
        ],
    );
}

/// Stripe, "Pause payment collection" and "Pause subscriptions": a pause that is taken back may be asked for again; one at once ends with a
/// new period.
#[test]
fn pauses_of_stripe_are_told_each() {
    use Deed::{AskPause, Stripe};
    use StripeDeed::{PauseNow, ResumeNow, Unpause};
    check(
        Market::Stripe,
        Beginning::Full,
        &[AskPause, Stripe(Unpause), AskPause],
        &[
            "subscription_started monthly 999",
            "subscription_paused monthly",
            "subscription_paused monthly",
        ],
    );
    check(
        Market::Stripe,
        Beginning::Full,
        &[Stripe(PauseNow), Stripe(ResumeNow)],
        &[
            "subscription_started monthly 999",
            "subscription_paused monthly",
            "subscription_renewed monthly 999",
        ],
    );
}

/// Stripe, "How subscriptions work": a period that is not paid for runs while the subscription is active, and is told once it is paid;
/// "Prorations": fewer seats are taken off the next charge.
#[test]
fn what_is_paid_late_or_less_is_told_when_it_is_paid() {
    use Deed::{Renew, Stripe};
    use StripeDeed::{LetRun, PayLate, TakeLess};
    check(
        Market::Stripe,
        Beginning::Full,
        &[Stripe(TakeLess), Renew, Stripe(LetRun), Renew],
        &[
            "subscription_started monthly 999",
            "subscription_renewed monthly 699",
            "subscription_renewed monthly 999",
        ],
    );
    let deeds = [(Stripe(LetRun), 4), (Stripe(PayLate), 50)];
    let mut late = life(Market::Stripe, Beginning::Full, &[]);
    late.deeds = deeds.to_vec();
    let events = late.live(1, until(50)).history.expected(Market::Stripe);
    let told: Vec<_> = events.iter().map(sentence).collect();
    let expected = [
        "subscription_started monthly 999",
        "subscription_renewed monthly 999",
    ];
    assert_eq!(told, expected);
}

/// Stripe, API reference, Checkout Session (`line_items`): each product of a cart is bought, and a refund names none of them.
#[test]
fn a_cart_is_bought_and_given_back_product_by_product() {
    use StripeDeed::{BuyCart, RefundCart};
    let deeds = [BuyCart, RefundCart, RefundCart].map(Deed::Stripe);
    let lived = life(Market::Stripe, Beginning::Full, &deeds).live(1, until(20));
    let events = lived.history.expected(Market::Stripe);
    let told: Vec<_> = events.iter().skip(1).map(sentence).collect();
    let of = |product: &str, price: i64| {
        let half = price / 2;
        let back = format!("non_subscription_purchase_refunded {product} {half} refund");
        [
            format!("non_subscription_purchase {product} {price}"),
            back.clone(),
            back,
        ]
    };
    let expected = [of("coins", 400), of("gems", 200)].concat();
    assert_eq!(told, expected);
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

/// Stripe, "How subscriptions work" and "Prorations": a refund takes nothing, what is left of the old period is taken off the
/// price of the new one, and what is stopped is over at once.
#[test]
fn stripe_goes_about_it_in_its_own_way() {
    use Deed::{Fail, GiveUp, Refund, StopNow, Undo, Upgrade};
    let deeds = [Refund, Undo, Upgrade, StopNow];
    let told = [
        "subscription_started monthly 999",
        "subscription_refunded monthly 999 refund",
        "refund_reversed monthly",
        "product_changed yearly",
        "subscription_refunded monthly upgraded",
        "subscription_started yearly 5875",
        "subscription_renewal_cancelled yearly",
        "subscription_expired yearly voluntarily_cancelled",
    ];
    check(Market::Stripe, Beginning::Full, &deeds, &told);
    let told = [
        "trial_started monthly 0",
        "billing_issue_detected monthly",
        "trial_expired monthly billing_error",
    ];
    check(Market::Stripe, Beginning::Trial, &[Fail, GiveUp], &told);
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

/// A life of this kind, with what it comes to.
fn check_form(market: Market, form: Form, deeds: &[Deed], expected: &[&str]) {
    let life = Life {
        form,
        ..life(market, Beginning::Full, deeds)
    };
    let events = life.live(1, until(3_000)).history.expected(market);
    let mut told: Vec<_> = events.iter().take(expected.len()).map(sentence).collect();
    // Products of one purchase are told one after the other.
    told.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected, "{market:?} {form:?} {deeds:?}");
}

/// Apple, JWSRenewalInfoDecodedPayload, `commitmentInfo`; Google, `installmentDetails`: who cancels is charged to the end of the term.
#[test]
fn a_term_that_is_cancelled_is_charged_to_its_end() {
    let deeds = [Deed::SwitchOff];
    let mut told = vec![
        "subscription_started monthly 999",
        "subscription_renewal_cancelled monthly",
    ];
    told.extend(["subscription_renewed monthly 999"; 11]);
    told.push("subscription_expired monthly voluntarily_cancelled");
    for market in [Market::AppStore, Market::Play] {
        check_form(market, Form::Committed, &deeds, &told);
    }
}

/// Google, "Subscriptions with add-ons": each product is charged, and ends, by itself.
#[test]
fn what_is_bought_beside_is_told_beside() {
    use Deed::{DropAddOn, Renew, RunOut, SwitchOff};
    check_form(
        Market::Play,
        Form::Addon,
        &[Renew, DropAddOn, Renew, SwitchOff, RunOut],
        &[
            "subscription_started monthly 999",
            "subscription_started monthly 299",
            "subscription_renewed monthly 999",
            "subscription_renewed monthly 299",
            "subscription_renewal_cancelled monthly",
            "subscription_expired monthly voluntarily_cancelled",
            "subscription_renewed monthly 999",
            "subscription_renewal_cancelled monthly",
            "subscription_expired monthly voluntarily_cancelled",
        ],
    );
}

/// Apple, `expirationIntent` 3; Google, "Price changes": who does not agree is not charged again.
#[test]
fn who_refuses_a_price_leaves_for_it() {
    use Deed::{Announce, Inform, Refuse};
    let told = [
        "subscription_started monthly 999",
        "price_increase_pending monthly",
        "subscription_expired monthly price_increase",
    ];
    for market in [Market::AppStore, Market::Play] {
        check(market, Beginning::Full, &[Announce, Refuse], &told);
        let told = [told[0], "price_increase_accepted monthly"];
        check(market, Beginning::Full, &[Inform], &told);
    }
}

/// Apple, CONSUMPTION_REQUEST and REFUND_DECLINED: neither moves money.
#[test]
fn what_is_asked_for_is_told_and_what_is_declined() {
    let told = [
        "subscription_started monthly 999",
        "refund_requested monthly",
        "refund_declined monthly",
        "subscription_renewed monthly 999",
    ];
    let deeds = [Deed::AskRefund, Deed::DeclineRefund];
    check(Market::AppStore, Beginning::Full, &deeds, &told);
}

/// Apple, `offerType` 2 and 4: what is sold for less is a charge like any other, and a free period of somebody who has paid is no
/// trial that converts.
#[test]
fn what_is_sold_for_less_is_charged_for_less() {
    use Deed::{Redeem, Renew, RunOut, SwitchOff, WinBack};
    let deeds = [Redeem, Renew, Renew, SwitchOff, RunOut, WinBack, SwitchOff];
    let told = [
        "subscription_started monthly 999",
        "subscription_renewed monthly 199",
        "subscription_renewed monthly 999",
        "subscription_renewal_cancelled monthly",
        "subscription_expired monthly voluntarily_cancelled",
        "subscription_renewed monthly 0",
        "trial_renewal_cancelled monthly",
    ];
    check(Market::AppStore, Beginning::Full, &deeds, &told);
}

/// Google, "Prepaid plans": time is added, and nothing renews.
#[test]
fn what_is_paid_ahead_is_topped_up() {
    let deeds = [Deed::TopUp];
    let told = [
        "subscription_started monthly 999",
        "subscription_renewed monthly 999",
        "subscription_expired monthly",
    ];
    check_form(Market::Play, Form::Prepaid, &deeds, &told);
}

/// Apple, "Advanced Commerce API": items join and leave at the renewal, and one may be given back alone.
#[test]
fn items_come_and_go_by_themselves() {
    use Deed::{AddOn, DropAddOn, RefundItem, Renew, RunOut, SwitchOff, SwitchOn};
    let mut told = vec![
        "subscription_started gold 999",
        "subscription_renewed gold 999",
        "subscription_started hd 299",
        "subscription_renewal_cancelled hd",
        "subscription_expired hd voluntarily_cancelled",
        "subscription_renewed gold 999",
        "subscription_renewal_cancelled gold",
        "subscription_expired gold voluntarily_cancelled",
    ];
    let deeds = [AddOn, Renew, DropAddOn, Renew, SwitchOff, RunOut];
    check_form(Market::AppStore, Form::Item, &deeds, &told);
    told.truncate(3);
    told.extend([
        "subscription_renewal_cancelled gold",
        "subscription_renewal_cancelled hd",
        "subscription_renewal_reactivated gold",
        "subscription_renewal_reactivated hd",
        "subscription_refunded hd 299 refund",
        "subscription_renewed gold 999",
        "subscription_renewal_cancelled gold",
        "subscription_expired gold voluntarily_cancelled",
    ]);
    // Nothing is given back of a period that has not begun.
    let deeds = [
        AddOn, Renew, SwitchOff, SwitchOn, RefundItem, Renew, SwitchOff, RunOut,
    ];
    check_form(Market::AppStore, Form::Item, &deeds, &told);
}

#[test]
fn access_is_what_was_paid_for_or_given_as_grace() {
    use Deed::{EndGrace, Fail, Recover};
    let deeds = [Fail, EndGrace, Recover];
    let lived = life(Market::AppStore, Beginning::Full, &deeds).live(1, until(105));
    let access = |days| {
        let at = start() + SignedDuration::from_secs(days * DAY);
        lived.history.has_access(at)
    };
    // 30 days, 16 of grace, half of 60 without, and a new period.
    let open: Vec<i64> = (-1..110).filter(|day| access(*day)).collect();
    let paid: Vec<i64> = (0..46).chain(76..106).collect();
    assert_eq!(open, paid);
}

#[test]
fn of_an_old_purchase_only_how_it_stands_is_told() {
    use Deed::{Renew, SwitchOff, SwitchOn};
    let deeds = [Renew, Renew, SwitchOff, SwitchOn, Renew];
    let lived = life(Market::AppStore, Beginning::Trial, &deeds).live(1, until(95));
    let since = |index: usize| {
        let heard = lived.history.told[index].at;
        let market = Market::AppStore;
        let events = lived.history.expected_since(market, |_| Some(heard));
        events.iter().map(sentence).collect::<Vec<_>>()
    };
    assert_eq!(
        since(2),
        [
            "subscription_renewed monthly 999",
            "subscription_renewal_cancelled monthly",
            "subscription_renewal_reactivated monthly",
            "subscription_renewed monthly 999",
        ]
    );
    assert_eq!(
        since(3)[0],
        "subscription_renewal_cancelled monthly",
        "and not that it was renewed before"
    );
}

/// Whatever is left out of a life, it can be lived, in order, and the same seed lives the same.
#[test]
fn any_part_of_a_life_is_a_life() {
    let year = SignedDuration::from_secs(400 * DAY);
    for market in Market::ALL {
        for seed in 0..60 {
            let whole = Life::random(market, Kinds::All, seed, (start(), year), year);
            assert_eq!(
                whole,
                Life::random(market, Kinds::All, seed, (start(), year), year)
            );
            for life in whole.smaller().into_iter().chain([whole]) {
                let lived = life.live(seed, until(800));
                assert!(lived.acts.is_sorted_by_key(|act| act.at));
                assert!(!lived.acts.is_empty() && lived.acts[0].at == life.begins);
                let told = &lived.history.told;
                assert!(told.is_sorted_by_key(|told| told.at), "{life:?}: {told:?}");
            }
        }
    }
}

/// The rules are written twice: what is compared must not come from what it is compared with.
#[test]
fn nothing_here_knows_how_events_are_derived() {
    let mut folders = vec![PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/truth"
    ))];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = if path.is_dir() {
                &mut folders
            } else {
                &mut files
            };
            kind.push(path);
        }
    }
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for other in ["domain::", "sources::", "engine::", "ledger::"] {
            assert!(!text.contains(other), "{} knows {other}", file.display());
        }
    }
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    assert!(!manifest.contains("domain"), "the crate depends on none");
}
