//! Everything at once, with 256 descriptors: connections that only hold on, floods of sign-ins, forged messages with huge bodies, readers that take nothing,
//! streams, and values that nobody should send. Stores are answered meanwhile, and so is whoever asks; nothing takes more than is stated.

use crate::{
    bounds::{DESCRIPTORS, MEMORY, raise_own_limit, start_with},
    server::{Api, Server, Site, client, live, until},
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

/// How long something is waited for that has to happen.
const SILENCE: Duration = Duration::from_secs(240);
/// Addresses that attackers come from, and how long one rests that was hung up on.
const ADDRESSES: u8 = 40;
const REST: Duration = Duration::from_millis(20);
/// How long somebody asks again who is hung up on.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an attacker goes on once it has said what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It waits for the answer, takes it, and says it again.
    Again,
    /// It takes nothing.
    TakesNothing,
}

/// What attackers do.
struct Attack {
    says: Vec<u8>,
    then: Then,
}

fn post(path: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: t\r\nsec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn attacks(server: &Server, key: &str) -> Vec<Attack> {
    let callback = server.callback.trim_start_matches(&server.url);
    let sign_in = b"email=ann%40a.example&password=correct+horse+battery";
    let forged = |length: usize| {
        let body = [br#"{"signedPayload":""#.to_vec(), vec![b'a'; length]].concat();
        post(callback, body.len(), &body)
    };
    let head = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: t\r\n{more}");
    let bearer = format!("authorization: Bearer {key}\r\n\r\n");
    let stream = head("/api/v1/projects/acme/events/stream", &bearer);
    let document = head("/api/v1/openapi.json", "\r\n").repeat(200);
    let huge = format!("x-a: {}\r\n", "a".repeat(1 << 20));
    use Then::{Again, TakesNothing};
    [
        (Vec::new(), TakesNothing),
        (head("/", "x-a: ").into_bytes(), TakesNothing),
        (post(callback, 1000, b"{"), TakesNothing),
        (document.into_bytes(), TakesNothing),
        (stream.into_bytes(), TakesNothing),
        (post("/signin", sign_in.len(), sign_in), Again),
        (forged(1 << 10), Again),
        (forged((1 << 20) - 100), Again),
        (forged(8 << 20), Again),
        (head("/", &huge).into_bytes(), Again),
    ]
    .map(|(says, then)| Attack { says, then })
    .into()
}

async fn attack(place: SocketAddr, from: [u8; 4], attack: &Attack) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(place).await?;
    let mut answer = vec![0; 16 << 10];
    loop {
        stream.write_all(&attack.says).await?;
        match attack.then {
            Then::Again if stream.read(&mut answer).await? == 0 => return Ok(()),
            Then::Again => {}
            // Until it is hung up on, which is seen by writing.
            Then::TakesNothing => loop {
                tokio::time::sleep(REST * 10).await;
                stream.write_all(b" ").await?;
            },
        }
    }
}

/// They come from everywhere, and come again whenever they are hung up on.
fn siege(server: &Server, key: &str) -> JoinSet<()> {
    let place: SocketAddr = server.url.trim_start_matches("http://").parse().unwrap();
    let mut all = JoinSet::new();
    for address in 2..2 + ADDRESSES {
        for one in attacks(server, key) {
            all.spawn(async move {
                loop {
                    drop(attack(place, [127, 0, 3, address], &one).await);
                    tokio::time::sleep(REST).await;
                }
            });
        }
    }
    all
}

/// What nobody should send: by whom, and what is said to it.
fn absurd() -> Vec<(&'static str, &'static str, Value, u16, &'static str)> {
    let attributes = |count: usize, key: usize, value: usize| -> Value {
        let attribute = |number| {
            let name = format!("a{number:04}{}", "k".repeat(key));
            (name, json!({ "value": "v".repeat(value) }))
        };
        json!({ "attributes": (0..count).map(attribute).collect::<serde_json::Map<_, _>>() })
    };
    let purchase = |field: &str, value: Value| {
        let mut stated = json!({
            "app_user_id": "ann", "kind": "one_time_purchase", "product_id": "gold", "transaction_id": "order-1",
            "original_transaction_id": "order-1", "updated_at": "2026-01-01T10:00:00Z", "purchased_at": "2026-01-01T10:00:00Z",
        });
        stated[field] = value;
        stated
    };
    let purchases = "/api/v1/projects/acme/purchases";
    let events = "/api/v1/projects/acme/events";
    let long = "a".repeat(300);
    vec![
        (
            "POST",
            "/v1/subscribers/ann/attributes",
            attributes(51, 1, 1),
            400,
            "50",
        ),
        (
            "POST",
            "/v1/subscribers/ann/attributes",
            attributes(1, 41, 1),
            400,
            "40",
        ),
        (
            "POST",
            "/v1/subscribers/ann/attributes",
            attributes(1, 1, 501),
            400,
            "500",
        ),
        (
            "POST",
            "/v1/subscribers/ann/attributes",
            attributes(1001, 1, 1),
            400,
            "1000",
        ),
        (
            "GET",
            "/v1/subscribers/a%00b",
            Value::Null,
            400,
            "control character",
        ),
        ("GET", "/v1/subscribers/null", Value::Null, 400, "nobody"),
        (
            "POST",
            purchases,
            purchase("app_user_id", json!(long)),
            422,
            "255",
        ),
        (
            "POST",
            purchases,
            purchase("app_user_id", json!("a\u{7}b")),
            422,
            "control character",
        ),
        (
            "POST",
            purchases,
            purchase("product_id", json!(long)),
            422,
            "255",
        ),
        (
            "POST",
            purchases,
            purchase("transaction_id", json!("a\nb")),
            422,
            "control character",
        ),
        (
            "POST",
            purchases,
            purchase("price", json!({ "amount": "1e400", "currency": "USD" })),
            422,
            "price",
        ),
        (
            "POST",
            purchases,
            purchase(
                "price",
                json!({ "amount": "1".repeat(30), "currency": "USD" }),
            ),
            422,
            "price",
        ),
        (
            "POST",
            purchases,
            purchase("updated_at", json!("9999-12-31T23:59:59Z")),
            422,
            "updated_at",
        ),
        (
            "POST",
            purchases,
            purchase("entitlements", json!(vec!["premium"; 101])),
            422,
            "100",
        ),
        (
            "GET",
            "/api/v1/projects/acme/events?after=-1",
            Value::Null,
            400,
            "after",
        ),
        (
            "GET",
            "/api/v1/projects/acme/events?after=99999999999999999999",
            Value::Null,
            400,
            "after",
        ),
        (
            "GET",
            "/api/v1/projects/acme/events?limit=-1",
            Value::Null,
            400,
            "limit",
        ),
        ("POST", events, Value::Null, 405, "method_not_allowed"),
        (
            "PUT",
            "/api/v1/projects/acme",
            json!({ "name": "a\u{202e}b" }),
            422,
            "name",
        ),
        (
            "PUT",
            "/api/v1/projects/acme",
            json!({ "name": long }),
            422,
            "255",
        ),
    ]
}

/// The answer to a request. Whoever is hung up on in a crowd asks again, as clients do.
async fn says(server: &Server, key: &str, method: &str, path: &str, body: Value) -> (u16, String) {
    let began = Instant::now();
    loop {
        let request = client()
            .request(method.parse().unwrap(), format!("{}{path}", server.url))
            .bearer_auth(key)
            .header("content-type", "application/json");
        let request = if body.is_null() {
            request
        } else {
            request.body(body.to_string())
        };
        let answered = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            Ok::<_, reqwest::Error>((status, answer.text().await?))
        };
        match answered.await {
            // Too much at once: to be asked again.
            Ok((503, _)) | Err(_) if began.elapsed() < PATIENCE => {}
            answered => return answered.unwrap(),
        }
    }
}

/// Waits until a connection is hung up on that says this and no more.
async fn hung_up(server: &Server, said: &[u8]) {
    let place = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(place).await.unwrap();
    stream.write_all(said).await.unwrap();
    let mut answer = [0; 1024];
    let hanging_up =
        async { while matches!(stream.read(&mut answer).await, Ok(length) if length > 0) {} };
    let waiting = tokio::time::timeout(SILENCE, hanging_up).await;
    waiting.expect("nobody is waited for for ever");
}

/// What a store is told that has a listener of its own, each time at its first try: its message, which is none of ours, was read.
async fn stores_are_answered(server: &Server, times: usize) {
    let callback = server.callback.trim_start_matches(&server.url);
    let (stores, url) = (&server.stores, format!("{}{callback}", server.stores));
    for _ in 0..times {
        let told = client().post(&url).body("{}").send().await.unwrap();
        let status = told.status();
        let said = told.text().await.unwrap();
        assert_eq!(status, 400, "{said}");
        assert!(said.contains("malformed_payload"), "{said}");
    }
    let page = client().get(format!("{stores}/signin")).send().await;
    assert_eq!(page.unwrap().status(), 404, "nobody else is served there");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_siege_stores_are_answered_and_nothing_takes_more_than_is_stated() {
    raise_own_limit();
    let site = Site::new(&["[apps.shop]\nstore = \"external\"\nstore_name = \"shop\"\n".into()]);
    let options = "--allow-networks integrations=127.0.0.0/8 --stores-listen 127.0.0.1:0";
    let server = start_with(&site, options);
    let reader = site.run(&["keys", "create", "--name", "reader", "--read-only"]);
    let writer = site.run(&["keys", "create", "--name", "w", "--project", "acme"]);
    let calm = server.memory();
    let mut all = siege(&server, &reader);

    stores_are_answered(&server, 200).await;
    // What a store tells is taken in, as it tells it again where it was not.
    let driver = server.driver(5, 3);
    let telling = tokio::time::timeout(SILENCE, live(&driver, 0..10, 300, 2));
    telling.await.expect("stores are answered");
    for (method, path, body, status, said) in absurd() {
        let (found, answer) = says(&server, &writer, method, path, body).await;
        assert_eq!(found, status, "{method} {path}: {answer}");
        assert!(answer.contains(said), "{method} {path}: {said}: {answer}");
    }
    let ready = client().get(format!("{}/readyz", server.operations));
    let ready = ready.send().await.unwrap().status();
    assert_eq!(ready, 200);
    let (open, memory) = (server.descriptors(), server.memory());
    assert!(open < DESCRIPTORS, "{open}");
    assert!(memory < calm + MEMORY, "{memory} KiB, {calm} in calm");
    all.shutdown().await;

    // Whoever is left is hung up on.
    let callback = server.callback.trim_start_matches(&server.url);
    let slow = post(callback, 1000, b"{");
    tokio::join!(
        hung_up(&server, b"GET / HTTP/1.1\r\nhost: t\r\nx-a: "),
        hung_up(&server, &slow)
    );
    let told = Api::new(&site, &server, &[]).events().await.len();
    assert!(told >= 10, "{told}");
    let log = site.log();
    assert!(!log.contains("panicked") && !log.contains("Too many open files"));

    // With all of them back, it ends.
    let alone = server.descriptors();
    let mut all = siege(&server, &reader);
    until("they are back", async || {
        server.descriptors() > alone + usize::from(ADDRESSES)
    })
    .await;
    server.stop();
    all.shutdown().await;
    assert!(site.run(&["verify"]).ends_with(" 0 findings"));
}
