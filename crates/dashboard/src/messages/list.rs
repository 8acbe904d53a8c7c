//! The messages of a project that were processed, the last first.
//!
//! Tests: `crates/dashboard/tests/sections/messages.rs`.

use crate::{
    filters,
    form::Sent,
    respond::html,
    shell::{Place, Shell},
    state::Dashboard,
    text::{clock, exact},
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::before_position,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/messages";
    vec![Route::page(Method::Get, path, Access::Page, messages)]
}

/// Messages of one page.
const SHOWN: usize = 50;

/// A message that was processed.
struct Line {
    id: String,
    at: String,
    at_short: String,
    app: String,
    title: String,
    outcome: String,
}

#[derive(Template)]
#[template(path = "messages/list.html")]
struct MessagesTemplate {
    shell: Shell,
    lines: Vec<Line>,
    older: Option<String>,
}

/// `GET /projects/{project}/messages`.
async fn messages(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let before = before_position(Sent::query(&uri).text("before"))?;
    let ledger = app.engine.ledger();
    let found = ledger.processed(project.id, before, SHOWN).await?;
    let last = found.last().filter(|_| found.len() == SHOWN);
    let older = last.map(|last| {
        let position = last.position;
        format!("/projects/{}/messages?before={position}", project.key)
    });
    let mut lines = Vec::new();
    for archived in found {
        let message = archived.message;
        let became = app.engine.intake().became(&message, None).await?;
        let row = project.setup.app(message.app).map(|known| &known.row);
        lines.push(Line {
            id: message.id.to_string(),
            at: exact(message.received_at),
            at_short: clock(message.received_at),
            app: row.map_or_else(|| "a removed app".into(), |row| row.name.clone()),
            title: message.title,
            outcome: became.words,
        });
    }
    Ok(html(&MessagesTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "apps").await?,
        lines,
        older,
    }))
}
