//! Lives that once were told wrongly, or asked for more than a listener can know: the smallest of each kind, by name.

use super::{
    drive::{Drive, Leg},
    plan,
    way::Way,
};
use simulator::truth::{Beginning, Deed, Form, Life, Market, PlayDeed, StripeDeed};

/// A life that begins then, with these deeds.
pub(super) fn life(market: Market, begins: &str, deeds: &[(Deed, u8)]) -> Life {
    Life {
        market,
        begins: begins.parse().unwrap(),
        beginning: Beginning::Full,
        has_grace: false,
        form: Form::Plain,
        deeds: deeds.to_vec(),
    }
}

pub(super) async fn is_told_truly(life: Life, way: Way) {
    is_told_truly_with(1, life, way).await;
}

/// The same, with what becomes of messages drawn from that seed.
pub(super) async fn is_told_truly_with(seed: u64, life: Life, way: Way) {
    are_told_truly_with(seed, vec![life], way).await;
}

/// Several, those of each store in one world.
pub(super) async fn are_told_truly(lives: &[Life], way: Way) {
    for market in Market::ALL {
        let lives = lives.iter().filter(|life| life.market == market);
        let lives: Vec<_> = lives.cloned().collect();
        if !lives.is_empty() && way.is_open_to(market) {
            are_told_truly_with(1, lives, way).await;
        }
    }
}

async fn are_told_truly_with(seed: u64, lives: Vec<Life>, way: Way) {
    for leg in [Leg::Whole, Leg::Short] {
        for outcome in Drive::all(lives.clone(), plan(way, leg, seed)).await {
            let differences = &outcome.differences;
            assert!(
                differences.is_empty(),
                "{leg:?} {way:?} {:?}\n{differences:?}\n{}",
                outcome.life,
                outcome.report
            );
        }
    }
}

pub(super) const ANY: &str = "2026-01-02T00:00:00Z";

/// Nothing is left of a period that was refunded: what is bought in its time takes over from nothing.
#[tokio::test(flavor = "multi_thread")]
async fn another_product_after_a_refund_is_no_upgrade() {
    let part = [(Deed::RefundPart, 14), (Deed::Return, 15)];
    is_told_truly(life(Market::AppStore, ANY, &part), Way::InOrder).await;
    let whole = [(Deed::Refund, 14), (Deed::Return, 15)];
    for way in [Way::InOrder, Way::Shuffled, Way::Lost] {
        is_told_truly(life(Market::AppStore, ANY, &whole), way).await;
    }
    let stated = [(Deed::Refund, 88), (Deed::Return, 81)];
    is_told_truly(life(Market::Stated, ANY, &stated), Way::InOrder).await;
}

/// Whoever states a charge says when it was, not whether it renews.
#[tokio::test(flavor = "multi_thread")]
async fn another_product_stated_in_the_middle_of_a_period_is_an_upgrade() {
    let deeds = [(Deed::Upgrade, 60)];
    is_told_truly(life(Market::Stated, ANY, &deeds), Way::InOrder).await;
}

/// Switched off, on and off again: who misses that it was on hears of one cancellation.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_as_it_stood_is_no_news() {
    let deeds = [
        (Deed::Renew, 59),
        (Deed::Renew, 20),
        (Deed::SwitchOff, 87),
        (Deed::SwitchOn, 88),
        (Deed::SwitchOff, 16),
    ];
    let life = life(Market::AppStore, "2026-01-09T15:08:15Z", &deeds);
    is_told_truly(life, Way::Shuffled).await;
}

/// Who hears of a refund, and then of nothing before renewal is on again, hears that the refund was undone.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_refund_ended_is_not_switched_on_again_unheard() {
    let deeds = [
        (Deed::SwitchOff, 48),
        (Deed::RefundPart, 13),
        (Deed::Undo, 85),
        (Deed::SwitchOn, 44),
    ];
    let life = life(Market::AppStore, "2026-01-03T02:15:28Z", &deeds);
    is_told_truly(life, Way::Shuffled).await;
}

/// What is bought for a time ends without an event where a subscription lets its customer in, and is over all the same when that ends.
#[tokio::test(flavor = "multi_thread")]
async fn what_ends_unheard_is_derived_again() {
    let deeds = [
        (Deed::BuyPass, 50),
        (Deed::Renew, 50),
        (Deed::SwitchOff, 50),
        (Deed::RunOut, 50),
    ];
    is_told_truly(life(Market::AppStore, ANY, &deeds), Way::InOrder).await;
}

/// Which of several pauses a message is about, the event says that it began with.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_taken_back_and_asked_for_again_is_told_twice() {
    let deeds = [
        (Deed::AskPause, 20),
        (Deed::Stripe(StripeDeed::Unpause), 30),
        (Deed::AskPause, 40),
    ];
    for way in [Way::InOrder, Way::Doubled, Way::Shuffled, Way::Lost] {
        is_told_truly(life(Market::Stripe, ANY, &deeds), way).await;
    }
}

/// Two products of a session are two purchases with one payment, and half of it is half of each.
#[tokio::test(flavor = "multi_thread")]
async fn half_of_a_cart_is_half_of_each_of_its_products() {
    let deeds = [
        StripeDeed::BuyCart,
        StripeDeed::RefundCart,
        StripeDeed::RefundCart,
    ];
    let deeds = deeds.map(|deed| (Deed::Stripe(deed), 50));
    for way in [Way::InOrder, Way::Shuffled, Way::ServerDown] {
        is_told_truly(life(Market::Stripe, ANY, &deeds), way).await;
    }
}

/// Google says of a purchase that another took over from it, and not which: who hears of no other before the period is over hears of
/// an end. What was added with the other is not told of by the old one.
#[tokio::test(flavor = "multi_thread")]
async fn what_took_over_unheard_is_an_end() {
    let deeds = [
        (Deed::Fail, 8),
        (Deed::Recover, 18),
        (Deed::Renew, 17),
        (Deed::AddOn, 41),
    ];
    let life = Life {
        has_grace: true,
        ..life(Market::Play, "2026-01-24T05:32:09Z", &deeds)
    };
    for seed in 1..6 {
        is_told_truly_with(seed, life.clone(), Way::Lost).await;
    }
}

/// What was asked before anybody listened says nothing of how the purchase stands to whoever hears of it later.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_asked_for_unheard_tells_of_no_beginning() {
    let life = Life {
        has_grace: true,
        ..life(
            Market::Play,
            "2026-01-24T05:32:09Z",
            &[(Deed::AskRefund, 92)],
        )
    };
    is_told_truly(life, Way::Midway).await;
}

/// What joins at a renewal serves from the renewal on, also when that was charged ahead.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_was_charged_ahead_serves_from_its_period_on() {
    let life = Life {
        form: Form::Item,
        ..life(
            Market::AppStore,
            ANY,
            &[(Deed::AddOn, 40), (Deed::Renew, 90), (Deed::Renew, 50)],
        )
    };
    for way in [Way::InOrder, Way::Shuffled] {
        is_told_truly(life.clone(), way).await;
    }
}

/// A price that nobody has agreed to when the charge fails ends nothing: that it was not paid does.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_paid_ends_for_that_whatever_it_was_to_cost() {
    let deeds = [(Deed::Announce, 40), (Deed::Fail, 50), (Deed::GiveUp, 50)];
    for begins in [ANY, "2026-01-02T00:00:01Z"] {
        is_told_truly(life(Market::Play, begins, &deeds), Way::InOrder).await;
    }
}

/// What joins a subscription serves at once, and is told once something is charged for it, with what waited until then; what is counted
/// likewise.
#[tokio::test(flavor = "multi_thread")]
async fn what_joins_uncharged_serves_and_is_told_with_its_first_charge() {
    let add = (Deed::Stripe(StripeDeed::AddLater), 30);
    let off = (Deed::Stripe(StripeDeed::TakeOff), 30);
    let lives = [
        vec![add, (Deed::Renew, 50), off],
        vec![add, off, (Deed::Renew, 50)],
        vec![
            add,
            (Deed::Fail, 50),
            (Deed::Recover, 20),
            (Deed::SwitchOff, 50),
        ],
        vec![add, (Deed::StopNow, 50)],
    ];
    let added = lives.map(|deeds| life(Market::Stripe, ANY, &deeds));
    let counted = Life {
        form: Form::Metered,
        ..life(
            Market::Stripe,
            ANY,
            &[(Deed::Renew, 50), (Deed::StopNow, 50)],
        )
    };
    let all: Vec<_> = added.into_iter().chain([counted]).collect();
    for way in [Way::InOrder, Way::Shuffled, Way::Midway] {
        are_told_truly(&all, way).await;
    }
}

/// Prices of items, disputes that end what they are about, usage beside a trial: in the ways in which most is heard of them.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_lived_seldom_is_told_truly() {
    let with = |form, life: Life| Life { form, ..life };
    let price = [(Deed::Announce, 30), (Deed::Accept, 40), (Deed::Renew, 50)];
    let told = [(Deed::Inform, 30), (Deed::Fail, 50), (Deed::Recover, 50)];
    let dispute = |next| {
        let dispute = (Deed::Stripe(StripeDeed::Dispute), 30);
        let end = (Deed::Stripe(StripeDeed::EndDisputed), 40);
        [dispute, end, (next, 50)].to_vec()
    };
    let pieces = [PlayDeed::BuyOrder, PlayDeed::VoidPiece].map(|deed| (Deed::Play(deed), 40));
    // What is undone is the refund of the subscription, not that of what was bought beside it.
    let twice = [
        (Deed::RefundPart, 81),
        (Deed::BuyOnce, 94),
        (Deed::RefundOnce, 55),
        (Deed::Undo, 26),
    ];
    let won = Deed::Stripe(StripeDeed::WinDispute);
    let trial = Life {
        beginning: Beginning::Trial,
        ..life(
            Market::Stripe,
            ANY,
            &[(Deed::Renew, 50), (Deed::Renew, 50), (Deed::SwitchOff, 50)],
        )
    };
    let lives = vec![
        with(Form::Item, life(Market::AppStore, ANY, &price)),
        with(Form::Addon, life(Market::AppStore, ANY, &told)),
        life(Market::Stripe, ANY, &dispute(won)),
        life(Market::Stripe, ANY, &dispute(Deed::Return)),
        with(Form::Metered, trial),
        with(
            Form::Metered,
            life(Market::Stripe, "2026-01-21T19:04:24Z", &[]),
        ),
        life(Market::Stripe, ANY, &twice),
        life(Market::Play, ANY, &pieces),
    ];
    for way in [Way::InOrder, Way::Lost] {
        are_told_truly(&lives, way).await;
    }
}

/// What was ended before its period was over is not there to be taken over from.
#[tokio::test(flavor = "multi_thread")]
async fn another_product_after_an_end_at_once_is_no_upgrade() {
    let deeds = [(Deed::Upgrade, 35), (Deed::StopNow, 9), (Deed::Return, 19)];
    let life = Life {
        beginning: Beginning::Trial,
        ..life(Market::Stated, ANY, &deeds)
    };
    for way in [Way::InOrder, Way::Shuffled] {
        is_told_truly(life.clone(), way).await;
    }
}

/// Renewal that is switched off after a refund was undone is told, also when only the refund was heard of; what is first heard of then was
/// switched off before it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_refund_took_for_a_while_was_to_renew_as_it_was() {
    let deeds = [
        (Deed::Renew, 53),
        (Deed::SwitchOff, 91),
        (Deed::SwitchOn, 87),
        (Deed::Refund, 11),
        (Deed::Undo, 7),
        (Deed::SwitchOff, 80),
    ];
    let life_of = life(Market::AppStore, "2026-01-06T08:32:49Z", &deeds);
    for seed in [1, 5, 21, 22] {
        is_told_truly_with(seed, life_of.clone(), Way::Lost).await;
    }
    let deeds = [
        (Deed::Renew, 87),
        (Deed::Renew, 83),
        (Deed::SwitchOff, 50),
        (Deed::RefundPart, 34),
        (Deed::Undo, 62),
    ];
    let life_of = life(Market::AppStore, "2026-01-18T19:31:06Z", &deeds);
    is_told_truly(life_of, Way::Midway).await;
}

/// Of a term that was cancelled and is not paid any more, the store tries no longer: that ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_term_that_is_not_paid_ends_for_that() {
    let life_of = Life {
        form: Form::Committed,
        ..life(
            Market::Play,
            ANY,
            &[(Deed::SwitchOff, 36), (Deed::Fail, 61), (Deed::GiveUp, 50)],
        )
    };
    is_told_truly(life_of, Way::InOrder).await;
}

/// Who first hears that the first charge of a purchase was given back, when others came after it, asks what else there is.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_charge_that_is_given_back_is_not_all_there_is() {
    let life = Life {
        beginning: Beginning::Intro,
        ..life(
            Market::AppStore,
            "2026-01-22T12:58:37Z",
            &[
                (Deed::SwitchOff, 14),
                (Deed::RunOut, 5),
                (Deed::Return, 30),
                (Deed::RefundEarlier, 43),
            ],
        )
    };
    is_told_truly(life, Way::Midway).await;
}

/// What joins a purchase that is known is news, however long the server was down then.
#[tokio::test(flavor = "multi_thread")]
async fn what_joined_while_nobody_listened_is_told_from_its_beginning() {
    let deeds = [
        (Deed::SwitchOff, 20),
        (Deed::RunOut, 39),
        (Deed::Return, 16),
        (Deed::TakeMore, 91),
        (Deed::AddOn, 58),
    ];
    let life_of = Life {
        beginning: Beginning::Trial,
        ..life(Market::Stripe, "2026-01-26T22:22:54Z", &deeds)
    };
    for seed in [1, 21] {
        is_told_truly_with(seed, life_of.clone(), Way::ServerDown).await;
    }
}

/// Another product is bought in the hours for which the next period was charged ahead: it takes over from that.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_after_a_renewal_was_charged_ahead_takes_over_from_that() {
    for before in [&[][..], &[(Deed::Renew, 40)]] {
        let deeds = [before, &[(Deed::Renew, 90), (Deed::Upgrade, 1)]].concat();
        for way in [Way::InOrder, Way::Doubled, Way::Lost, Way::ServerDown] {
            is_told_truly(life(Market::AppStore, ANY, &deeds), way).await;
        }
    }
}

/// A charge that paid for two items is given back for both, also when one of them is no part of the purchase any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_an_old_charge_is_one_of_each_item_that_it_paid_for() {
    let life = Life {
        form: Form::Addon,
        ..life(
            Market::AppStore,
            ANY,
            &[
                (Deed::SwitchOff, 50),
                (Deed::RunOut, 50),
                (Deed::Return, 20),
                (Deed::RefundEarlier, 30),
            ],
        )
    };
    for way in [Way::InOrder, Way::Doubled, Way::Shuffled] {
        is_told_truly(life.clone(), way).await;
    }
}

/// A refund that was undone gave back what it did, also where it is heard of when the same was given back once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_between_two_others_gave_back_what_it_did() {
    let life = Life {
        beginning: Beginning::Trial,
        has_grace: true,
        ..life(
            Market::AppStore,
            "2026-01-12T16:32:53Z",
            &[
                (Deed::Renew, 55),
                (Deed::Redeem, 88),
                (Deed::Refund, 50),
                (Deed::Undo, 11),
                (Deed::Refund, 77),
            ],
        )
    };
    is_told_truly_with(101, life, Way::Shuffled).await;
}

/// Google says that a pause was asked for, and shows nothing of it before it begins: who misses that hears of none that never came.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_was_only_asked_for_is_missed_for_good() {
    let deeds = [
        (Deed::Renew, 94),
        (Deed::Renew, 19),
        (Deed::AskRefund, 54),
        (Deed::AskPause, 86),
        (Deed::Repeat, 77),
        (Deed::Refund, 60),
    ];
    let life = life(Market::Play, "2026-01-03T04:43:04Z", &deeds);
    is_told_truly_with(101, life, Way::Lost).await;
}
