//! Generated lives through a whole engine: events and access must be what truly happened, however it was told.
//!
//! What a life comes to is written down while it is lived (`simulator::truth`), by rules that share nothing with those of the
//! engine. `cargo xtask truth` lives many more years.

mod compare;
mod drive;
mod known;
mod way;

use drive::{Drive, Outcome, Span};
use jiff::{SignedDuration, Timestamp};
use known::KNOWN;
use simulator::truth::{Life, Market};
use std::{collections::BTreeMap, fmt::Write, time::Instant};
use way::Way;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Lives begin within a month, and are looked at when most of a year is over.
fn span() -> Span {
    let from: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
    Span {
        from,
        until: from + DAY * 300,
    }
}

/// Lives of one store.
fn lives(market: Market, seed: u64, count: u64) -> Vec<Life> {
    let span = span();
    let one = |number| {
        let (begins, lasts) = ((span.from, DAY * 30), DAY * 300);
        Life::random(market, seed ^ (number << 32), begins, lasts)
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
async fn smallest(life: &Life, kind: &str, way: Way, seed: u64) -> Option<Outcome> {
    let mut found: Option<Outcome> = None;
    loop {
        let life = found.as_ref().map_or(life, |outcome| &outcome.life);
        // With itself, so that one that cannot be made smaller is found as well.
        let lives: Vec<_> = life.smaller().into_iter().chain([life.clone()]).collect();
        let whole = life.deeds.len();
        let shown = Drive::all(lives, way, seed, span()).await;
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

/// Lives of one store, told in one way: what is not known to differ, with the smallest lives that show it.
async fn unknown(market: Market, way: Way, (seed, count): (u64, u64)) -> String {
    let outcomes = Drive::all(lives(market, seed, count), way, seed, span()).await;
    let mut report = String::new();
    for (kind, lives) in by_kind(outcomes) {
        if KNOWN.iter().any(|known| known.covers(market, way, &kind)) {
            continue;
        }
        let count = lives.len();
        eprintln!("{market:?}, {way:?}: {kind}, in {count} lives; looking for the smallest");
        writeln!(report, "\n== {market:?}, {way:?}: {kind} ({count} lives)").unwrap();
        match smallest(&lives[0], &kind, way, seed).await {
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
    let mut report = String::new();
    for way in Way::ALL {
        if way.is_open_to(market) {
            report += &unknown(market, way, (1, LIVES)).await;
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

/// A difference that is gone leaves the table.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_to_differ_still_does() {
    for known in KNOWN {
        let outcomes = Drive::all(vec![known.life()], known.way, 1, span()).await;
        assert!(
            outcomes[0].differences.contains(known.differs),
            "{known:?} is mended: take it out of the table. Left: {:?}\n{}",
            outcomes[0].differences,
            outcomes[0].report
        );
    }
}

/// Lives as many years as asked for, and reports the pace and what differs.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "as long as asked for: cargo xtask truth"]
#[expect(clippy::print_stdout, reason = "a report")]
#[expect(clippy::disallowed_methods, reason = "told by `cargo xtask truth`")]
async fn years() {
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (years, seed) = (number("TIDINGS_TRUTH_YEARS"), number("TIDINGS_TRUTH_SEED"));
    let (began, mut lived, mut round) = (Instant::now(), 0, seed);
    let mut report = String::new();
    while lived < years {
        for market in Market::ALL {
            for way in Way::ALL.into_iter().filter(|way| way.is_open_to(market)) {
                report += &unknown(market, way, (round, 20)).await;
                lived += 20 * 285 / 365;
            }
        }
        round += 1;
        let pace = lived as f64 / began.elapsed().as_secs_f64();
        println!("{lived} years of customers, {pace:.1} a second");
    }
    assert!(report.is_empty(), "{report}");
}
