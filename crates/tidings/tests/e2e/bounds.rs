//! What a stranger can make the server hold: attacked with 256 descriptors in all, it answers whoever is honest, keeps within its bounds, and ends.

use crate::{
    limits::{endpoint, standard},
    server::{Api, Server, Site, client, live, until},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Files and sockets that the server may have open.
pub(crate) const DESCRIPTORS: usize = 256;
/// Most memory that attackers may make it take, in KiB, as docs/security.md adds it up.
pub(crate) const MEMORY: usize = 104 << 10;
/// Requests that go out at once. As docs/security.md states it: a third of the half of what is left after those that are kept.
const AT_ONCE: usize = (DESCRIPTORS - 64) / 2 / 3;
/// How long an attacker waits to be let in. Whoever is not is in the queue of the system, which is as good for an attack.
const PATIENCE: Duration = Duration::from_millis(500);

/// Attackers need descriptors too.
pub(crate) fn raise_own_limit() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, most).unwrap();
}

fn start(site: &Site) -> Server {
    start_with(site, "--allow-networks integrations=127.0.0.0/8")
}

pub(crate) fn start_with(site: &Site, options: &str) -> Server {
    let words = "serve --listen 127.0.0.1:0 --operations-listen 127.0.0.1:0";
    let binary = crate::server::BINARY;
    let script = format!("ulimit -n {DESCRIPTORS}; exec {binary} {words} {options}");
    Server::start(site.shell(&script), &site.directory)
}

impl Server {
    pub(crate) fn descriptors(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.process.id()));
        open.unwrap().count()
    }

    /// Connections, and what it listens on. Files are opened by chores, whoever calls.
    fn sockets(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.process.id()));
        let links = open
            .unwrap()
            .filter_map(|entry| entry.ok()?.path().read_link().ok());
        links
            .filter(|link| link.to_string_lossy().starts_with("socket:"))
            .count()
    }

    /// Resident memory, in KiB.
    pub(crate) fn memory(&self) -> usize {
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

/// Two hundred large bodies that never end take what docs/security.md says, and not a multiple of it.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_held_take_no_more_memory_than_is_stated() {
    const BODIES: usize = 200;
    const KIB: usize = 1 << 10;
    // All bodies, a head and a piece of a body for each, a whole body for each of a few threads.
    const STATED: usize = 32 * KIB + BODIES * (64 + 64) + 4 * 4 * KIB;
    // What an allocator keeps in hand.
    const MARGIN: usize = STATED / 10;
    raise_own_limit();
    let site = Site::new(&[]);
    let server = site.serve();
    let path = server.callback.trim_start_matches(&server.url).to_owned();
    let head = format!("POST {path} HTTP/1.1\r\nhost: t\r\ncontent-length: 1048576\r\n\r\n");
    let large = [head.into_bytes(), vec![b'a'; (1 << 20) - 1]].concat();
    let calm = server.memory();
    let mut mob = Mob::of(&server);
    let mut most = 0;
    for _ in 0..4 {
        mob.come(BODIES / 4, &large).await;
        most = most.max(server.memory());
    }
    let honest = client().get(format!("{}/healthz", server.url)).send().await;
    assert_eq!(honest.unwrap().status(), 200);
    most = most.max(server.memory());
    let taken = most - calm;
    assert!(
        taken < STATED + MARGIN,
        "{taken} KiB of {STATED}, {calm} in calm"
    );
    drop(mob);
    server.stop();
}

/// An endpoint that never answers, at every address of this machine, and how many are connected to it at once, at most.
pub(crate) async fn stuck() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let url = format!(
        "http://127.0.0.1:{}/",
        listener.local_addr().unwrap().port()
    );
    let (now, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let seen = Arc::clone(&most);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (now, seen) = (Arc::clone(&now), Arc::clone(&seen));
            tokio::spawn(async move {
                seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let mut said = [0; 4096];
                while matches!(stream.read(&mut said).await, Ok(length) if length > 0) {}
                now.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (url, most)
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_never_answer_take_no_connection_from_one_that_does() {
    const LANES: usize = 30;
    raise_own_limit();
    let (url, connected) = stuck().await;
    let (well, asked) = endpoint(Duration::ZERO).await;
    let mut hooks: Vec<_> = (0..LANES)
        .map(|number| standard(&format!("stuck-{number}"), &url, ""))
        .collect();
    hooks.push(standard("well", &well, ""));
    let site = Site::new(&hooks);
    let server = start(&site);
    let api = Api::new(&site, &server, &[]);
    live(&server.driver(5, 3), 0..30, 300, 2).await;
    let events = api.events().await.len();
    assert!(events > AT_ONCE, "{events}");
    let mut most = 0;
    until("whoever answers has everything", || {
        most = most.max(server.descriptors());
        let times = asked.lock().unwrap().times;
        async move { times >= events }
    })
    .await;
    assert!(most < DESCRIPTORS, "{most}");
    let connected = connected.load(Ordering::SeqCst);
    assert!((AT_ONCE / 2..=AT_ONCE).contains(&connected), "{connected}");
    assert!(!site.log().contains("Too many open files"));
    server.stop();
}

/// More of them than may be asked at once, each at an address of its own.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_endpoints_that_never_answer_hold_no_more_than_may_go_out_at_once() {
    raise_own_limit();
    let (url, connected) = stuck().await;
    let hooks: Vec<_> = (1..=200)
        .map(|number| {
            let own = url.replace("127.0.0.1", &format!("127.0.2.{number}"));
            standard(&format!("stuck-{number}"), &own, "")
        })
        .collect();
    let site = Site::new(&hooks);
    let server = start(&site);
    let api = Api::new(&site, &server, &[]);
    let driver = server.driver(5, 3);
    live(&driver, 0..3, 300, 2).await;
    let mut most = 0;
    until("as many are asked as may be", || {
        most = most.max(server.descriptors());
        let connected = connected.load(Ordering::SeqCst);
        async move { connected >= AT_ONCE }
    })
    .await;
    // Whoever comes in is served all the same.
    live(&driver, 10..13, 300, 2).await;
    let ready = client()
        .get(format!("{}/readyz", server.operations))
        .send()
        .await;
    assert_eq!(ready.unwrap().status(), 200);
    assert!(!api.events().await.is_empty());
    most = most.max(server.descriptors());
    assert!(most < DESCRIPTORS, "{most}");
    assert_eq!(connected.load(Ordering::SeqCst), AT_ONCE);
    assert!(!site.log().contains("Too many open files"));
    server.stop();
    assert!(site.run(&["verify"]).ends_with(" 0 findings"));
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
    assert_eq!(refused.headers()["retry-after"], "5");
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
    let before = server.sockets();
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
        // Two are those through which it hears of signals.
        server.sockets() <= before + 2
    })
    .await;
}
