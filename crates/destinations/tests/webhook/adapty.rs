//! The `adapty` format: fields, options, the handshake.

use super::{body, sample, webhook};
use destinations::Response;
use domain::{EventKind, Headers, NotSent};
use serde_json::{Value, json};

#[test]
fn googles_purchase_token_goes_with_events_of_its_purchases_where_that_is_wanted() {
    let mut event = sample::event(EventKind::SubscriptionStarted);
    event.product = Some("gold:monthly".into());
    event.transaction.as_mut().unwrap().token = Some("token-1".into());
    let send = |on: bool| {
        let settings = json!({ "send_play_store_purchase_token": on });
        body(webhook(&settings).as_ref(), &event)["play_store_purchase_token"].clone()
    };
    assert_eq!(
        send(true),
        json!({ "product_id": "gold", "purchase_token": "token-1", "is_subscription": true })
    );
    assert_eq!(send(false), Value::Null);
}

/// Members that the payload documents for events of the App Store. Source: Adapty docs, "Webhook event types and fields".
const DOCUMENTED: [&str; 16] = [
    "advertising_id",
    "attributions",
    "customer_user_id",
    "email",
    "event_api_version",
    "event_datetime",
    "event_properties",
    "event_type",
    "idfa",
    "idfv",
    "integration_ids",
    "profile_id",
    "profile_install_datetime",
    "profiles_sharing_access_level",
    "user_agent",
    "user_attributes",
];

/// The same of `event_properties`, where money moved.
const DOCUMENTED_PROPERTIES: [&str; 41] = [
    "ab_test_name",
    "ab_test_revision",
    "cohort_name",
    "consecutive_payments",
    "currency",
    "developer_id",
    "discount_amount_local",
    "discount_amount_usd",
    "environment",
    "event_datetime",
    "net_revenue_local",
    "net_revenue_usd",
    "original_price_local",
    "original_price_usd",
    "original_purchase_date",
    "original_transaction_id",
    "paywall_name",
    "paywall_revision",
    "price_local",
    "price_usd",
    "proceeds_local",
    "proceeds_usd",
    "profile_country",
    "profile_event_id",
    "profile_has_access_level",
    "profile_id",
    "profile_ip_address",
    "profile_total_revenue_usd",
    "promotional_offer_id",
    "purchase_date",
    "rate_after_first_year",
    "store",
    "store_country",
    "store_offer_category",
    "store_offer_discount_type",
    "subscription_expires_at",
    "tax_amount_local",
    "tax_amount_usd",
    "transaction_id",
    "variation_id",
    "vendor_product_id",
];

#[test]
fn the_payload_has_every_documented_field() {
    let all = json!({ "send_attribution": true, "send_user_attributes": true });
    let event = sample::event(EventKind::SubscriptionStarted);
    let ours = body(webhook(&all).as_ref(), &event);
    for name in DOCUMENTED {
        assert!(ours.get(name).is_some(), "{name} is missing");
    }
    for name in DOCUMENTED_PROPERTIES {
        let told = ours["event_properties"].get(name);
        assert!(told.is_some(), "{name} is missing");
    }
}

#[test]
fn times_and_money_have_the_documented_formats() {
    let text = String::from_utf8({
        let (webhook, event) = (
            webhook(&json!({})),
            sample::event(EventKind::SubscriptionStarted),
        );
        webhook
            .render(
                &webhook.plan(&event).unwrap()[0],
                &event,
                sample::now(&event),
            )
            .unwrap()
            .body
    })
    .unwrap();
    assert!(text.contains("\"event_datetime\":\"2026-01-01T10:00:00.123456+0000\""));
    assert!(
        text.contains("\"price_usd\":5.99")
            && text.contains("\"proceeds_usd\":5.0915")
            && text.contains("\"discount_amount_usd\":0,")
    );
}

#[test]
fn options_add_and_withhold() {
    let trial = sample::event(EventKind::TrialStarted);
    let plain = body(webhook(&json!({})).as_ref(), &trial);
    assert_eq!(plain["event_properties"]["price_usd"], Value::Null);
    assert_eq!(plain["event_properties"]["discount_amount_usd"], 5.99);
    assert!(plain.get("attributions").is_none() && plain.get("user_attributes").is_none());
    let priced = body(
        webhook(&json!({ "send_trial_price": true })).as_ref(),
        &trial,
    );
    assert_eq!(priced["event_properties"]["price_usd"], 5.99);
    let attributes = body(
        webhook(&json!({ "send_user_attributes": true })).as_ref(),
        &trial,
    );
    assert_eq!(attributes["user_attributes"], json!({ "color": "violet" }));
    let mut old = sample::event(EventKind::SubscriptionRenewed);
    old.occurred_at = sample::time("2025-12-31T00:00:00Z");
    let excluding = webhook(&json!({ "exclude_historical": true }));
    assert!(excluding.plan(&old).is_ok(), "it made the customer known");
    old.historical = true;
    assert_eq!(excluding.plan(&old), Err(NotSent::Historical));
    assert!(webhook(&json!({})).plan(&old).is_ok());
    let mut anonymous = trial;
    anonymous.customer.app_user_id = "$anonymous:1".into();
    assert_eq!(
        body(webhook(&json!({})).as_ref(), &anonymous)["customer_user_id"],
        Value::Null
    );
}

#[test]
fn both_editions_of_the_handshake_are_checked() {
    let answer = |status, body: &str| Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        unread: None,
        body: body.as_bytes().to_vec(),
    };
    let current = webhook(&json!({}));
    let handshakes = current.handshakes("word");
    assert_eq!(handshakes.len(), 2, "one per URL");
    assert_eq!(handshakes[0].request.body, b"{}");
    for (response, passes) in [
        (answer(200, "{}"), true),
        (answer(204, "null"), true),
        (answer(200, ""), false),
        (answer(200, "<html>"), false),
        (answer(404, "{}"), false),
        (answer(301, "{}"), false),
    ] {
        assert_eq!(
            current.check_handshake(&handshakes[0], &response).is_ok(),
            passes,
            "{response:?}"
        );
    }
    let earlier = webhook(&json!({ "handshake": "earlier" }));
    let handshake = &earlier.handshakes("word")[0];
    assert_eq!(handshake.request.body, b"{\"adapty_check\":\"word\"}");
    for (response, passes) in [
        (answer(200, "{\"adapty_check_response\":\"word\"}"), true),
        (answer(201, "{\"adapty_check_response\":\"word\"}"), true),
        (answer(202, "{\"adapty_check_response\":\"word\"}"), false),
        (answer(200, "{\"adapty_check_response\":\"other\"}"), false),
        (answer(200, "{}"), false),
        (answer(200, "ok"), false),
    ] {
        assert_eq!(
            earlier.check_handshake(handshake, &response).is_ok(),
            passes,
            "{response:?}"
        );
    }
}

/// Adapty docs, "Test webhook integration": a test is an ordinary event with `environment` `Sandbox`.
#[test]
fn a_test_is_an_ordinary_event_of_the_sandbox() {
    let mut event = sample::event(EventKind::Test);
    (event.app, event.purchase, event.transaction) = (None, None, None);
    (event.product, event.level) = (None, None);
    event.access.clear();
    let test = body(webhook(&json!({})).as_ref(), &event);
    assert_eq!(test["event_type"], "subscription_started");
    let properties = &test["event_properties"];
    assert_eq!(properties["environment"], "Sandbox");
    for member in [
        "store",
        "vendor_product_id",
        "transaction_id",
        "original_transaction_id",
        "purchase_date",
        "original_purchase_date",
        "subscription_expires_at",
        "currency",
        "price_usd",
        "price_local",
        "store_country",
    ] {
        assert!(!properties[member].is_null(), "{member} of {properties:#}");
    }
    // Nobody may use anything for it.
    assert_eq!(properties["profile_has_access_level"], false);
    assert_eq!(test["tidings"]["access"], json!({}));
    let renamed = webhook(&json!({ "events": { "test": "ping" } }));
    assert_eq!(body(renamed.as_ref(), &event)["event_type"], "ping");
}

/// Adapty docs, "Webhook event types and fields": `access_level_updated` is the state of one access level, which it names.
#[test]
fn a_change_of_access_to_nothing_is_no_event_of_the_format() {
    let mut event = sample::event(EventKind::AccessLevelUpdated);
    assert!(webhook(&json!({})).plan(&event).is_ok());
    event.level = None;
    let plan = |format: &str| webhook(&json!({ "format": format })).plan(&event);
    assert_eq!(plan("adapty"), Err(NotSent::EventUnsupported));
    assert!(plan("standard").is_ok(), "which tells every event");
}
