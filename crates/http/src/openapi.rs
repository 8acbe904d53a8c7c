//! The `OpenAPI` 3.1 document, made from the route table.

use crate::{access::Access, problem::Code, routes};
use axum::Json;
use serde_json::{Map, Value, json};

pub(crate) async fn document() -> Json<Value> {
    Json(build())
}

fn parameters(route: &routes::Route) -> Vec<Value> {
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
    for route in routes::table()
        .iter()
        .filter(|route| !route.summary.is_empty())
    {
        let mut operation = json!({
            "summary": route.summary,
            "operationId": format!("{}{}", route.method.to_lowercase(), route.path.replace(['/', '.'], "_").replace(['{', '}'], "")),
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
        path[route.method.to_lowercase()] = operation;
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

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.id()).collect();
    let environments = ["production", "sandbox", "xcode", "local_testing"];
    json!({
        "Problem": { "type": "object", "required": ["type", "title", "status", "code", "detail"], "properties": {
            "type": text, "title": text, "status": { "type": "integer" }, "code": { "enum": codes }, "detail": text,
            "errors": { "type": "array", "items": { "type": "object", "properties": { "field": text, "message": text } } },
        } },
        "AppleNotification": { "type": "object", "required": ["signedPayload"], "properties": { "signedPayload": text } },
        "Project": object(&[], &json!({ "name": text, "historical_window_hours": { "type": "integer", "minimum": 0 } })),
        "App": object(&["store", "bundle_id"], &json!({
            "name": text, "store": { "const": "app_store" }, "bundle_id": text, "app_apple_id": { "type": "integer" },
            "environments": { "type": "array", "items": { "enum": environments } }, "local_roots": texts, "commission_percent": text, "check_revocation": { "type": "boolean" },
        })),
        "Product": object(&[], &json!({ "name": text, "entitlements": texts })),
        "Entitlement": object(&[], &json!({ "name": text })),
        "Integration": object(&["destination"], &json!({
            "name": text, "destination": { "enum": destinations::ALL.iter().map(|destination| destination.spec().key).collect::<Vec<_>>() },
            "paused": { "type": "boolean" },
            "settings": { "type": "object", "description": "Fields as listed by /api/v1/destinations. A secret sent as \"***\" stays as it is." },
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
            routes::table()
                .iter()
                .filter(|route| !route.summary.is_empty())
                .count()
        );
        for route in routes::table() {
            if let Some(body) = route.body {
                assert!(
                    document["components"]["schemas"][body].is_object(),
                    "{body}"
                );
            }
        }
    }
}
