//! What goes wrong around a server, one thing at a time under a steady load: what is lost, and how long until all is as before.
//!
//! `cargo xtask chaos --scenarios` runs all of it and writes the table of docs/reliability.md.

use crate::{
    disk_full::limit,
    harm::{build, report, say},
    nodes::given,
    server::{Server, client, now, until},
    trial::{Load, Trial},
};
use serde_json::json;
use simulator::Random;
use std::time::{Duration, Instant};

/// How long rates are measured before and after.
const WHILE: Duration = Duration::from_secs(8);
/// Once a rate over so long is nine tenths of that before, it is back.
const GLANCE: Duration = Duration::from_secs(2);

/// In seconds.
const AN_HOUR: i64 = 3_600;

#[derive(Debug, Clone, Copy)]
enum Scenario {
    KilledOnce,
    KilledTenTimes,
    StoppedAndStarted,
    BacklogHeld,
    SlowReaders,
    ClockAhead,
    ClockBack,
    DiskFull,
    DatabaseRestarted,
    BackendsKilled,
    PoolExhausted,
}

impl Scenario {
    const SQLITE: &[Self] = &[
        Self::KilledOnce,
        Self::KilledTenTimes,
        Self::StoppedAndStarted,
        Self::BacklogHeld,
        Self::SlowReaders,
        Self::ClockAhead,
        Self::ClockBack,
        Self::DiskFull,
    ];
    const POSTGRES: &[Self] = &[
        Self::KilledOnce,
        Self::KilledTenTimes,
        Self::StoppedAndStarted,
        Self::BacklogHeld,
        Self::SlowReaders,
        Self::ClockAhead,
        Self::ClockBack,
        Self::DatabaseRestarted,
        Self::BackendsKilled,
        Self::PoolExhausted,
    ];

    const fn says(self) -> &'static str {
        match self {
            Self::KilledOnce => "the server is killed",
            Self::KilledTenTimes => "the server is killed ten times",
            Self::StoppedAndStarted => "the server is stopped and started",
            Self::BacklogHeld => "the integration is paused for 10 s",
            Self::SlowReaders => "20 readers of the stream do not read",
            Self::ClockAhead => "the clock jumps an hour ahead",
            Self::ClockBack => "the clock jumps an hour back",
            Self::DiskFull => "the disk is full for 5 s",
            Self::DatabaseRestarted => "the database is restarted",
            Self::BackendsKilled => "every backend of the database is killed",
            Self::PoolExhausted => "every connection waits for a lock for 4 s",
        }
    }

    /// Does it, and undoes what can be undone.
    async fn happen(self, trial: &mut Trial) {
        match self {
            Self::KilledOnce => {
                trial.server.kill();
                trial.start_again();
            }
            Self::KilledTenTimes => {
                let mut random = Random::new(1);
                for _ in 0..10 {
                    trial.server.kill();
                    trial.start_again();
                    tokio::time::sleep(Duration::from_millis(random.below(1_000))).await;
                }
            }
            Self::StoppedAndStarted => {
                Server::ask_to_stop(&trial.server);
                tokio::task::block_in_place(|| trial.server.process.wait()).unwrap();
                trial.start_again();
            }
            Self::BacklogHeld => {
                pause(trial, true).await;
                tokio::time::sleep(Duration::from_secs(10)).await;
                pause(trial, false).await;
            }
            Self::SlowReaders => slow_readers(trial).await,
            Self::ClockAhead => trial.move_clock(AN_HOUR),
            Self::ClockBack => trial.move_clock(0),
            Self::DiskFull => {
                limit(&trial.server, "1");
                tokio::time::sleep(Duration::from_secs(5)).await;
                limit(&trial.server, "unlimited");
            }
            Self::DatabaseRestarted => {
                let cluster = trial.cluster.as_ref().unwrap();
                tokio::task::block_in_place(|| cluster.restart()).unwrap();
            }
            Self::BackendsKilled => {
                sql(
                    trial,
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tidings'",
                );
            }
            Self::PoolExhausted => {
                sql(
                    trial,
                    "begin; lock table customers, deliveries in access exclusive mode; select pg_sleep(4); commit",
                );
            }
        }
    }
}

fn sql(trial: &Trial, statements: &str) {
    let cluster = trial.cluster.as_ref().unwrap();
    let database = "t0";
    tokio::task::block_in_place(|| cluster.run_sql(database, statements)).unwrap();
}

async fn pause(trial: &Trial, paused: bool) {
    let body = json!({ "destination": "webhook", "paused": paused });
    let path = "/projects/acme/integrations/backend";
    let (status, said) = trial.api.send("PUT", path, Some(body)).await;
    assert_eq!(status, 200, "{said}");
}

/// They ask for the stream, and never take what comes; what is answered to them is kept until the trial is over.
pub(crate) async fn slow_readers(trial: &Trial) {
    let url = format!("{}/api/v1/projects/acme/events/stream", trial.server.url);
    let key = trial.site.run(&["keys", "create", "--name", "reader"]);
    for _ in 0..20 {
        let asked = client().get(&url).bearer_auth(&key).send().await.unwrap();
        assert_eq!(asked.status(), 200);
        // Neither read nor closed.
        std::mem::forget(asked);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
}

/// A server under load, before anything goes wrong.
async fn begun(ledger: &str, scenario: Scenario, per_second: u64) -> (Trial, Load) {
    let trial = Trial::begin(ledger).await;
    if matches!(scenario, Scenario::ClockBack) {
        // From being wrong to being right: what stores sign is of the right time.
        trial.move_clock(AN_HOUR);
        tokio::time::sleep(GLANCE).await;
    }
    let load = Load::offer(&trial.server.callback, per_second, 0);
    (trial, load)
}

/// Nothing is lost, nobody was overtaken, and all that always holds does. Answers how many events there are, and what came twice.
async fn ended(mut trial: Trial, load: &Load) -> (usize, usize) {
    let events = trial.look(load).await;
    let received = trial.receiver.received();
    let times: u32 = received.events.values().sum();
    let repeated = times as usize - received.events.len();
    drop(received);
    trial.server.kill();
    assert!(trial.site.run(&["verify"]).ends_with(" 0 findings"));
    (events, repeated)
}

/// A line of the table.
async fn try_out(ledger: &str, scenario: Scenario, per_second: u64) -> String {
    let (mut trial, load) = begun(ledger, scenario, per_second).await;
    trial.rate(WHILE).await;
    let before = trial.rate(WHILE).await;
    let began = Instant::now();
    scenario.happen(&mut trial).await;
    let lasted = began.elapsed();
    let mended = Instant::now();
    while trial.rate(GLANCE).await < before * 0.9 {
        assert!(
            mended.elapsed() < Duration::from_secs(300),
            "it never recovers"
        );
    }
    let back = mended.elapsed().saturating_sub(GLANCE);
    let after = trial.rate(WHILE).await;
    load.end().await;
    let stopped = Instant::now();
    trial.look(&load).await;
    let settled = stopped.elapsed();
    let (events, repeated) = ended(trial, &load).await;
    format!(
        "| {} | {} | {ledger} | {} | {before:.0} | {:.1} | {:.1} | {:.0} % | {} | {events} | 0 | 0 | {repeated} | {:.1} |\n",
        now().strftime("%Y-%m-%d"),
        build(),
        scenario.says(),
        lasted.as_secs_f64(),
        back.as_secs_f64(),
        after * 100.0 / before,
        load.refused(),
        settled.as_secs_f64(),
    )
}

/// The same, without a clock in the hand.
async fn survives(ledger: &str, scenarios: &[Scenario]) {
    for scenario in scenarios {
        let (mut trial, load) = begun(ledger, *scenario, 10).await;
        let heard = async |trial: &Trial| {
            let enough = trial.receiver.requests() + 20;
            until("it delivers", || async {
                trial.receiver.requests() >= enough
            })
            .await;
        };
        heard(&trial).await;
        scenario.happen(&mut trial).await;
        heard(&trial).await;
        load.end().await;
        ended(trial, &load).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_around_a_server_nothing_is_lost() {
    let scenarios = [
        Scenario::BacklogHeld,
        Scenario::SlowReaders,
        Scenario::ClockAhead,
        Scenario::ClockBack,
    ];
    survives("sqlite", &scenarios).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_its_database_does_nothing_is_lost() {
    let scenarios = [
        Scenario::DatabaseRestarted,
        Scenario::BackendsKilled,
        Scenario::PoolExhausted,
    ];
    survives("postgres", &scenarios).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`cargo xtask chaos --scenarios` runs it"]
async fn scenarios() {
    let per_second = given("TIDINGS_CHAOS_RATE", 20);
    #[expect(clippy::disallowed_methods, reason = "set by `cargo xtask chaos`")]
    let [ledger, only] =
        ["TIDINGS_CHAOS_LEDGER", "TIDINGS_CHAOS_ONLY"].map(|name| std::env::var(name).unwrap());
    let scenarios = if ledger == "sqlite" {
        Scenario::SQLITE
    } else {
        Scenario::POSTGRES
    };
    for scenario in scenarios.iter().filter(|one| one.says().contains(&only)) {
        say(scenario.says());
        let line = try_out(&ledger, *scenario, per_second).await;
        say(line.trim_end());
        report("scenarios", &line);
    }
}
