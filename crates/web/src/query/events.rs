//! Which events: of a list, and of a stream.

use super::{before_position, both::list_and_stream, parse, position, present, rows, state};
use crate::{
    App,
    problem::{Code, Problem},
    project::InProject,
};
use domain::{AppId, CustomerId, Environment, EventKind, Store, time};
use jiff::{SignedDuration, Timestamp};
use ledger::{DeliveryState, EventFilter, Page};
use serde::Deserialize;
use std::time::Duration;
use utoipa::IntoParams;

/// How far back the feed reaches unless asked otherwise.
pub const FEED_DAYS: i64 = 14;
/// Most seconds that a request for events waits for one.
const LONGEST_WAIT: u64 = 60;

list_and_stream! {
    /// Which events, and which page of them; all optional.
    list EventQuery {
        /// The same, as hours before now.
        #[serde(default, deserialize_with = "absent_or_number")]
        hours: u32,
        /// Newest first, before this cursor.
        before: String,
        /// Oldest first, after this cursor.
        after: u64,
        /// Most rows; 50 when absent, and never more than 200.
        limit: usize,
        /// With `after`: seconds to wait for an event when there is none.
        #[param(maximum = 60)]
        wait: u64,
    }
    /// Which events a stream tells, and from where on; all optional.
    stream EventStreamQuery {
        /// After this cursor; what happens from now on when absent.
        after: u64,
    }
    filters {
        /// Kinds of events, separated by commas; all but those that stand behind a `-`, as in `-access_level_updated`.
        kind: String,
        /// Any of the customer's names.
        customer: String,
        /// Id of an app.
        #[param(inline, value_type = Option<AppId>)]
        app: String,
        /// Id of a store: all apps of it.
        #[param(inline, value_type = Option<Store>)]
        store: String,
        /// `production` or `sandbox`.
        #[param(inline, value_type = Option<Environment>)]
        environment: String,
        /// Key of an integration; together with `state`.
        integration: String,
        /// `pending`, `delivered` or `failed`.
        #[param(inline, value_type = Option<DeliveryState>)]
        state: String,
        /// From here on.
        since: Timestamp,
        /// Up to here.
        until: Timestamp,
    }
}

/// A number, or nothing: forms send fields that are left alone as empty.
fn absent_or_number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
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
        let asked = asked.flat_map(|kinds| kinds.split(',')).map(|word| {
            let word = word.trim();
            let (is_wanted, id) = match word.strip_prefix('-') {
                Some(id) => (false, id),
                None => (true, word),
            };
            let kind = EventKind::from_id(id).ok_or_else(|| {
                let message = format!("kind: there is no event kind {id:?}");
                Problem::new(Code::MalformedQuery, message)
            })?;
            Ok((is_wanted, kind))
        });
        let asked: Vec<(bool, EventKind)> = asked.collect::<Result<_, Problem>>()?;
        let (wanted, left_out): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(is, _)| *is);
        let left_out: Vec<EventKind> = left_out.into_iter().map(|(_, kind)| kind).collect();
        if left_out.is_empty() {
            return Ok(wanted.into_iter().map(|(_, kind)| kind).collect());
        }
        if !wanted.is_empty() {
            let problem = "kind: name the kinds that are wanted, or those that are not, not both";
            return Err(Problem::new(Code::MalformedQuery, problem));
        }
        let all = EventKind::ALL.iter().copied();
        Ok(all.filter(|kind| !left_out.contains(kind)).collect())
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
