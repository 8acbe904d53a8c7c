//! The OpenAPI document: whole, as a snapshot, and true in itself. That answers are as it says is seen by every test of
//! `resources`.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::to_value(api::document()).unwrap()
}

/// Every value of a member, wherever it is.
fn values_of<'a>(name: &str, within: &'a Value, found: &mut Vec<&'a Value>) {
    match within {
        Value::Object(members) => {
            found.extend(members.get(name));
            members
                .values()
                .for_each(|value| values_of(name, value, found));
        }
        Value::Array(entries) => entries
            .iter()
            .for_each(|value| values_of(name, value, found)),
        _ => {}
    }
}

#[test]
fn the_document_is_as_it_was_reviewed() {
    insta::assert_json_snapshot!(document());
}

#[test]
fn every_route_is_in_the_document_under_an_id_of_its_own() {
    let document = document();
    let mut ids = BTreeSet::new();
    for route in api::routes() {
        let (method, path) = (route.method.id().to_lowercase(), route.path);
        let operation = &document["paths"][path][&method];
        let id = operation["operationId"].as_str();
        let id = id.unwrap_or_else(|| panic!("{method} {path} is not described"));
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{id}");
        assert!(
            !operation["responses"].as_object().unwrap().is_empty(),
            "{id}"
        );
    }
    let paths = document["paths"].as_object().unwrap().values();
    let described = paths.map(|path| path.as_object().unwrap().len());
    assert_eq!(described.sum::<usize>(), ids.len());
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let document = document();
    let mut references = Vec::new();
    values_of("$ref", &document, &mut references);
    let mut used = BTreeSet::new();
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
        used.insert(pointer.strip_prefix("/components/schemas/").unwrap());
    }
    let there = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys();
    let there: BTreeSet<_> = there.map(String::as_str).collect();
    assert_eq!(there, used);
}
