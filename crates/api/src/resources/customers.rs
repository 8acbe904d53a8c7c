//! Customers: listed, changed, moved and forgotten. One is shown by `customer.rs`.
//!
//! Tests: `crates/api/tests/resources/customers.rs`.

use super::answer::{Answer, Done, List, list};
use axum::extract::{Path, State};
use domain::{
    attribute::Write,
    customer::{Attribution, AttributionStatus},
    time::is_ahead,
};
use engine::{CustomerUpdate, WriteError};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    answer::Empty,
    audit::{Effect, Subject},
    body::Json,
    problem::Problem,
    project::InProject,
    query::{Filters, PageQuery},
    route::{Method, Route},
    view::CustomerView,
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Effect::Does;
    use Method::{Delete, Get, Patch, Post};
    vec![
        Route::operation(
            Get,
            "/api/v1/projects/{project}/customers",
            Read,
            "Customers, newest first",
            customers,
        ),
        Route::operation(
            // Whom is what was to be forgotten.
            Delete(Does("forget", Subject::Always("a customer"))),
            "/api/v1/projects/{project}/customers/{who}",
            Write,
            "Forgets a customer",
            forget,
        ),
        Route::operation(
            Post(Does("move purchases of", Subject::Customer("who"))),
            "/api/v1/projects/{project}/customers/{who}/transfer",
            Write,
            "Moves all purchases to another customer",
            transfer,
        ),
        Route::operation(
            Patch(Does("change customer", Subject::Customer("who"))),
            "/api/v1/projects/{project}/customers/{who}",
            Write,
            "Writes attributes, install date and opt-out",
            change,
        ),
    ]
}

pub(crate) async fn customers(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters<PageQuery>,
) -> Answer<List<CustomerView>> {
    let limit = query.limit();
    let rows = app
        .engine
        .ledger()
        .customers(project.id, query.before()?, limit)
        .await?;
    let next = (rows.len() == limit)
        .then(|| rows.last().map(|row| row.id.to_string()))
        .flatten();
    Ok(list(rows.into_iter().map(CustomerView::from), next))
}

/// `DELETE .../customers/{customer}`.
pub(crate) async fn forget(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
) -> Done {
    app.engine.customers().forget(project.id, &who).await?;
    Ok(Empty)
}

/// To whom purchases go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    /// An `app_user_id`; the customer is made when there is none.
    to: String,
}

/// How many events it led to.
#[derive(Serialize, ToSchema)]
pub(crate) struct Moved {
    events: usize,
}

/// `POST .../customers/{customer}/transfer`.
pub(crate) async fn transfer(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Json(body): Json<Transfer>,
) -> Answer<Moved> {
    let events = app
        .engine
        .customers()
        .transfer(project.id, &who, &body.to)
        .await?;
    Ok(Json(Moved { events }))
}

/// What is to be different of a customer; the rest stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomerChange)]
pub(crate) struct Change {
    /// By name; null removes one.
    #[serde(default)]
    attributes: BTreeMap<String, Option<String>>,
    /// When the app was first installed.
    installed_at: Option<Timestamp>,
    /// The customer does not want third parties to hear of it.
    analytics_disabled: Option<bool>,
    /// Through which campaign the customer came; the first word stays.
    attribution: Option<NewAttribution>,
    /// Key of the offering that clients show to this customer, whatever others are shown; null for none in particular.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    offering: Option<Option<String>>,
}

/// A member that is there, null or not.
fn said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

/// As [`Attribution`], less what we know ourselves.
#[derive(Deserialize, ToSchema)]
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
            Some((field, message)) => Err(Problem::invalid(vec![configuration::Problem {
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
) -> Answer<CustomerView> {
    let now = app.engine.system().now();
    let attribution = body.attribution.map(|told| told.checked(now)).transpose()?;
    if body.installed_at.is_some_and(|at| is_ahead(at, now)) {
        return Err(Problem::invalid(vec![configuration::Problem {
            path: vec!["installed_at".into()],
            message: "lies at most five minutes ahead of this server's clock".into(),
        }]));
    }
    if let Some(Some(key)) = &body.offering {
        project.offering(key)?;
    }
    let writes: Vec<Write> = body
        .attributes
        .into_iter()
        .map(|(key, value)| Write {
            key,
            value,
            written_at: None,
        })
        .collect();
    let update = CustomerUpdate {
        attributes: writes,
        installed_at: body.installed_at,
        app_purchase: None,
        analytics_disabled: body.analytics_disabled,
        attribution,
        offering: body.offering,
    };
    let customers = app.engine.customers();
    match customers.update(project.id, &who, &update).await {
        Ok(customer) => Ok(Json(customer.into())),
        Err(WriteError::Refused(refused)) => Err(Problem::invalid(
            refused
                .into_iter()
                .map(|refused| configuration::Problem {
                    path: vec!["attributes".into(), refused.key],
                    message: refused.problem,
                })
                .collect(),
        )),
        Err(WriteError::Customer(error)) => Err(error.into()),
    }
}
