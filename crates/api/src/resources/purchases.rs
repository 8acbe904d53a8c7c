//! Purchases of any other store, as they are stated.
//!
//! Tests: `crates/api/tests/resources/purchases.rs`.

use axum::extract::State;
use domain::{InboxId, Store};
use engine::Accepted;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sources::stated::Statement;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};
use web::{
    App,
    access::Access,
    audit::{Effect, Noted, Subject},
    body::Json,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Write;
    use Effect::Does;
    use Method::Post;
    vec![Route::operation(
        Post(Does("state purchase of", Subject::SaidCustomer)),
        "/api/v1/projects/{project}/purchases",
        Write,
        "States a purchase of any other store",
        state_purchase,
    )]
}

/// What a statement led to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stated {
    /// It was made before.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate: Option<bool>,
    /// How many events it led to.
    events: usize,
    /// Its id in the inbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<InboxId>,
}

impl Stated {
    const fn new(message: InboxId, events: usize) -> Self {
        Self {
            duplicate: None,
            events,
            message: Some(message),
        }
    }
}

/// A statement, and the app it is about. It is read by the source of the app, which says what is wrong with it.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct StatedPurchase(Map<String, Value>);

impl PartialSchema for StatedPurchase {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(statement)) = Statement::schema() else {
            return Statement::schema();
        };
        let app = ObjectBuilder::new().schema_type(Type::String);
        let app = app.description(Some(
            "Key of the app; needed where the project has several of them.",
        ));
        ObjectBuilder::from(statement).property("app", app).into()
    }
}

impl ToSchema for StatedPurchase {
    fn name() -> Cow<'static, str> {
        "StatedPurchase".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Statement::schemas(schemas);
    }
}

/// `POST .../purchases`: facts about a purchase of any other store. `app` names the app where there are several.
pub(crate) async fn state_purchase(
    State(app): State<App>,
    project: InProject,
    Json(StatedPurchase(mut statement)): Json<StatedPurchase>,
) -> Result<Noted<Json<Stated>>, Problem> {
    let wanted = statement.remove("app");
    let invalid = |message: &str| {
        Problem::invalid(vec![configuration::Problem {
            path: vec!["app".into()],
            message: message.into(),
        }])
    };
    // Apps that somebody configured: the simulator's has lives of its own.
    let mut external = project.setup.configuration.apps.iter().filter(|row| {
        row.project == project.id
            && row.store() == Store::External
            && wanted
                .as_ref()
                .is_none_or(|wanted| wanted.as_str() == Some(&row.key))
    });
    let target = match (external.next(), external.next()) {
        (Some(target), None) => target.id,
        (None, _) => {
            return Err(invalid(
                "names no app with `store = \"external\"`; add one to the project",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(invalid(
                "is required: the project has several external apps",
            ));
        }
    };
    let customer = statement.get("app_user_id").and_then(Value::as_str);
    let customer = customer.unwrap_or_default().to_owned();
    let statement = Value::from(statement).to_string();
    let accepted = app
        .engine
        .intake()
        .take_statement(target, statement.as_bytes())
        .await?;
    let stated = match accepted {
        Accepted::Processed { id, events } => Stated::new(id, events),
        Accepted::Parked { id } | Accepted::Pending { id } => Stated::new(id, 0),
        Accepted::Duplicate => Stated {
            duplicate: Some(true),
            events: 0,
            message: None,
        },
    };
    Ok(Noted::to(customer, Json(stated)))
}
