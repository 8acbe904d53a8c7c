//! What every destination promises that takes several messages in a request.

use crate::{answer, events, items, messages, now, settings};
use destinations::{ALL, Configured, Context, Outcome};
use domain::EventKind;

/// Every destination that takes several, in each of its ways.
fn each(mut check: impl FnMut(&str, &dyn Configured)) {
    for destination in ALL {
        let key = destination.spec().key;
        for settings in settings::settings(key) {
            let configured = destination.configure(&settings, &Context::default());
            let configured = configured.unwrap();
            if configured.batching().is_some() {
                check(key, configured.as_ref());
            }
        }
    }
}

#[test]
fn a_batch_of_one_is_what_is_sent_of_one() {
    each(|key, configured| {
        for kind in EventKind::ALL {
            let events = events(*kind, 1);
            let event = &events[0];
            for message in configured.plan(event).unwrap_or_default() {
                let messages = [message];
                let batch = configured.render_batch(&items(&events, &messages));
                let one = configured.render(&messages[0], event, now(event));
                assert_eq!(batch, one, "{key} {kind:?}");
            }
        }
    });
}

#[test]
fn an_empty_batch_is_no_request() {
    each(|key, configured| {
        assert!(configured.render_batch(&[]).is_err(), "{key}");
        let each = configured.classify_batch(&answer(200, ""), &[]);
        assert!(each.unwrap_or_default().is_empty(), "{key}");
    });
}

#[test]
fn limits_are_those_of_several() {
    each(|key, configured| {
        let batching = configured.batching().unwrap();
        assert!(batching.most > 1 && batching.bytes > 0, "{key}");
        assert!(!batching.linger.is_zero(), "{key}");
    });
}

/// Whatever is answered, each message has an outcome, and nothing panics.
#[test]
fn every_answer_says_something_of_every_message() {
    each(|key, configured| {
        for many in [1, 2, 7] {
            let events = events(EventKind::SubscriptionRenewed, many);
            let messages = messages(configured, &events);
            let items = items(&events, &messages);
            for body in ["", "{}", "[]", "null", "<html>", "\u{fffd}", "Code: x"] {
                for status in [200, 301, 400, 401, 403, 404, 409, 413, 429, 500, 503] {
                    let answer = answer(status, body);
                    let each = configured.classify_batch(&answer, &items);
                    let whole = || vec![configured.classify(&answer); items.len()];
                    let outcomes = each.unwrap_or_else(whole);
                    assert_eq!(outcomes.len(), items.len(), "{key} {status} {body}");
                    let is_retry = |outcome: &Outcome| matches!(outcome, Outcome::Retry(_));
                    if status == 429 || status >= 500 {
                        assert!(outcomes.iter().all(is_retry), "{key} {status} {body}");
                    }
                }
            }
        }
    });
}
