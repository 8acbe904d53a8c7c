//! Holds calls and their answers against an OpenAPI document: the proof that the document is true.

use super::Seen;
use axum::http::Uri;
use serde_json::{Map, Value, json};

/// An OpenAPI document that calls are held to.
#[derive(Debug)]
pub struct Contract(Value);

impl Contract {
    /// To hold calls to this document.
    pub const fn of(document: Value) -> Self {
        Self(document)
    }

    /// Whether a call is of an operation of the document.
    pub fn knows(&self, seen: Seen<'_>) -> bool {
        self.operation(seen).is_some()
    }

    /// Fails unless the call is of an operation of the document, and its answer one that is stated; a body that was taken must
    /// be one that is allowed, and one that was refused as malformed must not. Elsewhere there must be nothing.
    pub fn hold(&self, seen: Seen<'_>) {
        let (status, call) = (seen.answer.status, format!("{} {}", seen.method, seen.uri));
        let Some(operation) = self.operation(seen) else {
            let is_nothing = [404, 405].contains(&status.as_u16());
            assert!(is_nothing, "{call} is not in the document");
            return;
        };
        let answers = &operation["responses"];
        let stated = match &answers[status.as_str()] {
            Value::Null if !status.is_success() => &answers["default"],
            stated => stated,
        };
        assert!(!stated.is_null(), "{call}: {status} is not in the document");
        self.hold_answer(stated, seen, &call);
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let problems = |body: &Value, sent: &Value| problems(&self.whole(body, false, &[]), sent);
        match serde_json::from_slice(seen.body) {
            Ok(sent) if status.is_success() && !body.is_null() => {
                let problems = problems(body, &sent);
                assert!(
                    problems.is_empty(),
                    "{call}: {sent} was taken: {problems:#?}"
                );
            }
            Ok(sent) if seen.answer.code() == "malformed_body" => {
                let problems = problems(body, &sent);
                assert!(!problems.is_empty(), "{call}: {sent} was refused");
            }
            _ => {}
        }
        if status.is_success() {
            hold_query(operation, seen.uri, &call);
        }
    }

    /// The path with the fewest names in it is meant.
    fn operation(&self, seen: Seen<'_>) -> Option<&Value> {
        let called: Vec<_> = seen.uri.path().split('/').collect();
        let is_name = |part: &&str| part.starts_with('{');
        let is_meant = |path: &str| {
            let parts: Vec<_> = path.split('/').collect();
            let mut pairs = parts.iter().zip(&called);
            parts.len() == called.len()
                && pairs.all(|(part, called)| is_name(part) || part == called)
        };
        let paths = self.0["paths"].as_object().unwrap().iter();
        let meant = paths.filter(|(path, _)| is_meant(path));
        let (_, path) = meant.min_by_key(|(path, _)| path.split('/').filter(is_name).count())?;
        path.get(seen.method.as_str().to_lowercase())
    }

    fn hold_answer(&self, stated: &Value, seen: Seen<'_>, call: &str) {
        let Some(content) = stated["content"].as_object() else {
            assert!(seen.answer.body.is_empty(), "{call}: {}", seen.answer);
            return;
        };
        let kind = seen.answer.header("content-type");
        let kind = kind.split(';').next().unwrap();
        let Some(content) = content.get(kind) else {
            panic!("{call}: {kind:?} is not in the document");
        };
        let is_message = kind == "text/event-stream" && !seen.answer.body.is_empty();
        if kind.ends_with("json") || is_message {
            let body = seen.answer.json();
            let problems = problems(&self.whole(&content["schema"], true, &[]), &body);
            assert!(problems.is_empty(), "{call}: {problems:#?}\n{body:#}");
        }
    }

    /// A schema with what it refers to put in its place. Where it is `closed`, it also refuses members that it does not name:
    /// answers may grow, but not without the document. A schema that refers to itself is put in its own place once: `above` are
    /// those that it stands in, and what is within a second one may be anything.
    fn whole(&self, schema: &Value, closed: bool, above: &[&str]) -> Value {
        let Value::Object(members) = schema else {
            return schema.clone();
        };
        if let Some(reference) = members.get("$ref") {
            let pointer = reference.as_str().unwrap().trim_start_matches('#');
            if above.iter().filter(|within| **within == pointer).count() > 1 {
                return Value::Bool(true);
            }
            let above = [above, &[pointer]].concat();
            return self.whole(self.0.pointer(pointer).unwrap(), closed, &above);
        }
        let each = |value: &Value, closed| -> Value {
            let entries = value.as_array().unwrap().iter();
            entries
                .map(|entry| self.whole(entry, closed, above))
                .collect()
        };
        let named = |value: &Value| -> Map<_, _> {
            let members = value.as_object().unwrap().iter();
            let members =
                members.map(|(name, value)| (name.clone(), self.whole(value, true, above)));
            members.collect()
        };
        let within = |(name, value): (&String, &Value)| {
            let value = match name.as_str() {
                "properties" => Value::Object(named(value)),
                "items" | "additionalProperties" => self.whole(value, true, above),
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

/// Fails unless every parameter of a query that was applied is in the document.
fn hold_query(operation: &Value, uri: &Uri, call: &str) {
    let stated = operation["parameters"].as_array();
    let pairs = uri.query().unwrap_or_default().split('&');
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap();
        let is_it = |stated: &Value| stated["in"] == "query" && stated["name"] == name;
        let is_stated = stated.is_some_and(|stated| stated.iter().any(is_it));
        assert!(is_stated, "{call}: {name} is not in the document");
    }
}
