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

/// Source: Segment docs, "OAuth 2.0": the token is for the region, and the write key still says which source it is.
#[test]
fn a_source_with_oauth_is_told_by_who_holds_the_key_of_its_application() {
    let account: serde_json::Value =
        serde_json::from_str(include_str!("../settings/service_account.json")).unwrap();
    let settings = json!({
        "write_key": "key", "region": "eu", "oauth_application": "app",
        "oauth_private_key": account["private_key"], "oauth_key_id": "k1",
    });
    let event = known::event(EventKind::SubscriptionStarted);
    let request = first(ready("segment", &settings).as_ref(), &event);
    let Some(grant) = &request.grant else {
        panic!("it needs a token")
    };
    assert_eq!(grant.url(), "https://oauth2.eu1.segmentapis.com/token");
    let at = "2026-11-20T09:30:00Z".parse().unwrap();
    let asked = destinations::Token::asked(grant, at).unwrap();
    let form = String::from_utf8(asked.body.clone()).unwrap();
    for part in [
        "grant_type=client_credentials",
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
        "client_assertion=ey",
        "scope=tracking_api%3Awrite",
    ] {
        assert!(form.contains(part), "{form}");
    }
    assert!(asked.shown_body().contains("client_assertion=***"));
    let told = body(ready("segment", &settings).as_ref(), &event);
    assert_eq!(told["writeKey"], "key");
    assert!(request.shown_body().contains(r#""writeKey":"***""#));
    assert!(
        request
            .headers
            .iter()
            .all(|header| header.name != "authorization")
    );
    let mut broken = settings;
    broken["oauth_private_key"] = "none".into();
    let problems = destinations::find("segment").unwrap();
    let problems = problems.configure(&broken, &destinations::Context::default());
    assert_eq!(problems.err().unwrap()[0].field, "oauth_private_key");
}
