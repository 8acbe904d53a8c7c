//! A few lives of every store, told to all of Tidings: on SQLite, and on PostgreSQL when the tests are run on that.

use super::{
    DAY, Known, differs_of,
    drive::{Leg, Plan},
    plan,
    way::Way,
};
use simulator::truth::{Kinds, Life, Market};

/// How long they are looked at: two periods and what is left of one.
const LASTS_DAYS: i32 = 75;
const LIVES: u64 = 3;

/// In one way of its own, so that each is lived on both ledgers.
const fn way(market: Market) -> Way {
    match market {
        Market::AppStore => Way::Lost,
        Market::Play => Way::Doubled,
        Market::Stripe => Way::Shuffled,
        Market::Stated => Way::ServerDown,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_either_ledger_the_truth_is_told() {
    let (mut report, known) = (String::new(), Known::default());
    for market in Market::ALL {
        let mut plan = Plan {
            is_derived_again: true,
            ..plan(way(market), Leg::Whole, 1)
        };
        plan.span.until = plan.span.from + DAY * LASTS_DAYS;
        let one = |number| {
            let begins = (plan.span.from, DAY * 7);
            Life::random(market, Kinds::All, number, begins, DAY * LASTS_DAYS)
        };
        let lives = (1..=LIVES).map(one).collect();
        report += &Box::pin(differs_of(lives, plan, &known)).await;
    }
    assert!(report.is_empty(), "{report}");
}
