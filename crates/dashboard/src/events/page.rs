//! One event as a chain: what the store said, the rule that fired, and every attempt to tell it on.
//!
//! Tests: `crates/dashboard/tests/sections/events.rs`.

use super::{
    asked::{AskedPart, asked},
    deliveries::DeliveryPart,
    lines::{LinePart, lines},
    states::{ValuePart, states},
};
use crate::{
    filters,
    message::{MessagePart, message},
    respond::html,
    row::Row,
    shell::{Place, Shell},
    state::Dashboard,
    text::{exact, indented},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::Uri,
    response::Response,
};
use destinations::webhook;
use domain::Event;
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
    view::{self, HappenedView},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let path = "/projects/{project}/events/{id}";
    vec![Route::page(Method::Get, path, Access::Page, event)]
}

/// A webhook format, with every message that it makes of an event.
struct Format {
    name: &'static str,
    messages: Vec<Payload>,
}

struct Payload {
    name: String,
    body: String,
}

#[derive(Template)]
#[template(path = "events/page.html")]
struct EventTemplate {
    shell: Shell,
    row: Row,
    occurred_at: String,
    rule: String,
    key: String,
    seq: u64,
    message: Option<MessagePart>,
    /// What the store asks about a refund.
    asked: Option<AskedPart>,
    /// Of a purchase that has several.
    lines: Vec<LinePart>,
    /// Of the purchase, before and after.
    states: Vec<ValuePart>,
    deliveries: Vec<DeliveryPart>,
    event_json: String,
    /// What webhooks of each format are told.
    formats: Vec<Format>,
}

/// What webhooks of each format are told.
fn formats(event: &Event) -> Vec<Format> {
    let shown = |body: Vec<u8>| indented(&String::from_utf8_lossy(&body));
    let formats = webhook::FORMATS.into_iter();
    formats
        .map(|format| {
            let told = webhook::payloads(format, event).into_iter();
            let told = told.map(|told| Payload {
                name: told.name,
                body: told.body.map_or_else(|error| error.to_string(), shown),
            });
            Format {
                name: format,
                messages: told.collect(),
            }
        })
        .collect()
}

/// An event as the API shows it.
fn as_json(event: &Event) -> String {
    let shown = serde_json::to_value(HappenedView::from(event.clone()))
        .and_then(|value| serde_json::to_string_pretty(&value));
    shown.unwrap_or_else(|error| error.to_string())
}

/// `GET /projects/{project}/events/{id}`.
async fn event(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("event", &id);
    let event = parse("event", &id).map_err(|_| missing())?;
    let found = app.engine.ledger().event(project.id, event).await?;
    let found = found.ok_or_else(missing)?;
    let mut row = Row::of(&project.key, &project.setup, &found);
    let event = found.event;
    let message = message(&app, &event).await?;
    let from = message.as_ref().map_or("the clock", |message| message.from);
    let states = states(&app, &project, found.position, &event, from).await?;
    let mut deliveries = Vec::new();
    for state in std::mem::take(&mut row.integrations) {
        deliveries.push(DeliveryPart::of(&app, &project, state).await?);
    }
    Ok(html(&EventTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "events").await?,
        row,
        message,
        asked: asked(&app, &project, &event).await?,
        states,
        deliveries,
        occurred_at: exact(event.occurred_at),
        event_json: as_json(&event),
        formats: formats(&event),
        lines: lines(&event),
        rule: event.cause.rule,
        key: event.key,
        seq: event.customer_seq,
    }))
}
