//! Products: what is sold, and what it unlocks.
//!
//! Tests: `crates/api/tests/resources/products.rs`.

use super::answer::{Answer, Configured, Done, List, list, put, remove};
use axum::extract::{Path, State};
use configuration::DesiredProduct;
use domain::{ProjectId, time::Term};
use ledger::Product;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    audit::Effect,
    body::Json,
    configure::Kind,
    project::InProject,
    query::{Filters, NoFilters},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Effect::Configures;
    use Method::{Delete, Get, Put};
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/products",
            Read,
            "Products",
            products,
        ),
        Route::operation(
            Put(Configures),
            "/api/v1/projects/{project}/products/{id}",
            Write,
            "Creates or changes a product",
            put_product,
        ),
        Route::operation(
            Delete(Configures),
            "/api/v1/projects/{project}/products/{id}",
            Write,
            "Removes a product",
            delete_product,
        ),
    ]
}

/// A product sold in the apps of a project.
#[derive(Serialize, ToSchema)]
#[schema(as = Product)]
pub(crate) struct ProductView {
    /// Its project.
    project: ProjectId,
    /// The store's product id, unique in the project.
    id: String,
    /// Its name.
    name: String,
    /// Keys of the entitlements it unlocks.
    entitlements: Vec<String>,
    /// For how long it is bought, where it is bought once for a time that no store knows: `P30D`, `P1M` (ISO 8601).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    duration: Option<Term>,
}

impl From<&Product> for ProductView {
    fn from(row: &Product) -> Self {
        Self {
            project: row.project,
            id: row.id.clone(),
            name: row.name.clone(),
            entitlements: row.entitlements.clone(),
            duration: row.duration.clone(),
        }
    }
}

pub(crate) async fn products(
    project: InProject,
    _: Filters<NoFilters>,
) -> Answer<List<ProductView>> {
    let rows = project.setup.configuration.products.iter();
    let of_project = rows.filter(|row| row.project == project.id);
    Ok(list(of_project.map(ProductView::from), None))
}

pub(crate) async fn put_product(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    Json(body): Json<DesiredProduct>,
) -> Configured {
    put(&app, &project, id, body).await
}

pub(crate) async fn delete_product(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Done {
    remove(&app, &project, Kind::Product, &id).await
}
