//! What every destination of a third party sends of every kind of event, read by eye against the vendor's reference.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod known;
mod sample;
mod settings;

use destinations::{ALL, Category, Configured, Context};
use domain::Event;
use settings::settings;
use std::fmt::Write as _;

/// What is sent of an event, as people are shown it.
fn sent(configured: &dyn Configured, event: &Event) -> String {
    let messages = match configured.plan(event) {
        Ok(messages) => messages,
        Err(reason) => return format!("not sent: {}\n", reason.id()),
    };
    let mut shown = String::new();
    for message in messages {
        match configured.render(&message, event, sample::now(event)) {
            Err(unsendable) => {
                writeln!(
                    shown,
                    "not sent: {}: {}",
                    unsendable.reason.id(),
                    unsendable.detail
                )
                .unwrap();
            }
            Ok(mut request) => {
                configured.sign(&mut request, "dlv_1", event.recorded_at);
                writeln!(shown, "{} {}", request.verb(), request.shown_url()).unwrap();
                for header in &request.shown_headers() {
                    writeln!(shown, "{}: {}", header.name, header.value).unwrap();
                }
                writeln!(shown, "{}", request.shown_body()).unwrap();
            }
        }
    }
    shown
}

#[test]
fn every_kind_is_sent_as_it_was_reviewed() {
    for destination in ALL {
        let spec = destination.spec();
        // These have golden messages of their own.
        if spec.category == Category::Webhook || ["nats", "slack"].contains(&spec.key) {
            continue;
        }
        let mut settings = settings(spec.key).remove(0);
        // As long after the beginning as the samples tell it.
        for (days, said) in [("trial_active_days", 3), ("subscription_active_days", 30)] {
            if spec.fields.iter().any(|field| field.name == days) {
                settings[days] = said.into();
            }
        }
        let context = Context {
            public_url: "https://t.example".into(),
        };
        let configured = destination.configure(&settings, &context);
        let configured = configured.unwrap_or_else(|problems| panic!("{}: {problems:?}", spec.key));
        let mut all = String::new();
        for kind in spec.events {
            // Where the whole event goes, the attributes of every vendor would go with it.
            let is_whole = matches!(spec.category, Category::Queue | Category::Storage);
            let event = if is_whole {
                sample::event(*kind)
            } else {
                known::event(*kind)
            };
            let sent = sent(configured.as_ref(), &event);
            writeln!(all, "## {}\n{sent}", kind.id()).unwrap();
        }
        insta::assert_snapshot!(spec.key, all);
    }
}
