//! Killed at any moment under load, nothing accepted is lost, nothing is told twice and nobody is overtaken.
//!
//! `cargo xtask chaos --kills` kills more often, on either ledger.

use crate::{
    autopsy,
    harm::{Row, build, say},
    lanes::wanted,
    nodes::given,
    server::{Api, Server, Site, live, now, unless_silent, until, webhook},
    told::{Told, a_receiver, cluster},
};
use jiff::SignedDuration;
use serde_json::Value;
use simulator::{Behaviour, Channel, Driver, Random, Receiver, Report};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use throwaway::Cluster;
use tokio::task::JoinSet;

/// Customers whose lives begin together, and how many such lots live at a time.
const TOGETHER: u64 = 12;
const LOTS: usize = 8;
/// Attempts that may be under way when a server dies.
const UNDER_WAY: u64 = 64;
/// A ledger is killed so often, then it is looked at, and a new one takes its place.
const A_LEDGER: u64 = 50;

/// What came of it.
#[derive(Debug, Default)]
struct Outcome {
    kills: u64,
    messages: u64,
    refused: u64,
    events: usize,
    deliveries: usize,
    repeated: u64,
    took: Duration,
}

impl Outcome {
    fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.messages += other.messages;
        self.refused += other.refused;
        self.events += other.events;
        self.deliveries += other.deliveries;
        self.repeated += other.repeated;
        self.took += other.took;
    }

    /// The row of the table.
    fn row(&self, ledger: &str, seed: u64) -> String {
        let Self {
            kills,
            messages,
            refused,
            events,
            deliveries,
            repeated,
            took,
        } = self;
        format!(
            "| {} | {} | {ledger} | {seed} | {kills} | {messages} | {refused} | 0 | {events} | 0 | {deliveries} | 0 | 0 | {repeated} | {} |\n",
            now().strftime("%Y-%m-%d"),
            build(),
            took.as_secs(),
        )
    }
}

/// Where a server is killed.
struct Scene<'a> {
    site: &'a Site,
    cluster: Option<&'a Cluster>,
    receivers: [(&'a str, &'a Receiver); 2],
}

impl Scene<'_> {
    fn seen(&self, server: &Server) -> String {
        autopsy::seen(self.site, server, self.cluster)
    }
}

/// Lives are lived, some at a time, until it is enough and the last of them is over. Answers how much was sent, and what became of it.
async fn live_on(driver: Driver, enough: Arc<AtomicBool>) -> (u64, Report) {
    let mut lots = JoinSet::new();
    let (mut next, mut sent, mut all) = (0, 0, Report::default());
    loop {
        while lots.len() < LOTS && !enough.load(Ordering::Acquire) {
            let begun = now();
            let numbers = next..next + TOGETHER;
            let spread = SignedDuration::from_secs(1);
            let turns = driver.script(Channel::Apple, numbers, begun, spread, 6);
            sent += turns.iter().filter(|turn| turn.tells).count() as u64;
            let driver = driver.clone();
            let patience = Duration::from_secs(240);
            lots.spawn(async move { driver.run(turns, begun, 48, patience).await.unwrap() });
            next += TOGETHER;
        }
        let Some(report) = lots.join_next().await else {
            return (sent, all);
        };
        let report = report.unwrap();
        all.accepted.extend(report.accepted);
        all.messages += report.messages;
        all.refused += report.refused;
    }
}

/// Kills the server of a site so often while customers live, then looks at what is left.
async fn killed(scene: &Scene<'_>, kills: u64, seed: u64) -> Outcome {
    let Scene {
        site, receivers, ..
    } = scene;
    let began = Instant::now();
    let mut random = Random::new(seed);
    let mut server = site.serve();
    // The port stays, so that the store finds the server again.
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut driver = server.driver(10, seed);
    driver.in_turn = true;
    let enough = Arc::new(AtomicBool::new(false));
    let living = tokio::spawn(live_on(driver, Arc::clone(&enough)));
    let (_, healthy) = receivers[0];
    for _ in 0..kills {
        // In the midst of something: so many more deliveries were heard of since it was started.
        let heard = healthy.requests() + 1 + random.below(40);
        let is_so = || {
            assert!(!living.is_finished(), "nobody lives any more");
            healthy.requests() >= heard
        };
        unless_silent(healthy, is_so, || scene.seen(&server)).await;
        server = tokio::task::block_in_place(|| {
            server.kill();
            site.serve_at(&address)
        });
    }
    enough.store(true, Ordering::Release);
    let (sent, report) = living.await.unwrap();
    assert_eq!(
        report.messages, sent,
        "the store got every notification accepted in the end"
    );
    assert!(report.refused > 0, "the kills were felt");

    let api = Api::new(site, &server, &[]);
    let events = api.events().await;
    let mut whole = Whole::default();
    for event in &events {
        whole.take(event);
    }
    nothing_lost(&events, &report.accepted);
    let mut deliveries = 0;
    for (key, receiver) in receivers {
        let mut missing = wanted(&events, key);
        deliveries += missing.len();
        let all_arrived = || {
            let received = receiver.received();
            missing.retain(|id| !received.events.contains_key(*id));
            missing.is_empty()
        };
        unless_silent(receiver, all_arrived, || scene.seen(&server)).await;
        let received = receiver.received();
        // A delivery has one id, however often it was sent: as many ids as events.
        assert_eq!(received.accepted.len(), received.events.len());
        assert_eq!(
            received.overtaken,
            [],
            "first attempts of {key}, seed {seed}"
        );
    }
    let times = healthy.received().events.values().sum::<u32>();
    let repeated = u64::from(times) - healthy.received().events.len() as u64;
    let most = kills * UNDER_WAY;
    assert!(repeated <= most, "{repeated} repeats for {kills} kills");
    drop(server);
    assert!(site.run(&["doctor"]).contains("is intact"));
    assert!(site.run(&["verify"]).ends_with(" 0 findings"));
    Outcome {
        kills,
        messages: report.messages,
        refused: report.refused,
        events: events.len(),
        deliveries,
        repeated,
        took: began.elapsed(),
    }
}

/// Every event exactly once, and each customer's numbered without gaps, in the order of the feed: looked at one by one.
#[derive(Default)]
pub(crate) struct Whole {
    keys: BTreeSet<(String, String)>,
    last: BTreeMap<String, u64>,
}

impl Whole {
    pub(crate) fn take(&mut self, event: &Value) {
        let customer = event["customer"]["id"].as_str().unwrap().to_owned();
        let key = event["key"].as_str().unwrap().to_owned();
        let seq = event["customer_seq"].as_u64().unwrap();
        let last = self.last.entry(customer.clone()).or_default();
        assert_eq!(seq, *last + 1, "of {customer}, {key}");
        *last = seq;
        let told = format!("told twice: {key}");
        assert!(self.keys.insert((customer, key)), "{told}");
    }
}

/// The transaction whose charge an event tells of, as its store calls it.
pub(crate) fn charge(event: &Value) -> Option<&str> {
    let (_, transaction) = event["key"].as_str()?.split_once("charged:")?;
    Some(transaction)
}

/// Every transaction that was accepted and charged has its event.
fn nothing_lost(events: &[Value], accepted: &BTreeSet<String>) {
    let charged: BTreeSet<&str> = events.iter().filter_map(charge).collect();
    // Only subscriptions that a family member pays have none: then the customer has no other charge of a subscription.
    let subscriptions: BTreeSet<&str> = events
        .iter()
        .filter(|event| event["kind"] != "non_subscription_purchase")
        .filter_map(charge)
        .collect();
    let without = accepted.iter().filter(|id| !charged.contains(id.as_str()));
    for transaction in without {
        let customer = transaction.get(..transaction.len() - 4).unwrap();
        let first = subscriptions.range(customer..).next();
        assert!(
            !first.is_some_and(|charged| charged.starts_with(customer)),
            "{transaction} was accepted but has no event"
        );
    }
}

/// A new ledger is killed so often.
async fn kill(ledger: &str, kills: u64, seed: u64) -> Outcome {
    let healthy = a_receiver(Behaviour::Healthy).await;
    let failing = a_receiver(Behaviour::Failing(10)).await;
    let hooks = [
        webhook("backend", &healthy.url),
        webhook("billing", &failing.url),
    ];
    let receivers = [("backend", &healthy), ("billing", &failing)];
    let cluster = match ledger {
        "sqlite" => None,
        "postgres" => Some(cluster().await),
        other => panic!("{other:?}: sqlite or postgres"),
    };
    let site = match &cluster {
        None => Site::new(&hooks),
        Some(cluster) => {
            let url = tokio::task::block_in_place(|| cluster.database()).unwrap();
            Site::on_postgres(url, &hooks)
        }
    };
    let scene = Scene {
        site: &site,
        cluster: cluster.as_ref(),
        receivers,
    };
    killed(&scene, kills, seed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_between_state_and_event_and_anywhere_else() {
    kill("sqlite", 20, 20_261_121).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`cargo xtask chaos --kills` runs it"]
async fn kills() {
    let (kills, seed) = (
        given("TIDINGS_CHAOS_KILLS", 100),
        given("TIDINGS_CHAOS_SEED", 1),
    );
    #[expect(clippy::disallowed_methods, reason = "set by `cargo xtask chaos`")]
    let ledger = std::env::var("TIDINGS_CHAOS_LEDGER").unwrap();
    let (mut all, mut row) = (Outcome::default(), Row::of("kills"));
    while all.kills < kills {
        let some = A_LEDGER.min(kills - all.kills);
        let outcome = kill(&ledger, some, seed + all.kills).await;
        all.add(&outcome);
        say(&format!("{} of {kills}: {outcome:?}", all.kills));
        row.write(&all.row(&ledger, seed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_when_it_was_killed_waits_for_no_lease() {
    let Told {
        receiver,
        site,
        mut server,
        ..
    } = Told::to(Behaviour::Slow(Duration::from_secs(3))).await;
    live(&server.driver(5, 5), 0..1, 1, 1).await;
    // The endpoint shows whose it is, then the first attempt.
    until("an attempt is under way", || async {
        receiver.requests() >= 2
    })
    .await;
    server.kill();
    let server = site.serve();
    assert!(site.log().contains("is due again"), "{}", site.log());
    let api = Api::new(&site, &server, &[]);
    until("it is delivered", || async {
        let pending = api.get("/projects/acme/deliveries?state=pending").await;
        pending["data"].as_array().unwrap().is_empty()
    })
    .await;
}
