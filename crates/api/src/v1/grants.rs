//! Access given by hand, and taken back: for secret keys.
//!
//! Tests: `crates/api/tests/resources/v1/grants.rs`.

use super::{
    Error, Platform, Secret,
    body::{Said, Says},
    client::Again,
    customers::current,
    error::Code,
    subscriber::Shown,
};
use axum::extract::{Path, State};
use engine::Grant;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    answer::With,
    audit::{Effect, Subject},
    body::Json,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Client;
    use Effect::Does;
    use Method::Post;
    vec![
        Route::operation(
            Post(Does("give access to", Subject::Customer("id"))),
            "/v1/subscribers/{id}/entitlements/{entitlement}/promotional",
            Client,
            "Gives access by hand; takes a secret key",
            grant,
        ),
        Route::operation(
            Post(Does("take access back from", Subject::Customer("id"))),
            "/v1/subscribers/{id}/entitlements/{entitlement}/revoke_promotionals",
            Client,
            "Takes access given by hand back; takes a secret key",
            revoke,
        ),
    ]
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
    Again(asked_as): Again,
    Said(body): Said<Promotional>,
) -> Result<With<201, Shown>, Error> {
    let now = app.engine.system().now();
    let bad = |why: &str| Error::new(Code::BadRequest).because(why);
    let is_counted = body.end_time_ms.is_none() && body.start_time_ms.is_none();
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
        is_counted,
        asked_as,
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
