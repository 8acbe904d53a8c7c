//! `POST /v1/receipts`. Source: spec/revenuecat.md 6.4.

use super::{Client, Error, attribute_writes, current, error::Code, json_body};
use crate::App;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Request, StatusCode},
    response::Response,
};
use domain::{AppId, Currency, Store};
use engine::Setup;
use serde::Deserialize;
use serde_json::{Number, Value};
use sources::Receipt;
use std::collections::BTreeMap;

/// What is read of the body. Offers, durations and countries that clients send are not: the store knows them. Nor is
/// `observer_mode`: purchases are acknowledged only where the app's settings say so.
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
    price: Option<Number>,
    currency: Option<String>,
    presented_offering_identifier: Option<String>,
    /// When false, what is bought counts as told.
    create_events: Option<bool>,
}

/// Longest identifier of an offering.
const LONGEST_OFFERING: usize = 200;

impl Sent {
    /// What the client says was paid: an amount and its currency, or neither.
    fn claimed_price(&self) -> Result<Option<String>, Error> {
        let bad = |why: &str| Error::new(Code::BadRequest).because(why);
        match (&self.price, &self.currency) {
            // A currency alone says what the customer would have paid in.
            (None, _) => Ok(None),
            (Some(_), None) => Err(bad("price needs a currency beside it")),
            (Some(price), Some(currency)) => {
                let currency = Currency::try_from(currency.as_str())
                    .map_err(|error| bad(&format!("currency: {error}")))?;
                if price.as_f64().is_none_or(|price| price < 0.0) {
                    return Err(bad("price: expected a number that is not negative"));
                }
                Ok(Some(format!("{price} {currency}")))
            }
        }
    }
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
    let claimed_price = body.claimed_price()?;
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
    let offering = body
        .presented_offering_identifier
        .filter(|offering| !offering.is_empty() && offering.len() <= LONGEST_OFFERING);
    let receipt = Receipt {
        claimed_price,
        offering,
        token: body.fetch_token,
        product: body
            .product_id
            .or_else(|| body.product_ids.into_iter().next()),
        app_user_id: body.app_user_id,
    };
    if body.create_events == Some(false) {
        app.engine.import(of, &receipt, false).await?;
    } else {
        app.engine.take_receipt(of, &receipt).await?;
    }
    let who = &receipt.app_user_id;
    current(&app, &client, who, &headers, StatusCode::OK).await
}
