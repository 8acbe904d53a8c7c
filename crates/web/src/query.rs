//! Query strings of lists: filters and cursors.

mod both;
mod deliveries;
mod events;

pub use deliveries::{DeliveryQuery, DeliveryStreamQuery};
pub use events::{EventQuery, EventStreamQuery, FEED_DAYS};

use crate::{
    described::{Answers, Asks, Description},
    problem::{Code, Problem},
};
use axum::{
    extract::{FromRequestParts, Query},
    http::{Uri, request::Parts},
};
use ledger::DeliveryState;
use serde::{Deserialize, de::DeserializeOwned};
use std::str::FromStr;
use utoipa::{IntoParams, openapi::path::ParameterIn};

/// Most rows of one page.
const LONGEST_PAGE: usize = 200;

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

/// A parameter that says something: forms send fields that are left alone as empty.
pub fn present(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.is_empty())
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
