use crate::{answered, body, first, known, ready, unsendable};
use destinations::Outcome;
use domain::{Environment, EventKind, NotSent};
use serde_json::json;

#[test]
fn the_two_of_a_request_have_ids_of_their_own() {
    let configured = ready("segment", &json!({ "write_key": "key" }));
    let event = known::event(EventKind::SubscriptionStarted);
    let told = body(configured.as_ref(), &event);
    let ids = [0, 1].map(|at| told["batch"][at]["messageId"].as_str().unwrap().to_owned());
    assert_eq!(ids[0], event.id.uuid().to_string());
    assert_eq!(ids[1], format!("{}-i", event.id.uuid()));
    assert!(ids.iter().all(|id| id.len() < 100));
}

#[test]
fn the_region_decides_the_host() {
    let configured = ready("segment", &json!({ "write_key": "key", "region": "eu" }));
    let event = known::event(EventKind::SubscriptionStarted);
    assert_eq!(
        first(configured.as_ref(), &event).url,
        "https://events.eu1.segmentapis.com/v1/batch"
    );
}

#[test]
fn test_purchases_go_where_they_are_wanted() {
    let mut event = known::event(EventKind::SubscriptionStarted);
    event.environment = Environment::Sandbox;
    let configured = ready("segment", &json!({ "write_key": "key" }));
    assert_eq!(configured.plan(&event), Err(NotSent::EventDisabled));
    let settings = json!({ "write_key": "key", "send_sandbox": true });
    let told = body(ready("segment", &settings).as_ref(), &event);
    assert_eq!(told["batch"][0]["context"]["environment"], "SANDBOX");
}

#[test]
fn attributes_are_traits_where_they_are_sent() {
    let settings = json!({ "write_key": "key", "send_attributes": true });
    let event = known::event(EventKind::SubscriptionStarted);
    let told = body(ready("segment", &settings).as_ref(), &event);
    let traits = &told["batch"][1]["traits"];
    assert_eq!(traits["email"], "anna@example.com");
    assert_eq!(traits["phone"], "+1 (415) 555-0100");
    assert!(traits.get("idfa").is_none());
}

#[test]
fn success_that_is_none_is_refused() {
    let configured = ready("segment", &json!({ "write_key": "key" }));
    let refused = answered(configured.as_ref(), 200, r#"{"success":false}"#);
    assert!(matches!(refused, Outcome::Rejected(_)));
}

#[test]
fn a_data_plane_of_one_s_own_is_asked_where_it_is() {
    let event = known::event(EventKind::SubscriptionStarted);
    let settings = json!({ "write_key": "key", "data_plane_url": "http://10.0.0.7:8080/" });
    let configured = ready("rudderstack", &settings);
    assert_eq!(
        first(configured.as_ref(), &event).url,
        "http://10.0.0.7:8080/v1/batch"
    );
    let nowhere = ready("rudderstack", &json!({ "write_key": "key" }));
    assert_eq!(
        unsendable(nowhere.as_ref(), &event),
        "missing_credentials: data_plane_url is not set"
    );
    let odd = json!({ "write_key": "key", "data_plane_url": "plane.example" });
    let destination = destinations::find("rudderstack").unwrap();
    let refused = destination.configure(&odd, &destinations::Context::default());
    let problems = refused.err().unwrap();
    assert_eq!(problems[0].field, "data_plane_url");
}
