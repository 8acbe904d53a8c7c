//! Three nodes together keep to what an endpoint may be asked: so many at once, so many a second.

use crate::{
    server::{Api, Server, Site, live, until, webhook},
    told::cluster,
};
use axum::{Router, extract::State, routing::post};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// What an endpoint was asked.
#[derive(Default)]
pub(crate) struct Asked {
    now: usize,
    most_at_once: usize,
    pub(crate) times: usize,
}

/// An endpoint that takes its time.
pub(crate) async fn endpoint(pause: Duration) -> (String, Arc<Mutex<Asked>>) {
    let asked = Arc::<Mutex<Asked>>::default();
    let take = async move |State(asked): State<Arc<Mutex<Asked>>>| {
        {
            let mut asked = asked.lock().unwrap();
            asked.now += 1;
            asked.most_at_once = asked.most_at_once.max(asked.now);
            asked.times += 1;
        }
        tokio::time::sleep(pause).await;
        asked.lock().unwrap().now -= 1;
    };
    let router = Router::new()
        .route("/", post(take))
        .with_state(Arc::clone(&asked));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

pub(crate) fn standard(key: &str, url: &str, more: &str) -> String {
    webhook(key, url).replace(
        "sandbox_url",
        &format!("format = \"standard\"\n{more}sandbox_url"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_what_an_endpoint_may_be_asked() {
    const NODES: usize = 3;
    const LIMIT: usize = 32;
    const PER_SECOND: usize = 20;
    let cluster = cluster().await;
    let url = tokio::task::block_in_place(|| cluster.database()).unwrap();
    let (slow, at_once) = endpoint(Duration::from_millis(400)).await;
    let (quick, paced) = endpoint(Duration::ZERO).await;
    let site = Site::on_postgres(
        url,
        &[
            standard("slow", &slow, ""),
            standard("paced", &quick, &format!("max_per_second = {PER_SECOND}\n")),
        ],
    );
    let nodes: Vec<Server> = (0..NODES).map(|_| site.serve()).collect();
    until("every node counts all", || async {
        let mut counts = Vec::new();
        for node in &nodes {
            counts.push(node.metrics().await.contains("\ntidings_nodes 3\n"));
        }
        counts.iter().all(|counts| *counts)
    })
    .await;
    let began = Instant::now();
    // Each node is told of customers of its own.
    let drivers: Vec<_> = nodes.iter().map(|node| node.driver(5, 3)).collect();
    let lives = drivers.iter().enumerate().map(|(index, driver)| {
        let first = index as u64 * 1_000;
        live(driver, first..first + 40, 300, 2)
    });
    futures_util::future::join_all(lives).await;
    let api = Api::new(&site, &nodes[0], &[]);
    let events = api.events().await.len();
    until("the slow one has everything", || async {
        at_once.lock().unwrap().times >= events
    })
    .await;
    until("the paced one has some", || async {
        paced.lock().unwrap().times > PER_SECOND / 2
    })
    .await;
    for node in &nodes {
        assert!(
            node.metrics().await.contains("\ntidings_attempts_total{"),
            "every node made some of the attempts"
        );
    }
    let most = at_once.lock().unwrap().most_at_once;
    assert!(most < LIMIT * 3 / 2, "{most} at once, of {LIMIT}");
    // However long it took, there were not more than so many in that time: a busy machine makes it fewer.
    let count = paced.lock().unwrap().times;
    let seconds = began.elapsed().as_secs_f64();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive count"
    )]
    let may = (seconds * PER_SECOND as f64) as usize + 2 * PER_SECOND;
    assert!(
        count <= may,
        "{count} in {seconds} s, of {PER_SECOND} a second"
    );
}
