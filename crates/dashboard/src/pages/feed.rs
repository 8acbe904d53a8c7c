//! The live feed: every event, with how it stands with every integration.

use super::{Row, Shell, encode, html};
use crate::{Dashboard, filters};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use domain::{EventKind, Store};
use ledger::FeedRow;
use web::{
    App,
    access::Access,
    problem::Problem,
    project::InProject,
    query::{EventQuery, Filters},
    route::{Method, Route},
    view,
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::Page;
    use Method::Get;
    vec![Route::new(Get, "/projects/{project}", Page, "", feed)]
}

#[derive(Template)]
#[template(path = "row.html")]
struct RowTemplate<'a> {
    row: &'a Row,
}

#[derive(Template)]
#[template(path = "feed.html")]
struct FeedTemplate {
    shell: Shell,
    rows: Vec<Row>,
    hours: String,
    query: EventQuery,
    kinds: Vec<(&'static str, &'static str)>,
    /// Id and name.
    apps: Vec<(String, String)>,
    /// Id and name.
    stores: Vec<(&'static str, &'static str)>,
    /// Key and name.
    integrations: Vec<(String, String)>,
    live_url: String,
    older: Option<String>,
    export_url: String,
    has_apps: bool,
    filtered: bool,
}

/// One row of the feed, for the live stream.
pub(crate) fn row_html(app: &App, row: FeedRow) -> String {
    let setup = app.engine.setup();
    // Addresses take a project by its id as well as by its key.
    let project = match setup.project(row.event.project) {
        Some(project) => project.row.key.clone(),
        None => row.event.project.to_string(),
    };
    let row = Row::of(&project, view::event(&setup, row));
    RowTemplate { row: &row }.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a row could not be rendered");
        String::new()
    })
}

/// The filters as a query string, so that a view can be linked to.
fn query_string(query: &EventQuery) -> String {
    let hours = query.hours.map(|hours| hours.to_string());
    let pairs = [
        ("kind", query.kind.as_ref()),
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

/// `GET /projects/{project}`.
pub(crate) async fn feed(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Filters(mut query): Filters<EventQuery>,
) -> Result<Response, Problem> {
    // Choosing an integration alone asks what is wrong with it.
    if query
        .integration
        .as_ref()
        .is_some_and(|key| !key.is_empty())
        && query.state.as_ref().is_none_or(String::is_empty)
    {
        query.state = Some("failed".into());
    }
    let filter = match query.events(&app, &project).await {
        Ok(filter) => Some(filter),
        // A customer nobody has heard of yet is an empty list for people, not an error.
        Err(_) if query.customer.is_some() => None,
        Err(problem) => return Err(problem),
    };
    let rows = match &filter {
        Some(filter) => app.engine.ledger().events(filter, query.page()?).await?,
        None => Vec::new(),
    };
    let setup = &project.setup;
    let older = (rows.len() == query.limit())
        .then(|| rows.last().map(|row| row.position))
        .flatten();
    let newest = rows.first().map_or(0, |row| row.position);
    let filters = query_string(&query);
    let is_live = query.before.is_none() && filter.is_some();
    let key = &project.key;
    let apps: Vec<_> = setup
        .configuration
        .apps
        .iter()
        .filter(|row| row.project == project.id)
        .map(|row| (row.id.to_string(), row.name.clone()))
        .collect();
    let page = FeedTemplate {
        shell: Shell::load(&app, &project, "events", &uri).await?,
        integrations: setup
            .project(project.id)
            .into_iter()
            .flat_map(|project| &project.integrations)
            .map(|active| (active.row.key.clone(), active.row.name.clone()))
            .collect(),
        kinds: EventKind::ALL
            .iter()
            .map(|kind| (kind.id(), kind.title()))
            .collect(),
        live_url: if is_live {
            format!("/projects/{key}/live?after={newest}&{filters}")
        } else {
            String::new()
        },
        older: older.map(|position| format!("/projects/{key}?before={position}&{filters}")),
        export_url: format!(
            "/api/v1/projects/{key}/events?limit=200&{filters}{}",
            query
                .before
                .as_ref()
                .map(|before| format!("&before={}", encode(before)))
                .unwrap_or_default()
        ),
        filtered: !filters.is_empty(),
        has_apps: !apps.is_empty(),
        stores: Store::ALL
            .into_iter()
            .filter(|store| {
                setup
                    .configuration
                    .apps
                    .iter()
                    .any(|row| row.project == project.id && row.settings.store() == *store)
            })
            .map(|store| (store.id(), store.title()))
            .collect(),
        apps,
        rows: rows
            .into_iter()
            .map(|row| Row::of(key, view::event(setup, row)))
            .collect(),
        hours: query
            .hours
            .map(|hours| hours.to_string())
            .unwrap_or_default(),
        query,
    };
    Ok(html(&page))
}
