//! Where messaging tools are easily misunderstood: who a customer is, what counts twice, and answers that say no with a yes.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod airship;
mod braze;
mod clevertap;
mod customerio;
mod intercom;
mod iterable;
mod klaviyo;
#[path = "../known/mod.rs"]
mod known;
#[path = "../sample/mod.rs"]
mod sample;
mod state;

use destinations::{Configured, Context, Outcome, Request, Response, Unsendable, find};
use domain::{Currency, Event, EventKind, Headers, Money};
use serde_json::{Value, json};

fn ready(key: &str, settings: &Value) -> Box<dyn Configured> {
    let configured = find(key).unwrap().configure(settings, &Context::default());
    configured.unwrap_or_else(|problems| panic!("{key}: {problems:?}"))
}

fn refused(key: &str, settings: &Value) -> String {
    let configured = find(key).unwrap().configure(settings, &Context::default());
    configured.err().unwrap()[0].field.clone()
}

fn all(configured: &dyn Configured, event: &Event) -> Vec<Result<Request, Unsendable>> {
    let messages = configured.plan(event).unwrap().into_iter();
    messages
        .map(|message| configured.render(&message, event, sample::now(event)))
        .collect()
}

fn first(configured: &dyn Configured, event: &Event) -> Request {
    all(configured, event).remove(0).unwrap()
}

fn body(configured: &dyn Configured, event: &Event) -> Value {
    serde_json::from_slice(&first(configured, event).body).unwrap()
}

fn answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Response {
    Response {
        status,
        retry_after: None,
        headers: headers.iter().copied().collect::<Headers>(),
        body: body.to_string().into_bytes(),
        unread: None,
    }
}

fn means(configured: &dyn Configured, status: u16, body: &Value) -> &'static str {
    match configured.classify(&answer(status, &[], body)) {
        Outcome::Delivered => "delivered",
        Outcome::Partly(_) => "partly",
        Outcome::Retry(_) => "retry",
        Outcome::Rejected(_) => "rejected",
        Outcome::Gone(_) => "gone",
        Outcome::CredentialsRefused(_) => "credentials",
    }
}

fn with(mut event: Event, attributes: &[(&str, &str)]) -> Event {
    for (name, value) in attributes {
        let attributes = &mut event.customer.attributes;
        attributes.insert((*name).to_owned(), (*value).to_owned());
    }
    event
}

fn without(mut event: Event, attributes: &[&str]) -> Event {
    for name in attributes {
        event.customer.attributes.remove(*name);
    }
    event
}

fn costing(mut event: Event, micros: i64, currency: &str, usd: i64) -> Event {
    let transaction = event.transaction.as_mut().unwrap();
    let currency = Currency::try_from(currency).unwrap();
    transaction.price = Some(Money::new(micros, currency));
    transaction.price_usd = Some(Money::new(usd, Currency::USD));
    event
}

fn repeats(configured: &dyn Configured, kind: EventKind) -> bool {
    let event = known::event(kind);
    let message = &configured.plan(&event).unwrap()[0];
    configured.repeatable(message, &event)
}

#[test]
fn what_counts_twice_is_not_repeated() {
    let key = json!({ "api_key": "k" });
    for (configured, may) in [
        (ready("braze", &key), false),
        (
            ready(
                "braze",
                &json!({ "api_key": "k", "repeat_unconfirmed": true }),
            ),
            true,
        ),
        (
            ready("clevertap", &json!({ "account_id": "a", "passcode": "p" })),
            false,
        ),
        (
            ready("airship", &json!({ "app_key": "a", "token": "t" })),
            false,
        ),
        (
            ready("customerio", &json!({ "site_id": "s", "api_key": "k" })),
            true,
        ),
        (ready("iterable", &key), true),
        (ready("klaviyo", &json!({ "private_key": "k" })), true),
        (ready("intercom", &json!({ "access_token": "t" })), true),
    ] {
        assert_eq!(
            repeats(configured.as_ref(), EventKind::SubscriptionRefunded),
            may
        );
        assert!(repeats(configured.as_ref(), EventKind::SubscriptionExpired));
    }
}

/// Source: RFC 9110, 15.5.9: the request took too long to arrive, and may be repeated.
#[test]
fn a_timeout_that_is_answered_is_no_refusal() {
    for key in [
        "airship",
        "braze",
        "clevertap",
        "customerio",
        "discord",
        "intercom",
        "iterable",
        "klaviyo",
        "onesignal",
        "pushwoosh",
        "slack",
        "teams",
        "telegram",
    ] {
        let configured = ready(key, &json!({}));
        assert_eq!(
            means(configured.as_ref(), 408, &json!({})),
            "retry",
            "{key}"
        );
    }
}

/// A proxy that asks people to sign in says 200 to everything: vendors that say what they took have not said it.
#[test]
fn a_200_of_somebody_else_proves_nothing() {
    for (key, taken) in [
        ("airship", json!({ "ok": true })),
        ("braze", json!({ "message": "success" })),
        ("clevertap", json!({ "status": "success" })),
        ("discord", json!({ "id": "1" })),
        ("iterable", json!({ "code": "Success" })),
        ("pushwoosh", json!({ "status_code": 200 })),
        ("telegram", json!({ "ok": true })),
    ] {
        let configured = ready(key, &json!({}));
        let of = |body: &Value| means(configured.as_ref(), 200, body);
        assert_eq!(of(&taken), "delivered", "{key}");
        assert_eq!(of(&json!("<html>Sign in</html>")), "retry", "{key}");
        assert_eq!(of(&json!({})), "retry", "{key}");
    }
}
