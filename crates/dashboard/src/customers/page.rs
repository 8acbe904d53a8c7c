//! The page of a customer.
//!
//! Tests: `crates/dashboard/tests/sections/customers.rs`.

use super::{
    access::{Access, PurchaseLine, access_of},
    path::path_of,
    timeline::{Band, Timeline, timeline},
};
use crate::{
    choice::Choice,
    filters,
    form::{FormId, Sent},
    respond::html,
    row::Row,
    shell::{Place, Shell},
    state::Dashboard,
    text::exact,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use domain::{Currency, Money, customer::Customer};
use ledger::{EventFilter, Page};
use std::cmp::Reverse;
use web::{
    App, access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/customers/{who}";
    let access = access::Access::Page;
    vec![Route::page(Method::Get, path, access, customer)]
}

/// Events shown.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "customers/page.html")]
struct CustomerTemplate {
    shell: Shell,
    action: String,
    customer: Customer,
    seq: u64,
    first_seen: String,
    last_seen: String,
    revenue: String,
    access: Vec<Access>,
    purchases: Vec<PurchaseLine>,
    picture: Option<Timeline>,
    by_recorded: bool,
    rows: Vec<Row>,
    entitlements: Vec<Choice>,
    form: String,
}

/// `GET /projects/{project}/customers/{who}`.
async fn customer(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, who)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let ledger = app.engine.ledger();
    let record = ledger.customer(project.id, &who).await?;
    let record = record.ok_or_else(|| Problem::not_found("customer", &who))?;
    let filter = EventFilter {
        project: Some(project.id),
        customer: Some(record.customer.id),
        ..EventFilter::default()
    };
    let mut events = ledger.events(&filter, Page::Before(None, SHOWN)).await?;
    let now = app.engine.system().now();
    let (setup, key) = (&project.setup, &project.key);
    let picture = timeline(setup, key, &record.purchases, &events, now);
    // A renewal that recovered in grace happened before its billing issue was told: both orders explain something.
    let by_recorded = Sent::query(&uri).text("order") == "recorded";
    if !by_recorded {
        events.sort_by_key(|row| Reverse((row.event.occurred_at, row.position)));
    }
    let entitlements = setup.configuration.entitlements.iter();
    let entitlements = entitlements.filter(|row| row.project == project.id);
    let dollars = Money::new(record.customer.revenue_usd_micros, Currency::USD);
    Ok(html(&CustomerTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "customers").await?,
        action: path_of(key, &record.customer.app_user_id),
        seq: record.seq,
        first_seen: exact(record.customer.first_seen),
        last_seen: exact(record.customer.last_seen),
        revenue: dollars.to_string(),
        access: access_of(&app, &project, &record)?,
        purchases: record
            .purchases
            .iter()
            .flat_map(PurchaseLine::all)
            .collect(),
        picture,
        by_recorded,
        rows: events.iter().map(|row| Row::of(key, setup, row)).collect(),
        entitlements: entitlements
            .map(|row| Choice::new(&*row.key, &*row.name))
            .collect(),
        customer: record.customer,
        form: FormId::fresh(app.engine.system()),
    }))
}
