//! AppsFlyer.

use super::{
    ANDROID, IOS, body, configure, configured, event, in_sandbox, lacks, means, on_android, sent,
    with,
};
use destinations::{AppFacts, Now};
use domain::{EventKind, NotSent, Store};
use serde_json::{Value, json};

const ID: &[(&str, &str)] = &[("$appsflyerId", "1609123456789-1234567")];

fn settings() -> Value {
    json!({ "key": "token", "ios_app_id": "id1234567890", "android_app_id": "com.example.app" })
}

/// Without `id` before the number AppsFlyer answers 200 and records nothing.
#[test]
fn an_app_of_ios_is_called_id_and_its_number() {
    for said in ["1234567890", "id1234567890", " id1234567890 "] {
        let configured = configured("appsflyer", &with(settings(), "ios_app_id", said));
        let request = sent(
            configured.as_ref(),
            &event(EventKind::TrialStarted, &[IOS, ID]),
        );
        let url = request.unwrap().url;
        assert_eq!(url, "https://api3.appsflyer.com/inappevent/id1234567890");
    }
    for said in ["com.example.app", "id", "", "id12x"] {
        let problems = configure("appsflyer", &with(settings(), "ios_app_id", said)).err();
        assert_eq!(problems.unwrap()[0].field, "ios_app_id", "{said}");
    }
}

#[test]
fn a_dev_key_is_taken_elsewhere_and_platforms_may_have_their_own() {
    let event = event(EventKind::TrialStarted, &[ANDROID, ID]);
    let settings = with(settings(), "key_kind", "dev_key");
    let settings = with(settings, "android_key", "of-android");
    let request = sent(
        configured("appsflyer", &settings).as_ref(),
        &on_android(event),
    )
    .unwrap();
    assert_eq!(
        request.url,
        "https://api2.appsflyer.com/inappevent/com.example.app"
    );
    let key = request
        .headers
        .iter()
        .find(|header| header.name == "authentication");
    assert_eq!(key.unwrap().value, "of-android");
}

#[test]
fn a_body_is_never_longer_than_a_kibibyte_for_what_is_nice_to_have() {
    let configured = configured("appsflyer", &settings());
    let mut event = event(EventKind::SubscriptionRenewed, &[IOS, ID]);
    event.product = Some("p".repeat(700));
    let request = sent(configured.as_ref(), &event).unwrap();
    assert!(request.body.len() <= 1024, "{}", request.body.len());
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let value: Value = serde_json::from_str(body["eventValue"].as_str().unwrap()).unwrap();
    assert_eq!(
        value,
        json!({ "af_revenue": "5.99", "af_currency": "USD", "af_order_id": "1000" })
    );
}

#[test]
fn an_event_without_anything_to_say_has_an_empty_value() {
    let mut event = event(EventKind::Test, &[]);
    (event.product, event.purchase, event.transaction) = (None, None, None);
    let body = body(configured("appsflyer", &settings()).as_ref(), &event);
    assert_eq!(body["eventValue"], "");
    assert_eq!(body.get("sharing_filter"), None);
}

#[test]
fn a_refund_is_below_zero() {
    let event = event(EventKind::SubscriptionRefunded, &[IOS, ID]);
    let body = body(configured("appsflyer", &settings()).as_ref(), &event);
    let value: Value = serde_json::from_str(body["eventValue"].as_str().unwrap()).unwrap();
    assert_eq!(value["af_revenue"], "-5.99");
}

#[test]
fn consent_and_sharing_are_told() {
    let configured = configured("appsflyer", &settings());
    for (said, att, has_idfa) in [
        ("authorized", "3", true),
        ("denied", "2", false),
        ("unknown", "0", true),
    ] {
        let said = [("$attConsentStatus", said)];
        let body = body(
            configured.as_ref(),
            &event(EventKind::TrialStarted, &[IOS, ID, &said]),
        );
        assert_eq!(body["att"], att);
        assert_eq!(body.get("idfa").is_some(), has_idfa);
        assert!(body.get("idfv").is_some());
    }
    for (said, filter) in [
        ("all", json!("all")),
        ("[\"a_int\",\"b_int\"]", json!(["a_int", "b_int"])),
        ("a_int, b_int", json!(["a_int", "b_int"])),
    ] {
        let said = [("$appsflyerSharingFilter", said)];
        let body = body(
            configured.as_ref(),
            &event(EventKind::TrialStarted, &[IOS, ID, &said]),
        );
        assert_eq!(body["sharing_filter"], filter);
    }
}

#[test]
fn an_identifier_of_nothing_but_zeros_is_none() {
    let zeros = [("$idfa", "00000000-0000-0000-0000-000000000000")];
    let event = event(EventKind::TrialStarted, &[IOS, ID, &zeros]);
    let body = body(configured("appsflyer", &settings()).as_ref(), &event);
    assert_eq!(body.get("idfa"), None);
}

#[test]
fn without_its_own_identifier_nothing_is_sent_and_somebody_waits() {
    let configured = configured("appsflyer", &settings());
    let event = event(EventKind::TrialStarted, &[IOS]);
    assert!(lacks(configured.as_ref(), &event).contains("$appsflyerId"));
    assert_eq!(configured.waits_for_attributes().as_secs(), 600);
}

#[test]
fn test_purchases_need_a_key_of_their_own() {
    let event = in_sandbox(event(EventKind::TrialStarted, &[IOS, ID]));
    let without = configured("appsflyer", &settings());
    assert_eq!(without.plan(&event), Err(NotSent::EventDisabled));
    let configured = configured("appsflyer", &with(settings(), "sandbox_key", "test"));
    let request = sent(configured.as_ref(), &event).unwrap();
    let key = request
        .headers
        .iter()
        .find(|header| header.name == "authentication");
    assert_eq!(key.unwrap().value, "test");
}

#[test]
fn an_unknown_app_is_no_fault_of_the_event() {
    let configured = configured("appsflyer", &settings());
    assert_eq!(means(configured.as_ref(), 404, &json!("")), "credentials");
    assert_eq!(means(configured.as_ref(), 413, &json!("")), "rejected");
}

/// Source: AppsFlyer developer hub, "Web S2S API".
#[test]
fn what_is_bought_in_no_app_goes_to_a_web_app_where_there_is_one() {
    let mut event = event(EventKind::SubscriptionRenewed, &[]);
    event.app.as_mut().unwrap().store = Store::Stripe;
    let without = sent(configured("appsflyer", &settings()).as_ref(), &event);
    assert_eq!(without.unwrap_err().reason, NotSent::EventUnsupported);
    let settings = with(with(settings(), "web_app_id", "w-1"), "web_token", "of-web");
    let configured = configured("appsflyer", &settings);
    let request = sent(configured.as_ref(), &event).unwrap();
    assert_eq!(
        request.url,
        "https://events.appsflyer.com/v2.0/s2s/inapps/app/web/w-1"
    );
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["user_id"]["customer_user_id"], "12345");
    assert_eq!(body["event_revenue"], 5.99);
    assert_eq!(body["event_revenue_currency"], "USD");
    assert_eq!(body["event_value"]["af_content_id"], "monthly_1");
    assert_eq!(
        configured.plan(&in_sandbox(event)),
        Err(NotSent::EventDisabled)
    );
}

/// Source: AppsFlyer docs, "Server-to-server events API for mobile", `eventTime`: what arrives after 02:00 UTC of the next day is booked on the day
/// when it arrives.
#[test]
fn what_would_be_booked_on_another_day_is_too_old() {
    let appsflyer = configured("appsflyer", &settings());
    for (occurred, at, is_late) in [
        ("2026-01-01T10:00:00Z", "2026-01-02T02:00:00Z", false),
        ("2026-01-01T10:00:00Z", "2026-01-02T02:00:01Z", true),
        ("2026-01-01T23:59:59Z", "2026-01-02T01:59:00Z", false),
        ("2026-01-01T23:59:59Z", "2026-01-02T03:00:00Z", true),
        ("2026-01-01T00:00:00Z", "2026-01-02T01:00:00Z", false),
    ] {
        let mut event = event(EventKind::SubscriptionStarted, &[ID, IOS]);
        event.occurred_at = occurred.parse().unwrap();
        let now = Now::of(&event, at.parse().unwrap(), AppFacts::UNKNOWN);
        let message = appsflyer.plan(&event).unwrap().remove(0);
        let why = appsflyer.render(&message, &event, now).err();
        let reason = why.map(|why| why.reason);
        assert_eq!(
            reason,
            is_late.then_some(NotSent::TooOld),
            "{occurred} {at}"
        );
    }
}
