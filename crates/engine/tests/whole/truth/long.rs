//! Many years of many customers, for `cargo xtask truth`, and wrong rules, for `cargo xtask mutate`.

use super::{
    Known, LASTS_DAYS, by_kind, differs,
    drive::{Drive, Leg, Plan},
    lives, plan,
    way::Way,
};
use simulator::truth::{Kinds, Market};
use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

/// Says after how many years which kind of difference some lives show, and lives no further then: for `cargo xtask mutate`. Kinds that are
/// known are none; where the known ones are asked for, all are told.
#[test]
#[ignore = "of wrong rules: cargo xtask mutate"]
#[expect(clippy::print_stdout, reason = "a report")]
fn notices() {
    let (years, count) = (number("YEARS"), number("LIVES"));
    let known = told("KNOWN");
    let known: Option<BTreeSet<_>> = known.map(|known| known.lines().map(str::to_owned).collect());
    let mut told = BTreeSet::new();
    let runtime = runtime(Leg::Short);
    let mut lived = 0;
    for World { market, plan } in worlds(1, NEVER) {
        let lives = lives((market, Kinds::All), plan.seed, count);
        let outcomes = runtime.block_on(Drive::all(lives, plan));
        lived += count;
        let so_far = lived * LASTS_DAYS / 365;
        let kinds = by_kind(outcomes).into_keys();
        for kind in kinds.map(|kind| format!("{market:?}: {kind}")) {
            let is_new = !known.as_ref().is_some_and(|known| known.contains(&kind));
            if is_new && told.insert(kind.clone()) {
                println!("noticed after {so_far} years, {:?}, {kind}", plan.way);
            }
        }
        assert!(known.is_none() || told.is_empty());
        if so_far >= years {
            return;
        }
    }
}

/// What the command says that runs it.
#[expect(clippy::disallowed_methods, reason = "told by `cargo xtask`")]
fn told(name: &str) -> Option<String> {
    std::env::var(format!("TIDINGS_TRUTH_{name}")).ok()
}

fn number(name: &str) -> u64 {
    told(name).unwrap().parse().unwrap()
}

/// Customers of one world that are lived for long. What happens to one costs less the fewer there are, and a world something by itself.
const fn together(leg: Leg) -> u64 {
    match leg {
        Leg::Whole => 12,
        Leg::Short => 60,
    }
}

/// Of so many worlds that are told shortly, all is derived again in one.
const DERIVED_AGAIN: usize = 10;

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

    const fn years(&self) -> u64 {
        self.lived * LASTS_DAYS / 365
    }

    fn report(&self) -> String {
        let years = self.years() as f64;
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

/// A world: whose lives are lived in it, and how they are told.
struct World {
    market: Market,
    plan: Plan,
}

/// The share of a world that is never lived.
const NEVER: usize = 0;

/// Worlds without end: every store in every way with one seed, then with the next. Of each `share` one is told to all of Tidings, and of
/// which store and in which way is another one each time.
fn worlds(seed: u64, share: usize) -> impl Iterator<Item = World> {
    let all = (seed..).flat_map(|seed| {
        let ways = Market::ALL.into_iter().flat_map(|market| {
            let open = Way::ALL
                .into_iter()
                .filter(move |way| way.is_open_to(market));
            open.map(move |way| (market, way))
        });
        ways.map(move |(market, way)| (market, way, seed))
    });
    all.zip(1..).map(move |((market, way, seed), number)| {
        let is_whole = usize::is_multiple_of(number, share);
        let leg = if is_whole { Leg::Whole } else { Leg::Short };
        let plan = Plan {
            is_derived_again: is_whole || number.is_multiple_of(DERIVED_AGAIN),
            ..plan(way, leg, seed)
        };
        World { market, plan }
    })
}

/// Lives as many years as asked for, and reports the pace and what differs. Each of several threads has a world of its own.
#[test]
#[ignore = "as long as asked for: cargo xtask truth"]
#[expect(clippy::print_stdout, reason = "a report")]
fn years() {
    let (years, seed) = (number("YEARS"), number("SEED"));
    let share = usize::try_from(number("SHARE")).unwrap();
    let (next, known) = (Mutex::new(worlds(seed, share)), Known::default());
    let (report, pace) = (Mutex::new(String::new()), Mutex::new(Pace::begin()));
    let live = || {
        loop {
            let World { market, plan } = next.lock().unwrap().next().unwrap();
            let count = together(plan.leg);
            let differs =
                runtime(plan.leg).block_on(differs((market, Kinds::All), plan, count, &known));
            *report.lock().unwrap() += &differs;
            let mut pace = pace.lock().unwrap();
            if let Some(line) = pace.lived(count) {
                println!("{line}");
            }
            if pace.years() >= years {
                return;
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(live);
        }
    });
    println!("{}", pace.into_inner().unwrap().report());
    let report = report.into_inner().unwrap();
    assert!(report.is_empty(), "{report}");
}

/// Nothing of what is kept in memory waits for another thread.
fn runtime(leg: Leg) -> Runtime {
    let mut builder = match leg {
        Leg::Whole => Builder::new_multi_thread(),
        Leg::Short => Builder::new_current_thread(),
    };
    builder.enable_all().build().unwrap()
}
