//! Products, listed one by one or many at once.
//!
//! Tests: `crates/dashboard/tests/sections/catalog.rs`.

use super::page::{page, save};
use crate::{
    form::{Form, Trimmed, given},
    shell::Place,
    state::Dashboard,
};
use axum::{extract::State, http::Uri, response::Response};
use configuration::{DesiredProduct, Given};
use serde::Deserialize;
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    audit::Effect,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Form;
    use Effect::Configures;
    use Method::Post;
    vec![
        Route::page(
            Post(Configures),
            "/projects/{project}/catalog/products",
            Form,
            save_one,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/catalog/list",
            Form,
            add_many,
        ),
    ]
}

/// The form of one product.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ProductForm {
    id: Trimmed,
    name: Option<Trimmed>,
    /// Keys of what it unlocks.
    entitlements: Vec<String>,
    /// For how long it is bought.
    duration: Option<Trimmed>,
}

/// `POST /projects/{project}/catalog/products`.
async fn save_one(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<ProductForm>,
) -> Result<Response, Problem> {
    let id = String::from(sent.id);
    if id.is_empty() {
        let problem = "id: is empty; it is the product id as the store has it".to_owned();
        return page(&app, Place::of(&project, &uri), vec![problem]).await;
    }
    let product = DesiredProduct {
        name: given(sent.name),
        entitlements: Given::Set(sent.entitlements),
        duration: given(sent.duration),
    };
    save(&app, Place::of(&project, &uri), [(id, product)]).await
}

/// The form of many products.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ListForm {
    lines: String,
}

impl ListForm {
    /// One a line: an id, and what it unlocks.
    fn products(&self) -> BTreeMap<String, DesiredProduct> {
        let products = self.lines.lines().filter_map(|line| {
            let mut words = line
                .split([',', ';', ' ', '\t'])
                .filter(|word| !word.is_empty())
                .map(str::to_owned);
            let id = words.next()?;
            // A list says nothing of names: a product that has one keeps it.
            let product = DesiredProduct {
                name: Given::Keep,
                entitlements: Given::Set(words.collect()),
                duration: Given::Keep,
            };
            Some((id, product))
        });
        products.collect()
    }
}

/// `POST /projects/{project}/catalog/list`: several products at once.
async fn add_many(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<ListForm>,
) -> Result<Response, Problem> {
    let products = sent.products();
    if products.is_empty() {
        let problem = "lines: is empty; each line is a product id and what it unlocks".to_owned();
        return page(&app, Place::of(&project, &uri), vec![problem]).await;
    }
    save(&app, Place::of(&project, &uri), products).await
}
