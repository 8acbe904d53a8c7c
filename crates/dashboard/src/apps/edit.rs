//! Adding an app, and saving the one there is.

use super::{
    page::page,
    target::{Names, find},
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
use configuration::{DesiredApp, Given};
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
    let sent = Sent::read(&body::read(request).await?);
    let key = target.row.map(|row| row.key.as_str());
    let known = target.stored(&app);
    let mut given = Submitted::read(target.described(), &sent, (key, known));
    given.refuse_taken(|key| find(&project, key).is_ok());
    if given.problems.is_empty() {
        let wanted = DesiredApp {
            name: given.name(),
            store: Given::Set(target.spec.store.id().into()),
            settings: given.settings.clone(),
        };
        if let Some(saved) = given.save(&app, (&project, "apps"), wanted).await? {
            return Ok(saved);
        }
    }
    page(&app, (&project, &uri), target, given.draft(), None).await
}
