//! The customers of a project, and the way to one by any name.
//!
//! Tests: `crates/dashboard/tests/sections/customers.rs`.

use super::path::path_of;
use crate::{
    form::Sent,
    respond::html,
    shell::{Place, Shell},
    state::Dashboard,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::Uri,
    response::{IntoResponse, Redirect, Response},
};
use domain::{CustomerId, customer::Customer};
use web::{
    App,
    access::{Access, Caller},
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Page;
    use Method::Get;
    vec![
        Route::page(Get, "/customers/{who}", Page, redirect),
        Route::page(Get, "/projects/{project}/customers", Page, customers),
    ]
}

/// Customers of one page.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "customers/list.html")]
struct ListTemplate {
    shell: Shell,
    customers: Vec<Customer>,
    asked: String,
    older: Option<String>,
}

/// `GET /projects/{project}/customers`; with `who`, the customer of that name.
async fn customers(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let ledger = app.engine.ledger();
    let sent = Sent::query(&uri);
    let asked = sent.text("who").to_owned();
    if !asked.is_empty() && ledger.customer(project.id, &asked).await?.is_some() {
        return Ok(Redirect::to(&path_of(&project.key, &asked)).into_response());
    }
    let before: Option<CustomerId> = match sent.text("before") {
        "" => None,
        text => Some(parse("before", text)?),
    };
    let customers = ledger.customers(project.id, before, SHOWN).await?;
    let last = customers.last().filter(|_| customers.len() == SHOWN);
    let older = last.map(|last| {
        let id = last.id;
        format!("/projects/{}/customers?before={id}", project.key)
    });
    Ok(html(&ListTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "customers").await?,
        customers,
        asked,
        older,
    }))
}

/// `GET /customers/{who}`: the customer, in whichever project it is. Slack messages link here.
async fn redirect(
    State(app): State<App>,
    caller: Caller,
    Path(who): Path<String>,
) -> Result<Redirect, Problem> {
    let setup = app.engine.setup();
    let reached = setup
        .projects()
        .filter(|project| caller.reaches(project.row.id));
    for project in reached {
        let found = app.engine.ledger().customer(project.row.id, &who).await?;
        if found.is_some() {
            return Ok(Redirect::to(&path_of(&project.row.key, &who)));
        }
    }
    Err(Problem::not_found("customer", &who))
}
