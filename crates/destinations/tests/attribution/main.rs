//! Attribution and ads: what each vendor trips over.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod adjust;
mod airbridge;
mod appsflyer;
mod asapty;
mod branch;
mod every;
mod kochava;
mod meta;
#[path = "../sample/mod.rs"]
mod sample;
mod singular;
mod snapchat;
mod tenjin;
mod tiktok;

use destinations::{Configured, Context, Invalid, Outcome, Request, Response, Unsendable, find};
use domain::{Environment, Event, EventKind, Headers, Store};
use serde_json::Value;

/// A customer on iOS who said yes to being followed.
const IOS: &[(&str, &str)] = &[
    ("$attConsentStatus", "authorized"),
    ("$deviceVersion", "iOS 18.5"),
    ("$idfa", "6D92078A-8246-4BA4-AE5B-76104861E7DC"),
    ("$idfv", "9b1c7c0e-0f2a-4e56-9d0c-2c0b7a3d5e11"),
    ("$ip", "203.0.113.24"),
];
/// A customer on Android.
const ANDROID: &[(&str, &str)] = &[
    ("$deviceVersion", "Android 15"),
    ("$gpsAdId", "CDDA802E-FB9C-47AD-9866-0794D394C912"),
    ("$ip", "198.51.100.7"),
];

/// An event of a customer with these attributes.
fn event(kind: EventKind, attributes: &[&[(&str, &str)]]) -> Event {
    let mut event = sample::event(kind);
    let attributes = attributes.iter().copied().flatten();
    let attributes = attributes.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    event.customer.attributes = attributes.collect();
    event
}

/// The same from the Play Store.
fn on_android(mut event: Event) -> Event {
    event.app.as_mut().unwrap().store = Store::PlayStore;
    event
}

/// The same in the sandbox.
fn in_sandbox(mut event: Event) -> Event {
    event.environment = Environment::Sandbox;
    event
}

fn configure(key: &str, settings: &Value) -> Result<Box<dyn Configured>, Vec<Invalid>> {
    find(key).unwrap().configure(settings, &Context::default())
}

fn configured(key: &str, settings: &Value) -> Box<dyn Configured> {
    configure(key, settings).unwrap_or_else(|problems| panic!("{key}: {problems:?}"))
}

/// What is sent first of an event.
fn sent(configured: &dyn Configured, event: &Event) -> Result<Request, Unsendable> {
    let message = configured.plan(event).unwrap().remove(0);
    configured.render(&message, event, sample::now(event))
}

/// The body of that.
fn body(configured: &dyn Configured, event: &Event) -> Value {
    serde_json::from_slice(&sent(configured, event).unwrap().body).unwrap()
}

/// The form of that, undecoded.
fn form(configured: &dyn Configured, event: &Event) -> String {
    String::from_utf8(sent(configured, event).unwrap().body).unwrap()
}

/// What the customer lacks.
fn lacks(configured: &dyn Configured, event: &Event) -> String {
    let unsendable = sent(configured, event).unwrap_err();
    assert_eq!(unsendable.reason.id(), "missing_customer_data");
    unsendable.detail
}

/// What an answer means.
fn means(configured: &dyn Configured, status: u16, body: &Value) -> &'static str {
    let body = match body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let response = Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        body: body.into_bytes(),
        unread: None,
    };
    match configured.classify(&response) {
        Outcome::Delivered => "delivered",
        Outcome::Partly(_) => "partly",
        Outcome::Retry(_) => "retry",
        Outcome::Rejected(_) => "rejected",
        Outcome::Gone(_) => "gone",
        Outcome::CredentialsRefused(_) => "credentials",
    }
}

/// Whether an event may be sent again when no answer came.
fn is_repeatable(configured: &dyn Configured, kind: EventKind) -> bool {
    let event = sample::event(kind);
    let message = configured.plan(&event).unwrap().remove(0);
    configured.repeatable(&message, &event)
}

/// Settings with one more.
fn with(mut settings: Value, name: &str, value: impl Into<Value>) -> Value {
    settings[name] = value.into();
    settings
}
