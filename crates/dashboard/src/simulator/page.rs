//! The page of simulated lives: the form, those under way, and what the newest led to.
//!
//! Tests: `crates/dashboard/tests/sections/simulator.rs`.

use super::{
    line::LifeLine,
    lives::{Life, Lives},
    script,
};
use crate::{
    choice::Choice,
    filters,
    respond::{html, refused},
    row::Row,
    shell::{Place, Shell},
    state::Dashboard,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use ledger::{EventFilter, Page, Product};
use std::sync::Arc;
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/simulator";
    vec![Route::page(Method::Get, path, Access::Page, simulator)]
}

/// Events of the newest life shown.
const SHOWN: usize = 50;
/// Lives shown.
const LIVES: usize = 10;
/// What a month may last.
pub(super) struct Pace {
    pub(super) seconds: i64,
    title: &'static str,
}
pub(super) const PACES: [Pace; 4] = [
    Pace {
        seconds: 10,
        title: "10 seconds",
    },
    Pace {
        seconds: 30,
        title: "30 seconds",
    },
    Pace {
        seconds: 120,
        title: "2 minutes",
    },
    Pace {
        seconds: 600,
        title: "10 minutes",
    },
];
/// The product of a project that lists none.
const PRODUCT: &str = "simulated_monthly";

/// What the form holds.
pub(crate) struct Draft {
    pub(crate) script: String,
    pub(crate) customer: String,
    pub(crate) product: String,
    pub(crate) price: String,
    pub(crate) currency: String,
    pub(crate) month: String,
}

#[derive(Template)]
#[template(path = "simulator/page.html")]
pub(crate) struct SimulatorTemplate {
    pub(crate) shell: Shell,
    pub(crate) scripts: Vec<Choice>,
    pub(crate) paces: Vec<Choice>,
    pub(crate) products: Vec<String>,
    pub(crate) draft: Draft,
    pub(crate) problems: Vec<String>,
    pub(crate) lives: Vec<LifeLine>,
    pub(crate) rows: Vec<Row>,
}

/// What the newest life led to.
async fn rows(app: &App, project: &InProject, newest: Option<&Life>) -> Result<Vec<Row>, Problem> {
    let ledger = app.engine.ledger();
    let Some(newest) = newest else {
        return Ok(Vec::new());
    };
    let who = &newest.cast.app_user_id;
    let Some(record) = ledger.customer(project.id, who).await? else {
        return Ok(Vec::new());
    };
    let filter = EventFilter {
        project: Some(project.id),
        customer: Some(record.customer.id),
        ..EventFilter::default()
    };
    let events = ledger.events(&filter, Page::Before(None, SHOWN)).await?;
    let rows = events.iter();
    Ok(rows
        .map(|row| Row::of(&project.key, &project.setup, row))
        .collect())
}

fn products(project: &InProject) -> impl Iterator<Item = &Product> {
    let all = project.setup.configuration.products.iter();
    all.filter(|row| row.project == project.id)
}

/// The page, with what the form holds and what is wrong with it, if anything.
pub(super) async fn page(
    app: &App,
    lives: &Lives,
    at: Place<'_>,
    draft: Draft,
    problems: Vec<String>,
) -> Result<Response, Problem> {
    let project = at.project;
    let lives: Vec<Life> = lives.of(project.id).into_iter().take(LIVES).collect();
    let (scripts, paces) = (script::ALL.iter(), PACES.iter());
    let is_right = problems.is_empty();
    let page = SimulatorTemplate {
        shell: Shell::load(app, at, "simulator").await?,
        scripts: scripts
            .map(|script| Choice::new(script.key, script.title))
            .collect(),
        paces: paces
            .map(|pace| Choice::new(pace.seconds.to_string(), pace.title))
            .collect(),
        products: products(project).map(|row| row.id.clone()).collect(),
        draft,
        problems,
        rows: rows(app, project, lives.first()).await?,
        lives: lives.into_iter().map(LifeLine::from).collect(),
    };
    Ok(if is_right {
        html(&page)
    } else {
        refused(&page)
    })
}

/// `GET /projects/{project}/simulator`.
async fn simulator(
    State(app): State<App>,
    State(lives): State<Arc<Lives>>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let product = products(&project).find(|row| !row.entitlements.is_empty());
    let draft = Draft {
        script: script::ALL[0].key.into(),
        customer: String::new(),
        product: product.map_or(PRODUCT, |row| &row.id).to_owned(),
        price: "9.99".into(),
        currency: "USD".into(),
        month: PACES[1].seconds.to_string(),
    };
    page(&app, &lives, Place::of(&project, &uri), draft, Vec::new()).await
}
