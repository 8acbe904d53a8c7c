//! Access that is given to a customer, and taken back.
//!
//! Tests: `crates/dashboard/tests/sections/customers.rs`.

use super::path::path_of;
use crate::{
    form::{Form, FormId, Trimmed, wrong},
    respond::done,
    state::Dashboard,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use engine::Grant;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use web::{
    App,
    access::Access,
    audit::{Effect, Subject},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Form;
    use Effect::Does;
    use Method::Post;
    vec![
        Route::page(
            Post(Does("give access to", Subject::Customer("who"))),
            "/projects/{project}/customers/{who}/grant",
            Form,
            grant,
        ),
        Route::page(
            Post(Does("take access back from", Subject::Customer("who"))),
            "/projects/{project}/customers/{who}/revoke",
            Form,
            revoke,
        ),
    ]
}

/// The form that gives access.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct GrantForm {
    entitlement: Trimmed,
    /// Empty for ever.
    days: Trimmed,
    form: FormId,
}

impl GrantForm {
    fn ends_at(&self, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
        let wrong = |message: &str| Problem::invalid(vec![wrong("days", message)]);
        if self.days.is_empty() {
            return Ok(None);
        }
        let days: i64 = self
            .days
            .parse()
            .map_err(|_| wrong("is not a number of days"))?;
        if !(1..=36_500).contains(&days) {
            return Err(wrong("lies between 1 and 36500; empty means for ever"));
        }
        now.checked_add(SignedDuration::from_hours(24 * days))
            .map(Some)
            .map_err(|_| wrong("is too far away"))
    }
}

/// `POST /projects/{project}/customers/{who}/grant`.
async fn grant(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Form(sent): Form<GrantForm>,
) -> Result<Response, Problem> {
    let (entitlement, days) = (&*sent.entitlement, &*sent.days);
    let asked_as = sent.form.asked_as(&json!([entitlement, days]));
    let ends_at = sent.ends_at(app.engine.system().now())?;
    let duration = if ends_at.is_some() {
        "custom"
    } else {
        "lifetime"
    };
    let grant = Grant {
        entitlement: sent.entitlement.into(),
        duration: duration.into(),
        ends_at,
        is_counted: true,
        asked_as,
    };
    let customers = app.engine.customers();
    customers.grant(project.id, &who, &grant).await?;
    Ok(done(&path_of(&project.key, &who), "granted"))
}

/// The form that takes it back.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RevokeForm {
    entitlement: Trimmed,
}

/// `POST /projects/{project}/customers/{who}/revoke`.
async fn revoke(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Form(sent): Form<RevokeForm>,
) -> Result<Response, Problem> {
    let customers = app.engine.customers();
    customers
        .revoke_grants(project.id, &who, &sent.entitlement)
        .await?;
    Ok(done(&path_of(&project.key, &who), "revoked"))
}
