//! Rows of the feed as they happen.
//!
//! Tests: `crates/dashboard/tests/sections/events.rs`.

use crate::{filters, row::Row, state::Dashboard};
use askama::Template;
use axum::{extract::State, response::sse::Event as Message};
use ledger::FeedRow;
use web::{
    App,
    access::{Access, Right},
    problem::Problem,
    project::InProject,
    query::{Address, EventQuery},
    route::{Method, Route},
    stream::{LastEventId, Messages, follow, start},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/live";
    vec![Route::page(Method::Get, path, Access::Page, live)]
}

#[derive(Template)]
#[template(path = "row.html")]
struct RowTemplate<'a> {
    row: &'a Row,
}

/// A row of the feed, on one line.
fn row_html(app: &App, row: FeedRow) -> String {
    let setup = app.engine.setup();
    // Addresses take a project by its id as well as by its key.
    let project = match setup.project(row.event.project) {
        Some(project) => project.row.key.clone(),
        None => row.event.project.to_string(),
    };
    let row = Row::of(&project, &setup, &row);
    let template = RowTemplate { row: &row };
    match template.render() {
        Ok(html) => html.replace('\n', " "),
        Err(error) => {
            tracing::error!(%error, "a row could not be rendered");
            String::new()
        }
    }
}

/// `GET /projects/{project}/live`: rows of the feed page, as HTML.
async fn live(
    State(app): State<App>,
    right: Right,
    project: InProject,
    Address(query): Address<EventQuery>,
    last: LastEventId,
) -> Result<Messages, Problem> {
    let filter = query.events(&app, &project).await?;
    let from = start(&app, last, query.after, &filter).await?;
    follow(right, filter, from, |app, row| {
        let id = row.position.to_string();
        let event = Message::default().id(id).event("row");
        event.data(row_html(app, row))
    })
}
