//! Kinds of integrations and their settings.

use super::{Answer, list};
use axum::extract::State;
use serde_json::json;
use web::{
    App,
    access::Access,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![Route::new(
        Get,
        "/api/v1/destinations",
        Read,
        "Kinds of integrations and their settings",
        destinations,
    )]
}

pub(crate) async fn destinations(State(_): State<App>) -> Answer {
    Ok(list(
        destinations::ALL
            .iter()
            .map(|destination| json!(destination.spec()))
            .collect(),
        None,
    ))
}
