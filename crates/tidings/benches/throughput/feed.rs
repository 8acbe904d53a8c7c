//! What pages cost with few and with many events in the ledger, and how far the live feed lags behind.

use crate::{
    load::Load,
    messages::bodies,
    server::{Backend, Server},
    sink::{Sink, all_delivered},
};
use anyhow::{Context, Result, bail};
use domain::{CustomerId, DeliveryId, EventId, Headers, Message, NotSent};
use engine::{System, WallSystem};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use ledger::{
    Commit, CustomerWrite, EventFilter, FeedRow, IntegrationState, LaneId, Ledger, NewDelivery,
    NewEvent, Next, Order, Page, Settlement,
};
use serde_json::Value;
use simulator::Authority;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Writers at the same time while the ledger is filled.
const WRITERS: usize = 128;
/// Times each page is asked for.
const ROUNDS: usize = 11;
/// One delivery in so many has failed.
const FAILED: u64 = 200;

/// A page and its milliseconds to the first byte: the median and the worst of eleven.
pub(crate) struct PageRow {
    pub(crate) name: &'static str,
    pub(crate) median_ms: f64,
    pub(crate) worst_ms: f64,
}

/// How the live feed keeps up.
pub(crate) struct LiveRow {
    pub(crate) events_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// The same history again, told of another customer at another time.
fn again(pattern: &[FeedRow], number: u64, at: Timestamp) -> Commit {
    let first = &pattern[0].event;
    let mut customer = first.customer.clone();
    customer.id = CustomerId::derived(first.project.uuid(), &number.to_string(), at);
    customer.app_user_id = format!("bench-{number}");
    customer.aliases.clear();
    let mut commit = Commit::of(first.project);
    commit.customer = Some(CustomerWrite {
        customer: customer.clone(),
        loaded_version: None,
        seq: pattern.len() as u64,
    });
    for row in pattern {
        let mut event = row.event.clone();
        event.id = EventId::derived(customer.id.uuid(), &event.key, at);
        event.customer = customer.clone();
        (event.recorded_at, event.occurred_at) = (at, at);
        let mut not_sent = Vec::new();
        for (integration, stands) in &row.integrations {
            match stands {
                IntegrationState::NotSent(why) => not_sent.push((*integration, *why)),
                IntegrationState::Delivery { .. } => commit.deliveries.push(NewDelivery {
                    id: DeliveryId::derived(event.id.uuid(), &integration.to_string(), at),
                    project: event.project,
                    event: event.id,
                    lane: LaneId {
                        integration: *integration,
                        endpoint: event.environment,
                    },
                    customer: customer.id,
                    message: Message::named(event.kind.id()),
                    accepted_at: at,
                    due_at: at,
                    ordered: false,
                    trace: None,
                }),
            }
        }
        commit.events.push(NewEvent { event, not_sent });
    }
    commit
}

async fn write(ledger: &dyn Ledger, commit: Commit, number: u64) -> Result<()> {
    let deliveries: Vec<_> = commit
        .deliveries
        .iter()
        .map(|delivery| (delivery.customer, delivery.id, delivery.accepted_at))
        .collect();
    ledger.commit(commit).await?;
    for (customer, delivery, at) in deliveries {
        let has_failed = number.is_multiple_of(FAILED);
        let settlement = Settlement {
            customer,
            delivery,
            attempts: 0,
            at,
            took: Duration::from_millis(40),
            status: Some(if has_failed { 404 } else { 200 }),
            headers: Headers::default(),
            response: b"{}".to_vec(),
            detail: String::new(),
            request: None,
            names_customer: false,
            lacked: None,
            next: if has_failed {
                Next::Failed(NotSent::RejectedByDestination)
            } else {
                Next::Delivered
            },
            order: Order::Any,
        };
        ledger.settle(settlement, at).await?;
    }
    Ok(())
}

/// Fills the ledger up to `count` events, spread over the thirteen days before now, by repeating what is in it.
async fn fill(ledger: &dyn Ledger, pattern: &[FeedRow], count: u64) -> Result<()> {
    let each = pattern.len() as u64;
    let copies = count.div_ceil(each);
    let now = WallSystem.now();
    let span = Duration::from_secs(13 * 86_400);
    stream::iter(0..copies)
        .map(|number| {
            let ago = span.mul_f64(1.0 - number as f64 / copies as f64);
            let at = now.saturating_sub(ago).unwrap_or(now);
            write(ledger, again(pattern, number, at), number)
        })
        .buffer_unordered(WRITERS)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

/// Someone signed in.
pub(crate) struct Reader {
    client: reqwest::Client,
    url: String,
    cookie: String,
    key: String,
}

impl Reader {
    pub(crate) async fn enter(server: &Server) -> Result<Self> {
        let key = server.command(&["keys", "create", "--name", "bench", "--project", "bench"])?;
        let url = server.callbacks[0].split("/callbacks").next();
        let url = url.context("no address")?.to_owned();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        // The server takes the key up within a second.
        for _ in 0..50 {
            let answer = client
                .post(format!("{url}/signin"))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("sec-fetch-site", "same-origin")
                .body(format!("key={key}"))
                .send()
                .await?;
            let cookie = answer.headers().get("set-cookie");
            if let Some(cookie) = cookie.filter(|_| answer.status().is_redirection()) {
                let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
                return Ok(Self {
                    client,
                    url,
                    cookie: cookie.to_owned(),
                    key,
                });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("nobody could sign in")
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response> {
        let answer = self
            .client
            .get(format!("{}{path}", self.url))
            .header("cookie", &self.cookie)
            .send()
            .await?;
        if !answer.status().is_success() {
            bail!("{path}: {}", answer.status());
        }
        Ok(answer)
    }

    pub(crate) async fn measure(&self, name: &'static str, path: &str) -> Result<PageRow> {
        let mut took = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let answer = self.get(path).await?;
            took.push(began.elapsed().as_secs_f64() * 1000.0);
            answer.bytes().await?;
        }
        took.sort_by(f64::total_cmp);
        Ok(PageRow {
            name,
            median_ms: took[took.len() / 2],
            worst_ms: took[took.len() - 1],
        })
    }
}

/// A server with a short real history: one endpoint that is healthy, and one that gets the same.
pub(crate) async fn with_history(
    backend: &Backend,
    authority: &Authority,
) -> Result<(Server, Vec<Sink>)> {
    let mut sinks = Vec::new();
    for _ in 0..2 {
        sinks.push(Sink::start(WallSystem.now()).await?);
    }
    let server = Server::start(backend, authority, &sinks, 0).await?;
    Load::new(&server.callbacks, 1)
        .send(bodies(authority, 0, 5)?, None)
        .await?;
    all_delivered(&sinks, 5).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok((server, sinks))
}

/// Pages of a project with `count` events.
pub(crate) async fn pages(
    backend: &Backend,
    authority: &Authority,
    count: u64,
) -> Result<Vec<PageRow>> {
    let (mut server, _sinks) = with_history(backend, authority).await?;
    server.stop()?;
    let (customer, event, middle) = {
        let ledger = backend.open(&server).await?;
        let everything = EventFilter::default();
        let seen = ledger.events(&everything, Page::After(0, 100)).await?;
        let mut by_customer: BTreeMap<CustomerId, Vec<FeedRow>> = BTreeMap::new();
        for row in seen {
            by_customer
                .entry(row.event.customer.id)
                .or_default()
                .push(row);
        }
        let pattern = by_customer.into_values().next().context("no history")?;
        fill(&*ledger, &pattern, count).await?;
        let last = ledger.events(&everything, Page::Before(None, 1)).await?;
        let last = last.first().context("no events")?;
        (
            last.event.customer.app_user_id.clone(),
            last.event.id,
            last.position / 2,
        )
    };
    server.resume()?;
    let reader = Reader::enter(&server).await?;
    let mut rows = Vec::new();
    for (name, path) in [
        ("event feed", "/projects/bench".to_owned()),
        (
            "feed, an older page",
            format!("/projects/bench?before={middle}"),
        ),
        ("feed, failed ones", "/projects/bench?state=failed".into()),
        (
            "feed, waiting ones (none)",
            "/projects/bench?state=pending".into(),
        ),
        (
            "feed, one kind (none)",
            "/projects/bench?kind=subscription_paused".into(),
        ),
        (
            "feed, production (none)",
            "/projects/bench?environment=production".into(),
        ),
        (
            "feed, one customer",
            format!("/projects/bench?customer={customer}"),
        ),
        ("event", format!("/projects/bench/events/{event}")),
        ("customer", format!("/projects/bench/customers/{customer}")),
        ("overview", "/projects/bench/overview".into()),
        ("integrations", "/projects/bench/integrations".into()),
        ("last sent events", "/projects/bench/integrations/w0".into()),
    ] {
        rows.push(reader.measure(name, &path).await.context(name)?);
    }
    Ok(rows)
}

/// Follows the stream of events until `count` came; answers how old each was when it came, in milliseconds.
async fn follow(reader: &Reader, count: usize) -> Result<Vec<f64>> {
    let answer = reader
        .client
        .get(format!(
            "{}/api/v1/projects/bench/events/stream",
            reader.url
        ))
        .bearer_auth(&reader.key)
        .send()
        .await?;
    let mut chunks = answer.bytes_stream();
    let (mut text, mut lags) = (String::new(), Vec::new());
    while lags.len() < count {
        let chunk = tokio::time::timeout(Duration::from_secs(30), chunks.next()).await;
        text += std::str::from_utf8(&chunk?.context("the stream ended")??)?;
        let now = WallSystem.now();
        while let Some(end) = text.find('\n') {
            let line: String = text.drain(..=end).collect();
            let Some(data) = line.strip_prefix("data:") else {
                continue;
            };
            let event: Value = serde_json::from_str(data.trim())?;
            let recorded = event["recorded_at"].as_str().context("no recorded_at")?;
            let recorded: Timestamp = recorded.parse()?;
            lags.push(now.duration_since(recorded).as_secs_f64() * 1000.0);
        }
    }
    lags.sort_by(f64::total_cmp);
    Ok(lags)
}

/// `rate` notifications a second for `seconds`, an event each, while the stream and the feed page's own stream are read.
pub(crate) async fn live(
    backend: &Backend,
    authority: &Authority,
    rate: f64,
    seconds: u64,
) -> Result<LiveRow> {
    let (server, _sinks) = with_history(backend, authority).await?;
    let reader = Reader::enter(&server).await?;
    let page = reader.get("/projects/bench/live").await?;
    let shown = tokio::spawn(async move {
        let mut rows = 0;
        let mut chunks = page.bytes_stream();
        // What begins in one chunk may end in the next.
        let mut rest = Vec::new();
        while let Ok(Some(Ok(chunk))) =
            tokio::time::timeout(Duration::from_secs(5), chunks.next()).await
        {
            rest.extend_from_slice(&chunk);
            rows += rest.windows(4).filter(|window| *window == b"<tr ").count();
            rest.drain(..rest.len().saturating_sub(3));
        }
        rows
    });
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive count of notifications"
    )]
    let count = (rate * seconds as f64) as u64;
    let told = bodies(authority, 1_000, count)?;
    let load = Load::new(&server.callbacks, 32);
    let expected = usize::try_from(count)?;
    let (lags, sent) = tokio::join!(follow(&reader, expected), load.send(told, Some(rate)));
    let (lags, sent) = (lags?, sent?);
    let shown = shown.await?;
    if shown < expected {
        bail!("the page was shown {shown} of {expected} events");
    }
    let at = |percent: usize| lags[(lags.len() * percent / 100).min(lags.len() - 1)];
    Ok(LiveRow {
        events_per_second: expected as f64 / sent.as_secs_f64(),
        p50_ms: at(50),
        p99_ms: at(99),
    })
}
