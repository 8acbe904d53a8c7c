//! The management and read API, `/api/v1`.

use crate::{
    App,
    access::Caller,
    body::Json,
    callbacks::callback_path,
    problem::{Code, Problem},
    view,
};
use axum::{
    extract::{FromRequestParts, Path, Query, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use configuration::{
    self as desired, Desired, DesiredApp, DesiredEntitlement, DesiredIntegration, DesiredProduct,
    DesiredProject, Means,
};
use domain::{AppId, Environment, EventKind, ProjectId, Store};
use engine::{ActiveIntegration, Setup};
use jiff::SignedDuration;
use ledger::{ConfigurationChange, DeliveryFilter, DeliveryState, EventFilter, FeedRow, Page};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, str::FromStr, sync::Arc, time::Duration};

type Answer = Result<axum::Json<Value>, Problem>;

/// Most rows of one page.
const LONGEST_PAGE: usize = 200;
/// How far back the feed reaches unless asked otherwise.
pub(crate) const FEED_DAYS: i64 = 14;
/// Most seconds that a request for events waits for one.
const LONGEST_WAIT: u64 = 60;

/// The project a path names, if the caller reaches it. Handlers below `/projects/{project}` take this and so cannot forget.
pub(crate) struct InProject {
    pub(crate) setup: Arc<Setup>,
    pub(crate) id: ProjectId,
    pub(crate) key: String,
    pub(crate) caller: Caller,
}

fn caller(parts: &Parts) -> Result<Caller, Problem> {
    parts
        .extensions
        .get::<Caller>()
        .cloned()
        .ok_or_else(|| Problem::new(Code::Internal, "this route has no access rule"))
}

impl FromRequestParts<App> for InProject {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(names): Path<BTreeMap<String, String>> = Path::from_request_parts(parts, app)
            .await
            .map_err(|error| Problem::new(Code::MalformedQuery, error.to_string()))?;
        let name = names.get("project").cloned().unwrap_or_default();
        let (setup, caller) = (app.engine.setup(), caller(parts)?);
        // Another project's key learns nothing, not even that the project exists.
        let found = setup
            .find_project(&name)
            .filter(|project| caller.reaches(project.row.id))
            .map(|project| (project.row.id, project.row.key.clone()));
        let (id, key) = found.ok_or_else(|| Problem::not_found("project", &name))?;
        Ok(Self {
            setup,
            id,
            key,
            caller,
        })
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        caller(parts)
    }
}

impl InProject {
    /// Writes down in the audit log what the caller did.
    pub(crate) async fn did(&self, app: &App, what: &str, subject: &str) -> Result<(), Problem> {
        let now = app.engine.system().now();
        let (ledger, who) = (app.engine.ledger(), &self.caller.name);
        Ok(ledger.note(self.id, who, what, subject, now).await?)
    }

    /// The project's integrations, by key.
    pub(crate) fn integrations(&self) -> &[ActiveIntegration] {
        self.setup
            .project(self.id)
            .map_or(&[], |project| &project.integrations)
    }

    pub(crate) fn integration(&self, key: &str) -> Result<&ActiveIntegration, Problem> {
        let project = self
            .setup
            .project(self.id)
            .ok_or_else(|| Problem::not_found("project", &self.key))?;
        project
            .integrations
            .iter()
            .find(|active| active.row.key == key || active.row.id.to_string() == key)
            .ok_or_else(|| Problem::not_found("integration", key))
    }
}

pub(crate) fn parse<T: FromStr>(what: &str, text: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error: T::Err| Problem::new(Code::MalformedQuery, format!("{what}: {error}")))
}

/// Filters and cursors of lists, all optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Kinds of events, separated by commas.
    pub(crate) kind: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) app: Option<String>,
    pub(crate) store: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) integration: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) since: Option<jiff::Timestamp>,
    pub(crate) until: Option<jiff::Timestamp>,
    /// The same, as hours before now.
    #[serde(default, deserialize_with = "absent_or_number")]
    pub(crate) hours: Option<u32>,
    /// Newest first, before this cursor.
    pub(crate) before: Option<String>,
    /// Oldest first, after this cursor.
    pub(crate) after: Option<u64>,
    pub(crate) limit: Option<usize>,
    /// With `after`: seconds to wait for an event when there is none.
    pub(crate) wait: Option<u64>,
}

/// A number, or nothing: forms send fields that are left alone as empty.
fn absent_or_number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

pub(crate) fn present(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.is_empty())
}

impl ListQuery {
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, LONGEST_PAGE)
    }

    pub(crate) fn page(&self) -> Result<Page, Problem> {
        match (self.after, present(self.before.as_ref())) {
            (Some(_), Some(_)) => Err(Problem::new(
                Code::MalformedQuery,
                "give `before` or `after`, not both",
            )),
            (Some(after), None) => Ok(Page::After(after, self.limit())),
            (None, before) => Ok(Page::Before(
                before.map(|before| parse("before", before)).transpose()?,
                self.limit(),
            )),
        }
    }

    fn wait(&self) -> Result<Duration, Problem> {
        match (self.wait, self.after) {
            (None, _) => Ok(Duration::ZERO),
            (Some(seconds), Some(_)) if seconds <= LONGEST_WAIT => Ok(Duration::from_secs(seconds)),
            (Some(_), Some(_)) => Err(Problem::new(
                Code::MalformedQuery,
                format!("wait: at most {LONGEST_WAIT} seconds"),
            )),
            (Some(_), None) => Err(Problem::new(
                Code::MalformedQuery,
                "`wait` waits for what comes after a position: give `after` too",
            )),
        }
    }

    pub(crate) fn state(&self) -> Result<Option<DeliveryState>, Problem> {
        let unknown = |text: &String| {
            Problem::new(
                Code::MalformedQuery,
                format!("state: {text:?} is none of pending, delivered, failed"),
            )
        };
        present(self.state.as_ref())
            .map(|text| DeliveryState::from_id(text).ok_or_else(|| unknown(text)))
            .transpose()
    }

    /// The apps meant by `app` and `store`; `None` when neither is given.
    fn apps(&self, project: &InProject) -> Result<Option<Vec<AppId>>, Problem> {
        let one: Option<AppId> = present(self.app.as_ref())
            .map(|text| parse("app", text))
            .transpose()?;
        let store = present(self.store.as_ref())
            .map(|text| {
                Store::from_id(text).ok_or_else(|| {
                    let known = Store::ALL.map(Store::id).join(", ");
                    let message = format!("store: {text:?} is none of {known}");
                    Problem::new(Code::MalformedQuery, message)
                })
            })
            .transpose()?;
        let meant = project
            .setup
            .configuration
            .apps
            .iter()
            .filter(|row| row.project == project.id)
            .filter(|row| one.is_none_or(|one| row.id == one))
            .filter(|row| store.is_none_or(|store| row.settings.store() == store))
            .map(|row| row.id);
        Ok((one.is_some() || store.is_some()).then(|| meant.collect()))
    }

    pub(crate) async fn events(
        &self,
        app: &App,
        project: &InProject,
    ) -> Result<EventFilter, Problem> {
        let kinds = present(self.kind.as_ref())
            .into_iter()
            .flat_map(|kinds| kinds.split(','));
        let kinds = kinds
            .map(|kind| {
                EventKind::from_id(kind.trim()).ok_or_else(|| {
                    Problem::new(
                        Code::MalformedQuery,
                        format!("kind: there is no event kind {kind:?}"),
                    )
                })
            })
            .collect::<Result<_, _>>()?;
        let customer = match present(self.customer.as_ref()) {
            None => None,
            Some(who) => Some(
                app.engine
                    .ledger()
                    .customer(project.id, who)
                    .await?
                    .ok_or_else(|| Problem::not_found("customer", who))?
                    .customer
                    .id,
            ),
        };
        let environment = present(self.environment.as_ref())
            .map(|text| {
                Environment::from_id(text).ok_or_else(|| {
                    Problem::new(
                        Code::MalformedQuery,
                        format!("environment: {text:?} is neither production nor sandbox"),
                    )
                })
            })
            .transpose()?;
        let integration = present(self.integration.as_ref())
            .map(|key| project.integration(key).map(|active| active.row.id))
            .transpose()?;
        let state = self.state()?;
        if integration.is_some() && state.is_none() {
            return Err(Problem::new(
                Code::MalformedQuery,
                "`integration` filters together with `state`: pending, delivered or failed",
            ));
        }
        let now = app.engine.system().now();
        // Whoever follows begins where he likes; whoever looks sees what is recent.
        let hours = match (self.hours, self.after) {
            (Some(hours), _) => Some(i64::from(hours)),
            (None, Some(_)) => None,
            (None, None) => Some(24 * FEED_DAYS),
        };
        let recent = hours.map(|hours| {
            now.saturating_sub(SignedDuration::from_hours(hours))
                .unwrap_or(now)
        });
        Ok(EventFilter {
            project: Some(project.id),
            kinds,
            customer,
            apps: self.apps(project)?,
            environment,
            since: self.since.or(recent),
            until: self.until,
            delivery: state.map(|state| (integration, state)),
        })
    }
}

/// A query string, with a problem that names the parameter.
pub(crate) struct Filters(pub(crate) ListQuery);

impl FromRequestParts<App> for Filters {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let query = Query::<ListQuery>::from_request_parts(parts, app).await;
        query
            .map(|Query(query)| Self(query))
            .map_err(|error| Problem::new(Code::MalformedQuery, error.body_text()))
    }
}

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
            .map(|row| json!(view::event(&project.setup, row)))
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
    Ok(axum::Json(json!(view::event(&project.setup, row))))
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

/// Plans and applies a part of a project. Either the steps that were taken, or every problem.
pub(crate) async fn configure(
    app: &App,
    caller: &Caller,
    desired: &Desired,
) -> Result<Result<Vec<(desired::Action, String)>, Vec<desired::Problem>>, Problem> {
    let planned = {
        let setup = app.engine.setup();
        let context = destinations::Context {
            public_url: app.engine.public_url().to_owned(),
        };
        let fresh = || app.engine.system().uuid();
        desired::plan(
            desired,
            &Means {
                current: &setup.configuration,
                vault: app.engine.vault(),
                context: &context,
                fresh: &fresh,
            },
        )
    };
    let steps = match planned {
        Ok(steps) => steps,
        Err(problems) => return Ok(Err(problems)),
    };
    let (mut taken, mut changes) = (Vec::new(), Vec::new());
    for step in steps {
        taken.push((step.action, step.subject));
        changes.extend(step.change);
    }
    if !changes.is_empty() && !app.engine.configure(changes, &caller.name).await? {
        return Err(Problem::changed_meanwhile());
    }
    Ok(Ok(taken))
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

impl InProject {
    /// The project as it is, to which one part is added.
    fn desired(&self) -> Desired {
        Desired {
            project: DesiredProject {
                key: self.key.clone(),
                ..DesiredProject::default()
            },
            ..Desired::default()
        }
    }
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

pub(crate) async fn missing() -> Problem {
    Problem::new(Code::NotFound, "see /api/v1/openapi.json for what there is")
}

pub(crate) async fn wrong_method() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "see /api/v1/openapi.json for what there is",
    )
}
