//! Settings of every destination.

use serde_json::{Value, json};

/// What every secret of them is.
pub(crate) const SECRET: &str = "s3cr3t-value";

/// Settings with which a destination works in each of its ways, every secret set.
pub(crate) fn settings(key: &str) -> Vec<Value> {
    match key {
        "amplitude" => vec![json!({ "api_key": SECRET, "sandbox_api_key": SECRET })],
        "nats" => [
            json!({ "token": SECRET }),
            json!({ "user": "tidings", "password": SECRET, "stream": "EVENTS" }),
            json!({ "credentials": format!("-----BEGIN NATS USER JWT-----\n{SECRET}\n-----BEGIN USER NKEY SEED-----\n{SECRET}") }),
        ]
        .into_iter()
        .map(|mut settings| {
            settings["servers"] = "nats://a.example:4222,tls://b.example:4222".into();
            settings
        })
        .collect(),
        "slack" => {
            vec![json!({ "webhook_url": format!("https://hooks.slack.com/services/{SECRET}") })]
        }
        "webhook" => destinations::webhook::FORMATS
            .iter()
            .map(|format| json!({ "format": format, "production_url": "https://a.example/hook", "production_authorization": SECRET, "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }))
            .collect(),
        other => panic!("give {other} settings to be tested with"),
    }
}
