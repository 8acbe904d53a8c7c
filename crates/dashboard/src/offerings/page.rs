//! The page of offerings.
//!
//! Tests: `crates/dashboard/tests/sections/offerings.rs`.

use crate::{
    filters,
    respond::{html, refused},
    shell::{Place, Shell},
    state::Dashboard,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use configuration::PLATFORMS;
use ledger::{Audience, Offering};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/offerings";
    vec![Route::page(Method::Get, path, Access::Page, offerings)]
}

#[derive(Template)]
#[template(path = "offerings/page.html")]
struct OfferingsTemplate {
    shell: Shell,
    offerings: Vec<Shown>,
    /// Key of the one that everybody is shown.
    current: String,
    platforms: String,
    /// Whom a new one is for.
    nobody: Audience,
    problems: Vec<String>,
}

/// An offering as the page has it.
struct Shown {
    key: String,
    name: String,
    /// What is sold in which store, a package each.
    packages: Vec<ShownPackage>,
    /// The same as the form has it: a package a line.
    lines: String,
    metadata: String,
    audience: Audience,
    /// Who is shown it, in words; empty where nobody is in particular.
    meant_for: String,
}

struct ShownPackage {
    id: String,
    /// Store, and product there.
    products: Vec<(&'static str, String)>,
}

impl Shown {
    fn of(row: &Offering) -> Self {
        let packages: Vec<_> = row
            .packages
            .iter()
            .map(|package| ShownPackage {
                id: package.id.clone(),
                products: package
                    .products
                    .iter()
                    .map(|(store, product)| (store.id(), product.clone()))
                    .collect(),
            })
            .collect();
        let lines = packages.iter().map(|package| {
            let products = package.products.iter();
            let products = products.map(|(store, product)| format!(" {store}={product}"));
            format!("{}{}", package.id, products.collect::<String>())
        });
        let metadata = if row.metadata.is_empty() {
            String::new()
        } else {
            format!("{:#}", serde_json::Value::Object(row.metadata.clone()))
        };
        Self {
            key: row.key.clone(),
            name: row.name.clone(),
            lines: lines.collect::<Vec<_>>().join("\n"),
            packages,
            metadata,
            meant_for: row.audience.as_ref().map(words).unwrap_or_default(),
            audience: row.audience.clone().unwrap_or_default(),
        }
    }
}

/// Who an offering is for, in words.
fn words(audience: &Audience) -> String {
    let among = |listed: &[String]| (!listed.is_empty()).then(|| listed.join(", "));
    let release = match (&audience.from_version, &audience.to_version) {
        (Some(from), Some(to)) => Some(format!("release {from} to {to}")),
        (Some(from), None) => Some(format!("release {from} and later")),
        (None, Some(to)) => Some(format!("release {to} and earlier")),
        (None, None) => None,
    };
    let parts = [
        among(&audience.countries),
        among(&audience.platforms),
        release,
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "everybody".into()
    } else {
        parts.join("; ")
    }
}

/// The page, with what is wrong with a form, if anything.
pub(super) async fn page(
    app: &App,
    at: Place<'_>,
    problems: Vec<String>,
) -> Result<Response, Problem> {
    let project = at.project;
    let setup = app.engine.setup();
    let rows = setup.configuration.offerings.iter();
    let rows = rows.filter(|row| row.project == project.id);
    let known = setup.project(project.id);
    let current = known.and_then(|known| known.row.current_offering.clone());
    let is_right = problems.is_empty();
    let page = OfferingsTemplate {
        shell: Shell::load(app, at, "offerings").await?,
        offerings: rows.map(Shown::of).collect(),
        current: current.unwrap_or_default(),
        platforms: PLATFORMS.join(", "),
        nobody: Audience::default(),
        problems,
    };
    Ok(if is_right {
        html(&page)
    } else {
        refused(&page)
    })
}

/// `GET /projects/{project}/offerings`.
async fn offerings(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    page(&app, Place::of(&project, &uri), Vec::new()).await
}
