//! Customers: who they are, what they may use, and everything that happened to them on one axis.

use super::{
    Row, Shell, done, encode, exact, html,
    timeline::{Timeline, timeline},
};
use crate::{Dashboard, filters, form::Sent};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, Uri},
    response::{IntoResponse, Redirect, Response},
};
use configuration as desired;
use domain::{CustomerId, Environment, customer::Customer};
use engine::Grant;
use jiff::{SignedDuration, Timestamp};
use ledger::{EventFilter, Page};
use web::{
    App,
    access::{self, Caller},
    body,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
    view,
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Method::{Get, Post};
    use access::Access::{Form, Page};
    vec![
        Route::new(Get, "/customers/{who}", Page, "", redirect),
        Route::new(Get, "/projects/{project}/customers", Page, "", customers),
        Route::new(
            Get,
            "/projects/{project}/customers/{who}",
            Page,
            "",
            customer,
        ),
        Route::new(
            Post,
            "/projects/{project}/customers/{who}/forget",
            Form,
            "",
            forget,
        ),
        Route::new(
            Post,
            "/projects/{project}/customers/{who}/grant",
            Form,
            "",
            grant,
        ),
        Route::new(
            Post,
            "/projects/{project}/customers/{who}/revoke",
            Form,
            "",
            revoke,
        ),
        Route::new(
            Post,
            "/projects/{project}/customers/{who}/transfer",
            Form,
            "",
            transfer,
        ),
    ]
}

/// Customers and events of one page.
const SHOWN: usize = 100;

fn query(uri: &Uri, wanted: &str) -> String {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

fn path_of(project: &str, who: &str) -> String {
    format!("/projects/{project}/customers/{}", encode(who))
}

#[derive(Template)]
#[template(path = "customers.html")]
struct ListTemplate {
    shell: Shell,
    customers: Vec<Customer>,
    asked: String,
    older: Option<String>,
}

/// `GET /projects/{project}/customers`; with `who`, the customer of that name.
pub(crate) async fn customers(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked = query(&uri, "who");
    if !asked.is_empty()
        && app
            .engine
            .ledger()
            .customer(project.id, &asked)
            .await?
            .is_some()
    {
        return Ok(Redirect::to(&path_of(&project.key, &asked)).into_response());
    }
    let before = query(&uri, "before");
    let before: Option<CustomerId> = match before.as_str() {
        "" => None,
        text => Some(web::query::parse("before", text)?),
    };
    let customers = app
        .engine
        .ledger()
        .customers(project.id, before, SHOWN)
        .await?;
    let older = (customers.len() == SHOWN)
        .then(|| customers.last().map(|last| last.id))
        .flatten()
        .map(|id| format!("/projects/{}/customers?before={id}", project.key));
    Ok(html(&ListTemplate {
        shell: Shell::load(&app, &project, "customers", &uri).await?,
        customers,
        asked,
        older,
    }))
}

/// What a customer may use through one entitlement.
struct Access {
    entitlement: String,
    environment: &'static str,
    is_active: bool,
    product: String,
    store: &'static str,
    until: String,
    note: &'static str,
    is_grant: bool,
}

/// A purchase in words.
struct PurchaseLine {
    product: String,
    store: &'static str,
    environment: &'static str,
    standing: &'static str,
    since: String,
    until: String,
    chain: String,
}

#[derive(Template)]
#[template(path = "customer.html")]
struct CustomerTemplate {
    shell: Shell,
    action: String,
    customer: Customer,
    seq: u64,
    first_seen: String,
    last_seen: String,
    revenue: String,
    access: Vec<Access>,
    purchases: Vec<PurchaseLine>,
    picture: Option<Timeline>,
    by_recorded: bool,
    rows: Vec<Row>,
    entitlements: Vec<(String, String)>,
}

fn access(app: &App, project: &InProject, record: &ledger::CustomerRecord) -> Vec<Access> {
    let now = app.engine.system().now();
    let Some(compiled) = project.setup.project(project.id) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for environment in [Environment::Production, Environment::Sandbox] {
        let purchases = record
            .purchases
            .iter()
            .filter(|owned| owned.chain.environment == environment)
            .map(|owned| (&owned.chain, &owned.stored.snapshot));
        for (entitlement, level) in domain::access::access(purchases, &compiled.unlocks) {
            all.push(Access {
                environment: environment.id(),
                is_active: level.is_active_at(now),
                store: level.store.title(),
                until: level.expires_at.map_or("for ever".into(), exact),
                note: match () {
                    () if !level.is_active_at(now) && !level.is_refund => "ended",
                    () if level.is_in_grace_period => "unpaid, in grace",
                    () if level.is_refund => "refunded",
                    () if level.will_renew => "renews",
                    () if level.is_lifetime => "lifetime",
                    () => "ends",
                },
                is_grant: level.store == domain::Store::Promotional,
                product: level.product,
                entitlement,
            });
        }
    }
    all
}

fn standing(snapshot: &domain::Snapshot) -> &'static str {
    use domain::snapshot::Standing;
    match snapshot.standing {
        Standing::Current if snapshot.expires_at.is_none() => "owned",
        Standing::Current if !snapshot.will_renew => "active, will not renew",
        Standing::Current => "active",
        Standing::Grace { .. } => "unpaid, in grace",
        Standing::Retry { .. } => "unpaid",
        Standing::Lapsed => "over, not confirmed",
        Standing::Expired { .. } => "expired",
        Standing::Paused { .. } => "paused",
        Standing::Revoked { .. } => "revoked",
    }
}

/// `GET /projects/{project}/customers/{who}`.
pub(crate) async fn customer(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, who)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let record = app
        .engine
        .ledger()
        .customer(project.id, &who)
        .await?
        .ok_or_else(|| Problem::not_found("customer", &who))?;
    let filter = EventFilter {
        project: Some(project.id),
        customer: Some(record.customer.id),
        ..EventFilter::default()
    };
    let page = Page::Before(None, SHOWN);
    let mut events = app.engine.ledger().events(&filter, page).await?;
    let now = app.engine.system().now();
    let picture = timeline(
        &project.setup,
        &project.key,
        &record.purchases,
        &events,
        now,
    );
    // A renewal that recovered in grace happened before its billing issue was told: both orders explain something.
    let by_recorded = query(&uri, "order") == "recorded";
    if !by_recorded {
        events.sort_by_key(|row| std::cmp::Reverse((row.event.occurred_at, row.position)));
    }
    let purchases = record.purchases.iter().map(|owned| {
        let (chain, snapshot) = (&owned.chain, &owned.stored.snapshot);
        PurchaseLine {
            product: snapshot.product.clone(),
            store: chain.store.title(),
            environment: chain.environment.id(),
            standing: standing(snapshot),
            since: exact(snapshot.original_purchased_at),
            until: snapshot.access_until().map_or("for ever".into(), exact),
            chain: chain.id.clone(),
        }
    });
    let entitlements = project.setup.configuration.entitlements.iter();
    let entitlements = entitlements
        .filter(|row| row.project == project.id)
        .map(|row| (row.key.clone(), row.name.clone()));
    let dollars = domain::Money::new(record.customer.revenue_usd_micros, domain::Currency::USD);
    Ok(html(&CustomerTemplate {
        shell: Shell::load(&app, &project, "customers", &uri).await?,
        action: path_of(&project.key, &record.customer.app_user_id),
        seq: record.seq,
        first_seen: exact(record.customer.first_seen),
        last_seen: exact(record.customer.last_seen),
        revenue: dollars.to_string(),
        access: access(&app, &project, &record),
        purchases: purchases.collect(),
        picture,
        by_recorded,
        rows: events
            .into_iter()
            .map(|row| Row::of(&project.key, view::event(&project.setup, row)))
            .collect(),
        entitlements: entitlements.collect(),
        customer: record.customer,
    }))
}

fn end_of(days: &str, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let wrong = |message: &str| {
        Problem::invalid(vec![desired::Problem {
            path: vec!["days".into()],
            message: message.into(),
        }])
    };
    if days.is_empty() {
        return Ok(None);
    }
    let days: i64 = days.parse().map_err(|_| wrong("is not a number of days"))?;
    if !(1..=36_500).contains(&days) {
        return Err(wrong("lies between 1 and 36500; empty means for ever"));
    }
    now.checked_add(SignedDuration::from_hours(24 * days))
        .map(Some)
        .map_err(|_| wrong("is too far away"))
}

/// `POST /projects/{project}/customers/{who}/grant`.
pub(crate) async fn grant(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let ends_at = end_of(sent.text("days"), app.engine.system().now())?;
    let duration = if ends_at.is_some() {
        "custom"
    } else {
        "lifetime"
    };
    let grant = Grant {
        entitlement: sent.text("entitlement").to_owned(),
        duration: duration.into(),
        ends_at,
    };
    let customers = app.engine.customers();
    customers.grant(project.id, &who, &grant).await?;
    project.did(&app, "give access to", &who).await?;
    Ok(done(&path_of(&project.key, &who), "granted"))
}

/// `POST /projects/{project}/customers/{who}/revoke`.
pub(crate) async fn revoke(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let customers = app.engine.customers();
    customers
        .revoke_grants(project.id, &who, sent.text("entitlement"))
        .await?;
    project.did(&app, "take access back from", &who).await?;
    Ok(done(&path_of(&project.key, &who), "revoked"))
}

/// `POST /projects/{project}/customers/{who}/transfer`.
pub(crate) async fn transfer(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let to = sent.text("to");
    app.engine
        .customers()
        .transfer(project.id, &who, to)
        .await?;
    project.did(&app, "move purchases of", &who).await?;
    Ok(done(&path_of(&project.key, to), "moved"))
}

/// `POST /projects/{project}/customers/{who}/forget`.
pub(crate) async fn forget(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    if sent.text("sure") != who {
        return Err(Problem::invalid(vec![desired::Problem {
            path: vec!["sure".into()],
            message: "type the customer's id to forget it; nothing was changed".into(),
        }]));
    }
    app.engine.customers().forget(project.id, &who).await?;
    // Whom is what was to be forgotten.
    project.did(&app, "forget", "a customer").await?;
    Ok(done(
        &format!("/projects/{}/customers", project.key),
        "forgotten",
    ))
}

/// `GET /customers/{who}`: the customer, in whichever project it is. Slack messages link here.
pub(crate) async fn redirect(
    State(app): State<App>,
    caller: Caller,
    Path(who): Path<String>,
) -> Result<Redirect, Problem> {
    let setup = app.engine.setup();
    let reached = setup
        .projects()
        .filter(|project| caller.reaches(project.row.id));
    for project in reached {
        let found = app.engine.ledger().customer(project.row.id, &who).await?;
        if found.is_some() {
            return Ok(Redirect::to(&path_of(&project.row.key, &who)));
        }
    }
    Err(Problem::not_found("customer", &who))
}
