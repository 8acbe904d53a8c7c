//! What is shown to be sold, from the project's configuration; and what client SDKs ask beside it and this server has none of: virtual
//! currencies, paywalls.
//!
//! Tests: `crates/api/tests/resources/v1/offerings.rs`.

use super::{Client, Error, Platform, error::Code, subscriber::split};
use axum::extract::{Path, State};
use configuration::meant_for;
use domain::Store;
use ledger::Offering;
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
    /// Which of them this customer is shown.
    current_offering_id: Option<String>,
    offerings: Vec<OfferingView>,
    /// Why, where it is not shown to everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    targeting: Option<Targeting>,
}

/// One of them. What is not there is left out: Android reads the word `null` where a text is null.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Offering)]
struct OfferingView {
    description: String,
    identifier: String,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    packages: Vec<PackageView>,
    /// Always null: paywalls are drawn by the app.
    #[schema(value_type = Option<Object>)]
    paywall_components: Option<Value>,
}

/// A package, with its product in the store of whoever asks.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Package)]
struct PackageView {
    identifier: String,
    platform_product_identifier: String,
    /// The base plan, of a subscription in Google Play.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_product_plan_identifier: Option<String>,
}

/// By which rule somebody is shown an offering.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Targeting)]
struct Targeting {
    /// Always 1.
    revision: u32,
    /// The key of the offering that has the rule.
    rule_id: String,
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

/// An offering as whoever sells in this store sees it: packages that have no product there are not in it.
fn shown(offering: &Offering, store: Option<Store>) -> OfferingView {
    let packages = offering.packages.iter().filter_map(|package| {
        let product = match store {
            Some(store) => package.products.get(&store)?,
            None => package.products.values().next()?,
        };
        // Only Google Play has plans.
        let (product, plan) = match store {
            Some(Store::PlayStore) => split(product),
            _ => (product.as_str(), None),
        };
        Some(PackageView {
            identifier: package.id.clone(),
            platform_product_identifier: product.to_owned(),
            platform_product_plan_identifier: plan.map(str::to_owned),
        })
    });
    OfferingView {
        description: offering.name.clone(),
        identifier: offering.key.clone(),
        metadata: offering.metadata.clone(),
        packages: packages.collect(),
        paywall_components: None,
    }
}

/// `GET /v1/subscribers/{id}/offerings`. The customer need not exist.
pub(crate) async fn offerings(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    platform: Platform,
) -> Result<Json<Offerings>, Error> {
    if client.is_secret() {
        return Err(Error::new(Code::SecretKeyUsed));
    }
    let setup = app.engine.setup();
    let all = setup.configuration.offerings.iter();
    let all: Vec<_> = all.filter(|row| row.project == client.project).collect();
    let is_there = |key: &String| all.iter().any(|row| row.key == *key);
    let known = app.engine.customers().known(client.project, &id).await?;
    let own = known.and_then(|known| known.customer.offering);
    let own = own.filter(is_there);
    let rule = meant_for(all.iter().copied(), &platform.asker());
    let rule = rule.filter(|_| own.is_none()).map(|row| row.key.clone());
    let everybodys = || {
        let project = setup.project(client.project)?;
        project.row.current_offering.clone().filter(is_there)
    };
    let targeting = rule.clone().map(|rule_id| Targeting {
        revision: 1,
        rule_id,
    });
    // The key of an app says more than what it claims to run on.
    let of_app = client.caller.app.and_then(|of| setup.app(of));
    let store = of_app.map(|of| of.row.store()).or(platform.store());
    Ok(Json(Offerings {
        current_offering_id: own.or(rule).or_else(everybodys),
        offerings: all.iter().map(|row| shown(row, store)).collect(),
        targeting,
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
