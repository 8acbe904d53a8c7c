//! Adding an integration, and saving the one there is.
//!
//! Tests: `crates/dashboard/tests/sections/integrations.rs`.

use super::{
    page::{Also, page},
    target::Names,
};
use crate::{
    form::{MadeFor, Saved, save},
    once::Once,
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
            "/projects/{project}/integrations/new/{destination}",
            Form,
            put,
        ),
        Route::page(
            Post(Configures),
            "/projects/{project}/integrations/{key}",
            Form,
            put,
        ),
    ]
}

/// `POST /projects/{project}/integrations/{key}`, and `POST /projects/{project}/integrations/new/{destination}`.
async fn put(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path(names): Path<Names>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let target = names.target(&project)?;
    match save(&app, &project, &target, request).await? {
        Saved::Done(answer, None) => Ok(answer),
        Saved::Done(_, Some(made)) => {
            let once = Once {
                title: "Its signing secret".into(),
                hint: "What is sent is signed with it, so that the receiver can tell. Copy it now: it is not shown again.",
                secret: made.secret.expose().to_owned(),
                back: format!("/projects/{}/integrations/{}", project.key, made.key),
            };
            let page = shown_once(&app, Place::of(&project, &uri), made);
            Ok(once.shown_on(page).await)
        }
        Saved::Again(draft) => {
            page(
                &app,
                Place::of(&project, &uri),
                target,
                draft,
                Also::Nothing,
            )
            .await
        }
    }
}

/// The page of an integration that was saved, with the secret that was made for it.
async fn shown_once(app: &App, at: Place<'_>, made: MadeFor) -> Result<Response, Problem> {
    let project = at.project.on(&app.engine.setup())?;
    let names = Names::of(made.key);
    let target = names.target(&project)?;
    let draft = target.draft(app, &project);
    let also = Also::Made(made.secret.expose().to_owned());
    page(app, Place::of(&project, at.uri), target, draft, also).await
}
