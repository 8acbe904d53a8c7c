//! A fake Stripe: objects behind the API, and signed webhooks.

use crate::api::{Api, ApiAnswer, ApiRequest};
use aws_lc_rs::hmac;
use guarded::Guarded;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::MutexGuard};

/// The API key it knows.
pub const API_KEY: &str = "sk_test_simulated";
/// The secret it signs webhooks with.
pub const SIGNING_SECRET: &str = "whsec_simulated";

#[derive(Default)]
struct State {
    /// By path of the API: `subscriptions/sub_1`.
    objects: BTreeMap<String, Value>,
    events: u64,
    /// Each object as the last event about it had it, by its id.
    told: BTreeMap<String, Value>,
    /// How often each path was asked for.
    asked: BTreeMap<String, u64>,
}

/// The account.
#[derive(Default)]
pub struct StripeAccount {
    state: Guarded<State>,
}

/// A subscription to begin.
#[derive(Debug, Clone)]
pub struct StripeSubscription {
    /// `sub_...`.
    pub id: String,
    /// What the app calls the customer.
    pub account: String,
    /// `prod_...`.
    pub product: String,
    /// `price_...`.
    pub price: String,
    /// Cents.
    pub amount: i64,
}

impl StripeAccount {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Adds or replaces an object; its id says where.
    pub fn put(&self, collection: &str, object: Value) {
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        self.state()
            .objects
            .insert(format!("{collection}/{id}"), object);
    }

    /// Changes an object.
    pub fn change(&self, collection: &str, id: &str, change: impl FnOnce(&mut Value)) {
        if let Some(object) = self.state().objects.get_mut(&format!("{collection}/{id}")) {
            change(object);
        }
    }

    /// An object.
    pub fn get(&self, collection: &str, id: &str) -> Option<Value> {
        self.state()
            .objects
            .get(&format!("{collection}/{id}"))
            .cloned()
    }

    /// How often something was asked for, by its path without the version.
    pub fn times_asked(&self, path: &str) -> u64 {
        self.state().asked.get(path).copied().unwrap_or(0)
    }

    /// The body of an event about an object.
    pub fn tell(&self, kind: &str, object: &Value, at: Timestamp) -> String {
        let mut state = self.state();
        state.events += 1;
        let mut data = json!({ "object": object });
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        let before = state.told.insert(id, object.clone());
        if let Some(before) = before.filter(|_| kind.ends_with(".updated")) {
            data["previous_attributes"] = was_otherwise(&before, object);
        }
        json!({
            "id": format!("evt_{}", state.events), "object": "event", "type": kind, "created": at.as_second(), "livemode": false,
            "api_version": "2025-03-31.basil", "data": data,
        })
        .to_string()
    }

    /// A new subscription and its customer; no invoice yet.
    pub fn subscribe(&self, new: &StripeSubscription, at: Timestamp, ends: Timestamp, trial: bool) {
        let price = json!({ "id": new.price, "product": new.product, "unit_amount": new.amount, "currency": "usd" });
        let customer = format!("cus_{}", new.id.trim_start_matches("sub_"));
        let mut subscription = json!({
            "id": new.id, "object": "subscription", "customer": customer, "status": if trial { "trialing" } else { "active" }, "livemode": false,
            "currency": "usd", "start_date": at.as_second(), "created": at.as_second(), "cancel_at_period_end": false,
            "items": { "data": [{ "id": format!("si_{}", new.id), "price": price, "current_period_start": at.as_second(), "current_period_end": ends.as_second() }], "has_more": false },
            "metadata": { "app_user_id": new.account },
        });
        if trial {
            subscription["trial_start"] = at.as_second().into();
            subscription["trial_end"] = ends.as_second().into();
        }
        self.put(
            "customers",
            json!({ "id": customer, "object": "customer", "metadata": {} }),
        );
        self.put("subscriptions", subscription);
    }

    /// A paid invoice for a period of a subscription.
    pub fn invoice(
        &self,
        id: &str,
        subscription: &str,
        reason: &str,
        amount: i64,
        period: (Timestamp, Timestamp),
        paid_at: Timestamp,
    ) {
        let Some(of) = self.get("subscriptions", subscription) else {
            return;
        };
        let price = &of["items"]["data"][0]["price"];
        self.put("invoices", json!({
            "id": id, "object": "invoice", "status": "paid", "billing_reason": reason, "currency": "usd", "amount_paid": amount, "total": amount,
            "created": paid_at.as_second(), "status_transitions": { "paid_at": paid_at.as_second() }, "total_taxes": [],
            "parent": { "type": "subscription_details", "subscription_details": { "subscription": subscription } },
            "lines": { "data": [{
                "amount": amount, "period": { "start": period.0.as_second(), "end": period.1.as_second() },
                "parent": { "subscription_item_details": { "proration": false, "subscription": subscription } },
                "pricing": { "price_details": { "price": price["id"], "product": price["product"] } },
            }] },
        }));
        if amount > 0 {
            let payment = json!({ "id": format!("inpay_{id}"), "object": "invoice_payment", "invoice": id, "payment": { "type": "payment_intent", "payment_intent": format!("pi_{id}") } });
            self.put("invoice_payments", payment);
            self.put("charges", json!({
                "id": format!("ch_{id}"), "object": "charge", "payment_intent": format!("pi_{id}"), "amount": amount, "currency": "usd",
                "customer": of["customer"], "paid": true, "livemode": false, "created": paid_at.as_second(),
            }));
        }
    }

    /// A refund of the charge of an invoice.
    pub fn refund(&self, id: &str, invoice: &str, amount: i64, at: Timestamp) {
        self.put("refunds", json!({
            "id": id, "object": "refund", "amount": amount, "currency": "usd", "status": "succeeded", "created": at.as_second(),
            "charge": format!("ch_{invoice}"), "payment_intent": format!("pi_{invoice}"),
        }));
    }
}

/// The values of an object that are not what they were, as they were.
fn was_otherwise(before: &Value, now: &Value) -> Value {
    let names = [before, now].map(|object| object.as_object().into_iter().flatten());
    let names = names.into_iter().flatten().map(|(name, _)| name);
    let changed = names.filter(|name| before[*name] != now[*name]);
    changed
        .map(|name| (name.clone(), before[name].clone()))
        .collect()
}

/// A `Stripe-Signature` header.
pub fn sign(body: &str, at: Timestamp) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNING_SECRET.as_bytes());
    let second = at.as_second();
    let signature: String = hmac::sign(&key, format!("{second}.{body}").as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={second},v1={signature}")
}

/// Where a filter of a list looks in an object.
fn matches(object: &Value, name: &str, wanted: &str) -> bool {
    let text = |value: &Value| value.as_str() == Some(wanted);
    match name {
        "subscription" => {
            text(&object["subscription"])
                || text(&object["parent"]["subscription_details"]["subscription"])
        }
        "payment[payment_intent]" => text(&object["payment"]["payment_intent"]),
        "limit" | "payment[type]" | "starting_after" | "expand[]" | "delivery_success"
        | "created[gte]" => true,
        name => text(&object[name]),
    }
}

impl Api for StripeAccount {
    fn answer(&self, request: &ApiRequest, _: Timestamp) -> ApiAnswer {
        let failure = |status, message: &str| {
            ApiAnswer::error(status, &json!({ "error": { "message": message } }))
        };
        if request.authorization.as_deref() != Some(&format!("Bearer {API_KEY}")) {
            return failure(401, "Invalid API Key provided");
        }
        let Some(path) = request.path.strip_prefix("/v1/") else {
            return failure(404, "Unrecognized request URL");
        };
        let mut state = self.state();
        *state.asked.entry(path.to_owned()).or_default() += 1;
        if let Some(object) = state.objects.get(path) {
            return ApiAnswer::json(object);
        }
        let lists = [
            "subscriptions",
            "subscription_schedules",
            "prices",
            "invoices",
            "invoice_payments",
            "refunds",
            "disputes",
            "charges",
            "checkout/sessions",
            "events",
        ];
        if !lists.contains(&path) {
            return failure(404, "No such object");
        }
        let prefix = format!("{path}/");
        let from = state.objects.range(prefix.clone()..);
        let all: Vec<&Value> = from
            .take_while(|(key, _)| key.starts_with(&prefix))
            .map(|(_, object)| object)
            .filter(|object| {
                request
                    .query
                    .split('&')
                    .filter_map(|pair| pair.split_once('='))
                    .all(|(name, wanted)| matches(object, name, wanted))
            })
            .collect();
        ApiAnswer::json(&json!({ "object": "list", "data": all, "has_more": false }))
    }
}
