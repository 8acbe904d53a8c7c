//! What every destination sends of four events, and what the answers mean: written down from the vendors' documents, apart from the code. Every case
//! goes through `configure`, `plan`, `render`, `sign` and `classify`.
//!
//! `events.json` has the events. `data/KEY.json` has, for each entry of [`ALL`], its settings, its cases (`sends` is what leaves of an event, in
//! order; `values` are members of the first of it; `not_sent` is the reason why nothing does), and answers with their meaning. A destination
//! without cases fails. Others, in another folder, are compared as well where there are any.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

mod answers;
mod files;
mod matches;
mod outside;

use destinations::{ALL, AppFacts, Configured, Context, Now, Request, Via};
use domain::{Environment, Event, EventKind, NotSent};
use files::read;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

/// Fewer are too few to say anything.
const FEWEST: usize = 2;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"))
}

/// What is written down about a destination.
fn written(key: &str) -> Value {
    let mut all = read(folder().join(format!("data/{key}.json")))
        .unwrap_or_else(|| panic!("write down cases of {key}: tests/cases/data/{key}.json"));
    let account = include_str!("../settings/service_account.json");
    for setting in all["settings"].as_object_mut().unwrap().values_mut() {
        if setting == "SERVICE ACCOUNT" {
            *setting = account.into();
        }
    }
    all
}

/// Every destination, with what is written down about it.
fn each(mut check: impl FnMut(&'static str, &Value, &dyn Configured)) {
    for destination in ALL {
        let key = destination.spec().key;
        for all in [Some(written(key)), outside::written(key)].iter().flatten() {
            let configured = destination
                .configure(&all["settings"], &Context::default())
                .unwrap_or_else(|problems| panic!("{key}: {problems:?}"));
            check(key, all, configured.as_ref());
        }
    }
}

/// The event of a case, as the case changes it.
fn event(case: &Value) -> Event {
    let events = read(folder().join("events.json")).unwrap();
    let event = match &case["event"] {
        Value::String(name) => events[name].clone(),
        event => event.clone(),
    };
    let mut event: Event = serde_json::from_value(event)
        .unwrap_or_else(|error| panic!("the event of {}: {error}", case["case"]));
    for name in case["without"].as_array().into_iter().flatten() {
        event.customer.attributes.remove(name.as_str().unwrap());
    }
    if case["environment"] == "sandbox" {
        event.environment = Environment::Sandbox;
    }
    event
}

/// The requests of an event in their order, or why there is none.
fn requests(configured: &dyn Configured, event: &Event) -> Result<Vec<Request>, NotSent> {
    let now = Now::of(event, event.recorded_at, AppFacts::UNKNOWN);
    let messages = configured.plan(event)?;
    let rendered = messages.iter().map(|message| {
        let mut request = configured
            .render(message, event, now)
            .map_err(|unsendable| unsendable.reason)?;
        configured.sign(&mut request, &event.id.to_string(), event.recorded_at);
        Ok(request)
    });
    rendered.collect()
}

/// How what leaves differs from what a case says.
fn problems(case: &Value, made: Result<Vec<Request>, NotSent>) -> Vec<String> {
    let reason = case["not_sent"].as_str();
    let made = match (made, reason) {
        (Err(why), Some(reason)) if why.id() == reason => return Vec::new(),
        (made, Some(reason)) => return vec![format!("not `{reason}`: {made:?}")],
        (Err(why), None) => return vec![format!("not sent: {why:?}")],
        (Ok(made), None) => made,
    };
    let mut problems = Vec::new();
    let values = case["values"].as_object();
    for (path, value) in values.into_iter().flatten() {
        let found = matches::at(&made[0], path);
        if !found
            .as_ref()
            .is_some_and(|found| matches::same(found, value))
        {
            problems.push(format!("{path} is {found:?}, not {value}"));
        }
    }
    let Some(sends) = case["sends"].as_array() else {
        assert!(values.is_some(), "{} says nothing", case["case"]);
        return problems;
    };
    if made.len() != sends.len() {
        return vec![format!("{} requests, {} expected", made.len(), sends.len())];
    }
    for (request, expected) in made.iter().zip(sends) {
        problems.extend(matches::differences(request, expected));
    }
    problems
}

#[test]
fn what_leaves_is_as_vendors_document_it() {
    let mut found = Vec::new();
    each(|key, all, configured| {
        for case in all["cases"].as_array().unwrap() {
            let of_case = problems(case, requests(configured, &event(case)));
            let named = of_case
                .into_iter()
                .map(|one| format!("{key}, {}: {one}", case["case"]));
            found.extend(named);
        }
    });
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Whether something was charged, by what the events are.
fn is_charged(kinds: &[EventKind]) -> bool {
    let is_charge = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::SubscriptionStarted
                | EventKind::SubscriptionRenewed
                | EventKind::TrialConverted
                | EventKind::NonSubscriptionPurchase
        )
    };
    kinds.iter().any(is_charge)
}

#[test]
fn two_ends_are_no_charge() {
    let (end, charge) = (EventKind::TrialExpired, EventKind::SubscriptionRenewed);
    assert!(!is_charged(&[end, end]) && is_charged(&[end, charge]));
}

/// A charge, something that is no charge or not sent, and more than one answer: else nothing is compared.
#[test]
fn every_destination_has_cases_that_say_something() {
    for destination in ALL {
        let key = destination.spec().key;
        let all = written(key);
        let cases = all["cases"].as_array().unwrap();
        let kinds: Vec<_> = cases.iter().map(|case| event(case).kind).collect();
        assert!(is_charged(&kinds), "{key}: {kinds:?}");
        assert!(cases.len() >= FEWEST, "{key}: {kinds:?}");
        let is_sent = |case: &&Value| case["sends"].is_array();
        assert!(cases.iter().any(|case| is_sent(&case)), "{key}");
        let answers = all["answers"].as_array().unwrap();
        let meanings: BTreeSet<_> = answers
            .iter()
            .map(|answer| answer["meaning"].as_str())
            .collect();
        assert!(meanings.len() >= FEWEST, "{key}: {meanings:?}");
    }
    for file in fs::read_dir(folder().join("data")).unwrap() {
        let path = file.unwrap().path();
        let key = path.file_stem().unwrap().to_str().unwrap();
        assert!(destinations::find(key).is_some(), "{key} is no destination");
    }
}

#[test]
fn secrets_of_the_settings_are_never_shown() {
    each(|key, all, configured| {
        let destination = destinations::find(key).unwrap();
        let secrets = destination.spec().fields.iter();
        let secrets = secrets.filter(|field| field.kind.is_secret());
        let secrets: Vec<_> = secrets
            .filter_map(|field| all["settings"][field.name].as_str())
            .filter(|secret| secret.len() > 3)
            .collect();
        for case in all["cases"].as_array().unwrap() {
            for request in requests(configured, &event(case)).unwrap_or_default() {
                let body = match request.via {
                    Via::Nats(_) => String::new(),
                    _ => request.shown_body(),
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
