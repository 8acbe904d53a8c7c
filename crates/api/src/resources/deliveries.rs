//! Deliveries: what was sent, to whom, and what was answered.

use super::{Answer, DELIVERY_FILTERS, list};
use crate::view;
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use ledger::DeliveryFilter;
use serde_json::json;
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::{Filters, parse, present},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Method::{Get, Post};
    vec![
        Route::new(
            Get,
            "/api/v1/projects/{project}/deliveries",
            Read,
            "Last sent events, with request, response and reason",
            deliveries,
        )
        .query(DELIVERY_FILTERS),
        Route::new(
            Get,
            "/api/v1/projects/{project}/deliveries/{id}",
            Read,
            "One delivery with every attempt",
            delivery,
        ),
        Route::new(
            Post,
            "/api/v1/projects/{project}/deliveries/{id}/resend",
            Write,
            "Sends a delivery again, with its original id",
            resend,
        ),
    ]
}

pub(crate) async fn deliveries(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters,
) -> Answer {
    let integration = present(query.integration.as_ref())
        .map(|key| project.integration(key).map(|active| active.row.id))
        .transpose()?;
    let filter = DeliveryFilter {
        project: Some(project.id),
        integration,
        state: query.state()?,
    };
    let before = present(query.before.as_ref())
        .map(|before| parse("before", before))
        .transpose()?;
    let rows = app
        .engine
        .ledger()
        .deliveries(&filter, before, query.limit())
        .await?;
    let next = (rows.len() == query.limit())
        .then(|| rows.last().map(|row| row.id.to_string()))
        .flatten();
    Ok(list(
        rows.into_iter()
            .map(|row| json!(view::delivery(row)))
            .collect(),
        next,
    ))
}

pub(crate) async fn delivery(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let record = app
        .engine
        .ledger()
        .delivery(project.id, parse("delivery", &id)?)
        .await?
        .ok_or_else(|| Problem::not_found("delivery", &id))?;
    let attempts = app.engine.ledger().attempts(record.id).await?;
    Ok(axum::Json(
        json!({ "delivery": view::delivery(record), "attempts": attempts }),
    ))
}

pub(crate) async fn resend(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let resent = app
        .engine
        .dispatch()
        .resend(project.id, parse("delivery", &id)?)
        .await?;
    if resent {
        project.did(&app, "resend delivery", &id).await?;
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Problem::not_found("delivery", &id))
    }
}
