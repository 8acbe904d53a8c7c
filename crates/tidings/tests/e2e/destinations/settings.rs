//! Settings with which each destination is told at the vendor bench: those that its contract is tested with, sent there instead.

#[path = "../../../../destinations/tests/settings/mod.rs"]
mod contract;

use destinations::{AppFacts, Context, Now, Via};
use domain::Event;
use serde_json::{Value, json};
use simulator::Vendors;
use std::collections::BTreeMap;

/// What every vendor takes for its key.
pub(super) const KEY: &str = contract::SECRET;

/// Events of which every destination sends one at least.
const EVENTS: &str = include_str!("../../../../destinations/tests/cases/events.json");

/// Whether a destination goes over HTTP; others have tests with servers of their own.
pub(super) fn goes_over_http(key: &str) -> bool {
    let settings = contract::settings(key).remove(0);
    let destination = destinations::find(key).expect("there is one");
    let configured = destination.configure(&settings, &Context::default());
    let Ok(configured) = configured else {
        panic!("the settings of {key} are not taken");
    };
    let events: BTreeMap<String, Event> = serde_json::from_str(EVENTS).unwrap();
    let made = events.values().find_map(|event| {
        let message = configured.plan(event).ok()?.into_iter().next()?;
        let now = Now::of(event, event.recorded_at, AppFacts::UNKNOWN);
        configured.render(&message, event, now).ok()
    });
    let made = made.unwrap_or_else(|| panic!("{key} sends none of these events"));
    matches!(made.via, Via::Http(_))
}

/// Every destination that goes over HTTP.
pub(super) fn all() -> Vec<&'static str> {
    let keys = destinations::ALL.iter();
    keys.map(|destination| destination.spec().key)
        .filter(|key| goes_over_http(key))
        .collect()
}

/// The settings of one, whose vendor is among these.
pub(super) fn of(key: &str, vendors: &Vendors) -> Option<Value> {
    if !goes_over_http(key) {
        return None;
    }
    let mut settings = contract::settings(key).remove(0);
    let spec = destinations::find(key)?.spec();
    let has = |name: &str| spec.fields.iter().any(|field| field.name == name);
    let own = vendors.endpoint(key);
    for (field, value) in at_own_address(key, &own) {
        settings[field] = value;
    }
    if has("endpoint") {
        settings["endpoint"] = own.into();
    }
    if has("retry") {
        settings["retry"] = json!({ "policy": "custom", "delays": [1, 1, 1, 1, 2, 2] });
    }
    if has("format") && has("max_age_seconds") {
        settings["format"] = "jsonl".into();
        // A file of five minutes would be waited for as long.
        settings["max_age_seconds"] = 1.into();
    }
    if has("access_key_id") {
        settings["access_key_id"] = KEY.into();
    }
    // Mixpanel calls a user name so.
    if has("service_account") && key != "mixpanel" {
        settings["service_account"] = account(vendors).into();
    }
    Some(settings)
}

/// Where the vendor is, for those whose settings say it in a way of their own, and what else is theirs alone.
fn at_own_address(key: &str, own: &str) -> Vec<(&'static str, Value)> {
    match key {
        "appstack" | "solarengine" | "splitmetrics" | "superwall" => {
            vec![("url", format!("{own}/rc").into())]
        }
        "azure_blob" => vec![
            ("account_key", Value::Null),
            ("sas_token", format!("sv=1&sig={KEY}").into()),
        ],
        "braze" => vec![("rest_endpoint", own.into())],
        "clickhouse" => vec![("url", own.into())],
        "discord" => vec![("webhook_url", format!("{own}/api/webhooks/1/{KEY}").into())],
        // A second message carries its key in its body, and not where the first has it.
        "mixpanel" => vec![("profile_revenue", false.into())],
        "rudderstack" => vec![("data_plane_url", own.into())],
        "slack" => vec![("webhook_url", format!("{own}/services/{KEY}").into())],
        "sqs" => vec![(
            "queue_url",
            format!("{own}/123456789012/events.fifo").into(),
        )],
        "teams" => vec![(
            "workflow_url",
            format!("{own}/workflows/1?sig={KEY}").into(),
        )],
        "webhook" => vec![
            ("format", "standard".into()),
            ("production_url", own.into()),
        ],
        _ => Vec::new(),
    }
}

/// A service account whose tokens the vendors give.
fn account(vendors: &Vendors) -> String {
    let mut account: Value = serde_json::from_str(contract::SERVICE_ACCOUNT).unwrap();
    account["token_uri"] = format!("{}/token", vendors.endpoint("google")).into();
    account.to_string()
}
