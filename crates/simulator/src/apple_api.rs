//! A fake App Store Server API, over the lives that were played.

use crate::{
    Authority, Step,
    stores::{Api, ApiAnswer, ApiRequest},
};
use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A private key as App Store Connect would hand out; the API believes every signature.
pub fn api_key() -> Result<String> {
    let der = rcgen::KeyPair::generate()?.serialize_der();
    Ok(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64_STANDARD.encode(der)
    ))
}

/// Transactions of one page, as Apple has it.
const PAGE: usize = 20;

#[derive(Default)]
struct Chain {
    /// By transaction id, which rises with time.
    transactions: BTreeMap<String, Value>,
    renewal: Option<Value>,
    status: u8,
}

#[derive(Default)]
struct State {
    chains: BTreeMap<String, Chain>,
    /// Bodies that could not be delivered, with the time of the attempt.
    undelivered: Vec<(Timestamp, String)>,
}

/// The API.
pub struct AppStoreApi {
    authority: Authority,
    state: Mutex<State>,
}

impl AppStoreApi {
    /// An API that signs with these certificates and knows nothing yet.
    pub fn new(authority: Authority) -> Self {
        Self {
            authority,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a notification reports happened, whether it arrives or not.
    pub fn happened(&self, step: &Step) {
        self.record(step.transaction(), step.renewal(), step.status());
    }

    /// The same, from its parts.
    pub fn record(&self, transaction: &Value, renewal: Option<&Value>, status: u8) {
        let text = |name: &str| transaction[name].as_str().unwrap_or_default().to_owned();
        let mut state = self.state();
        let chain = state
            .chains
            .entry(text("originalTransactionId"))
            .or_default();
        chain
            .transactions
            .insert(text("transactionId"), transaction.clone());
        if let Some(renewal) = renewal {
            chain.renewal = Some(renewal.clone());
            chain.status = status;
        }
    }

    /// A notification could not be delivered.
    pub fn failed_to_deliver(&self, at: Timestamp, body: String) {
        self.state().undelivered.push((at, body));
    }

    fn signed(&self, payload: &Value, now: Timestamp) -> Value {
        let mut payload = payload.clone();
        payload["signedDate"] = now.as_millisecond().into();
        self.authority.sign(&payload).unwrap_or_default().into()
    }
}

fn unknown() -> ApiAnswer {
    ApiAnswer::error(
        404,
        &json!({ "errorCode": 4_040_010, "errorMessage": "Transaction id not found." }),
    )
}

impl Api for AppStoreApi {
    fn answer(&self, request: &ApiRequest, now: Timestamp) -> ApiAnswer {
        if !request
            .authorization
            .as_ref()
            .is_some_and(|token| token.starts_with("Bearer ") && token.matches('.').count() == 2)
        {
            return ApiAnswer {
                status: 401,
                body: b"Unauthenticated".to_vec(),
                retry_after: None,
            };
        }
        let state = self.state();
        let find = |id: &str| {
            state
                .chains
                .iter()
                .find(|(chain, record)| *chain == id || record.transactions.contains_key(id))
        };
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["inApps", "v2", "history", id] => {
                let Some((_, chain)) = find(id) else {
                    return unknown();
                };
                let since: i64 = request
                    .parameter("startDate")
                    .and_then(|millis| millis.parse().ok())
                    .unwrap_or(i64::MIN);
                let from: usize = request
                    .parameter("revision")
                    .and_then(|revision| revision.parse().ok())
                    .unwrap_or(0);
                let all: Vec<&Value> = chain
                    .transactions
                    .values()
                    .filter(|transaction| {
                        transaction["purchaseDate"].as_i64().unwrap_or(0) >= since
                    })
                    .collect();
                let page: Vec<Value> = all
                    .iter()
                    .skip(from)
                    .take(PAGE)
                    .map(|transaction| self.signed(transaction, now))
                    .collect();
                ApiAnswer::json(&json!({
                    "revision": (from + page.len()).to_string(), "hasMore": from + page.len() < all.len(), "signedTransactions": page,
                }))
            }
            ["inApps", "v1", "subscriptions", id] => {
                let Some((original, chain)) = find(id) else {
                    return unknown();
                };
                let last = chain
                    .renewal
                    .as_ref()
                    .zip(chain.transactions.values().next_back());
                let data: Vec<Value> = last
                    .into_iter()
                    .map(|(renewal, transaction)| {
                        json!({ "lastTransactions": [{
                            "originalTransactionId": original, "status": chain.status,
                            "signedTransactionInfo": self.signed(transaction, now), "signedRenewalInfo": self.signed(renewal, now),
                        }] })
                    })
                    .collect();
                ApiAnswer::json(&json!({ "data": data }))
            }
            ["inApps", "v1", "notifications", "history"] => {
                let wanted: Option<Value> = serde_json::from_slice(&request.body).ok();
                let Some(since) = wanted.and_then(|wanted| wanted["startDate"].as_i64()) else {
                    return ApiAnswer::error(
                        400,
                        &json!({ "errorMessage": "Invalid start date." }),
                    );
                };
                let history: Vec<Value> = state
                    .undelivered
                    .iter()
                    .filter(|(at, _)| at.as_millisecond() >= since)
                    .filter_map(|(_, body)| serde_json::from_str(body).ok())
                    .collect();
                ApiAnswer::json(&json!({ "hasMore": false, "notificationHistory": history }))
            }
            _ => unknown(),
        }
    }
}
