//! What is done to an offering: everybody is shown it, or it goes.
//!
//! Tests: `crates/dashboard/tests/sections/offerings.rs`.

use super::page::page;
use crate::{
    form::{Form, Trimmed},
    respond::done,
    shell::Place,
    state::Dashboard,
};
use axum::{extract::State, http::Uri, response::Response};
use configuration::{Given, Problem as Wrong};
use serde::Deserialize;
use web::{
    App,
    access::Access,
    audit::Effect,
    configure::{Kind, configure, remove as remove_named},
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Form;
    use Effect::Configures;
    use Method::Post;
    vec![
        Route::page(
            Post(Configures),
            "/projects/{project}/offerings/show",
            Form,
            show,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/offerings/remove",
            Form,
            remove,
        ),
    ]
}

/// Which one is meant.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Meant {
    key: Trimmed,
}

/// `POST /projects/{project}/offerings/show`: everybody is shown it, or none where no key is sent.
async fn show(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Form(sent): Form<Meant>,
) -> Result<Response, Problem> {
    let mut desired = project.desired();
    desired.project.current_offering = if sent.key.is_empty() {
        Given::Default
    } else {
        Given::Set(sent.key.into())
    };
    match configure(&app, &project.caller, &desired).await? {
        Ok(_) => Ok(done(
            &format!("/projects/{}/offerings", project.key),
            "saved",
        )),
        Err(problems) => {
            let told = problems.into_iter().map(|Wrong { message, .. }| message);
            page(&app, Place::of(&project, &uri), told.collect()).await
        }
    }
}

/// `POST /projects/{project}/offerings/remove`.
async fn remove(
    State(app): State<App>,
    project: InProject,
    Form(sent): Form<Meant>,
) -> Result<Response, Problem> {
    remove_named(&app, &project, Kind::Offering, &sent.key).await?;
    let path = format!("/projects/{}/offerings", project.key);
    Ok(done(&path, "removed"))
}
