//! Airship: values and channels.

use super::{body, costing, first, known, means, ready, refused};
use domain::{EventKind, Store};
use serde_json::json;

#[test]
fn a_value_that_airship_does_not_take_stays_a_property() {
    let local = json!({ "app_key": "a", "token": "t", "currency": "local" });
    let airship = ready("airship", &local);
    let dear = known::event(EventKind::SubscriptionRenewed);
    let dear = costing(dear, 3_000_000_000_000, "IDR", 180_000_000);
    let told = body(airship.as_ref(), &dear)[0]["body"].clone();
    assert!(told.get("value").is_none());
    assert_eq!(told["properties"]["revenue"], 3_000_000);
    let dollars = ready("airship", &json!({ "app_key": "a", "token": "t" }));
    assert_eq!(body(dollars.as_ref(), &dear)[0]["body"]["value"], 180);
    let capital = json!({ "app_key": "a", "token": "t", "events": { "trial_started": "Trial" } });
    assert_eq!(refused("airship", &capital), "events.trial_started");
    let oldest = dollars.window().oldest.unwrap();
    assert_eq!(oldest.as_hours(), 90 * 24);
}

#[test]
fn a_channel_of_airship_is_of_a_system() {
    let airship = ready("airship", &json!({ "app_key": "a", "token": "t" }));
    for (store, named) in [
        (Store::AppStore, "ios_channel"),
        (Store::PlayStore, "android_channel"),
    ] {
        let mut event = known::event(EventKind::SubscriptionRenewed);
        event.app.as_mut().unwrap().store = store;
        let user = body(airship.as_ref(), &event)[0]["user"].clone();
        assert_eq!(user[named], "df6a6b50-9843-0304-d5a5-743f246a4946");
    }
    let refused = json!({ "ok": false, "error": "x" });
    assert_eq!(means(airship.as_ref(), 200, &refused), "rejected");
}

/// Source: Airship API docs, "OAuth 2.0".
#[test]
fn a_client_of_a_project_asks_for_a_token_of_that_project() {
    let settings =
        json!({ "app_key": "abc", "client_id": "c/1", "client_secret": "s 1", "region": "eu" });
    let airship = ready("airship", &settings);
    let request = first(
        airship.as_ref(),
        &known::event(EventKind::SubscriptionRenewed),
    );
    assert_eq!(request.url, "https://api.asnapieu.com/api/custom-events");
    let grant = request.grant.unwrap();
    let asked = destinations::Token::asked(&grant, jiff::Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(asked.url, "https://oauth2.asnapieu.com/token");
    assert_eq!(
        asked.body,
        b"grant_type=client_credentials&sub=app%3Aabc".to_vec()
    );
    // `c%2F1:s%201`, which RFC 6749 wants encoded before it is joined.
    let mut sent = asked.headers.iter();
    let sent = sent.rfind(|header| header.name == "authorization").unwrap();
    assert_eq!(sent.value, "Basic YyUyRjE6cyUyMDE=");
    assert_eq!(airship.endpoints(), [domain::Environment::Production]);
    let half = json!({ "app_key": "abc", "client_id": "c1" });
    let half = ready("airship", &half);
    let event = known::event(EventKind::SubscriptionRenewed);
    let why = super::all(half.as_ref(), &event).remove(0).unwrap_err();
    assert_eq!(why.detail, "client_secret is not set");
}
