//! The OpenAPI document: whole, as a snapshot, and true in itself. That answers are as it says is seen by every test of
//! `resources`.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::catch_unwind,
};
use web::test::{Answer, Contract, Seen};

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
fn no_two_schemas_share_a_name() {
    let mut named: BTreeMap<String, Value> = BTreeMap::new();
    let operations = api::routes()
        .into_iter()
        .filter_map(|route| route.operation);
    for (name, schema) in operations.flat_map(|operation| (operation.describe)().schemas) {
        let schema = serde_json::to_value(schema).unwrap();
        if let Some(known) = named.get(&name) {
            assert_eq!(*known, schema, "{name}");
        }
        named.insert(name, schema);
    }
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

/// Whether a call and its answer are as the document says.
fn holds((method, path, sent): (Method, &str, &Value), status: u16, answered: &Value) -> bool {
    let kind = if status < 300 {
        "application/json"
    } else {
        "application/problem+json"
    };
    let kind = ("content-type", HeaderValue::from_static(kind));
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter([(kind.0.parse().unwrap(), kind.1)]),
        body: answered.to_string().into(),
    };
    let (uri, body) = (path.parse().unwrap(), sent.to_string());
    let seen = Seen {
        method: &method,
        uri: &uri,
        body: body.as_bytes(),
        answer: &answer,
    };
    let contract = Contract::of(document());
    catch_unwind(|| contract.hold(seen)).is_ok()
}

#[test]
fn what_differs_from_the_document_is_noticed() {
    let call = |method, path| (method, path, &Value::Null);
    let (get, put) = (Method::GET, Method::PUT);
    let page = json!({ "data": [], "next": null });
    let list = "/api/v1/projects/acme/customers";
    assert!(holds(call(get.clone(), list), 200, &page));
    assert!(holds(call(get.clone(), "/api/v1/nothing"), 404, &json!({})));
    let problem =
        json!({ "type": "/x", "title": "x", "status": 404, "code": "not_found", "detail": "x" });
    assert!(holds(call(get.clone(), list), 404, &problem));
    for (path, status, answered) in [
        (list, 200, json!({ "data": [] })),
        (list, 200, json!({ "data": {}, "next": null })),
        (list, 200, json!({ "data": [], "next": null, "more": 1 })),
        (
            list,
            200,
            json!({ "data": [{ "id": "cus_1" }], "next": null }),
        ),
        (list, 201, page.clone()),
        (
            "/api/v1/projects/acme/customers?colour=red",
            200,
            page.clone(),
        ),
        ("/api/v1/nothing", 200, json!({})),
        (list, 404, json!({ "title": "x" })),
    ] {
        assert!(
            !holds(call(get.clone(), path), status, &answered),
            "{path} {status} {answered}"
        );
    }
    let entitlement = "/api/v1/projects/acme/entitlements/gold";
    let steps = json!({ "steps": [] });
    for (sent, fits) in [
        (json!({ "name": "Gold" }), true),
        (json!({ "name": null }), true),
        (json!({ "name": 7 }), false),
        (json!({ "colour": "red" }), false),
    ] {
        let call = || (put.clone(), entitlement, &sent);
        assert_eq!(holds(call(), 200, &steps), fits, "{sent}");
        let refused = json!({ "type": "/x", "title": "x", "status": 400, "code": "malformed_body", "detail": "x" });
        assert_eq!(holds(call(), 400, &refused), !fits, "{sent}");
    }
}
