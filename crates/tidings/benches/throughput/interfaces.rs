//! What each way in costs: store callbacks, receipts, and what client SDKs ask, one request per connection in flight.

use crate::server::Backend;
use anyhow::{Context, Result, bail};
use engine::{System, WallSystem};
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use serde_json::json;
use simulator::{Authority, SIGNING_SECRET, Stores, StripeSubscription, Subscription, sign};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const PACKAGE: &str = "com.example.bench";
const CONCURRENCY: usize = 64;

/// Requests a second of one way in.
pub(crate) struct Interface {
    pub(crate) name: &'static str,
    pub(crate) per_second: f64,
}

struct Request {
    method: reqwest::Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn run(environment: &[(&'static str, String)], words: &[&str]) -> Result<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .args(words)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .output()?;
    if !output.status.success() {
        bail!(
            "tidings {words:?}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

async fn measure(name: &'static str, requests: Vec<Request>) -> Result<Interface> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(CONCURRENCY)
        .build()?;
    let count = requests.len();
    let began = Instant::now();
    let failed = stream::iter(requests)
        .map(|request| {
            let mut sending = client
                .request(request.method, request.url)
                .body(request.body);
            for (name, value) in request.headers {
                sending = sending.header(name, value);
            }
            async move {
                match sending.send().await {
                    Ok(answer) if answer.status().is_success() => None,
                    Ok(answer) => Some(format!(
                        "{}: {}",
                        answer.status(),
                        answer.text().await.unwrap_or_default()
                    )),
                    Err(error) => Some(error.to_string()),
                }
            }
        })
        .buffer_unordered(CONCURRENCY)
        .filter_map(|failure| async move { failure })
        .collect::<Vec<_>>()
        .await;
    if let Some(first) = failed.first() {
        bail!(
            "{name}: {} of {count} failed, the first with {first}",
            failed.len()
        );
    }
    Ok(Interface {
        name,
        per_second: count as f64 / began.elapsed().as_secs_f64(),
    })
}

/// Waits until no message waits for its store, and answers how long that took since `began`.
async fn processed(url: &str, key: &str, began: Instant) -> Result<Duration> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    loop {
        let text = client
            .get(format!("{url}/api/v1/projects/bench/parked"))
            .bearer_auth(key)
            .send()
            .await?
            .text()
            .await?;
        let waiting: serde_json::Value = serde_json::from_str(&text)?;
        if waiting["items"].as_array().is_some_and(Vec::is_empty) {
            return Ok(began.elapsed());
        }
        if began.elapsed() > Duration::from_mins(5) {
            bail!("messages still wait: {text}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) async fn interfaces(backend: &Backend, count: u64) -> Result<Vec<Interface>> {
    let now = WallSystem.now();
    let stores = Stores::new(Authority::create()?, PACKAGE)?;
    let api_url = stores.serve(Stores::anywhere(), now).await?;
    let (play, stripe) = (&stores.play, &stores.stripe);
    let directory = std::env::temp_dir().join(format!("tidings-bench-in-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&directory));
    std::fs::create_dir_all(&directory)?;
    let data = directory.join("data").display().to_string();
    let mut environment = backend.environment()?;
    environment.push(("TIDINGS_DATA", data));
    let project = format!(
        "[project]\nkey = \"bench\"\n[apps.android]\nstore = \"play_store\"\npackage = \"{PACKAGE}\"\npush_unauthenticated = true\napi_url = \"{api_url}\"\nservice_account = '{}'\n[apps.web]\nstore = \"stripe\"\napi_url = \"{api_url}\"\napi_key = \"{}\"\nsigning_secrets = [\"{SIGNING_SECRET}\"]\n",
        play.api.service_account(&api_url),
        simulator::API_KEY,
    );
    let file = directory.join("project.toml");
    std::fs::write(&file, project)?;
    run(&environment, &["apply", &file.to_string_lossy()])?;
    let secret = run(
        &environment,
        &["keys", "create", "--name", "bench", "--project", "bench"],
    )?;
    let public = run(
        &environment,
        &["keys", "client", "--project", "bench", "--app", "android"],
    )?;
    let log = std::fs::File::create(directory.join("log"))?;
    let mut process = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--allow-networks",
            "stores=127.0.0.0/8",
            "--log",
            "error",
        ])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    let output = process.stdout.take().context("no output")?;
    let _running = Running(process);
    let words: Vec<String> = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .take(5)
        .flat_map(|line| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|word| word.starts_with("http"))
        .collect();
    let find = |part: &str| {
        words
            .iter()
            .find(|word| word.contains(part))
            .cloned()
            .context("the server did not say where it listens")
    };
    let (google, hook) = (find("/callbacks/google/")?, find("/callbacks/stripe/")?);
    let url = google
        .split("/callbacks")
        .next()
        .unwrap_or_default()
        .to_owned();
    let ends = now.saturating_add(SignedDuration::from_hours(24 * 30))?;
    let sold = |token: String| {
        play.api.subscribe(
            &Subscription {
                account: format!("user-{token}"),
                token: token.clone(),
                product: "gold".into(),
                plan: "monthly".into(),
                price_micros: 9_990_000,
                currency: "USD".into(),
                is_trial: false,
                linked: None,
            },
            now,
            ends,
        );
        token
    };
    let post = |url: &str, headers: Vec<(&'static str, String)>, body: String| Request {
        method: reqwest::Method::POST,
        url: url.to_owned(),
        headers,
        body,
    };
    let mut rows = Vec::new();
    let pushes = (0..count)
        .map(|number| {
            let token = sold(format!("p{number}"));
            post(&google, Vec::new(), play.api.tell(4, &token, now))
        })
        .collect();
    let began = Instant::now();
    rows.push(measure("Google push, answered", pushes).await?);
    let took = processed(&url, &secret, began).await?;
    rows.push(Interface {
        name: "Google push, processed (one question each)",
        per_second: count as f64 / took.as_secs_f64(),
    });
    let hooks = (0..count / 4)
        .map(|number| {
            let id = format!("sub_{number}");
            let new = StripeSubscription {
                id: id.clone(),
                account: format!("web-{number}"),
                product: "prod_gold".into(),
                price: "price_monthly".into(),
                amount: 999,
            };
            stripe.api.subscribe(&new, now, ends, false);
            stripe.api.invoice(
                &format!("in_{number}"),
                &id,
                "subscription_create",
                999,
                (now, ends),
                now,
            );
            let object = stripe.api.get("subscriptions", &id).unwrap_or_default();
            let body = stripe
                .api
                .tell("customer.subscription.created", &object, now);
            let signature = sign(&body, now);
            post(&hook, vec![("stripe-signature", signature)], body)
        })
        .collect();
    rows.push(measure("Stripe webhook, answered", hooks).await?);
    let bearer = || vec![("authorization", format!("Bearer {public}"))];
    // Each asks Google, who allows an app some forty questions a second.
    let receipts = (0..count.min(400))
        .map(|number| {
            let token = sold(format!("r{number}"));
            let body = json!({ "app_user_id": format!("buyer-{number}"), "fetch_token": token });
            post(&format!("{url}/v1/receipts"), bearer(), body.to_string())
        })
        .collect();
    rows.push(measure("receipt, with its question to Google", receipts).await?);
    let reads = (0..count * 10)
        .map(|number| Request {
            method: reqwest::Method::GET,
            url: format!("{url}/v1/subscribers/user-p{}", number % count),
            headers: bearer(),
            body: String::new(),
        })
        .collect();
    rows.push(measure("GET subscriber", reads).await?);
    let writes = (0..count * 4)
        .map(|number| {
            let body = json!({ "attributes": { "level": { "value": number.to_string() } } });
            let url = format!("{url}/v1/subscribers/user-p{}/attributes", number % count);
            post(&url, bearer(), body.to_string())
        })
        .collect();
    rows.push(measure("attribute write", writes).await?);
    drop(std::fs::remove_dir_all(&directory));
    Ok(rows)
}
