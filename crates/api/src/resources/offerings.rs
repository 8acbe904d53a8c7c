//! Offerings: what is shown to be sold together.
//!
//! Tests: `crates/api/tests/resources/offerings.rs`.

use super::answer::{Answer, Configured, Done, List, list, put, remove};
use axum::extract::{Path, State};
use configuration::DesiredOffering;
use domain::{ProjectId, Store};
use ledger::{Audience, Offering, Package};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
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
            "/api/v1/projects/{project}/offerings",
            Read,
            "Offerings",
            offerings,
        ),
        Route::operation(
            Get,
            "/api/v1/projects/{project}/offerings/{offering}",
            Read,
            "One offering",
            offering,
        ),
        Route::operation(
            Put(Configures),
            "/api/v1/projects/{project}/offerings/{offering}",
            Write,
            "Creates or changes an offering",
            put_offering,
        ),
        Route::operation(
            Delete(Configures),
            "/api/v1/projects/{project}/offerings/{offering}",
            Write,
            "Removes an offering",
            delete_offering,
        ),
    ]
}

/// What is shown to be sold together.
#[derive(Serialize, ToSchema)]
#[schema(as = Offering)]
pub(crate) struct OfferingView {
    /// Its project.
    project: ProjectId,
    /// What clients ask for it by, unique in the project.
    key: String,
    /// What clients show of it.
    name: String,
    /// In the order in which clients show them.
    packages: Vec<PackageView>,
    /// Whatever clients are to know beside it.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// Who is shown it instead of the project's current one; nobody when null.
    audience: Option<AudienceView>,
    /// Whether it is the project's current one.
    is_current: bool,
}

/// One choice of an offering.
#[derive(Serialize, ToSchema)]
#[schema(as = Package)]
struct PackageView {
    /// What clients know it by, unique in the offering.
    id: String,
    /// What it is in each store.
    #[schema(value_type = BTreeMap<String, String>)]
    products: BTreeMap<Store, String>,
}

/// Who is shown an offering.
#[derive(Serialize, ToSchema)]
#[schema(as = Audience)]
struct AudienceView {
    /// Countries of the store, by two letters; any when empty.
    countries: Vec<String>,
    /// What clients run on; anything when empty.
    platforms: Vec<String>,
    /// The oldest release of the app.
    from_version: Option<String>,
    /// The newest release of the app.
    to_version: Option<String>,
    /// Of several offerings for the same client, that of the lowest number is shown.
    rank: u32,
}

impl From<&Package> for PackageView {
    fn from(package: &Package) -> Self {
        Self {
            id: package.id.clone(),
            products: package.products.clone(),
        }
    }
}

impl From<&Audience> for AudienceView {
    fn from(audience: &Audience) -> Self {
        Self {
            countries: audience.countries.clone(),
            platforms: audience.platforms.clone(),
            from_version: audience.from_version.clone(),
            to_version: audience.to_version.clone(),
            rank: audience.rank,
        }
    }
}

fn shown(project: &InProject, row: &Offering) -> OfferingView {
    let known = project.setup.project(project.id);
    let current = known.and_then(|known| known.row.current_offering.as_ref());
    OfferingView {
        project: row.project,
        key: row.key.clone(),
        name: row.name.clone(),
        packages: row.packages.iter().map(PackageView::from).collect(),
        metadata: row.metadata.clone(),
        audience: row.audience.as_ref().map(AudienceView::from),
        is_current: current == Some(&row.key),
    }
}

pub(crate) async fn offerings(
    project: InProject,
    _: Filters<NoFilters>,
) -> Answer<List<OfferingView>> {
    let rows = project.setup.configuration.offerings.iter();
    let of_project = rows.filter(|row| row.project == project.id);
    Ok(list(of_project.map(|row| shown(&project, row)), None))
}

pub(crate) async fn offering(
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Answer<OfferingView> {
    let row = project.offering(&key)?;
    Ok(Json(shown(&project, row)))
}

pub(crate) async fn put_offering(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredOffering>,
) -> Configured {
    put(&app, &project, key, body).await
}

pub(crate) async fn delete_offering(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Done {
    remove(&app, &project, Kind::Offering, &key).await
}
