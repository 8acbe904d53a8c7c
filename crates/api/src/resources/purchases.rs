//! Purchases of any other store, as they are stated.

use axum::{body::Body, extract::State, http::Request};
use configuration as desired;
use domain::{InboxId, Store};
use engine::Accepted;
use serde::Serialize;
use serde_json::Value;
use web::{
    App,
    access::Access,
    audit::{Effect, Noted, Subject},
    body::{self, Json},
    problem::{Code, Problem},
    project::InProject,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Write;
    use Effect::Does;
    use Method::Post;
    vec![
        Route::new(
            Post(Does("state purchase of", Subject::Said)),
            "/api/v1/projects/{project}/purchases",
            Write,
            "States a purchase of any other store",
            state_purchase,
        )
        .body("Purchase"),
    ]
}

/// What a statement led to.
#[derive(Serialize)]
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

/// `POST .../purchases`: facts about a purchase of any other store. `app` names the app where there are several.
pub(crate) async fn state_purchase(
    State(app): State<App>,
    project: InProject,
    request: Request<Body>,
) -> Result<Noted<Json<Stated>>, Problem> {
    let bytes = body::read(request).await?;
    let mut statement: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::new(Code::MalformedBody, error.to_string()))?;
    let wanted = statement
        .as_object_mut()
        .and_then(|statement| statement.remove("app"));
    let invalid = |message: &str| {
        Problem::invalid(vec![desired::Problem {
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
    let customer = statement["app_user_id"].as_str().unwrap_or_default();
    let customer = customer.to_owned();
    let accepted = app
        .engine
        .intake()
        .take_statement(target, statement.to_string().as_bytes())
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
