//! Killed in the middle of what somebody asked for: it goes on, or was not begun, and whoever looks can tell which.

use crate::{
    harm::say,
    limits::standard,
    server::{Api, Site, live, now, until, webhook},
    told::{Told, a_receiver, cluster},
};
use serde_json::{Value, json};
use simulator::{Behaviour, Receiver};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::Stdio,
    time::Duration,
};

/// A day of theirs, in milliseconds: what happens in a test happens in the first of them.
const A_DAY: i64 = 600_000;

fn is_whole(site: &Site) {
    assert!(site.run(&["doctor"]).contains("is intact"));
    assert!(site.run(&["verify"]).ends_with(" 0 findings"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_customer_who_is_forgotten_all_is_gone_or_nothing() {
    const CHARGES: u32 = 60;
    let site = Site::new(&[]);
    let file = site.directory.join("project.toml");
    let project = std::fs::read_to_string(&file).unwrap();
    let shop = "[apps.shop]\nstore = \"external\"\nstore_name = \"my_shop\"\n";
    std::fs::write(file, project + shop).unwrap();
    site.run(&["apply", "project.toml"]);
    let mut server = site.serve();
    let mut api = Api::new(&site, &server, &[]);
    let mut outcomes = BTreeMap::new();
    for round in 0..8 {
        let who = format!("somebody-{round}");
        for charge in 0..CHARGES {
            let (id, at) = (format!("{who}-{charge}"), now());
            let statement = json!({
                "app_user_id": who, "kind": "one_time_purchase", "product_id": "coins", "transaction_id": id,
                "original_transaction_id": id, "updated_at": at, "purchased_at": at,
            });
            let (status, said) = api
                .send("POST", "/projects/acme/purchases", Some(statement))
                .await;
            assert_eq!(status, 200, "{said}");
        }
        let path = format!("/projects/acme/customers/{who}");
        let forget = api.send("DELETE", &path, None);
        // Sooner or later after it was asked.
        let patience = Duration::from_millis(5 * round);
        drop(tokio::time::timeout(patience, forget).await);
        tokio::task::block_in_place(|| server.kill());
        server = site.serve();
        api = Api::new(&site, &server, &[]);
        let (status, _) = api.send("GET", &path, None).await;
        let events = api.events().await;
        let named = |event: &&Value| event.to_string().contains(&who);
        let named = events.iter().filter(named).count();
        match status {
            200 => assert!(named >= CHARGES as usize, "{named}"),
            404 => {
                // What the shop calls its charges is its own.
                let of = |event: &&Value| event["customer"]["app_user_id"] == who.as_str();
                assert_eq!(events.iter().filter(of).count(), 0);
            }
            other => panic!("{other}"),
        }
        *outcomes.entry(status).or_insert(0) += 1;
    }
    drop(server);
    is_whole(&site);
    say(&format!("{outcomes:?}"));
}

/// A copy that was killed is not served as if it were all there is.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_broken_off_is_no_installation_until_it_is_done() {
    let Told {
        receiver,
        mut site,
        server,
        api,
    } = Told::to(Behaviour::Healthy).await;
    live(&server.driver(A_DAY, 3), 0..10, 300, 1).await;
    let before = api.events().await;
    until("everything is delivered", || async {
        receiver.received().events.len() == before.len()
    })
    .await;
    server.stop();
    let cluster = cluster().await;
    let url = tokio::task::block_in_place(|| cluster.database()).unwrap();
    let words = ["copy", "--from", "sqlite:data", "--to", &url];
    for tables in [1, 6, 12] {
        let mut copy = site.command(&words).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(copy.stdout.take().unwrap()).lines();
        let done: Vec<_> = lines.take(tables).map(Result::unwrap).collect();
        copy.kill().unwrap();
        copy.wait().unwrap();
        assert!(done.iter().all(|line| line.starts_with("ok ")), "{done:?}");
        for command in ["serve", "doctor", "verify"] {
            let refused = site.command(&[command, "--database", &url]).output();
            let refused = refused.unwrap();
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(!refused.status.success(), "{command}");
            assert!(
                said.contains("run `tidings copy` again"),
                "{command}: {said}"
            );
        }
    }
    let said = site.run(&words);
    assert!(said.contains("Everything was copied"), "{said}");
    site.move_to(url);
    let server = site.serve();
    let after = Api::new(&site, &server, &[]).events().await;
    let ids = |events: &[Value]| -> Vec<Value> {
        let ids = events.iter().map(|event| event["id"].clone());
        ids.collect()
    };
    assert_eq!(ids(&after), ids(&before));
    drop(server);
    is_whole(&site);
}

/// Settings are saved by whoever may, and by whatever command: a server that starts later tries again what failed for want of them.
#[tokio::test(flavor = "multi_thread")]
async fn what_lacked_an_address_is_sent_once_one_is_applied_while_no_server_runs() {
    let receiver = a_receiver(Behaviour::Healthy).await;
    let without = "[integrations.backend]\ndestination = \"webhook\"\n[integrations.backend.settings]\nformat = \"standard\"\nproduction_url = \"https://never.example/\"\n".to_owned();
    let site = Site::new(&[without]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    live(&server.driver(A_DAY, 3), 0..3, 300, 1).await;
    let waiting = async |api: &Api, state: &str| {
        let path = format!("/projects/acme/deliveries?state={state}");
        api.get(&path).await["data"].as_array().unwrap().len()
    };
    until("all of it failed", || async {
        waiting(&api, "pending").await == 0 && waiting(&api, "failed").await > 0
    })
    .await;
    let failed = waiting(&api, "failed").await;
    server.stop();
    site.write_project("acme", &[standard("backend", &receiver.url, "")]);
    site.run(&["apply", "project.toml"]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    until("all of it is delivered", || async {
        waiting(&api, "delivered").await == failed
    })
    .await;
    drop(server);
    is_whole(&site);
}

/// How often a replay is killed, and how many attempts may be under way then.
const KILLS: u64 = 4;
const UNDER_WAY: u64 = 64;

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_killed_goes_on_where_it_was() {
    let receiver = a_receiver(Behaviour::Healthy).await;
    let site = Site::new(&[webhook("backend", &receiver.url)]);
    replay_is_killed(&site, &receiver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_killed_goes_on_where_it_was_on_postgres() {
    let receiver = a_receiver(Behaviour::Healthy).await;
    let cluster = cluster().await;
    let url = tokio::task::block_in_place(|| cluster.database()).unwrap();
    let site = Site::on_postgres(url, &[webhook("backend", &receiver.url)]);
    replay_is_killed(&site, &receiver).await;
}

/// Each step of a replay is one commit with its progress: killed again and again it goes on where it was, and what arrives more often than once more was
/// on its way when the server died.
async fn replay_is_killed(site: &Site, receiver: &Receiver) {
    let mut server = site.serve();
    let mut api = Api::new(site, &server, &[]);
    live(&server.driver(A_DAY, 7), 0..40, 300, 1).await;
    let events = api.events().await.len();
    assert!(events >= 80, "{events}");
    until("everything is delivered", || async {
        receiver.received().events.len() == events
    })
    .await;
    let asked = json!({ "integration": "backend", "since": "2020-01-01", "standings": ["delivered"], "per_second": 10 });
    let (status, replay) = api
        .send("POST", "/projects/acme/replays", Some(asked))
        .await;
    assert_eq!(status, 201, "{replay}");
    let mut before = 0;
    for kill in 1..=KILLS {
        let some = kill * events as u64 / (KILLS + 1);
        until("it goes on", || async {
            let now = progress(&api).await;
            assert!(now >= before, "{now} after {before}");
            now >= some
        })
        .await;
        before = progress(&api).await;
        tokio::task::block_in_place(|| server.kill());
        server = site.serve();
        api = Api::new(site, &server, &[]);
    }
    until("it is done", || async {
        let all = api.get("/projects/acme/replays").await;
        all["data"][0]["progress"]["state"] == "done"
    })
    .await;
    assert_eq!(progress(&api).await, events as u64, "each once");
    until("everything is delivered again", || async {
        let received = receiver.received();
        received.tried.values().all(|times| *times >= 2)
    })
    .await;
    server.stop();
    check_again(receiver, events);
    is_whole(site);
}

/// All of them arrived once more, no more of them yet again than were under way, and in order.
fn check_again(receiver: &Receiver, events: usize) {
    let received = receiver.received();
    assert_eq!(received.tried.len(), events);
    let more = received.tried.values().map(|times| u64::from(times - 2));
    let more: u64 = more.sum();
    assert!(more <= KILLS * UNDER_WAY, "{more}");
    assert!(received.overtaken.is_empty(), "{:?}", received.overtaken);
}

/// How many deliveries the replay has sent again.
async fn progress(api: &Api) -> u64 {
    let all = api.get("/projects/acme/replays").await;
    all["data"][0]["progress"]["again"].as_u64().unwrap()
}
