//! Whoever would lead us to where an errand may not go: by an address, by a name that leads elsewhere a moment later, by a redirect.

use super::*;
use destinations::nats::{Login, Publication};
use futures_util::future::BoxFuture;
use sources::Purpose;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// More than these tests need.
const OUTGOING: Outgoing = Outgoing {
    at_once: 100,
    kept: 100,
    clusters: 10,
};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers every request in the same words, and counts who came.
struct Listener {
    port: u16,
    came: Arc<AtomicUsize>,
}

impl Listener {
    async fn start(address: &str, port: u16, answer: String) -> Self {
        let listener = TcpListener::bind((address, port)).await.unwrap();
        let (port, came) = (
            listener.local_addr().unwrap().port(),
            Arc::<AtomicUsize>::default(),
        );
        let count = Arc::clone(&came);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok() {
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            }
        });
        Self { port, came }
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

fn answer(head: &str) -> String {
    format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

/// A name that leads somewhere else whenever it is asked for.
struct Turning {
    answers: Vec<&'static [&'static str]>,
    asked: Arc<AtomicUsize>,
}

impl Lookup for Turning {
    fn look_up(&self, _: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[turn % self.answers.len()];
        Box::pin(async move {
            let address = |text: &&str| SocketAddr::new(text.parse::<IpAddr>().unwrap(), port);
            Ok(answer.iter().map(address).collect())
        })
    }
}

fn network(allowed: &str) -> NetworkTransport {
    NetworkTransport::new(allowed.parse().unwrap(), Authorities::default(), OUTGOING).unwrap()
}

/// Goes to a URL on an errand: what was answered, or why nothing was.
async fn go(network: &NetworkTransport, errand: Errand, url: &str) -> Result<u16, String> {
    let purpose = match errand {
        Errand::Integrations => {
            let request = Request::json(url, b"{}".to_vec());
            return match network.send(&request, TIMEOUT).await {
                Ok(response) => Ok(response.status),
                Err(TransportError::Blocked(why)) => Err(format!("blocked: {why}")),
                Err(TransportError::Network(why) | TransportError::Unanswered(why)) => {
                    Err(format!("network: {why}"))
                }
            };
        }
        Errand::Stores => Purpose::Store,
        Errand::Keys => Purpose::Keys,
        Errand::Rates => Purpose::Rates,
    };
    let reply = network
        .call(&Call::get(purpose, url.to_owned(), None))
        .await;
    reply.map(|reply| reply.status)
}

#[tokio::test]
async fn each_errand_reaches_what_was_allowed_for_it_and_says_what_would_open_the_rest() {
    let inside = Listener::start("127.0.0.1", 0, answer("200 OK")).await;
    let mut reached = 0;
    for allowed in Errand::ALL {
        let network = network(&format!("{}=127.0.0.1/32", allowed.id()));
        for errand in Errand::ALL {
            for host in ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"] {
                let url = format!("http://{host}:{}/", inside.port);
                match go(&network, errand, &url).await {
                    Ok(status) => {
                        assert!(errand == allowed && status == 200, "{errand:?} {url}");
                        reached += 1;
                    }
                    Err(why) => {
                        assert_ne!(errand, allowed, "{url}: {why}");
                        let option = format!("`--allow-networks {}=127.0.0.1/32`", errand.id());
                        assert!(why.contains(&option), "{why}");
                    }
                }
            }
        }
    }
    assert_eq!(inside.came(), reached, "nothing else was connected to");
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_after_it_was_checked_leads_nowhere() {
    let open = Listener::start("127.0.0.1", 0, answer("200 OK")).await;
    let secret = Listener::start("127.0.0.2", open.port, answer("200 OK")).await;
    let asked = Arc::<AtomicUsize>::default();
    let turning = Turning {
        answers: vec![&["127.0.0.1"], &["127.0.0.2"], &["127.0.0.2", "127.0.0.1"]],
        asked: Arc::clone(&asked),
    };
    let allowed = "integrations=127.0.0.1/32,stores=127.0.0.1/32"
        .parse()
        .unwrap();
    let network =
        NetworkTransport::looking_up(allowed, Authorities::default(), OUTGOING, Arc::new(turning))
            .unwrap();
    let url = format!("http://turning.example:{}/", open.port);
    for errand in [Errand::Integrations, Errand::Stores] {
        assert_eq!(go(&network, errand, &url).await, Ok(200));
        let refused = go(&network, errand, &url).await.unwrap_err();
        assert!(
            refused.contains("turning.example resolves to 127.0.0.2"),
            "{refused}"
        );
        assert_eq!(
            go(&network, errand, &url).await,
            Ok(200),
            "of two, the open one"
        );
    }
    assert_eq!((open.came(), secret.came()), (4, 0));
    assert_eq!(asked.load(Ordering::SeqCst), 6, "looked up once for each");
}

#[tokio::test]
async fn a_server_of_streams_is_connected_to_where_it_was_checked() {
    let open = Listener::start("127.0.0.1", 0, String::new()).await;
    let secret = Listener::start("127.0.0.2", open.port, String::new()).await;
    for (scheme, answers, came) in [
        ("nats", [&["127.0.0.1"][..], &["127.0.0.2"]], true),
        ("tls", [&["127.0.0.1"], &["127.0.0.2"]], true),
        ("nats", [&["127.0.0.2"], &["127.0.0.1"]], false),
        ("tls", [&["127.0.0.2"], &["127.0.0.1"]], false),
    ] {
        let asked = Arc::<AtomicUsize>::default();
        let turning = Turning {
            answers: answers.to_vec(),
            asked: Arc::clone(&asked),
        };
        let network = NetworkTransport::looking_up(
            "127.0.0.1/32".parse().unwrap(),
            Authorities::default(),
            OUTGOING,
            Arc::new(turning),
        )
        .unwrap();
        let mut request = Request::json("tidings.test", b"{}".to_vec());
        request.via = Via::Nats(Publication {
            servers: vec![format!("{scheme}://turning.example:{}", open.port)],
            subject: "tidings.test".into(),
            login: Login::Nobody,
        });
        let before = open.came();
        // Nobody there speaks of streams: it is enough to see who is connected to.
        let soon = Duration::from_secs(1);
        let refused = network.send(&request, soon).await.unwrap_err();
        let is_blocked = matches!(refused, TransportError::Blocked(_));
        assert_eq!(is_blocked, !came, "{scheme}: {refused}");
        assert_eq!(open.came() > before, came, "{scheme}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "looked up once");
    }
    assert_eq!(secret.came(), 0);
}

/// What a destination sends of an event to a server.
fn request(key: &str, settings: &serde_json::Value) -> Request {
    let configured = destinations::find(key)
        .unwrap()
        .configure(settings, &destinations::Context::default());
    let configured = configured.unwrap_or_else(|problems| panic!("{problems:?}"));
    let (id, at) = (uuid::Uuid::from_u128(1), jiff::Timestamp::UNIX_EPOCH);
    let event = crate::decide::test_event(domain::ProjectId::new(id), id, at);
    let message = configured.plan(&event).unwrap().remove(0);
    let now = destinations::Now::of(&event, at, destinations::AppFacts::UNKNOWN);
    configured.render(&message, &event, now).unwrap()
}

#[tokio::test]
async fn mail_databases_and_brokers_are_connected_to_where_they_were_checked() {
    let open = Listener::start("127.0.0.1", 0, String::new()).await;
    let secret = Listener::start("127.0.0.2", open.port, String::new()).await;
    let place = format!("turning.example:{}", open.port);
    let mail = serde_json::json!({
        "server": place, "security": "none", "from": "a@example.com", "to": ["b@example.com"],
    });
    let table = serde_json::json!({
        "server": place, "encryption": "none", "database": "d", "user": "u",
    });
    let queue = serde_json::json!({
        "server": place, "encryption": "none", "exchange": "e", "user": "u",
    });
    let topic = serde_json::json!({ "brokers": place, "security": "plaintext", "topic": "t" });
    for (key, settings) in [
        ("email", mail),
        ("postgres", table),
        ("rabbitmq", queue),
        ("kafka", topic),
    ] {
        for (answers, came) in [
            ([&["127.0.0.1"][..], &["127.0.0.2"]], true),
            ([&["127.0.0.2"], &["127.0.0.1"]], false),
        ] {
            let asked = Arc::<AtomicUsize>::default();
            let turning = Turning {
                answers: answers.to_vec(),
                asked: Arc::clone(&asked),
            };
            let network = NetworkTransport::looking_up(
                "127.0.0.1/32".parse().unwrap(),
                Authorities::default(),
                OUTGOING,
                Arc::new(turning),
            )
            .unwrap();
            let before = open.came();
            let refused = network.send(&request(key, &settings), TIMEOUT).await;
            let is_blocked = matches!(refused, Err(TransportError::Blocked(_)));
            assert_eq!(is_blocked, !came, "{key}: {refused:?}");
            assert_eq!(open.came() > before, came, "{key}");
            assert_eq!(asked.load(Ordering::SeqCst), 1, "{key}: looked up once");
        }
    }
    assert_eq!(secret.came(), 0);
}

#[tokio::test]
async fn nobody_is_followed_elsewhere() {
    let inside = Listener::start("127.0.0.2", 0, answer("200 OK")).await;
    let to = format!("302 Found\r\nlocation: http://127.0.0.2:{}/", inside.port);
    let redirects = Listener::start("127.0.0.1", 0, answer(&to)).await;
    let url = format!("http://127.0.0.1:{}/", redirects.port);
    // Not even where the errand itself might go.
    for allowed in [
        "stores=127.0.0.1/32,integrations=127.0.0.0/8",
        "stores=127.0.0.0/8",
    ] {
        let network = network(allowed);
        assert_eq!(go(&network, Errand::Stores, &url).await, Ok(302));
    }
    let network = network("127.0.0.0/8");
    assert_eq!(go(&network, Errand::Integrations, &url).await, Ok(302));
    assert_eq!((redirects.came(), inside.came()), (3, 0));
}
