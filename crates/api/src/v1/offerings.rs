//! What client SDKs ask besides: offerings, virtual currencies, paywalls. All valid and empty, unless configured.
//!
//! Tests: `crates/api/tests/resources/v1/offerings.rs`.

use super::{Client, Error, error::Code};
use axum::extract::Path;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    body::Json,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Client;
    use Method::Get;
    vec![
        Route::operation(
            Get,
            "/v1/subscribers/{id}/offerings",
            Client,
            "Offerings",
            offerings,
        ),
        Route::operation(
            Get,
            "/v1/subscribers/{id}/virtual_currencies",
            Client,
            "Virtual currencies: none",
            virtual_currencies,
        ),
        Route::operation(
            Get,
            "/v1/subscribers/{id}/workflows",
            Client,
            "Paywalls: none",
            paywalls,
        ),
    ]
}

/// What is offered.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Offerings)]
pub(crate) struct Offerings {
    current_offering_id: Option<String>,
    #[schema(value_type = Vec<Object>)]
    offerings: Vec<Value>,
}

/// What virtual money somebody has.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::VirtualCurrencies)]
pub(crate) struct VirtualCurrencies {
    #[schema(value_type = Object)]
    virtual_currencies: Map<String, Value>,
}

/// What is shown to sell.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Workflows)]
pub(crate) struct Workflows {
    #[schema(value_type = Object)]
    ui_config: Map<String, Value>,
    #[schema(value_type = Vec<Object>)]
    workflows: Vec<Value>,
}

/// `GET /v1/subscribers/{id}/offerings`. The customer need not exist.
pub(crate) async fn offerings(
    client: Client,
    Path(_): Path<String>,
) -> Result<Json<Offerings>, Error> {
    if client.is_secret() {
        return Err(Error::new(Code::SecretKeyUsed));
    }
    Ok(Json(Offerings {
        current_offering_id: None,
        offerings: Vec::new(),
    }))
}

/// `GET /v1/subscribers/{id}/virtual_currencies`.
pub(crate) async fn virtual_currencies(
    _: Client,
    Path(_): Path<String>,
) -> Json<VirtualCurrencies> {
    Json(VirtualCurrencies {
        virtual_currencies: Map::new(),
    })
}

/// `GET /v1/subscribers/{id}/workflows`.
pub(crate) async fn paywalls(_: Client, Path(_): Path<String>) -> Json<Workflows> {
    Json(Workflows {
        ui_config: Map::new(),
        workflows: Vec::new(),
    })
}
