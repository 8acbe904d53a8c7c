//! Projects.
//!
//! Tests: `crates/api/tests/resources/projects.rs`.

use super::answer::{Answer, Configured, List, configured, list};
use axum::extract::{Path, State};
use configuration::{Desired, DesiredProject};
use domain::ProjectId;
use ledger::{Project, TransferBehaviour};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use web::{
    App,
    access::{Access, Caller},
    audit::Effect,
    body::Json,
    configure::configure,
    problem::{Code, Problem},
    project::InProject,
    query::{Filters, NoFilters},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Effect::Configures;
    use Method::{Get, Put};
    vec![
        Route::operation(Get, "/api/v1/projects", Read, "Projects", projects),
        Route::operation(
            Get,
            "/api/v1/projects/{project}",
            Read,
            "One project",
            project,
        ),
        Route::operation(
            Put(Configures),
            "/api/v1/projects/{project}",
            Write,
            "Creates or changes a project",
            put_project,
        ),
    ]
}

/// A project.
#[derive(Serialize, ToSchema)]
#[schema(as = Project)]
pub(crate) struct ProjectView {
    /// Its id.
    id: ProjectId,
    /// Its key in configuration files, unique.
    key: String,
    /// Its name.
    name: String,
    /// Events of chains first seen later than this many hours after they happened are marked historical.
    historical_window_hours: u32,
    /// What happens to a purchase that another customer sends in.
    #[schema(required = false)]
    transfer_behaviour: TransferBehaviour,
    /// The same in the sandbox; like production when absent.
    sandbox_transfer_behaviour: Option<TransferBehaviour>,
    /// Key of the offering that everybody is shown to whom none is shown in particular.
    current_offering: Option<String>,
}

impl From<&Project> for ProjectView {
    fn from(row: &Project) -> Self {
        Self {
            id: row.id,
            key: row.key.clone(),
            name: row.name.clone(),
            historical_window_hours: row.historical_window_hours,
            transfer_behaviour: row.transfer_behaviour,
            sandbox_transfer_behaviour: row.sandbox_transfer_behaviour,
            current_offering: row.current_offering.clone(),
        }
    }
}

pub(crate) async fn projects(
    State(app): State<App>,
    caller: Caller,
    _: Filters<NoFilters>,
) -> Answer<List<ProjectView>> {
    let setup = app.engine.setup();
    let reached = setup
        .projects()
        .filter(|project| caller.reaches(project.row.id));
    let shown = reached.map(|project| ProjectView::from(&project.row));
    Ok(list(shown, None))
}

pub(crate) async fn project(project: InProject) -> Answer<ProjectView> {
    Ok(Json(ProjectView::from(&project.compiled()?.row)))
}

/// A project as it should be, without its key, which is in the path.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct ProjectBody(Map<String, Value>);

impl PartialSchema for ProjectBody {
    fn schema() -> RefOr<Schema> {
        let mut schema = DesiredProject::schema();
        if let RefOr::T(Schema::Object(project)) = &mut schema {
            project.properties.remove("key");
            project.required.retain(|name| name != "key");
        }
        schema
    }
}

impl ToSchema for ProjectBody {
    fn name() -> Cow<'static, str> {
        DesiredProject::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        DesiredProject::schemas(schemas);
    }
}

pub(crate) async fn put_project(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(ProjectBody(mut body)): Json<ProjectBody>,
) -> Configured {
    let known = app
        .engine
        .setup()
        .find_project(&key)
        .map(|project| project.row.id);
    // A key of one project may change that project, and create none.
    if caller.project.is_some() && caller.project != known {
        return Err(Problem::not_found("project", &key));
    }
    body.insert("key".into(), key.into());
    let project: DesiredProject = serde_json::from_value(body.into())
        .map_err(|error| Problem::new(Code::MalformedBody, error.to_string()))?;
    let desired = Desired {
        project,
        ..Desired::default()
    };
    configured(configure(&app, &caller, &desired).await)
}
