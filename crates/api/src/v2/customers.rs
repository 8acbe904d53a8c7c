//! Customers: listed, shown, given access, named anew by moving what they bought.
//!
//! Tests: `crates/api/tests/resources/v2/customers.rs`.

use super::{
    answer::{Millis, Page, Pages, within},
    error::Failure,
};
use axum::extract::{Path, State};
use domain::{CustomerId, Environment, ProjectId, access, access::Unlocks, attribute::Write};
use engine::Grant;
use jiff::Timestamp;
use ledger::CustomerRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    answer::With,
    audit::{Effect, Subject},
    body::Json,
    project::InProject,
    query::Filters,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Read, Write};
    use Effect::Does;
    use Method::{Delete, Get, Post};
    vec![
        Route::operation(
            Get,
            "/v2/projects/{project}/customers",
            Read,
            "Customers, newest first; RevenueCat v2 shape",
            customers,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/customers/{who}",
            Read,
            "One customer; RevenueCat v2 shape",
            customer,
        ),
        Route::operation(
            Delete(Does("forget", Subject::Always("a customer"))),
            "/v2/projects/{project}/customers/{who}",
            Write,
            "Forgets a customer; RevenueCat v2 shape",
            forget,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/customers/{who}/aliases",
            Read,
            "Names of a customer; RevenueCat v2 shape",
            aliases,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/customers/{who}/active_entitlements",
            Read,
            "What a customer may use now; RevenueCat v2 shape",
            active_entitlements,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/customers/{who}/attributes",
            Read,
            "Attributes of a customer; RevenueCat v2 shape",
            attributes,
        ),
        Route::operation(
            Post(Does("change customer", Subject::Customer("who"))),
            "/v2/projects/{project}/customers/{who}/attributes",
            Write,
            "Writes attributes; RevenueCat v2 shape",
            write_attributes,
        ),
        Route::operation(
            Post(Does("give access to", Subject::Customer("who"))),
            "/v2/projects/{project}/customers/{who}/actions/grant_entitlement",
            Write,
            "Gives access by hand; RevenueCat v2 shape",
            grant,
        ),
        Route::operation(
            Post(Does("take access back from", Subject::Customer("who"))),
            "/v2/projects/{project}/customers/{who}/actions/revoke_granted_entitlement",
            Write,
            "Takes access given by hand back; RevenueCat v2 shape",
            revoke,
        ),
        Route::operation(
            Post(Does("move purchases of", Subject::Customer("who"))),
            "/v2/projects/{project}/customers/{who}/actions/transfer",
            Write,
            "Moves all purchases to another customer; RevenueCat v2 shape",
            transfer,
        ),
    ]
}

/// A customer.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Customer)]
pub(crate) struct CustomerView {
    #[serde(skip_serializing_if = "Option::is_none")]
    active_entitlements: Option<Active>,
    #[schema(value_type = i64)]
    first_seen_at: Millis,
    id: String,
    #[schema(value_type = i64)]
    last_seen_at: Millis,
    object: &'static str,
    project_id: ProjectId,
}

within! {
    /// What a customer may use.
    Active of ActiveView, v2::Active
}

/// Something that a customer may use.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::ActiveEntitlement)]
pub(crate) struct ActiveView {
    entitlement_id: String,
    /// Null for ever.
    #[schema(value_type = Option<i64>)]
    expires_at: Option<Millis>,
    object: &'static str,
}

/// A name of a customer.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Alias)]
pub(crate) struct AliasView {
    id: String,
    object: &'static str,
}

/// An attribute.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Attribute)]
pub(crate) struct AttributeView {
    name: String,
    object: &'static str,
    #[schema(value_type = i64)]
    updated_at: Millis,
    value: String,
}

/// The customer of this name or id.
pub(super) async fn found(
    app: &App,
    project: &InProject,
    who: &str,
) -> Result<CustomerRecord, Failure> {
    let record = app.engine.ledger().customer(project.id, who).await?;
    record.ok_or_else(|| Failure::missing("customer", who))
}

/// Below which address something of a customer is.
fn below(project: &InProject, who: &str, what: &str) -> String {
    format!("/v2/projects/{}/customers/{who}/{what}", project.key)
}

/// What somebody may use now. Purchases of the sandbox count where none of production does.
fn active(project: &InProject, record: &CustomerRecord, now: Timestamp) -> Vec<ActiveView> {
    let none = Unlocks::new();
    let known = project.setup.project(project.id);
    let unlocks = known.map_or(&none, |known| &known.unlocks);
    let levels = |environment: Environment| {
        let owned = record.purchases.iter();
        let owned = owned.filter(|owned| owned.chain.environment == environment);
        let owned = owned.map(|owned| (&owned.chain, &owned.stored.snapshot));
        let levels = access::access(owned, unlocks).into_iter();
        levels
            .filter(|(_, level)| level.is_active_at(now))
            .collect::<Vec<_>>()
    };
    let mut all = levels(Environment::Sandbox);
    all.extend(levels(Environment::Production));
    let all: std::collections::BTreeMap<_, _> = all.into_iter().collect();
    let rows = all.into_iter().map(|(entitlement_id, level)| ActiveView {
        entitlement_id,
        expires_at: level.expires_at.map(Millis),
        object: "customer.active_entitlement",
    });
    rows.collect()
}

fn shown(project: &InProject, record: &CustomerRecord, now: Timestamp) -> CustomerView {
    let customer = &record.customer;
    let path = below(project, &customer.app_user_id, "active_entitlements");
    CustomerView {
        active_entitlements: Some(Active::whole(path, active(project, record, now))),
        first_seen_at: Millis(customer.first_seen),
        id: customer.app_user_id.clone(),
        last_seen_at: Millis(customer.last_seen),
        object: "customer",
        project_id: project.id,
    }
}

/// `GET .../customers`. What each may use is told of one at a time.
pub(crate) async fn customers(
    State(app): State<App>,
    project: InProject,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<CustomerView>>, Failure> {
    let ledger = app.engine.ledger();
    let after: Option<CustomerId> = match &pages.starting_after {
        None => None,
        Some(name) => Some(found(&app, &project, name).await?.customer.id),
    };
    let limit = pages.limit();
    let rows = ledger.customers(project.id, after, limit).await?;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|customer| CustomerView {
            active_entitlements: None,
            first_seen_at: Millis(customer.first_seen),
            id: customer.app_user_id,
            last_seen_at: Millis(customer.last_seen),
            object: "customer",
            project_id: project.id,
        })
        .collect();
    let last = rows.last().map(|row| row.id.clone());
    let path = format!("/v2/projects/{}/customers", project.key);
    Ok(Json(Page::read(&path, rows, limit, last)))
}

/// `GET .../customers/{customer}`.
pub(crate) async fn customer(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
) -> Result<Json<CustomerView>, Failure> {
    let record = found(&app, &project, &who).await?;
    Ok(Json(shown(&project, &record, app.engine.system().now())))
}

/// That a customer is forgotten.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Deleted)]
pub(crate) struct Deleted {
    #[schema(value_type = i64)]
    deleted_at: Millis,
    id: String,
    object: &'static str,
}

/// `DELETE .../customers/{customer}`.
pub(crate) async fn forget(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
) -> Result<Json<Deleted>, Failure> {
    app.engine.customers().forget(project.id, &who).await?;
    Ok(Json(Deleted {
        deleted_at: Millis(app.engine.system().now()),
        id: who,
        object: "customer",
    }))
}

/// `GET .../customers/{customer}/aliases`.
pub(crate) async fn aliases(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<AliasView>>, Failure> {
    let customer = found(&app, &project, &who).await?.customer;
    let names = std::iter::once(customer.app_user_id).chain(customer.aliases);
    let rows = names.map(|id| AliasView {
        id,
        object: "customer.alias",
    });
    let path = below(&project, &who, "aliases");
    let id = |row: &AliasView| row.id.clone();
    Ok(Json(Page::of(&path, &pages, rows.collect(), id)))
}

/// `GET .../customers/{customer}/active_entitlements`.
pub(crate) async fn active_entitlements(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<ActiveView>>, Failure> {
    let record = found(&app, &project, &who).await?;
    let rows = active(&project, &record, app.engine.system().now());
    let path = below(&project, &who, "active_entitlements");
    let id = |row: &ActiveView| row.entitlement_id.clone();
    Ok(Json(Page::of(&path, &pages, rows, id)))
}

/// `GET .../customers/{customer}/attributes`.
pub(crate) async fn attributes(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<AttributeView>>, Failure> {
    let customer = found(&app, &project, &who).await?.customer;
    let rows = customer.attributes.iter().map(|(name, value)| {
        let written = customer.written.get(name).copied();
        AttributeView {
            name: name.clone(),
            object: "customer.attribute",
            updated_at: Millis(written.unwrap_or(customer.last_seen)),
            value: value.clone(),
        }
    });
    let path = below(&project, &who, "attributes");
    let id = |row: &AttributeView| row.name.clone();
    Ok(Json(Page::of(&path, &pages, rows.collect(), id)))
}

/// Attributes to be written.
#[derive(Deserialize, ToSchema)]
#[schema(as = v2::Attributes)]
pub(crate) struct NewAttributes {
    attributes: Vec<NewAttribute>,
}

/// One of them; without a value it is removed.
#[derive(Deserialize, ToSchema)]
#[schema(as = v2::NewAttribute)]
struct NewAttribute {
    name: String,
    value: Option<String>,
}

/// `POST .../customers/{customer}/attributes`. Either all are kept or none.
pub(crate) async fn write_attributes(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Json(body): Json<NewAttributes>,
) -> Result<Json<CustomerView>, Failure> {
    found(&app, &project, &who).await?;
    let writes = body.attributes.into_iter().map(|one| Write {
        key: one.name,
        value: one.value,
        written_at: None,
    });
    let update = engine::CustomerUpdate {
        attributes: writes.collect(),
        ..engine::CustomerUpdate::default()
    };
    app.engine
        .customers()
        .update(project.id, &who, &update)
        .await?;
    let record = found(&app, &project, &who).await?;
    Ok(Json(shown(&project, &record, app.engine.system().now())))
}

/// Access to be given.
#[derive(Deserialize, ToSchema)]
#[schema(as = v2::Grant)]
pub(crate) struct NewGrant {
    entitlement_id: String,
    /// In milliseconds; for ever when absent.
    expires_at: Option<i64>,
}

/// `POST .../actions/grant_entitlement`.
pub(crate) async fn grant(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Json(body): Json<NewGrant>,
) -> Result<With<201, CustomerView>, Failure> {
    let now = app.engine.system().now();
    let ends_at = body.expires_at.map(Timestamp::from_millisecond).transpose();
    let ends_at =
        ends_at.map_err(|_| Failure::wrong("expires_at is not a time in milliseconds"))?;
    if ends_at.is_some_and(|end| end <= now) {
        return Err(Failure::wrong("expires_at lies in the past"));
    }
    let duration = if ends_at.is_some() {
        "custom"
    } else {
        "lifetime"
    };
    let grant = Grant {
        entitlement: body.entitlement_id,
        ends_at,
        duration: duration.into(),
        is_counted: false,
        asked_as: None,
    };
    app.engine
        .customers()
        .grant(project.id, &who, &grant)
        .await?;
    let record = found(&app, &project, &who).await?;
    Ok(With(shown(&project, &record, now)))
}

/// Access to be taken back.
#[derive(Deserialize, ToSchema)]
#[schema(as = v2::Revocation)]
pub(crate) struct Revocation {
    entitlement_id: String,
}

/// `POST .../actions/revoke_granted_entitlement`.
pub(crate) async fn revoke(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Json(body): Json<Revocation>,
) -> Result<Json<CustomerView>, Failure> {
    app.engine
        .customers()
        .revoke_grants(project.id, &who, &body.entitlement_id)
        .await?;
    let record = found(&app, &project, &who).await?;
    Ok(Json(shown(&project, &record, app.engine.system().now())))
}

/// To whom purchases go.
#[derive(Deserialize, ToSchema)]
#[schema(as = v2::Transfer)]
pub(crate) struct NewOwner {
    target_customer_id: String,
}

/// Who had the purchases, and who has them.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Transferred)]
pub(crate) struct Transferred {
    source_customer: CustomerView,
    target_customer: CustomerView,
}

/// `POST .../actions/transfer`.
pub(crate) async fn transfer(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Json(body): Json<NewOwner>,
) -> Result<Json<Transferred>, Failure> {
    app.engine
        .customers()
        .transfer(project.id, &who, &body.target_customer_id)
        .await?;
    let now = app.engine.system().now();
    let [from, to] = [
        found(&app, &project, &who).await?,
        found(&app, &project, &body.target_customer_id).await?,
    ];
    Ok(Json(Transferred {
        source_customer: shown(&project, &from, now),
        target_customer: shown(&project, &to, now),
    }))
}
