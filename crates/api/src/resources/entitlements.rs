//! Entitlements: what products unlock.
//!
//! Tests: `crates/api/tests/resources/entitlements.rs`.

use super::answer::{Answer, Configured, Done, List, list, put, remove};
use axum::extract::{Path, State};
use configuration::DesiredEntitlement;
use domain::ProjectId;
use ledger::Entitlement;
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
            "/api/v1/projects/{project}/entitlements",
            Read,
            "Entitlements",
            entitlements,
        ),
        Route::operation(
            Put(Configures),
            "/api/v1/projects/{project}/entitlements/{key}",
            Write,
            "Creates or changes an entitlement",
            put_entitlement,
        ),
        Route::operation(
            Delete(Configures),
            "/api/v1/projects/{project}/entitlements/{key}",
            Write,
            "Removes an entitlement",
            delete_entitlement,
        ),
    ]
}

/// Something products unlock.
#[derive(Serialize, ToSchema)]
#[schema(as = Entitlement)]
pub(crate) struct EntitlementView {
    /// Its project.
    project: ProjectId,
    /// Its key, unique in the project.
    key: String,
    /// Its name.
    name: String,
}

impl From<&Entitlement> for EntitlementView {
    fn from(row: &Entitlement) -> Self {
        Self {
            project: row.project,
            key: row.key.clone(),
            name: row.name.clone(),
        }
    }
}

pub(crate) async fn entitlements(
    project: InProject,
    _: Filters<NoFilters>,
) -> Answer<List<EntitlementView>> {
    let rows = project.setup.configuration.entitlements.iter();
    let of_project = rows.filter(|row| row.project == project.id);
    Ok(list(of_project.map(EntitlementView::from), None))
}

pub(crate) async fn put_entitlement(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredEntitlement>,
) -> Configured {
    put(&app, &project, key, body).await
}

pub(crate) async fn delete_entitlement(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Done {
    remove(&app, &project, Kind::Entitlement, &key).await
}
