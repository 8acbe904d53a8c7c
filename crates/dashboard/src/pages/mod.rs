//! Pages: rendered here, readable without a script, live with one.
//!
//! Every page of a project stands in the same [`Shell`]. Forms post to pages and are answered with a redirect, or, when
//! something is wrong with them, with the page itself and each problem beside its field.

mod account;
mod apps;
mod catalog;
mod customers;
mod decoded;
mod event;
mod feed;
mod integrations;
mod live;
mod members;
mod overview;
mod rates;
mod replay;
mod settings;
mod sign_in;
mod simulator;
mod start;
mod timeline;

pub(crate) use overview::Counted;

use crate::Dashboard;
use askama::Template;
use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, Uri, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use domain::EventKind;
use jiff::{Timestamp, tz::Offset};
use web::{
    App,
    access::{Access, Caller},
    problem::{Code, Problem, Readable},
    project::InProject,
    route::{Method, Route},
    view::{EventView, StateView},
};

/// The routes of all pages.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    let assets = Route::new(Method::Get, "/assets/{name}", Access::Anyone, "", asset);
    [
        vec![assets],
        account::routes(),
        apps::routes(),
        catalog::routes(),
        customers::routes(),
        event::routes(),
        feed::routes(),
        integrations::routes(),
        live::routes(),
        overview::routes(),
        members::routes(),
        rates::routes(),
        replay::routes(),
        settings::routes(),
        sign_in::routes(),
        simulator::routes(),
        start::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What stands around every page of a project.
pub(crate) struct Shell {
    project: String,
    project_name: String,
    /// Key and name of every project the caller reaches.
    projects: Vec<(String, String)>,
    section: &'static str,
    caller: String,
    may_write: bool,
    notice: &'static str,
    troubled: u64,
    parked: u64,
    /// Not everything is set up yet.
    is_starting: bool,
}

struct Item {
    section: &'static str,
    title: &'static str,
    href: String,
    count: u64,
    hint: &'static str,
}

/// What a page says after something was done, by the word in its address.
const NOTICES: [(&str, &str); 18] = [
    ("added", "Added."),
    ("saved", "Saved. It is in effect now."),
    ("removed", "Removed."),
    (
        "tested",
        "A test event is on its way. It appears below within a second.",
    ),
    (
        "paused",
        "Paused. Deliveries are kept and sent when it is resumed.",
    ),
    ("resumed", "Resumed."),
    (
        "verifying",
        "The endpoint is being asked again. Its answer is on this page when it has come.",
    ),
    ("retried", "Failed deliveries are tried again now."),
    (
        "replaying",
        "It has begun. The table below says how far it has come.",
    ),
    (
        "cancelled",
        "Cancelled. What was queued before is still sent.",
    ),
    (
        "simulated",
        "It has begun. What it leads to appears below by itself.",
    ),
    ("ended", "Ended."),
    ("stopped", "Stopped. What it told stays."),
    ("resent", "It is being sent again."),
    ("granted", "Access given."),
    ("revoked", "Access taken back."),
    ("moved", "Purchases moved."),
    (
        "forgotten",
        "Forgotten. What was bought stays, under a name that says nothing.",
    ),
];

impl Shell {
    pub(crate) async fn load(
        app: &App,
        project: &InProject,
        section: &'static str,
        uri: &Uri,
    ) -> Result<Self, Problem> {
        let setup = &project.setup;
        let compiled = setup
            .project(project.id)
            .ok_or_else(|| Problem::not_found("project", &project.key))?;
        let notice = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .find(|(name, _)| name == "notice")
            .and_then(|(_, word)| NOTICES.iter().find(|(known, _)| *known == word))
            .map_or("", |(_, text)| text);
        let troubled = compiled
            .integrations
            .iter()
            .filter(|active| integrations::Standing::of(app, active).is_trouble())
            .count() as u64;
        Ok(Self {
            project: project.key.clone(),
            project_name: compiled.row.name.clone(),
            projects: reached(app, &project.caller),
            section,
            caller: project.caller.name.clone(),
            may_write: project.caller.scope >= ledger::Scope::Write,
            notice,
            troubled,
            parked: stuck(app, project.id)
                .await?
                .iter()
                .map(|waiting| waiting.count)
                .sum(),
            is_starting: !start::is_over(app, project).await?,
        })
    }

    fn items(&self) -> Vec<Item> {
        let item = |section, title, path: &str, count, hint| Item {
            section,
            title,
            href: format!("/projects/{}{path}", self.project),
            count,
            hint,
        };
        let start = self
            .is_starting
            .then(|| item("start", "Start", "/start", 0, ""));
        let always = [
            item("overview", "Overview", "/overview", 0, ""),
            item("events", "Events", "", 0, ""),
            item("customers", "Customers", "/customers", 0, ""),
            item(
                "integrations",
                "Integrations",
                "/integrations",
                self.troubled,
                "need attention",
            ),
            item("replay", "Replay", "/replay", 0, ""),
            item(
                "apps",
                "Apps and stores",
                "/apps",
                self.parked,
                "messages wait for their store",
            ),
            item("catalog", "Products", "/catalog", 0, ""),
            item("simulator", "Simulator", "/simulator", 0, ""),
            item("settings", "Settings", "/settings", 0, ""),
            item("people", "People", "/people", 0, ""),
            item("audit", "Audit log", "/audit", 0, ""),
        ];
        start.into_iter().chain(always).collect()
    }
}

/// How many messages of a project wait for more than the first answer of their store, by app.
async fn stuck(app: &App, project: domain::ProjectId) -> Result<Vec<ledger::ParkedCount>, Problem> {
    let now = app.engine.system().now();
    Ok(app.engine.ledger().count_parked(project, now).await?)
}

/// Key and name of every project somebody reaches.
fn reached(app: &App, caller: &Caller) -> Vec<(String, String)> {
    let setup = app.engine.setup();
    setup
        .projects()
        .filter(|project| caller.reaches(project.row.id))
        .map(|project| (project.row.key.clone(), project.row.name.clone()))
        .collect()
}

/// A row of the feed, as people read it.
pub(crate) struct Row {
    id: String,
    project: String,
    position: u64,
    clock: String,
    day: String,
    at_exact: String,
    title: &'static str,
    kind: &'static str,
    tone: &'static str,
    customer: String,
    product: String,
    price: String,
    store: String,
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
            if event.kind.is_refund() && price.micros != 0 {
                format!("−{price}")
            } else {
                price.to_string()
            }
        });
        Self {
            id: event.id.to_string(),
            project: project.to_owned(),
            position: view.position,
            clock: Offset::UTC
                .to_datetime(event.recorded_at)
                .strftime("%H:%M:%S")
                .to_string(),
            day: Offset::UTC
                .to_datetime(event.recorded_at)
                .strftime("%d %b")
                .to_string(),
            at_exact: exact(event.recorded_at),
            title: event.kind.title(),
            kind: event.kind.id(),
            tone: tone(event.kind),
            customer: event.customer.app_user_id.clone(),
            product: event.product.clone().unwrap_or_default(),
            price,
            store: event.app.as_ref().map_or_else(String::new, |app| {
                app.store_name
                    .clone()
                    .unwrap_or_else(|| app.store.title().to_owned())
            }),
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
#[template(path = "error.html")]
struct ErrorTemplate {
    title: &'static str,
    detail: String,
    request: String,
}

/// Where programs ask, who read problems as JSON.
const PROGRAMS: [&str; 3] = ["/api/", "/v1/", "/callbacks/"];

/// Problems of pages are pages: what went wrong, what to do, and a number to find it by in the log.
pub async fn readable(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let accepts = request.headers().get(header::ACCEPT);
    let is_person = accepts
        .and_then(|accepts| accepts.to_str().ok())
        .is_some_and(|accepts| accepts.contains("text/html"))
        && !PROGRAMS.iter().any(|prefix| path.starts_with(prefix));
    let mut response = next.run(request).await;
    if !is_person {
        return response;
    }
    let Some(Readable {
        title,
        detail,
        request,
    }) = response.extensions_mut().remove()
    else {
        return response;
    };
    let status = response.status();
    // One that has a name in the log is told there already.
    let request = request.unwrap_or_else(|| {
        let id = app.engine.system().uuid().simple().to_string();
        if status.is_server_error() {
            tracing::error!(request.id = id, path, detail, "a page could not be shown");
        }
        id
    });
    let page = ErrorTemplate {
        title,
        detail,
        request,
    };
    (status, html(&page)).into_response()
}

/// `/projects/acme/x?notice=saved`, after something was done.
fn done(path: &str, notice: &str) -> Response {
    let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
    let hash = if fragment.is_empty() { "" } else { "#" };
    axum::response::Redirect::to(&format!("{path}?notice={notice}{hash}{fragment}")).into_response()
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

/// JSON, laid out to be read; anything else as it is.
fn indented(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => format!("{value:#}"),
        Err(_) => text.to_owned(),
    }
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

pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let (kind, content) = match name.as_str() {
        "app.css" => (
            "text/css; charset=utf-8",
            include_str!("../../assets/app.css"),
        ),
        "app.js" => (
            "text/javascript; charset=utf-8",
            include_str!("../../assets/app.js"),
        ),
        "icon.svg" => ("image/svg+xml", include_str!("../../assets/icon.svg")),
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
pub async fn harden(mut response: Response) -> Response {
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
