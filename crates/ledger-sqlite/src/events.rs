//! Events in commit order, each with how it stands with every integration.

use crate::{
    codec::{Found, Key, micros, to_json},
    statement::{all, first},
};
use domain::{
    Event, EventId, IntegrationId, NotSent, ProjectId,
    time::{after, before},
};
use jiff::SignedDuration;
use ledger::{DeliveryState, EventFilter, FeedRow, IntegrationState, Page, Result};
use rusqlite::{Connection, ToSql, params};
use std::collections::BTreeMap;

/// An event, and to whom it was not sent.
struct Told {
    position: u64,
    event: Event,
    not_sent: Vec<(IntegrationId, NotSent)>,
}

fn told(row: &Found<'_>) -> Result<Told> {
    Ok(Told {
        position: row.get(0)?,
        event: row.body(1)?,
        not_sent: row.json(2)?,
    })
}

/// Open deliveries up to which each leads to its event; of more, some are among the newest events.
const FEW: u32 = 5_000;

fn few_are_open(connection: &Connection) -> Result<bool> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE status = 0 LIMIT ?1)";
    let count: Option<u32> = first(connection, "deliveries", sql, [FEW], |row| row.get(0))?;
    Ok(count.is_some_and(|count| count < FEW))
}

/// How far the order in which events were committed may differ from the order of their `recorded_at`.
const DISORDER: SignedDuration = SignedDuration::from_mins(10);

/// Position of the first event recorded at or after `at`, or the one after the last. Positions rise with time, give or take
/// [`DISORDER`], so it is found by halving: no index of times has to be kept.
fn first_since(connection: &Connection, at: i64) -> Result<i64> {
    let sql = "SELECT coalesce(max(position), 0) + 1 FROM events";
    let end: Option<i64> = first(connection, "events", sql, [], |row| row.get(0))?;
    let (mut low, mut high) = (0, end.unwrap_or(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> = first(
            connection,
            "events",
            "SELECT position, recorded_at FROM events WHERE position >= ?1 ORDER BY position LIMIT 1",
            [middle],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        match found {
            Some((position, recorded_at)) if recorded_at < at => low = position + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// A question for events, as far as it is put together.
struct Asked {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
    /// Failures are few, however many events there are: they lead to their events, not the other way round.
    by_failure: bool,
}

impl Asked {
    fn of(filter: &EventFilter, page: Page) -> Self {
        let by_failure = matches!(filter.delivery, Some((_, DeliveryState::Failed)))
            && filter.project.is_some()
            && matches!(page, Page::Before(..));
        let sql = if by_failure {
            "SELECT DISTINCT e.position, e.body, e.not_sent FROM deliveries d CROSS JOIN events e ON e.position = d.event WHERE d.status = 2"
        } else {
            "SELECT e.position, e.body, e.not_sent FROM events e WHERE 1"
        };
        Self {
            sql: sql.into(),
            values: Vec::new(),
            by_failure,
        }
    }

    /// The column that says where an event stands.
    const fn position(&self) -> &'static str {
        if self.by_failure {
            "d.event"
        } else {
            "e.position"
        }
    }

    fn also(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.values.push(Box::new(value));
        self.sql.push_str(" AND ");
        let number = format!("?{}", self.values.len());
        self.sql.push_str(&condition.replace('?', &number));
    }

    fn by_what(&mut self, filter: &EventFilter) -> Result<()> {
        if let Some(project) = filter.project {
            // A customer has few events: its own index serves better than the project's.
            let column = match filter.customer {
                _ if self.by_failure => "d.project = ?",
                Some(_) => "+e.project = ?",
                None => "e.project = ?",
            };
            self.also(column, project.key());
        }
        if let Some(customer) = filter.customer {
            self.also("e.customer = ?", customer.key());
        }
        if let Some(apps) = &filter.apps {
            let apps: Vec<String> = apps
                .iter()
                .map(|app| app.uuid().simple().to_string())
                .collect();
            let among = "e.app IN (SELECT unhex(value) FROM json_each(?))";
            self.also(among, to_json(&apps)?);
        }
        if let Some(environment) = filter.environment {
            let column = if filter.kinds.len() == 1 {
                "+e.environment = ?"
            } else {
                "e.environment = ?"
            };
            self.also(column, environment.id());
        }
        Ok(())
    }

    /// What is asked of a span of time is looked for in the span of positions that belongs to it.
    fn by_time(&mut self, connection: &Connection, filter: &EventFilter) -> Result<()> {
        if let Some(since) = filter.since {
            self.also("e.recorded_at >= ?", micros(since));
            let lowest = before(since, DISORDER);
            let first = first_since(connection, micros(lowest))?;
            self.also(&format!("{} >= ?", self.position()), first);
        }
        if let Some(until) = filter.until {
            self.also("e.recorded_at < ?", micros(until));
            let highest = after(until, DISORDER);
            let end = first_since(connection, micros(highest))?;
            self.also(&format!("{} < ?", self.position()), end);
        }
        Ok(())
    }

    fn by_kind(&mut self, filter: &EventFilter) -> Result<()> {
        if let [kind] = filter.kinds[..] {
            self.also("e.kind = ?", kind.id());
        } else if !filter.kinds.is_empty() {
            // Several are picked out in passing: following each by its index, all would have to be sorted.
            let among = "+e.kind IN (SELECT value FROM json_each(?))";
            self.also(among, to_json(&filter.kinds)?);
        }
        Ok(())
    }

    fn by_delivery(&mut self, connection: &Connection, filter: &EventFilter) -> Result<()> {
        let Some((integration, state)) = filter.delivery else {
            return Ok(());
        };
        if self.by_failure {
            if let Some(integration) = integration {
                self.also("d.integration = ?", integration.key());
            }
            return Ok(());
        }
        let of = integration.map(|id| id.key());
        if state == DeliveryState::Pending && few_are_open(connection)? {
            let among = "e.position IN (SELECT event FROM deliveries WHERE status = 0 AND (? IS NULL OR integration = ?))";
            self.also(among, of);
        } else {
            let condition = format!(
                "EXISTS (SELECT 1 FROM deliveries WHERE event = e.position AND status = {} AND (?  IS NULL OR integration = ?))",
                state.number()
            );
            self.also(&condition, of);
        }
        Ok(())
    }

    /// Ends it with the page that is wanted.
    fn page(&mut self, page: Page) {
        let position = self.position();
        let (order, limit) = match page {
            Page::Before(before, limit) => {
                if let Some(before) = before {
                    self.also(&format!("{position} < ?"), before);
                }
                ("DESC", limit)
            }
            Page::After(after, limit) => {
                self.also(&format!("{position} > ?"), after);
                ("ASC", limit)
            }
        };
        let end = format!(" ORDER BY {position} {order} LIMIT {limit}");
        self.sql.push_str(&end);
    }
}

pub(crate) fn events(
    connection: &Connection,
    filter: &EventFilter,
    page: Page,
) -> Result<Vec<FeedRow>> {
    let mut asked = Asked::of(filter, page);
    asked.by_what(filter)?;
    asked.by_time(connection, filter)?;
    asked.by_kind(filter)?;
    asked.by_delivery(connection, filter)?;
    asked.page(page);
    let values = rusqlite::params_from_iter(asked.values.iter());
    let told = all(connection, "events", &asked.sql, values, told)?;
    feed_rows(connection, told)
}

pub(crate) fn event(
    connection: &Connection,
    project: ProjectId,
    id: EventId,
) -> Result<Option<FeedRow>> {
    let sql = "SELECT position, body, not_sent FROM events WHERE id = ?1 AND project = ?2";
    let values = params![id.key(), project.key()];
    let found = first(connection, "events", sql, values, told)?;
    Ok(feed_rows(connection, found.into_iter().collect())?.pop())
}

fn feed_rows(connection: &Connection, told: Vec<Told>) -> Result<Vec<FeedRow>> {
    let positions: Vec<u64> = told.iter().map(|row| row.position).collect();
    let deliveries: Vec<(u64, IntegrationId, IntegrationState)> = all(
        connection,
        "deliveries",
        "SELECT id, event, integration, status, reason, detail, attempts, due_at, turn = 0 FROM deliveries WHERE event IN (SELECT value FROM json_each(?1)) ORDER BY position",
        [to_json(&positions)?],
        |row| {
            let state = IntegrationState::Delivery {
                id: row.id(0)?,
                state: row.state(3)?,
                reason: row.maybe(4, Found::reason)?,
                detail: row.get(5)?,
                attempts: row.get(6)?,
                due_at: row.time(7)?,
                waits: row.get(8)?,
            };
            Ok((row.get(1)?, row.id(2)?, state))
        },
    )?;
    let mut states: BTreeMap<u64, Vec<(IntegrationId, IntegrationState)>> = BTreeMap::new();
    for (event, integration, state) in deliveries {
        states.entry(event).or_default().push((integration, state));
    }
    let rows = told.into_iter().map(|row| {
        let integrations = states.remove(&row.position).unwrap_or_default();
        FeedRow::new(row.position, row.event, integrations, row.not_sent)
    });
    Ok(rows.collect())
}
