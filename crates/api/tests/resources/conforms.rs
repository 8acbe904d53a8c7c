//! Holds every call of these tests, and its answer, against the document: the proof that the document is true.

use axum::http::Uri;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use web::test::Seen;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(api::document()).unwrap());

/// An operation of the document, by how it is called; the path with the fewest names in it is meant.
fn operation(method: &str, uri: &Uri) -> Option<&'static Value> {
    let called: Vec<_> = uri.path().split('/').collect();
    let is_name = |part: &&str| part.starts_with('{');
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let meant = paths.filter(|(path, _)| {
        let parts = path.split('/').zip(&called);
        path.split('/').count() == called.len()
            && parts
                .into_iter()
                .all(|(part, called)| is_name(&part) || part == *called)
    });
    let (_, path) = meant.min_by_key(|(path, _)| path.split('/').filter(is_name).count())?;
    path.get(method.to_lowercase())
}

/// A schema with what it refers to put in its place. Where it is `closed`, it also refuses members that it does not name:
/// answers may grow, but not without the document.
fn whole(schema: &Value, closed: bool) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    if let Some(reference) = members.get("$ref") {
        let pointer = reference.as_str().unwrap().trim_start_matches('#');
        return whole(DOCUMENT.pointer(pointer).unwrap(), closed);
    }
    let each = |value: &Value, closed| -> Value {
        let entries = value.as_array().unwrap().iter();
        entries.map(|entry| whole(entry, closed)).collect()
    };
    let within = |(name, value): (&String, &Value)| {
        let value = match name.as_str() {
            "properties" => {
                let properties = value.as_object().unwrap().iter();
                let properties = properties.map(|(name, value)| (name.clone(), whole(value, true)));
                Value::Object(properties.collect())
            }
            "items" | "additionalProperties" => whole(value, true),
            "prefixItems" => each(value, true),
            "oneOf" | "anyOf" => each(value, closed),
            // Together they name all members; none of them does.
            "allOf" => each(value, false),
            _ => value.clone(),
        };
        (name.clone(), value)
    };
    let mut schema: Map<_, _> = members.iter().map(within).collect();
    let names_members = schema.contains_key("properties") || schema.contains_key("allOf");
    if closed && names_members && !schema.contains_key("additionalProperties") {
        schema.insert("unevaluatedProperties".into(), json!(false));
    }
    Value::Object(schema)
}

/// What does not fit.
fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::options().should_validate_formats(true);
    let validator = validator.build(schema).unwrap();
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Fails unless the answer is one that the document states, and the request one that it allows where it went well.
pub(crate) fn conforms(seen: Seen<'_>) {
    let (status, call) = (seen.answer.status, format!("{} {}", seen.method, seen.uri));
    let Some(operation) = operation(seen.method.as_str(), seen.uri) else {
        assert!(
            [404, 405].contains(&status.as_u16()),
            "{call} is not in the document"
        );
        return;
    };
    let stated = &operation["responses"][status.as_str()];
    let stated = if stated.is_null() && !status.is_success() {
        &operation["responses"]["default"]
    } else {
        stated
    };
    assert!(
        !stated.is_null(),
        "{call}: no answer of {status} is in the document"
    );
    answers(stated, seen, &call);
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if status.is_success() {
        asks(operation, seen.uri, &call);
        if schema.is_null() {
            assert!(seen.body.is_empty(), "{call}: no body is in the document");
        } else {
            let body = serde_json::from_slice(seen.body).unwrap();
            let problems = problems(&whole(schema, false), &body);
            assert!(
                problems.is_empty(),
                "{call}: {body} was taken: {problems:#?}"
            );
        }
    } else if seen.answer.code() == "malformed_body"
        && let Ok(body) = serde_json::from_slice(seen.body)
    {
        let problems = problems(&whole(schema, false), &body);
        assert!(!problems.is_empty(), "{call}: {body} was refused");
    }
}

fn answers(stated: &Value, seen: Seen<'_>, call: &str) {
    let Some(content) = stated["content"].as_object() else {
        assert!(seen.answer.body.is_empty(), "{call}: {}", seen.answer);
        return;
    };
    let kind = seen.answer.header("content-type");
    let kind = kind.split(';').next().unwrap();
    let Some(content) = content.get(kind) else {
        panic!("{call}: {kind} is not in the document");
    };
    if kind.ends_with("json") || (kind == "text/event-stream" && !seen.answer.body.is_empty()) {
        let body = seen.answer.json();
        let problems = problems(&whole(&content["schema"], true), &body);
        assert!(problems.is_empty(), "{call}: {problems:#?}\n{body:#}");
    }
}

fn asks(operation: &Value, uri: &Uri, call: &str) {
    let parameters = operation["parameters"].as_array();
    for pair in uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let name = pair.split('=').next().unwrap();
        let is_stated = |parameter: &Value| parameter["in"] == "query" && parameter["name"] == name;
        let is_stated = parameters.is_some_and(|all| all.iter().any(is_stated));
        assert!(is_stated, "{call}: {name} is not in the document");
    }
}
