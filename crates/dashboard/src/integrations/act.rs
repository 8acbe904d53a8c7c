//! What is done to an integration that is there: a test, another handshake, a pause, a retry, its end.
//!
//! Tests: `crates/dashboard/tests/sections/integrations.rs`.

use super::tested::TEST;
use crate::{
    form::{Form, FormId, Ticked, wrong},
    respond::done,
    state::Dashboard,
    text::encode,
};
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use ledger::{ConfigurationChange, Integration};
use serde::Deserialize;
use std::time::Duration;
use web::{
    App,
    access::Access,
    audit::{Effect, Subject},
    configure::{Kind, decide_in, remove as remove_named},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Form;
    use Effect::{Configures, Does};
    use Method::Post;
    vec![
        Route::page(
            Post(Does("send test event to", Subject::Path("key"))),
            "/projects/{project}/integrations/{key}/test",
            Form,
            send_test,
        ),
        Route::page(
            Post(Does("verify endpoint of", Subject::Path("key"))),
            "/projects/{project}/integrations/{key}/verify",
            Form,
            verify,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/integrations/{key}/pause",
            Form,
            pause,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/integrations/{key}/resume",
            Form,
            resume,
        ),
        Route::page(
            Post(Does("retry failed deliveries of", Subject::Path("key"))),
            "/projects/{project}/integrations/{key}/retry",
            Form,
            retry_failed,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/integrations/{key}/remove",
            Form,
            remove,
        ),
    ]
}

/// The page of an integration, after something was done to it.
fn done_to(project: &InProject, row: &Integration, notice: &str) -> Response {
    let key = encode(&row.key);
    let path = format!("/projects/{}/integrations/{key}", project.key);
    done(&path, notice)
}

/// How long whoever sends a test event waits for its first attempt; the page that follows tells of later ones by itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// The form that sends a test event.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct TestForm {
    form: FormId,
}

/// `POST /projects/{project}/integrations/{key}/test`: leads to the page that says what came of it.
async fn send_test(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Form(sent): Form<TestForm>,
) -> Result<Response, Problem> {
    let active = project.integration(&key)?;
    let dispatch = app.engine.dispatch();
    let asked = sent.form.event(project.id, &active.row.id.to_string());
    let event = dispatch.send_test(active, asked).await?;
    dispatch.tried(active, &event, PATIENCE).await?;
    let (project, key) = (&project.key, encode(&active.row.key));
    let page = format!("/projects/{project}/integrations/{key}?{TEST}={}", event.id);
    Ok(Redirect::to(&page).into_response())
}

/// `POST /projects/{project}/integrations/{key}/verify`.
async fn verify(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let active = project.integration(&key)?;
    app.engine.dispatch().begin_verifying(active);
    Ok(done_to(&project, &active.row, "verifying"))
}

/// Puts an integration as `change` makes it of what it is; answers with it.
async fn put(
    app: &App,
    project: &InProject,
    key: &str,
    change: impl Fn(Integration) -> Integration,
) -> Result<Integration, Problem> {
    let decision = |project: &InProject| {
        let row = change((*project.integration(key)?.row).clone());
        Ok((vec![ConfigurationChange::PutIntegration(row.clone())], row))
    };
    decide_in(app, project, decision).await
}

/// `POST /projects/{project}/integrations/{key}/pause`.
async fn pause(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let change = |row| Integration {
        paused: true,
        ..row
    };
    let row = put(&app, &project, &key, change).await?;
    Ok(done_to(&project, &row, "paused"))
}

/// `POST /projects/{project}/integrations/{key}/resume`.
async fn resume(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let change = |row| Integration {
        paused: false,
        ..row
    };
    let row = put(&app, &project, &key, change).await?;
    Ok(done_to(&project, &row, "resumed"))
}

/// `POST /projects/{project}/integrations/{key}/retry`.
async fn retry_failed(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = &project.integration(&key)?.row;
    app.engine.dispatch().retry_failed(row.id).await?;
    Ok(done_to(&project, row, "retried"))
}

/// The form that removes one.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RemoveForm {
    sure: Ticked,
}

/// `POST /projects/{project}/integrations/{key}/remove`, once the box is ticked.
async fn remove(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Form(sent): Form<RemoveForm>,
) -> Result<Response, Problem> {
    if !sent.sure.0 {
        let message = "tick the box to remove the integration";
        return Err(Problem::invalid(vec![wrong("sure", message)]));
    }
    remove_named(&app, &project, Kind::Integration, &key).await?;
    let path = format!("/projects/{}/integrations", project.key);
    Ok(done(&path, "removed"))
}
