//! What becomes of a purchase where a vendor does not take it, or not at once.

use super::{Shop, settings};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulator::Mode;
use std::collections::BTreeMap;

/// Who names the pause, and how many seconds that is. Source: as in the vendors' documents, which the bench plays.
const NAMED_PAUSES: [(&str, i64); 8] = [
    ("braze", 2),
    ("klaviyo", 2),
    ("mparticle", 2),
    ("onesignal", 1),
    ("segment", 2),
    ("slack", 2),
    ("telegram", 2),
    ("webhook", 1),
];

/// What the bench knows of vendors.
fn documented() -> Value {
    serde_json::from_str(include_str!(
        "../../../../simulator/src/vendors/vendors.json"
    ))
    .unwrap()
}

fn with(shop: &Shop, mode: Mode) -> Vec<&'static str> {
    let keys = settings::all().into_iter();
    keys.filter(|key| shop.vendors.has(key, mode)).collect()
}

fn at(attempt: &Value) -> Timestamp {
    attempt["at"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_to_be_left_alone_is_asked_again_when_they_said() {
    let keys = NAMED_PAUSES.map(|(key, _)| key);
    let shop = Shop::telling(&keys).await;
    for key in keys {
        shop.vendors.set(key, Mode::Throttled);
    }
    shop.buy("order-1").await;
    let states = shop.until("order-1", &keys, "delivered").await;
    for (key, pause) in NAMED_PAUSES {
        let seen: Vec<_> = shop
            .vendors
            .last(key)
            .iter()
            .map(|seen| seen.answered)
            .collect();
        assert_eq!(seen[..2], [Mode::Throttled, Mode::Accepted], "{key}");
        let attempts = shop.attempts(&states[key]).await;
        let [first, .., last] = &attempts[..] else {
            panic!("{key}: {attempts:?}")
        };
        let between = at(first).duration_until(at(last)).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
        let pause = pause as f64;
        assert!(between >= pause - 0.1, "{key}: {between} s, {pause} named");
    }
}

/// Words of a vendor's answer that are long enough to be told from any other.
fn words(answer: &Value) -> Vec<String> {
    match answer {
        Value::String(text) if text.len() > 5 => vec![text.clone()],
        Value::Array(all) => all.iter().flat_map(words).collect(),
        Value::Object(all) => all.values().flat_map(words).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_fails_in_the_vendors_words() {
    let all = settings::all();
    let shop = Shop::telling(&all).await;
    let mut keys = with(&shop, Mode::Refused);
    // What its documents say of a refusal is that it does not know the contact, which is mended or waited for.
    keys.retain(|key| *key != "intercom");
    assert!(keys.len() > 30, "{keys:?}");
    for key in &keys {
        shop.vendors.set(key, Mode::Refused);
    }
    shop.buy("order-1").await;
    let states = shop.until("order-1", &keys, "failed").await;
    let documented = documented();
    // Those who say no with a yes are among them.
    let mut with_a_yes = Vec::new();
    for key in &keys {
        let state = &states[*key];
        assert_eq!(state["reason"], "rejected_by_destination", "{key}: {state}");
        let answer = &documented[*key]["answers"]["refused"];
        let status = answer["status"].as_u64().unwrap();
        if status < 300 {
            with_a_yes.push(*key);
        }
        let (text, words) = (state["text"].as_str().unwrap(), words(&answer["body"]));
        let is_said = |word: &String| text.contains(word.as_str());
        let is_told = words.iter().any(is_said) || text.contains(&status.to_string());
        assert!(is_told, "{key}: {text}");
        assert!(
            words.is_empty() || words.iter().any(is_said),
            "{key}: {text} has none of {words:?}"
        );
        assert_eq!(state["attempts"], 1, "{key}: it is final");
    }
    for key in [
        "bigquery",
        "clevertap",
        "eventbridge",
        "kochava",
        "pushwoosh",
        "singular",
        "tenjin",
        "tiktok",
    ] {
        assert!(with_a_yes.contains(&key), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_in_part_is_delivered_with_a_warning_and_not_sent_again() {
    let shop = Shop::telling(&["braze", "mixpanel", "tiktok"]).await;
    let keys = with(&shop, Mode::Partly);
    for key in &keys {
        shop.vendors.set(key, Mode::Partly);
    }
    shop.buy("order-1").await;
    let states = shop.until("order-1", &keys, "delivered").await;
    for key in keys {
        assert_eq!(shop.vendors.requests(key), 1, "{key}");
        let text = states[key]["text"].as_str().unwrap();
        // TikTok names nothing that it did not take.
        let is_warned = text.len() > "Delivered.".len();
        assert_eq!(is_warned, key != "tiktok", "{key}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_holds_what_waits_and_saving_lets_it_go_in_order() {
    let all = settings::all();
    let shop = Shop::telling(&all).await;
    let keys = with(&shop, Mode::LockedOut);
    assert!(keys.len() > 35, "{keys:?}");
    for key in &keys {
        shop.vendors.set(key, Mode::LockedOut);
    }
    shop.buy("order-1").await;
    shop.buy("order-2").await;
    let first = shop.until("order-1", &keys, "held").await;
    shop.until("order-2", &keys, "held").await;
    let held: BTreeMap<_, _> = keys
        .iter()
        .map(|key| (*key, shop.vendors.requests(key)))
        .collect();
    for key in &keys {
        assert_eq!(first[*key]["reason"], "missing_credentials", "{key}");
        shop.vendors.set(key, Mode::Accepted);
        let delays = json!([1, 1, 1, 1, 2, 3]);
        let retry = json!({ "retry": { "policy": "custom", "delays": delays } });
        shop.save(key, retry).await;
    }
    shop.until("order-1", &keys, "delivered").await;
    shop.until("order-2", &keys, "delivered").await;
    for key in &keys {
        assert!(held[key] <= 3, "{key} was asked {} times", held[key]);
        let accepted = shop.vendors.last(key).into_iter();
        let accepted = accepted.filter(|seen| seen.answered == Mode::Accepted);
        let text: String = accepted.map(|seen| seen.target + &seen.body).collect();
        if let (Some(first), Some(second)) = (text.find("order-1"), text.find("order-2")) {
            assert!(first < second, "{key}: {text}");
        }
    }
}

/// A body that breaks off takes nothing back where the status is the verdict. Where the body is, and what is told counts twice, nobody knows.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_is_not_asked_for_again_where_that_would_count_twice() {
    let status_alone = ["posthog", "rudderstack", "slack", "statsig"];
    let all = ["braze", "posthog", "rudderstack", "slack", "statsig"];
    let shop = Shop::telling(&all).await;
    for key in all {
        shop.vendors.set(key, Mode::Cut);
    }
    shop.buy("order-1").await;
    let states = shop.until("order-1", &status_alone, "delivered").await;
    for key in status_alone {
        let text = states[key]["text"].as_str().unwrap();
        assert!(text.contains("broke off"), "{key}: {text}");
        assert_eq!(shop.vendors.requests(key), 1, "{key}");
    }
    let states = shop.until("order-1", &["braze"], "failed").await;
    assert_eq!(states["braze"]["reason"], "unconfirmed", "{states:?}");
    assert_eq!(shop.vendors.requests("braze"), 1);
}
