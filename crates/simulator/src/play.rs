//! A fake Google Play: what is bought there, and what happens to it.

mod api;
mod key;
mod push;

use anyhow::Result;
use guarded::Guarded;
use jiff::Timestamp;
use key::Key;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

/// Service account that pushes.
pub const PUSH_ACCOUNT: &str = "push@simulated.iam.gserviceaccount.com";
/// Service account that asks.
const API_ACCOUNT: &str = "api@simulated.iam.gserviceaccount.com";
const ACCESS_TOKEN: &str = "ya29.simulated";
/// How many seconds it lasts. Source: Google, "Using OAuth 2.0 for Server to Server Applications".
const HOUR: i64 = 3_599;

#[derive(Default)]
struct State {
    subscriptions: BTreeMap<String, Value>,
    products: BTreeMap<String, Value>,
    orders: BTreeMap<String, Value>,
    voided: Vec<Value>,
    /// Tokens, each with the product that was named.
    acknowledged: Vec<(String, String)>,
    /// What was said of orders whose refund is reviewed, in order.
    reviewed: Vec<(String, Value)>,
    messages: u64,
}

/// The store, for one app.
pub struct PlayStore {
    /// The app's package name.
    pub package: String,
    key: Arc<Key>,
    /// How many seconds access tokens last.
    tokens_last: AtomicI64,
    /// Whether the service account may not see financial data.
    hides_money: AtomicBool,
    state: Guarded<State>,
}

/// A subscription to begin.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Its purchase token.
    pub token: String,
    /// Product id.
    pub product: String,
    /// Base plan id.
    pub plan: String,
    /// Price of a period in micro-units.
    pub price_micros: i64,
    /// Currency of the price.
    pub currency: String,
    /// What the app calls the customer.
    pub account: String,
    /// It begins with a free trial.
    pub is_trial: bool,
    /// The token it takes over from.
    pub linked: Option<String>,
}

pub(crate) fn time(at: Timestamp) -> Value {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into()
}

pub(crate) fn money(micros: i64, currency: &str) -> Value {
    let mut money = json!({ "currencyCode": currency, "nanos": micros % 1_000_000 * 1000 });
    if micros >= 1_000_000 {
        money["units"] = (micros / 1_000_000).to_string().into();
    }
    money
}

impl PlayStore {
    /// A store for an app.
    pub fn new(package: &str) -> Result<Self> {
        Ok(Self {
            package: package.into(),
            key: Key::of_this_process()?,
            tokens_last: AtomicI64::new(HOUR),
            hides_money: AtomicBool::new(false),
            state: Guarded::default(),
        })
    }

    /// Access tokens that are given from now on last so many seconds, instead of an hour.
    pub fn give_tokens_for(&self, seconds: i64) {
        self.tokens_last.store(seconds, Ordering::Relaxed);
    }

    /// The service account is not granted "View financial data": orders and voided purchases are refused from now on. Source: Google,
    /// "Getting started" with the Android Publisher API, permissions.
    pub fn hide_money(&self) {
        self.hides_money.store(true, Ordering::Relaxed);
    }

    /// The key file of a service account whose tokens come from `url`.
    pub fn service_account(&self, url: &str) -> String {
        json!({
            "type": "service_account", "client_email": API_ACCOUNT, "private_key_id": "simulated",
            "private_key": self.key.pem, "token_uri": format!("{url}/token"),
        })
        .to_string()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Tokens that were acknowledged.
    pub fn acknowledged(&self) -> Vec<String> {
        let state = self.state();
        state
            .acknowledged
            .iter()
            .map(|(token, _)| token.clone())
            .collect()
    }

    /// Products that were acknowledged, each named in a call of its own.
    pub fn acknowledged_products(&self) -> Vec<String> {
        let state = self.state();
        let named = state
            .acknowledged
            .iter()
            .map(|(_, product)| product.clone());
        named.collect()
    }

    /// What was said of orders whose refund is reviewed, in order.
    pub fn reviewed(&self) -> Vec<(String, Value)> {
        self.state().reviewed.clone()
    }

    fn order(
        &self,
        id: &str,
        of: &Value,
        start: Timestamp,
        end: Timestamp,
        charged: &Value,
        phase: &str,
    ) {
        let line = &of["lineItems"][0];
        let order = json!({
            "orderId": id, "state": "PROCESSED", "createTime": time(start), "lastEventTime": time(start), "total": charged,
            "tax": money(0, charged["currencyCode"].as_str().unwrap_or("USD")),
            "lineItems": [{ "productId": line["productId"], "total": charged, "subscriptionDetails": {
                "basePlanId": line["offerDetails"]["basePlanId"], "offerPhase": phase,
                "servicePeriodStartTime": time(start), "servicePeriodEndTime": time(end),
            } }],
        });
        self.state().orders.insert(id.into(), order);
    }

    /// A new subscription.
    pub fn subscribe(&self, new: &Subscription, at: Timestamp, ends: Timestamp) {
        let order = format!("GPA.{}", new.token);
        let mut subscription = json!({
            "kind": "androidpublisher#subscriptionPurchaseV2", "startTime": time(at), "regionCode": "US",
            "subscriptionState": "SUBSCRIPTION_STATE_ACTIVE", "acknowledgementState": "ACKNOWLEDGEMENT_STATE_PENDING",
            "testPurchase": {}, "latestOrderId": order,
            "externalAccountIdentifiers": { "obfuscatedExternalAccountId": new.account },
            "lineItems": [{ "productId": new.product, "expiryTime": time(ends), "latestSuccessfulOrderId": order,
                "offerDetails": { "basePlanId": new.plan },
                "autoRenewingPlan": { "autoRenewEnabled": true, "recurringPrice": money(new.price_micros, &new.currency) } }],
        });
        if new.is_trial {
            subscription["lineItems"][0]["offerPhase"] = json!({ "freeTrial": {} });
            subscription["lineItems"][0]["offerDetails"]["offerId"] = "trial".into();
        }
        if let Some(linked) = &new.linked {
            subscription["linkedPurchaseToken"] = linked.clone().into();
            let mut state = self.state();
            if let Some(old) = state.subscriptions.get_mut(linked) {
                old["subscriptionState"] = "SUBSCRIPTION_STATE_EXPIRED".into();
                old["canceledStateContext"] = json!({ "replacementCancellation": {} });
                old["lineItems"][0]["expiryTime"] = time(at);
            }
        }
        let charged = if new.is_trial { 0 } else { new.price_micros };
        let phase = if new.is_trial { "FREE_TRIAL" } else { "BASE" };
        self.order(
            &order,
            &subscription,
            at,
            ends,
            &money(charged, &new.currency),
            phase,
        );
        self.state()
            .subscriptions
            .insert(new.token.clone(), subscription);
    }

    /// Changes what the API answers about a subscription.
    pub fn change(&self, token: &str, change: impl FnOnce(&mut Value)) {
        if let Some(subscription) = self.state().subscriptions.get_mut(token) {
            change(subscription);
        }
    }

    /// Changes what the API answers about a one-time purchase.
    pub fn change_product(&self, token: &str, change: impl FnOnce(&mut Value)) {
        if let Some(product) = self.state().products.get_mut(token) {
            change(product);
        }
    }

    /// Changes what the API answers about an order.
    pub fn change_order(&self, id: &str, change: impl FnOnce(&mut Value)) {
        if let Some(order) = self.state().orders.get_mut(id) {
            change(order);
        }
    }

    /// Lists an order as voided: the store took back what was bought with it, or, of a quantity, so many pieces. The list does
    /// not say of which kind the purchase is.
    pub fn void(&self, token: &str, order: &str, pieces: Option<u32>, at: Timestamp) {
        let mut voided = json!({
            "kind": "androidpublisher#voidedPurchase", "purchaseToken": token, "orderId": order, "voidedSource": 1,
            "voidedReason": 0, "voidedTimeMillis": at.as_millisecond().to_string(),
        });
        if let Some(pieces) = pieces {
            voided["voidedQuantity"] = pieces.into();
        }
        self.state().voided.push(voided);
    }

    /// A token is too old to be shown.
    pub fn forget(&self, token: &str) {
        let mut state = self.state();
        state.subscriptions.remove(token);
        state.products.remove(token);
    }

    /// What the API answers about a subscription from now on.
    pub fn put_subscription(&self, token: &str, body: Value) {
        self.state().subscriptions.insert(token.to_owned(), body);
    }

    /// What it answers about a one-time purchase.
    pub fn put_product(&self, token: &str, body: Value) {
        self.state().products.insert(token.to_owned(), body);
    }

    /// What it answers about an order.
    pub fn put_order(&self, order: Value) {
        let id = order["orderId"].as_str().unwrap_or_default().to_owned();
        self.state().orders.insert(id, order);
    }

    /// Another purchase took over from this one.
    pub fn replaced(&self, token: &str, at: Timestamp) {
        self.change(token, |subscription| {
            subscription["subscriptionState"] = "SUBSCRIPTION_STATE_EXPIRED".into();
            subscription["canceledStateContext"] = json!({ "replacementCancellation": {} });
            let line = &mut subscription["lineItems"][0];
            line["expiryTime"] = time(at);
            if let Some(plan) = line["autoRenewingPlan"].as_object_mut() {
                plan.remove("autoRenewEnabled");
            }
        });
    }

    /// Millionths of a dollar are given back for an order: all of it, or a part.
    pub fn give_back(&self, order: &str, micros: i64, is_whole: bool, at: Timestamp) {
        self.give_back_in("USD", order, micros, is_whole, at);
    }

    /// The same, in a currency.
    pub(crate) fn give_back_in(
        &self,
        currency: &str,
        order: &str,
        micros: i64,
        is_whole: bool,
        at: Timestamp,
    ) {
        let details = json!({ "total": money(micros, currency), "tax": money(0, currency) });
        self.change_order(order, |order| {
            order["lastEventTime"] = time(at);
            if is_whole {
                order["state"] = "REFUNDED".into();
                order["orderHistory"]["refundEvent"] =
                    json!({ "eventTime": time(at), "refundReason": "OTHER", "refundDetails": details });
            } else {
                order["state"] = "PARTIALLY_REFUNDED".into();
                let part = json!({
                    "createTime": time(at), "processTime": time(at), "state": "PROCESSED_SUCCESSFULLY", "refundDetails": details,
                });
                match order["orderHistory"]["partialRefundEvents"].as_array_mut() {
                    Some(parts) => parts.push(part),
                    None => order["orderHistory"]["partialRefundEvents"] = json!([part]),
                }
            }
        });
    }

    /// What the API answers about a subscription.
    pub fn subscription(&self, token: &str) -> Option<Value> {
        self.state().subscriptions.get(token).cloned()
    }

    /// The next period is charged.
    pub fn renew(&self, token: &str, start: Timestamp, ends: Timestamp) {
        let Some(mut subscription) = self.subscription(token) else {
            return;
        };
        let line = &mut subscription["lineItems"][0];
        let latest = line["latestSuccessfulOrderId"].as_str().unwrap_or_default();
        let next = match latest.split_once("..") {
            Some((base, number)) => format!("{base}..{}", number.parse::<u32>().unwrap_or(0) + 1),
            None => format!("{latest}..0"),
        };
        line["latestSuccessfulOrderId"] = next.clone().into();
        line["expiryTime"] = time(ends);
        line["offerPhase"] = json!({ "basePrice": {} });
        line["autoRenewingPlan"]["autoRenewEnabled"] = true.into();
        let charged = line["autoRenewingPlan"]["recurringPrice"].clone();
        subscription["latestOrderId"] = next.clone().into();
        subscription["subscriptionState"] = "SUBSCRIPTION_STATE_ACTIVE".into();
        if let Some(subscription) = subscription.as_object_mut() {
            subscription.remove("canceledStateContext");
            subscription.remove("pausedStateContext");
        }
        self.order(&next, &subscription, start, ends, &charged, "BASE");
        self.state()
            .subscriptions
            .insert(token.into(), subscription);
    }

    /// A state, with the end of access it brings.
    pub fn set_state(&self, token: &str, state: &str, ends: Option<Timestamp>) {
        self.change(token, |subscription| {
            subscription["subscriptionState"] = format!("SUBSCRIPTION_STATE_{state}").into();
            if let Some(ends) = ends {
                subscription["lineItems"][0]["expiryTime"] = time(ends);
            }
        });
    }

    /// The customer cancels; access stays until the end.
    pub fn cancel(&self, token: &str, at: Timestamp) {
        self.change(token, |subscription| {
            subscription["subscriptionState"] = "SUBSCRIPTION_STATE_CANCELED".into();
            subscription["canceledStateContext"] =
                json!({ "userInitiatedCancellation": { "cancelTime": time(at) } });
            if let Some(plan) = subscription["lineItems"][0]["autoRenewingPlan"].as_object_mut() {
                plan.remove("autoRenewEnabled");
            }
        });
    }

    /// The customer takes the cancellation back.
    pub fn restart(&self, token: &str) {
        self.change(token, |subscription| {
            subscription["subscriptionState"] = "SUBSCRIPTION_STATE_ACTIVE".into();
            subscription["lineItems"][0]["autoRenewingPlan"]["autoRenewEnabled"] = true.into();
            if let Some(subscription) = subscription.as_object_mut() {
                subscription.remove("canceledStateContext");
            }
        });
    }

    /// A pause begins; it ends by itself.
    pub fn pause(&self, token: &str, resumes: Timestamp) {
        self.change(token, |subscription| {
            subscription["subscriptionState"] = "SUBSCRIPTION_STATE_PAUSED".into();
            subscription["pausedStateContext"] = json!({ "autoResumeTime": time(resumes) });
        });
    }

    /// It is over. `context` is `userInitiatedCancellation`, `systemInitiatedCancellation` ...
    pub fn expire(&self, token: &str, context: &str, ended: Timestamp) {
        self.change(token, |subscription| {
            subscription["subscriptionState"] = "SUBSCRIPTION_STATE_EXPIRED".into();
            if subscription["canceledStateContext"].is_null() {
                subscription["canceledStateContext"] = json!({ context: {} });
            }
            subscription["lineItems"][0]["expiryTime"] = time(ended);
            if let Some(plan) = subscription["lineItems"][0]["autoRenewingPlan"].as_object_mut() {
                plan.remove("autoRenewEnabled");
            }
        });
    }

    /// A one-time purchase.
    pub fn buy(&self, token: &str, product: &str, account: &str, at: Timestamp) {
        let order = format!("GPA.{token}");
        let body = json!({
            "productLineItem": [{ "productId": product, "productOfferDetails": { "quantity": 1, "consumptionState": "CONSUMPTION_STATE_YET_TO_BE_CONSUMED" } }],
            "purchaseStateContext": { "purchaseState": "PURCHASED" }, "testPurchaseContext": { "fopType": "TEST" },
            "orderId": order, "obfuscatedExternalAccountId": account, "regionCode": "US", "purchaseCompletionTime": time(at),
            "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED",
        });
        let total = money(4_990_000, "USD");
        let paid = json!({ "orderId": order, "state": "PROCESSED", "createTime": time(at), "total": total, "lineItems": [{ "productId": product, "total": total }] });
        let mut state = self.state();
        state.orders.insert(order, paid);
        state.products.insert(token.into(), body);
    }
}
