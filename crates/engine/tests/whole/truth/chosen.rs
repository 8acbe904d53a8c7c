//! Lives in which another product is chosen for the next period, or a refund is undone late: the smallest of each kind, by name.

use super::{
    found::{ANY, are_told_truly, is_told_truly, is_told_truly_with, life},
    way::Way,
};
use simulator::truth::{Beginning, Deed, Form, Life, Market, PlayDeed, StripeDeed};

/// What is chosen comes with the next period, a month from then, whatever becomes of the messages.
#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_product_comes_with_the_next_month() {
    let deeds = [(Deed::Plan, 40), (Deed::Renew, 50), (Deed::Renew, 50)];
    let markets = [Market::AppStore, Market::Play, Market::Stripe];
    let lives = markets.map(|market| life(market, ANY, &deeds));
    for way in Way::ALL {
        are_told_truly(&lives, way).await;
    }
}

/// Google Play: who hears of the new purchase only when its first charge comes hears that the old one was replaced at its end, and of no
/// upgrade. The old purchase said that it was replaced when another was chosen.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_chosen_unheard_comes_with_the_renewal() {
    let deeds = [(Deed::AskRefund, 8), (Deed::Plan, 18)];
    let life = Life {
        has_grace: true,
        ..life(Market::Play, "2026-01-24T05:32:09Z", &deeds)
    };
    for seed in 1..6 {
        is_told_truly_with(seed, life.clone(), Way::Lost).await;
    }
}

/// What took over from something that seemed to have ended was to renew: who hears of it when it was switched off hears of that too.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_of_after_an_end_was_to_renew() {
    let life = Life {
        beginning: Beginning::Trial,
        ..life(
            Market::Play,
            "2026-01-04T07:00:08Z",
            &[(Deed::Upgrade, 6), (Deed::SwitchOff, 12)],
        )
    };
    for seed in 1..6 {
        is_told_truly_with(seed, life.clone(), Way::Lost).await;
    }
}

/// A period that the developer moved ends then also where another product takes over.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_is_replaced_at_its_new_end() {
    let deeds = [(Deed::Move, 80), (Deed::Plan, 50), (Deed::Renew, 50)];
    let lives = [Market::AppStore, Market::Play].map(|market| life(market, ANY, &deeds));
    for way in [Way::InOrder, Way::Doubled] {
        are_told_truly(&lives, way).await;
    }
}

/// A refund that is undone when its period is over leaves an end to be told, for the reason that the store gives.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_undone_too_late_leaves_an_end() {
    let refund = [(Deed::Refund, 30), (Deed::UndoLate, 20)];
    let cancelled = [&[(Deed::SwitchOff, 30)], &refund[..]].concat();
    for deeds in [&refund[..], &cancelled] {
        for way in [Way::InOrder, Way::Doubled, Way::Shuffled, Way::ServerDown] {
            is_told_truly(life(Market::AppStore, ANY, deeds), way).await;
        }
    }
}

/// What was bought after a refund took over from nothing, also where that refund is undone since.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_after_a_refund_stays_what_it_was() {
    let life = Life {
        beginning: Beginning::Trial,
        has_grace: true,
        ..life(
            Market::AppStore,
            "2026-01-09T13:39:39Z",
            &[
                (Deed::Upgrade, 52),
                (Deed::Refund, 6),
                (Deed::Return, 19),
                (Deed::UndoEarlier, 47),
            ],
        )
    };
    for way in [Way::InOrder, Way::Doubled, Way::Shuffled, Way::Lost] {
        is_told_truly(life.clone(), way).await;
    }
}

/// A refund of the charge before a period that ran unpaid is one of that charge, at the rates of its day.
#[tokio::test(flavor = "multi_thread")]
async fn what_ran_unpaid_leaves_the_charge_before_it_as_it_was() {
    let life = Life {
        beginning: Beginning::Intro,
        ..life(
            Market::Stripe,
            "2026-01-07T14:21:05Z",
            &[
                (Deed::Stripe(StripeDeed::LetRun), 15),
                (Deed::Fail, 75),
                (Deed::Recover, 87),
                (Deed::RefundEarlier, 16),
            ],
        )
    };
    is_told_truly(life, Way::InOrder).await;
}

/// A fee beside a trial is money: what events add up to is what the customer brought in.
#[tokio::test(flavor = "multi_thread")]
async fn a_fee_beside_a_trial_counts() {
    let life = Life {
        beginning: Beginning::Trial,
        form: Form::SetUp,
        ..life(Market::Stripe, ANY, &[(Deed::Renew, 50)])
    };
    is_told_truly(life, Way::InOrder).await;
}

/// A piece of an order was given back when the order says, also where a message about something else shows it first.
#[tokio::test(flavor = "multi_thread")]
async fn a_piece_was_given_back_when_its_order_says() {
    let life = Life {
        beginning: Beginning::Trial,
        has_grace: true,
        ..life(
            Market::Play,
            "2026-01-16T17:09:02Z",
            &[
                (Deed::Renew, 80),
                (Deed::BuyOnce, 81),
                (Deed::Plan, 45),
                (Deed::BuyOnce, 18),
                (Deed::Play(PlayDeed::BuyOrder), 66),
                (Deed::Play(PlayDeed::VoidPiece), 75),
            ],
        )
    };
    for way in [Way::Shuffled, Way::ServerDown] {
        is_told_truly(life.clone(), way).await;
    }
}
