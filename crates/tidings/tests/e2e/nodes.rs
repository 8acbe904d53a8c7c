//! Three nodes on one PostgreSQL with a standby, in a storm while customers live.
//!
//! Beside them an undisturbed server on SQLite hears the same lives. At the end both have told the same events, and every delivery
//! arrived. `cargo xtask chaos` runs the long form.

use crate::{
    harm::{Harm, Nodes, build, hurt, report},
    lanes::{Lanes, wanted},
    server::{Api, Server, Site, now, until, webhook},
    told::{a_receiver, cluster},
};
use jiff::SignedDuration;
use serde_json::Value;
use simulator::{Behaviour, Channel, Driver, Turn};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use throwaway::{Cluster, Pair};
use tokio::net::{TcpListener, TcpStream};

/// What a load balancer does: connections go round, past nodes that refuse them.
struct Front {
    url: String,
}

impl Front {
    async fn start(nodes: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (nodes, turn) = (Arc::new(nodes), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let (nodes, turn) = (Arc::clone(&nodes), Arc::clone(&turn));
                tokio::spawn(async move {
                    let first = turn.fetch_add(1, Ordering::Relaxed);
                    for index in first..first + nodes.len() {
                        if let Ok(mut to) = TcpStream::connect(&nodes[index % nodes.len()]).await {
                            drop(tokio::io::copy_bidirectional(&mut from, &mut to).await);
                            return;
                        }
                    }
                });
            }
        });
        Self { url }
    }
}

/// How long, how many, and how they were hurt.
struct Storm {
    customers: u64,
    messages: usize,
    lasts: Duration,
    day: SignedDuration,
    seed: u64,
    /// Once in so long the primary of the database dies.
    fails_over: Duration,
}

/// What came of it.
#[derive(Debug)]
struct Outcome {
    harm: Harm,
    messages: u64,
    refused: u64,
    events: usize,
    deliveries: usize,
    repeated: u32,
    took: Duration,
}

/// What an event is, whoever tells it when. Access that ends by the clock is told when somebody looks: of that, what counts is
/// where it ends.
fn told(events: &[Value]) -> BTreeMap<String, u32> {
    let mut counted = BTreeMap::new();
    let mut access: BTreeMap<String, String> = BTreeMap::new();
    for event in events {
        let (who, key) = (
            &event["customer"]["app_user_id"],
            event["key"].as_str().unwrap(),
        );
        if event["kind"] == "access_level_updated" {
            let mut parts: Vec<&str> = key.split(':').collect();
            let level = parts[3].to_owned();
            parts.remove(5);
            access.insert(format!("{who} {level}"), parts.join(":"));
        } else {
            let what = format!("{who} {key} {} {}", event["kind"], event["occurred_at"]);
            *counted.entry(what).or_default() += 1;
        }
    }
    counted.extend(
        access
            .into_iter()
            .map(|(whose, state)| (format!("{whose} {state}"), 1)),
    );
    counted
}

fn script(driver: &Driver, storm: &Storm, begun: jiff::Timestamp) -> Vec<Turn> {
    let spread = SignedDuration::try_from(storm.lasts).unwrap();
    driver.script(
        Channel::Apple,
        0..storm.customers,
        begun,
        spread,
        storm.messages,
    )
}

async fn weather(storm: &Storm) -> Outcome {
    let pair = tokio::task::spawn_blocking(Pair::start)
        .await
        .unwrap()
        .unwrap();
    let lanes = Lanes::open().await;
    let site = Site::on_postgres(pair.url(), &lanes.hooks());
    let nodes = Nodes::start(&site);
    let front = Front::start(nodes.addresses.clone()).await;
    let mut driver = nodes.with(0, |node| node.driver(1, storm.seed));
    let path = nodes.with(0, |node| {
        let path = node.callback.trim_start_matches(&node.url);
        path.to_owned()
    });
    driver.pace.day = storm.day;
    driver.in_turn = true;
    driver
        .urls
        .insert(Channel::Apple, format!("{}{path}", front.url));

    let calm_site = Site::new(&[]);
    let calm = calm_site.serve();
    let mut calm_driver = calm.driver(1, storm.seed);
    calm_driver.pace.day = storm.day;
    calm_driver.in_turn = true;

    let (began, begun) = (Instant::now(), now());
    let turns = script(&driver, storm, begun);
    let sent = turns.iter().filter(|turn| turn.tells).count() as u64;
    let calm_turns = script(&calm_driver, storm, begun);
    let patience = Duration::from_secs(120);
    let living = driver.run(turns, begun, 64, patience);
    let calm_living = calm_driver.run(calm_turns, begun, 64, patience);
    let hurting = hurt(&nodes, &pair, storm.lasts, storm.fails_over, storm.seed);
    let (report, calm_report, harm) = tokio::join!(living, calm_living, hurting);
    let (report, calm_report) = (report.unwrap(), calm_report.unwrap());
    assert_eq!(
        (report.messages, calm_report.messages),
        (sent, sent),
        "every message is accepted in the end"
    );

    let api = nodes.with(0, |node| Api::new(&site, node, &[]));
    let calm_api = Api::new(&calm_site, &calm, &[]);
    let mut events = Vec::new();
    let end = Instant::now() + Duration::from_secs(200);
    loop {
        let (hurt, calm) = (told(&api.events().await), told(&calm_api.events().await));
        if hurt == calm {
            break;
        }
        let only = |these: &BTreeMap<String, u32>, those: &BTreeMap<String, u32>| -> Vec<String> {
            let differ = these
                .iter()
                .filter(|(what, times)| those.get(*what) != Some(*times));
            differ
                .map(|(what, times)| format!("{times} x {what}"))
                .collect()
        };
        assert!(
            Instant::now() < end,
            "told here only: {:#?}\ntold by the undisturbed only: {:#?}",
            only(&hurt, &calm),
            only(&calm, &hurt)
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    events.extend(api.events().await);
    assert!(
        told(&events).values().all(|times| *times == 1),
        "every event exactly once"
    );
    let ids: BTreeSet<&str> = events
        .iter()
        .filter_map(|event| event["id"].as_str())
        .collect();
    assert_eq!(ids.len(), events.len());
    let mut seqs: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for event in &events {
        let customer = event["customer"]["id"].as_str().unwrap();
        seqs.entry(customer)
            .or_default()
            .push(event["customer_seq"].as_u64().unwrap());
    }
    for (customer, seqs) in &seqs {
        let in_order: Vec<u64> = (1..=seqs.len() as u64).collect();
        assert_eq!(
            *seqs, in_order,
            "the feed has the events of {customer} in order, without gaps"
        );
    }

    let deliveries = lanes.all_arrived(&api, &events).await;
    let repeated = lanes.repeated();
    // What was under way when a node died or lost its database may be sent again, with the id it had.
    let under_way = 64;
    let most = harm.count() * under_way;
    assert!(
        u64::from(repeated) <= most,
        "{repeated} repeats, at most {most} can be explained by {harm:?}"
    );
    Outcome {
        harm,
        messages: report.messages,
        refused: report.refused,
        events: events.len(),
        deliveries,
        repeated,
        took: began.elapsed(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_in_a_storm_lose_nothing_and_double_nothing() {
    let storm = Storm {
        customers: 120,
        messages: 6,
        lasts: Duration::from_secs(15),
        day: SignedDuration::from_millis(60),
        seed: 20_261_126,
        fails_over: Duration::from_secs(9),
    };
    let outcome = weather(&storm).await;
    assert!(outcome.harm.each().iter().all(|times| *times > 0));
    assert!(outcome.refused > 0, "it was felt: {outcome:?}");
}

/// Deliveries whose turn it is, and that are not due: some node holds them.
fn held(cluster: &Cluster, url: &str) -> usize {
    let sql = "select count(*) from deliveries where status = 0 and turn = 1
               and due_at > extract(epoch from clock_timestamp()) * 1000000";
    counted(cluster, url, sql)
}

fn counted(cluster: &Cluster, url: &str, sql: &str) -> usize {
    let database = url.rsplit('/').next().unwrap();
    let answer = cluster.run_sql(database, sql).unwrap();
    answer.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_replaced_one_by_one_and_nothing_waits_or_comes_twice() {
    let cluster = cluster().await;
    // Slow enough that something is always queued behind something that is under way.
    let slow = a_receiver(Behaviour::Slow(Duration::from_millis(150))).await;
    let url = tokio::task::block_in_place(|| cluster.database()).unwrap();
    let site = Site::on_postgres(url.clone(), &[webhook("backend", &slow.url)]);
    let mut nodes: Vec<Server> = (0..3).map(|_| site.serve()).collect();
    let addresses: Vec<String> = nodes
        .iter()
        .map(|node| node.url.trim_start_matches("http://").to_owned())
        .collect();
    let front = Front::start(addresses.clone()).await;
    let path = nodes[0]
        .callback
        .trim_start_matches(&nodes[0].url)
        .to_owned();
    let mut driver = nodes[0].driver(20, 5);
    driver
        .urls
        .insert(Channel::Apple, format!("{}{path}", front.url));
    driver.in_turn = true;
    let (begun, spread) = (now(), SignedDuration::from_secs(5));
    let turns = driver.script(Channel::Apple, 0..200, begun, spread, 3);
    let living = driver.run(turns, begun, 64, Duration::from_secs(120));
    let more_arrive = async || {
        let before = slow.received().events.len();
        until("more arrive", || async {
            slow.received().events.len() > before + 50
        })
        .await;
    };
    let replacing = async {
        for (number, address) in addresses.iter().enumerate() {
            more_arrive().await;
            let old = nodes.remove(number);
            let fresh = tokio::task::block_in_place(|| {
                old.stop();
                site.serve_at(address)
            });
            nodes.insert(number, fresh);
        }
        // All at once, in the middle of it: what is held now is held by nobody.
        more_arrive().await;
        tokio::task::block_in_place(|| {
            nodes.iter().for_each(Server::ask_to_stop);
            nodes.drain(..).for_each(Server::stop);
            let left = counted(
                &cluster,
                &url,
                "select count(*) from deliveries where status = 0",
            );
            assert!(left > 0, "they were busy");
            assert_eq!(held(&cluster, &url), 0, "of {left}");
            nodes.extend(addresses.iter().map(|address| site.serve_at(address)));
        });
    };
    let (report, ()) = tokio::join!(living, replacing);
    report.unwrap();
    let api = Api::new(&site, &nodes[0], &[]);
    let events = api.events().await;
    let wanted = wanted(&events, "backend");
    until("everything is delivered", || async {
        slow.received().events.len() >= wanted.len()
    })
    .await;
    assert!(slow.received().events.values().all(|times| *times == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_moves_from_sqlite_to_postgres_and_lives_on() {
    let receiver = a_receiver(Behaviour::Healthy).await;
    let mut site = Site::new(&[webhook("backend", &receiver.url)]);
    let server = site.serve();
    let driver = server.driver(20, 4);
    let live = async |driver: &Driver, numbers| {
        let turns = driver.script(
            Channel::Apple,
            numbers,
            now(),
            SignedDuration::from_millis(300),
            6,
        );
        driver
            .run(turns, now(), 16, Duration::from_secs(120))
            .await
            .unwrap();
    };
    live(&driver, 0..20).await;
    let before = Api::new(&site, &server, &[]).events().await;
    until("everything is delivered", || async {
        receiver.received().events.len() == wanted(&before, "backend").len()
    })
    .await;
    let address = server.url.trim_start_matches("http://").to_owned();
    drop(server);

    let cluster = cluster().await;
    let url = tokio::task::block_in_place(|| cluster.database()).unwrap();
    let words = ["copy", "--from", "sqlite:data", "--to", &url];
    let said = site.run(&words);
    assert!(
        said.contains("Everything was copied") && !said.contains("FAIL"),
        "{said}"
    );
    let again = site.command(&words).output().unwrap();
    let complaint = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        !again.status.success() && complaint.contains("holds an installation already"),
        "{complaint}"
    );

    site.move_to(url);
    let server = site.serve_at(&address);
    let api = Api::new(&site, &server, &[]);
    let after = api.events().await;
    let stands = |events: &[Value]| -> Vec<(Value, Value, Value)> {
        let of = |event: &Value| {
            (
                event["position"].clone(),
                event["id"].clone(),
                event["integrations"].clone(),
            )
        };
        events.iter().map(of).collect()
    };
    assert_eq!(
        stands(&after),
        stands(&before),
        "the same events, in the same places, as they stood"
    );
    // Its store finds it where it was, and tells of new customers.
    live(&driver, 100..110).await;
    let later = api.events().await;
    assert!(later.len() > before.len());
    assert!(
        told(&later).values().all(|times| *times == 1),
        "nothing is told again"
    );
    until("what is new is delivered", || async {
        receiver.received().events.len() == wanted(&later, "backend").len()
    })
    .await;
    assert!(receiver.received().events.values().all(|times| *times == 1));
    assert!(site.run(&["doctor"]).contains("is intact"));
}

/// A number that `cargo xtask chaos` was given.
pub(crate) fn given(name: &str, otherwise: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "set by `cargo xtask chaos`")]
    let value = std::env::var(name);
    value.map_or(otherwise, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`cargo xtask chaos` runs it"]
async fn chaos() {
    let storm = Storm {
        customers: given("TIDINGS_CHAOS_CUSTOMERS", 1_000),
        messages: 6,
        lasts: Duration::from_secs(given("TIDINGS_CHAOS_SECONDS", 120)),
        day: SignedDuration::from_millis(40),
        seed: given("TIDINGS_CHAOS_SEED", 1),
        fails_over: Duration::from_secs(15),
    };
    let outcome = weather(&storm).await;
    let Outcome {
        harm,
        messages,
        refused,
        events,
        deliveries,
        repeated,
        took,
    } = &outcome;
    let line = format!(
        "| {} | {} | {} | {} | {} | {} | {messages} | {refused} | {events} | 0 | {deliveries} | 0 | {repeated} | {} |\n",
        now().strftime("%Y-%m-%d"),
        build(),
        storm.seed,
        storm.lasts.as_secs(),
        storm.customers,
        harm.each().map(|times| times.to_string()).join(" | "),
        took.as_secs(),
    );
    report("storms", &line);
}
