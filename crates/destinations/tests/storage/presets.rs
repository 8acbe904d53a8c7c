//! Superwall, Appstack, SplitMetrics, SolarEngine.

use crate::{configured, now, sample};
use destinations::{Context, find};
use domain::{Environment, EventKind, NotSent};
use serde_json::json;

const PRESETS: [&str; 4] = ["appstack", "solarengine", "splitmetrics", "superwall"];

/// Only URL and header differ.
#[test]
fn the_body_is_that_of_the_webhook_of_their_format() {
    let settings = json!({ "format": "revenuecat", "production_url": "https://a.example/hook" });
    let webhook = find("webhook").unwrap();
    let webhook = webhook.configure(&settings, &Context::default()).unwrap();
    for key in PRESETS {
        let preset = configured(key, json!({}));
        for kind in find(key).unwrap().spec().events {
            let event = sample::event(*kind);
            let (ours, theirs) = (preset.plan(&event).unwrap(), webhook.plan(&event).unwrap());
            assert_eq!(ours.len(), theirs.len(), "{key} {kind:?}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let (ours, theirs) = (
                    preset.render(ours, &event, now(&event)).unwrap(),
                    webhook.render(theirs, &event, now(&event)).unwrap(),
                );
                assert_eq!(ours.body, theirs.body, "{key} {kind:?}");
            }
        }
    }
}

/// Source: RevenueCat docs, the pages of each: Appstack is never told of test purchases, and of the others two are not told of transfers.
#[test]
fn they_hear_of_what_revenuecat_tells_them() {
    let mut sandbox = sample::event(EventKind::SubscriptionRenewed);
    sandbox.environment = Environment::Sandbox;
    let transfer = sample::event(EventKind::Transfer);
    for (key, of_sandbox, of_transfers) in [
        ("appstack", false, true),
        ("solarengine", true, false),
        ("splitmetrics", true, false),
        ("superwall", true, true),
    ] {
        let preset = configured(key, json!({}));
        assert_eq!(preset.plan(&sandbox).is_ok(), of_sandbox, "{key}");
        assert_eq!(preset.plan(&transfer).is_ok(), of_transfers, "{key}");
        let reversed = preset.plan(&sample::event(EventKind::RefundReversed));
        assert_eq!(reversed, Err(NotSent::EventUnsupported), "{key}");
    }
}

/// Some know who sends by the query of their URL.
#[test]
fn the_query_of_a_url_is_not_shown() {
    let url = "https://a.example/rc?token=quiet-word";
    let preset = configured("superwall", json!({ "url": url }));
    let event = sample::event(EventKind::SubscriptionRenewed);
    let message = preset.plan(&event).unwrap().remove(0);
    let request = preset.render(&message, &event, now(&event)).unwrap();
    assert_eq!(request.url, url);
    assert_eq!(request.shown_url(), "https://a.example/rc?***");
}
