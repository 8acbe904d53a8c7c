//! What is done to every product that was ticked.
//!
//! Tests: `crates/dashboard/tests/sections/catalog.rs`.

use super::page::page;
use crate::{
    form::{Form, Trimmed},
    respond::done,
    shell::Place,
    state::Dashboard,
};
use axum::{extract::State, http::Uri, response::Response};
use domain::ProjectId;
use ledger::{Configuration, ConfigurationChange, Product};
use serde::Deserialize;
use std::collections::BTreeSet;
use web::{
    App,
    access::Access,
    audit::Effect,
    configure::decide_in,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/catalog/bulk";
    vec![Route::page(
        Method::Post(Effect::Configures),
        path,
        Access::Form,
        edit,
    )]
}

/// The form below the list of products.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct BulkForm {
    /// Ids of those that were ticked.
    products: BTreeSet<String>,
    /// Key of what they gain or lose.
    entitlement: Trimmed,
    /// Which button was pressed.
    r#do: Trimmed,
}

/// What is done to each.
enum Bulk {
    Give(String),
    Take(String),
    Remove,
}

impl BulkForm {
    /// What is to be done, or everything that is wrong with it.
    fn read(&self, rows: &Configuration, project: ProjectId) -> Result<Bulk, Vec<String>> {
        let entitlement = String::from(self.entitlement.clone());
        let mut problems = Vec::new();
        if self.products.is_empty() {
            problems.push("products: tick at least one".to_owned());
        }
        let mut known = rows.entitlements.iter();
        let is_known = known.any(|row| row.project == project && row.key == entitlement);
        let bulk = match &*self.r#do {
            "give" => Some(Bulk::Give(entitlement.clone())),
            "take" => Some(Bulk::Take(entitlement.clone())),
            "remove" => Some(Bulk::Remove),
            other => {
                problems.push(format!("do: {other:?} is none of give, take, remove"));
                None
            }
        };
        if matches!(bulk, Some(Bulk::Give(_) | Bulk::Take(_))) && !is_known {
            problems.push(format!("entitlement: there is no {entitlement:?}"));
        }
        bulk.filter(|_| problems.is_empty()).ok_or(problems)
    }
}

impl Bulk {
    /// What it changes about one product; `None` where it is so already.
    fn change(
        &self,
        rows: &Configuration,
        project: ProjectId,
        id: String,
    ) -> Option<ConfigurationChange> {
        let mut listed = rows.products.iter();
        let known = listed.find(|row| row.project == project && row.id == id);
        // One that was sold and is not listed yet is listed by this.
        let mut row = known.cloned().unwrap_or_else(|| Product {
            project,
            name: id.clone(),
            id: id.clone(),
            entitlements: Vec::new(),
            duration: None,
        });
        match self {
            Self::Remove => {
                return known.map(|_| ConfigurationChange::RemoveProduct(project, id));
            }
            Self::Give(key) if row.entitlements.contains(key) => {}
            Self::Give(key) => row.entitlements.push(key.clone()),
            Self::Take(key) => row.entitlements.retain(|known| known != key),
        }
        (known != Some(&row)).then_some(ConfigurationChange::PutProduct(row))
    }
}

/// `POST /projects/{project}/catalog/bulk`: every ticked product gains or loses an entitlement, or goes.
async fn edit(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<BulkForm>,
) -> Result<Response, Problem> {
    let read = decide_in(&app, &project, |project| {
        let rows = &project.setup.configuration;
        let bulk = match sent.read(rows, project.id) {
            Ok(bulk) => bulk,
            Err(problems) => return Ok((Vec::new(), Err(problems))),
        };
        let products = sent.products.iter().cloned();
        let changes = products.filter_map(|id| bulk.change(rows, project.id, id));
        Ok((changes.collect(), Ok(())))
    });
    if let Err(problems) = read.await? {
        return page(&app, Place::of(&project, &uri), problems).await;
    }
    Ok(done(&format!("/projects/{}/catalog", project.key), "saved"))
}
