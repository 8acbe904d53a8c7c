//! The ways out that are not HTTP, each against a server that others wrote and, for what those never do, one that does it on the wire.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod amqp;
mod broker;
mod certified;
mod log;
mod mail;
mod post;
mod queue;
#[path = "../../../destinations/tests/sample/mod.rs"]
mod sample;
mod table;

use destinations::{Configured, Context, Outcome, Request, find};
use domain::{Event, EventKind};
use engine::{Authorities, NetworkTransport, Outgoing, Transport, TransportError};
use serde_json::Value;
use std::time::Duration;

/// Long enough for whoever answers.
const PATIENT: Duration = Duration::from_secs(20);
/// Long enough to notice that somebody does not.
const SOON: Duration = Duration::from_secs(1);

/// A transport that may reach this machine, or not even that.
fn network(allowed: &str) -> NetworkTransport {
    let outgoing = Outgoing {
        at_once: 100,
        kept: 100,
        clusters: 4,
    };
    NetworkTransport::new(allowed.parse().unwrap(), Authorities::default(), outgoing).unwrap()
}

fn here() -> NetworkTransport {
    network("integrations=127.0.0.0/8")
}

fn configured(key: &str, settings: &Value) -> Box<dyn Configured> {
    let context = Context {
        public_url: "https://tidings.example".into(),
    };
    let configured = find(key).unwrap().configure(settings, &context);
    configured.unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Settings in which one is another.
fn with(settings: &Value, name: &str, value: Value) -> Value {
    let mut settings = settings.clone();
    settings[name] = value;
    settings
}

fn renewal() -> Event {
    sample::event(EventKind::SubscriptionRenewed)
}

fn rendered(configured: &dyn Configured, event: &Event) -> Request {
    let message = configured.plan(event).unwrap().remove(0);
    let mut request = configured
        .render(&message, event, sample::now(event))
        .unwrap();
    configured.sign(&mut request, "dlv_1", event.recorded_at);
    request
}

/// What an attempt came to, in the words of the destination.
async fn attempt(
    network: &NetworkTransport,
    configured: &dyn Configured,
    request: &Request,
    timeout: Duration,
) -> Result<Outcome, TransportError> {
    let response = network.send(request, timeout).await?;
    Ok(configured.classify(&response))
}
