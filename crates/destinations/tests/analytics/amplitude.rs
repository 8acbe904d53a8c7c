use crate::{body, known, ready, unsendable, with, without};
use domain::EventKind;
use serde_json::{Value, json};

fn named(attributes: &[(&str, &str)], app_user_id: &str) -> [Option<Value>; 2] {
    let configured = ready("amplitude", &json!({ "api_key": "key" }));
    let event = known::event(EventKind::SubscriptionStarted);
    let event = without(event, &["$amplitudeUserId", "$amplitudeDeviceId"]);
    let mut event = with(event, attributes);
    event.customer.app_user_id = app_user_id.into();
    let told = body(configured.as_ref(), &event);
    ["user_id", "device_id"].map(|name| told["events"][0].get(name).cloned())
}

/// Both where both are known; the app's name only where neither is.
#[test]
fn a_customer_is_a_user_or_a_device_or_both() {
    let (user, device) = (("$amplitudeUserId", "u"), ("$amplitudeDeviceId", "d"));
    for (attributes, expected) in [
        (vec![user, device], [Some("u"), Some("d")]),
        (vec![user], [Some("u"), None]),
        (vec![device], [None, Some("d")]),
        (vec![], [Some("12345"), None]),
        (vec![("$amplitudeUserId", "null")], [Some("12345"), None]),
    ] {
        let expected = expected.map(|name| name.map(Value::from));
        assert_eq!(named(&attributes, "12345"), expected, "{attributes:?}");
    }
}

#[test]
fn nobody_is_not_told_of() {
    let configured = ready("amplitude", &json!({ "api_key": "key" }));
    let event = known::event(EventKind::SubscriptionStarted);
    let mut event = without(event, &["$amplitudeUserId", "$amplitudeDeviceId"]);
    event.customer.app_user_id = "anonymous".into();
    let why = unsendable(configured.as_ref(), &event);
    assert!(why.starts_with("missing_customer_data"), "{why}");
}

#[test]
fn of_one_user_thirty_events_a_second_are_taken() {
    let configured = ready("amplitude", &json!({ "api_key": "key" }));
    let rate = configured.rate_per_customer().unwrap();
    assert_eq!((rate.count.get(), rate.per.as_secs()), (30, 1));
}
