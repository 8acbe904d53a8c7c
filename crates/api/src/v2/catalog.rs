//! What is sold, what it unlocks, and what is shown to be sold together.
//!
//! Tests: `crates/api/tests/resources/v2/catalog.rs`.

use super::{
    answer::{Page, Pages, within},
    error::Failure,
};
use axum::extract::Path;
use domain::ProjectId;
use ledger::{Entitlement, Offering, Product};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    body::Json,
    project::InProject,
    query::Filters,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![
        Route::operation(
            Get,
            "/v2/projects/{project}/entitlements",
            Read,
            "Entitlements; RevenueCat v2 shape",
            entitlements,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/entitlements/{key}",
            Read,
            "One entitlement; RevenueCat v2 shape",
            entitlement,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/entitlements/{key}/products",
            Read,
            "What unlocks an entitlement; RevenueCat v2 shape",
            unlocking,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/products",
            Read,
            "Products; RevenueCat v2 shape",
            products,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/products/{id}",
            Read,
            "One product; RevenueCat v2 shape",
            product,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/offerings",
            Read,
            "Offerings with their packages; RevenueCat v2 shape",
            offerings,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/offerings/{offering}",
            Read,
            "One offering with its packages; RevenueCat v2 shape",
            offering,
        ),
    ]
}

/// What products unlock.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Entitlement)]
pub(crate) struct EntitlementView {
    display_name: String,
    id: String,
    lookup_key: String,
    object: &'static str,
    project_id: ProjectId,
}

impl From<&Entitlement> for EntitlementView {
    fn from(row: &Entitlement) -> Self {
        Self {
            display_name: row.name.clone(),
            id: row.key.clone(),
            lookup_key: row.key.clone(),
            object: "entitlement",
            project_id: row.project,
        }
    }
}

/// What is sold.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Product)]
pub(crate) struct ProductView {
    /// Always null: a product is the project's, in whichever app it is sold.
    app_id: Option<String>,
    display_name: String,
    id: String,
    object: &'static str,
    store_identifier: String,
}

impl From<&Product> for ProductView {
    fn from(row: &Product) -> Self {
        Self {
            app_id: None,
            display_name: row.name.clone(),
            id: row.id.clone(),
            object: "product",
            store_identifier: row.id.clone(),
        }
    }
}

/// What is shown to be sold together.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Offering)]
pub(crate) struct OfferingView {
    display_name: String,
    id: String,
    is_current: bool,
    lookup_key: String,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    object: &'static str,
    packages: Packages,
    project_id: ProjectId,
}

within! {
    /// The packages of an offering.
    Packages of PackageView, v2::Packages
}

/// One choice of an offering.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Package)]
pub(crate) struct PackageView {
    display_name: String,
    id: String,
    lookup_key: String,
    object: &'static str,
    position: usize,
    /// Ids of its products, one for each store.
    products: Vec<String>,
}

fn shown(project: &InProject, row: &Offering) -> OfferingView {
    let known = project.setup.project(project.id);
    let current = known.and_then(|known| known.row.current_offering.as_ref());
    let packages = (1..)
        .zip(&row.packages)
        .map(|(position, package)| PackageView {
            display_name: package.id.clone(),
            id: package.id.clone(),
            lookup_key: package.id.clone(),
            object: "package",
            position,
            products: package.products.values().cloned().collect(),
        });
    let url = format!("/v2/projects/{}/offerings/{}", project.key, row.key);
    OfferingView {
        display_name: row.name.clone(),
        id: row.key.clone(),
        is_current: current == Some(&row.key),
        lookup_key: row.key.clone(),
        metadata: row.metadata.clone(),
        object: "offering",
        packages: Packages::whole(url, packages),
        project_id: row.project,
    }
}

/// `GET .../entitlements`.
pub(crate) async fn entitlements(
    project: InProject,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<EntitlementView>>, Failure> {
    let rows = project.setup.configuration.entitlements.iter();
    let rows = rows.filter(|row| row.project == project.id);
    let rows = rows.map(EntitlementView::from).collect();
    let path = format!("/v2/projects/{}/entitlements", project.key);
    let id = |row: &EntitlementView| row.id.clone();
    Ok(Json(Page::of(&path, &pages, rows, id)))
}

/// `GET .../entitlements/{key}`.
pub(crate) async fn entitlement(
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Json<EntitlementView>, Failure> {
    Ok(Json(known(&project, &key)?.into()))
}

/// The entitlement of this key.
fn known<'a>(project: &'a InProject, key: &str) -> Result<&'a Entitlement, Failure> {
    let mut rows = project.setup.configuration.entitlements.iter();
    let row = rows.find(|row| row.project == project.id && row.key == key);
    row.ok_or_else(|| Failure::missing("entitlement", key))
}

/// `GET .../entitlements/{key}/products`.
pub(crate) async fn unlocking(
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<ProductView>>, Failure> {
    known(&project, &key)?;
    let rows = project.setup.configuration.products.iter();
    let rows = rows.filter(|row| row.project == project.id && row.entitlements.contains(&key));
    let rows = rows.map(ProductView::from).collect();
    let path = format!("/v2/projects/{}/entitlements/{key}/products", project.key);
    let id = |row: &ProductView| row.id.clone();
    Ok(Json(Page::of(&path, &pages, rows, id)))
}

/// `GET .../products`.
pub(crate) async fn products(
    project: InProject,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<ProductView>>, Failure> {
    let rows = project.setup.configuration.products.iter();
    let rows = rows.filter(|row| row.project == project.id);
    let rows = rows.map(ProductView::from).collect();
    let path = format!("/v2/projects/{}/products", project.key);
    let id = |row: &ProductView| row.id.clone();
    Ok(Json(Page::of(&path, &pages, rows, id)))
}

/// `GET .../products/{id}`.
pub(crate) async fn product(
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<ProductView>, Failure> {
    let mut rows = project.setup.configuration.products.iter();
    let row = rows.find(|row| row.project == project.id && row.id == id);
    let row = row.ok_or_else(|| Failure::missing("product", &id))?;
    Ok(Json(row.into()))
}

/// `GET .../offerings`.
pub(crate) async fn offerings(
    project: InProject,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<OfferingView>>, Failure> {
    let rows = project.setup.configuration.offerings.iter();
    let rows = rows.filter(|row| row.project == project.id);
    let rows = rows.map(|row| shown(&project, row)).collect();
    let path = format!("/v2/projects/{}/offerings", project.key);
    let id = |row: &OfferingView| row.id.clone();
    Ok(Json(Page::of(&path, &pages, rows, id)))
}

/// `GET .../offerings/{offering}`.
pub(crate) async fn offering(
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Json<OfferingView>, Failure> {
    let row = project.offering(&key)?;
    Ok(Json(shown(&project, row)))
}
