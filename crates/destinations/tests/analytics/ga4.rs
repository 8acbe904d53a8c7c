use crate::{all, answered, body, first, known, ready, repeatable, unsendable, with, without};
use destinations::{Context, Outcome, find};
use domain::{EventKind, Store, customer::Customer};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::time::Duration;

fn both() -> Value {
    json!({
        "ios_firebase_app_id": "ios-app", "ios_api_secret": "ios-key",
        "android_firebase_app_id": "android-app", "android_api_secret": "android-key",
    })
}

fn with_setting(name: &str, value: Value) -> Value {
    let mut settings = both();
    settings[name] = value;
    settings
}

#[test]
fn a_refund_by_its_own_name_is_positive_and_by_another_without_amount() {
    let event = known::event(EventKind::SubscriptionRefunded);
    let told = body(ready("ga4", &both()).as_ref(), &event);
    let told = &told["events"][0];
    assert_eq!(told["name"], "refund");
    assert_eq!(told["params"]["value"], 5.99);
    assert_eq!(told["params"]["transaction_id"], "1001");
    let theirs = with_setting("names", "revenuecat".into());
    let told = body(ready("ga4", &theirs).as_ref(), &event);
    assert_eq!(told["events"][0]["name"], "rc_cancellation");
    assert!(told["events"][0]["params"].get("value").is_none());
}

#[test]
fn what_would_be_booked_at_another_time_is_not_sent_or_waits() {
    let configured = ready("ga4", &with_setting("wait_minutes", 1_440.into()));
    let window = configured.window();
    assert_eq!(window.oldest, Some(SignedDuration::from_hours(72)));
    assert_eq!(window.ahead, Some(SignedDuration::ZERO));
    assert!(configured.waits_for_attributes() <= Duration::from_hours(72));
}

/// Nothing tells a repetition of an event, so only what moves no money is repeated.
#[test]
fn what_moves_money_is_not_repeated() {
    let configured = ready("ga4", &both());
    for (kind, is_repeated) in [
        (EventKind::SubscriptionRenewed, false),
        (EventKind::SubscriptionRefunded, false),
        (EventKind::RefundReversed, false),
        (EventKind::SubscriptionExpired, true),
    ] {
        let found = repeatable(configured.as_ref(), &known::event(kind));
        assert_eq!(found, [is_repeated], "{kind:?}");
    }
}

#[test]
fn each_side_of_a_transfer_hears_of_it() {
    let configured = ready("ga4", &both());
    let mut event = known::event(EventKind::Transfer);
    let mut from = Customer {
        app_user_id: "before".into(),
        ..event.customer.clone()
    };
    let instance = "$firebaseAppInstanceId".to_owned();
    from.attributes.insert(instance.clone(), "other".into());
    event.transferred_from = Some(from);
    let sides: Vec<(Value, Value)> = all(configured.as_ref(), &event)
        .into_iter()
        .map(|request| serde_json::from_slice::<Value>(&request.unwrap().body).unwrap())
        .map(|body| (body["app_instance_id"].clone(), body["user_id"].clone()))
        .collect();
    assert_eq!(
        sides,
        [
            ("62c0a1b2c3d4e5f60718293a4b5c6d7e".into(), "12345".into()),
            ("other".into(), "before".into())
        ]
    );
    let from = event.transferred_from.as_mut().unwrap();
    from.attributes.remove(&instance);
    let sides = all(configured.as_ref(), &event);
    assert!(sides[0].is_ok() && sides[1].is_err());
}

#[test]
fn nothing_is_sent_without_the_instance_of_the_app() {
    let event = known::event(EventKind::SubscriptionStarted);
    let event = without(event, &["$firebaseAppInstanceId"]);
    assert_eq!(
        unsendable(ready("ga4", &both()).as_ref(), &event),
        "missing_customer_data: the customer has no $firebaseAppInstanceId"
    );
}

#[test]
fn the_store_decides_the_stream() {
    let ios = json!({ "ios_firebase_app_id": "ios-app", "ios_api_secret": "ios-key" });
    let android =
        json!({ "android_firebase_app_id": "android-app", "android_api_secret": "android-key" });
    let bought = |store| {
        let mut event = known::event(EventKind::SubscriptionStarted);
        event.app.as_mut().unwrap().store = store;
        without(event, &["$idfa", "$idfv"])
    };
    for (settings, store, stream) in [
        (both(), Store::AppStore, "ios-app&api_secret=ios-key"),
        (
            both(),
            Store::PlayStore,
            "android-app&api_secret=android-key",
        ),
        (both(), Store::Stripe, "ios-app&api_secret=ios-key"),
        (
            android.clone(),
            Store::Stripe,
            "android-app&api_secret=android-key",
        ),
    ] {
        let url = first(ready("ga4", &settings).as_ref(), &bought(store)).url;
        assert!(url.ends_with(&format!("firebase_app_id={stream}")), "{url}");
    }
    assert_eq!(
        unsendable(ready("ga4", &ios).as_ref(), &bought(Store::PlayStore)),
        "missing_credentials: android_firebase_app_id is not set"
    );
    let mut test = known::event(EventKind::Test);
    test.app = None;
    let url = first(ready("ga4", &android).as_ref(), &test).url;
    assert!(url.contains("android-app"), "{url}");
}

#[test]
fn names_that_google_drops_are_refused() {
    for (name, is_taken) in [("rc_renewal", true), ("ga_renewal", false), ("1st", false)] {
        let settings = with_setting("events", json!({ "subscription_renewed": name }));
        let found = find("ga4")
            .unwrap()
            .configure(&settings, &Context::default());
        assert_eq!(found.is_ok(), is_taken, "{name}");
        if let Err(problems) = found {
            assert_eq!(problems[0].field, "events.subscription_renewed");
        }
    }
}

/// A value beyond 100 characters, a property beyond 36 or with a name beyond 24, more than 25 of either: Google drops the event.
#[test]
fn limits_of_the_protocol_are_kept() {
    let mut event = known::event(EventKind::SubscriptionRenewed);
    event.product = Some("ü".repeat(130));
    let long = "x".repeat(37);
    let event = with(
        event,
        &[
            ("short", "fits"),
            ("long", &long),
            ("a_name_that_is_longer_than_24", "x"),
            ("with-dash", "x"),
            ("firebase_x", "x"),
        ],
    );
    let many: Vec<_> = (0..40).map(|at| (format!("many{at}"), "x")).collect();
    let many: Vec<_> = many
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let event = with(event, &many);
    let configured = ready("ga4", &with_setting("send_attributes", true.into()));
    let told = body(configured.as_ref(), &event);
    let parameters = told["events"][0]["params"].as_object().unwrap();
    assert!(parameters.len() <= 25, "{}", parameters.len());
    let product = parameters["product_id"].as_str().unwrap();
    assert_eq!(product, "ü".repeat(100));
    let properties = told["user_properties"].as_object().unwrap();
    assert_eq!(properties.len(), 25);
    for absent in [
        "long",
        "a_name_that_is_longer_than_24",
        "with-dash",
        "firebase_x",
        "subscription_product_id",
    ] {
        assert!(!properties.contains_key(absent), "{absent}");
    }
    assert_eq!(properties["email"]["value"], "anna@example.com");
}

#[test]
fn the_address_that_validates_says_what_is_wrong() {
    let endpoint = "https://www.google-analytics.com/debug";
    let configured = ready("ga4", &with_setting("endpoint", endpoint.into()));
    let event = known::event(EventKind::SubscriptionStarted);
    let url = first(configured.as_ref(), &event).url;
    assert!(url.starts_with("https://www.google-analytics.com/debug/mp/collect?"));
    let wrong = r#"{"validationMessages":[{"fieldPath":"events","description":"bad name"}]}"#;
    let said = answered(configured.as_ref(), 200, wrong);
    assert!(matches!(&said, Outcome::Rejected(why) if why.contains("bad name")));
    let right = answered(configured.as_ref(), 200, r#"{"validationMessages":[]}"#);
    assert_eq!(right, Outcome::Delivered);
}
