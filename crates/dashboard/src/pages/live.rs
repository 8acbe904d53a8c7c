//! Rows of the feed as they happen.

use super::feed::row_html;
use crate::Dashboard;
use axum::{extract::State, http::HeaderMap, response::sse::Event as Message};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::{EventQuery, Filters},
    route::{Method, Route},
    stream::{Messages, follow, start},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Page;
    use Method::Get;
    vec![Route::new(Get, "/projects/{project}/live", Page, "", page)]
}

/// `GET /projects/{project}/live`: rows of the feed page, as HTML.
pub(crate) async fn page(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters<EventQuery>,
    headers: HeaderMap,
) -> Result<Messages, Problem> {
    let filter = query.events(&app, &project).await?;
    let from = start(&app, &headers, query.after, &filter).await?;
    Ok(follow(app, filter, from, |app, row| {
        let id = row.position.to_string();
        Message::default()
            .id(id)
            .event("row")
            .data(row_html(app, row).replace('\n', " "))
    }))
}
