//! Projects.

use super::answer::{Answer, Configured, List, configured, list};
use axum::extract::{Path, State};
use configuration::{Desired, DesiredProject};
use ledger::Project;
use serde::Deserialize;
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

pub(crate) async fn projects(
    State(app): State<App>,
    caller: Caller,
    _: Filters<NoFilters>,
) -> Answer<List<Project>> {
    let setup = app.engine.setup();
    let reached = setup
        .projects()
        .filter(|project| caller.reaches(project.row.id));
    Ok(list(reached.map(|project| project.row.clone()), None))
}

pub(crate) async fn project(project: InProject) -> Answer<Project> {
    let known = project.setup.project(project.id);
    let known = known.ok_or_else(|| Problem::not_found("project", &project.key))?;
    Ok(Json(known.row.clone()))
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
