//! A receiver of the webhook in format `standard`.
#![expect(
    clippy::disallowed_methods,
    reason = "a program of its own, with settings and a clock"
)]

use aws_lc_rs::hmac;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use std::{
    env, fs, io,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

struct Receiver {
    secrets: Vec<hmac::Key>,
    file: String,
    customers: Mutex<Map<String, Value>>,
}

/// Whether one of our secrets signed these bytes, within the last five minutes.
fn is_signed(secrets: &[hmac::Key], headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    if !at.parse::<u64>().is_ok_and(|at| now.abs_diff(at) < 300) {
        return false;
    }
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", body].concat();
    let told = header("webhook-signature").split(' ');
    let told = told.filter_map(|one| BASE64_STANDARD.decode(one.strip_prefix("v1,")?).ok());
    let told: Vec<_> = told.collect();
    // Compares in constant time.
    let is_by = |key| {
        told.iter()
            .any(|one| hmac::verify(key, &signed, one).is_ok())
    };
    secrets.iter().any(is_by)
}

impl Receiver {
    /// Keeps what a customer may use, unless something newer is known.
    fn keep(&self, event: &Value) -> io::Result<()> {
        let data = &event["data"];
        let (Some(id), Some(seq)) = (
            data["customer"]["id"].as_str(),
            data["customer_seq"].as_u64(),
        ) else {
            return Ok(());
        };
        let mut customers = self
            .customers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = customers.get(id).and_then(|known| known["seq"].as_u64());
        if event["type"] == "test" || known.is_some_and(|known| seq <= known) {
            return Ok(());
        }
        let now = json!({ "app_user_id": data["customer"]["app_user_id"], "seq": seq, "access": data["access"] });
        customers.insert(id.to_owned(), now);
        // Your database does this in one statement: insert ... on conflict (id) do update ... where excluded.seq > customers.seq
        let new = format!("{}.new", self.file);
        fs::write(&new, Value::Object(customers.clone()).to_string())?;
        fs::rename(new, &self.file)
    }
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if !is_signed(&receiver.secrets, &headers, &body) {
        return StatusCode::BAD_REQUEST;
    }
    match serde_json::from_slice(&body) {
        Ok(event) if receiver.keep(&event).is_ok() => StatusCode::NO_CONTENT,
        Ok(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

async fn known(State(receiver): State<Arc<Receiver>>) -> Json<Map<String, Value>> {
    let customers = receiver.customers.lock();
    Json(customers.unwrap_or_else(PoisonError::into_inner).clone())
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let setting = |name, otherwise: &str| env::var(name).unwrap_or_else(|_| otherwise.to_owned());
    let secrets = setting("TIDINGS_SECRET", "");
    let key = |secret: &str| {
        let bytes = BASE64_STANDARD
            .decode(secret.strip_prefix("whsec_")?)
            .ok()?;
        Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    };
    let file = setting("STATE", "state.json");
    let kept = fs::read(&file).ok();
    let kept = kept.and_then(|kept| serde_json::from_slice(&kept).ok());
    let receiver = Receiver {
        secrets: secrets.split(' ').filter_map(key).collect(),
        customers: Mutex::new(kept.unwrap_or_default()),
        file,
    };
    let app = Router::new().route("/", get(known).post(receive));
    let app = app.fallback(get(known)).with_state(Arc::new(receiver));
    let address = format!("127.0.0.1:{}", setting("PORT", "8787"));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).await
}
