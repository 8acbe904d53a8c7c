//! Singular.

use super::{ANDROID, IOS, configured, event, form, lacks, means, on_android, sent, with};
use domain::EventKind;
use serde_json::{Value, json};

fn settings() -> Value {
    json!({ "sdk_key": "k3y", "ios_bundle_id": "com.example.app", "android_package": "com.example.app" })
}

#[test]
fn identifiers_are_written_as_each_platform_has_them() {
    let configured = configured("singular", &settings());
    let url = sent(configured.as_ref(), &event(EventKind::TrialStarted, &[IOS]))
        .unwrap()
        .url;
    assert!(
        url.contains("idfv=9B1C7C0E-0F2A-4E56-9D0C-2C0B7A3D5E11"),
        "{url}"
    );
    let event = on_android(event(EventKind::TrialStarted, &[ANDROID]));
    let url = sent(configured.as_ref(), &event).unwrap().url;
    assert!(
        url.contains("aifa=cdda802e-fb9c-47ad-9866-0794d394c912"),
        "{url}"
    );
    assert!(!url.contains("att_authorization_status"), "{url}");
}

#[test]
fn addresses_of_version_6_are_left_out() {
    let configured = configured("singular", &settings());
    let six = [("$ip", "2001:db8::1")];
    let url = sent(
        configured.as_ref(),
        &event(EventKind::TrialStarted, &[IOS, &six]),
    )
    .unwrap()
    .url;
    assert!(!url.contains("ip="), "{url}");
}

/// Source: RevenueCat docs, "Singular", "API version".
#[test]
fn version_2_is_a_form_that_knows_devices_by_one_identifier() {
    let configured = configured("singular", &with(settings(), "api_version", "v2"));
    let without = event(EventKind::SubscriptionRenewed, &[IOS]);
    assert!(lacks(configured.as_ref(), &without).contains("$singularDeviceId"));
    let id = [("$singularDeviceId", "40009df0")];
    let event = event(EventKind::SubscriptionRenewed, &[IOS, &id]);
    let request = sent(configured.as_ref(), &event).unwrap();
    assert_eq!(
        (request.verb(), request.url.as_str()),
        ("POST", "https://s2s.singular.net/api/v2/evt")
    );
    let form = form(configured.as_ref(), &event);
    assert!(
        form.contains("sdid=40009df0") && form.contains("amt=5.99"),
        "{form}"
    );
    assert!(!form.contains("idfa=") && !form.contains("idfv="), "{form}");
}

#[test]
fn early_renewals_may_be_told_when_they_are_charged() {
    let mut early = event(EventKind::SubscriptionRenewed, &[IOS]);
    early.occurred_at = "2026-01-02T08:00:00Z".parse().unwrap();
    early.recorded_at = "2026-01-01T10:00:00Z".parse().unwrap();
    for (at_once, at) in [(false, "1767340800000"), (true, "1767261600000")] {
        let settings = with(settings(), "report_early_renewals", at_once);
        let url = sent(configured("singular", &settings).as_ref(), &early)
            .unwrap()
            .url;
        assert!(url.contains(&format!("umilisec={at}")), "{url}");
    }
}

#[test]
fn the_body_and_not_the_status_says_no() {
    let configured = configured("singular", &settings());
    assert_eq!(
        means(configured.as_ref(), 200, &json!({ "status": "ok" })),
        "delivered"
    );
    assert_eq!(
        means(configured.as_ref(), 200, &json!({ "status": "error" })),
        "rejected"
    );
    assert_eq!(means(configured.as_ref(), 404, &json!("")), "retry");
}

#[test]
fn the_key_is_not_shown() {
    let configured = configured("singular", &settings());
    let request = sent(configured.as_ref(), &event(EventKind::TrialStarted, &[IOS])).unwrap();
    assert!(request.url.contains("a=k3y"), "{}", request.url);
    assert!(
        !request.shown_url().contains("k3y"),
        "{}",
        request.shown_url()
    );
}
