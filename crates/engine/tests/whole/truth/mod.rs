//! Generated lives through a whole engine: events and access must be what truly happened, however it was told.
//!
//! What a life comes to is written down while it is lived (`simulator::truth`), by rules that share nothing with those of the
//! engine. `cargo xtask truth` lives many more years.

mod added;
mod brief;
mod chosen;
mod compare;
mod drive;
mod found;
mod long;
mod way;

use drive::{Drive, Leg, Outcome, Plan, Span};
use jiff::{SignedDuration, Timestamp};
use simulator::truth::{Kinds, Life, Market};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::Mutex,
};
use way::Way;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long lives are looked at.
const LASTS_DAYS: u64 = 300;

fn lasts() -> SignedDuration {
    DAY * i32::try_from(LASTS_DAYS).unwrap()
}

/// How lives are told from the day on which the first may begin.
fn plan(way: Way, leg: Leg, seed: u64) -> Plan {
    let span = span();
    Plan {
        way,
        leg,
        is_derived_again: true,
        seed,
        span,
    }
}

/// Lives begin within a month, and are looked at when most of a year is over.
fn span() -> Span {
    let from: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
    Span {
        from,
        until: from + lasts(),
    }
}

/// Lives of one store.
fn lives((market, kinds): (Market, Kinds), seed: u64, count: u64) -> Vec<Life> {
    let span = span();
    let one = |number| {
        let begins = (span.from, DAY * 30);
        Life::random(market, kinds, seed ^ (number << 32), begins, lasts())
    };
    (0..count).map(one).collect()
}

/// Kinds of differences, each with the lives that show it, the shortest first.
fn by_kind(outcomes: Vec<Outcome>) -> BTreeMap<String, Vec<Life>> {
    let mut kinds: BTreeMap<String, Vec<Life>> = BTreeMap::new();
    for outcome in outcomes {
        for kind in outcome.differences {
            kinds.entry(kind).or_default().push(outcome.life.clone());
        }
    }
    for lives in kinds.values_mut() {
        lives.sort_by_key(|life| life.deeds.len());
    }
    kinds
}

/// The smallest part of a life that still shows a difference.
async fn smallest(life: &Life, kind: &str, plan: Plan) -> Option<Outcome> {
    let mut found: Option<Outcome> = None;
    loop {
        let life = found.as_ref().map_or(life, |outcome| &outcome.life);
        // With itself, so that one that cannot be made smaller is found as well.
        let lives: Vec<_> = life.smaller().into_iter().chain([life.clone()]).collect();
        let whole = life.deeds.len();
        let shown = Drive::all(lives, plan).await;
        let shown = shown
            .into_iter()
            .filter(|outcome| outcome.differences.contains(kind))
            .min_by_key(|outcome| outcome.life.deeds.len());
        match shown {
            Some(outcome) if outcome.life.deeds.len() < whole => found = Some(outcome),
            Some(outcome) => return Some(outcome),
            None => return found,
        }
    }
}

/// Kinds of differences that were cut down to a life already, by store.
type Known = Mutex<BTreeSet<(Market, String)>>;

/// Lives of one store, told in one way: what differs, with the smallest lives that show it, unless such are known.
async fn differs(of: (Market, Kinds), plan: Plan, count: u64, known: &Known) -> String {
    differs_of(lives(of, plan.seed, count), plan, known).await
}

/// The same, of these lives.
async fn differs_of(lives: Vec<Life>, plan: Plan, known: &Known) -> String {
    let (market, way) = (lives[0].market, plan.way);
    let outcomes = Drive::all(lives, plan).await;
    let (mut report, mut shown) = (String::new(), Vec::new());
    for (kind, lives) in by_kind(outcomes) {
        let (count, seed) = (lives.len(), plan.seed);
        eprintln!("{market:?}, {way:?}, seed {seed}: {kind}, in {count} lives");
        writeln!(report, "\n== {market:?}, {way:?}: {kind} ({count} lives)").unwrap();
        let is_new = known.lock().unwrap().insert((market, kind.clone()));
        // Of a life that shows several kinds one is enough to see why.
        if !is_new || shown.contains(&lives[0]) {
            continue;
        }
        shown.push(lives[0].clone());
        match smallest(&lives[0], &kind, plan).await {
            Some(outcome) => {
                let (life, why) = (outcome.life, outcome.report);
                eprintln!("{life:?}\n{why}");
                writeln!(report, "{life:?}\n{why}").unwrap();
            }
            None => writeln!(report, "among others only: {:?}", lives[0]).unwrap(),
        }
    }
    report
}

/// Lives of each store that are told in each way, whenever the tests run. `cargo xtask truth` lives as many as it is given time for.
const LIVES: u64 = 3;

async fn check(market: Market) {
    // What else Google Play and Stripe sell is lived by `cargo xtask truth` alone.
    let kinds = match market {
        Market::AppStore | Market::Stated => Kinds::Single,
        Market::Play | Market::Stripe => Kinds::Ordinary,
    };
    let (mut report, known) = (String::new(), Known::default());
    for way in Way::ALL {
        if way.is_open_to(market) {
            for leg in [Leg::Whole, Leg::Short] {
                let plan = plan(way, leg, 1);
                let differs = differs((market, kinds), plan, LIVES, &known);
                report += &Box::pin(differs).await;
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_app_store_the_truth_is_told() {
    check(Market::AppStore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_google_play_the_truth_is_told() {
    check(Market::Play).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_stripe_the_truth_is_told() {
    check(Market::Stripe).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_stated_the_truth_is_told() {
    check(Market::Stated).await;
}
