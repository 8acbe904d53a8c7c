//! Kochava.

use super::{ANDROID, IOS, body, configured, event, in_sandbox, lacks, means, on_android, with};
use domain::{EventKind, NotSent};
use serde_json::{Value, json};

const ID: &[(&str, &str)] = &[("$kochavaDeviceId", "KI20261120T0930a1b2c3d4")];

fn settings() -> Value {
    json!({ "ios_app_guid": "ios", "android_app_guid": "android" })
}

#[test]
fn its_own_identifier_needs_one_of_the_platform_beside_it() {
    let configured = configured("kochava", &settings());
    let all = [IOS, ID].concat();
    for (without, named) in [
        (&["$idfa", "$idfv"][..], "$idfa or $idfv"),
        (&["$ip"], "$ip"),
        (&["$deviceVersion"], "$deviceVersion"),
        (&["$kochavaDeviceId"], "$kochavaDeviceId"),
    ] {
        let mut left = all.clone();
        left.retain(|(name, _)| !without.contains(name));
        let event = event(EventKind::TrialStarted, &[&left]);
        assert_eq!(
            lacks(configured.as_ref(), &event),
            format!("the customer has no {named}")
        );
    }
    let body = body(
        configured.as_ref(),
        &on_android(event(EventKind::TrialStarted, &[ANDROID, ID])),
    );
    assert_eq!(body["kochava_app_id"], "android");
    assert_eq!(
        body["data"]["device_ids"],
        json!({ "adid": "CDDA802E-FB9C-47AD-9866-0794D394C912" })
    );
}

/// Without it Kochava drops the identifier for advertisers.
#[test]
fn consent_is_told() {
    let configured = configured("kochava", &settings());
    for (said, is_allowed) in [("authorized", true), ("denied", false)] {
        let said = [("$attConsentStatus", said)];
        let body = body(
            configured.as_ref(),
            &event(EventKind::TrialStarted, &[IOS, ID, &said]),
        );
        assert_eq!(body["data"]["app_tracking_transparency"]["att"], is_allowed);
        assert_eq!(body["data"]["device_ids"].get("idfa").is_some(), is_allowed);
    }
}

#[test]
fn test_purchases_need_an_app_of_their_own() {
    let event = in_sandbox(event(EventKind::TrialStarted, &[IOS, ID]));
    let without = configured("kochava", &settings());
    assert_eq!(without.plan(&event), Err(NotSent::EventDisabled));
    let configured = configured("kochava", &with(settings(), "sandbox_ios_app_guid", "test"));
    assert_eq!(body(configured.as_ref(), &event)["kochava_app_id"], "test");
}

#[test]
fn the_body_and_not_the_status_says_no() {
    let configured = configured("kochava", &settings());
    assert_eq!(
        means(configured.as_ref(), 200, &json!({ "success": "1" })),
        "delivered"
    );
    assert_eq!(
        means(configured.as_ref(), 200, &json!({ "success": "0" })),
        "rejected"
    );
    assert_eq!(means(configured.as_ref(), 200, &json!("")), "rejected");
}
