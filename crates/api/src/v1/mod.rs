//! The RevenueCat v1 REST shapes, so that client SDKs work by changing their proxy URL. Source: RevenueCat's REST API v1 reference and its open-source SDKs.
//!
//! Every answer, errors included, is JSON: SDKs read nothing else. Pages of other origins may call, because web SDKs do.

mod body;
mod error;
mod members;
mod offerings;
mod receipts;
mod subscriber;

pub(crate) use error::Error;

use axum::{
    body::Body,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use body::{Said, Says};
use domain::{
    ProjectId,
    attribute::{Refused, Write},
};
use engine::{CustomerError, Grant, Profile, WriteError};
use error::Code;
use jiff::{SignedDuration, Timestamp};
use ledger::Scope;
use members::{Members, Scalar};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use subscriber::Shown;
use utoipa::{
    ToSchema,
    openapi::{
        ObjectBuilder, Required, Type,
        path::{ParameterBuilder, ParameterIn},
    },
};
use web::{
    App,
    access::{self, Access, Caller},
    answer::{There, With},
    audit::{Did, Effect, Known, Noted, Subject},
    body::Json,
    described::{Answers, Asks, Description},
    problem::Readable,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Client;
    use Effect::Does;
    use Method::{Delete, GetAnd, Post};
    let mut routes = vec![
        Route::operation(
            GetAnd(Does("make customer", Subject::Path("id"))),
            "/v1/subscribers/{id}",
            Client,
            "The customer, made when there is none; RevenueCat v1 shape",
            get_subscriber,
        ),
        Route::operation(
            // Whom is what was to be forgotten.
            Delete(Does("forget", Subject::Always("a customer"))),
            "/v1/subscribers/{id}",
            Client,
            "Forgets a customer; takes a secret key",
            delete_subscriber,
        ),
        Route::operation(
            Post(Does("give another name to", Subject::Said)),
            "/v1/subscribers/identify",
            Client,
            "Gives a customer another name",
            identify,
        ),
        Route::operation(
            Post(Does("give another name to", Subject::Path("id"))),
            "/v1/subscribers/{id}/alias",
            Client,
            "The same, as older clients ask",
            alias,
        ),
        Route::operation(
            Post(Does("change customer", Subject::Path("id"))),
            "/v1/subscribers/{id}/attributes",
            Client,
            "Writes attributes",
            post_attributes,
        ),
        Route::operation(
            Post(Does("change customer", Subject::Path("id"))),
            "/v1/subscribers/{id}/attribution",
            Client,
            "Writes device ids, as older clients do",
            post_attribution,
        ),
        Route::operation(
            Post(Does("give access to", Subject::Path("id"))),
            "/v1/subscribers/{id}/entitlements/{entitlement}/promotional",
            Client,
            "Gives access by hand; takes a secret key",
            grant,
        ),
        Route::operation(
            Post(Does("take access back from", Subject::Path("id"))),
            "/v1/subscribers/{id}/entitlements/{entitlement}/revoke_promotionals",
            Client,
            "Takes access given by hand back; takes a secret key",
            revoke,
        ),
    ];
    routes.extend(receipts::routes());
    routes.extend(offerings::routes());
    routes
}

/// Lets pages of any origin read the answer.
pub(crate) async fn cors(request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    response
}

/// What is answered before a handler is asked, or instead of one that panicked, as SDKs expect it. A ledger that cannot say
/// who calls is no refusal: SDKs take one for the last word.
pub(crate) async fn spoken(response: Response) -> Response {
    let is_refused = response.extensions().get::<access::Refused>().is_some();
    match response.status() {
        StatusCode::INTERNAL_SERVER_ERROR => {
            let said = response.extensions().get::<Readable>();
            let request = said.and_then(|said| said.request.as_deref());
            match request {
                Some(id) => Error::new(Code::Internal)
                    .because(format!("Request {id}."))
                    .into_response(),
                None => response,
            }
        }
        status if is_refused && status.is_client_error() => {
            Error::new(Code::InvalidKey).into_response()
        }
        _ => response,
    }
}

/// What a browser asks before it lets a page of another origin call.
pub(crate) async fn preflight(headers: HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answer = response.headers_mut();
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    for (name, value) in fixed {
        answer.insert(name, HeaderValue::from_static(value));
    }
    if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    response
}

/// Who calls, and for which project.
pub(crate) struct Client {
    pub(crate) caller: Caller,
    pub(crate) project: ProjectId,
}

impl Client {
    /// Whether its key is secret.
    pub(crate) fn is_secret(&self) -> bool {
        self.caller.scope == Scope::Write
    }

    fn require_secret(&self) -> Result<(), Error> {
        if self.is_secret() {
            Ok(())
        } else {
            Err(Error::new(Code::SecretKeyRequired))
        }
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let caller = parts
            .extensions
            .get::<Caller>()
            .cloned()
            .ok_or_else(|| Error::new(Code::InvalidKey))?;
        // A public key writes, because clients do; a secret key only if it may.
        if caller.scope == Scope::Read && parts.method != axum::http::Method::GET {
            return Err(Error::new(Code::ReadOnlyKey));
        }
        let project = caller.only_project(&app.engine.setup()).ok_or_else(|| {
            Error::new(Code::InvalidKey)
                .because("this key reaches several projects; make one for a single project")
        })?;
        Ok(Self { caller, project })
    }
}

impl Asks for Client {
    fn ask(of: &mut Description) {
        Error::answer(of);
    }
}

/// Whoever calls with a secret key.
pub(crate) struct Secret(Client);

impl FromRequestParts<App> for Secret {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let client = Client::from_request_parts(parts, app).await?;
        client.require_secret()?;
        Ok(Self(client))
    }
}

impl Asks for Secret {
    fn ask(of: &mut Description) {
        Error::answer(of);
    }
}

/// On what a client runs, where it says.
pub(crate) struct Platform(Option<String>);

impl FromRequestParts<App> for Platform {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let told = parts.headers.get("x-platform");
        let told = told.and_then(|value| value.to_str().ok());
        Ok(Self(told.map(str::to_owned)))
    }
}

impl Asks for Platform {
    fn ask(of: &mut Description) {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let header = ParameterBuilder::new()
            .name("X-Platform")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "On what the client runs: `ios`, `android`, `stripe` ...",
            ))
            .schema(Some(text));
        of.takes([header.build()]);
    }
}

/// The subscriber, as every successful call answers.
pub(crate) fn shown(app: &App, client: &Client, profile: &Profile, platform: &Platform) -> Shown {
    subscriber::view(
        &app.engine.setup(),
        client.project,
        &profile.record,
        app.engine.system().now(),
        &subscriber::Wanted {
            with_attributes: client.is_secret(),
            platform: platform.0.as_deref(),
        },
    )
}

/// The customer of this name as it is now, as every successful call answers.
pub(crate) async fn current(
    app: &App,
    client: &Client,
    id: &str,
    platform: &Platform,
) -> Result<Json<Shown>, Error> {
    let profile = app.engine.customers().profile(client.project, id).await?;
    Ok(Json(shown(app, client, &profile, platform)))
}

/// A customer that was found, or was made for the request.
fn there(app: &App, client: &Client, profile: &Profile, platform: &Platform) -> There<Shown> {
    let shown = shown(app, client, profile, platform);
    if profile.is_new {
        There::Made(shown)
    } else {
        There::Found(shown)
    }
}

/// `GET /v1/subscribers/{id}`: found, or made.
pub(crate) async fn get_subscriber(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    platform: Platform,
) -> Result<Noted<There<Shown>>, Error> {
    let profile = app.engine.customers().profile(client.project, &id).await?;
    let did = if profile.is_new {
        Did::AsStated(Known::default())
    } else {
        Did::Nothing
    };
    let there = there(&app, &client, &profile, &platform);
    Ok(Noted::new(did, there))
}

/// That a customer is forgotten.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Deleted)]
pub(crate) struct Deleted {
    app_user_id: String,
    deleted: bool,
}

/// `DELETE /v1/subscribers/{id}`.
pub(crate) async fn delete_subscriber(
    State(app): State<App>,
    Secret(client): Secret,
    Path(id): Path<String>,
) -> Result<Json<Deleted>, Error> {
    app.engine.customers().forget(client.project, &id).await?;
    Ok(Json(Deleted {
        app_user_id: id,
        deleted: true,
    }))
}

/// One attribute: its `value`, null to remove it, and when it was written. `None` if it cannot be read.
fn attribute_write(key: &str, attribute: &Members) -> Option<Write> {
    let value = match attribute.get("value") {
        Some(value) => Some(Scalar::into_text(value)),
        None if attribute.has("value") => return None,
        None => None,
    };
    Some(Write {
        key: key.to_owned(),
        value,
        written_at: attribute
            .integer("updated_at_ms")
            .and_then(|millis| Timestamp::from_millisecond(millis).ok()),
    })
}

/// Attributes by name, as client SDKs send them in a receipt or by themselves: those that can be read, and what is wrong with
/// the others.
fn attribute_writes(attributes: &Members) -> (Vec<Write>, Vec<Refused>) {
    let (mut writes, mut refused) = (Vec::new(), Vec::new());
    for (key, attribute) in attributes.objects() {
        match attribute.and_then(|attribute| attribute_write(key, &attribute)) {
            Some(write) => writes.push(write),
            None => refused.push(Refused {
                key: key.to_owned(),
                problem: "expected an object with a text, a number or null as its value".into(),
            }),
        }
    }
    (writes, refused)
}

/// `POST /v1/subscribers/{id}/attributes`. What cannot be read or kept is told, and the rest is kept.
pub(crate) async fn post_attributes(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    platform: Platform,
    Said(body::Attributes(body)): Said<body::Attributes>,
) -> Result<Result<Json<Shown>, Noted<Error>>, Error> {
    let attributes: Members = body.get("attributes").ok_or_else(|| {
        Error::new(Code::InvalidAttributes).because("attributes: expected an object")
    })?;
    let (writes, mut refused) = attribute_writes(&attributes);
    let mut kept = writes.len();
    match app
        .engine
        .customers()
        .write_attributes(client.project, &id, &writes)
        .await
    {
        Err(WriteError::Refused(more)) => {
            kept = kept.saturating_sub(more.len());
            refused.extend(more);
        }
        written => written?,
    }
    if refused.is_empty() {
        return current(&app, &client, &id, &platform).await.map(Ok);
    }
    let did = if kept > 0 {
        Did::AsStated(Known::default())
    } else {
        Did::Nothing
    };
    let refusal = Error::from(WriteError::Refused(refused));
    Ok(Err(Noted::new(did, refusal)))
}

/// An object without members.
#[derive(Serialize, ToSchema)]
#[schema(as = v1::Nothing)]
pub(crate) struct Nothing {}

/// `POST /v1/subscribers/{id}/attribution`, as old SDKs call it.
pub(crate) async fn post_attribution(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    Said(body::Attribution(body)): Said<body::Attribution>,
) -> Result<Json<Nothing>, Error> {
    // Only the device ids have a place of their own.
    let network = body.get::<Scalar>("network").map(Scalar::into_text);
    let data: Members = body
        .get("data")
        .ok_or_else(|| Error::new(Code::BadRequest).because("data: expected an object"))?;
    let known = [
        ("rc_idfa", "$idfa"),
        ("rc_idfv", "$idfv"),
        ("rc_gps_adid", "$gpsAdId"),
        ("rc_ip_address", "$ip"),
    ];
    let writes: Vec<Write> = known
        .into_iter()
        .filter_map(|(theirs, ours)| {
            Some(Write {
                key: ours.into(),
                value: Some(data.get(theirs)?),
                written_at: None,
            })
        })
        .collect();
    tracing::debug!(
        network,
        attributes = writes.len(),
        "attribution data of an old SDK"
    );
    app.engine
        .customers()
        .write_attributes(client.project, &id, &writes)
        .await?;
    Ok(Json(Nothing {}))
}

/// Gives the customer `old` another name.
async fn named(
    app: &App,
    client: &Client,
    platform: &Platform,
    old: &str,
    new: &str,
) -> Result<There<Shown>, Error> {
    let merged = app
        .engine
        .customers()
        .identify(client.project, old, new)
        .await?;
    Ok(there(app, client, &merged.profile, platform))
}

/// A customer's name, and the one it gets.
#[derive(Deserialize, ToSchema)]
#[schema(as = v1::Identify)]
pub(crate) struct Identify {
    app_user_id: String,
    new_app_user_id: String,
}

impl Says for Identify {}

/// `POST /v1/subscribers/identify`, and the older `POST /v1/subscribers/{id}/alias`.
pub(crate) async fn identify(
    State(app): State<App>,
    client: Client,
    platform: Platform,
    Said(names): Said<Identify>,
) -> Result<Noted<There<Shown>>, Error> {
    let (old, new) = (&names.app_user_id, &names.new_app_user_id);
    let there = named(&app, &client, &platform, old, new).await?;
    Ok(Noted::to(old, there))
}

/// The name a customer gets.
#[derive(Deserialize, ToSchema)]
#[schema(as = v1::Alias)]
pub(crate) struct Alias {
    new_app_user_id: String,
}

impl Says for Alias {}

/// `POST /v1/subscribers/{id}/alias`.
pub(crate) async fn alias(
    State(app): State<App>,
    client: Client,
    Path(id): Path<String>,
    platform: Platform,
    Said(names): Said<Alias>,
) -> Result<There<Shown>, Error> {
    named(&app, &client, &platform, &id, &names.new_app_user_id).await
}

/// How long access is given: until `end_time_ms`, or for a `duration`.
#[derive(Deserialize, ToSchema)]
#[schema(as = v1::Promotional)]
pub(crate) struct Promotional {
    end_time_ms: Option<i64>,
    /// `daily`, `three_day`, `weekly`, `two_week`, `monthly`, `two_month`, `three_month`, `six_month`, `yearly` or `lifetime`.
    duration: Option<String>,
    /// From when a `duration` counts; now when absent.
    start_time_ms: Option<i64>,
}

impl Says for Promotional {}

/// Lengths of promotional grants, in days, as RevenueCat's REST API v1 reference lists them.
const DURATIONS: [(&str, i64); 10] = [
    ("daily", 1),
    ("three_day", 3),
    ("weekly", 7),
    ("two_week", 14),
    ("monthly", 31),
    ("two_month", 61),
    ("three_month", 92),
    ("six_month", 183),
    ("yearly", 365),
    ("lifetime", 200 * 365),
];

/// `POST /v1/subscribers/{id}/entitlements/{entitlement}/promotional`.
pub(crate) async fn grant(
    State(app): State<App>,
    Secret(client): Secret,
    Path((id, entitlement)): Path<(String, String)>,
    platform: Platform,
    Said(body): Said<Promotional>,
) -> Result<With<201, Shown>, Error> {
    let now = app.engine.system().now();
    let bad = |why: &str| Error::new(Code::BadRequest).because(why);
    let (ends_at, duration) = match (body.end_time_ms, body.duration) {
        (Some(millis), _) => {
            let end = Timestamp::from_millisecond(millis)
                .map_err(|_| bad("end_time_ms is not a time in milliseconds"))?;
            (end, "custom".to_owned())
        }
        (None, Some(duration)) => {
            let (_, days) = DURATIONS
                .iter()
                .find(|(name, _)| *name == duration)
                .ok_or_else(|| bad("duration is none of daily, three_day, weekly, two_week, monthly, two_month, three_month, six_month, yearly, lifetime"))?;
            let start = body
                .start_time_ms
                .and_then(|millis| Timestamp::from_millisecond(millis).ok())
                .unwrap_or(now);
            let end = start
                .checked_add(SignedDuration::from_hours(24 * days))
                .map_err(|_| bad("start_time_ms is too far away"))?;
            (end, duration)
        }
        (None, None) => return Err(bad("end_time_ms or duration is required")),
    };
    if ends_at <= now {
        return Err(bad("the grant would end in the past"));
    }
    let grant = Grant {
        entitlement,
        ends_at: Some(ends_at),
        duration,
    };
    app.engine
        .customers()
        .grant(client.project, &id, &grant)
        .await?;
    let Json(shown) = current(&app, &client, &id, &platform).await?;
    Ok(With(shown))
}

/// `POST /v1/subscribers/{id}/entitlements/{entitlement}/revoke_promotionals`.
pub(crate) async fn revoke(
    State(app): State<App>,
    Secret(client): Secret,
    Path((id, entitlement)): Path<(String, String)>,
    platform: Platform,
) -> Result<Json<Shown>, Error> {
    app.engine
        .customers()
        .revoke_grants(client.project, &id, &entitlement)
        .await?;
    current(&app, &client, &id, &platform).await
}

impl From<CustomerError> for Error {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::Unknown(_) => Self::new(Code::SubscriberNotFound),
            CustomerError::UnknownEntitlement(_) => {
                Self::new(Code::BadRequest).because(error.to_string())
            }
            CustomerError::Intake(error) => error.into(),
        }
    }
}
