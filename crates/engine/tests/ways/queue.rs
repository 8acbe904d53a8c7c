//! RabbitMQ, a broker of our own, and servers that hang or break off.

use crate::{
    PATIENT, SOON, attempt,
    certified::{Certified, Directory},
    configured, here, rendered, renewal, with,
};
use destinations::Outcome;
use engine::TransportError;
use serde_json::{Value, json};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use throwaway::Companion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A broker of one's own: its name, its ports and its data are nobody else's.
struct Broker {
    process: Option<Companion>,
    name: String,
    directory: Directory,
    port: u16,
    encrypted: u16,
    mapper: u16,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Broker {
    fn start(certified: &Certified) -> Self {
        let directory = Directory::new("rabbitmq");
        let (port, encrypted, distribution) = (free_port(), free_port(), free_port());
        let (certificate, key) = (certified.certificate(), certified.key());
        let authority = certified.directory.file("ca.pem");
        let configuration = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\nlisteners.ssl.1 = 127.0.0.1:{encrypted}\nssl_options.cacertfile = {}\nssl_options.certfile = {}\nssl_options.keyfile = {}\nssl_options.verify = verify_none\nmax_message_size = 1000000\nlog.console = false\nload_definitions = {}\n",
            authority.display(),
            certificate.display(),
            key.display(),
            directory.file("definitions.json").display()
        );
        fs::write(directory.file("rabbitmq.conf"), configuration).unwrap();
        fs::write(directory.file("enabled_plugins"), "[].\n").unwrap();
        fs::write(
            directory.file("definitions.json"),
            definitions().to_string(),
        )
        .unwrap();
        let name = format!("tidings{port}@localhost");
        let mapper = free_port();
        let mut broker = Self {
            process: None,
            name,
            directory,
            port,
            encrypted,
            mapper,
        };
        let mut server = broker.command("rabbitmq-server");
        server
            .env("RABBITMQ_DIST_PORT", distribution.to_string())
            // Then the script becomes the server, and ends with it.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // It starts a mapper of ports that leaves its group.
        let mapper = ["epmd", "-port", &mapper.to_string(), "-kill"];
        let process = Companion::start_and(&mut server, &mapper)
            .expect("this test needs RabbitMQ: apt-get install rabbitmq-server");
        broker.awaited(process);
        broker
    }

    /// One of RabbitMQ's own programs, about this broker.
    fn command(&self, program: &str) -> Command {
        // Those on the path of the system become another user first.
        let mut command = Command::new(format!("/usr/lib/rabbitmq/bin/{program}"));
        command
            .env("HOME", self.directory.file(""))
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_MNESIA_BASE", self.directory.file("mnesia"))
            .env("RABBITMQ_LOG_BASE", self.directory.file("log"))
            .env("RABBITMQ_CONFIG_FILE", self.directory.file("rabbitmq.conf"))
            .env(
                "RABBITMQ_ENABLED_PLUGINS_FILE",
                self.directory.file("enabled_plugins"),
            )
            .env("RABBITMQ_CONF_ENV_FILE", self.directory.file("none"))
            .env("ERL_EPMD_PORT", self.mapper.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1");
        command
    }

    /// It listens when it has begun.
    fn awaited(&mut self, mut process: Companion) {
        let until = Instant::now() + Duration::from_secs(240);
        while TcpStream::connect(("127.0.0.1", self.encrypted)).is_err() {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "the broker ended: {ended:?}");
            assert!(Instant::now() < until, "the broker does not start");
            std::thread::sleep(Duration::from_millis(200));
        }
        self.process = Some(process);
    }

    /// Runs an expression of Erlang inside.
    fn eval(&self, expression: &str) -> String {
        let mut command = self.command("rabbitmqctl");
        let output = command.args(["-q", "eval", expression]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{error}");
        said
    }

    fn settings(&self) -> Value {
        json!({
            "server": format!("localhost:{}", self.port),
            "encryption": "none",
            "user": "tidings",
            "password": "right",
            "exchange": "amq.topic",
        })
    }
}

async fn sent(settings: &Value) -> Result<Outcome, TransportError> {
    let queue = configured("rabbitmq", settings);
    let request = rendered(queue.as_ref(), &renewal());
    attempt(&here(), queue.as_ref(), &request, PATIENT).await
}

/// Who there is, and what is bound. Source: RabbitMQ documentation, "Schema Definition Export and Import".
fn definitions() -> Value {
    let user = |name: &str| json!({ "name": name, "password": "right", "tags": "" });
    let may = |user: &str, write: &str| json!({ "user": user, "vhost": "/", "configure": "", "write": write, "read": "" });
    json!({
        "vhosts": [{ "name": "/" }],
        "users": [user("tidings"), user("limited"), user("stranger")],
        "permissions": [may("tidings", ".*"), may("limited", "^amq")],
        "exchanges": [{
            "name": "unbound", "vhost": "/", "type": "topic", "durable": true,
            "auto_delete": false, "internal": false, "arguments": {},
        }],
        "queues": [{
            "name": "events", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {},
        }],
        "bindings": [{
            "source": "amq.topic", "vhost": "/", "destination": "events",
            "destination_type": "queue", "routing_key": "tidings.#", "arguments": {},
        }],
    })
}

/// How many messages the queue has behind its first, and what that is; then every connection is closed. Source of the functions: RabbitMQ 3.10.
const LOOK: &str = "Q = rabbit_misc:r(<<\"/\">>, queue, <<\"events\">>), {ok, Queue} = rabbit_amqqueue:lookup(Q), {ok, Left, {_, _, _, _, Message}, _} = rabbit_amqqueue:basic_get(Queue, true, self(), none, rabbit_queue_type:init()), Connections = rabbit_networking:connections(), [rabbit_networking:close_connection(One, \"maintenance\") || One <- Connections], {left, Left, connections, length(Connections), element(3, Message), rabbit_binary_parser:ensure_content_decoded(element(4, Message))}.";

#[tokio::test]
async fn a_message_is_confirmed_by_the_broker_and_what_it_refuses_is_told() {
    let (ours, theirs) = (Certified::new("queue"), Certified::new("another-queue"));
    let broker = Broker::start(&ours);
    let good = broker.settings();
    let limited = with(&good, "user", "limited".into());
    for (settings, says) in [
        (with(&good, "password", "wrong".into()), "403"),
        (with(&good, "user", "stranger".into()), "530"),
        (with(&good, "vhost", "nowhere".into()), "530"),
        (with(&limited, "exchange", "missing".into()), "403"),
        (with(&good, "exchange", "missing".into()), "404"),
    ] {
        match sent(&settings).await {
            Ok(Outcome::CredentialsRefused(why)) => assert!(why.contains(says), "{why}"),
            other => panic!("{says}: {other:?}"),
        }
    }
    match sent(&with(&good, "exchange", "unbound".into())).await {
        Ok(Outcome::Rejected(why)) => assert!(why.contains("312 NO_ROUTE"), "{why}"),
        other => panic!("no queue takes it: {other:?}"),
    }
    let queue = configured("rabbitmq", &good);
    let request = rendered(queue.as_ref(), &renewal());
    let network = here();
    for _ in 0..3 {
        let outcome = attempt(&network, queue.as_ref(), &request, PATIENT).await;
        assert_eq!(outcome, Ok(Outcome::Delivered));
    }
    // Long texts are printed in pieces.
    let found: String = broker
        .eval(LOOK)
        .replace('"', "")
        .split_whitespace()
        .collect();
    for part in [
        "left,2,connections,1,".to_owned(),
        renewal().id.to_string(),
        renewal().customer.id.to_string(),
        "application/json".into(),
        "subscription_renewed".into(),
        "dlv_1".into(),
        "tidings.production.".into(),
    ] {
        assert!(found.contains(&part), "{part} is not in {found}");
    }
    // What was kept was closed by the other side: another is made.
    let outcome = attempt(&network, queue.as_ref(), &request, PATIENT).await;
    assert_eq!(outcome, Ok(Outcome::Delivered));
    let mut large = request.clone();
    large.body = vec![b' '; 500_000];
    let outcome = attempt(&network, queue.as_ref(), &large, PATIENT).await;
    assert_eq!(outcome, Ok(Outcome::Delivered), "in several frames");
    large.body = vec![b' '; 1_000_001];
    match attempt(&network, queue.as_ref(), &large, PATIENT).await {
        Ok(Outcome::Rejected(why)) => assert!(why.contains("406"), "{why}"),
        other => panic!("{other:?}"),
    }
    let encrypted = with(&good, "encryption", "tls".into());
    let encrypted = with(
        &encrypted,
        "server",
        format!("localhost:{}", broker.encrypted).into(),
    );
    let knows = with(
        &encrypted,
        "ca_certificates",
        ours.authority.as_str().into(),
    );
    assert_eq!(sent(&knows).await, Ok(Outcome::Delivered));
    for settings in [
        encrypted.clone(),
        with(
            &encrypted,
            "ca_certificates",
            theirs.authority.as_str().into(),
        ),
    ] {
        match sent(&settings).await {
            Err(TransportError::Network(why)) => assert!(why.contains("UnknownIssuer"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    for closed in ["", "stores=127.0.0.0/8"] {
        let outcome = attempt(&crate::network(closed), queue.as_ref(), &request, PATIENT).await;
        assert!(
            matches!(outcome, Err(TransportError::Blocked(_))),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_broker_that_hangs_or_breaks_off_is_given_up() {
    for hangs in [true, false] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut header = [0; 8];
            stream.read_exact(&mut header).await.unwrap();
            // Source: AMQP 0-9-1, section 4.2.2.
            assert_eq!(&header, b"AMQP\0\0\x09\x01");
            stream.write_all(b"\x01\0\0\0").await.unwrap();
            if hangs {
                std::future::pending::<()>().await;
            }
        });
        let queue = configured(
            "rabbitmq",
            &json!({ "server": format!("127.0.0.1:{port}"), "encryption": "none", "user": "u", "exchange": "e" }),
        );
        let request = rendered(queue.as_ref(), &renewal());
        let outcome = attempt(&here(), queue.as_ref(), &request, SOON).await;
        assert!(
            matches!(outcome, Err(TransportError::Network(_))),
            "{outcome:?}"
        );
        serving.abort();
    }
}
