//! Lives of kinds that are seldom: what documents say of what joins uncharged, of prices of items, of disputes that end something, and of pieces.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use jiff::{SignedDuration, Timestamp};
use simulator::truth::{
    Beginning, Deed, Expected, Form, History, Life, Market, PlayDeed, StripeDeed,
};

const DAY: i64 = 86_400;

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// What a life of 80 days comes to, as customer `number`.
fn lived(market: Market, form: Form, deeds: &[Deed], number: u64) -> History {
    let life = Life {
        market,
        begins: start(),
        beginning: Beginning::Full,
        has_grace: true,
        form,
        deeds: deeds.iter().map(|deed| (*deed, 50)).collect(),
    };
    life.live(number, start() + SignedDuration::from_secs(80 * DAY))
        .history
}

fn sentence(event: &Expected) -> String {
    let product = event.product.rsplit([':', '.', '_']).next().unwrap();
    let micros = event.micros.map(|micros| (micros / 10_000).to_string());
    let words = [Some(format!("{} {product}", event.kind)), micros];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn told(history: &History, market: Market) -> Vec<String> {
    let mut told: Vec<_> = history.expected(market).iter().map(sentence).collect();
    told.sort();
    told
}

fn has(history: &History, what: &str, days: i64) -> bool {
    let at = start() + SignedDuration::from_secs(days * DAY);
    let mut all = 0..history.purchases();
    all.any(|purchase| history.unlocks(purchase) == what && history.lets_in(purchase, at))
}

/// Stripe, "Prorations": what is added without one is charged with the next period, and what waits with it; it serves meanwhile.
#[test]
fn what_joins_uncharged_serves_and_begins_with_its_charge() {
    let deeds = [Deed::Stripe(StripeDeed::AddLater), Deed::Renew];
    for (number, charged) in [(1, "299"), (2, "448")] {
        let history = lived(Market::Stripe, Form::Plain, &deeds, number);
        let expected = [
            "subscription_renewed hd 299".to_owned(),
            "subscription_renewed monthly 999".to_owned(),
            "subscription_renewed monthly 999".to_owned(),
            format!("subscription_started hd {charged}"),
            "subscription_started monthly 999".to_owned(),
        ];
        assert_eq!(told(&history, Market::Stripe), expected);
        let served: Vec<i64> = (0..60).filter(|day| has(&history, "hd", *day)).collect();
        assert_eq!(served, (15..60).collect::<Vec<_>>());
    }
    // Of what is taken off uncharged, nothing is told.
    let deeds = [StripeDeed::AddLater, StripeDeed::TakeOff].map(Deed::Stripe);
    let history = lived(Market::Stripe, Form::Plain, &deeds, 1);
    assert!(
        told(&history, Market::Stripe)
            .iter()
            .all(|told| !told.contains(" hd"))
    );
    assert!(has(&history, "hd", 20) && !has(&history, "hd", 25));
}

/// Stripe, "Usage-based billing": what is counted serves from the beginning.
#[test]
fn what_is_counted_serves_before_it_is_charged() {
    let history = lived(Market::Stripe, Form::Metered, &[], 1);
    assert!((0..80).all(|day| has(&history, "hd", day)));
}

/// Stripe, API reference, `cancellation_details.reason`, `payment_disputed`: it ends there and then, and money that comes back brings it back no
/// more.
#[test]
fn what_is_disputed_may_end_for_that() {
    let deeds = [
        StripeDeed::Dispute,
        StripeDeed::EndDisputed,
        StripeDeed::WinDispute,
    ];
    let history = lived(Market::Stripe, Form::Plain, &deeds.map(Deed::Stripe), 1);
    let expected = [
        "refund_reversed monthly",
        "subscription_expired monthly",
        "subscription_refunded monthly 999",
        "subscription_started monthly 999",
    ];
    assert_eq!(told(&history, Market::Stripe), expected);
    assert!(has(&history, "premium", 20) && !has(&history, "premium", 25));
}

/// Apple, advancedCommerceRenewalInfo, `priceIncreaseInfo`: of one item.
#[test]
fn the_price_of_an_item_goes_up_by_itself() {
    let deeds = [Deed::Announce, Deed::Accept, Deed::Renew];
    let history = lived(Market::AppStore, Form::Addon, &deeds, 1);
    let told = told(&history, Market::AppStore);
    assert_eq!(
        told[..2],
        [
            "price_increase_accepted gold",
            "price_increase_pending gold"
        ]
    );
}

/// Google, `refundableQuantity`: one piece of one product of an order.
#[test]
fn a_piece_of_an_order_is_given_back() {
    let deeds = [PlayDeed::BuyOrder, PlayDeed::VoidPiece].map(Deed::Play);
    let history = lived(Market::Play, Form::Plain, &deeds, 1);
    let told = told(&history, Market::Play);
    let expected = [
        "non_subscription_purchase coins 400",
        "non_subscription_purchase gems 400",
        "non_subscription_purchase_refunded coins 200",
    ];
    assert_eq!(told[..3], expected);
}
