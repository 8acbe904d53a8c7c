//! What a stranger can make the server hold: attacked with 256 descriptors in all, it answers whoever is honest, keeps within its bounds, and ends.

use crate::server::{Api, Server, Site, client, until};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Files and sockets that the server may have open.
const DESCRIPTORS: usize = 256;
/// Most memory that attackers may make it take, in KiB.
const MEMORY: usize = 160 << 10;
/// How long an attacker waits to be let in. Whoever is not is in the queue of the system, which is as good for an attack.
const PATIENCE: Duration = Duration::from_millis(500);

/// Attackers need descriptors too.
fn raise_own_limit() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, most).unwrap();
}

fn start(site: &Site) -> Server {
    let words = "serve --listen 127.0.0.1:0 --operations-listen 127.0.0.1:0 --allow-networks integrations=127.0.0.0/8";
    let script = format!(
        "ulimit -n {DESCRIPTORS}; exec {} {words}",
        crate::server::BINARY
    );
    Server::start(site.shell(&script), &site.directory)
}

impl Server {
    fn descriptors(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.process.id()));
        open.unwrap().count()
    }

    /// Resident memory, in KiB.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let figure = line.unwrap().trim().trim_end_matches(" kB");
        figure.parse().unwrap()
    }
}

/// Those who hold on to what they began.
struct Mob {
    place: String,
    held: Vec<TcpStream>,
}

impl Mob {
    fn of(server: &Server) -> Self {
        Self {
            place: server.url.trim_start_matches("http://").to_owned(),
            held: Vec::new(),
        }
    }

    /// So many connect at once and each says this, as far as anybody listens.
    async fn come(&mut self, count: usize, what: &[u8]) {
        let one = async || {
            let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(&self.place)).await;
            let mut stream = connected.ok()?.ok()?;
            drop(tokio::time::timeout(PATIENCE, stream.write_all(what)).await);
            Some(stream)
        };
        let all = futures_util::future::join_all((0..count).map(|_| one())).await;
        self.held.extend(all.into_iter().flatten());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_few_descriptors_and_many_attackers_the_honest_are_answered() {
    raise_own_limit();
    let site = Site::new(&[]);
    let server = start(&site);
    let api = Api::new(&site, &server, &[]);
    let callback = server.callback.trim_start_matches(&server.url).to_owned();
    let key = site.run(&["keys", "create", "--name", "watcher", "--read-only"]);
    let calm = server.memory();

    let post = |path: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: t\r\nsec-fetch-site: same-origin\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let header = |length: usize| format!("x-header: {}\r\n", "a".repeat(length));
    let stream = format!(
        "GET /api/v1/projects/acme/events/stream HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    let large = [
        post(&callback, 1 << 20).into_bytes(),
        vec![b'a'; (1 << 20) - 1],
    ]
    .concat();
    let attacks: [(&str, usize, Vec<u8>); 9] = [
        ("nothing is asked", 3000, Vec::new()),
        (
            "half a head",
            1000,
            b"GET / HTTP/1.1\r\nhost: t\r\nx-a: ".into(),
        ),
        ("a slow body", 1000, (post(&callback, 1000) + "{").into()),
        (
            "a slow sign-in",
            1000,
            (post("/signin", 1000) + "key=").into(),
        ),
        ("a large body", 300, large),
        (
            "a huge header",
            300,
            format!("GET / HTTP/1.1\r\n{}", header(1 << 20)).into(),
        ),
        (
            "many headers",
            300,
            format!("GET / HTTP/1.1\r\n{}", header(1).repeat(50_000)).into(),
        ),
        (
            "many requests at once, no answer taken",
            300,
            "GET /api/v1/openapi.json HTTP/1.1\r\nhost: t\r\n\r\n"
                .repeat(1000)
                .into(),
        ),
        ("live streams", 300, stream.into()),
    ];
    let mut mob = Mob::of(&server);
    for (what, count, says) in attacks {
        mob.come(count, &says).await;
        // While all of them are still there:
        let honest = client().get(format!("{}/healthz", server.url)).send().await;
        assert_eq!(honest.unwrap().status(), 200, "{what}");
        let (status, _) = api.send("GET", "/projects/acme/events", None).await;
        assert_eq!(status, 200, "{what}");
        let ready = client()
            .get(format!("{}/readyz", server.operations))
            .send()
            .await;
        assert_eq!(ready.unwrap().status(), 200, "{what}");
        let (descriptors, memory) = (server.descriptors(), server.memory());
        assert!(descriptors < DESCRIPTORS, "{what}: {descriptors}");
        assert!(
            memory < calm + MEMORY,
            "{what}: {memory} KiB, {calm} in calm"
        );
    }
    let product = json!({ "entitlements": ["premium"] });
    let (status, _) = api
        .send("PUT", "/projects/acme/products/new", Some(product))
        .await;
    assert_eq!(status, 201, "what is written is, too");
    assert!(!site.log().contains("panicked") && !site.log().contains("Too many open files"));
    // With all of them still connected, it ends.
    server.stop();
    drop(mob);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_follows_so_much_at_once_and_no_more() {
    let site = Site::new(&[]);
    let server = site.serve();
    let key = site.run(&["keys", "create", "--name", "watcher", "--read-only"]);
    let follow = async || {
        let url = format!("{}/api/v1/projects/acme/events/stream", server.url);
        client().get(url).bearer_auth(&key).send().await.unwrap()
    };
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(follow().await);
    }
    assert!(open.iter().all(|answer| answer.status() == 200));
    let refused = follow().await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("too_many_streams"));
    let waits = format!("{}/api/v1/projects/acme/events?after=0&wait=60", server.url);
    let waits = client().get(waits).bearer_auth(&key).send().await.unwrap();
    assert_eq!(waits.status(), 429, "who waits follows, too");
    open.pop();
    until("a place is free again", || async {
        follow().await.status() == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_closes_early_leaves_nothing_behind() {
    let site = Site::new(&[]);
    let server = site.serve();
    let before = server.descriptors();
    let place = server.url.trim_start_matches("http://").to_owned();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(&place).await.unwrap();
        stream
            .write_all(b"POST /signin HTTP/1.1\r\nhost: t\r\nsec-fetch-site: same-origin\r\ncontent-length: 10\r\n\r\nkey")
            .await
            .unwrap();
        stream.shutdown().await.unwrap();
        drop(stream.read(&mut [0; 1024]).await);
    }
    until("all are gone", || async {
        server.descriptors() <= before + 2
    })
    .await;
}
