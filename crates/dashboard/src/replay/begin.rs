//! Beginning a replay, and cancelling one.
//!
//! Tests: `crates/dashboard/tests/sections/replay.rs`.

use super::{asked::ReplayForm, page::page_of};
use crate::{form::Form, respond::done, shell::Place, state::Dashboard};
use axum::{
    extract::{Path, State},
    http::Uri,
    response::{IntoResponse, Response},
};
use web::{
    App,
    access::Access,
    audit::{Effect, Noted, Subject},
    problem::Problem,
    project::InProject,
    replay_form,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Form;
    use Effect::Does;
    use Method::Post;
    vec![
        Route::page(
            Post(Does("replay events to", Subject::Said)),
            "/projects/{project}/replay",
            Form,
            start,
        ),
        Route::page(
            Post(Does("cancel replay", Subject::Path("id"))),
            "/projects/{project}/replay/{id}/cancel",
            Form,
            cancel,
        ),
    ]
}

/// `POST /projects/{project}/replay`.
async fn start(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<ReplayForm>,
) -> Result<Response, Problem> {
    let asked_as = sent.asked_as();
    let (asked, problems) = sent.read();
    if problems.is_empty()
        && let Ok(wanted) = asked.check(&app, &project).await?
    {
        let key = wanted.active.row.key.clone();
        let begun = replay_form::begin(&app, &project, wanted, asked_as).await?;
        let path = format!("/projects/{}/replay#replays", project.key);
        let answer = done(&path, "replaying");
        return Ok(if begun.is_new {
            Noted::to(key, answer).into_response()
        } else {
            Noted::nothing(answer).into_response()
        });
    }
    page_of(&app, Place::of(&project, &uri), (asked, problems)).await
}

/// `POST /projects/{project}/replay/{id}/cancel`.
async fn cancel(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let did = replay_form::stop(&app, &project, &id).await?;
    let path = format!("/projects/{}/replay#replays", project.key);
    Ok(Noted::new(did, done(&path, "cancelled")).into_response())
}
