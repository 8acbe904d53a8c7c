//! Query strings of lists: filters and cursors.

use crate::{
    App,
    described::{Answers, Asks, Description},
    problem::{Code, Problem},
    project::InProject,
};
use axum::{
    extract::{FromRequestParts, Query},
    http::{Uri, request::Parts},
};
use domain::{AppId, CustomerId, DeliveryId, Environment, EventKind, Store, time};
use jiff::SignedDuration;
use ledger::{DeliveryFilter, DeliveryState, EventFilter, Page};
use serde::{Deserialize, de::DeserializeOwned};
use std::{str::FromStr, time::Duration};
use utoipa::{IntoParams, openapi::path::ParameterIn};

/// Most rows of one page.
const LONGEST_PAGE: usize = 200;
/// How far back the feed reaches unless asked otherwise.
pub const FEED_DAYS: i64 = 14;
/// Most seconds that a request for events waits for one.
const LONGEST_WAIT: u64 = 60;

/// Reads a part of a path or query; a problem names `what`.
pub fn parse<T: FromStr>(what: &str, text: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error: T::Err| Problem::new(Code::MalformedQuery, format!("{what}: {error}")))
}

/// The last position there can be.
const FARTHEST: u64 = i64::MAX as u64;

/// A position in a list that can be one.
pub fn position(what: &str, position: u64) -> Result<u64, Problem> {
    if position > FARTHEST {
        let detail = format!("{what}: at most {FARTHEST}");
        return Err(Problem::new(Code::MalformedQuery, detail));
    }
    Ok(position)
}

/// A cursor that is a position; nothing where it is empty.
pub fn before_position(text: &str) -> Result<Option<u64>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let before = parse("before", text)?;
    position("before", before).map(Some)
}

/// Which events, and which page of them; all optional.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// Kinds of events, separated by commas.
    pub kind: Option<String>,
    /// Any of the customer's names.
    pub customer: Option<String>,
    /// Id of an app.
    #[param(inline, value_type = Option<AppId>)]
    pub app: Option<String>,
    /// Id of a store: all apps of it.
    #[param(inline, value_type = Option<Store>)]
    pub store: Option<String>,
    /// `production` or `sandbox`.
    #[param(inline, value_type = Option<Environment>)]
    pub environment: Option<String>,
    /// Key of an integration; of events, together with `state`.
    pub integration: Option<String>,
    /// `pending`, `delivered` or `failed`.
    #[param(inline, value_type = Option<DeliveryState>)]
    pub state: Option<String>,
    /// From here on.
    pub since: Option<jiff::Timestamp>,
    /// Up to here.
    pub until: Option<jiff::Timestamp>,
    /// The same, as hours before now.
    #[serde(default, deserialize_with = "absent_or_number")]
    pub hours: Option<u32>,
    /// Newest first, before this cursor.
    pub before: Option<String>,
    /// Oldest first, after this cursor.
    pub after: Option<u64>,
    /// Most rows; 50 when absent, and never more than 200.
    pub limit: Option<usize>,
    /// With `after`: seconds to wait for an event when there is none.
    #[param(maximum = 60)]
    pub wait: Option<u64>,
}

/// A number, or nothing: forms send fields that are left alone as empty.
fn absent_or_number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A parameter that says something: forms send fields that are left alone as empty.
pub fn present(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.is_empty())
}

impl EventQuery {
    /// Rows of a page.
    pub fn limit(&self) -> usize {
        rows(self.limit)
    }

    /// Refuses a query that says twice from when on.
    pub fn begins_once(&self) -> Result<(), Problem> {
        if self.since.is_some() && self.hours.is_some() {
            let problem = "give `since` or `hours`, not both";
            return Err(Problem::new(Code::MalformedQuery, problem));
        }
        Ok(())
    }

    /// Which page: before or after a cursor.
    pub fn page(&self) -> Result<Page, Problem> {
        match (self.after, present(self.before.as_ref())) {
            (Some(_), Some(_)) => Err(Problem::new(
                Code::MalformedQuery,
                "give `before` or `after`, not both",
            )),
            (Some(after), None) => Ok(Page::After(position("after", after)?, self.limit())),
            (None, before) => Ok(Page::Before(
                before_position(before.map_or("", String::as_str))?,
                self.limit(),
            )),
        }
    }

    /// With `after`: how long to wait for an event.
    pub fn wait(&self) -> Result<Duration, Problem> {
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

    /// Kinds of events; none for all.
    fn kinds(&self) -> Result<Vec<EventKind>, Problem> {
        let asked = present(self.kind.as_ref()).into_iter();
        let kinds = asked.flat_map(|kinds| kinds.split(',')).map(|kind| {
            EventKind::from_id(kind.trim()).ok_or_else(|| {
                let message = format!("kind: there is no event kind {kind:?}");
                Problem::new(Code::MalformedQuery, message)
            })
        });
        kinds.collect()
    }

    fn environment(&self) -> Result<Option<Environment>, Problem> {
        let asked = present(self.environment.as_ref()).map(|text| {
            Environment::from_id(text).ok_or_else(|| {
                let message = format!("environment: {text:?} is neither production nor sandbox");
                Problem::new(Code::MalformedQuery, message)
            })
        });
        asked.transpose()
    }

    /// The customer, whom somebody has to have heard of.
    async fn customer(
        &self,
        app: &App,
        project: &InProject,
    ) -> Result<Option<CustomerId>, Problem> {
        let Some(who) = present(self.customer.as_ref()) else {
            return Ok(None);
        };
        let known = app.engine.ledger().customer(project.id, who).await?;
        let known = known.ok_or_else(|| Problem::not_found("customer", who))?;
        Ok(Some(known.customer.id))
    }

    /// The events asked for.
    pub async fn events(&self, app: &App, project: &InProject) -> Result<EventFilter, Problem> {
        let kinds = self.kinds()?;
        let customer = self.customer(app, project).await?;
        let environment = self.environment()?;
        let integration = present(self.integration.as_ref())
            .map(|key| project.integration(key).map(|active| active.row.id))
            .transpose()?;
        let state = state(self.state.as_ref())?;
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
        let recent = hours.map(|hours| time::before(now, SignedDuration::from_hours(hours)));
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

/// Which deliveries, and which page of them; all optional.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeliveryQuery {
    /// Key of an integration.
    pub integration: Option<String>,
    /// `pending`, `delivered` or `failed`.
    #[param(inline, value_type = Option<DeliveryState>)]
    pub state: Option<String>,
    /// Newest first, before this cursor.
    pub before: Option<String>,
    /// Most rows; 50 when absent, and never more than 200.
    pub limit: Option<usize>,
}

impl DeliveryQuery {
    /// The deliveries asked for.
    pub fn filter(&self, project: &InProject) -> Result<DeliveryFilter, Problem> {
        let integration = present(self.integration.as_ref())
            .map(|key| project.integration(key).map(|active| active.row.id))
            .transpose()?;
        Ok(DeliveryFilter {
            project: Some(project.id),
            integration,
            state: state(self.state.as_ref())?,
        })
    }

    /// Before which.
    pub fn before(&self) -> Result<Option<DeliveryId>, Problem> {
        before(self.before.as_ref())
    }

    /// Rows of a page.
    pub fn limit(&self) -> usize {
        rows(self.limit)
    }
}

/// Which page of a list that has no filters; all optional.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Newest first, before this cursor.
    pub before: Option<String>,
    /// Most rows; 50 when absent, and never more than 200.
    pub limit: Option<usize>,
}

impl PageQuery {
    /// Before which.
    pub fn before<T: FromStr>(&self) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        before(self.before.as_ref())
    }

    /// Rows of a page.
    pub fn limit(&self) -> usize {
        rows(self.limit)
    }
}

/// The query of a list that is whole and has no filters: there is none.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct NoFilters {}

fn rows(limit: Option<usize>) -> usize {
    limit.unwrap_or(50).clamp(1, LONGEST_PAGE)
}

fn before<T: FromStr>(cursor: Option<&String>) -> Result<Option<T>, Problem>
where
    T::Err: std::fmt::Display,
{
    let cursor = present(cursor);
    cursor.map(|cursor| parse("before", cursor)).transpose()
}

fn state(id: Option<&String>) -> Result<Option<DeliveryState>, Problem> {
    let unknown = |text: &String| {
        Problem::new(
            Code::MalformedQuery,
            format!("state: {text:?} is none of pending, delivered, failed"),
        )
    };
    present(id)
        .map(|text| DeliveryState::from_id(text).ok_or_else(|| unknown(text)))
        .transpose()
}

/// A query string of a list: what the list does not apply is a problem that names it, and what there is.
pub struct Filters<Q>(pub Q);

impl<Q: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filters<Q> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<Q>::from_request_parts(parts, state).await;
        query
            .map(|Query(query)| Self(query))
            .map_err(|error| Problem::new(Code::MalformedQuery, error.body_text()))
    }
}

impl<Q: IntoParams> Asks for Filters<Q> {
    fn ask(of: &mut Description) {
        of.takes(Q::into_params(|| Some(ParameterIn::Query)));
        Problem::answer(of);
    }
}

/// The address of a page: what it knows is read, whatever else stands there is passed over. Addresses are passed on by people and by
/// tools that add words of their own.
pub struct Address<Q>(pub Q);

impl<Q: DeserializeOwned + IntoParams, S: Send + Sync> FromRequestParts<S> for Address<Q> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known: Vec<String> = Q::into_params(|| None)
            .into_iter()
            .map(|parameter| parameter.name)
            .collect();
        let sent = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in sent.filter(|(name, _)| known.iter().any(|known| known == name)) {
            query.append_pair(&name, &value);
        }
        let address = format!("/?{}", query.finish());
        let address: Uri = address
            .parse()
            .map_err(|_| Problem::new(Code::MalformedQuery, "the address is too long"))?;
        Query::try_from_uri(&address)
            .map(|Query(query)| Self(query))
            .map_err(|error| Problem::new(Code::MalformedQuery, error.body_text()))
    }
}
