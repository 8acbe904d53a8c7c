//! Pages: rendered here, readable without a script, live with one.

use crate::filters;
use crate::{
    App,
    access::{self, Caller, digest},
    api::{Filters, InProject, ListQuery, parse},
    body,
    problem::{Code, Problem},
    view::{self, EventView, StateView},
};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, Request, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use domain::{Event, EventKind};
use jiff::{Timestamp, tz::Offset};
use ledger::{AttemptRecord, FeedRow};
use std::collections::BTreeMap;

/// A row of the feed, as people read it.
pub(crate) struct Row {
    id: String,
    project: String,
    position: u64,
    at: String,
    at_exact: String,
    title: &'static str,
    kind: &'static str,
    tone: &'static str,
    customer: String,
    product: String,
    price: String,
    store: &'static str,
    environment: &'static str,
    historical: bool,
    integrations: Vec<StateView>,
}

impl Row {
    fn of(project: &str, view: EventView) -> Self {
        let event = &view.event;
        let price = event
            .transaction
            .as_ref()
            .filter(|_| event.kind.is_charge() || event.kind.is_refund())
            .and_then(|transaction| transaction.price);
        let price = price.map_or(String::new(), |price| {
            if event.kind.is_refund() {
                format!("−{price}")
            } else {
                price.to_string()
            }
        });
        Self {
            id: event.id.to_string(),
            project: project.to_owned(),
            position: view.position,
            at: clock(event.recorded_at),
            at_exact: exact(event.recorded_at),
            title: event.kind.title(),
            kind: event.kind.id(),
            tone: tone(event.kind),
            customer: event.customer.app_user_id.clone(),
            product: event.product.clone().unwrap_or_default(),
            price,
            store: event.app.as_ref().map_or("", |_| "App Store"),
            environment: event.environment.id(),
            historical: event.historical,
            integrations: view.integrations,
        }
    }
}

/// Good news, bad news, or neither.
fn tone(kind: EventKind) -> &'static str {
    match kind {
        EventKind::SubscriptionStarted
        | EventKind::SubscriptionRenewed
        | EventKind::TrialStarted
        | EventKind::TrialConverted
        | EventKind::NonSubscriptionPurchase
        | EventKind::SubscriptionRenewalReactivated
        | EventKind::TrialRenewalReactivated
        | EventKind::RefundReversed
        | EventKind::SubscriptionExtended => "good",
        EventKind::SubscriptionRenewalCancelled
        | EventKind::TrialRenewalCancelled
        | EventKind::SubscriptionExpired
        | EventKind::TrialExpired
        | EventKind::SubscriptionRefunded
        | EventKind::NonSubscriptionPurchaseRefunded
        | EventKind::BillingIssueDetected => "bad",
        EventKind::EnteredGracePeriod => "warn",
        _ => "plain",
    }
}

fn clock(at: Timestamp) -> String {
    let civil = Offset::UTC.to_datetime(at);
    format!(
        "{} {:02}, {:02}:{:02}:{:02}",
        civil.strftime("%b"),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second()
    )
}

fn exact(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[derive(Template)]
#[template(path = "row.html")]
struct RowTemplate<'a> {
    row: &'a Row,
}

#[derive(Template)]
#[template(path = "feed.html")]
struct FeedTemplate {
    project_key: String,
    project_name: String,
    projects: Vec<(String, String)>,
    rows: Vec<Row>,
    query: ListQuery,
    kinds: Vec<(&'static str, &'static str)>,
    integrations: Vec<IntegrationLine>,
    live_url: String,
    older: Option<String>,
    callback_urls: Vec<(String, String)>,
    filtered: bool,
}

/// How an integration stands, above the feed.
struct IntegrationLine {
    key: String,
    name: String,
    destination: &'static str,
    state: &'static str,
    problem: String,
}

struct DeliveryPart {
    state: StateView,
    request_url: String,
    request_headers: Vec<(String, String)>,
    request_body: String,
    attempts: Vec<AttemptRecord>,
}

#[derive(Template)]
#[template(path = "event.html")]
struct EventTemplate {
    project_key: String,
    row: Row,
    occurred_at: String,
    rule: String,
    key: String,
    seq: u64,
    message: Option<(String, String, String)>,
    deliveries: Vec<DeliveryPart>,
    event_json: String,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "signin.html")]
struct SignInTemplate {
    problem: &'static str,
}

fn html(template: &impl Template) -> Response {
    match template.render() {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            Problem::new(Code::Internal, "the page could not be rendered").into_response()
        }
    }
}

/// One row of the feed, for the live stream.
pub(crate) fn row_html(app: &App, row: FeedRow) -> String {
    let setup = app.engine.setup();
    let project = setup
        .project(row.event.project)
        .map(|project| project.row.key.clone())
        .unwrap_or_default();
    let row = Row::of(&project, view::event(&setup, row));
    RowTemplate { row: &row }.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a row could not be rendered");
        String::new()
    })
}

/// `GET /`: the first project the caller reaches.
pub(crate) async fn home(State(app): State<App>, caller: Caller) -> Response {
    let setup = app.engine.setup();
    let first = setup
        .projects()
        .find(|project| caller.reaches(project.row.id))
        .map(|project| project.row.key.clone());
    match first {
        Some(key) => Redirect::to(&format!("/projects/{key}")).into_response(),
        None => html(&FeedTemplate {
            project_key: String::new(),
            project_name: String::new(),
            projects: Vec::new(),
            rows: Vec::new(),
            query: ListQuery::default(),
            kinds: Vec::new(),
            integrations: Vec::new(),
            live_url: String::new(),
            older: None,
            callback_urls: Vec::new(),
            filtered: false,
        }),
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The filters as a query string, so that a view can be linked to.
fn filters(query: &ListQuery) -> String {
    let pairs = [
        ("kind", &query.kind),
        ("customer", &query.customer),
        ("environment", &query.environment),
        ("integration", &query.integration),
        ("state", &query.state),
    ];
    pairs
        .iter()
        .filter_map(|(name, value)| {
            value
                .as_ref()
                .filter(|value| !value.is_empty())
                .map(|value| format!("{name}={}", encode(value)))
        })
        .collect::<Vec<_>>()
        .join("&")
}

/// `GET /projects/{project}`: the live feed.
pub(crate) async fn feed(
    State(app): State<App>,
    project: InProject,
    Filters(mut query): Filters,
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
    let filters = filters(&query);
    let is_live = query.before.is_none() && filter.is_some();
    let compiled = setup
        .project(project.id)
        .ok_or_else(|| Problem::not_found("project", &project.key))?;
    let lanes: BTreeMap<_, _> = app.engine.lanes().into_iter().collect();
    let integrations = compiled.integrations.iter().map(|active| {
        let problem = match (&active.configured, &active.row.verification) {
            (Err(problem), _) | (Ok(_), ledger::Verification::Failed { problem, .. }) => {
                problem.clone()
            }
            _ => String::new(),
        };
        let state = match active.held() {
            Some(domain::NotSent::IntegrationPaused) => "paused",
            Some(domain::NotSent::EndpointUnverified) => "unverified",
            Some(_) => "not usable",
            None if lanes
                .get(&active.row.id)
                .is_some_and(|lane| lane.breaker_open) =>
            {
                "failing"
            }
            None => "ok",
        };
        IntegrationLine {
            key: active.row.key.clone(),
            name: active.row.name.clone(),
            destination: active.spec.title,
            state,
            problem,
        }
    });
    let page = FeedTemplate {
        project_key: project.key.clone(),
        project_name: compiled.row.name.clone(),
        projects: setup
            .projects()
            .filter(|other| project.caller.reaches(other.row.id))
            .map(|other| (other.row.key.clone(), other.row.name.clone()))
            .collect(),
        integrations: integrations.collect(),
        kinds: EventKind::ALL
            .iter()
            .map(|kind| (kind.id(), kind.title()))
            .collect(),
        live_url: if is_live {
            format!("/projects/{}/live?after={newest}&{filters}", project.key)
        } else {
            String::new()
        },
        older: older
            .map(|position| format!("/projects/{}?before={position}&{filters}", project.key)),
        callback_urls: setup
            .configuration
            .apps
            .iter()
            .filter(|row| row.project == project.id)
            .filter_map(|row| {
                let path = crate::callback_path(row)?;
                Some((
                    row.name.clone(),
                    format!("{}{path}", app.engine.public_url()),
                ))
            })
            .collect(),
        filtered: !filters.is_empty(),
        rows: rows
            .into_iter()
            .map(|row| Row::of(&project.key, view::event(setup, row)))
            .collect(),
        query,
    };
    Ok(html(&page))
}

/// What the raw message is, with its body indented where it is JSON.
async fn message(app: &App, event: &Event) -> Result<Option<(String, String, String)>, Problem> {
    let Some(id) = event.cause.inbox else {
        return Ok(None);
    };
    let record = app.engine.ledger().inbox(id).await?;
    Ok(record.map(|record| {
        (
            record.message.title,
            exact(record.message.received_at),
            String::from_utf8_lossy(&record.message.body).into_owned(),
        )
    }))
}

fn indented(text: &str) -> String {
    let parsed = serde_json::from_str::<serde_json::Value>(text).ok();
    parsed
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| text.to_owned())
}

/// `GET /projects/{project}/events/{id}`: raw message, rule, event, and every attempt.
pub(crate) async fn event(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = app
        .engine
        .ledger()
        .event(project.id, parse("event", &id)?)
        .await?
        .ok_or_else(|| Problem::not_found("event", &id))?;
    let message = message(&app, &row.event).await?;
    let shown =
        serde_json::to_value(&row.event).and_then(|value| serde_json::to_string_pretty(&value));
    let (event_json, occurred_at) = (shown.unwrap_or_default(), exact(row.event.occurred_at));
    let (rule, key, seq) = (
        row.event.cause.rule.clone(),
        row.event.key.clone(),
        row.event.customer_seq,
    );
    let mut row = Row::of(&project.key, view::event(&project.setup, row));
    let mut deliveries = Vec::new();
    for state in std::mem::take(&mut row.integrations) {
        let mut part = DeliveryPart {
            state,
            request_url: String::new(),
            request_headers: Vec::new(),
            request_body: String::new(),
            attempts: Vec::new(),
        };
        if let Some(id) = &part.state.delivery {
            let id = parse("delivery", id)?;
            part.attempts = app.engine.ledger().attempts(id).await?;
            if let Some(request) = app
                .engine
                .ledger()
                .delivery(project.id, id)
                .await?
                .and_then(|record| record.request)
            {
                (part.request_url, part.request_headers, part.request_body) =
                    (request.url, request.headers, indented(&request.body));
            }
        }
        deliveries.push(part);
    }
    let may_write = project.caller.scope >= ledger::Scope::Write;
    Ok(html(&EventTemplate {
        project_key: project.key.clone(),
        row,
        occurred_at,
        rule,
        key,
        seq,
        message,
        deliveries,
        event_json,
        may_write,
    }))
}

/// `GET /customers/{who}`: the customer's events, in whichever project it is.
pub(crate) async fn customer(
    State(app): State<App>,
    caller: Caller,
    Path(who): Path<String>,
) -> Result<Redirect, Problem> {
    let setup = app.engine.setup();
    for project in setup
        .projects()
        .filter(|project| caller.reaches(project.row.id))
    {
        if app
            .engine
            .ledger()
            .customer(project.row.id, &who)
            .await?
            .is_some()
        {
            return Ok(Redirect::to(&format!(
                "/projects/{}?customer={}",
                project.row.key,
                encode(&who)
            )));
        }
    }
    Err(Problem::not_found("customer", &who))
}

/// `POST /projects/{project}/deliveries/{id}/resend`, from the event page.
pub(crate) async fn resend(
    State(app): State<App>,
    project: InProject,
    Path((_, id)): Path<(String, String)>,
) -> Result<Redirect, Problem> {
    let id = parse("delivery", &id)?;
    let record = app
        .engine
        .ledger()
        .delivery(project.id, id)
        .await?
        .ok_or_else(|| Problem::not_found("delivery", &id.to_string()))?;
    app.engine.resend(project.id, id).await?;
    Ok(Redirect::to(&format!(
        "/projects/{}/events/{}",
        project.key, record.event
    )))
}

pub(crate) async fn sign_in() -> Response {
    html(&SignInTemplate { problem: "" })
}

/// `POST /signin` with `key=...`, as the form sends it.
pub(crate) async fn sign_in_with_key(
    State(app): State<App>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let bytes = body::read(request).await?;
    let text = String::from_utf8_lossy(&bytes);
    let given = text
        .split('&')
        .find_map(|pair| pair.strip_prefix("key="))
        .unwrap_or_default()
        .trim()
        .to_owned();
    let setup = app.engine.setup();
    let Some(key) = setup.api_key(&digest(&given)) else {
        return Ok((
            StatusCode::UNAUTHORIZED,
            html(&SignInTemplate {
                problem: "This key is not known.",
            }),
        )
            .into_response());
    };
    let caller = Caller {
        name: format!("key {}", key.name),
        app: None,
        project: key.project,
        scope: key.scope,
    };
    Ok(enter(&app.sessions.open(app.engine.system(), caller)))
}

/// `GET /signin/{token}`: the link that `tidings serve` prints.
pub(crate) async fn sign_in_by_link(State(app): State<App>, Path(token): Path<String>) -> Response {
    match app.sessions.enter_by_link(app.engine.system(), &token) {
        Some(session) => enter(&session),
        None => (
            StatusCode::UNAUTHORIZED,
            html(&SignInTemplate {
                problem: "This link is no longer good. The server prints a new one whenever it starts.",
            }),
        )
            .into_response(),
    }
}

fn enter(session: &str) -> Response {
    (
        [(header::SET_COOKIE, access::cookie(session))],
        Redirect::to("/"),
    )
        .into_response()
}

pub(crate) async fn sign_out(State(app): State<App>, request: Request<Body>) -> Response {
    if let Some(token) = access::session_token(&request) {
        app.sessions.close(&token);
    }
    (
        [(header::SET_COOKIE, access::cookie(""))],
        Redirect::to("/signin"),
    )
        .into_response()
}

pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let (kind, content) = match name.as_str() {
        "app.css" => ("text/css; charset=utf-8", include_str!("../assets/app.css")),
        "app.js" => (
            "text/javascript; charset=utf-8",
            include_str!("../assets/app.js"),
        ),
        "icon.svg" => ("image/svg+xml", include_str!("../assets/icon.svg")),
        _ => return Problem::not_found("asset", &name).into_response(),
    };
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        content,
    )
        .into_response()
}

/// Headers that keep pages to themselves.
pub(crate) async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(policy),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
