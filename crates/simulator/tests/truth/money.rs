//! What charges are worth, and what customers brought in. The figures are worked out by hand, at the rates of 1 January 2026 in these
//! lives: 1.1592 dollars and 11.343049 kronor for a euro.

use crate::{life, start, until};
use jiff::SignedDuration;
use simulator::truth::{Beginning, Deed, Life, Lived, Market, Worth};

/// A life that begins so many seconds later, which says what its customer pays with.
fn lived(market: Market, seconds: i64, deeds: &[Deed]) -> Lived {
    let life = Life {
        begins: start() + SignedDuration::from_secs(seconds),
        ..life(market, Beginning::Full, deeds)
    };
    life.live(1, until(25))
}

/// Google, "Service fees": 15 % of subscriptions; orders: totals include taxes, 19 % of them here.
#[test]
fn a_charge_in_euros_is_worth_what_its_day_says() {
    let purse = lived(Market::Play, 1, &[]).history.purse;
    assert_eq!(purse.currency, "EUR");
    let worth = Worth {
        usd: 11_580_408,
        tax: Some(1_590_000),
        tax_usd: Some(1_843_128),
        proceeds: Some(8_491_500),
        proceeds_usd: Some(9_843_347),
        net: Some(7_140_000),
        net_usd: Some(8_276_688),
    };
    assert_eq!(purse.worth(9_990_000, start(), true), worth);
}

/// Apple, "Membership details": 30 % of a first year. It tells of no tax, and what is unknown is not nothing.
#[test]
fn what_no_store_tells_of_is_unknown() {
    let purse = lived(Market::AppStore, 2, &[]).history.purse;
    assert_eq!(purse.currency, "SEK");
    let worth = purse.worth(9_990_000, start(), true);
    let told = (worth.usd, worth.tax, worth.proceeds, worth.net);
    assert_eq!(told, (1_020_926, None, Some(6_993_000), None));
    let stated = lived(Market::Stated, 0, &[]).history.purse;
    let worth = stated.worth(9_990_000, start(), true);
    assert_eq!((worth.usd, worth.proceeds), (9_990_000, None));
}

/// What is given back is taken off at the rates of the day on which it was charged, and what is taken again counts again.
#[test]
fn a_customer_brought_in_what_was_charged_less_what_was_given_back() {
    let brought_in = |market, seconds, deeds: &[Deed]| {
        let history = lived(market, seconds, deeds).history;
        history.brought_in()
    };
    assert_eq!(brought_in(Market::Play, 1, &[]), 11_580_408);
    // 3.99 of 9.99 euros, of 11.580408 dollars: 4.625208.
    let part = [Deed::RefundPart];
    assert_eq!(brought_in(Market::Play, 1, &part), 6_955_200);
    let undone = [Deed::Refund, Deed::Undo];
    assert_eq!(brought_in(Market::AppStore, 0, &undone), 9_990_000);
    assert_eq!(brought_in(Market::AppStore, 0, &[Deed::Refund]), 0);
}
