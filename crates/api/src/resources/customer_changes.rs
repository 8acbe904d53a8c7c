//! What is done to customers and to messages that wait, and purchases that are stated.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
};
use configuration as desired;
use domain::{
    Store,
    attribute::Write,
    customer::{Attribution, AttributionStatus},
};
use engine::{Accepted, Grant, WriteError};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    body::{self, Json},
    problem::{Code, Problem},
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Method::{Delete, Get, Patch, Post};
    vec![
        Route::new(
            Post,
            "/api/v1/projects/{project}/purchases",
            Write,
            "States a purchase of any other store",
            state_purchase,
        )
        .body("Purchase"),
        Route::new(
            Delete,
            "/api/v1/projects/{project}/customers/{who}",
            Write,
            "Forgets a customer",
            forget,
        ),
        Route::new(
            Post,
            "/api/v1/projects/{project}/customers/{who}/transfer",
            Write,
            "Moves all purchases to another customer",
            transfer,
        )
        .body("Transfer"),
        Route::new(
            Patch,
            "/api/v1/projects/{project}/customers/{who}",
            Write,
            "Writes attributes, install date and opt-out",
            change,
        )
        .body("CustomerChange"),
        Route::new(
            Post,
            "/api/v1/projects/{project}/customers/{who}/grants",
            Write,
            "Gives access by hand",
            grant,
        )
        .body("Grant"),
        Route::new(
            Delete,
            "/api/v1/projects/{project}/customers/{who}/grants/{entitlement}",
            Write,
            "Takes access given by hand back",
            revoke,
        ),
        Route::new(
            Get,
            "/api/v1/projects/{project}/parked",
            Read,
            "Messages that wait, each with its reason",
            parked,
        )
        .query(&["limit"]),
        Route::new(
            Post,
            "/api/v1/projects/{project}/parked/retry",
            Write,
            "Tries all waiting messages again",
            retry_all,
        ),
        Route::new(
            Post,
            "/api/v1/projects/{project}/parked/{message}/retry",
            Write,
            "Tries one waiting message again",
            retry_one,
        ),
    ]
}

type Answer = Result<axum::Json<Value>, Problem>;

/// Most waiting messages told at once.
const MOST_PARKED: usize = 200;

/// `POST .../purchases`: facts about a purchase of any other store. `app` names the app where there are several.
pub(crate) async fn state_purchase(
    State(app): State<App>,
    project: InProject,
    request: Request<Body>,
) -> Answer {
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
    let accepted = app
        .engine
        .take_statement(target, statement.to_string().as_bytes())
        .await?;
    Ok(axum::Json(match accepted {
        Accepted::Processed { id, events } => json!({ "message": id, "events": events }),
        Accepted::Parked { id } | Accepted::Pending { id } => json!({ "message": id, "events": 0 }),
        Accepted::Duplicate => json!({ "duplicate": true, "events": 0 }),
    }))
}

/// `DELETE .../customers/{customer}`.
pub(crate) async fn forget(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    app.engine.forget(project.id, &who).await?;
    // Whom is what was to be forgotten.
    project.did(&app, "forget", "a customer").await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    to: String,
}

/// `POST .../customers/{customer}/transfer`.
pub(crate) async fn transfer(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Json(body): Json<Transfer>,
) -> Answer {
    let events = app.engine.transfer(project.id, &who, &body.to).await?;
    project.did(&app, "move purchases of", &who).await?;
    Ok(axum::Json(json!({ "events": events })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    #[serde(default)]
    attributes: BTreeMap<String, Option<String>>,
    installed_at: Option<Timestamp>,
    analytics_disabled: Option<bool>,
    attribution: Option<NewAttribution>,
}

/// As [`Attribution`], less what we know ourselves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAttribution {
    source: String,
    status: AttributionStatus,
    channel: Option<String>,
    campaign: Option<String>,
    ad_group: Option<String>,
    ad_set: Option<String>,
    creative: Option<String>,
    network_user_id: Option<String>,
}

impl NewAttribution {
    fn checked(self, created_at: Timestamp) -> Result<Attribution, Problem> {
        let attribution = Attribution {
            source: self.source,
            status: self.status,
            channel: self.channel,
            campaign: self.campaign,
            ad_group: self.ad_group,
            ad_set: self.ad_set,
            creative: self.creative,
            network_user_id: self.network_user_id,
            created_at,
        };
        match attribution.problem() {
            None => Ok(attribution),
            Some((field, message)) => Err(Problem::invalid(vec![desired::Problem {
                path: vec!["attribution".into(), field.into()],
                message,
            }])),
        }
    }
}

/// `PATCH .../customers/{customer}`. The customer is made when there is none.
pub(crate) async fn change(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Json(body): Json<Change>,
) -> Answer {
    let now = app.engine.system().now();
    let attribution = body.attribution.map(|told| told.checked(now)).transpose()?;
    let writes: Vec<Write> = body
        .attributes
        .into_iter()
        .map(|(key, value)| Write {
            key,
            value,
            written_at: None,
        })
        .collect();
    app.engine
        .write_attributes(project.id, &who, &writes)
        .await
        .map_err(|error| match error {
            WriteError::Refused(refused) => Problem::invalid(
                refused
                    .into_iter()
                    .map(|refused| desired::Problem {
                        path: vec!["attributes".into(), refused.key],
                        message: refused.problem,
                    })
                    .collect(),
            ),
            WriteError::People(error) => error.into(),
        })?;
    if let Some(at) = body.installed_at {
        app.engine.set_installed_at(project.id, &who, at).await?;
    }
    if let Some(disabled) = body.analytics_disabled {
        app.engine
            .set_analytics_disabled(project.id, &who, disabled)
            .await?;
    }
    if let Some(attribution) = attribution {
        app.engine
            .set_attribution(project.id, &who, &attribution)
            .await?;
    }
    let profile = app.engine.profile(project.id, &who).await?;
    Ok(axum::Json(json!(profile.record.customer)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGrant {
    entitlement: String,
    ends_at: Option<Timestamp>,
}

/// `POST .../customers/{customer}/grants`.
pub(crate) async fn grant(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Json(body): Json<NewGrant>,
) -> Result<Response, Problem> {
    if body
        .ends_at
        .is_some_and(|end| end <= app.engine.system().now())
    {
        return Err(Problem::invalid(vec![desired::Problem {
            path: vec!["ends_at".into()],
            message: "lies in the past".into(),
        }]));
    }
    let grant = Grant {
        entitlement: body.entitlement,
        duration: if body.ends_at.is_some() {
            "custom"
        } else {
            "lifetime"
        }
        .into(),
        ends_at: body.ends_at,
    };
    app.engine.grant(project.id, &who, &grant).await?;
    project.did(&app, "give access to", &who).await?;
    Ok(StatusCode::CREATED.into_response())
}

/// `DELETE .../customers/{customer}/grants/{entitlement}`.
pub(crate) async fn revoke(
    State(app): State<App>,
    project: InProject,
    Path((_, who, entitlement)): Path<(String, String, String)>,
) -> Answer {
    let revoked = app
        .engine
        .revoke_grants(project.id, &who, &entitlement)
        .await?;
    project.did(&app, "take access back from", &who).await?;
    Ok(axum::Json(json!({ "revoked": revoked })))
}

/// `GET .../parked`.
pub(crate) async fn parked(State(app): State<App>, project: InProject) -> Answer {
    let rows = app
        .engine
        .ledger()
        .parked(project.id, None, None, MOST_PARKED)
        .await?;
    let items: Vec<Value> = rows
        .into_iter()
        .map(|parked| {
            json!({
                "id": parked.message.id, "app": parked.message.app, "source": parked.message.source,
                "title": parked.message.title, "received_at": parked.message.received_at,
                "reason": parked.reason, "tries": parked.tries, "retry_at": parked.retry_at,
            })
        })
        .collect();
    Ok(axum::Json(json!({ "items": items })))
}

/// `POST .../parked/retry`.
pub(crate) async fn retry_all(State(app): State<App>, project: InProject) -> Answer {
    let now = app.engine.system().now();
    let count = app.engine.ledger().unpark(project.id, None, now).await?;
    Ok(axum::Json(json!({ "retried": count })))
}

/// `POST .../parked/{message}/retry`.
pub(crate) async fn retry_one(
    State(app): State<App>,
    project: InProject,
    Path((_, message)): Path<(String, String)>,
) -> Answer {
    let now = app.engine.system().now();
    let id = parse("message", &message)?;
    let count = app
        .engine
        .ledger()
        .unpark(project.id, Some(id), now)
        .await?;
    if count == 0 {
        return Err(Problem::not_found("waiting message", &message));
    }
    Ok(axum::Json(json!({ "retried": count })))
}
