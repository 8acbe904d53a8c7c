//! The `OpenAPI` 3.1 document, made from the route table.

use crate::routes as all;
use axum::Json;
use serde_json::{Map, Value, json};
use web::{
    App,
    access::Access,
    problem::Code,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Anyone;
    use Method::Get;
    vec![Route::new(
        Get,
        "/api/v1/openapi.json",
        Anyone,
        "This document",
        document,
    )]
}

pub(crate) async fn document() -> Json<Value> {
    Json(build())
}

fn parameters(route: &Route<App>) -> Vec<Value> {
    let in_path = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = route.query.iter().map(|name| json!({ "name": name, "in": "query", "schema": { "type": if matches!(*name, "limit" | "after") { "integer" } else { "string" } } }));
    in_path.chain(in_query).collect()
}

fn build() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in all().iter().filter(|route| !route.summary.is_empty()) {
        let mut operation = json!({
            "summary": route.summary,
            "operationId": format!("{}{}", route.method.id().to_lowercase(), route.path.replace(['/', '.'], "_").replace(['{', '}'], "")),
            "parameters": parameters(route),
            "responses": {
                "2XX": { "description": "Done" },
                "default": { "description": "A problem", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } },
            },
        });
        if let Some(schema) = route.body {
            operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } } });
        }
        if matches!(route.access, Access::Read | Access::Write) {
            operation["security"] = json!([{ "key": [] }]);
        }
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.id().to_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidings",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Subscription events. Lists answer `{data, next}`; pass `next` as `before` (or `after`) for the following page.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "description": "An API key, `tid_sk_...`" } },
            "schemas": schemas(),
        },
    })
}

fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// A document of configuration: every member may be left out, which keeps it, and may be null, which is its default.
fn desired(properties: Value) -> Value {
    let nullable = |schema| json!({ "anyOf": [schema, { "type": "null" }] });
    let properties: Map<String, Value> = match properties {
        Value::Object(properties) => properties
            .into_iter()
            .map(|(name, schema)| (name, nullable(schema)))
            .collect(),
        _ => Map::new(),
    };
    json!({
        "type": "object", "properties": properties, "additionalProperties": false,
        "description": "A member that is left out stays as it is, or has its default in a new thing. Null gives the default.",
    })
}

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let (flag, time) = (
        json!({ "type": "boolean" }),
        json!({ "type": "string", "format": "date-time" }),
    );
    let attribution = object(
        &["source", "status"],
        &json!({
            "source": text, "status": { "enum": ["organic", "non_organic", "unknown"] }, "channel": text, "campaign": text,
            "ad_group": text, "ad_set": text, "creative": text, "network_user_id": text,
        }),
    );
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.id()).collect();
    let transfers = ["transfer", "transfer_if_inactive", "keep", "share"];
    let environments = ["production", "sandbox", "xcode", "local_testing"];
    json!({
        "Problem": { "type": "object", "required": ["type", "title", "status", "code", "detail"], "properties": {
            "type": text, "title": text, "status": { "type": "integer" }, "code": { "enum": codes }, "detail": text,
            "errors": { "type": "array", "items": { "type": "object", "properties": { "field": text, "message": text } } },
        } },
        "AppleNotification": { "type": "object", "required": ["signedPayload"], "properties": { "signedPayload": text } },
        "Project": desired(json!({ "name": text, "historical_window_hours": { "type": "integer", "minimum": 0 },
            "transfer_behaviour": { "enum": transfers }, "sandbox_transfer_behaviour": { "enum": transfers } })),
        "App": desired(json!({
            "name": text, "store": { "enum": ["app_store", "play_store", "stripe", "external"] }, "commission": text,
            "bundle_id": text, "app_apple_id": { "type": "integer" }, "environments": { "type": "array", "items": { "enum": environments } },
            "local_roots": texts, "check_revocation": flag, "api_issuer": text, "api_key_id": text, "api_key": text, "api_url": text,
            "package": text, "push_service_account": text, "push_audience": text, "push_keys_url": text, "push_unauthenticated": flag,
            "acknowledge": flag, "service_account": text,
            "signing_secrets": texts, "owner_key": text, "owner_sources": texts, "past_due_access": flag, "bare_payments": flag,
            "tolerance_seconds": { "type": "integer" }, "store_name": text,
        })),
        "GooglePush": { "type": "object", "required": ["message"], "properties": { "message": { "type": "object" }, "subscription": text } },
        "StripeEvent": { "type": "object", "required": ["id", "type", "created", "data"], "properties": { "id": text, "type": text, "created": { "type": "integer" }, "data": { "type": "object" } } },
        "Receipt": { "type": "object", "required": ["app_user_id", "fetch_token"], "properties": { "app_user_id": text, "fetch_token": text, "product_id": text, "attributes": { "type": "object" },
            "price": { "type": "number" }, "currency": text, "presented_offering_identifier": text, "create_events": flag } },
        "Identify": { "type": "object", "required": ["app_user_id", "new_app_user_id"], "properties": { "app_user_id": text, "new_app_user_id": text } },
        "Alias": { "type": "object", "required": ["new_app_user_id"], "properties": { "new_app_user_id": text } },
        "Attributes": { "type": "object", "required": ["attributes"], "properties": { "attributes": { "type": "object" } } },
        "Attribution": { "type": "object", "required": ["data"], "properties": { "data": { "type": "object" }, "network": text } },
        "Promotional": { "type": "object", "properties": { "end_time_ms": { "type": "integer" }, "duration": text, "start_time_ms": { "type": "integer" } } },
        "Purchase": { "type": "object", "required": ["app_user_id", "kind", "product_id", "transaction_id", "original_transaction_id", "updated_at", "purchased_at"], "properties": {
            "app": text, "app_user_id": text, "kind": { "enum": ["subscription", "one_time_purchase"] }, "environment": { "enum": ["production", "sandbox"] },
            "product_id": text, "transaction_id": text, "original_transaction_id": text, "updated_at": time, "purchased_at": time,
            "originally_purchased_at": time, "expires_at": time, "will_renew": flag, "renewal_cancelled_at": time, "billing_issue_detected_at": time,
            "grace_period_expires_at": time, "ended": { "type": "object" }, "refunded_at": time, "price": { "type": "object" }, "offer": { "type": "object" },
            "country": text, "is_family_shared": flag, "entitlements": texts,
        } },
        "Transfer": object(&["to"], &json!({ "to": text })),
        "CustomerChange": object(&[], &json!({ "attributes": { "type": "object" }, "installed_at": time, "analytics_disabled": flag, "attribution": attribution })),
        "Grant": object(&["entitlement"], &json!({ "entitlement": text, "ends_at": time })),
        "Replay": object(&["integration", "since"], &json!({ "integration": text, "since": time, "until": time, "kinds": texts,
            "standings": { "type": "array", "items": { "enum": ledger::Standing::ALL.map(ledger::Standing::id) } }, "environment": { "enum": ["production", "sandbox"] },
            "customer": text, "per_second": { "type": "integer", "minimum": 1, "maximum": engine::REPLAY_RATES.most }, "dry_run": flag })),
        "Product": desired(json!({ "name": text, "entitlements": texts })),
        "Entitlement": desired(json!({ "name": text })),
        "Integration": desired(json!({
            "name": text, "destination": { "enum": destinations::ALL.iter().map(|destination| destination.spec().key).collect::<Vec<_>>() },
            "paused": { "type": "boolean" },
            "settings": { "type": "object", "description": "Fields as listed by /api/v1/destinations. A secret sent as \"***\" stays as it is; \"***2\" stands for the second stored one of a list." },
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_lists_every_operation_and_every_body_it_refers_to() {
        let document = build();
        let ids: Vec<_> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
            .collect();
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), ids.len());
        assert_eq!(
            ids.len(),
            all()
                .iter()
                .filter(|route| !route.summary.is_empty())
                .count()
        );
        for route in all() {
            if let Some(body) = route.body {
                assert!(
                    document["components"]["schemas"][body].is_object(),
                    "{body}"
                );
            }
        }
    }
}
