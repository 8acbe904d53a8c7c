//! What a listener lets others hold, spoken to over real sockets.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use axum::{Router, routing::get};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tidings_http::{Bounds, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Notify, oneshot},
    task::JoinHandle,
};
use web::{proxies::Proxies, test::TestServer};

/// Longer than any test lasts.
const NEVER: Duration = Duration::from_hours(1);
/// Over by the time that anybody looks.
const SOON: Duration = Duration::from_millis(50);

/// A listener, closed when told.
struct Open {
    _server: Option<TestServer>,
    address: SocketAddr,
    close: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

/// Bounds that nothing reaches.
fn wide() -> Bounds {
    Bounds {
        grace: NEVER,
        idle: NEVER,
        head: NEVER,
        body: NEVER,
        answer: NEVER,
        last: NEVER,
        of_stores: 0,
        ..Bounds::of(100)
    }
}

impl Open {
    async fn with(bounds: Bounds) -> Self {
        Self::behind("", bounds).await
    }

    /// The same, behind these proxies.
    async fn behind(proxies: &str, bounds: Bounds) -> Self {
        let server = TestServer::start(tidings_http::router).await;
        let router = tidings_http::router(server.app.clone());
        Self {
            _server: Some(server),
            ..Self::of(router, proxies, bounds).await
        }
    }

    /// The same, with other routes.
    async fn of(router: Router, proxies: &str, bounds: Bounds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (close, closing) = oneshot::channel::<()>();
        let proxies = Proxies::new(proxies.parse().unwrap());
        let closing = async { drop(closing.await) };
        let serving = tokio::spawn(serve(listener, router, bounds, proxies, closing));
        Self {
            _server: None,
            address,
            close: Some(close),
            serving,
        }
    }

    /// Connects and says something.
    async fn say(&self, what: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(what.as_bytes()).await.unwrap();
        stream
    }

    /// Connects from an address of this machine.
    async fn come(&self, from: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::from(([127, 0, 0, from], 0)))
            .unwrap();
        socket.connect(self.address).await.unwrap()
    }
}

/// What comes until the other side hangs up.
async fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // Whoever is hung up on with something unread sees a reset.
    drop(stream.read_to_end(&mut said).await);
    String::from_utf8(said).unwrap()
}

const ASKS: &str = "GET /healthz HTTP/1.1\r\nhost: t\r\n\r\n";
const ASKS_LAST: &str = "GET /healthz HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";

/// A message of a store for no app of ours, as long as it says.
fn message(length: usize) -> String {
    format!(
        "POST /callbacks/apple/app_01h455vb4pex5vsknk084sn02q HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_answered_so_and_the_connection_closed() {
    let open = Open::with(Bounds {
        body: SOON,
        ..wide()
    })
    .await;
    let mut slow = open.say(&message(100)).await;
    let answer = rest(&mut slow).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"body_too_slow\""), "{answer}");
}

#[tokio::test]
async fn whoever_never_ends_a_head_or_never_asks_is_hung_up_on() {
    let open = Open::with(Bounds {
        head: SOON,
        idle: SOON,
        ..wide()
    })
    .await;
    let mut half = open
        .say("GET /healthz HTTP/1.1\r\nhost: t\r\nx-more: ")
        .await;
    let mut silent = open.say("").await;
    let mut kept = open.say(ASKS).await;
    assert_eq!(rest(&mut half).await, "");
    assert_eq!(rest(&mut silent).await, "");
    let answer = rest(&mut kept).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_large_body_for_which_there_is_no_room_is_to_be_sent_again_and_a_small_one_is_read() {
    let bounds = Bounds {
        bodies: 350_000,
        ..wide()
    };
    let open = Open::with(bounds).await;
    // Holds most of the room, and does not go on.
    let mut holds = open.say(&message(400_000)).await;
    holds.write_all(&vec![b' '; 350_000]).await.unwrap();
    let mut refused = String::new();
    // It takes a moment until the server has read that much.
    while !refused.contains("\"code\":\"busy\"") {
        let mut large = open.say(&message(400_000)).await;
        drop(large.write_all(&vec![b' '; 400_000]).await);
        refused = rest_of_one(&mut large).await;
    }
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    let mut small = open.say(&message(60_000)).await;
    small.write_all(&vec![b' '; 60_000]).await.unwrap();
    let answer = rest_of_one(&mut small).await;
    assert!(answer.contains("\"code\":\"unknown_app\""), "{answer}");
    // The room is given back.
    holds.write_all(&vec![b' '; 50_000]).await.unwrap();
    let answer = rest_of_one(&mut holds).await;
    assert!(answer.contains("\"code\":\"unknown_app\""), "{answer}");
    let mut large = open.say(&message(300_000)).await;
    large.write_all(&vec![b' '; 300_000]).await.unwrap();
    let answer = rest_of_one(&mut large).await;
    assert!(answer.contains("\"code\":\"unknown_app\""), "{answer}");
}

/// An answer: all of it comes at once, being small.
async fn rest_of_one(stream: &mut TcpStream) -> String {
    let mut said = vec![0; 16 << 10];
    let length = stream.read(&mut said).await.unwrap_or(0);
    String::from_utf8(said[..length].to_vec()).unwrap()
}

#[tokio::test]
async fn heads_are_bounded_in_size_and_number() {
    let open = Open::with(wide()).await;
    let long = format!("x-long: {}\r\n", "a".repeat(64 << 10));
    let many = "x-many: a\r\n".repeat(101);
    for headers in [long, many] {
        let mut stream = TcpStream::connect(open.address).await.unwrap();
        let head = format!("GET /healthz HTTP/1.1\r\nhost: t\r\n{headers}\r\n");
        // It may be answered before all was sent.
        drop(stream.write_all(head.as_bytes()).await);
        let answer = rest(&mut stream).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
            "{answer}"
        );
    }
}

/// The limit that docs/security.md states, however the head comes.
#[tokio::test]
async fn a_head_of_32_kib_is_taken_and_one_byte_more_is_not() {
    let open = Open::with(wide()).await;
    for (length, status) in [(32 << 10, 200), ((32 << 10) + 1, 431), (50_000, 431)] {
        let (begin, end) = ("GET /healthz HTTP/1.1\r\nhost: t\r\nx-long: ", "\r\n\r\n");
        let filled = "a".repeat(length - begin.len() - end.len());
        let head = format!("{begin}{filled}{end}");
        for at_once in [head.len(), 20_000, 1000] {
            let mut stream = TcpStream::connect(open.address).await.unwrap();
            for part in head.as_bytes().chunks(at_once) {
                // It may be answered before all was sent.
                if stream.write_all(part).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let answer = rest_of_one(&mut stream).await;
            let expected = format!("HTTP/1.1 {status} ");
            assert!(
                answer.starts_with(&expected),
                "{length} in parts of {at_once}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn those_who_only_hold_on_keep_nobody_out_who_asks() {
    let open = Open::with(Bounds {
        connections: 4,
        ..wide()
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(open.say("").await);
        held.push(open.say("GET / HTTP/1.1\r\n").await);
        held.push(open.say(&message(100)).await);
    }
    let mut honest = open.say(ASKS_LAST).await;
    let answer = rest(&mut honest).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Whether somebody is answered who asks after others have come for a long time, and come on.
async fn is_answered_beside(open: &Open, others: impl Iterator<Item = u8> + Clone) -> bool {
    let mut held = Vec::new();
    for other in others.clone() {
        held.push(open.come(other).await);
    }
    let mut honest = open.come(200).await;
    for other in others.take(50) {
        held.push(open.come(other).await);
    }
    // The last has been let in or turned away by now, and those before it.
    let mut last = open.come(201).await;
    drop(last.write_all(ASKS_LAST.as_bytes()).await);
    rest(&mut last).await;
    drop(honest.write_all(ASKS_LAST.as_bytes()).await);
    rest(&mut honest).await.starts_with("HTTP/1.1 200 ")
}

#[tokio::test]
async fn those_who_come_again_and_again_leave_others_the_time_to_ask() {
    let few = Bounds {
        connections: 6,
        ..wide()
    };
    let (one, many) = (std::iter::repeat_n(2, 400), (2..10).cycle().take(400));
    // One address has more than others, and so takes from itself; several that have one place each take a few of others'.
    assert!(is_answered_beside(&Open::with(few).await, one.clone()).await);
    assert!(is_answered_beside(&Open::with(few).await, many).await);
    // Behind a proxy nobody can be told apart: who keeps the server waiting longest goes.
    let open = Open::behind("127.0.0.0/8", few).await;
    assert!(!is_answered_beside(&open, one).await);
}

/// A store has several messages at once.
#[tokio::test]
async fn whoever_asks_comes_as_often_as_it_likes() {
    let open = Open::with(Bounds {
        connections: 6,
        ..wide()
    })
    .await;
    let mut held = Vec::new();
    for other in (2..10).cycle().take(400) {
        held.push(open.come(other).await);
    }
    for number in 0..100 {
        let mut honest = open.come(200).await;
        drop(honest.write_all(ASKS_LAST.as_bytes()).await);
        let answer = rest(&mut honest).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{number}: {answer}");
        // Places are taken again meanwhile.
        held.push(open.come(2 + number % 8).await);
    }
}

#[tokio::test]
async fn who_asks_without_end_makes_way_once_it_is_answered() {
    const MANY: usize = 1000;
    let (go, is_going) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let waits = {
        let (go, is_going) = (Arc::clone(&go), Arc::clone(&is_going));
        async move || {
            is_going.notify_one();
            go.notified().await;
        }
    };
    let one = Bounds {
        connections: 1,
        ..wide()
    };
    let router = Router::new().route("/healthz", get(waits));
    let open = Open::of(router, "", one).await;
    let mut asks = open.say(&ASKS.repeat(MANY)).await;
    is_going.notified().await;
    let mut honest = open.say(ASKS_LAST).await;
    let letting = tokio::spawn(async move {
        loop {
            go.notify_one();
            is_going.notified().await;
        }
    });
    let answers = rest(&mut asks).await;
    assert!(answers.matches("HTTP/1.1 200 ").count() < MANY);
    assert!(answers.contains("connection: close"), "{answers}");
    let answer = rest(&mut honest).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    letting.abort();
}

#[tokio::test]
async fn requests_sent_all_at_once_are_answered_one_after_another() {
    let open = Open::with(wide()).await;
    let mut stream = open.say(&(ASKS.repeat(20) + ASKS_LAST)).await;
    let answers = rest(&mut stream).await;
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 21, "{answers}");
}

#[tokio::test]
async fn closing_ends_also_what_would_never_end() {
    let mut open = Open::with(Bounds {
        last: SOON,
        ..wide()
    })
    .await;
    let mut held = [
        open.say("").await,
        open.say("GET / HTTP/1.1\r\n").await,
        open.say(&message(100)).await,
        open.say(ASKS).await,
    ];
    // All are connected: the last has its answer.
    rest_of_one(&mut held[3]).await;
    open.close.take().unwrap().send(()).unwrap();
    open.serving.await.unwrap();
    for stream in &mut held {
        assert!(!rest(stream).await.contains("HTTP/1.1 200"));
    }
}

/// A key that reads.
async fn reader(server: &TestServer) -> String {
    let engine = &server.app.engine;
    let (system, scope) = (engine.system(), ledger::Scope::Read);
    let (text, key) = web::access::new_api_key(system, None, "reader", scope).unwrap();
    let change = vec![ledger::ConfigurationChange::PutApiKey(key)];
    let is_there = engine.configure(&engine.setup(), change, "test").await;
    assert!(is_there.unwrap());
    text
}

/// What takes long is hung up on by nobody. However much of it is asked, some connections are a store's, or of somebody who makes way for one.
#[tokio::test]
async fn what_takes_long_leaves_stores_their_places() {
    let server = TestServer::start(tidings_http::router).await;
    let key = reader(&server).await;
    let bounds = Bounds {
        connections: 6,
        of_stores: 2,
        ..wide()
    };
    let router = tidings_http::router(server.app.clone());
    let open = Open {
        _server: Some(server),
        ..Open::of(router, "", bounds).await
    };
    let waits = format!(
        "GET /api/v1/projects/acme/events?after=0&wait=60 HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(open.say(&waits).await);
    }
    let asks = async |head: &str| rest(&mut open.say(head).await).await;
    let mut refused = String::new();
    // It takes a moment until all of them are at work.
    while !refused.starts_with("HTTP/1.1 503 ") {
        refused = asks(ASKS_LAST).await;
    }
    for said in ["\"code\":\"busy\"", "retry-after: ", "connection: close"] {
        assert!(refused.contains(said), "{said}: {refused}");
    }
    let client = asks("GET /v1/subscribers/ann HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert!(client.starts_with("HTTP/1.1 503 "), "{client}");
    assert!(client.contains("access-control-allow-origin: "), "{client}");
    for _ in 0..20 {
        let mut store = open.say(&(message(2) + "{}")).await;
        let answer = rest_of_one(&mut store).await;
        assert!(answer.contains("\"code\":\"unknown_app\""), "{answer}");
        held.push(store);
    }
    held.remove(0);
    let mut answer = refused;
    // Its place is given back in a moment.
    while answer.starts_with("HTTP/1.1 503 ") {
        answer = asks(ASKS_LAST).await;
    }
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
