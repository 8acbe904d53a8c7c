//! A server under a steady load, for long, with readers of its streams that do not read: memory and the log of its database stay
//! what they were. `cargo xtask soak` runs it.

use crate::{
    harm::{build, report, say},
    nodes::given,
    scenarios::slow_readers,
    server::now,
    trial::{Load, Trial},
};
use std::time::{Duration, Instant};

/// How often it is looked at.
const LOOKS: Duration = Duration::from_secs(10);
/// What the log of the database may have, in MiB: it is cut back to 64, and may grow while it is copied.
const LOG_MIB: f64 = 128.0;

/// What it has at a moment, in MiB.
#[derive(Debug, Clone, Copy)]
struct Look {
    resident: f64,
    log: f64,
    data: f64,
}

impl Look {
    fn at(trial: &Trial) -> Self {
        let process = trial.server.process.id();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let mut lines = status.lines();
        let line = lines.find(|line| line.starts_with("VmRSS")).unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        let of = |name: &str| {
            let file = trial.site.directory.join("data").join(name);
            std::fs::metadata(file).map_or(0.0, |file| file.len() as f64 / f64::from(1 << 20))
        };
        Self {
            resident: kib / 1024.0,
            log: of("tidings.db-wal"),
            data: of("tidings.db"),
        }
    }
}

/// The most it has in a part of the looks, counted in percent.
fn most(looks: &[Look], part: std::ops::Range<usize>, of: impl Fn(&Look) -> f64) -> f64 {
    let (from, to) = (part.start * looks.len() / 100, part.end * looks.len() / 100);
    looks[from..to].iter().map(of).fold(0.0, f64::max)
}

/// First purchases a second, half as many as it can take.
async fn half_of_what_it_takes(trial: &Trial) -> u64 {
    // More than it can take, for a while: what arrives is what it can take.
    let all_it_can = Load::offer(&trial.server.callback, 1_000, 0);
    trial.rate(Duration::from_secs(5)).await;
    let before = all_it_can.accepted().len();
    tokio::time::sleep(Duration::from_secs(15)).await;
    let most_a_second = (all_it_can.accepted().len() - before) as u64 / 15;
    all_it_can.end().await;
    say(&format!("{most_a_second} a second are accepted at most"));
    (most_a_second / 2).max(1)
}

/// Looks at what is left, with a server and without; answers how many events there are.
async fn looked_at(trial: &mut Trial, load: &Load) -> usize {
    let began = Instant::now();
    let events = trial.look(load).await;
    say(&format!("looked at by its API in {:?}", began.elapsed()));
    trial.server.kill();
    let began = Instant::now();
    let verified = trial.site.run(&["verify"]);
    say(&format!("{verified}\nverified in {:?}", began.elapsed()));
    assert!(verified.ends_with(" 0 findings"));
    events
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`cargo xtask soak` runs it"]
async fn soak() {
    let lasts = Duration::from_secs(given("TIDINGS_SOAK_SECONDS", 1_800));
    let mut trial = Trial::begin("sqlite").await;
    let rate = match given("TIDINGS_SOAK_RATE", 0) {
        0 => half_of_what_it_takes(&trial).await,
        rate => rate,
    };
    slow_readers(&trial).await;
    let load = Load::offer(&trial.server.callback, rate, 1 << 32);
    let (began, mut looks) = (Instant::now(), Vec::new());
    while began.elapsed() < lasts {
        tokio::time::sleep(LOOKS).await;
        let look = Look::at(&trial);
        say(&format!("{} s: {look:?}", began.elapsed().as_secs()));
        looks.push(look);
    }
    let accepted = load.accepted().len();
    load.end().await;
    let events = looked_at(&mut trial, &load).await;
    let (early, late) = (
        most(&looks, 20..50, |look| look.resident),
        most(&looks, 50..100, |look| look.resident),
    );
    let log = most(&looks, 0..100, |look| look.log);
    let data = most(&looks, 0..100, |look| look.data);
    let line = format!(
        "| {} | {} | {} | {rate} | {accepted} | {events} | {early:.0} | {late:.0} | {log:.0} | {data:.0} |\n",
        now().strftime("%Y-%m-%d"),
        build(),
        lasts.as_secs() / 60,
    );
    report("soak", &line);
    assert!(log < LOG_MIB, "the log has {log} MiB");
    // An allocator keeps some of what it was given back; what leaks comes with every message.
    assert!(
        late < early * 1.15 + 8.0,
        "{early} MiB at most in the first half, {late} in the second"
    );
}
