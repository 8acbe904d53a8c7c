//! One message: as it came, decoded, and what became of it.
//!
//! Tests: `crates/dashboard/tests/sections/messages.rs`.

use crate::{
    filters,
    message::MessagePart,
    respond::html,
    shell::{Place, Shell},
    state::Dashboard,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/messages/{id}";
    vec![Route::page(Method::Get, path, Access::Page, message)]
}

/// An event that a message led to.
struct Led {
    event: String,
    title: &'static str,
}

#[derive(Template)]
#[template(path = "messages/page.html")]
struct MessageTemplate {
    shell: Shell,
    message: MessagePart,
    outcome: String,
    events: Vec<Led>,
}

/// `GET /projects/{project}/messages/{id}`.
async fn message(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("message", &id);
    let known = parse("message", &id).map_err(|_| missing())?;
    let found = app.engine.ledger().inbox(known).await?;
    let record = found
        .filter(|record| record.message.project == project.id)
        .ok_or_else(missing)?;
    let parked = record.parked.as_deref();
    let became = app.engine.intake().became(&record.message, parked).await?;
    let events = became.events.into_iter();
    Ok(html(&MessageTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "apps").await?,
        message: MessagePart::of(record.message),
        outcome: became.words,
        events: events
            .map(|(id, kind)| Led {
                event: id.to_string(),
                title: kind.title(),
            })
            .collect(),
    }))
}
