//! Where analytics tools are easily misunderstood: what they drop without a word, count twice, or book at another time.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod amplitude;
mod appmetrica;
mod ga4;
#[path = "../known/mod.rs"]
mod known;
mod mixpanel;
mod mparticle;
mod posthog;
#[path = "../sample/mod.rs"]
mod sample;
mod segment;
mod statsig;
mod status;
mod telemetrydeck;

use destinations::{Configured, Context, Outcome, Request, Response, Unsendable, find};
use domain::{Event, Headers};
use serde_json::{Value, json};

fn ready(key: &str, settings: &Value) -> Box<dyn Configured> {
    let destination = find(key).unwrap();
    destination
        .configure(settings, &Context::default())
        .unwrap_or_else(|problems| panic!("{key}: {problems:?}"))
}

/// The requests of an event, in their order; each may be one that cannot be sent.
fn all(configured: &dyn Configured, event: &Event) -> Vec<Result<Request, Unsendable>> {
    let messages = configured.plan(event).unwrap().into_iter();
    messages
        .map(|message| configured.render(&message, event, sample::now(event)))
        .collect()
}

/// The first request of an event.
fn first(configured: &dyn Configured, event: &Event) -> Request {
    all(configured, event).remove(0).unwrap()
}

/// Its body.
fn body(configured: &dyn Configured, event: &Event) -> Value {
    serde_json::from_slice(&first(configured, event).body).unwrap()
}

/// Why the first request of an event cannot be sent.
fn unsendable(configured: &dyn Configured, event: &Event) -> String {
    let why = all(configured, event).remove(0).unwrap_err();
    format!("{}: {}", why.reason.id(), why.detail)
}

fn answered(configured: &dyn Configured, status: u16, body: &str) -> Outcome {
    configured.classify(&Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        body: body.as_bytes().to_vec(),
        unread: None,
    })
}

/// Whether each of the messages of an event may be sent again when nobody knows whether it was taken.
fn repeatable(configured: &dyn Configured, event: &Event) -> Vec<bool> {
    let messages = configured.plan(event).unwrap().into_iter();
    messages
        .map(|message| configured.repeatable(&message, event))
        .collect()
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

/// A request that took too long to arrive says nothing of its event.
#[test]
fn a_timeout_that_somebody_answers_is_tried_again() {
    for key in [
        "amplitude",
        "appmetrica",
        "ga4",
        "mixpanel",
        "mparticle",
        "posthog",
        "rudderstack",
        "segment",
        "statsig",
        "telemetrydeck",
    ] {
        let outcome = answered(ready(key, &json!({})).as_ref(), 408, "");
        assert_eq!(outcome, Outcome::Retry(None), "{key}");
    }
}
