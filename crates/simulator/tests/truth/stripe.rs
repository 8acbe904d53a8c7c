//! What happens in Stripe in its own way.

use crate::{check, life, sentence, until};
use simulator::truth::{Beginning, Deed, Life, Market, StripeDeed};

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

/// Stripe, "Prorations": what is left of a period is charged in whole cents, which may be none; a trial is what `trial_end` makes one.
#[test]
fn what_joins_for_nothing_at_the_end_of_a_period_is_no_trial() {
    let deeds = [(Deed::TakeMore, 95), (Deed::AddOn, 95), (Deed::Renew, 50)];
    let life = Life {
        deeds: deeds.to_vec(),
        ..life(Market::Stripe, Beginning::Full, &[])
    };
    let events = life.live(1, until(50)).history.expected(Market::Stripe);
    let of_it = events.iter().filter(|event| event.product.contains("hd"));
    let told: Vec<_> = of_it.map(sentence).collect();
    let expected = ["subscription_started hd 0", "subscription_renewed hd 299"];
    assert_eq!(told, expected);
}
