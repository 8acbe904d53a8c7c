//! purchases-android at 4980371c, August 2026: `common/CustomerInfoFactory.kt`, `EntitlementInfoFactories.kt`,
//! `responses/SubscriptionInfoResponse.kt`, `OfferingParser.kt`, `GoogleOfferingParser.kt`, `offlineentitlements/ProductEntitlementMapping.kt` and
//! `networking/PostReceiptResponse.kt`, with `org.json` as Android has it: `getString` and `optString` make the word `null` of a null.

use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

type Object = Map<String, Value>;

fn object<'a>(of: &'a Object, name: &str) -> &'a Object {
    of.get(name)
        .and_then(Value::as_object)
        .unwrap_or_else(|| panic!("no value for {name}: {of:?}"))
}

fn array<'a>(of: &'a Object, name: &str) -> &'a Vec<Value> {
    of.get(name)
        .and_then(Value::as_array)
        .unwrap_or_else(|| panic!("no value for {name}: {of:?}"))
}

/// `JSONObject.getString`.
fn string(of: &Object, name: &str) -> String {
    let value = of
        .get(name)
        .unwrap_or_else(|| panic!("no value for {name}: {of:?}"));
    text(value)
}

/// `JSONObject.optString`, and nothing where it is empty.
fn opt_string(of: &Object, name: &str) -> Option<String> {
    of.get(name).map(text).filter(|text| !text.is_empty())
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// `Iso8601Utils.parse`: a date of hyphens, a time of colons, fractions of a second or none, and a zone.
fn date(of: &Object, name: &str) -> Timestamp {
    let text = string(of, name);
    let parsed = text.parse();
    parsed.unwrap_or_else(|error| panic!("{name}: {text}: {error}"))
}

/// `JSONObject.optDate`.
fn opt_date(of: &Object, name: &str) -> Option<Timestamp> {
    let is_null = of.get(name).is_none_or(Value::is_null);
    (!is_null).then(|| date(of, name))
}

/// What an app is told of a customer.
#[derive(Debug, PartialEq)]
pub(crate) struct CustomerInfo {
    pub(crate) original_app_user_id: String,
    /// Of each entitlement whether it is active and whether it will renew, and its product with its plan.
    pub(crate) entitlements: BTreeMap<String, Entitlement>,
    /// When each product expires, by its name with its plan.
    pub(crate) expirations: BTreeMap<String, Option<Timestamp>>,
    pub(crate) management_url: Option<String>,
    pub(crate) original_purchase_date: Option<Timestamp>,
    /// Which products are to be consumed, where the answer is to a receipt.
    pub(crate) should_consume: BTreeMap<String, bool>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Entitlement {
    pub(crate) product: String,
    pub(crate) plan: Option<String>,
    pub(crate) is_active: bool,
    pub(crate) will_renew: bool,
}

/// `CustomerInfoFactory.buildCustomerInfo`.
pub(crate) fn customer_info(body: &Value) -> CustomerInfo {
    let body = body.as_object().unwrap();
    let subscriber = object(body, "subscriber");
    let mut latest = Object::new();
    for (product, all) in object(subscriber, "non_subscriptions") {
        let all = all.as_array().unwrap();
        if let Some(last) = all.last() {
            latest.insert(product.clone(), last.clone());
        }
    }
    let subscriptions = object(subscriber, "subscriptions");
    for subscription in subscriptions.values() {
        subscription_info(subscription.as_object().unwrap());
    }
    let dates = |of: &Object, name: &str| -> BTreeMap<String, Option<Timestamp>> {
        let each = of.iter().map(|(product, value)| {
            let value = value.as_object().unwrap();
            let key = match opt_string(value, "product_plan_identifier") {
                Some(plan) => format!("{product}:{plan}"),
                None => product.clone(),
            };
            (key, opt_date(value, name))
        });
        each.collect()
    };
    dates(subscriptions, "purchase_date");
    dates(&latest, "purchase_date");
    let request_date = date(body, "request_date");
    date(subscriber, "first_seen");
    let none = Object::new();
    let entitlements = subscriber.get("entitlements").and_then(Value::as_object);
    let entitlements = entitlements
        .unwrap_or(&none)
        .iter()
        .map(|(id, entitlement)| {
            let entitlement = entitlement.as_object().unwrap();
            let product = opt_string(entitlement, "product_identifier").unwrap();
            let of = subscriptions.get(&product).or_else(|| latest.get(&product));
            let of = of.unwrap_or_else(|| panic!("{id}: {product} is nowhere"));
            (id.clone(), entitlement_info(entitlement, of, request_date))
        });
    let nullable = |name: &str| {
        let value = subscriber.get(name).filter(|value| !value.is_null());
        value.map(text)
    };
    let consume = body.get("purchased_products").and_then(Value::as_object);
    let consume = consume
        .unwrap_or(&none)
        .iter()
        .filter_map(|(product, told)| {
            let should = told.get("should_consume")?.as_bool()?;
            Some((product.clone(), should))
        });
    CustomerInfo {
        original_app_user_id: string(subscriber, "original_app_user_id"),
        entitlements: entitlements.collect(),
        expirations: dates(subscriptions, "expires_date"),
        management_url: nullable("management_url"),
        original_purchase_date: opt_date(subscriber, "original_purchase_date"),
        should_consume: consume.collect(),
    }
}

/// `buildEntitlementInfo`, and `EntitlementInfoHelper.getWillRenew`.
fn entitlement_info(entitlement: &Object, of: &Value, request_date: Timestamp) -> Entitlement {
    let of = of.as_object().unwrap();
    let expires = opt_date(entitlement, "expires_date");
    let unsubscribed = opt_date(of, "unsubscribe_detected_at");
    let issue = opt_date(of, "billing_issues_detected_at");
    let store = string(of, "store");
    date(entitlement, "purchase_date");
    date(of, "original_purchase_date");
    of["is_sandbox"].as_bool().unwrap();
    let plan = entitlement.get("product_plan_identifier");
    let is_promotional = store == "promotional";
    let is_prepaid = opt_string(of, "period_type").as_deref() == Some("prepaid");
    Entitlement {
        product: string(entitlement, "product_identifier"),
        plan: plan.filter(|plan| !plan.is_null()).map(text),
        is_active: expires.is_none_or(|expires| expires > request_date),
        will_renew: !is_promotional
            && !is_prepaid
            && expires.is_some()
            && unsubscribed.is_none()
            && issue.is_none(),
    }
}

/// `SubscriptionInfoResponse`, by kotlinx.serialization: what has no default has to be there, and words have to be known.
fn subscription_info(of: &Object) {
    date(of, "purchase_date");
    for name in [
        "original_purchase_date",
        "expires_date",
        "unsubscribe_detected_at",
        "billing_issues_detected_at",
        "grace_period_expires_date",
        "refunded_at",
        "auto_resume_date",
    ] {
        opt_date(of, name);
    }
    let word = |name: &str, known: &[&str]| {
        let said = of[name].as_str().unwrap();
        assert!(known.contains(&said), "{name}: {said}");
    };
    word(
        "store",
        &[
            "app_store",
            "mac_app_store",
            "play_store",
            "stripe",
            "promotional",
            "unknown",
            "amazon",
            "rc_billing",
            "external",
            "paddle",
            "test_store",
            "galaxy",
        ],
    );
    word("period_type", &["normal", "intro", "trial", "prepaid"]);
    word("ownership_type", &["PURCHASED", "FAMILY_SHARED", "UNKNOWN"]);
    of["is_sandbox"].as_bool().unwrap();
    for name in [
        "store_transaction_id",
        "display_name",
        "product_plan_identifier",
        "management_url",
    ] {
        let value = of.get(name).filter(|value| !value.is_null());
        assert!(value.is_none_or(Value::is_string), "{name}: {value:?}");
    }
    if let Some(price) = of.get("price").filter(|price| !price.is_null()) {
        assert!(price["amount"].is_number() && price["currency"].is_string());
    }
}

/// What an app is offered: the packages of each offering for which the store has a product, by the product and its base plan.
#[derive(Debug, PartialEq)]
pub(crate) struct Offerings {
    pub(crate) current: Option<String>,
    pub(crate) all: BTreeMap<String, Vec<String>>,
    pub(crate) targeting: Option<(i64, String)>,
}

/// `OfferingParser.createOfferings` where Google Play has these products: a subscription as `product:plan`, anything else as its id.
pub(crate) fn offerings(body: &Value, in_store: &[&str]) -> Offerings {
    let in_store: BTreeSet<&str> = in_store.iter().copied().collect();
    let body = body.as_object().unwrap();
    let current = string(body, "current_offering_id");
    let all = array(body, "offerings").iter().filter_map(|offering| {
        let offering = offering.as_object().unwrap();
        let packages = array(offering, "packages").iter().filter_map(|package| {
            let package = package.as_object().unwrap();
            let product = string(package, "platform_product_identifier");
            let sold = match opt_string(package, "platform_product_plan_identifier") {
                Some(plan) => format!("{product}:{plan}"),
                None => product,
            };
            if let Some(url) = opt_string(package, "web_checkout_url") {
                assert!(url.starts_with("https://"), "{url}");
            }
            let id = string(package, "identifier");
            in_store.contains(&*sold).then(|| format!("{id} {sold}"))
        });
        let packages: Vec<_> = packages.collect();
        string(offering, "description");
        (!packages.is_empty()).then(|| (string(offering, "identifier"), packages))
    });
    let all: BTreeMap<_, _> = all.collect();
    let targeting = body.get("targeting").and_then(Value::as_object);
    Offerings {
        current: Some(current).filter(|current| all.contains_key(current)),
        targeting: targeting.map(|targeting| {
            let revision = targeting["revision"].as_i64().unwrap();
            (revision, string(targeting, "rule_id"))
        }),
        all,
    }
}

/// `ProductEntitlementMapping.fromJson`: what each product unlocks.
pub(crate) fn mapping(body: &Value) -> BTreeMap<String, (Option<String>, Vec<String>)> {
    let mapping = object(body.as_object().unwrap(), "product_entitlement_mapping");
    let each = mapping.iter().map(|(id, product)| {
        let product = product.as_object().unwrap();
        string(product, "product_identifier");
        let plan = product.get("base_plan_id").filter(|plan| !plan.is_null());
        let unlocked = array(product, "entitlements").iter().map(text);
        (id.clone(), (plan.map(text), unlocked.collect()))
    });
    each.collect()
}

/// `HTTPResult.toPurchasesError`: the code, which has to be a number, and the message.
pub(crate) fn failure(body: &Value) -> (i64, String) {
    let body = body.as_object().unwrap();
    let code = body.get("code").and_then(Value::as_i64);
    (code.expect("a number"), string(body, "message"))
}
