//! The event feed.
//!
//! Tests: `crates/api/tests/resources/events.rs`.

use super::answer::{Answer, List, list};
use axum::extract::{Path, State};
use ledger::{EventFilter, FeedRow, Page};
use std::time::Duration;
use web::{
    App,
    access::{Access, Right},
    body::Json,
    problem::Problem,
    project::InProject,
    query::{EventQuery, Filters, parse},
    route::{Method, Route},
    view::{self, EventView},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/events",
            Read,
            "The event feed: the last 14 days unless `since` says otherwise",
            events,
        ),
        Route::operation(
            Get,
            "/api/v1/projects/{project}/events/{id}",
            Read,
            "One event with the state of every integration",
            event,
        ),
    ]
}

pub(crate) async fn events(
    State(app): State<App>,
    right: Right,
    project: InProject,
    Filters(query): Filters<EventQuery>,
) -> Answer<List<EventView>> {
    query.begins_once()?;
    let filter = query.events(&app, &project).await?;
    let (page, wait) = (query.page()?, query.wait()?);
    let place = (!wait.is_zero()).then(|| right.follow()).transpose()?;
    let rows = await_events(&app, &right, &filter, page, wait).await?;
    drop(place);
    let last = rows.last().map(|row| row.position);
    let next = match query.after {
        // Whoever follows goes on from here, whether there was something or not.
        Some(after) => Some(last.unwrap_or(after)),
        None => last.filter(|_| rows.len() == query.limit()),
    };
    let next = next.map(|position| position.to_string());
    let shown = rows.into_iter().map(|row| view::event(&project.setup, row));
    Ok(list(shown, next))
}

/// Events of a page, as soon as there are any, or what there is when the wait is over.
///
/// Errors: while it was waited, the caller lost the right to them.
async fn await_events(
    app: &App,
    right: &Right,
    filter: &EventFilter,
    page: Page,
    wait: Duration,
) -> Result<Vec<FeedRow>, Problem> {
    let (mut changes, mut stopping) = (app.engine.changes(), app.engine.stopping());
    let end = tokio::time::sleep(wait);
    tokio::pin!(end);
    loop {
        let rows = app.engine.ledger().events(filter, page).await?;
        if !rows.is_empty() || wait.is_zero() || *stopping.borrow() {
            return Ok(rows);
        }
        tokio::select! {
            () = &mut end => return Ok(rows),
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(rows),
            // Another node may have written without a word.
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
            changed = changes.changed() => if changed.is_err() { return Ok(rows) },
        }
        if !right.holds().await {
            return Err(Problem::changed_meanwhile());
        }
    }
}

pub(crate) async fn event(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Answer<EventView> {
    let row = app
        .engine
        .ledger()
        .event(project.id, parse("event", &id)?)
        .await?
        .ok_or_else(|| Problem::not_found("event", &id))?;
    Ok(Json(view::event(&project.setup, row)))
}
