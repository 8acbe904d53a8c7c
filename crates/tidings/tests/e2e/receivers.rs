//! The receivers of `examples/receivers`, as they stand there, told by the real binary of lives whose messages come twice, late and after everything
//! else: each ends in the state that the server has. Those of Convex and Firebase need a runtime that is no program of its own (a Convex deployment,
//! Firestore); they are not run.

use crate::{
    beside::{Beside, free_port},
    server::{Api, Server, Site, client, now, unless_silent, until},
};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use simulator::{Behaviour, Channel, Faults};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A receiver, and how it is started: `{port}` stands for where it listens.
struct Example {
    name: &'static str,
    command: &'static [&'static str],
    /// What it has to be installed with.
    package: &'static str,
}

const EXAMPLES: [Example; 6] = [
    Example {
        name: "node",
        command: &["node", "node/receiver.mjs"],
        package: "nodejs",
    },
    Example {
        name: "python",
        command: &["python3", "python/receiver.py"],
        package: "python3",
    },
    Example {
        name: "go",
        command: &["go", "run", "go/receiver.go"],
        package: "golang-go",
    },
    Example {
        name: "php",
        command: &["php", "-S", "127.0.0.1:{port}", "php/receiver.php"],
        package: "php-cli",
    },
    Example {
        name: "ruby",
        command: &["ruby", "ruby/receiver.rb"],
        package: "ruby ruby-webrick",
    },
    // Built with these tests.
    Example {
        name: "rust",
        command: &["{examples}/receiver"],
        package: "cargo",
    },
];

/// Where Cargo puts the examples that it builds beside a test.
fn built() -> String {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    profile.join("examples").display().to_string()
}

impl Example {
    /// Its program itself where `go run` would leave it behind when it is killed.
    fn program(&self, directory: &Path) -> Vec<String> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/receivers");
        if self.name == "go" {
            let program = directory.join("receiver-go").display().to_string();
            let built = Command::new("go")
                .args(["build", "-o", &program, "go/receiver.go"])
                .env("GOCACHE", directory.join("gocache"))
                .env("GO111MODULE", "off")
                .current_dir(folder)
                .output();
            let built = built.unwrap_or_else(|error| self.is_missing(&error));
            assert!(built.status.success(), "{built:?}");
            return vec![program];
        }
        if self.name == "rust" && !Path::new(&built()).join("receiver").exists() {
            // Only tests of everything build the examples beside them.
            let words = [
                "test",
                "-q",
                "-p",
                "tidings",
                "--example",
                "receiver",
                "--no-run",
            ];
            let made = Command::new(env!("CARGO")).args(words).status();
            assert!(
                made.is_ok_and(|made| made.success()),
                "the receiver in Rust is not built"
            );
        }
        let words = self.command.iter().map(|word| {
            if word.contains('/') && !word.contains(['{', ':']) {
                folder.join(word).display().to_string()
            } else {
                word.replace("{examples}", &built())
            }
        });
        words.collect()
    }

    fn is_missing(&self, error: &std::io::Error) -> ! {
        let (name, package) = (self.name, self.package);
        panic!("the receiver for {name} cannot be run ({error}): apt-get install {package}");
    }

    async fn start(&self, directory: &Path) -> Beside {
        let port = free_port();
        let words = self.program(directory).into_iter();
        let words = words.map(|word| word.replace("{port}", &port.to_string()));
        let words: Vec<_> = words.collect();
        let (program, words) = words.split_first().unwrap();
        let mut command = Command::new(program);
        command
            .args(words)
            .env("TIDINGS_SECRET", format!("{OLD} {NEW}"))
            .env("STATE", directory.join(format!("{}.json", self.name)))
            .stderr(Stdio::null());
        let started = Beside::start(command, port).await;
        started.unwrap_or_else(|error| self.is_missing(&error))
    }

    fn integration(&self, url: &str) -> String {
        format!(
            "[integrations.{}]\ndestination = \"webhook\"\n[integrations.{0}.settings]\nformat = \"standard\"\nsandbox_url = \"{url}\"\nsigning_secrets = [\"{NEW}\"]\nretry = {{ policy = \"custom\", delays = [1, 1, 2, 2, 5, 5, 10] }}\n",
            self.name
        )
    }
}

async fn known(receiver: &Beside) -> Map<String, Value> {
    let Some(Value::Object(known)) = receiver.ask("state").await else {
        panic!("{} does not answer", receiver.url);
    };
    known
}

/// The status of an unsigned request, and of one that was signed with another secret.
async fn refuses_strangers(receiver: &Beside) -> [u16; 2] {
    let body = json!({ "type": "subscription_started", "data": { "customer": { "id": "cus_1", "app_user_id": "eve" }, "customer_seq": 9, "access": {} } }).to_string();
    let (id, at) = ("dlv_1", now().as_second().to_string());
    let other = destinations::webhook::secret_from(&[7; 32]);
    let signed = destinations::webhook::signature(&other, id, &at, body.as_bytes()).unwrap();
    let mut statuses = [0; 2];
    for (status, signature) in statuses.iter_mut().zip([None, Some(signed)]) {
        let mut request = client().post(&receiver.url).body(body.clone());
        request = request
            .header("webhook-id", id)
            .header("webhook-timestamp", &at);
        if let Some(signature) = signature {
            request = request.header("webhook-signature", signature);
        }
        *status = request.send().await.unwrap().status().as_u16();
    }
    statuses
}

/// What the server says of every customer, as the receivers keep it.
async fn truth(api: &Api) -> Map<String, Value> {
    let mut last = Map::new();
    let keep = |row: Value| {
        let event = &row["event"];
        let event = if event.is_null() { &row } else { event };
        let known = json!({ "app_user_id": event["customer"]["app_user_id"], "seq": event["customer_seq"], "access": event["access"] });
        last.insert(event["customer"]["id"].as_str().unwrap().to_owned(), known);
    };
    api.each_event(keep).await;
    last
}

/// Customers of the App Store live; what is told of them comes twice, late, and after everything else.
async fn live(server: &Server) {
    let mut driver = server.driver(40, 11);
    driver.faults = Faults {
        twice: 20,
        late: 20,
        lost: 5,
    };
    let (begun, spread) = (now(), SignedDuration::from_millis(400));
    let turns = driver.script(Channel::Apple, 0..25, begun, spread, 8);
    let ran = driver.run(turns, begun, 16, Duration::from_secs(120)).await;
    assert_eq!(ran.unwrap().refused, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_receiver_ends_in_the_state_that_the_server_has() {
    let site = Site::bare();
    let mut running = Vec::new();
    for example in &EXAMPLES {
        running.push((example, example.start(&site.directory).await));
    }
    // One more that only counts: as long as it hears anything, so do they.
    let counts = simulator::Receiver::start(Behaviour::Healthy, false, now());
    let counts = counts.await.unwrap();
    let integrations = running
        .iter()
        .map(|(example, running)| example.integration(&running.url));
    let mut integrations: Vec<_> = integrations.collect();
    integrations.push(crate::server::webhook("counts", &counts.url));
    site.write_project("acme", &integrations);
    site.run(&["apply", "project.toml"]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    live(&server).await;

    let pending = async || {
        api.get("/projects/acme/deliveries?state=pending&limit=1")
            .await["data"]
            .as_array()
            .map_or(0, Vec::len)
    };
    until("everything is delivered", async || pending().await == 0).await;
    unless_silent(&counts, || counts.requests() > 0, String::new).await;
    let truth = truth(&api).await;
    assert!(truth.len() >= 20, "{} customers", truth.len());
    for (example, running) in &running {
        assert_eq!(known(running).await, truth, "{}", example.name);
        let refused = refuses_strangers(running).await;
        assert_eq!(refused, [400, 400], "{}", example.name);
        assert_eq!(known(running).await, truth, "{}", example.name);
    }
}
