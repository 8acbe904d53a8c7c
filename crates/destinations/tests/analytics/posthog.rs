use crate::{body, first, known, ready, unsendable, without};
use domain::EventKind;
use jiff::SignedDuration;
use serde_json::json;

#[test]
fn one_s_own_posthog_is_an_endpoint() {
    let event = known::event(EventKind::SubscriptionStarted);
    for (more, url) in [
        (
            json!({ "region": "eu" }),
            "https://eu.i.posthog.com/i/v0/e/",
        ),
        (
            json!({ "endpoint": "https://ph.example/sub/" }),
            "https://ph.example/sub/i/v0/e/",
        ),
    ] {
        let mut settings = more;
        settings["project_api_key"] = "phc".into();
        let configured = ready("posthog", &settings);
        assert_eq!(first(configured.as_ref(), &event).url, url);
    }
}

/// PostHog drops these without a word.
#[test]
fn nothing_is_sent_for_a_placeholder() {
    let configured = ready("posthog", &json!({ "project_api_key": "phc" }));
    let event = known::event(EventKind::SubscriptionStarted);
    let mut event = without(event, &["$posthogUserId"]);
    for name in ["guest", "Anonymous", "undefined", "0"] {
        event.customer.app_user_id = name.into();
        assert!(
            unsendable(configured.as_ref(), &event).starts_with("missing_customer_data"),
            "{name}"
        );
    }
}

#[test]
fn persons_have_attributes_where_they_may_and_no_profile_where_they_should_not() {
    let event = known::event(EventKind::SubscriptionStarted);
    let settings = json!({ "project_api_key": "phc", "send_attributes": true, "withhold_attributes": ["favorite"] });
    let told = body(ready("posthog", &settings).as_ref(), &event);
    let person = &told["properties"]["$set"];
    assert_eq!(person["email"], "anna@example.com");
    assert_eq!(person["name"], "Anna");
    assert_eq!(person["subscription_status"], "active");
    for absent in ["favorite", "idfa", "ip", "$email"] {
        assert!(person.get(absent).is_none(), "{absent}");
    }
    let settings = json!({ "project_api_key": "phc", "send_attributes": true, "anonymous": true });
    let told = body(ready("posthog", &settings).as_ref(), &event);
    assert_eq!(told["properties"]["$process_person_profile"], false);
    assert!(told["properties"].get("$set").is_none());
}

#[test]
fn what_lies_more_than_23_hours_ahead_waits() {
    let configured = ready("posthog", &json!({ "project_api_key": "phc" }));
    assert_eq!(
        configured.window().ahead,
        Some(SignedDuration::from_hours(23))
    );
}
