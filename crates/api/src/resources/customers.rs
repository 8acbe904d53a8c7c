//! Customers: read, changed, moved and forgotten.

use super::answer::{Answer, Done, List, list};
use axum::extract::{Path, State};
use domain::{
    AccessLevel, AppId, ChainKey, CustomerId, Environment, Snapshot,
    attribute::Write,
    customer::{Attribution, AttributionStatus, Customer},
    fact::TransactionFact,
    time::is_ahead,
};
use engine::{CustomerUpdate, Setup, WriteError};
use jiff::Timestamp;
use ledger::{CustomerRecord, Purchase};
use serde::{Deserialize, Serialize};
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
            Get,
            "/api/v1/projects/{project}/customers/{who}",
            Read,
            "One customer, by id or app user id, with purchases and access",
            customer,
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

pub(crate) async fn customer(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
) -> Answer<Detail> {
    let record = app
        .engine
        .ledger()
        .customer(project.id, &who)
        .await?
        .ok_or_else(|| Problem::not_found("customer", &who))?;
    Ok(Json(shown(
        &project.setup,
        record,
        app.engine.system().now(),
    )))
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
        analytics_disabled: body.analytics_disabled,
        attribution,
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

/// A customer as the ledger keeps it.
#[derive(Serialize, ToSchema)]
#[schema(as = Customer)]
pub(crate) struct CustomerView {
    /// Its id.
    id: CustomerId,
    /// The app's name for the customer, or a generated anonymous one.
    app_user_id: String,
    /// When it was first heard of.
    first_seen: Timestamp,
    /// When it was last heard of.
    last_seen: Timestamp,
    /// Its other names, oldest first.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    /// Attributes; reserved ones begin with `$`.
    #[schema(required = false)]
    attributes: BTreeMap<String, String>,
    /// When each attribute was written or deleted, as its writer says: the last write wins. Not part of events.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    written: BTreeMap<String, Timestamp>,
    /// The customer does not want third parties to hear of it.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    analytics_disabled: bool,
    /// When the app was first installed, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    installed_at: Option<Timestamp>,
    /// Through which campaign it came; the first word stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<Attribution>,
    /// Money charged less money refunded, in millionths of a US dollar, as far as amounts in dollars are known.
    #[schema(required = false)]
    revenue_usd_micros: i64,
}

impl From<Customer> for CustomerView {
    fn from(row: Customer) -> Self {
        Self {
            id: row.id,
            app_user_id: row.app_user_id,
            first_seen: row.first_seen,
            last_seen: row.last_seen,
            aliases: row.aliases,
            attributes: row.attributes,
            written: row.written,
            analytics_disabled: row.analytics_disabled,
            installed_at: row.installed_at,
            attribution: row.attribution,
            revenue_usd_micros: row.revenue_usd_micros,
        }
    }
}

/// A customer with purchases and access.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerView)]
pub(crate) struct Detail {
    access: AccessView,
    customer: CustomerView,
    customer_seq: u64,
    purchases: Vec<PurchaseView>,
}

/// By entitlement.
#[derive(Serialize, ToSchema)]
struct AccessView {
    production: BTreeMap<String, LevelView>,
    sandbox: BTreeMap<String, LevelView>,
}

#[derive(Serialize, ToSchema)]
struct LevelView {
    is_active_now: bool,
    level: AccessLevel,
}

#[derive(Serialize, ToSchema)]
struct PurchaseView {
    app: AppId,
    chain: ChainKey,
    snapshot: Snapshot,
    transactions: Vec<TransactionFact>,
}

fn shown(setup: &Setup, record: CustomerRecord, now: Timestamp) -> Detail {
    let unlocks = record
        .purchases
        .first()
        .and_then(|owned| setup.app(owned.app))
        .and_then(|app| setup.project(app.row.project))
        .map(|project| project.unlocks.clone())
        .unwrap_or_default();
    let access = |environment| {
        let of_environment = record
            .purchases
            .iter()
            .filter(|owned| owned.chain.environment == environment)
            .map(|owned| (&owned.chain, &owned.stored.snapshot));
        let levels = domain::access::access(of_environment, &unlocks).into_iter();
        let shown = levels.map(|(id, level)| {
            let is_active_now = level.is_active_at(now);
            (
                id,
                LevelView {
                    is_active_now,
                    level,
                },
            )
        });
        shown.collect()
    };
    Detail {
        access: AccessView {
            production: access(Environment::Production),
            sandbox: access(Environment::Sandbox),
        },
        customer_seq: record.seq,
        purchases: record
            .purchases
            .into_iter()
            .map(|Purchase { app, chain, stored }| PurchaseView {
                app,
                chain,
                snapshot: stored.snapshot,
                transactions: stored
                    .facts
                    .transactions
                    .into_values()
                    .map(|transaction| transaction.fact)
                    .collect(),
            })
            .collect(),
        customer: record.customer.into(),
    }
}
