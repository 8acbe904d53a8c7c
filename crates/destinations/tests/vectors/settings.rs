//! Settings of cases, under the names they have here.

use serde_json::{Map, Value};

/// The settings of a destination's cases.
pub(crate) fn of(key: &str, mut settings: Value) -> Value {
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

/// What the cases of files and of Google leave out: they are about what is sent, not about who sends.
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

/// Whether an answer is to several messages, of which it names some: `classify_batch` is asked, in the test of the destination.
pub(crate) fn is_of_a_batch(answer: &Value) -> bool {
    answer.get("failed").is_some()
}
