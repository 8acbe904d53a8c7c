//! The webhook: payloads of each format, handshake, answers, settings.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod adapty;
mod request;
mod revenuecat;
mod revenuecat_flows;
#[path = "../sample/mod.rs"]
mod sample;
mod settings;

use destinations::{Configured, Context, Invalid, find};
use domain::{Event, EventKind, NotSent};
use serde_json::{Value, json};

fn configure(settings: &Value) -> Result<Box<dyn Configured>, Vec<Invalid>> {
    find("webhook")
        .unwrap()
        .configure(settings, &Context::default())
}

fn webhook(settings: &Value) -> Box<dyn Configured> {
    let mut all = json!({ "production_url": "https://a.example/hook", "sandbox_url": "https://b.example/hook" });
    all.as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    configure(&all).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn body(configured: &dyn Configured, event: &Event) -> Value {
    let message = &configured.plan(event).unwrap()[0];
    serde_json::from_slice(
        &configured
            .render(message, event, sample::now(event))
            .unwrap()
            .body,
    )
    .unwrap()
}

#[test]
fn every_kind_has_its_golden_payload() {
    let all = json!({ "send_attribution": true, "send_user_attributes": true, "trial_active_days": 3, "subscription_active_days": 30 });
    let webhook = webhook(&all);
    for kind in find("webhook").unwrap().spec().events {
        let event = sample::event(*kind);
        if webhook.plan(&event) == Err(NotSent::EventUnsupported) {
            continue;
        }
        insta::assert_json_snapshot!(
            format!("webhook_{}", kind.id()),
            body(webhook.as_ref(), &event)
        );
    }
}

/// Every message of an event: its name and its body.
fn messages(format: &str, event: &Event) -> Vec<(String, Value)> {
    let timers =
        json!({ "format": format, "trial_active_days": 3, "subscription_active_days": 30 });
    let webhook = webhook(&timers);
    // What a format has no word for, it refuses for that reason only.
    let planned = match webhook.plan(event) {
        Ok(planned) => planned,
        Err(why) => {
            assert_eq!(why, NotSent::EventUnsupported, "{}", event.kind.id());
            Vec::new()
        }
    };
    let bodies = planned.into_iter().map(|message| {
        let request = webhook.render(&message, event, sample::now(event)).unwrap();
        (message.name, serde_json::from_slice(&request.body).unwrap())
    });
    bodies.collect()
}

#[test]
fn every_kind_has_its_golden_revenuecat_payload() {
    for kind in EventKind::ALL {
        for (name, body) in messages("revenuecat", &sample::event(*kind)) {
            let name = format!("revenuecat_{}_{}", kind.id(), name.to_lowercase());
            insta::assert_json_snapshot!(name, body);
        }
    }
}

#[test]
fn the_standard_format_tells_every_event_whole() {
    for kind in EventKind::ALL {
        let event = sample::event(*kind);
        let told = messages("standard", &event);
        assert_eq!(told.len(), 1, "{kind:?}");
        for (name, body) in told {
            assert_eq!(name, kind.id());
            let expected =
                json!({ "type": kind.id(), "timestamp": event.occurred_at, "data": event });
            assert_eq!(body, expected);
        }
    }
}
