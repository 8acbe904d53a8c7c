//! Events as a stream on a real NATS server: acknowledged, each once, in order, through a server that goes away and comes back.

use crate::server::{Api, Site, live, until};
use async_nats::jetstream::{self, consumer::pull, stream};
use futures_util::StreamExt;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};
use throwaway::Companion;

/// A server of one's own in a directory of its own.
pub(crate) struct Server {
    process: Companion,
    directory: PathBuf,
    pub(crate) port: u16,
}

impl Server {
    fn start(directory: PathBuf, port: u16, options: &[&str]) -> Self {
        let program = ["/usr/sbin/nats-server", "nats-server"]
            .into_iter()
            .find(|program| !program.starts_with('/') || PathBuf::from(program).exists())
            .unwrap();
        let mut command = Command::new(program);
        command
            .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"])
            .arg(&directory)
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Companion::start(&mut command)
            .expect("this test needs a NATS server: apt-get install nats-server");
        Self {
            process,
            directory,
            port,
        }
    }

    pub(crate) fn fresh(name: &str, options: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("nats-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&directory));
        Self::start(directory, port, options)
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn kill(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }

    async fn client(&self) -> async_nats::Client {
        loop {
            match async_nats::connect(self.url()).await {
                Ok(client) => return client,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

pub(crate) fn integration(key: &str, url: &str, more: &str) -> String {
    format!(
        "[integrations.{key}]\ndestination = \"nats\"\n[integrations.{key}.settings]\nservers = \"{url}\"\n{more}retry = {{ policy = \"custom\", delays = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1] }}\n"
    )
}

pub(crate) fn stream() -> stream::Config {
    stream::Config {
        name: "EVENTS".into(),
        subjects: vec!["tidings.>".into()],
        duplicate_window: Duration::from_mins(2),
        ..stream::Config::default()
    }
}

/// Every message of the stream: its subject, its headers as they are asked for, and its body.
pub(crate) async fn messages(context: &jetstream::Context) -> Vec<(String, String, Value)> {
    let stream = context.get_stream("EVENTS").await.unwrap();
    let count = stream.get_info().await.unwrap().state.messages;
    let consumer = stream
        .create_consumer(pull::Config::default())
        .await
        .unwrap();
    let mut batch = consumer
        .fetch()
        .max_messages(usize::try_from(count).unwrap())
        .messages()
        .await
        .unwrap();
    let mut all = Vec::new();
    while let Some(message) = batch.next().await {
        let message = message.unwrap();
        let id = message
            .headers
            .as_ref()
            .unwrap()
            .get("Nats-Msg-Id")
            .unwrap();
        all.push((
            message.subject.to_string(),
            id.to_string(),
            serde_json::from_slice(&message.payload).unwrap(),
        ));
    }
    all
}

/// What became of deliveries to an integration.
pub(crate) async fn states(api: &Api, key: &str) -> Vec<Value> {
    let events = api.events().await;
    let of_key = |event: &Value| {
        let states = event["integrations"].as_array().unwrap().clone();
        states.into_iter().find(|state| state["key"] == key)
    };
    events.iter().filter_map(of_key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_every_event_once_and_in_order_whatever_happens_to_its_server() {
    let mut nats = Server::fresh("whole", &[]);
    let context = jetstream::new(nats.client().await);
    context.create_stream(stream()).await.unwrap();
    let url = nats.url();
    // Two that feed the same stream: what one brings a second time is known by its id.
    let site = Site::new(&[
        integration("log", &url, "stream = \"EVENTS\"\n"),
        integration("again", &url, "subject = \"tidings.copy\"\n"),
    ]);
    let server = site.serve();
    let driver = server.driver(5, 7);
    live(&driver, 0..10, 300, 4).await;

    nats.kill();
    live(&driver, 100..110, 300, 4).await;
    let api = Api::new(&site, &server, &[]);
    until("its absence is felt", || async {
        let states = states(&api, "log").await;
        states
            .iter()
            .any(|state| state["state"] == "pending" && state["attempts"] != 0)
    })
    .await;
    let directory = std::mem::take(&mut nats.directory);
    let nats = Server::start(directory, nats.port, &[]);
    live(&driver, 200..210, 300, 4).await;

    until("all is acknowledged", || async {
        let (log, again) = (states(&api, "log").await, states(&api, "again").await);
        log.iter()
            .chain(&again)
            .all(|state| state["state"] == "delivered")
    })
    .await;
    let events = api.events().await;
    let context = jetstream::new(nats.client().await);
    let stored = messages(&context).await;
    let ids: Vec<&str> = stored.iter().map(|(_, id, _)| id.as_str()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "each once");
    assert_eq!(ids.len(), events.len(), "and all of them");
    let mut seqs: BTreeMap<String, u64> = BTreeMap::new();
    for (subject, id, body) in &stored {
        let event = &body["data"];
        assert_eq!(event["id"], id.as_str());
        let kind = event["kind"].as_str().unwrap();
        let ends = format!("sandbox.ios.{kind}");
        assert!(
            [format!("tidings.{ends}"), format!("tidings.copy.{ends}")].contains(subject),
            "{subject}"
        );
        let (customer, seq) = (
            event["customer"]["id"].as_str().unwrap(),
            event["customer_seq"].as_u64().unwrap(),
        );
        let before = seqs.insert(customer.to_owned(), seq);
        assert!(
            before.is_none_or(|before| before < seq),
            "{customer}: {before:?}, {seq}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_is_told_with_its_reason() {
    let conf = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nats-refusing.conf");
    let users = r#"authorization { users = [
        { user: all, password: right },
        { user: some, password: right, permissions: { publish: { deny: "tidings.>" } } } ] }"#;
    std::fs::write(&conf, users).unwrap();
    let nats = Server::fresh("refusing", &["-c", conf.to_str().unwrap()]);
    let url = nats.url();
    let as_user =
        |user: &str, password: &str| format!("user = \"{user}\"\npassword = \"{password}\"\n");
    let site = Site::new(&[
        integration("wrong_password", &url, &as_user("all", "wrong")),
        integration("no_stream", &url, &as_user("all", "right")),
        integration("not_allowed", &url, &as_user("some", "right")),
        integration("nobody_there", "nats://127.0.0.1:1", ""),
    ]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    for key in ["wrong_password", "no_stream", "not_allowed", "nobody_there"] {
        let path = format!("/projects/acme/integrations/{key}/test");
        assert_eq!(api.send("POST", &path, None).await.0, 202, "{key}");
    }
    // What was refused for its credentials is kept until they are right.
    for (key, state, reason, says) in [
        (
            "wrong_password",
            "pending",
            "missing_credentials",
            "authorization violation",
        ),
        ("no_stream", "pending", "rejected_by_destination", "503"),
        (
            "not_allowed",
            "pending",
            "missing_credentials",
            "Permissions Violation",
        ),
        (
            "nobody_there",
            "pending",
            "network_error",
            "could not connect",
        ),
    ] {
        until(key, || async {
            let states = states(&api, key).await;
            let Some(last) = states.last() else {
                return false;
            };
            last["reason"] == reason
        })
        .await;
        let last = states(&api, key).await.pop().unwrap();
        // Refused twice, nothing goes any more until the settings are saved.
        let is_held = reason == "missing_credentials" && last["state"] == "held";
        assert!(is_held || last["state"] == state, "{key}: {last}");
        let detail = last["text"].as_str().unwrap().to_lowercase();
        assert!(detail.contains(&says.to_lowercase()), "{key}: {last}");
        let delivery = last["delivery"].as_str().unwrap();
        let shown = api
            .get(&format!("/projects/acme/deliveries/{delivery}"))
            .await
            .to_string();
        assert!(
            !shown.contains("right") && !shown.contains("wrong\""),
            "{shown}"
        );
    }
}
