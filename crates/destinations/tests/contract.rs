//! What every destination promises, checked over the registry.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod known;
mod sample;
mod settings;

use destinations::{ALL, Configured, Context, FieldKind, Outcome, Request, Response, Via};
use domain::{EventKind, Headers};
use serde_json::{Value, json};
use settings::{SECRET, settings};
use std::collections::BTreeSet;

fn each(mut check: impl FnMut(&str, &dyn Configured)) {
    for destination in ALL {
        let key = destination.spec().key;
        for settings in settings(key) {
            let configured = destination
                .configure(&settings, &Context::default())
                .unwrap_or_else(|problems| panic!("{key}: {problems:?}"));
            check(key, configured.as_ref());
        }
    }
}

#[test]
fn keys_are_unique_and_sorted() {
    let keys: Vec<_> = ALL
        .iter()
        .map(|destination| destination.spec().key)
        .collect();
    let sorted: Vec<_> = keys
        .iter()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    assert_eq!(keys, sorted);
}

/// Whoever reads that a trial was converted has read that it began, be it after a pause.
#[test]
fn a_customer_s_deliveries_leave_in_order_to_every_destination() {
    for destination in ALL {
        let spec = destination.spec();
        assert!(spec.ordered, "{}", spec.key);
    }
}

#[test]
fn every_kind_has_an_answer_and_unsupported_ones_say_so() {
    let mut told: BTreeSet<(String, EventKind)> = BTreeSet::new();
    each(|key, configured| {
        for kind in EventKind::ALL {
            let planned = configured.plan(&known::event(*kind));
            if planned != Err(domain::NotSent::EventUnsupported) {
                told.insert((key.to_owned(), *kind));
            }
        }
    });
    for destination in ALL {
        let spec = destination.spec();
        for kind in EventKind::ALL {
            assert_eq!(
                told.contains(&(spec.key.to_owned(), *kind)),
                spec.events.contains(kind),
                "{} {kind:?}",
                spec.key
            );
        }
    }
}

/// The form, the pages of documents and the API say which kinds are off by themselves.
#[test]
fn what_is_off_by_itself_is_what_is_not_planned() {
    for destination in ALL {
        let spec = destination.spec();
        let has = |name: &str| spec.fields.iter().any(|field| field.name == name);
        let mut settings = settings(spec.key).remove(0);
        for field in spec.fields {
            if matches!(field.kind, FieldKind::Events | FieldKind::EventSwitches) {
                settings.as_object_mut().unwrap().remove(field.name);
            }
        }
        for names in ["tidings", "revenuecat"] {
            if has("names") {
                settings["names"] = names.into();
            }
            let configured = destination.configure(&settings, &Context::default());
            let configured = configured.unwrap();
            for kind in spec.events {
                let planned = configured.plan(&known::event(*kind));
                let is_off = planned == Err(domain::NotSent::EventDisabled);
                let name = configured.usual(*kind);
                assert_eq!(is_off, name.is_none(), "{} {kind:?} {names}", spec.key);
            }
        }
    }
}

/// Whoever wants to hear that something still runs says after how many days, and hears it then only.
#[test]
fn what_is_still_active_is_told_after_the_days_that_were_said() {
    let mut told = 0;
    for destination in ALL {
        let spec = destination.spec();
        let is_timer = |field: &destinations::Field| field.name == "trial_active_days";
        if !spec.fields.iter().any(is_timer) {
            continue;
        }
        told += 1;
        let mut settings = settings(spec.key).remove(0);
        settings["trial_active_days"] = 3.into();
        let configured = destination.configure(&settings, &Context::default());
        let configured = configured.unwrap_or_else(|problems| panic!("{}: {problems:?}", spec.key));
        let [timer] = configured.timers()[..] else {
            panic!("{} has {:?}", spec.key, configured.timers())
        };
        assert_eq!((timer.kind, timer.after_days), (EventKind::TrialActive, 3));
        let mut event = known::event(EventKind::TrialActive);
        for (days, is_due) in [(3, true), (4, false)] {
            event.after_days = Some(days);
            let planned = configured.plan(&event);
            assert_eq!(planned.is_ok(), is_due, "{} {days}: {planned:?}", spec.key);
        }
        let other = known::event(EventKind::SubscriptionActive);
        assert!(configured.plan(&other).is_err(), "{}", spec.key);
        settings["trial_active_days"] = 91.into();
        let problems = destination.configure(&settings, &Context::default());
        let problems = problems.err().unwrap();
        assert_eq!(problems[0].field, "trial_active_days", "{}", spec.key);
    }
    assert_eq!(told, 11);
}

#[test]
fn nobody_waits_longer_than_a_lease_allows() {
    each(|key, configured| {
        let seconds = configured.timeout().as_secs();
        assert!((1..=60).contains(&seconds), "{key}: {seconds}");
    });
}

/// Whether the body is of the media type that it has.
fn is_what_it_says(request: &Request) -> bool {
    let mut headers = request.headers.iter();
    let media_type = headers.find(|header| header.name == "content-type");
    let body = request.shown_body();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let is_object = |text: &str| json(text).is_object();
    match media_type.map(|header| header.value.as_str()) {
        None => request.body.is_empty(),
        Some("application/x-www-form-urlencoded") => !body.contains(' '),
        Some("application/x-ndjson") => body.lines().all(is_object),
        Some("text/plain; charset=utf-8") => !body.contains('\r') && body.ends_with('\n'),
        Some("text/csv") => body.starts_with("id,kind,"),
        Some("application/gzip") => {
            request.body.starts_with(b"\x1f\x8b")
                && (body.starts_with("id,kind,") || body.lines().all(is_object))
        }
        Some(_) => is_object(&body) || json(&body).is_array(),
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    each(|key, configured| {
        for kind in EventKind::ALL {
            let event = known::event(*kind);
            for message in configured.plan(&event).unwrap_or_default() {
                let (one, other) = (
                    configured.render(&message, &event, sample::now(&event)),
                    configured.render(&message, &event, sample::now(&event)),
                );
                assert_eq!(one, other, "{key} {kind:?}");
                let request =
                    one.unwrap_or_else(|unsendable| panic!("{key} {kind:?}: {unsendable:?}"));
                assert!(is_what_it_says(&request), "{key} {kind:?}: {request:?}");
            }
        }
    });
}

/// A test has no app, no purchase and no customer; others may have less than their kind suggests.
#[test]
fn a_test_is_sent_everywhere_and_an_event_that_says_little_upsets_nobody() {
    each(|key, configured| {
        for kind in EventKind::ALL {
            let mut event = sample::event(*kind);
            event.customer.attributes.clear();
            (event.app, event.purchase, event.transaction) = (None, None, None);
            event.product = None;
            let made: Vec<_> = configured
                .plan(&event)
                .unwrap_or_default()
                .iter()
                .map(|message| configured.render(message, &event, sample::now(&event)))
                .collect();
            if *kind == EventKind::Test {
                assert!(made.iter().all(Result::is_ok), "{key}: {made:?}");
            }
        }
    });
}

#[test]
fn secrets_are_never_shown() {
    each(|key, configured| {
        let event = known::event(EventKind::SubscriptionStarted);
        let request = configured
            .render(
                &configured.plan(&event).unwrap()[0],
                &event,
                sample::now(&event),
            )
            .unwrap();
        let shown = format!(
            "{request:?} {} {:?} {}",
            request.shown_url(),
            request.shown_headers(),
            request.shown_body()
        );
        assert!(!shown.contains(SECRET), "{key}: {shown}");
    });
}

#[test]
fn server_errors_and_rate_limits_are_retried_and_any_body_is_tolerated() {
    each(|key, configured| {
        for status in [429, 500, 502, 503, 504] {
            for body in [&b""[..], b"{\"unknown\":true}", b"<html>", b"\xff\xfe"] {
                let outcome = configured.classify(&Response {
                    status,
                    retry_after: None,
                    headers: Headers::default(),
                    unread: None,
                    body: body.to_vec(),
                });
                assert!(
                    matches!(outcome, Outcome::Retry(_)),
                    "{key} {status}: {outcome:?}"
                );
            }
        }
        assert!(configured.retry().retries() > 0);
    });
}

#[test]
fn every_field_is_documented_and_unknown_ones_are_refused() {
    for destination in ALL {
        let spec = destination.spec();
        assert!(
            spec.fields
                .iter()
                .all(|field| field.help.ends_with(['.', '`'])),
            "{}",
            spec.key
        );
        assert!(
            spec.fields
                .iter()
                .any(|field| matches!(field.kind, FieldKind::Events | FieldKind::EventSwitches)),
            "{}",
            spec.key
        );
        let mut unknown = settings(spec.key).remove(0);
        unknown["no_such_setting"] = true.into();
        assert!(
            destination
                .configure(&unknown, &Context::default())
                .is_err(),
            "{}",
            spec.key
        );
    }
}

/// Whether to send again what may have been taken is asked where the answer changes anything.
#[test]
fn repetitions_are_a_choice_where_they_would_count_twice() {
    for destination in ALL {
        let spec = destination.spec();
        let asks = spec.fields.iter();
        let asks = asks.clone().any(|field| field.name == "repeat_unconfirmed");
        let mut matters = false;
        for settings in settings(spec.key) {
            let configured = destination.configure(&settings, &Context::default());
            let configured = configured.unwrap();
            matters |= EventKind::ALL.iter().any(|kind| {
                let event = known::event(*kind);
                let messages = configured.plan(&event).unwrap_or_default();
                let repeatable = |message| configured.repeatable(message, &event);
                !messages.iter().all(repeatable)
            });
        }
        assert_eq!(asks, matters, "{}", spec.key);
    }
}

/// Where a request and what it needs a token for go, and who is believed to be there; `None` where the settings do not suffice for one.
fn place(configured: &dyn Configured) -> Option<(Vec<String>, Option<String>)> {
    let at = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap();
        format!("{scheme}://{}", rest.split('/').next().unwrap())
    };
    let event = known::event(EventKind::SubscriptionStarted);
    let message = configured.plan(&event).unwrap().remove(0);
    let request = configured
        .render(&message, &event, sample::now(&event))
        .ok()?;
    let mut servers = match request.via {
        Via::Nats(publication) => publication.servers,
        _ => vec![at(&request.url)],
    };
    servers.extend(request.grant.as_ref().map(|grant| at(grant.url())));
    Some((servers, request.authorities))
}

/// Each setting is changed by itself: what makes a request go elsewhere, or be read by somebody else, has to be named beside every
/// secret that is sent along.
#[test]
fn whatever_decides_who_receives_a_secret_is_named_beside_it() {
    let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let others = [
        json!("https://evil.example/hook"),
        json!("nats://evil.example:4222"),
        json!(pem),
        json!("other"),
        json!(true),
        json!(7),
    ];
    let mut decided = BTreeSet::new();
    for destination in ALL {
        let spec = destination.spec();
        let configure = |settings: &Value| destination.configure(settings, &Context::default());
        for settings in settings(spec.key) {
            let before = place(configure(&settings).unwrap().as_ref());
            assert!(before.is_some(), "{}", spec.key);
            let is_sent = |field: &&destinations::Field| {
                let stays = matches!(field.kind, FieldKind::Secrets) || spec.key == "slack";
                field.kind.is_secret() && !stays && settings.get(field.name).is_some()
            };
            let secrets: Vec<_> = spec.fields.iter().filter(is_sent).collect();
            for field in spec.fields.iter().filter(|field| !field.kind.is_secret()) {
                let words = match field.kind {
                    FieldKind::Choice(words) => words,
                    _ => &[],
                };
                let words = words.iter().map(|word| json!(word));
                for other in others.iter().cloned().chain(words) {
                    let mut changed = settings.clone();
                    changed[field.name] = other;
                    let Ok(configured) = configure(&changed) else {
                        continue;
                    };
                    let after = place(configured.as_ref());
                    if after.is_none() || after == before {
                        continue;
                    }
                    for secret in &secrets {
                        let mut travels = spec.travels.iter();
                        let travel = travels.find(|travel| travel.secret == secret.name);
                        assert!(
                            travel.is_some_and(|travel| travel.to.contains(&field.name)),
                            "{}: `{}` is sent elsewhere when `{}` changes",
                            spec.key,
                            secret.name,
                            field.name
                        );
                        decided.insert((spec.key, secret.name, field.name));
                    }
                }
            }
        }
    }
    assert!(
        decided.contains(&("webhook", "production_authorization", "ca_certificates")),
        "{decided:?}"
    );
    assert!(
        decided.contains(&("nats", "credentials", "servers")),
        "{decided:?}"
    );
}
