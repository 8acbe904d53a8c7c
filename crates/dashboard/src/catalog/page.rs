//! The page of products and entitlements, and how a part of them is saved.
//!
//! Tests: `crates/dashboard/tests/sections/catalog.rs`.

use crate::{
    filters,
    respond::{done, html, refused},
    shell::{Place, Shell},
    state::Dashboard,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use domain::Store;
use ledger::{Entitlement, EventFilter, FeedRow, Page, Product};
use std::collections::BTreeSet;
use web::{
    App,
    access::Access,
    configure::{Named, put},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/catalog";
    vec![Route::page(Method::Get, path, Access::Page, catalog)]
}

/// Recent purchases looked at for products nobody has listed.
const LOOKED_AT: usize = 500;

#[derive(Template)]
#[template(path = "catalog/page.html")]
struct CatalogTemplate {
    shell: Shell,
    products: Vec<Product>,
    entitlements: Vec<Entitlement>,
    /// Sold, but not listed: they unlock nothing.
    unknown: Vec<String>,
    problems: Vec<String>,
}

/// Products that were sold lately and are not listed.
fn unknown(recent: Vec<FeedRow>, products: &[Product]) -> Vec<String> {
    let is_listed = |product: &str| {
        // An entitlement listed for a product covers its plans.
        let base = product.split(':').next().unwrap_or(product);
        products
            .iter()
            .any(|row| row.id == product || row.id == base)
    };
    let events = recent.into_iter().map(|row| row.event);
    let sold = events.filter(|event| {
        let app = event.app.as_ref();
        app.is_some_and(|app| app.store != Store::Promotional)
    });
    let unknown: BTreeSet<String> = sold
        .filter_map(|event| event.product)
        .filter(|product| !is_listed(product))
        .collect();
    unknown.into_iter().collect()
}

/// The page, with what is wrong with a form, if anything.
pub(super) async fn page(
    app: &App,
    at: Place<'_>,
    problems: Vec<String>,
) -> Result<Response, Problem> {
    let project = at.project;
    let setup = app.engine.setup();
    let rows = &setup.configuration;
    let products = rows.products.iter();
    let products: Vec<Product> = products
        .filter(|row| row.project == project.id)
        .cloned()
        .collect();
    let entitlements = rows.entitlements.iter();
    let filter = EventFilter {
        project: Some(project.id),
        ..EventFilter::default()
    };
    let newest = Page::Before(None, LOOKED_AT);
    let recent = app.engine.ledger().events(&filter, newest).await?;
    let is_right = problems.is_empty();
    let page = CatalogTemplate {
        shell: Shell::load(app, at, "catalog").await?,
        entitlements: entitlements
            .filter(|row| row.project == project.id)
            .cloned()
            .collect(),
        unknown: unknown(recent, &products),
        products,
        problems,
    };
    Ok(if is_right {
        html(&page)
    } else {
        refused(&page)
    })
}

/// `GET /projects/{project}/catalog`.
async fn catalog(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    page(&app, Place::of(&project, &uri), Vec::new()).await
}

/// Saves things of the project; what is wrong with them is on the page.
pub(super) async fn save<T: Named>(
    app: &App,
    at: Place<'_>,
    things: impl IntoIterator<Item = (String, T)>,
) -> Result<Response, Problem> {
    match put(app, at.project, things).await? {
        Ok(_) => Ok(done(
            &format!("/projects/{}/catalog", at.project.key),
            "saved",
        )),
        Err(problems) => {
            let told = problems
                .into_iter()
                .map(|problem| format!("{}: {}", problem.path.join("."), problem.message));
            page(app, at, told.collect()).await
        }
    }
}
