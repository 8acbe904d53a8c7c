//! Requests and answers as vendors document them, written down apart from this code: every case goes through `configure`, `plan`, `render`,
//! `sign` and `classify`. The files lie beside the checkout; where they are not, there is nothing to compare with.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod answers;
mod matches;
mod settings;

use destinations::{ALL, AppFacts, Configured, Context, Now, Request, Via};
use domain::{Environment, Event, NotSent};
use jiff::Timestamp;
use serde_json::Value;
use std::{fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/vectors/destinations"
    ))
}

/// The cases of a destination; `None` where they are not there.
fn vectors(key: &str) -> Option<Value> {
    let text = fs::read_to_string(folder().join(format!("{key}.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The cases themselves.
fn cases_of(key: &str) -> Vec<Value> {
    let mut vectors = vectors(key).unwrap_or_default();
    let cases = vectors["cases"].take();
    cases.as_array().cloned().unwrap_or_default()
}

/// Every destination that cases are written down for, with the settings of the cases.
fn each(mut check: impl FnMut(&'static str, &Value, &dyn Configured)) {
    for destination in ALL {
        let key = destination.spec().key;
        let Some(vectors) = vectors(key) else {
            continue;
        };
        let settings = settings::of(key, vectors["settings"].clone());
        let configured = destination
            .configure(&settings, &Context::default())
            .unwrap_or_else(|problems| panic!("{key}: {problems:?}"));
        check(key, &vectors, configured.as_ref());
    }
}

fn event(case: &Value) -> Event {
    serde_json::from_value(case["event"].clone()).unwrap()
}

fn now(case: &Value) -> Timestamp {
    case["now"].as_str().unwrap().parse().unwrap()
}

/// The requests of an event in their order, or why there is none.
fn requests(
    configured: &dyn Configured,
    event: &Event,
    at: Timestamp,
) -> Result<Vec<Request>, NotSent> {
    let now = Now::of(event, at, AppFacts::UNKNOWN);
    let messages = configured.plan(event)?;
    let rendered = messages.iter().map(|message| {
        let mut request = configured
            .render(message, event, now)
            .map_err(|unsendable| unsendable.reason)?;
        configured.sign(&mut request, &event.id.to_string(), at);
        Ok(request)
    });
    rendered.collect()
}

#[test]
fn requests_are_as_vendors_document_them() {
    let mut problems = Vec::new();
    each(|key, vectors, configured| {
        for case in vectors["cases"].as_array().unwrap() {
            let event = event(case);
            let made = requests(configured, &event, now(case));
            let expected: Vec<&Value> = match &case["expected_requests"] {
                Value::Array(all) => all.iter().collect(),
                _ => vec![&case["expected_request"]],
            };
            let named = format!("{key}/{}", case["case"].as_str().unwrap());
            if let Some(reason) = case["expected_not_sent"]["not_sent"].as_str() {
                if made.as_ref().err().map(|reason| reason.id()) != Some(reason) {
                    problems.push(format!("{named}: not `{reason}`: {made:?}"));
                }
                continue;
            }
            match made {
                Err(reason) => problems.push(format!("{named}: not sent: {reason:?}")),
                Ok(made) if made.len() != expected.len() => problems.push(format!(
                    "{named}: {} requests, {} expected",
                    made.len(),
                    expected.len()
                )),
                Ok(made) => {
                    for (request, expected) in made.iter().zip(expected) {
                        let found = matches::differences(request, expected);
                        problems.extend(found.into_iter().map(|one| format!("{named}: {one}")));
                    }
                }
            }
        }
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn variants_of_cases_change_what_they_say() {
    let mut problems = Vec::new();
    each(|key, vectors, configured| {
        for variant in vectors["variants"].as_array().into_iter().flatten() {
            // Cases of one name are the same in every file, and of those named here Braze has all; else, the first that is sent.
            let of = &variant["of_case"];
            let others = cases_of("braze");
            let cases = vectors["cases"].as_array().unwrap();
            let mut named = cases.iter().chain(&others);
            let case = named.find(|case| case["case"] == *of);
            let case = case
                .or_else(|| {
                    cases.iter().find(|case| {
                        case["event"]["app"]["store"] == "app_store"
                            && case["expected_not_sent"].is_null()
                    })
                })
                .unwrap();
            let mut event = event(case);
            for name in variant["without_attributes"]
                .as_array()
                .into_iter()
                .flatten()
            {
                event.customer.attributes.remove(name.as_str().unwrap());
            }
            if variant["environment"] == "sandbox" {
                event.environment = Environment::Sandbox;
            }
            let made = requests(configured, &event, now(case));
            if let Some(reason) = variant["expected_not_sent"].as_str() {
                if made.as_ref().err().map(|reason| reason.id()) != Some(reason) {
                    problems.push(format!("{key}: not `{reason}`: {made:?}"));
                }
                continue;
            }
            let Ok([request, ..]) = made.as_deref() else {
                problems.push(format!("{key}: {variant}: {made:?}"));
                continue;
            };
            for (path, value) in variant["expected_values"].as_object().into_iter().flatten() {
                let found = matches::at(request, path);
                if found.as_ref() != Some(value) {
                    problems.push(format!("{key}: {path} is {found:?}, not {value}"));
                }
            }
        }
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn secrets_of_the_settings_are_never_shown() {
    each(|key, vectors, configured| {
        let destination = destinations::find(key).unwrap();
        let settings = settings::of(key, vectors["settings"].clone());
        let secrets = destination.spec().fields.iter();
        let secrets = secrets.filter(|field| field.kind.is_secret());
        let secrets: Vec<_> = secrets
            .filter_map(|field| settings[field.name].as_str())
            .filter(|secret| secret.len() > 3)
            .collect();
        for case in vectors["cases"].as_array().unwrap() {
            let event = event(case);
            for request in requests(configured, &event, now(case)).unwrap_or_default() {
                let body = match request.via {
                    Via::Http(_) => request.shown_body(),
                    Via::Nats(_) => String::new(),
                };
                let shown = format!(
                    "{request:?} {} {body} {:?}",
                    request.shown_url(),
                    request.shown_headers()
                );
                for secret in &secrets {
                    assert!(
                        !shown.contains(secret),
                        "{key}: {secret} is shown in {shown}"
                    );
                }
            }
        }
    });
}
