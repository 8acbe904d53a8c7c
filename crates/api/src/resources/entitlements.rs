//! Entitlements: what products unlock.

use super::{Answer, Configured, Done, List, list, put, remove};
use axum::extract::{Path, State};
use configuration::{self as desired, Desired, DesiredEntitlement};
use ledger::{ConfigurationChange, Entitlement};
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    audit::Effect,
    body::Json,
    problem::Problem,
    project::InProject,
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

pub(crate) async fn entitlements(project: InProject) -> Answer<List<Entitlement>> {
    let rows = project.setup.configuration.entitlements.iter();
    let of_project = rows.filter(|row| row.project == project.id);
    Ok(list(of_project.cloned(), None))
}

pub(crate) async fn put_entitlement(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredEntitlement>,
) -> Configured {
    put(
        &app,
        &project.caller,
        Desired {
            entitlements: BTreeMap::from([(key, body)]),
            ..project.desired()
        },
    )
    .await
}

pub(crate) async fn delete_entitlement(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Done {
    let rows = &project.setup.configuration;
    if !rows
        .entitlements
        .iter()
        .any(|row| row.project == project.id && row.key == key)
    {
        return Err(Problem::not_found("entitlement", &key));
    }
    if let Some(product) = rows
        .products
        .iter()
        .find(|row| row.project == project.id && row.entitlements.contains(&key))
    {
        let path = vec!["entitlements".to_owned(), key];
        return Err(Problem::invalid(vec![desired::Problem {
            path,
            message: format!(
                "product {} unlocks it; change the product first",
                product.id
            ),
        }]));
    }
    remove(
        &app,
        &project.caller,
        ConfigurationChange::RemoveEntitlement(project.id, key),
    )
    .await
}
