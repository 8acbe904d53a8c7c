//! What client SDKs ask besides: offerings, virtual currencies, paywalls. All valid and empty, unless configured.

use super::{Client, Error, error::Code};
use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use serde_json::json;
use web::{
    App,
    access::Access,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Client;
    use Method::Get;
    vec![
        Route::new(
            Get,
            "/v1/subscribers/{id}/offerings",
            Client,
            "Offerings",
            offerings,
        ),
        Route::new(
            Get,
            "/v1/subscribers/{id}/virtual_currencies",
            Client,
            "Virtual currencies: none",
            virtual_currencies,
        ),
        Route::new(
            Get,
            "/v1/subscribers/{id}/workflows",
            Client,
            "Paywalls: none",
            paywalls,
        ),
    ]
}

/// `GET /v1/subscribers/{id}/offerings`. The customer need not exist.
pub(crate) async fn offerings(client: Client, Path(_): Path<String>) -> Result<Response, Error> {
    if client.is_secret() {
        return Err(Error::new(Code::SecretKeyUsed));
    }
    Ok(axum::Json(json!({ "current_offering_id": null, "offerings": [] })).into_response())
}

/// `GET /v1/subscribers/{id}/virtual_currencies`.
pub(crate) async fn virtual_currencies(_: Client, Path(_): Path<String>) -> Response {
    axum::Json(json!({ "virtual_currencies": {} })).into_response()
}

/// `GET /v1/subscribers/{id}/workflows`.
pub(crate) async fn paywalls(_: Client, Path(_): Path<String>) -> Response {
    axum::Json(json!({ "workflows": [], "ui_config": {} })).into_response()
}
