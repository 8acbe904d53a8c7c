//! Apps and stores: how each hears its store, whether that works, and what waits for it.

use super::{Shell, clock, done, encode, exact, html};
use crate::{
    Dashboard,
    form::{self, Field, Kind, Placed, Sent, Shown},
};
use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{Request, Uri},
    response::{IntoResponse, Response},
};
use configuration::{self as desired, Desired, DesiredApp, DesiredProject};
use domain::Store;
use ledger::{AppSettings, Commission};
use serde_json::{Map, Value, json};
use sources::{Probe, ProbeOutcome};
use std::collections::BTreeMap;
use web::{
    App,
    access::Access,
    body, callback_path,
    configure::configure,
    problem::Problem,
    project::InProject,
    query::parse,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<Dashboard>> {
    use Access::{Form, Page};
    use Method::{Get, Post};
    vec![
        Route::new(Get, "/projects/{project}/apps", Page, "", apps),
        Route::new(
            Get,
            "/projects/{project}/apps/new/{store}",
            Page,
            "",
            new_app,
        ),
        Route::new(
            Post,
            "/projects/{project}/apps/new/{store}",
            Form,
            "",
            add_app,
        ),
        Route::new(Get, "/projects/{project}/apps/{key}", Page, "", app),
        Route::new(Post, "/projects/{project}/apps/{key}", Form, "", save_app),
        Route::new(
            Post,
            "/projects/{project}/apps/{key}/check",
            Form,
            "",
            check,
        ),
        Route::new(
            Post,
            "/projects/{project}/apps/{key}/parked/{message}",
            Form,
            "",
            retry_parked,
        ),
    ]
}

/// Waiting messages that are shown of an app.
const MOST_SHOWN: usize = 200;

/// Stores an app can be of, in the order in which teams meet them.
const STORES: [Store; 4] = [
    Store::AppStore,
    Store::PlayStore,
    Store::Stripe,
    Store::External,
];

const fn field(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { name, kind, help }
}

const COMMISSION: Field = field(
    "commission",
    Kind::Text,
    "What the store keeps: standard, small_business, or percent such as 15. Proceeds are unknown without it.",
);

/// The settings of an app of a store. Documented in docs/stores.md.
fn fields(store: Store) -> Vec<Field> {
    use Kind::{Choices, LongSecret, Number, Secret, Secrets, Switch, Text, Url};
    let own: &[Field] = match store {
        Store::AppStore => &[
            field(
                "bundle_id",
                Text,
                "As in App Store Connect: com.example.app.",
            ),
            field(
                "app_apple_id",
                Number,
                "The number in the app's App Store URL, after /id. Required for production.",
            ),
            field(
                "environments",
                Choices(&["production", "sandbox", "xcode", "local_testing"]),
                "Which purchases it accepts. Xcode and local testing never beside production.",
            ),
            field(
                "api_issuer",
                Text,
                "Issuer id: App Store Connect, Users and Access, Integrations, In-App Purchase.",
            ),
            field("api_key_id", Text, "Id of the In-App Purchase key."),
            field(
                "api_key",
                LongSecret,
                "Content of the .p8 file of that key.",
            ),
            field(
                "check_revocation",
                Switch,
                "Ask Apple whether signing certificates were revoked.",
            ),
            field(
                "local_roots",
                Kind::Lines,
                "Root certificates of Xcode or local tests, base64 DER, one a line.",
            ),
            field(
                "api_url",
                Url,
                "Where the App Store Server API is, when it is not Apple's.",
            ),
        ],
        Store::PlayStore => &[
            field("package", Text, "Package name: com.example.app."),
            field(
                "push_service_account",
                Text,
                "E-mail of the service account that the Pub/Sub push subscription authenticates with.",
            ),
            field(
                "push_audience",
                Text,
                "Audience set on the subscription; the callback URL when empty.",
            ),
            field(
                "service_account",
                LongSecret,
                "The JSON key file of a service account with rights to view financial data and manage orders.",
            ),
            field(
                "acknowledge",
                Switch,
                "Acknowledge new purchases; leave off where the app does it.",
            ),
            field(
                "push_unauthenticated",
                Switch,
                "Believe pushes without a token. For development only.",
            ),
            field(
                "push_keys_url",
                Url,
                "Where push keys are, when they are not Google's.",
            ),
            field(
                "api_url",
                Url,
                "Where the Android Publisher API is, when it is not Google's.",
            ),
        ],
        Store::Stripe => &[
            field(
                "api_key",
                Secret,
                "A secret or restricted key that may read subscriptions, invoices, charges, refunds, disputes, sessions and customers.",
            ),
            field(
                "signing_secrets",
                Secrets,
                "The whsec_ secret of the webhook endpoint; two, one a line, while one is rolled.",
            ),
            field(
                "owner_key",
                Text,
                "Metadata key that holds your user id; app_user_id when empty.",
            ),
            field(
                "owner_sources",
                Choices(&[
                    "subscription_metadata",
                    "session_metadata",
                    "client_reference_id",
                    "customer_metadata",
                    "customer_id",
                ]),
                "Where your user id is looked for, first found wins.",
            ),
            field(
                "past_due_access",
                Switch,
                "Keep access while Stripe retries a failed charge.",
            ),
            field(
                "bare_payments",
                Switch,
                "Take payments made without Checkout for purchases.",
            ),
            field(
                "tolerance_seconds",
                Number,
                "How many seconds old a signature may be; 300 when empty.",
            ),
            field("api_url", Url, "Where the API is, when it is not Stripe's."),
        ],
        Store::External => &[field(
            "store_name",
            Text,
            "What it is called in payloads: paddle, amazon, my_shop.",
        )],
        Store::Promotional => &[],
    };
    own.iter().copied().chain([COMMISSION]).collect()
}

/// Where its callback URL is entered, and how.
const fn instructions(store: Store) -> &'static str {
    match store {
        Store::AppStore => {
            "In App Store Connect, open the app, then App Information, App Store Server Notifications, and enter this URL for Production and Sandbox, version 2."
        }
        Store::PlayStore => {
            "In Google Cloud, add a push subscription with this endpoint URL and authentication by a service account to the topic that Play Console, Monetization setup, publishes to."
        }
        Store::Stripe => {
            "In Stripe, Developers, Webhooks, add an endpoint with this URL for customer.subscription.*, invoice.*, charge.*, refund.*, checkout.session.* and subscription_schedule.*."
        }
        Store::External | Store::Promotional => "",
    }
}

/// One line of the list.
struct Line {
    key: String,
    name: String,
    store: &'static str,
    callback: String,
    problem: String,
    parked: u64,
    /// When a message of its store came last.
    heard: String,
}

async fn line(app: &App, project: &InProject, row: &ledger::App) -> Result<Line, Problem> {
    let waiting = super::stuck(app, project.id).await?;
    let waiting = waiting.iter().find(|waiting| waiting.app == row.id);
    let heard = app.engine.last_heard(row.id).await?;
    let source = project.setup.app(row.id).map(|app| &app.source);
    Ok(Line {
        key: row.key.clone(),
        name: row.name.clone(),
        store: row.store().title(),
        callback: callback_path(row)
            .map(|path| format!("{}{path}", app.engine.public_url()))
            .unwrap_or_default(),
        problem: source
            .and_then(|source| source.as_ref().err().cloned())
            .unwrap_or_default(),
        parked: waiting.map_or(0, |waiting| waiting.count),
        heard: heard.map(exact).unwrap_or_default(),
    })
}

#[derive(Template)]
#[template(path = "apps.html")]
struct ListTemplate {
    shell: Shell,
    apps: Vec<Line>,
    /// Id and name.
    stores: Vec<(&'static str, &'static str)>,
}

fn rows(project: &InProject) -> impl Iterator<Item = &ledger::App> {
    let all = project.setup.configuration.apps.iter();
    all.filter(|row| row.project == project.id)
}

/// `GET /projects/{project}/apps`.
pub(crate) async fn apps(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut lines = Vec::new();
    for row in rows(&project) {
        lines.push(line(&app, &project, row).await?);
    }
    Ok(html(&ListTemplate {
        shell: Shell::load(&app, &project, "apps", &uri).await?,
        apps: lines,
        stores: STORES
            .iter()
            .map(|store| (store.id(), store.title()))
            .collect(),
    }))
}

/// A message that waits.
struct Waiting {
    id: String,
    title: String,
    at: String,
    at_short: String,
    reason: String,
    tries: u32,
    next: String,
}

/// What a store said when it was asked whether the settings work.
struct Finding {
    what: String,
    color: &'static str,
    outcome: &'static str,
    detail: String,
}

impl Finding {
    fn of(probe: &Probe) -> Self {
        let environment = probe.environment.map_or("", domain::Environment::id);
        let (color, outcome, detail) = match &probe.outcome {
            ProbeOutcome::Works(seen) => ("green", "works", seen.clone()),
            ProbeOutcome::Waiting(_) => (
                "blue",
                "waiting",
                "the store has not said yet how it went; check again in a minute".into(),
            ),
            ProbeOutcome::Fails { detail, .. } => ("red", "fails", detail.clone()),
        };
        Self {
            what: format!("{} {environment}", probe.asked),
            color,
            outcome,
            detail,
        }
    }
}

#[derive(Template)]
#[template(path = "app.html")]
struct AppTemplate {
    shell: Shell,
    action: String,
    store: &'static str,
    instructions: &'static str,
    key: String,
    name: String,
    line: Option<Line>,
    findings: Option<Vec<Finding>>,
    waiting: Vec<Waiting>,
    fields: Vec<Shown>,
    problems: Vec<String>,
}

/// What a form holds besides what is stored.
struct Draft {
    store: Store,
    key: String,
    name: String,
    settings: Value,
    problems: Vec<desired::Problem>,
    findings: Option<Vec<Finding>>,
}

/// The stored settings, with secrets masked and the commission as it is written.
fn stored(app: &App, row: &ledger::App) -> Value {
    let mut settings = json!(row.settings);
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("store");
    }
    for name in app.engine.setup().secret_names(app.engine.vault(), row) {
        let is_list = name == "signing_secrets";
        settings[name] = if is_list {
            json!(["***"])
        } else {
            json!("***")
        };
    }
    settings["commission"] = match row.commission {
        None => Value::Null,
        Some(Commission::Standard) => "standard".into(),
        Some(Commission::SmallBusiness) => "small_business".into(),
        Some(Commission::BasisPoints(points)) => {
            let text = format!("{}.{:02}", points / 100, points % 100);
            text.trim_end_matches('0').trim_end_matches('.').into()
        }
    };
    settings
}

async fn page(
    app: &App,
    project: &InProject,
    uri: &Uri,
    row: Option<&ledger::App>,
    draft: Draft,
) -> Result<Response, Problem> {
    let base = format!("/projects/{}/apps", project.key);
    let known: Vec<Field> = fields(draft.store);
    let placed = Placed::of(draft.problems, &known);
    let status = placed.status();
    let shown = known
        .iter()
        .map(|field| field.show(&draft.settings, &[], placed.beside(field.name)));
    let fields = shown.collect();
    let (mut waiting, mut state) = (Vec::new(), None);
    if let Some(row) = row {
        let now = app.engine.system().now();
        let ledger = app.engine.ledger();
        let parked = ledger
            .parked(project.id, Some(row.id), None, MOST_SHOWN)
            .await?;
        waiting = parked
            .into_iter()
            .filter(|parked| !parked.is_under_way(now))
            .map(|parked| Waiting {
                id: parked.message.id.to_string(),
                title: parked.message.title,
                at: exact(parked.message.received_at),
                at_short: clock(parked.message.received_at),
                reason: parked.reason,
                tries: parked.tries,
                next: exact(parked.retry_at),
            })
            .collect();
        state = Some(line(app, project, row).await?);
    }
    let html = html(&AppTemplate {
        shell: Shell::load(app, project, "apps", uri).await?,
        action: match row {
            Some(row) => format!("{base}/{}", row.key),
            None => format!("{base}/new/{}", draft.store.id()),
        },
        store: draft.store.title(),
        instructions: instructions(draft.store),
        key: draft.key,
        name: draft.name,
        line: state,
        findings: draft.findings,
        waiting,
        fields,
        problems: placed.above,
    });
    Ok((status, html).into_response())
}

fn find<'a>(project: &'a InProject, key: &str) -> Result<&'a ledger::App, Problem> {
    rows(project)
        .find(|row| row.key == key)
        .ok_or_else(|| Problem::not_found("app", key))
}

fn draft_of(app: &App, row: &ledger::App) -> Draft {
    Draft {
        store: row.store(),
        key: row.key.clone(),
        name: row.name.clone(),
        settings: stored(app, row),
        problems: Vec::new(),
        findings: None,
    }
}

/// `GET /projects/{project}/apps/{key}`.
pub(crate) async fn app(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = find(&project, &key)?;
    let draft = draft_of(&app, row);
    page(&app, &project, &uri, Some(row), draft).await
}

/// `POST /projects/{project}/apps/{key}/check`: asks the store, and shows what it said.
pub(crate) async fn check(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = find(&project, &key)?;
    let probes = app.engine.probe(row.id).await?;
    let mut draft = draft_of(&app, row);
    draft.findings = Some(probes.iter().map(Finding::of).collect());
    page(&app, &project, &uri, Some(row), draft).await
}

fn store_of(id: &str) -> Result<Store, Problem> {
    Store::from_id(id)
        .filter(|store| STORES.contains(store))
        .ok_or_else(|| Problem::not_found("store", id))
}

/// `GET /projects/{project}/apps/new/{store}`.
pub(crate) async fn new_app(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, store)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let store = store_of(&store)?;
    let usual = match store {
        Store::AppStore => "ios",
        Store::PlayStore => "android",
        Store::Stripe => "web",
        Store::External | Store::Promotional => "shop",
    };
    let draft = Draft {
        store,
        key: usual.into(),
        name: String::new(),
        settings: match store {
            Store::AppStore => json!({ "environments": ["production", "sandbox"] }),
            _ => json!({}),
        },
        problems: Vec::new(),
        findings: None,
    };
    page(&app, &project, &uri, None, draft).await
}

/// Whether what is stored has secrets of this name, for the settings that a form sends.
fn given(store: Store, sent: &Sent, known: &Value) -> (Map<String, Value>, Vec<desired::Problem>) {
    let (settings, problems) = form::settings(&fields(store), sent, known, &[]);
    let problems = problems
        .into_iter()
        .map(|(field, message)| desired::Problem {
            path: vec![field],
            message,
        });
    (settings, problems.collect())
}

/// `POST /projects/{project}/apps/{key}`.
pub(crate) async fn save_app(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, key)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    let row = find(&project, &key)?;
    put(&app, &project, &uri, row.store(), Some(row), sent).await
}

/// `POST /projects/{project}/apps/new/{store}`.
pub(crate) async fn add_app(
    State(app): State<App>,
    project: InProject,
    uri: Uri,
    Path((_, store)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let sent = Sent::read(&body::read(request).await?);
    put(&app, &project, &uri, store_of(&store)?, None, sent).await
}

async fn put(
    app: &App,
    project: &InProject,
    uri: &Uri,
    store: Store,
    row: Option<&ledger::App>,
    sent: Sent,
) -> Result<Response, Problem> {
    let known = row.map_or(json!({}), |row| stored(app, row));
    let (settings, mut problems) = given(store, &sent, &known);
    let key = row.map_or_else(|| sent.text("app.key").to_owned(), |row| row.key.clone());
    let name = sent.text("app.name").to_owned();
    if row.is_none() && find(project, &key).is_ok() {
        problems.push(desired::Problem {
            path: vec!["key".into()],
            message: format!("there is an app {key:?} already"),
        });
    }
    if problems.is_empty() {
        let mut own = settings.clone();
        let commission = own.remove("commission");
        let wanted = DesiredApp {
            name: Some(name.clone()).filter(|name| !name.is_empty()),
            store: store.id().into(),
            commission: commission.and_then(|value| value.as_str().map(str::to_owned)),
            settings: own,
        };
        let desired = Desired {
            project: DesiredProject {
                key: project.key.clone(),
                ..DesiredProject::default()
            },
            apps: BTreeMap::from([(key.clone(), wanted)]),
            ..Desired::default()
        };
        match configure(app, &project.caller, &desired).await? {
            Ok(_) => {
                let notice = if row.is_some() { "saved" } else { "added" };
                let path = format!("/projects/{}/apps/{}", project.key, encode(&key));
                return Ok(done(&path, notice));
            }
            Err(found) => problems = found,
        }
    }
    let mut settings = Value::Object(settings);
    for name in AppSettings::secret_names(store) {
        // What was typed is not shown again.
        if let Some(kept) = known.get(*name) {
            settings[*name] = kept.clone();
        } else if let Some(settings) = settings.as_object_mut() {
            settings.remove(*name);
        }
    }
    let draft = Draft {
        store,
        key,
        name,
        settings,
        problems,
        findings: None,
    };
    page(app, project, uri, row, draft).await
}

/// `POST /projects/{project}/apps/{key}/parked/{message}`: one waiting message, or `all` of the project.
pub(crate) async fn retry_parked(
    State(app): State<App>,
    project: InProject,
    Path((_, key, message)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let row = find(&project, &key)?;
    let id = match message.as_str() {
        "all" => None,
        id => Some(parse("message", id)?),
    };
    let now = app.engine.system().now();
    app.engine.ledger().unpark(project.id, id, now).await?;
    project.did(&app, "retry waiting messages of", &key).await?;
    let path = format!("/projects/{}/apps/{}", project.key, encode(&row.key));
    Ok(done(&path, "retried"))
}
