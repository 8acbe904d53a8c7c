//! A server in a directory of its own, and whoever asks it: with what every other file here begins. It is as long as it is because those
//! are one thing to them, imported by a single name.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{App, Authority, Channel, Driver, Pace, Receiver, Stores};
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use throwaway::Companion;

pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::create().unwrap());
static NUMBER: AtomicU32 = AtomicU32::new(0);
pub(crate) const BUNDLE_ID: &str = "com.example.e2e";
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_tidings");

#[expect(clippy::disallowed_methods, reason = "tests send what was signed now")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A data directory with a project, removed at the end.
pub(crate) struct Site {
    pub(crate) directory: PathBuf,
    /// Given to every command.
    environment: Vec<(&'static str, String)>,
    /// What its servers may reach on this machine.
    networks: &'static str,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// A running server, killed at the end.
pub(crate) struct Server {
    pub(crate) process: Companion,
    pub(crate) url: String,
    /// Where operators are told how it does, if it has such a listener.
    pub(crate) operations: String,
    /// Where stores are served alone, likewise.
    pub(crate) stores: String,
    pub(crate) sign_in: String,
    pub(crate) callback: String,
}

/// A webhook to `url`, in the project file. Retries come quickly, so that tests need not wait.
pub(crate) fn webhook(key: &str, url: &str) -> String {
    format!(
        "[integrations.{key}]\ndestination = \"webhook\"\n[integrations.{key}.settings]\nsandbox_url = \"{url}\"\nsandbox_authorization = \"s3cr3t-token\"\nretry = {{ policy = \"custom\", delays = [1, 1, 2, 2, 5, 5, 10] }}\n"
    )
}

pub(crate) fn slack(key: &str, url: &str) -> String {
    format!(
        "[integrations.{key}]\ndestination = \"slack\"\n[integrations.{key}.settings]\nwebhook_url = \"{url}\"\nsandbox_channel = \"test\"\n"
    )
}

impl Site {
    /// A directory with a project that has these integrations.
    pub(crate) fn new(integrations: &[String]) -> Self {
        let site = Self::bare();
        site.write_project("acme", integrations);
        site.run(&["apply", "project.toml"]);
        site
    }

    /// Over a database of PostgreSQL as it is.
    pub(crate) fn over_postgres(url: String) -> Self {
        let mut site = Self::bare();
        site.environment.push(("TIDINGS_DATABASE", url));
        let key = "0123456789abcdef".repeat(4);
        site.environment.push(("TIDINGS_SECRET_KEY", key));
        site
    }

    /// The same, on a database of PostgreSQL.
    pub(crate) fn on_postgres(url: String, integrations: &[String]) -> Self {
        let site = Self::over_postgres(url);
        site.write_project("acme", integrations);
        site.run(&["apply", "project.toml"]);
        site
    }

    /// The same project, from now on in a database of PostgreSQL, with the key it had.
    pub(crate) fn move_to(&mut self, url: String) {
        let key = std::fs::read_to_string(self.directory.join("data/secret.key")).unwrap();
        self.environment.push(("TIDINGS_DATABASE", url));
        self.environment.push(("TIDINGS_SECRET_KEY", key));
    }

    /// The same, whose servers may reach these networks and no others.
    pub(crate) fn reaching(mut self, networks: &'static str) -> Self {
        self.networks = networks;
        self
    }

    /// An empty directory.
    pub(crate) fn bare() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("site-{}-{number}", std::process::id()));
        drop(std::fs::remove_dir_all(&directory));
        std::fs::create_dir_all(&directory).unwrap();
        Self {
            directory,
            environment: Vec::new(),
            networks: "integrations=127.0.0.0/8",
        }
    }

    pub(crate) fn write_project(&self, key: &str, integrations: &[String]) {
        let mut project = format!("[project]\nkey = \"{key}\"\n[entitlements.premium]\n");
        for product in ["weekly", "monthly", "yearly"] {
            write!(
                project,
                "[products.\"{BUNDLE_ID}.{product}\"]\nentitlements = [\"premium\"]\n"
            )
            .unwrap();
        }
        write!(project, "[apps.ios]\nstore = \"app_store\"\nbundle_id = \"{BUNDLE_ID}\"\nenvironments = [\"local_testing\"]\nlocal_roots = [\"{}\"]\n", AUTHORITY.root()).unwrap();
        project.push_str(&integrations.concat());
        std::fs::write(self.directory.join("project.toml"), project).unwrap();
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(words).current_dir(&self.directory);
        self.surround(&mut command);
        command
    }

    /// A shell with the same directory and environment.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(&self.directory);
        self.surround(&mut shell);
        shell
    }

    fn surround(&self, command: &mut Command) {
        let environment = self.environment.iter();
        command
            .env("TIDINGS_DATA", "data")
            .env("NO_PROXY", "127.0.0.1")
            .envs(environment.map(|(name, value)| (name, value)));
    }

    /// Runs a subcommand that should succeed.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(words).output().unwrap();
        let (out, error) = (
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr),
        );
        assert!(status.success(), "tidings {words:?}: {out}{error}");
        out.trim().to_owned()
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_at("127.0.0.1:0")
    }

    pub(crate) fn serve_at(&self, address: &str) -> Server {
        self.serve_with(address, &[])
    }

    /// The same, with more options.
    pub(crate) fn serve_with(&self, address: &str, more: &[&str]) -> Server {
        let words = [
            "serve",
            "--listen",
            address,
            "--operations-listen",
            "127.0.0.1:0",
            "--allow-networks",
            self.networks,
        ];
        Server::start(self.command(&[&words, more].concat()), &self.directory)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Server {
    /// Starts a command that is a server and reads what it says about itself.
    pub(crate) fn start(mut command: Command, directory: &std::path::Path) -> Self {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(directory.join("log"))
            .unwrap();
        let mut process = Companion::start(command.stdout(Stdio::piped()).stderr(log)).unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let word = |line: &str, part: &str| {
            line.split_whitespace()
                .find(|word| word.contains(part))
                .unwrap_or_default()
                .to_owned()
        };
        let url = lines
            .find_map(|line| line.contains("listening on").then(|| word(&line, "http")))
            .expect("the server says where it listens");
        let (mut operations, mut stores) = (String::new(), String::new());
        let sign_in = lines
            .find_map(|line| {
                if line.contains(" operations ") {
                    operations = word(&line, "http");
                }
                if line.contains(" stores ") {
                    stores = word(&line, "http");
                }
                line.contains("/signin").then(|| word(&line, "http"))
            })
            .expect("the server says where to sign in");
        // Without a project it says what comes next instead.
        let callback = lines
            .find(|line| line.contains("/callbacks/") || line.contains(" next "))
            .map(|line| word(&line, "/callbacks/"))
            .unwrap_or_default();
        Self {
            process,
            url,
            operations,
            stores,
            sign_in,
            callback,
        }
    }

    /// What it tells operators in numbers.
    pub(crate) async fn metrics(&self) -> String {
        let answer = client().get(format!("{}/metrics", self.operations)).send();
        answer.await.unwrap().text().await.unwrap()
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&self) {
        let process = self.process.id().to_string();
        let asked = Command::new("kill").arg(process).status().unwrap();
        assert!(asked.success());
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        self.ask_to_stop();
        assert!(self.process.wait().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn driver(&self, day_ms: i64, seed: u64) -> Driver {
        let app = App {
            bundle_id: BUNDLE_ID.into(),
            environment: "LocalTesting".into(),
        };
        Driver::new(
            Stores::new(AUTHORITY.clone(), BUNDLE_ID).unwrap(),
            app,
            [(Channel::Apple, self.callback.clone())],
            Pace {
                day: SignedDuration::from_millis(day_ms),
            },
            seed,
        )
        .unwrap()
    }
}

/// Customers `numbers` of the App Store live, each beginning within `spread_ms`, and tell at most `limit` times; all of it is accepted.
pub(crate) async fn live(
    driver: &Driver,
    numbers: std::ops::Range<u64>,
    spread_ms: i64,
    limit: usize,
) {
    let (begun, spread) = (now(), SignedDuration::from_millis(spread_ms));
    let turns = driver.script(Channel::Apple, numbers, begun, spread, limit);
    let sent = turns.iter().filter(|turn| turn.tells).count() as u64;
    let report = driver
        .run(turns, begun, 16, Duration::from_secs(120))
        .await
        .unwrap();
    assert_eq!(report.messages, sent, "everything is accepted");
}

/// A client with an API key.
pub(crate) struct Api {
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Api {
    pub(crate) fn new(site: &Site, server: &Server, words: &[&str]) -> Self {
        let key = site.run(&[&["keys", "create", "--name", "test"], words].concat());
        Self {
            client: client(),
            url: format!("{}/api/v1", server.url),
            key,
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self
            .client
            .request(method.parse().unwrap(), format!("{}{path}", self.url))
            .bearer_auth(&self.key);
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null),
        )
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Everything recorded, oldest first.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let mut all = Vec::new();
        self.each_event(|event| all.push(event)).await;
        all
    }

    /// The same, one by one: of much, more than a page is never held.
    pub(crate) async fn each_event(&self, mut take: impl FnMut(Value)) {
        let mut after = 0;
        loop {
            let path = format!("/projects/acme/events?limit=200&after={after}");
            let mut page = self.get(&path).await;
            let rows = std::mem::take(page["data"].as_array_mut().unwrap());
            let Some(last) = rows.last() else { return };
            after = last["position"].as_u64().unwrap();
            rows.into_iter().for_each(&mut take);
        }
    }
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Posts a body and answers status and problem.
pub(crate) async fn post(url: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let answer = client()
        .post(url)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(json!(null)),
    )
}

/// How long something is waited for.
const SILENCE: Duration = Duration::from_secs(240);

/// Waits until something holds; fails loudly when it never does.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + SILENCE;
    while !holds().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Waits until something holds, for as long as a receiver hears anything: how long much of it takes is for the machine to say. Where nothing
/// was heard for so long, it fails with what is `seen`.
pub(crate) async fn unless_silent(
    receiver: &Receiver,
    mut holds: impl FnMut() -> bool,
    seen: impl Fn() -> String,
) {
    let (mut heard, mut at) = (receiver.requests(), Instant::now());
    while !holds() {
        let now = receiver.requests();
        if now != heard {
            (heard, at) = (now, Instant::now());
        }
        let silent = at.elapsed();
        assert!(silent < SILENCE, "nothing for {silent:?}: {}", seen());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// A file of a published npm package, which is fetched into the target directory once.
pub(crate) fn published(package: &str, file: &str) -> PathBuf {
    let name = package.trim_start_matches('@').replace(['/', '@'], "-");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let file = folder.join("node_modules").join(file);
    if !file.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let installed = Command::new("npm")
            .args([
                "install",
                "--no-audit",
                "--no-fund",
                "--no-save",
                "--ignore-scripts",
                package,
            ])
            .current_dir(&folder)
            .output()
            .expect("this test needs npm: apt-get install npm");
        assert!(
            installed.status.success(),
            "npm install: {}",
            String::from_utf8_lossy(&installed.stderr)
        );
    }
    file
}
