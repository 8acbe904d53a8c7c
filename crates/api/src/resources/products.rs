//! Products: what is sold, and what it unlocks.

use super::answer::{Answer, Configured, Done, List, list, put, remove};
use axum::extract::{Path, State};
use configuration::DesiredProduct;
use ledger::Product;
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

pub(crate) async fn products(project: InProject, _: Filters<NoFilters>) -> Answer<List<Product>> {
    let rows = project.setup.configuration.products.iter();
    let of_project = rows.filter(|row| row.project == project.id);
    Ok(list(of_project.cloned(), None))
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
