//! Adding an integration, and saving the one there is.

use super::{
    page::page,
    target::{Names, Target},
};
use crate::{
    form::{Sent, Submitted},
    state::Dashboard,
};
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, Uri},
    response::Response,
};
use configuration::{DesiredIntegration, Given};
use web::{
    App,
    access::Access,
    audit::Effect,
    body,
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

/// What a form says of an integration.
pub(super) fn given(app: &App, target: Target<'_>, sent: &Sent) -> Submitted {
    let key = target.active.map(|active| active.row.key.as_str());
    Submitted::read(target.described(), sent, (key, target.shown(app)))
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
    let sent = Sent::read(&body::read(request).await?);
    let mut given = given(&app, target, &sent);
    given.refuse_taken(|key| project.integration(key).is_ok());
    if given.problems.is_empty() {
        let wanted = DesiredIntegration {
            name: given.name(),
            destination: Given::Set(target.spec.key.into()),
            paused: Given::Keep,
            settings: Given::Set(given.settings.clone()),
        };
        let section = (&project, "integrations");
        if let Some(saved) = given.save(&app, section, wanted).await? {
            return Ok(saved);
        }
    }
    page(&app, (&project, &uri), target, given.draft(), None).await
}
