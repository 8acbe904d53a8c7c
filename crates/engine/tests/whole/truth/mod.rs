//! Generated lives through a whole engine: events and access must be what truly happened, however it was told.
//!
//! What a life comes to is written down while it is lived (`simulator::truth`), by rules that share nothing with those of the
//! engine. `cargo xtask truth` lives many more years.

mod compare;
mod drive;
mod found;
mod way;

use drive::{Drive, Outcome, Span};
use jiff::{SignedDuration, Timestamp};
use simulator::truth::{Kinds, Life, Market};
use std::{
    collections::BTreeMap,
    fmt::Write,
    num::NonZeroUsize,
    sync::Mutex,
    time::{Duration, Instant},
};
use way::Way;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long lives are looked at.
const LASTS_DAYS: u64 = 300;

fn lasts() -> SignedDuration {
    DAY * i32::try_from(LASTS_DAYS).unwrap()
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

/// Lives of one store, told in one way: what differs, with the smallest lives that show it.
async fn differs(of: (Market, Kinds), way: Way, (seed, count): (u64, u64)) -> String {
    let market = of.0;
    let outcomes = Drive::all(lives(of, seed, count), way, seed, span()).await;
    let (mut report, mut known) = (String::new(), Vec::new());
    for (kind, lives) in by_kind(outcomes) {
        let count = lives.len();
        eprintln!("{market:?}, {way:?}: {kind}, in {count} lives");
        writeln!(report, "\n== {market:?}, {way:?}: {kind} ({count} lives)").unwrap();
        // Of a life that shows several kinds one is enough to see why.
        if known.contains(&lives[0]) {
            continue;
        }
        known.push(lives[0].clone());
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
    // What else Google Play and Stripe sell is lived by `cargo xtask truth` alone.
    let kinds = match market {
        Market::AppStore | Market::Stated => Kinds::Single,
        Market::Play | Market::Stripe => Kinds::Ordinary,
    };
    let mut report = String::new();
    for way in Way::ALL {
        if way.is_open_to(market) {
            report += &Box::pin(differs((market, kinds), way, (1, LIVES))).await;
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

/// Says which kinds of differences some lives show, and looks no further once there are any: for `cargo xtask mutate`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "of wrong rules: cargo xtask mutate"]
#[expect(clippy::print_stdout, reason = "a report")]
#[expect(clippy::disallowed_methods, reason = "told by `cargo xtask mutate`")]
async fn notices() {
    let told = std::env::var("TIDINGS_TRUTH_LIVES").unwrap();
    let count = told.parse().unwrap();
    for way in Way::ALL {
        for market in Market::ALL {
            if !way.is_open_to(market) {
                continue;
            }
            let outcomes = Drive::all(lives((market, Kinds::All), 1, count), way, 1, span()).await;
            let kinds = by_kind(outcomes);
            if let Some((kind, _)) = kinds.first_key_value() {
                println!("noticed: {kind} ({market:?}, {way:?})");
                panic!("{:?}", kinds.keys());
            }
        }
    }
}

/// Customers of one world that are lived for long.
const TOGETHER: u64 = 60;

/// What a round of worlds has cost so far.
struct Pace {
    began: Instant,
    worked_before: Duration,
    lived: u64,
    told_at: Instant,
}

impl Pace {
    fn begin() -> Self {
        let (began, worked_before) = (Instant::now(), processor_time());
        Self {
            began,
            worked_before,
            lived: 0,
            told_at: began,
        }
    }

    /// So many more; says once a minute how it goes.
    fn lived(&mut self, count: u64) -> Option<String> {
        self.lived += count;
        let is_time = self.told_at.elapsed() >= Duration::from_secs(60);
        is_time.then(|| {
            self.told_at = Instant::now();
            self.report()
        })
    }

    fn report(&self) -> String {
        let years = (self.lived * LASTS_DAYS / 365) as f64;
        let elapsed = self.began.elapsed();
        let worked = processor_time().saturating_sub(self.worked_before);
        format!(
            "{years:.0} years of customers in {:.0} s: {:.1} a second, {:.1} a second of a processor",
            elapsed.as_secs_f64(),
            years / elapsed.as_secs_f64(),
            years / worked.as_secs_f64()
        )
    }
}

/// How long processors have worked for this process.
fn processor_time() -> Duration {
    // Of `proc(5)`: after the name in brackets, the 12th and 13th field count hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap();
    let fields = fields.split_whitespace().skip(11).take(2);
    let hundredths: u64 = fields.map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(10 * hundredths)
}

/// Stores and ways without end: all of them with one seed, then with the next.
fn rounds(seed: u64) -> impl Iterator<Item = (Market, Way, u64)> {
    (seed..).flat_map(|round| {
        let ways = Market::ALL.into_iter().flat_map(|market| {
            let open = Way::ALL
                .into_iter()
                .filter(move |way| way.is_open_to(market));
            open.map(move |way| (market, way))
        });
        ways.map(move |(market, way)| (market, way, round))
    })
}

/// Lives as many years as asked for, and reports the pace and what differs. Each of several threads has a world of its own.
#[test]
#[ignore = "as long as asked for: cargo xtask truth"]
#[expect(clippy::print_stdout, reason = "a report")]
#[expect(clippy::disallowed_methods, reason = "told by `cargo xtask truth`")]
fn years() {
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (years, seed) = (number("TIDINGS_TRUTH_YEARS"), number("TIDINGS_TRUTH_SEED"));
    let worlds = (years * 365).div_ceil(LASTS_DAYS * TOGETHER);
    let worlds = usize::try_from(worlds).unwrap();
    let next = Mutex::new(rounds(seed).take(worlds));
    let (report, pace) = (Mutex::new(String::new()), Mutex::new(Pace::begin()));
    let live = || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        loop {
            let Some((market, way, round)) = next.lock().unwrap().next() else {
                return;
            };
            let differs = runtime.block_on(differs((market, Kinds::All), way, (round, TOGETHER)));
            *report.lock().unwrap() += &differs;
            let mut pace = pace.lock().unwrap();
            if let Some(line) = pace.lived(TOGETHER) {
                println!("{line}");
            }
        }
    };
    let threads = 2 * std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(live);
        }
    });
    println!("{}", pace.into_inner().unwrap().report());
    let report = report.into_inner().unwrap();
    assert!(report.is_empty(), "{report}");
}
