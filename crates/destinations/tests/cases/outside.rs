//! Cases that were written down elsewhere, in another form: where they lie beside the checkout, they are compared as well.

use crate::files::read;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Where they lie: beside the checkout, if they do.
fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/vectors/destinations"
    ))
}

fn file(key: &str) -> Option<Value> {
    read(folder().join(format!("{key}.json")))
}

/// What is written down there about a destination, in the form of ours.
pub(crate) fn written(key: &str) -> Option<Value> {
    let mut all = file(key)?;
    let cases = cases(key, &all);
    Some(json!({
        "settings": of(key, all["settings"].take()),
        "cases": cases,
        "answers": all["answers"].take(),
    }))
}

fn cases(key: &str, all: &Value) -> Vec<Value> {
    let own = all["cases"].as_array().unwrap();
    let sent = own.iter().map(|case| {
        let mut case = case.clone();
        if !case["expected_request"].is_null() {
            case["sends"] = json!([case["expected_request"]]);
        }
        if let Some(reason) = case["expected_not_sent"].get("not_sent") {
            case["not_sent"] = reason.clone();
        }
        let names = [("expected_requests", "sends")];
        let more = renamed(&case, &names);
        case.as_object_mut().unwrap().extend(more);
        case
    });
    // Cases of one name are the same in every file, and of those named here Braze has all; else, the first that is sent.
    let others = file("braze").unwrap_or_default();
    let others = others["cases"].as_array().cloned().unwrap_or_default();
    let variants = all["variants"].as_array().into_iter().flatten();
    let variants = variants.map(|variant| {
        let mut named = own.iter().chain(&others);
        let case = named.find(|case| case["case"] == variant["of_case"]);
        let is_sent = |case: &&Value| {
            case["event"]["app"]["store"] == "app_store" && case["expected_not_sent"].is_null()
        };
        let case = case.or_else(|| own.iter().find(is_sent)).unwrap();
        let mut changed = renamed(
            variant,
            &[
                ("without_attributes", "without"),
                ("environment", "environment"),
                ("expected_not_sent", "not_sent"),
                ("expected_values", "values"),
            ],
        );
        changed.insert("case".into(), format!("variant of {key}").into());
        changed.insert("event".into(), case["event"].clone());
        Value::Object(changed)
    });
    sent.chain(variants).collect()
}

/// The settings of a destination's cases, under the names they have here.
fn of(key: &str, mut settings: Value) -> Value {
    let Some(all) = settings.as_object_mut() else {
        return settings;
    };
    complete(key, all);
    // The host of a region is chosen by the region; any other is an `endpoint`.
    if let ("posthog", Some(host)) = (key, all.remove("host")) {
        match host.as_str() {
            Some("https://us.i.posthog.com") => all.insert("region".into(), "us".into()),
            _ => all.insert("endpoint".into(), host),
        };
    }
    // Which of two keys it is, is a choice.
    if let ("appsflyer", Some(is_token)) = (key, all.remove("key_is_s2s_token")) {
        let kind = if is_token == true {
            "s2s_token"
        } else {
            "dev_key"
        };
        all.insert("key_kind".into(), kind.into());
    }
    settings
}

/// What the cases of files, of Kafka and of Google leave out: they are about what is sent, not about who sends.
fn complete(key: &str, all: &mut Map<String, Value>) {
    let mut set = |name: &str, value: &str| all.insert(name.into(), value.into());
    match key {
        "s3" => {
            set("region", "eu-central-1");
            set("access_key_id", "AKIDEXAMPLE");
            set("secret_access_key", "secret");
        }
        "azure_blob" => {
            set("account", "acct");
            set("container", "container");
            set("account_key", "c2VjcmV0");
            all.remove("bucket");
        }
        "kafka" => {
            set("user", "user");
            set("password", "secret");
        }
        "bigquery" | "gcs" | "pubsub" => {
            let file = include_str!("../settings/service_account.json");
            set("service_account", file);
        }
        _ => {}
    }
    if let Some(age) = all.remove("max_age_s") {
        all.insert("max_age_seconds".into(), age);
    }
}

/// Members of an object under other names.
fn renamed(object: &Value, names: &[(&str, &str)]) -> Map<String, Value> {
    let renamed = names
        .iter()
        .filter_map(|(from, to)| Some(((*to).to_owned(), object.get(from)?.clone())));
    renamed.collect()
}
