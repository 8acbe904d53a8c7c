//! What SDKs send and ask at every start beside the customer and the offerings, answered so that they stop repeating it: of all 4xx only 404 means
//! "not synced, send again" to them. Source: purchases-ios, `HTTPStatusCode.isSuccessfullySynced`; purchases-android, `RCHTTPStatusCodes.isSynced`.
//!
//! Tests: `crates/api/tests/resources/v1/start.rs`.

use super::{Client, Error, body::Ignored, error::Code, subscriber::split};
use axum::extract::{Path, State};
use domain::access::Unlocks;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    audit::Effect,
    body::Json,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Anyone, Client};
    use Effect::Nothing;
    use Method::{Get, Post};
    let unread = Post(Nothing("what is sent is not kept"));
    vec![
        Route::operation(
            Get,
            "/v1/health",
            Anyone,
            "Whether clients may call",
            health,
        ),
        Route::operation(
            Get,
            "/v1/product_entitlement_mapping",
            Client,
            "What each product unlocks, for clients that are offline",
            mapping,
        ),
        Route::operation(
            unread,
            "/v1/events",
            Client,
            "Takes what SDKs report of paywalls; nothing is kept",
            taken,
        ),
        Route::operation(
            unread,
            "/v1/diagnostics",
            Client,
            "Takes what SDKs report of themselves; nothing is kept",
            taken,
        ),
        Route::operation(
            unread,
            "/v1/subscribers/{id}/adservices_attribution",
            Client,
            "Takes a token of Apple Ads; nothing is kept",
            attributed,
        ),
        Route::operation(
            Get,
            "/v1/subscribers/{id}/health_report_availability",
            Anyone,
            "Whether SDKs are to ask for a report of the project's health: no",
            reports,
        ),
        Route::operation(
            unread,
            "/v1/config/{domain}",
            Client,
            "Remote configuration: none, which SDKs ask for once in a session then",
            configuration,
        ),
    ]
}

/// An object without members.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Taken)]
pub(crate) struct Taken {}

/// `GET /v1/health`.
pub(crate) async fn health() -> Json<Taken> {
    Json(Taken {})
}

/// `POST /v1/events` and `POST /v1/diagnostics`.
pub(crate) async fn taken(_: Client, _: Ignored) -> Json<Taken> {
    Json(Taken {})
}

/// `POST /v1/subscribers/{id}/adservices_attribution`.
pub(crate) async fn attributed(_: Client, Path(_): Path<String>, _: Ignored) -> Json<Taken> {
    Json(Taken {})
}

/// Whether SDKs are to ask for reports.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Reports)]
pub(crate) struct Reports {
    report_logs: bool,
}

/// `GET /v1/subscribers/{id}/health_report_availability`.
pub(crate) async fn reports(Path(_): Path<String>) -> Json<Reports> {
    Json(Reports { report_logs: false })
}

/// `POST /v1/config/{domain}`. Whatever refuses for good makes SDKs do without until their next start, and take offerings as they are. Source:
/// purchases-ios, `RemoteConfigManager.disableRefreshIfNeeded`; purchases-android, `Backend.getRemoteConfig`.
pub(crate) async fn configuration(
    _: Client,
    Path(_): Path<String>,
    _: Ignored,
) -> Result<Json<Taken>, Error> {
    Err(Error::new(Code::NotHere))
}

/// What each product unlocks, by what stores call it.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::ProductEntitlementMapping)]
pub(crate) struct Mapping {
    product_entitlement_mapping: BTreeMap<String, Unlocked>,
}

/// What one product unlocks.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = v1::ProductEntitlements)]
struct Unlocked {
    /// The base plan, of a subscription in Google Play.
    #[serde(skip_serializing_if = "Option::is_none")]
    base_plan_id: Option<String>,
    /// Keys of entitlements.
    entitlements: Vec<String>,
    product_identifier: String,
}

/// `GET /v1/product_entitlement_mapping`.
pub(crate) async fn mapping(State(app): State<App>, client: Client) -> Json<Mapping> {
    let setup = app.engine.setup();
    let unlocks = setup.project(client.project).map(|known| &known.unlocks);
    Json(Mapping {
        product_entitlement_mapping: unlocks.map(unlocked).unwrap_or_default(),
    })
}

/// What each product unlocks. Google Play's purchases do not name their plan, so a subscription is found by its own id too: as its first plan, where
/// it is not listed by itself.
fn unlocked(unlocks: &Unlocks) -> BTreeMap<String, Unlocked> {
    let mut all = BTreeMap::new();
    for (id, entitlements) in unlocks {
        let (product, plan) = split(id);
        let unlocked = || Unlocked {
            base_plan_id: plan.map(str::to_owned),
            entitlements: entitlements.clone(),
            product_identifier: product.to_owned(),
        };
        all.insert(id.clone(), unlocked());
        if plan.is_some() && !unlocks.contains_key(product) {
            all.entry(product.to_owned()).or_insert_with(unlocked);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_found_with_its_plan_and_without() {
        let unlocks = Unlocks::from([
            ("coins".into(), vec![]),
            ("gold:p1m".into(), vec!["premium".into()]),
            ("gold:p1y".into(), vec!["premium".into(), "hd".into()]),
        ]);
        let told = unlocked(&unlocks);
        let of = |id: &str| {
            let told = &told[id];
            (told.base_plan_id.as_deref(), told.entitlements.len())
        };
        let ids: Vec<_> = told.keys().map(String::as_str).collect();
        assert_eq!(ids, ["coins", "gold", "gold:p1m", "gold:p1y"]);
        assert_eq!(of("gold"), (Some("p1m"), 1), "the first plan");
        assert_eq!(of("gold:p1y"), (Some("p1y"), 2));
        assert_eq!(of("coins"), (None, 0));
    }
}
