//! Meta.

use super::{
    ANDROID, IOS, body, configure, configured, event, lacks, means, on_android, sent, with,
};
use domain::{EventKind, NotSent};
use serde_json::{Value, json};

const ANON: &[(&str, &str)] = &[("$fbAnonId", "XZ12345678-9ABC-4DEF-8123-456789ABCDEF")];
const NO: &[(&str, &str)] = &[("$attConsentStatus", "denied")];

fn settings() -> Value {
    json!({ "dataset_id": "778899", "access_token": "token" })
}

fn app_events() -> Value {
    json!({ "type": "app_events", "app_id": "112233", "client_token": "client" })
}

#[test]
fn who_did_not_say_yes_is_not_told_of() {
    let event = event(EventKind::SubscriptionStarted, &[IOS, ANON, NO]);
    for settings in [
        settings(),
        app_events(),
        with(app_events(), "send_without_att", true),
    ] {
        let lacks = lacks(configured("meta", &settings).as_ref(), &event);
        assert!(lacks.contains("$attConsentStatus"), "{lacks}");
    }
}

#[test]
fn without_a_yes_the_identifier_for_advertisers_stays_here() {
    let configured = configured("meta", &with(settings(), "send_without_att", true));
    for said in ["denied", "restricted", "unknown"] {
        let said = [("$attConsentStatus", said)];
        let event = event(EventKind::SubscriptionStarted, &[IOS, ANON, &said]);
        let sent = &body(configured.as_ref(), &event)["data"][0];
        assert_eq!(sent["app_data"]["advertiser_tracking_enabled"], 0);
        assert_eq!(sent["user_data"].get("madid"), None);
        assert_eq!(sent["user_data"]["anon_id"], ANON[0].1);
    }
    let event = event(EventKind::SubscriptionStarted, &[IOS, NO]);
    assert!(lacks(configured.as_ref(), &event).contains("$fbAnonId"));
}

#[test]
fn on_android_nobody_is_asked() {
    let event = on_android(event(EventKind::SubscriptionStarted, &[ANDROID]));
    let sent = &body(configured("meta", &settings()).as_ref(), &event)["data"][0];
    assert_eq!(sent["app_data"]["advertiser_tracking_enabled"], 1);
    assert_eq!(sent["app_data"]["extinfo"][0], "a2");
    assert_eq!(sent["app_data"]["extinfo"][4], "15");
    assert_eq!(sent["app_data"]["extinfo"].as_array().unwrap().len(), 16);
    assert_eq!(
        sent["user_data"]["madid"],
        "CDDA802E-FB9C-47AD-9866-0794D394C912"
    );
}

/// The digests are of `anna@example.com` and `14155550100`, by `sha256sum`.
#[test]
fn contact_data_leave_as_digests_of_what_is_normalised() {
    let contact = [
        ("$email", " Anna@Example.com "),
        ("$phoneNumber", "+1 (415) 555-0100"),
    ];
    let event = event(EventKind::SubscriptionStarted, &[IOS, ANON, &contact]);
    let sent = &body(configured("meta", &settings()).as_ref(), &event)["data"][0]["user_data"];
    assert_eq!(
        sent["em"][0],
        "f7d54c22dda5b1780276601cd005909b70543fc4a6ba72d735b4cb9bbb611f01"
    );
    assert_eq!(
        sent["ph"][0],
        "5e7ec4c79ccac6e420876e65ad0e6b4b2ccf73ec3dccb50297bf2890a1ec73b9"
    );
}

#[test]
fn refunds_are_unsupported_and_others_are_sent_by_name_alone() {
    let configured = configured(
        "meta",
        &with(
            settings(),
            "events",
            json!({ "trial_expired": "CancelTrial" }),
        ),
    );
    let refunded = event(EventKind::SubscriptionRefunded, &[IOS, ANON]);
    assert_eq!(configured.plan(&refunded), Err(NotSent::EventUnsupported));
    let expired = event(EventKind::SubscriptionExpired, &[IOS, ANON]);
    assert_eq!(configured.plan(&expired), Err(NotSent::EventDisabled));
    let expired = event(EventKind::TrialExpired, &[IOS, ANON]);
    assert_eq!(configured.plan(&expired).unwrap()[0].name, "CancelTrial");
}

#[test]
fn a_test_shows_up_among_tests() {
    let configured = configured("meta", &with(settings(), "test_event_code", "TEST1"));
    assert_eq!(
        body(configured.as_ref(), &event(EventKind::Test, &[]))["test_event_code"],
        "TEST1"
    );
    let started = event(EventKind::SubscriptionStarted, &[IOS, ANON]);
    assert_eq!(
        body(configured.as_ref(), &started).get("test_event_code"),
        None
    );
}

/// Source: Adapty docs, "Facebook Ads".
#[test]
fn app_events_hold_json_in_texts() {
    let event = event(EventKind::NonSubscriptionPurchase, &[IOS, ANON]);
    let request = sent(configured("meta", &app_events()).as_ref(), &event).unwrap();
    assert_eq!(
        request.url,
        "https://graph.facebook.com/v24.0/112233/activities"
    );
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["event"], "CUSTOM_APP_EVENTS");
    assert_eq!(body["client_token"], "client");
    assert_eq!(
        body["advertiser_id"],
        "6D92078A-8246-4BA4-AE5B-76104861E7DC"
    );
    let logged: Value = serde_json::from_str(body["custom_events"].as_str().unwrap()).unwrap();
    let expected = json!([{
        "_eventName": "fb_mobile_purchase",
        "_logTime": 1_767_261_600,
        "_valueToSum": 5.99,
        "fb_currency": "USD",
        "fb_content_id": "monthly_1",
        "fb_content_type": "product",
        "fb_num_items": 1,
        "fb_order_id": "1000",
        "fb_transaction_id": "1000",
    }]);
    assert_eq!(logged, expected);
    let extinfo: Value = serde_json::from_str(body["extinfo"].as_str().unwrap()).unwrap();
    assert_eq!(extinfo[0], "i2");
}

#[test]
fn a_version_of_the_api_is_a_version() {
    for version in ["24", "v", "v24", "v24.0/778899", "latest"] {
        let problems = configure("meta", &with(settings(), "api_version", version)).err();
        assert_eq!(problems.unwrap()[0].field, "api_version", "{version}");
    }
}

/// Source: Meta for Developers, "Handle Errors" of the Graph API, and its codes of the Conversions API.
#[test]
fn the_code_of_an_error_says_what_it_means() {
    let configured = configured("meta", &settings());
    for (code, subcode, meaning) in [
        (190, 460, "credentials"),
        (100, 33, "credentials"),
        (100, 2_804_003, "rejected"),
        (100, 2_804_008, "rejected"),
        (1, 0, "retry"),
        (2, 0, "retry"),
        (341, 0, "retry"),
        (368, 0, "retry"),
        (5000, 0, "retry"),
        (4, 0, "retry"),
        (17, 0, "retry"),
    ] {
        let body = json!({ "error": { "code": code, "error_subcode": subcode } });
        assert_eq!(
            means(configured.as_ref(), 400, &body),
            meaning,
            "{code}/{subcode}"
        );
    }
    assert_eq!(
        means(configured.as_ref(), 200, &json!({ "events_received": 0 })),
        "rejected"
    );
    assert_eq!(
        means(configured.as_ref(), 200, &json!({ "success": true })),
        "delivered"
    );
    assert_eq!(
        means(configured.as_ref(), 200, &json!({ "success": false })),
        "rejected"
    );
}
