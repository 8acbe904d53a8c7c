//! The management and read API, `/api/v1`.

pub(crate) mod app_check;
pub(crate) mod customer_changes;
pub(crate) mod replays;

use crate::view;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use configuration::{
    self as desired, Desired, DesiredApp, DesiredEntitlement, DesiredIntegration, DesiredProduct,
    DesiredProject,
};
use ledger::{ConfigurationChange, DeliveryFilter, EventFilter, FeedRow, Page};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use web::{
    App,
    access::{Access, Caller},
    body::Json,
    callback_path,
    configure::configure,
    problem::{Code, Problem},
    project::InProject,
    query::{Filters, parse, present},
    route::{Method, Route},
};

/// What lists of events may be filtered by.
pub(crate) const EVENT_FILTERS: &[&str] = &[
    "kind",
    "customer",
    "app",
    "store",
    "environment",
    "integration",
    "state",
    "since",
    "until",
    "hours",
    "before",
    "after",
    "limit",
    "wait",
];
pub(crate) const DELIVERY_FILTERS: &[&str] = &["integration", "state", "before", "limit"];
const PAGES: &[&str] = &["before", "limit"];

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::{Anyone, Read, Write};
    use Method::{Delete, Get, Post, Put};
    vec![
        Route::new(Get, "/healthz", Anyone, "Whether the process runs", healthz),
        Route::new(
            Get,
            "/readyz",
            Anyone,
            "Whether it can take work: the ledger can be written",
            readyz,
        ),
        Route::new(
            Get,
            "/metrics",
            Anyone,
            "Metrics in Prometheus format",
            metrics,
        ),
        Route::new(
            Get,
            "/api/v1/destinations",
            Read,
            "Kinds of integrations and their settings",
            destinations,
        ),
        Route::new(Get, "/api/v1/projects", Read, "Projects", projects),
        Route::new(
            Get,
            "/api/v1/projects/{project}",
            Read,
            "One project",
            project,
        ),
        Route::new(
            Put,
            "/api/v1/projects/{project}",
            Write,
            "Creates or changes a project",
            put_project,
        )
        .body("Project"),
        Route::new(
            Get,
            "/api/v1/projects/{project}/apps",
            Read,
            "Apps with their callback URLs",
            apps,
        ),
        Route::new(
            Put,
            "/api/v1/projects/{project}/apps/{key}",
            Write,
            "Creates or changes an app",
            put_app,
        )
        .body("App"),
        Route::new(
            Get,
            "/api/v1/projects/{project}/products",
            Read,
            "Products",
            products,
        ),
        Route::new(
            Put,
            "/api/v1/projects/{project}/products/{id}",
            Write,
            "Creates or changes a product",
            put_product,
        )
        .body("Product"),
        Route::new(
            Delete,
            "/api/v1/projects/{project}/products/{id}",
            Write,
            "Removes a product",
            delete_product,
        ),
        Route::new(
            Get,
            "/api/v1/projects/{project}/entitlements",
            Read,
            "Entitlements",
            entitlements,
        ),
        Route::new(
            Put,
            "/api/v1/projects/{project}/entitlements/{key}",
            Write,
            "Creates or changes an entitlement",
            put_entitlement,
        )
        .body("Entitlement"),
        Route::new(
            Delete,
            "/api/v1/projects/{project}/entitlements/{key}",
            Write,
            "Removes an entitlement",
            delete_entitlement,
        ),
        Route::new(
            Get,
            "/api/v1/projects/{project}/integrations",
            Read,
            "Integrations, secrets masked",
            integrations,
        ),
        Route::new(
            Get,
            "/api/v1/projects/{project}/integrations/{key}",
            Read,
            "One integration, secrets masked",
            integration,
        ),
        Route::new(
            Put,
            "/api/v1/projects/{project}/integrations/{key}",
            Write,
            "Creates or changes an integration",
            put_integration,
        )
        .body("Integration"),
        Route::new(
            Delete,
            "/api/v1/projects/{project}/integrations/{key}",
            Write,
            "Removes an integration; its unsent deliveries fail",
            delete_integration,
        ),
        Route::new(
            Post,
            "/api/v1/projects/{project}/integrations/{key}/test",
            Write,
            "Sends a test event",
            send_test,
        ),
        Route::new(
            Post,
            "/api/v1/projects/{project}/integrations/{key}/verify",
            Write,
            "Makes the verification handshake now",
            verify,
        ),
        Route::new(
            Get,
            "/api/v1/projects/{project}/events",
            Read,
            "The event feed: the last 14 days unless `since` says otherwise",
            events,
        )
        .query(EVENT_FILTERS),
        Route::new(
            Get,
            "/api/v1/projects/{project}/events/{id}",
            Read,
            "One event with the state of every integration",
            event,
        ),
        Route::new(
            Get,
            "/api/v1/projects/{project}/inbox/{id}",
            Read,
            "One raw message",
            inbox,
        ),
        Route::new(
            Get,
            "/api/v1/projects/{project}/deliveries",
            Read,
            "Last sent events, with request, response and reason",
            deliveries,
        )
        .query(DELIVERY_FILTERS),
        Route::new(
            Get,
            "/api/v1/projects/{project}/deliveries/{id}",
            Read,
            "One delivery with every attempt",
            delivery,
        ),
        Route::new(
            Post,
            "/api/v1/projects/{project}/deliveries/{id}/resend",
            Write,
            "Sends a delivery again, with its original id",
            resend,
        ),
        Route::new(
            Get,
            "/api/v1/projects/{project}/customers",
            Read,
            "Customers, newest first",
            customers,
        )
        .query(PAGES),
        Route::new(
            Get,
            "/api/v1/projects/{project}/customers/{who}",
            Read,
            "One customer, by id or app user id, with purchases and access",
            customer,
        ),
    ]
}

type Answer = Result<axum::Json<Value>, Problem>;

fn list(data: Vec<Value>, next: Option<String>) -> axum::Json<Value> {
    axum::Json(json!({ "data": data, "next": next }))
}

pub(crate) async fn events(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters,
) -> Answer {
    let filter = query.events(&app, &project).await?;
    let page = query.page()?;
    let rows = await_events(&app, &filter, page, query.wait()?).await?;
    let last = rows.last().map(|row| row.position);
    let next = match query.after {
        // Whoever follows goes on from here, whether there was something or not.
        Some(after) => Some(last.unwrap_or(after)),
        None => last.filter(|_| rows.len() == query.limit()),
    };
    let next = next.map(|position| position.to_string());
    Ok(list(
        rows.into_iter()
            .map(|row| json!(web::view::event(&project.setup, row)))
            .collect(),
        next,
    ))
}

/// Events of a page, as soon as there are any, or what there is when the wait is over.
async fn await_events(
    app: &App,
    filter: &EventFilter,
    page: Page,
    wait: Duration,
) -> Result<Vec<FeedRow>, Problem> {
    let (mut changes, mut stopping) = (app.engine.changes(), app.engine.stopping());
    let end = tokio::time::sleep(wait);
    tokio::pin!(end);
    loop {
        let rows = app.engine.ledger().events(filter, page).await?;
        if !rows.is_empty() || wait.is_zero() || *stopping.borrow() {
            return Ok(rows);
        }
        tokio::select! {
            () = &mut end => return Ok(rows),
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(rows),
            // Another node may have written without a word.
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
            changed = changes.changed() => if changed.is_err() { return Ok(rows) },
        }
    }
}

pub(crate) async fn event(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let row = app
        .engine
        .ledger()
        .event(project.id, parse("event", &id)?)
        .await?
        .ok_or_else(|| Problem::not_found("event", &id))?;
    Ok(axum::Json(json!(web::view::event(&project.setup, row))))
}

pub(crate) async fn inbox(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let record = app
        .engine
        .ledger()
        .inbox(parse("message", &id)?)
        .await?
        .filter(|record| record.message.project == project.id)
        .ok_or_else(|| Problem::not_found("message", &id))?;
    let message = record.message;
    Ok(axum::Json(json!({
        "id": message.id, "app": message.app, "source": message.source, "key": message.key, "title": message.title, "received_at": message.received_at,
        "parked": record.parked, "body": String::from_utf8_lossy(&message.body),
    })))
}

pub(crate) async fn deliveries(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters,
) -> Answer {
    let integration = present(query.integration.as_ref())
        .map(|key| project.integration(key).map(|active| active.row.id))
        .transpose()?;
    let filter = DeliveryFilter {
        project: Some(project.id),
        integration,
        state: query.state()?,
    };
    let before = present(query.before.as_ref())
        .map(|before| parse("before", before))
        .transpose()?;
    let rows = app
        .engine
        .ledger()
        .deliveries(&filter, before, query.limit())
        .await?;
    let next = (rows.len() == query.limit())
        .then(|| rows.last().map(|row| row.id.to_string()))
        .flatten();
    Ok(list(
        rows.into_iter()
            .map(|row| json!(view::delivery(row)))
            .collect(),
        next,
    ))
}

pub(crate) async fn delivery(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let record = app
        .engine
        .ledger()
        .delivery(project.id, parse("delivery", &id)?)
        .await?
        .ok_or_else(|| Problem::not_found("delivery", &id))?;
    let attempts = app.engine.ledger().attempts(record.id).await?;
    Ok(axum::Json(
        json!({ "delivery": view::delivery(record), "attempts": attempts }),
    ))
}

pub(crate) async fn resend(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let resent = app
        .engine
        .resend(project.id, parse("delivery", &id)?)
        .await?;
    if resent {
        project.did(&app, "resend delivery", &id).await?;
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Problem::not_found("delivery", &id))
    }
}

pub(crate) async fn customers(
    State(app): State<App>,
    project: InProject,
    Filters(query): Filters,
) -> Answer {
    let before = present(query.before.as_ref())
        .map(|before| parse("before", before))
        .transpose()?;
    let rows = app
        .engine
        .ledger()
        .customers(project.id, before, query.limit())
        .await?;
    let next = (rows.len() == query.limit())
        .then(|| rows.last().map(|row| row.id.to_string()))
        .flatten();
    Ok(list(rows.into_iter().map(|row| json!(row)).collect(), next))
}

pub(crate) async fn customer(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
) -> Answer {
    let record = app
        .engine
        .ledger()
        .customer(project.id, &who)
        .await?
        .ok_or_else(|| Problem::not_found("customer", &who))?;
    Ok(axum::Json(view::customer(
        &project.setup,
        record,
        app.engine.system().now(),
    )))
}

pub(crate) async fn projects(State(app): State<App>, caller: Caller) -> Answer {
    let setup = app.engine.setup();
    Ok(list(
        setup
            .projects()
            .filter(|project| caller.reaches(project.row.id))
            .map(|project| json!(project.row))
            .collect(),
        None,
    ))
}

pub(crate) async fn project(project: InProject) -> Answer {
    Ok(axum::Json(json!(
        project
            .setup
            .project(project.id)
            .map(|project| &project.row)
    )))
}

pub(crate) async fn apps(State(app): State<App>, project: InProject) -> Answer {
    let of_project = project
        .setup
        .configuration
        .apps
        .iter()
        .filter(|row| row.project == project.id);
    let with_url = |row: &ledger::App| {
        let mut value = json!(row);
        if let Some(app) = value.as_object_mut() {
            app.remove("sealed_secrets");
        }
        // Which secrets there are, never what they are.
        value["secrets"] = json!(app.engine.setup().secret_names(app.engine.vault(), row));
        value["callback_url"] =
            json!(callback_path(row).map(|path| format!("{}{path}", app.engine.public_url())));
        value["problem"] = json!(
            project
                .setup
                .app(row.id)
                .and_then(|app| app.source.as_ref().err())
        );
        value
    };
    Ok(list(of_project.map(with_url).collect(), None))
}

pub(crate) async fn products(project: InProject) -> Answer {
    Ok(list(
        project
            .setup
            .configuration
            .products
            .iter()
            .filter(|row| row.project == project.id)
            .map(|row| json!(row))
            .collect(),
        None,
    ))
}

pub(crate) async fn entitlements(project: InProject) -> Answer {
    Ok(list(
        project
            .setup
            .configuration
            .entitlements
            .iter()
            .filter(|row| row.project == project.id)
            .map(|row| json!(row))
            .collect(),
        None,
    ))
}

pub(crate) async fn integrations(State(app): State<App>, project: InProject) -> Answer {
    let rows = project.setup.project(project.id).map(|project| {
        project
            .integrations
            .iter()
            .map(|active| view::integration(&app.engine, active))
            .collect()
    });
    Ok(list(rows.unwrap_or_default(), None))
}

pub(crate) async fn integration(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Answer {
    Ok(axum::Json(view::integration(
        &app.engine,
        project.integration(&key)?,
    )))
}

pub(crate) async fn destinations(State(_): State<App>) -> Answer {
    Ok(list(
        destinations::ALL
            .iter()
            .map(|destination| json!(destination.spec()))
            .collect(),
        None,
    ))
}

pub(crate) async fn send_test(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let event = app.engine.send_test(project.integration(&key)?).await?;
    project.did(&app, "send test event to", &key).await?;
    Ok((
        StatusCode::ACCEPTED,
        axum::Json(json!({ "event": event.id })),
    )
        .into_response())
}

pub(crate) async fn verify(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Answer {
    Ok(axum::Json(json!(
        app.engine.verify(project.integration(&key)?).await?
    )))
}

/// Plans and applies one desired part of a project. Answers 201 when something was created.
async fn put(app: &App, caller: &Caller, desired: Desired) -> Result<Response, Problem> {
    let steps = configure(app, caller, &desired)
        .await?
        .map_err(Problem::invalid)?;
    let created = steps
        .iter()
        .any(|(action, _)| *action == desired::Action::Create);
    let summary: Vec<_> = steps
        .iter()
        .map(|(action, subject)| json!({ "action": action, "subject": subject }))
        .collect();
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, axum::Json(json!({ "steps": summary }))).into_response())
}

pub(crate) async fn put_project(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<Value>,
) -> Result<Response, Problem> {
    let known = app
        .engine
        .setup()
        .find_project(&key)
        .map(|project| project.row.id);
    // A key of one project may change that project, and create none.
    if caller.project.is_some() && caller.project != known {
        return Err(Problem::not_found("project", &key));
    }
    let mut body = body;
    body["key"] = key.into();
    let project: DesiredProject = serde_json::from_value(body)
        .map_err(|error| Problem::new(Code::MalformedBody, error.to_string()))?;
    put(
        &app,
        &caller,
        Desired {
            project,
            ..Desired::default()
        },
    )
    .await
}

pub(crate) async fn put_app(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredApp>,
) -> Result<Response, Problem> {
    put(
        &app,
        &project.caller,
        Desired {
            apps: BTreeMap::from([(key, body)]),
            ..project.desired()
        },
    )
    .await
}

pub(crate) async fn put_product(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
    Json(body): Json<DesiredProduct>,
) -> Result<Response, Problem> {
    put(
        &app,
        &project.caller,
        Desired {
            products: BTreeMap::from([(id, body)]),
            ..project.desired()
        },
    )
    .await
}

pub(crate) async fn put_entitlement(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredEntitlement>,
) -> Result<Response, Problem> {
    put(
        &app,
        &project.caller,
        Desired {
            entitlements: BTreeMap::from([(key, body)]),
            ..project.desired()
        },
    )
    .await
}

pub(crate) async fn put_integration(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
    Json(body): Json<DesiredIntegration>,
) -> Result<Response, Problem> {
    put(
        &app,
        &project.caller,
        Desired {
            integrations: BTreeMap::from([(key, body)]),
            ..project.desired()
        },
    )
    .await
}

async fn remove(
    app: &App,
    caller: &Caller,
    change: ConfigurationChange,
) -> Result<StatusCode, Problem> {
    let applied = app.engine.configure(vec![change], &caller.name).await?;
    if applied {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new(Code::Conflict, "repeat the request"))
    }
}

pub(crate) async fn delete_product(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let known = project
        .setup
        .configuration
        .products
        .iter()
        .any(|row| row.project == project.id && row.id == id);
    if !known {
        return Err(Problem::not_found("product", &id));
    }
    remove(
        &app,
        &project.caller,
        ConfigurationChange::RemoveProduct(project.id, id),
    )
    .await
}

pub(crate) async fn delete_entitlement(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let rows = &project.setup.configuration;
    if !rows
        .entitlements
        .iter()
        .any(|row| row.project == project.id && row.key == key)
    {
        return Err(Problem::not_found("entitlement", &key));
    }
    if let Some(product) = rows
        .products
        .iter()
        .find(|row| row.project == project.id && row.entitlements.contains(&key))
    {
        let path = vec!["entitlements".to_owned(), key];
        return Err(Problem::invalid(vec![desired::Problem {
            path,
            message: format!(
                "product {} unlocks it; change the product first",
                product.id
            ),
        }]));
    }
    remove(
        &app,
        &project.caller,
        ConfigurationChange::RemoveEntitlement(project.id, key),
    )
    .await
}

pub(crate) async fn delete_integration(
    State(app): State<App>,
    project: InProject,
    Path((_, key)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let id = project.integration(&key)?.row.id;
    remove(
        &app,
        &project.caller,
        ConfigurationChange::RemoveIntegration(id),
    )
    .await
}

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    if *app.engine.stopping().borrow() {
        return Err(Problem::new(Code::Stopping, "draining"));
    }
    app.engine.ledger().check().await?;
    Ok("ready\n")
}

pub(crate) async fn metrics(State(app): State<App>) -> String {
    app.metrics
        .map(|metrics| metrics.render())
        .unwrap_or_default()
}

/// Answers where no route is.
pub async fn missing() -> Problem {
    Problem::new(Code::NotFound, "see /api/v1/openapi.json for what there is")
}

/// Answers where a route is called in another way.
pub async fn wrong_method() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "see /api/v1/openapi.json for what there is",
    )
}
