//! Queues, files, tables and presets: what travels over HTTP to whoever runs it, one message or many in a request.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod batches;
mod files;
mod presets;
mod queues;
#[path = "../sample/mod.rs"]
mod sample;
#[path = "../settings/mod.rs"]
mod settings;
mod tables;

use destinations::{Configured, Context, Item, Now, Outcome, Request, Response};
use domain::{Event, EventId, EventKind, Headers, Message};
use serde_json::Value;
use uuid::Uuid;

/// A destination with its first settings, some of them changed.
fn configured(key: &str, changed: Value) -> Box<dyn Configured> {
    let mut settings = settings::settings(key).remove(0);
    for (name, value) in changed.as_object().unwrap() {
        settings[name] = value.clone();
    }
    let destination = destinations::find(key).unwrap();
    let configured = destination.configure(&settings, &Context::default());
    configured.unwrap_or_else(|problems| panic!("{key}: {problems:?}"))
}

/// So many events of one kind, each with an id of its own.
fn events(kind: EventKind, many: u128) -> Vec<Event> {
    let event = |at| Event {
        id: EventId::new(Uuid::from_u128(
            0x0190_0000_0000_7000_8000_0000_0000_0001 + at,
        )),
        ..sample::event(kind)
    };
    (0..many).map(event).collect()
}

/// A message for each event, which must be planned.
fn messages(configured: &dyn Configured, events: &[Event]) -> Vec<Message> {
    let planned = events.iter().map(|event| configured.plan(event).unwrap());
    planned.map(|mut messages| messages.remove(0)).collect()
}

fn items<'a>(events: &'a [Event], messages: &'a [Message]) -> Vec<Item<'a>> {
    let pairs = events.iter().zip(messages);
    let item = |(event, message): (&'a Event, &'a Message)| Item {
        delivery: "dlv_1",
        message,
        event,
        now: sample::now(event),
    };
    pairs.map(item).collect()
}

/// The request for so many events of a kind.
fn batch(configured: &dyn Configured, kind: EventKind, many: u128) -> Request {
    let events = events(kind, many);
    let messages = messages(configured, &events);
    configured.render_batch(&items(&events, &messages)).unwrap()
}

/// What an answer means for each of so many messages.
fn outcomes(configured: &dyn Configured, many: u128, response: &Response) -> Vec<Outcome> {
    let events = events(EventKind::SubscriptionRenewed, many);
    let messages = messages(configured, &events);
    let each = configured.classify_batch(response, &items(&events, &messages));
    each.unwrap_or_else(|| vec![configured.classify(response); events.len()])
}

fn answer(status: u16, body: impl ToString) -> Response {
    Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        body: body.to_string().into_bytes(),
        unread: None,
    }
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut headers = request.headers.iter();
    let header = headers.find(|header| header.name == name);
    header.map(|header| header.value.as_str())
}

/// The body as JSON.
fn json(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// What is known of an event as it was recorded.
fn now(event: &Event) -> Now<'_> {
    sample::now(event)
}
