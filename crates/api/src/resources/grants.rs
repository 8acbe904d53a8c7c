//! Access given by hand, and taken back.
//!
//! Tests: `crates/api/tests/resources/grants.rs`.

use super::answer::Answer;
use axum::extract::{Path, State};
use engine::Grant;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    answer::Empty,
    asked_as::AskedAs,
    audit::{Effect, Subject},
    body::Json,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Write;
    use Effect::Does;
    use Method::{Delete, Post};
    vec![
        Route::operation(
            Post(Does("give access to", Subject::Customer("who"))),
            "/api/v1/projects/{project}/customers/{who}/grants",
            Write,
            "Gives access by hand",
            grant,
        ),
        Route::operation(
            Delete(Does("take access back from", Subject::Customer("who"))),
            "/api/v1/projects/{project}/customers/{who}/grants/{entitlement}",
            Write,
            "Takes access given by hand back",
            revoke,
        ),
    ]
}

/// Access to be given by hand.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGrant {
    /// Key of the entitlement.
    entitlement: String,
    /// Until when; for ever when absent.
    ends_at: Option<Timestamp>,
}

/// `POST .../customers/{customer}/grants`.
pub(crate) async fn grant(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    AskedAs(asked_as): AskedAs,
    Json(body): Json<NewGrant>,
) -> Result<Empty<201>, Problem> {
    if body
        .ends_at
        .is_some_and(|end| end <= app.engine.system().now())
    {
        return Err(Problem::invalid(vec![configuration::Problem {
            path: vec!["ends_at".into()],
            message: "lies in the past".into(),
        }]));
    }
    let grant = Grant {
        entitlement: body.entitlement,
        duration: if body.ends_at.is_some() {
            "custom"
        } else {
            "lifetime"
        }
        .into(),
        ends_at: body.ends_at,
        is_counted: false,
        asked_as,
    };
    app.engine
        .customers()
        .grant(project.id, &who, &grant)
        .await?;
    Ok(Empty)
}

/// How many grants it ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct Revoked {
    revoked: usize,
}

/// `DELETE .../customers/{customer}/grants/{entitlement}`.
pub(crate) async fn revoke(
    State(app): State<App>,
    project: InProject,
    Path((_, who, entitlement)): Path<(String, String, String)>,
) -> Answer<Revoked> {
    let revoked = app
        .engine
        .customers()
        .revoke_grants(project.id, &who, &entitlement)
        .await?;
    Ok(Json(Revoked { revoked }))
}
