//! Adding an app, and saving the one there is.
//!
//! Tests: `crates/dashboard/tests/sections/apps.rs`.

use super::{page::page, target::Names};
use crate::{
    form::{Saved, save},
    shell::Place,
    state::Dashboard,
};
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, Uri},
    response::Response,
};
use web::{
    App,
    access::Access,
    audit::Effect,
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
            "/projects/{project}/apps/new/{store}",
            Form,
            put,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/apps/{key}",
            Form,
            put,
        ),
    ]
}

/// `POST /projects/{project}/apps/{key}`, and `POST /projects/{project}/apps/new/{store}`.
async fn put(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path(names): Path<Names>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let target = names.target(&project)?;
    match save(&app, &project, &target, request).await? {
        Saved::Done(answer, _) => Ok(answer),
        Saved::Again(draft) => page(&app, Place::of(&project, &uri), target, draft, None).await,
    }
}
