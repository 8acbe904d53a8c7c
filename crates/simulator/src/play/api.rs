//! What Google Play answers: the Android Publisher API, its token server and its push keys.

use super::{ACCESS_TOKEN, PlayStore, State};
use crate::api::{Api, ApiAnswer, ApiRequest};
use aws_lc_rs::signature::KeyPair as _;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

impl PlayStore {
    fn keys(&self) -> Value {
        let key = self.key.pair.public_key();
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({ "keys": [{
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "simulated",
            "n": part(key.modulus().big_endian_without_leading_zero()),
            "e": part(key.exponent().big_endian_without_leading_zero()),
        }] })
    }
}

fn unknown() -> ApiAnswer {
    ApiAnswer::error(
        404,
        &json!({ "error": { "code": 404, "status": "NOT_FOUND", "message": "The purchase token was not found." } }),
    )
}

fn forbidden() -> ApiAnswer {
    ApiAnswer::error(
        403,
        &json!({ "error": { "code": 403, "status": "PERMISSION_DENIED", "message": "The caller does not have permission" } }),
    )
}

/// Takes what is said of an order, or refuses it. Source: Google, Android Publisher API, orders.reviewrefund.
fn review(state: &mut State, request: &ApiRequest, order: &str) -> ApiAnswer {
    let refuse = |status: u16, why: &str| {
        ApiAnswer::error(
            status,
            &json!({ "error": { "code": status, "status": "INVALID_ARGUMENT", "message": why } }),
        )
    };
    if !state.orders.contains_key(order) {
        return refuse(404, "The order was not found.");
    }
    let said: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let preference = said["refundPreference"].as_str();
    let share = &said["consumptionPercentageMilliunits"];
    let is_possible = |share: &Value| {
        share
            .as_i64()
            .is_some_and(|share| (0..=100_000).contains(&share))
    };
    let wrong = if request.method != "POST" || !said.is_object() {
        Some("Expected a request.")
    } else if said["pendingRefundToken"]
        .as_str()
        .is_none_or(str::is_empty)
    {
        Some("The pending refund token is required.")
    } else if !matches!(preference, Some("DECLINE" | "APPROVE" | "NEUTRAL")) {
        Some("The refund preference is required.")
    } else if !said["sampleContentProvided"].is_boolean() {
        Some("Whether sample content was provided is required.")
    } else if !share.is_null() && !is_possible(share) {
        Some("The consumption percentage lies between 0 and 100,000.")
    } else {
        None
    };
    if let Some(why) = wrong {
        return refuse(400, why);
    }
    state.reviewed.push((order.to_owned(), said));
    ApiAnswer::json(&json!({}))
}

impl Api for PlayStore {
    fn answer(&self, request: &ApiRequest, _: Timestamp) -> ApiAnswer {
        match request.path.as_str() {
            "/token" => {
                let lasts = self.tokens_last.load(Ordering::Relaxed);
                return ApiAnswer::json(
                    &json!({ "access_token": ACCESS_TOKEN, "expires_in": lasts, "token_type": "Bearer" }),
                );
            }
            "/certs" => return ApiAnswer::json(&self.keys()),
            _ => {}
        }
        if request.authorization.as_deref() != Some(&format!("Bearer {ACCESS_TOKEN}")) {
            return ApiAnswer::error(
                401,
                &json!({ "error": { "code": 401, "status": "UNAUTHENTICATED" } }),
            );
        }
        let root = format!("/androidpublisher/v3/applications/{}/", self.package);
        let Some(path) = request.path.strip_prefix(&root) else {
            return unknown();
        };
        let mut state = self.state();
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["orders:batchGet"] | ["purchases", "voidedpurchases"]
                if self.hides_money.load(Ordering::Relaxed) =>
            {
                forbidden()
            }
            ["orders:batchGet"] => {
                let orders: Vec<&Value> = request
                    .parameters("orderIds")
                    .filter_map(|id| state.orders.get(id))
                    .collect();
                ApiAnswer::json(&json!({ "orders": orders }))
            }
            ["purchases", "subscriptionsv2", "tokens", token] => state
                .subscriptions
                .get(*token)
                .map_or_else(unknown, ApiAnswer::json),
            ["purchases", "productsv2", "tokens", token] => state
                .products
                .get(*token)
                .map_or_else(unknown, ApiAnswer::json),
            ["purchases", "voidedpurchases"] => {
                ApiAnswer::json(&json!({ "voidedPurchases": state.voided }))
            }
            ["orders", action] => {
                let Some(order) = action.strip_suffix(":reviewrefund") else {
                    return unknown();
                };
                review(&mut state, request, order)
            }
            ["purchases", _, product, "tokens", action] => {
                let Some(token) = action.strip_suffix(":acknowledge") else {
                    return unknown();
                };
                let named = (token.to_owned(), (*product).to_owned());
                state.acknowledged.push(named);
                if let Some(subscription) = state.subscriptions.get_mut(token) {
                    subscription["acknowledgementState"] =
                        "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED".into();
                }
                ApiAnswer::json(&json!({}))
            }
            _ => unknown(),
        }
    }
}
