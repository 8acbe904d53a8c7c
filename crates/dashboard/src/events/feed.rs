//! The live feed: every event, with how it stands with every integration.
//!
//! Tests: `crates/dashboard/tests/sections/events.rs`.

use crate::{
    choice::Choice,
    filters,
    respond::html,
    row::Row,
    shell::{Place, Shell},
    state::Dashboard,
    text::encode,
};
use askama::Template;
use axum::{
    extract::State,
    http::Uri,
    response::{IntoResponse, Redirect, Response},
};
use domain::{EventKind, Store};
use ledger::EventFilter;
use web::{
    App,
    access::Access,
    problem::{Code, Problem},
    project::InProject,
    query::{Address, EventQuery, present},
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Page;
    use Method::Get;
    vec![
        Route::page(Get, "/projects/{project}", Page, feed),
        Route::page(Get, "/projects/{project}/events", Page, to_feed),
    ]
}

#[derive(Template)]
#[template(path = "events/feed.html")]
struct FeedTemplate {
    shell: Shell,
    rows: Vec<Row>,
    hours: String,
    query: EventQuery,
    kinds: Vec<Choice>,
    apps: Vec<Choice>,
    stores: Vec<Choice>,
    integrations: Vec<Choice>,
    live_url: String,
    older: Option<String>,
    export_url: String,
    has_apps: bool,
    filtered: bool,
}

/// All kinds of events but those that another event beside them has led to.
const WITHOUT_ACCESS: &str = "-access_level_updated";
/// All kinds, those too.
const ALL: &str = "all";

/// The kinds that are asked for, as the API has it: access that changed is told by the event that changed it, and on its own only to who asks.
fn kinds(asked: Option<&String>) -> Option<String> {
    match present(asked).map(String::as_str) {
        None => Some(WITHOUT_ACCESS.to_owned()),
        Some(ALL) => None,
        Some(kind) => Some(kind.to_owned()),
    }
}

/// The filters as a query string, so that a view can be linked to.
fn query_string(query: &EventQuery, kind: Option<&String>) -> String {
    let hours = query.hours.map(|hours| hours.to_string());
    let pairs = [
        ("kind", kind),
        ("customer", query.customer.as_ref()),
        ("app", query.app.as_ref()),
        ("store", query.store.as_ref()),
        ("environment", query.environment.as_ref()),
        ("integration", query.integration.as_ref()),
        ("state", query.state.as_ref()),
        ("hours", hours.as_ref()),
    ];
    pairs
        .iter()
        .filter_map(|(name, value)| {
            value
                .filter(|value| !value.is_empty())
                .map(|value| format!("{name}={}", encode(value)))
        })
        .collect::<Vec<_>>()
        .join("&")
}

/// Stores of which the project has an app.
fn stores(project: &InProject) -> Vec<Choice> {
    let has = |store: Store| project.apps().any(|row| row.store() == store);
    let stores = Store::ALL.into_iter().filter(|store| has(*store));
    stores
        .map(|store| Choice::new(store.id(), store.title()))
        .collect()
}

/// The events asked for. A customer nobody has heard of yet is an empty list for people, not an error.
async fn filter(
    app: &App,
    project: &InProject,
    query: &EventQuery,
) -> Result<Option<EventFilter>, Problem> {
    match query.events(app, project).await {
        Ok(filter) => Ok(Some(filter)),
        Err(problem) if query.customer.is_some() && problem.code() == Code::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// `GET /projects/{project}/events`, which the addresses of events begin with: leads to all of them, filtered alike.
async fn to_feed(project: InProject, uri: Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}"));
    let query = query.unwrap_or_default();
    Redirect::to(&format!("/projects/{}{query}", project.key)).into_response()
}

/// `GET /projects/{project}`.
async fn feed(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Address(mut query): Address<EventQuery>,
) -> Result<Response, Problem> {
    // Choosing an integration alone asks what is wrong with it.
    if present(query.integration.as_ref()).is_some() && present(query.state.as_ref()).is_none() {
        query.state = Some("failed".into());
    }
    let shown_kind = query.kind.take();
    query.kind = kinds(shown_kind.as_ref());
    let filter = filter(&app, &project, &query).await?;
    let rows = match &filter {
        Some(filter) => app.engine.ledger().events(filter, query.page()?).await?,
        None => Vec::new(),
    };
    let key = &project.key;
    let asked = query_string(&query, query.kind.as_ref());
    query.kind = shown_kind;
    let filters = query_string(&query, query.kind.as_ref());
    let newest = rows.first().map_or(0, |row| row.position);
    let oldest = rows.last().map(|row| row.position);
    let older = oldest.filter(|_| rows.len() == query.limit());
    let is_live = query.before.is_none() && filter.is_some();
    let before = query.before.as_ref();
    let before = before.map(|before| format!("&before={}", encode(before)));
    let apps = project.apps();
    let kinds = EventKind::ALL.iter();
    Ok(html(&FeedTemplate {
        shell: Shell::load(&app, Place::of(&project, &uri), "events").await?,
        integrations: Choice::integrations(&project)?,
        kinds: kinds.copied().map(Choice::kind).collect(),
        live_url: if is_live {
            format!("/projects/{key}/live?after={newest}&{asked}")
        } else {
            String::new()
        },
        older: older.map(|position| format!("/projects/{key}?before={position}&{filters}")),
        export_url: format!(
            "/api/v1/projects/{key}/events?limit=200&{asked}{}",
            before.unwrap_or_default()
        ),
        filtered: !filters.is_empty(),
        has_apps: project.apps().next().is_some(),
        stores: stores(&project),
        apps: apps
            .map(|row| Choice::new(row.id.to_string(), row.name.clone()))
            .collect(),
        rows: rows
            .iter()
            .map(|row| Row::of(key, &project.setup, row))
            .collect(),
        hours: query
            .hours
            .map(|hours| hours.to_string())
            .unwrap_or_default(),
        query,
    }))
}
