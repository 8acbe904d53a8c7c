//! What answers mean.

use super::each;
use destinations::{Outcome, Response};
use domain::Headers;
use serde_json::Value;
use std::time::Duration;

fn response(answer: &Value) -> Response {
    let headers = answer["headers"].as_object();
    let headers = headers.into_iter().flatten().map(|(name, value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (name.to_ascii_lowercase(), value)
    });
    let headers: Headers = headers.collect();
    let seconds = headers
        .first("retry-after")
        .and_then(|text| text.parse::<f64>().ok());
    Response {
        status: answer["status"]
            .as_u64()
            .and_then(|status| status.try_into().ok())
            .unwrap_or_default(),
        retry_after: seconds.map(|seconds| Duration::from_secs_f64(seconds.ceil())),
        body: match &answer["body"] {
            Value::String(text) => text.clone().into_bytes(),
            Value::Null => Vec::new(),
            other => other.to_string().into_bytes(),
        },
        headers,
        unread: None,
    }
}

#[test]
fn answers_mean_what_vendors_say() {
    let mut problems = Vec::new();
    each(|key, all, configured| {
        for answer in all["answers"].as_array().unwrap() {
            // An answer to several messages, of which it names some, is that of `classify_batch`: the destination's own test asks it.
            if answer.get("failed").is_some() {
                continue;
            }
            let outcome = configured.classify(&response(answer));
            let meaning = match &outcome {
                Outcome::Delivered => "delivered",
                Outcome::Partly(_) => "partial",
                Outcome::Retry(_) => "retry",
                Outcome::Rejected(_) => "rejected",
                Outcome::CredentialsRefused(_) => "credentials",
                Outcome::Gone(_) => "gone",
            };
            if answer["meaning"] != meaning {
                problems.push(format!("{key}: {answer} means {outcome:?}"));
            }
            let after = answer["after_s"]
                .as_f64()
                .map(|seconds| Duration::from_secs_f64(seconds.ceil()));
            if let (Some(after), Outcome::Retry(pause)) = (after, outcome)
                && pause != Some(after)
            {
                problems.push(format!("{key}: {answer} asks to wait {pause:?}"));
            }
        }
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}
