//! Branch.

use super::{ANDROID, IOS, body, configured, event, lacks, means, on_android, sent, with};
use domain::EventKind;
use serde_json::{Value, json};

fn settings() -> Value {
    json!({ "branch_key": "key_live_x" })
}

/// Source: RevenueCat docs, "Branch": `START_TRIAL` is always sent beside the name of one's own.
#[test]
fn a_trial_under_another_name_is_told_twice() {
    let events = json!({ "trial_started": "My trial" });
    let configured = configured("branch", &with(settings(), "events", events));
    let event = event(EventKind::TrialStarted, &[IOS]);
    let messages = configured.plan(&event).unwrap();
    let names: Vec<_> = messages
        .iter()
        .map(|message| message.name.as_str())
        .collect();
    assert_eq!(names, ["START_TRIAL", "My trial"]);
    let now = super::sample::now(&event);
    let urls = messages
        .iter()
        .map(|message| configured.render(message, &event, now).unwrap().url);
    let expected = [
        "https://api2.branch.io/v2/event/standard",
        "https://api2.branch.io/v2/event/custom",
    ];
    assert_eq!(urls.collect::<Vec<_>>(), expected);
}

#[test]
fn an_event_of_another_name_holds_its_money_as_texts() {
    let events = json!({ "subscription_renewed": "renewed" });
    let configured = configured("branch", &with(settings(), "events", events));
    let body = body(
        configured.as_ref(),
        &event(EventKind::SubscriptionRenewed, &[IOS]),
    );
    assert_eq!(body["custom_data"]["revenue"], "5.99");
    assert_eq!(body.get("event_data"), None);
}

#[test]
fn what_it_cannot_do_without_is_named() {
    let configured = configured("branch", &settings());
    for (without, attributes) in [
        ("$ip", &[("$idfa", "6D92078A-8246-4BA4-AE5B-76104861E7DC")]),
        ("$idfa or $idfv", &[("$ip", "203.0.113.24")]),
    ] {
        let event = event(EventKind::SubscriptionRenewed, &[attributes]);
        assert_eq!(
            lacks(configured.as_ref(), &event),
            format!("the customer has no {without}")
        );
    }
    let event = on_android(event(EventKind::SubscriptionRenewed, &[IOS]));
    assert!(lacks(configured.as_ref(), &event).contains("$gpsAdId"));
}

#[test]
fn consent_is_told_where_somebody_was_asked() {
    let configured = configured("branch", &settings());
    for (said, limited) in [
        ("authorized", Some(false)),
        ("denied", Some(true)),
        ("unknown", None),
    ] {
        let said = [("$attConsentStatus", said)];
        let body = body(
            configured.as_ref(),
            &event(EventKind::SubscriptionRenewed, &[IOS, &said]),
        );
        assert_eq!(body["user_data"]["limit_ad_tracking"].as_bool(), limited);
    }
    let event = on_android(event(EventKind::SubscriptionRenewed, &[ANDROID]));
    assert_eq!(
        body(configured.as_ref(), &event)["user_data"].get("limit_ad_tracking"),
        None
    );
}

#[test]
fn a_wrong_key_is_no_fault_of_the_event() {
    let configured = configured("branch", &settings());
    let wrong = json!({ "error": { "code": 400, "message": "Invalid branch_key" } });
    assert_eq!(means(configured.as_ref(), 400, &wrong), "credentials");
    assert_eq!(
        means(configured.as_ref(), 400, &json!("bad body")),
        "rejected"
    );
    let renewed = event(EventKind::SubscriptionRenewed, &[IOS]);
    assert!(
        !sent(configured.as_ref(), &renewed)
            .unwrap()
            .shown_body()
            .contains("key_live_x")
    );
}
