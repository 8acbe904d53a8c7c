//! What all resources answer: one thing, a page of a list, what a change did.

use configuration::Action;
use serde::Serialize;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type, schema::SchemaType},
};
use web::{
    App,
    answer::{Empty, There},
    body::Json,
    configure::{self, Kind, Named, Taken},
    problem::Problem,
    project::InProject,
};

/// What is answered with one thing.
pub(super) type Answer<T> = Result<Json<T>, Problem>;

/// A page of a list.
#[derive(Serialize)]
pub(crate) struct List<T> {
    data: Vec<T>,
    /// What to pass as `before`, or `after`, for the following page; `null` at the end.
    next: Option<String>,
}

impl<T: ToSchema> PartialSchema for List<T> {
    fn schema() -> RefOr<Schema> {
        let cursor = SchemaType::from_iter([Type::String, Type::Null]);
        let cursor = ObjectBuilder::new().schema_type(cursor).description(Some(
            "What to pass as `before`, or `after`, for the following page; null at the end.",
        ));
        let data = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let page = ObjectBuilder::new().description(Some("A page of a list."));
        let page = page.property("data", data).required("data");
        page.property("next", cursor).required("next").into()
    }
}

impl<T: ToSchema> ToSchema for List<T> {
    fn name() -> Cow<'static, str> {
        format!("{}List", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((T::name().into_owned(), T::schema()));
    }
}

pub(super) fn list<T>(data: impl IntoIterator<Item = T>, next: Option<String>) -> Json<List<T>> {
    let data = data.into_iter().collect();
    Json(List { data, next })
}

/// What a change of the configuration did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Steps {
    steps: Vec<StepView>,
}

#[derive(Serialize, ToSchema)]
struct StepView {
    action: Action,
    /// The secret that what it sends is signed with, where none was given and one was made. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
    /// Kind and name of a thing.
    subject: String,
}

impl From<Taken> for StepView {
    fn from(step: Taken) -> Self {
        Self {
            action: step.action,
            signing_secret: step.made.map(|secret| secret.expose().to_owned()),
            subject: step.subject,
        }
    }
}

/// 201 when something was created, 200 otherwise.
pub(super) type Configured = Result<There<Steps>, Problem>;

/// What was asked for is done, and there is nothing to show.
pub(super) type Done = Result<Empty<204>, Problem>;

/// What came of planning and applying.
pub(super) fn configured(done: configure::Configured) -> Configured {
    let steps = done?.map_err(Problem::invalid)?;
    let created = steps.iter().any(|step| step.action == Action::Create);
    let steps = steps.into_iter().map(StepView::from);
    let steps = Steps {
        steps: steps.collect(),
    };
    Ok(if created {
        There::Made(steps)
    } else {
        There::Found(steps)
    })
}

/// Creates or changes a named thing of a project.
pub(super) async fn put<T: Named>(
    app: &App,
    project: &InProject,
    name: String,
    wanted: T,
) -> Configured {
    configured(configure::put(app, project, [(name, wanted)]).await)
}

/// Removes a named thing of a project.
pub(super) async fn remove(app: &App, project: &InProject, kind: Kind, name: &str) -> Done {
    configure::remove(app, project, kind, name).await?;
    Ok(Empty)
}
