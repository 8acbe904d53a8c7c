//! `POST /v1/receipts`. Source: spec/revenuecat.md 6.4.

use super::{Client, Error, attribute_writes, error::Code, json_body, subscriber_response};
use crate::App;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Request, StatusCode},
    response::Response,
};
use domain::{AppId, Store};
use engine::Setup;
use serde::Deserialize;
use serde_json::Value;
use sources::Receipt;
use std::collections::BTreeMap;

/// What is read of the body. Prices and offers that clients send are not: the store knows them, and a client may be anyone.
#[derive(Deserialize)]
struct Sent {
    app_user_id: String,
    fetch_token: String,
    #[serde(default)]
    product_id: Option<String>,
    #[serde(default)]
    product_ids: Vec<String>,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
}

/// The store a platform header stands for.
fn store_of(platform: &str) -> Option<Store> {
    match platform {
        "ios" | "macos" | "uikitformac" | "iOS" | "macOS" | "tvos" | "watchos" | "visionos" => {
            Some(Store::AppStore)
        }
        "android" => Some(Store::PlayStore),
        "stripe" | "web" => Some(Store::Stripe),
        _ => None,
    }
}

/// The app that a receipt is for: that of the key, or else the project's only one of the platform's store.
fn app_of(setup: &Setup, client: &Client, headers: &HeaderMap) -> Result<AppId, Error> {
    if let Some(app) = client.caller.app {
        return Ok(app);
    }
    let platform = headers
        .get("x-platform")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let invalid = |why: &str| Error::new(Code::InvalidPlatform).because(why);
    let store = store_of(platform).ok_or_else(|| {
        invalid("send X-Platform: ios, android or stripe, or use the public key of an app")
    })?;
    let mut apps = setup
        .apps()
        .filter(|app| app.row.project == client.project && app.row.store() == store);
    match (apps.next(), apps.next()) {
        (Some(app), None) => Ok(app.row.id),
        (None, _) => Err(invalid("the project has no app of this store")),
        (Some(_), Some(_)) => Err(invalid(
            "the project has several apps of this store; use the public key of one",
        )),
    }
}

pub(crate) async fn receipts(
    State(app): State<App>,
    client: Client,
    request: Request<Body>,
) -> Result<Response, Error> {
    let headers = request.headers().clone();
    let body: Sent = json_body(request, Code::BadRequest).await?;
    if body.app_user_id.trim().is_empty() {
        return Err(Error::new(Code::EmptyUserId));
    }
    let setup = app.engine.setup();
    let of = app_of(&setup, &client, &headers)?;
    if !body.attributes.is_empty() {
        let writes = attribute_writes(body.attributes)?;
        match app
            .engine
            .write_attributes(client.project, &body.app_user_id, &writes)
            .await
        {
            // A purchase is not refused for an attribute.
            Ok(()) | Err(engine::WriteError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let receipt = Receipt {
        token: body.fetch_token,
        product: body
            .product_id
            .or_else(|| body.product_ids.into_iter().next()),
        app_user_id: body.app_user_id,
    };
    app.engine.take_receipt(of, &receipt).await?;
    let profile = app
        .engine
        .profile(client.project, &receipt.app_user_id)
        .await?;
    Ok(subscriber_response(
        &app,
        &client,
        &profile,
        &headers,
        StatusCode::OK,
    ))
}
