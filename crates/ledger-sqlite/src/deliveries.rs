//! Deliveries: claimed, settled, released, tried again.

use crate::{
    SqliteLedger,
    codec::{Key, failed, from_json, micros, pack, time, to_json, unpack, uuid},
    replays,
};
use async_trait::async_trait;
use domain::{DeliveryId, IntegrationId, NotSent, ProjectId, ReplayId};
use jiff::Timestamp;
use ledger::{
    Deliveries, Lease, Next, Replay, ReplayStep, Requeue, Result, Returned, Settled, Settlement,
};
use rusqlite::{Connection, Row, params};
use std::sync::Arc;

#[async_trait]
impl Deliveries for SqliteLedger {
    async fn claim(
        &self,
        integration: IntegrationId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Lease>> {
        let leases = self
            .writer
            .write(move |connection| claim(connection, integration, now, lease_until, limit))
            .await?;
        leases.into_iter().map(RawLease::decode).collect()
    }
    async fn integrations_due(
        &self,
        among: &[IntegrationId],
        now: Timestamp,
    ) -> Result<Vec<IntegrationId>> {
        let among = among.to_vec();
        self.read_long(move |connection| integrations_due(connection, &among, now))
            .await
    }
    async fn settle(&self, settlement: Settlement, lease_until: Timestamp) -> Result<Settled> {
        let prepared = Prepared::new(settlement)?;
        let (recorded, leases) = self
            .writer
            .write(move |connection| settle(connection, &prepared, lease_until))
            .await?;
        Ok(Settled {
            recorded,
            released: leases
                .into_iter()
                .map(RawLease::decode)
                .collect::<Result<_>>()?,
        })
    }
    async fn hand_back(&self, leases: &[Returned], now: Timestamp) -> Result<u64> {
        let leases = leases.to_vec();
        self.writer
            .write(move |connection| hand_back(connection, &leases, now))
            .await
    }
    async fn requeue(&self, which: Requeue, now: Timestamp) -> Result<u64> {
        self.writer
            .write(move |connection| requeue(connection, &which, now))
            .await
    }
    async fn backlog(&self) -> Result<Vec<(IntegrationId, u64)>> {
        self.read_long(backlog).await
    }
    async fn start_replay(&self, replay: Replay) -> Result<()> {
        self.writer
            .write(move |connection| replays::start(connection, &replay))
            .await
    }
    async fn replays(&self, project: ProjectId, limit: usize) -> Result<Vec<Replay>> {
        self.read_long(move |connection| replays::of_project(connection, project, limit))
            .await
    }
    async fn running_replays(&self) -> Result<Vec<Replay>> {
        self.read(replays::running)
    }
    async fn step_replay(&self, step: ReplayStep) -> Result<bool> {
        self.writer
            .write(move |connection| replays::step(connection, &step))
            .await
    }
    async fn cancel_replay(
        &self,
        project: ProjectId,
        id: ReplayId,
        now: Timestamp,
    ) -> Result<bool> {
        self.writer
            .write(move |connection| replays::cancel(connection, project, id, now))
            .await
    }
}

pub(crate) const PENDING: i64 = 0;

pub(crate) const DELIVERED: i64 = 1;

pub(crate) const FAILED: i64 = 2;

/// A settlement with its request serialized: the writer thread only binds and steps.
struct Prepared {
    settlement: Settlement,
    request: Option<Vec<u8>>,
}

impl Prepared {
    fn new(settlement: Settlement) -> Result<Self> {
        let request = settlement
            .request
            .as_ref()
            .map(to_json)
            .transpose()?
            .map(|json| pack(json.as_bytes()));
        Ok(Self {
            settlement,
            request,
        })
    }
}

/// A lease as it is stored: decoded by whoever asked, not on the writer thread.
struct RawLease {
    id: DeliveryId,
    integration: IntegrationId,
    message: String,
    attempts: u32,
    round: u32,
    accepted_at: Timestamp,
    event: i64,
    trace: Option<String>,
    body: Vec<u8>,
}

const LEASED: &str = "id, integration, message, attempts, round, accepted_at, event, trace";

fn raw_lease(row: &Row<'_>) -> rusqlite::Result<RawLease> {
    Ok(RawLease {
        id: DeliveryId::new(uuid(row, 0)?),
        integration: IntegrationId::new(uuid(row, 1)?),
        message: row.get(2)?,
        attempts: row.get(3)?,
        round: row.get(4)?,
        accepted_at: time(row, 5)?,
        event: row.get(6)?,
        trace: row.get(7)?,
        body: Vec::new(),
    })
}

/// Runs an `UPDATE ... RETURNING` of deliveries and adds the events they carry.
fn leased(
    connection: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<RawLease>> {
    let mut leases: Vec<RawLease> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(values, raw_lease)?.collect())
        .map_err(failed)?;
    let mut bodies = connection
        .prepare_cached("SELECT body FROM events WHERE position = ?1")
        .map_err(failed)?;
    for lease in &mut leases {
        lease.body = bodies
            .query_row([lease.event], |row| row.get(0))
            .map_err(failed)?;
    }
    Ok(leases)
}

impl RawLease {
    fn decode(self) -> Result<Lease> {
        let event = from_json(
            &unpack(&self.body, "events", self.event)?,
            "events",
            self.event,
        )?;
        let message = from_json(self.message.as_bytes(), "deliveries", self.id)?;
        Ok(Lease {
            id: self.id,
            integration: self.integration,
            message,
            event: Arc::new(event),
            trace: self.trace,
            attempts: self.attempts,
            round: self.round,
            accepted_at: self.accepted_at,
        })
    }
}

fn claim(
    connection: &Connection,
    integration: IntegrationId,
    now: Timestamp,
    lease_until: Timestamp,
    limit: usize,
) -> Result<Vec<RawLease>> {
    let sql = format!(
        "UPDATE deliveries SET due_at = ?3, waits_for = NULL WHERE position IN (
           SELECT position FROM deliveries WHERE integration = ?1 AND status = 0 AND due_at <= ?2 ORDER BY due_at LIMIT ?4) RETURNING {LEASED}"
    );
    leased(
        connection,
        &sql,
        params![integration.key(), micros(now), micros(lease_until), limit],
    )
}

fn integrations_due(
    connection: &Connection,
    among: &[IntegrationId],
    now: Timestamp,
) -> Result<Vec<IntegrationId>> {
    // One index seek per integration: a backlog is never scanned.
    let mut statement = connection
        .prepare_cached(
            "SELECT 1 FROM deliveries WHERE integration = ?1 AND status = 0 AND due_at <= ?2 LIMIT 1",
        )
        .map_err(failed)?;
    let mut due = Vec::new();
    for integration in among {
        let found = statement.exists(params![integration.key(), micros(now)]);
        if found.map_err(failed)? {
            due.push(*integration);
        }
    }
    Ok(due)
}

/// Whether the attempt was recorded, and what waited for the delivery, now leased.
fn settle(
    connection: &Connection,
    prepared: &Prepared,
    lease_until: Timestamp,
) -> Result<(bool, Vec<RawLease>)> {
    let Settlement {
        delivery,
        attempts,
        at,
        took,
        status,
        response,
        detail,
        next,
        ..
    } = &prepared.settlement;
    let (state, due_at, reason) = match next {
        Next::Delivered => (DELIVERED, *at, None),
        Next::Failed(reason) => (FAILED, *at, Some(*reason)),
        Next::Retry(reason, due_at) => (PENDING, *due_at, Some(*reason)),
    };
    let recorded = connection
        .prepare_cached("UPDATE deliveries SET status = ?3, attempts = attempts + 1, round = round + 1, due_at = ?4, reason = ?5, detail = ?6, waits_for = NULL WHERE id = ?1 AND attempts = ?2 AND status = 0")
        .and_then(|mut statement| statement.execute(params![delivery.key(), attempts, state, micros(due_at), reason.map(NotSent::id), detail]))
        .map_err(failed)?;
    if recorded == 0 {
        return Ok((false, Vec::new()));
    }
    connection
        .prepare_cached("INSERT INTO attempts (delivery, number, at, took_ms, status, reason, detail, response, request) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
        .and_then(|mut statement| {
            let took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
            statement.execute(params![delivery.key(), attempts + 1, micros(*at), took_ms, status, reason.map(NotSent::id), detail, response, prepared.request])
        })
        .map_err(failed)?;
    if state == PENDING {
        return Ok((true, Vec::new()));
    }
    let sql = format!(
        "UPDATE deliveries SET waits_for = NULL, due_at = ?2 WHERE waits_for = ?1 AND status = 0 RETURNING {LEASED}"
    );
    Ok((
        true,
        leased(
            connection,
            &sql,
            params![delivery.key(), micros(lease_until)],
        )?,
    ))
}

fn hand_back(connection: &Connection, leases: &[Returned], now: Timestamp) -> Result<u64> {
    let mut statement = connection
        .prepare_cached(
            "UPDATE deliveries SET due_at = ?3 WHERE id = ?1 AND attempts = ?2 AND status = 0",
        )
        .map_err(failed)?;
    let mut count = 0;
    for lease in leases {
        let values = params![lease.delivery.key(), lease.attempts, micros(now)];
        count += statement.execute(values).map_err(failed)? as u64;
    }
    Ok(count)
}

fn requeue(connection: &Connection, which: &Requeue, now: Timestamp) -> Result<u64> {
    let again = "UPDATE deliveries SET status = 0, round = 0, accepted_at = ?1, due_at = ?1, waits_for = NULL";
    let changed = match which {
        Requeue::One(project, delivery) => connection.execute(
            &format!("{again} WHERE project = ?2 AND id = ?3"),
            params![micros(now), project.key(), delivery.key()],
        ),
        Requeue::Failed(integration, reasons) => {
            let reasons = to_json(&reasons.iter().map(|reason| reason.id()).collect::<Vec<_>>())?;
            connection.execute(
                &format!("{again} WHERE integration = ?2 AND status = 2 AND reason IN (SELECT value FROM json_each(?3))"),
                params![micros(now), integration.key(), reasons],
            )
        }
    };
    changed.map(|count| count as u64).map_err(failed)
}

fn backlog(connection: &Connection) -> Result<Vec<(IntegrationId, u64)>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT integration, count(*) FROM deliveries WHERE status = 0 GROUP BY integration",
        )
        .map_err(failed)?;
    statement
        .query_map([], |row| {
            Ok((IntegrationId::new(uuid(row, 0)?), row.get(1)?))
        })
        .and_then(Iterator::collect)
        .map_err(failed)
}
