//! A hundred addresses with the public key of an app, all at once: they make customers, write attributes, send in what no store knows, hold on to
//! connections and come back whenever they are hung up on. Stores, and whoever bought, are served all the same.

use crate::{
    bounds::{DESCRIPTORS, raise_own_limit, start_with, stuck},
    limits::{endpoint, standard},
    receipts::transaction,
    sdk::V1,
    server::{Api, Server, Site, live, until},
};
use serde_json::json;
use simulator::{Authority, Stores};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

/// Addresses that strangers come from, beginning with 127.0.0.2.
const ADDRESSES: u8 = 100;
/// How long one of them rests that was hung up on.
const REST: Duration = Duration::from_millis(20);

/// What one of them does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Does {
    Nothing,
    HalfAHead,
    HalfABody,
    Customers,
    Attributes,
    Receipts,
}

impl Does {
    const ALL: [Self; 6] = [
        Self::Nothing,
        Self::HalfAHead,
        Self::HalfABody,
        Self::Customers,
        Self::Attributes,
        Self::Receipts,
    ];

    /// What it says the `number`th time.
    fn says(self, key: &str, who: &str, number: u64) -> String {
        let call = |method: &str, path: &str, body: &str| {
            let length = body.len();
            format!(
                "{method} /v1{path} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {key}\r\nx-forwarded-for: {who}\r\ncontent-length: {length}\r\n\r\n{body}"
            )
        };
        let name = format!("{who}-{number}");
        match self {
            Self::Nothing => String::new(),
            Self::HalfAHead => "GET / HTTP/1.1\r\nhost: t\r\nx-a: ".into(),
            Self::HalfABody => {
                let whole = call("POST", "/receipts", &"x".repeat(1000));
                whole.trim_end_matches('x').to_owned() + "xxx"
            }
            Self::Customers => call("GET", &format!("/subscribers/{name}"), ""),
            Self::Attributes => {
                let body = json!({ "attributes": { "plan": { "value": "x".repeat(500) } } });
                let path = format!("/subscribers/{who}/attributes");
                call("POST", &path, &body.to_string())
            }
            Self::Receipts => {
                let body = json!({ "app_user_id": who, "fetch_token": name });
                call("POST", "/receipts", &body.to_string())
            }
        }
    }

    /// Whether a proxy would hand on what it says.
    fn is_whole(self) -> bool {
        !matches!(self, Self::Nothing | Self::HalfAHead | Self::HalfABody)
    }
}

/// Where they come to, and what became of it.
#[derive(Clone)]
struct Crowd {
    place: SocketAddr,
    key: String,
    /// Where whole requests come from, if not from those who ask.
    proxy: Option<[u8; 4]>,
    /// How often they were answered or hung up on.
    over: Arc<Mutex<BTreeMap<Does, u64>>>,
}

impl Crowd {
    /// Everybody comes, each with a connection for each thing there is to do.
    fn comes(&self) -> JoinSet<()> {
        let mut all = JoinSet::new();
        for address in 2..2 + ADDRESSES {
            for does in Does::ALL {
                let crowd = self.clone();
                all.spawn(async move {
                    let mut number = 0;
                    loop {
                        drop(crowd.one([127, 0, 0, address], does, &mut number).await);
                        *crowd.over.lock().unwrap().entry(does).or_default() += 1;
                        tokio::time::sleep(REST).await;
                    }
                });
            }
        }
        all
    }

    async fn one(&self, address: [u8; 4], does: Does, number: &mut u64) -> std::io::Result<()> {
        let mut stream = self.connect(address, does).await?;
        let [.., last] = address;
        let who = format!("203.0.113.{last}");
        let mut answer = vec![0; 16 << 10];
        loop {
            *number += 1;
            let says = does.says(&self.key, &who, *number);
            stream.write_all(says.as_bytes()).await?;
            if stream.read(&mut answer).await? == 0 {
                return Ok(());
            }
            *self.over.lock().unwrap().entry(does).or_default() += 1;
        }
    }

    async fn connect(&self, address: [u8; 4], does: Does) -> std::io::Result<TcpStream> {
        let from = self.proxy.filter(|_| does.is_whole()).unwrap_or(address);
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        socket.connect(self.place).await
    }

    /// Each thing was done several times over.
    async fn is_there(&self) {
        until("the crowd is there", || async {
            let over = self.over.lock().unwrap();
            Does::ALL
                .iter()
                .all(|does| over.get(does).is_some_and(|times| *times > 100))
        })
        .await;
    }
}

/// A shop with an app of the App Store and one of Google Play, which never answers, and an integration that does.
async fn shop(integration: &str) -> Site {
    let (url, _) = stuck().await;
    let url = url.trim_end_matches('/').to_owned();
    let stores = Stores::new(Authority::create().unwrap(), "com.example").unwrap();
    let account = stores.play.api.service_account(&url);
    let play = format!(
        "[apps.play]\nstore = \"play_store\"\npackage = \"com.example\"\npush_service_account = \"{}\"\nservice_account = '''{account}'''\napi_url = \"{url}\"\n",
        simulator::PUSH_ACCOUNT
    );
    Site::new(&[standard("well", integration, ""), play])
}

async fn whoever_is_honest_is_served(options: &str, proxy: Option<[u8; 4]>) {
    raise_own_limit();
    let (url, asked) = endpoint(Duration::ZERO).await;
    let site = shop(&url).await;
    let networks = "--allow-networks integrations=127.0.0.0/8,stores=127.0.0.0/8";
    let server = start_with(&site, &format!("{networks} {options}"));
    let key = |app| site.run(&["keys", "client", "--project", "acme", "--app", app]);
    let crowd = Crowd {
        place: server.url.trim_start_matches("http://").parse().unwrap(),
        key: key("play"),
        proxy,
        over: Arc::default(),
    };
    let mut all = crowd.comes();
    crowd.is_there().await;

    // All that the store tells is accepted, as it tells it again where it was not, and delivered.
    live(&server.driver(5, 3), 0..10, 300, 2).await;
    buys(&server, &key("ios")).await;
    let open = server.descriptors();
    assert!(open < DESCRIPTORS, "{open}");
    let delivered = async || asked.lock().unwrap().times > 0;
    until("some of it is delivered", delivered).await;
    all.shutdown().await;
    let told = Api::new(&site, &server, &[]).events().await.len();
    let delivered = async || asked.lock().unwrap().times >= told;
    until("all of it is delivered", delivered).await;
    assert!(!site.log().contains("panicked") && !site.log().contains("Too many open files"));
    server.stop();
    assert!(site.run(&["verify"]).ends_with(" 0 findings"));
}

/// Somebody buys, of whom nothing was known, and has what was bought.
async fn buys(server: &Server, key: &str) {
    let client = V1 {
        url: server.url.clone(),
        key: key.to_owned(),
    };
    let body = json!({ "app_user_id": "ann", "fetch_token": transaction(1) });
    let (status, answer) = client.send("POST", "/receipts", Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    let premium = &answer["subscriber"]["entitlements"]["premium"];
    assert!(premium.is_object(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_honest_is_served_beside_a_crowd() {
    whoever_is_honest_is_served("", None).await;
}

/// Strangers who ask come by way of the proxy, as stores do; those who only hold on reach the server itself.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_honest_is_served_beside_a_crowd_behind_a_proxy() {
    whoever_is_honest_is_served("--trusted-proxies 127.0.0.1/32", Some([127, 0, 0, 1])).await;
}
