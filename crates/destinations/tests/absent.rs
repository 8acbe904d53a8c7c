//! What is not known of an event is not told as something that is known: neither as nothing, nor as an empty text.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod known;
mod sample;
mod settings;

use destinations::{ALL, Category, Configured, Context, Request};
use domain::{Event, EventKind, NotSent};
use serde_json::{Value, json};
use settings::settings;

/// Takes something from an event.
type Take = fn(&mut Event);

/// What may be missing of an event, and the event without it.
const MISSING: &[(&str, Take)] = &[
    ("nothing", |_| {}),
    ("product", |event| event.product = None),
    ("previous product", |event| event.previous_product = None),
    ("both products", |event| {
        (event.product, event.previous_product) = (None, None);
    }),
    ("transaction", |event| event.transaction = None),
    ("price", |event| {
        if let Some(transaction) = &mut event.transaction {
            (transaction.price, transaction.price_usd) = (None, None);
            (transaction.proceeds, transaction.proceeds_usd) = (None, None);
        }
    }),
    ("country, offer and end", |event| {
        if let Some(transaction) = &mut event.transaction {
            (transaction.country, transaction.offer) = (None, None);
            transaction.expires_at = None;
        }
    }),
    ("purchase", |event| event.purchase = None),
    ("purchase and transaction", |event| {
        (event.purchase, event.transaction) = (None, None);
    }),
    ("entitlements", |event| {
        event.entitlements.clear();
        event.access.clear();
    }),
    ("attributes", |event| event.customer.attributes.clear()),
    ("app", |event| event.app = None),
];

/// Members that vendors want empty where there is nothing to say: whose, what it is called, and why.
const EMPTY: &[(&str, &str)] = &[
    // Source: Kochava docs, "Post-install event setup": the user agent of who sends it is not the device's.
    ("kochava", "device_ua"),
    // Source: Meta, "Conversions API for app events": all sixteen places are there, unknown ones empty.
    ("meta", "extinfo"),
    ("snapchat", "extinfo"),
    // Source: OneSignal docs, "Tags": an empty text takes a tag away, as it has to where there is nothing any more.
    ("onesignal", "tags"),
];

/// Whatever is empty in what is sent, but for what a vendor wants so.
fn empty(key: &str, request: &Request) -> Vec<String> {
    let mut found = Vec::new();
    let body = request.shown_body();
    let media = request.headers.iter();
    let media = media.filter(|header| header.name == "content-type");
    let media: Vec<_> = media.map(|header| header.value.as_str()).collect();
    let lines = body.lines().filter_map(|line| {
        let value: Result<Value, _> = serde_json::from_str(line);
        value.ok()
    });
    for line in lines {
        look(key, "", &line, &mut found);
    }
    let query = request.url.split_once('?').map_or("", |(_, query)| query);
    let form = if media == ["application/x-www-form-urlencoded"] {
        body.as_str()
    } else {
        ""
    };
    for pair in [query, form].iter().flat_map(|pairs| pairs.split('&')) {
        if pair.ends_with('=') || pair.ends_with("=null") {
            found.push(pair.to_owned());
        }
    }
    found
}

fn look(key: &str, path: &str, value: &Value, found: &mut Vec<String>) {
    let name = path.rsplit('.').next().unwrap();
    if EMPTY.contains(&(key, name)) {
        return;
    }
    match value {
        Value::Null => found.push(format!("{path} is null")),
        Value::String(text) if text.is_empty() => found.push(format!("{path} is empty")),
        // What is told as JSON in a text.
        Value::String(text) => {
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                look(key, path, &inner, found);
            }
        }
        Value::Array(all) => {
            for (at, one) in all.iter().enumerate() {
                look(key, &format!("{path}[{at}]"), one, found);
            }
        }
        Value::Object(all) => {
            for (name, one) in all {
                look(key, &format!("{path}.{name}"), one, found);
            }
        }
        Value::Bool(_) | Value::Number(_) => {}
    }
}

fn each(mut check: impl FnMut(&str, Category, &dyn Configured)) {
    for destination in ALL {
        let spec = destination.spec();
        for settings in settings(spec.key) {
            let configured = destination.configure(&settings, &Context::default());
            let configured = configured.unwrap_or_else(|why| panic!("{}: {why:?}", spec.key));
            check(spec.key, spec.category, configured.as_ref());
        }
    }
}

/// Kinds that differ in what is told of them.
const KINDS: [EventKind; 9] = [
    EventKind::SubscriptionStarted,
    EventKind::TrialStarted,
    EventKind::SubscriptionRenewed,
    EventKind::SubscriptionRefunded,
    EventKind::NonSubscriptionPurchase,
    EventKind::ProductChanged,
    EventKind::BillingIssueDetected,
    EventKind::SubscriptionExpired,
    EventKind::Test,
];

#[test]
fn what_is_missing_is_absent() {
    let mut problems = Vec::new();
    each(|key, category, configured| {
        if has_nulls(key, category) {
            return;
        }
        for kind in KINDS {
            for (what, take) in MISSING {
                let mut event = known::event(kind);
                take(&mut event);
                for message in configured.plan(&event).unwrap_or_default() {
                    let Ok(request) = configured.render(&message, &event, sample::now(&event))
                    else {
                        continue;
                    };
                    let found = empty(key, &request).into_iter();
                    problems.extend(
                        found.map(|one| format!("{key} {} without {what}: {one}", kind.id())),
                    );
                }
            }
        }
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Webhooks and queues have forms whose members are null where there is nothing to say, which their own tests compare; presets tell what the
/// webhook tells.
fn has_nulls(key: &str, category: Category) -> bool {
    let presets = ["appstack", "solarengine", "splitmetrics", "superwall"];
    matches!(category, Category::Webhook | Category::Queue) || presets.contains(&key)
}

/// Source: Braze docs, "Purchase object" and "eCommerce recommended events": `product_id` is required; mParticle docs, "Events API", `products`.
#[test]
fn who_counts_revenue_by_product_is_sent_none_without_one() {
    for (key, settings) in [
        ("braze", json!({ "revenue_as": "ecommerce_events" })),
        ("braze", json!({ "revenue_as": "purchases" })),
        ("mparticle", json!({ "ios_key": "k", "ios_secret": "s" })),
    ] {
        let mut settings = settings;
        if key == "braze" {
            settings["rest_endpoint"] = "https://rest.iad-01.braze.com".into();
            settings["api_key"] = "k".into();
        }
        let destination = destinations::find(key).unwrap();
        let configured = destination.configure(&settings, &Context::default());
        let configured = configured.unwrap_or_else(|why| panic!("{key}: {why:?}"));
        for kind in [
            EventKind::SubscriptionRenewed,
            EventKind::SubscriptionRefunded,
        ] {
            let mut event = known::event(kind);
            event.product = None;
            let message = configured.plan(&event).unwrap().remove(0);
            let why = configured
                .render(&message, &event, sample::now(&event))
                .unwrap_err();
            assert_eq!(why.reason, NotSent::EventUnsupported, "{key}");
            assert!(why.detail.contains("no product"), "{key}: {}", why.detail);
        }
        // What moves no money is told all the same.
        let mut event = known::event(EventKind::SubscriptionExpired);
        event.product = None;
        let message = configured.plan(&event).unwrap().remove(0);
        let sent = configured.render(&message, &event, sample::now(&event));
        assert!(sent.is_ok(), "{key}: {sent:?}");
    }
}

/// What is said of a customer in one line.
fn line(configured: &dyn Configured, event: &Event) -> String {
    let message = configured.plan(event).unwrap().remove(0);
    let request = configured
        .render(&message, event, sample::now(event))
        .unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["attachments"][0]["fallback"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn nobody_in_a_chat_buys_what_has_no_name() {
    let settings = json!({ "webhook_url": "https://hooks.slack.com/services/T/B/x" });
    let slack = destinations::find("slack").unwrap();
    let slack = slack.configure(&settings, &Context::default()).unwrap();
    let of = |kind, take: fn(&mut Event)| {
        let mut event = known::event(kind);
        take(&mut event);
        line(slack.as_ref(), &event)
    };
    let bought = of(EventKind::NonSubscriptionPurchase, |event| {
        event.product = None;
    });
    assert_eq!(bought, "Customer 12345 just made a purchase.");
    let changed = of(EventKind::ProductChanged, |event| event.product = None);
    assert_eq!(changed, "Customer 12345 got a product change from annual");
    let from_unknown = of(EventKind::ProductChanged, |event| {
        event.previous_product = None;
    });
    assert_eq!(
        from_unknown,
        "Customer 12345 just changed the product of their subscription."
    );
}

/// Source: RevenueCat docs, "Event Types and Fields", `price`: null where it is unknown, 0 where nothing moved.
#[test]
fn a_charge_that_nothing_is_known_of_did_not_cost_nothing() {
    let settings = json!({ "format": "revenuecat", "production_url": "https://a.example/hook" });
    let webhook = destinations::find("webhook").unwrap();
    let webhook = webhook.configure(&settings, &Context::default()).unwrap();
    for (kind, expected) in [
        (EventKind::SubscriptionRenewed, Value::Null),
        (EventKind::SubscriptionExpired, json!(0)),
    ] {
        let mut event = known::event(kind);
        event.transaction = None;
        let message = webhook.plan(&event).unwrap().remove(0);
        let request = webhook
            .render(&message, &event, sample::now(&event))
            .unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let price = &body["event"]["price"];
        assert_eq!(price.as_f64(), expected.as_f64(), "{body}");
    }
}
