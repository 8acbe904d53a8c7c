//! A fake App Store Server API, over the lives that were played.

use crate::{
    api::{Api, ApiAnswer, ApiRequest},
    authority::Authority,
};
use anyhow::Result;
use base64::{Engine, prelude::BASE64_STANDARD};
use guarded::Guarded;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard},
};

/// A private key as App Store Connect would hand out; the API believes every signature.
pub fn api_key() -> Result<String> {
    let der = rcgen::KeyPair::generate()?.serialize_der();
    Ok(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64_STANDARD.encode(der)
    ))
}

/// The app whose customers live here.
#[derive(Debug, Clone)]
pub struct App {
    /// Its bundle id.
    pub bundle_id: String,
    /// `LocalTesting`, or `Sandbox` against a verifier made for the test.
    pub environment: String,
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
    /// Where notifications go.
    callback: Option<(String, App)>,
    /// What was said of transactions whose refund was asked about, in order.
    consumed: Vec<(String, Value)>,
    /// Test notifications asked for, by token: what became of each, as soon as that is known.
    tests: BTreeMap<String, Option<&'static str>>,
}

/// The API.
pub struct AppStoreApi {
    authority: Authority,
    state: Arc<Guarded<State>>,
}

impl AppStoreApi {
    /// An API that signs with these certificates and knows nothing yet.
    pub fn new(authority: Authority) -> Self {
        Self {
            authority,
            state: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// From now on it shows this transaction, and how its subscription stands.
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

    /// Where notifications of this app go, as App Store Connect is told.
    pub fn call_back(&self, url: String, app: App) {
        self.state().callback = Some((url, app));
    }

    /// What was said of transactions whose refund was asked about, in order.
    pub fn consumed(&self) -> Vec<(String, Value)> {
        self.state().consumed.clone()
    }

    fn signed(&self, payload: &Value, now: Timestamp) -> Result<Value> {
        let mut payload = payload.clone();
        payload["signedDate"] = now.as_millisecond().into();
        Ok(self.authority.sign(&payload)?.into())
    }

    /// Sends a test notification in the background.
    fn test(&self, now: Timestamp) -> Result<ApiAnswer> {
        let mut state = self.state();
        let Some((url, app)) = state.callback.clone() else {
            return Ok(ApiAnswer::error(
                404,
                &json!({ "errorCode": 4_040_007, "errorMessage": "No App Store Server Notification URL found for provided app." }),
            ));
        };
        let token = format!("test-{}", state.tests.len() + 1);
        state.tests.insert(token.clone(), None);
        drop(state);
        let payload = json!({
            "notificationType": "TEST", "notificationUUID": format!("{token}-{}", now.as_microsecond()), "version": "2.0",
            "data": { "bundleId": app.bundle_id, "environment": app.environment },
        });
        let body = json!({ "signedPayload": self.signed(&payload, now)? });
        let (state, sent) = (Arc::clone(&self.state), token.clone());
        tokio::spawn(async move {
            let answered = async {
                let client = reqwest::Client::builder().no_proxy().build()?;
                client
                    .post(&url)
                    .header("content-type", "application/json")
                    .body(body.to_string())
                    .send()
                    .await
            };
            let result = match answered.await {
                Ok(answer) if answer.status().is_success() => "SUCCESS",
                Ok(_) => "UNSUCCESSFUL_HTTP_RESPONSE_CODE",
                Err(_) => "NO_RESPONSE",
            };
            let mut state = state.lock();
            state.tests.insert(sent, Some(result));
        });
        Ok(ApiAnswer::json(&json!({ "testNotificationToken": token })))
    }

    /// Takes what is said of a transaction, or refuses it as Apple documents. Source: Apple, App Store Server API, *Send Consumption
    /// Information*, response codes, and `consumptionPercentage`.
    fn consumption(&self, request: &ApiRequest, id: &str) -> ApiAnswer {
        let mut state = self.state();
        let mut chains = state.chains.values();
        let Some(transaction) = chains.find_map(|chain| chain.transactions.get(id)) else {
            return unknown();
        };
        let renews = transaction["type"] == "Auto-Renewable Subscription";
        let said: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        if request.method != "PUT" || !said.is_object() {
            return ApiAnswer::error(400, &json!({ "errorMessage": "Bad request." }));
        }
        if let Some((code, message)) = consumption_refused(&said, renews) {
            let message = format!("Invalid request. The {message}.");
            let code = (code > 0).then_some(code);
            return ApiAnswer::error(400, &json!({ "errorCode": code, "errorMessage": message }));
        }
        state.consumed.push((id.to_owned(), said));
        ApiAnswer {
            status: 202,
            body: Vec::new(),
            retry_after: None,
        }
    }

    /// Answers a request whose bearer token was believed.
    fn respond(&self, request: &ApiRequest, now: Timestamp) -> Result<ApiAnswer> {
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        if let ["inApps", "v1", "notifications", "test"] = parts.as_slice() {
            return self.test(now);
        }
        if let ["inApps", "v2", "transactions", "consumption", id] = parts.as_slice() {
            return Ok(self.consumption(request, id));
        }
        let state = self.state();
        match parts.as_slice() {
            ["inApps", "v2", "history", id] => match state.find(id) {
                Some((_, chain)) => self.history(chain, request, now),
                None => Ok(unknown()),
            },
            ["inApps", "v1", "subscriptions", id] => match state.find(id) {
                Some((original, chain)) => self.statuses(original, chain, now),
                None => Ok(unknown()),
            },
            ["inApps", "v1", "transactions", id] => {
                let found = state.find(id);
                match found.and_then(|(_, chain)| chain.transactions.get(*id)) {
                    Some(transaction) => Ok(ApiAnswer::json(
                        &json!({ "signedTransactionInfo": self.signed(transaction, now)? }),
                    )),
                    None => Ok(unknown()),
                }
            }
            ["inApps", "v1", "notifications", "history"] => Ok(state.undelivered(request)),
            ["inApps", "v1", "notifications", "test", token] => Ok(state.tested(token, now)),
            _ => Ok(unknown()),
        }
    }

    /// A page of the transactions of a chain.
    fn history(&self, chain: &Chain, request: &ApiRequest, now: Timestamp) -> Result<ApiAnswer> {
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
            .filter(|transaction| transaction["purchaseDate"].as_i64().unwrap_or(0) >= since)
            .collect();
        let page = all
            .iter()
            .skip(from)
            .take(PAGE)
            .map(|transaction| self.signed(transaction, now))
            .collect::<Result<Vec<Value>>>()?;
        Ok(ApiAnswer::json(&json!({
            "revision": (from + page.len()).to_string(), "hasMore": from + page.len() < all.len(), "signedTransactions": page,
        })))
    }

    /// How a chain stands, if it is a subscription.
    fn statuses(&self, original: &str, chain: &Chain, now: Timestamp) -> Result<ApiAnswer> {
        let last = chain
            .renewal
            .as_ref()
            .zip(chain.transactions.values().next_back());
        let data = last
            .into_iter()
            .map(|(renewal, transaction)| {
                Ok(json!({ "lastTransactions": [{
                    "originalTransactionId": original, "status": chain.status,
                    "signedTransactionInfo": self.signed(transaction, now)?, "signedRenewalInfo": self.signed(renewal, now)?,
                }] }))
            })
            .collect::<Result<Vec<Value>>>()?;
        Ok(ApiAnswer::json(&json!({ "data": data })))
    }
}

impl State {
    /// The chain with this id, or with a transaction of this id.
    fn find(&self, id: &str) -> Option<(&String, &Chain)> {
        let with_transaction = || {
            let mut chains = self.chains.iter();
            chains.find(|(_, record)| record.transactions.contains_key(id))
        };
        self.chains.get_key_value(id).or_else(with_transaction)
    }

    /// What the store could not deliver since it is asked about.
    fn undelivered(&self, request: &ApiRequest) -> ApiAnswer {
        let wanted: Option<Value> = serde_json::from_slice(&request.body).ok();
        let Some(since) = wanted.and_then(|wanted| wanted["startDate"].as_i64()) else {
            let problem = json!({ "errorMessage": "Invalid start date." });
            return ApiAnswer::error(400, &problem);
        };
        let history: Vec<Value> = self
            .undelivered
            .iter()
            .filter(|(at, _)| at.as_millisecond() >= since)
            .filter_map(|(_, body)| serde_json::from_str(body).ok())
            .collect();
        ApiAnswer::json(&json!({ "hasMore": false, "notificationHistory": history }))
    }

    /// What came of a test notification.
    fn tested(&self, token: &str, now: Timestamp) -> ApiAnswer {
        let Some(result) = self.tests.get(token) else {
            return ApiAnswer::error(
                404,
                &json!({ "errorCode": 4_040_008, "errorMessage": "Either the test notification token is expired or the notification and status are not yet available." }),
            );
        };
        let attempt = |result: &&str| json!({ "attemptDate": now.as_millisecond(), "sendAttemptResult": result });
        let attempts: Vec<Value> = result.iter().map(attempt).collect();
        ApiAnswer::json(&json!({ "sendAttempts": attempts }))
    }
}

/// Why Apple would not take it: its code, where one is known, and what is wrong.
fn consumption_refused(said: &Value, renews: bool) -> Option<(i64, &'static str)> {
    let share = &said["consumptionPercentage"];
    let is_one_of = |name: &str, words: &[&str]| {
        let said = said[name].as_str();
        said.is_some_and(|said| words.contains(&said))
    };
    let deliveries = [
        "DELIVERED",
        "UNDELIVERED_QUALITY_ISSUE",
        "UNDELIVERED_WRONG_ITEM",
        "UNDELIVERED_SERVER_OUTAGE",
        "UNDELIVERED_OTHER",
    ];
    let preferences = ["DECLINE", "GRANT_FULL", "GRANT_PRORATED"];
    if said["customerConsented"] != true {
        return Some((4_000_035, "customer consented field is invalid"));
    }
    if !is_one_of("deliveryStatus", &deliveries) {
        return Some((4_000_036, "delivery status field is invalid"));
    }
    if !said["sampleContentProvided"].is_boolean() {
        return Some((4_000_041, "sample content provided field is invalid"));
    }
    if !said["refundPreference"].is_null() && !is_one_of("refundPreference", &preferences) {
        return Some((4_000_044, "refund preference field is invalid"));
    }
    if share.is_null() {
        return None;
    }
    if renews {
        let why = "consumption percentage field is not supported for auto-renewable subscription transactions";
        return Some((4_000_209, why));
    }
    if !share
        .as_i64()
        .is_some_and(|share| (0..=100_000).contains(&share))
    {
        return Some((0, "consumption percentage is out of range"));
    }
    (*share != 0 && said["deliveryStatus"] != "DELIVERED").then_some((
        0,
        "consumption percentage must be zero for the provided delivery status",
    ))
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
        self.respond(request, now).unwrap_or_else(|error| {
            ApiAnswer::error(
                500,
                &json!({ "errorCode": 5_000_000, "errorMessage": format!("{error:#}") }),
            )
        })
    }
}
