//! Lines: the deliveries of one customer in one lane, in the order of their events. See [`ledger::Deliveries`].

use crate::{
    Layout,
    codec::{failed, micros},
    lease::Leased,
};
use domain::{
    IntegrationId,
    time::{after, before},
};
use jiff::{SignedDuration, Timestamp};
use ledger::{FAR, LedgerError, PATIENCE, Result, Turn};
use sqlx::{PgExecutor, PgPool};
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

/// A customer in a lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) customer: Uuid,
    pub(crate) integration: Uuid,
    pub(crate) endpoint: String,
}

/// Where a delivery is put that is queued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// When it is due.
    pub(crate) due_at: i64,
    /// Where it stands in its line.
    pub(crate) turn: Turn,
}

impl Place {
    /// Before its line is looked at.
    pub(crate) fn queued(ordered: bool, now: i64) -> Self {
        if ordered {
            Self {
                due_at: micros(FAR),
                turn: Turn::Waits,
            }
        } else {
            Self {
                due_at: now,
                turn: Turn::Goes,
            }
        }
    }
}

/// Lines in which something ended, column by column, with what it was, when, before when one was tried that is passed, and until when what is
/// next is leased.
#[derive(Default)]
pub(crate) struct Ended {
    lines: Vec<Line>,
    before: Vec<Uuid>,
    now: Vec<i64>,
    tried_before: Vec<i64>,
    until: Vec<i64>,
}

/// Which deliveries of lines may be released.
pub(crate) enum Released<'a> {
    /// Any.
    Any,
    /// Only these: whoever asks can send no other.
    Among(&'a [Uuid]),
}

impl Ended {
    pub(crate) fn push(
        &mut self,
        line: Line,
        before: Uuid,
        now: i64,
        tried_before: i64,
        until: i64,
    ) {
        self.lines.push(line);
        self.before.push(before);
        self.now.push(now);
        self.tried_before.push(tried_before);
        self.until.push(until);
    }

    /// Leases, in each line, the one whose turn it is: none of its line is under way, and every earlier one is settled or passed.
    pub(crate) async fn release(
        &self,
        on: impl PgExecutor<'_>,
        layout: Layout,
        which: Released<'_>,
    ) -> sqlx::Result<Vec<Leased>> {
        if self.lines.is_empty() {
            return Ok(Vec::new());
        }
        let (is_any, among) = match which {
            Released::Any => (true, &[] as &[Uuid]),
            Released::Among(ids) => (false, ids),
        };
        match layout {
            Layout::OneMachine => self.release_here(on, is_any, among).await,
            Layout::Distributed => self.release_anywhere(on, is_any, among).await,
        }
    }

    /// Of a line, only the first that waits or is due can have its turn: it is looked up, then asked.
    async fn release_here(
        &self,
        on: impl PgExecutor<'_>,
        is_any: bool,
        among: &[Uuid],
    ) -> sqlx::Result<Vec<Leased>> {
        let (customers, integrations, endpoints) = columns(&self.lines);
        sqlx::query_as!(
            Leased,
            r#"update deliveries d set turn = 1, due_at = due.until
               from (select p.customer, p.id, p.due_at, n.until, n.before
                     from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[])
                       as n(customer, integration, endpoint, before, now, tried_before, until)
                     join deliveries p on p.customer = n.customer and p.id = (select b.id from deliveries b where b.customer = n.customer and b.integration = n.integration
                       and b.endpoint = n.endpoint and b.status = 0 and (b.turn = 0 or b.due_at <= n.now) order by b.seq, b.position limit 1)
                     where ($8 or p.id = any($9))
                       and not exists (select 1 from deliveries b where b.customer = p.customer
                         and (b.customer, b.integration, b.endpoint) between (p.customer, p.integration, p.endpoint) and (p.customer, p.integration, p.endpoint)
                         and b.status = 0 and b.turn = 1 and b.due_at > n.now and b.id <> p.id offset 0)
                       and not exists (select 1 from deliveries b where b.customer = p.customer and b.integration = p.integration and b.endpoint = p.endpoint
                         and b.status = 0 and b.seq <= p.seq and (b.seq < p.seq or b.position < p.position)
                         and (b.turn <> 2 or b.due_at <= n.now or b.tried_at >= n.tried_before) order by b.seq, b.position offset 0)) as due
               where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0
               returning d.customer, d.id, d.integration, d.endpoint, d.message, d.attempts, d.round, d.accepted_at, d.tried_at, d.event, d.trace,
                 due.before as "before?""#,
            &customers, &integrations, &endpoints, &self.before, &self.now, &self.tried_before, &self.until, is_any, among
        )
        .fetch_all(on)
        .await
    }

    /// Where tables are divided, no part is limited row by row: everything open of a line is asked.
    async fn release_anywhere(
        &self,
        on: impl PgExecutor<'_>,
        is_any: bool,
        among: &[Uuid],
    ) -> sqlx::Result<Vec<Leased>> {
        let (customers, integrations, endpoints) = columns(&self.lines);
        sqlx::query_as!(
            Leased,
            r#"update deliveries d set turn = 1, due_at = due.until
               from (select distinct on (p.customer, p.integration, p.endpoint) p.customer, p.id, p.due_at, n.until, n.before
                     from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[])
                       as n(customer, integration, endpoint, before, now, tried_before, until)
                     join deliveries p on p.customer = n.customer and p.integration = n.integration and p.endpoint = n.endpoint
                     where p.status = 0 and (p.turn = 0 or p.due_at <= n.now) and ($8 or p.id = any($9))
                       and not exists (select 1 from deliveries b where b.customer = p.customer
                         and (b.customer, b.integration, b.endpoint) between (p.customer, p.integration, p.endpoint) and (p.customer, p.integration, p.endpoint)
                         and b.status = 0 and b.turn = 1 and b.due_at > n.now and b.id <> p.id)
                       and not exists (select 1 from deliveries b where b.customer = p.customer and (b.customer, b.integration, b.endpoint) >= (p.customer, p.integration, p.endpoint)
                         and (b.customer, b.integration, b.endpoint, b.seq, b.position) < (p.customer, p.integration, p.endpoint, p.seq, p.position)
                         and b.status = 0 and (b.turn <> 2 or b.due_at <= n.now or b.tried_at >= n.tried_before))
                     order by p.customer, p.integration, p.endpoint, p.seq, p.position) as due
               where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0
               returning d.customer, d.id, d.integration, d.endpoint, d.message, d.attempts, d.round, d.accepted_at, d.tried_at, d.event, d.trace,
                 due.before as "before?""#,
            &customers, &integrations, &endpoints, &self.before, &self.now, &self.tried_before, &self.until, is_any, among
        )
        .fetch_all(on)
        .await
    }

    /// When what comes after one was released, and until when it is leased.
    pub(crate) fn lasts(&self, before: Uuid) -> Option<(i64, i64)> {
        let number = self.before.iter().position(|known| *known == before)?;
        Some((self.now[number], self.until[number]))
    }

    /// Leaves those lines out in which something was released.
    pub(crate) fn found(&mut self, leased: &[Leased]) {
        let found: BTreeSet<Uuid> = leased.iter().filter_map(|row| row.before).collect();
        let old = std::mem::take(self);
        for (number, line) in old.lines.into_iter().enumerate() {
            let before = old.before[number];
            if !found.contains(&before) {
                let (now, tried_before) = (old.now[number], old.tried_before[number]);
                self.push(line, before, now, tried_before, old.until[number]);
            }
        }
    }

    /// Wakes, in each line, the first that waits: it is found when its turn comes.
    pub(crate) async fn wake(&self, on: impl PgExecutor<'_>) -> sqlx::Result<()> {
        let mut waking = Waking::default();
        for (line, now) in self.lines.iter().zip(&self.now) {
            waking.push(line.clone(), *now);
        }
        waking.write(on).await
    }
}

type Columns = (Vec<Uuid>, Vec<Uuid>, Vec<String>);

fn columns(lines: &[Line]) -> Columns {
    let (mut customers, mut integrations, mut endpoints) = (vec![], vec![], vec![]);
    for line in lines {
        customers.push(line.customer);
        integrations.push(line.integration);
        endpoints.push(line.endpoint.clone());
    }
    (customers, integrations, endpoints)
}

/// Lines whose first that waits is looked at by claims from a moment on.
#[derive(Default)]
pub(crate) struct Waking {
    lines: Vec<Line>,
    at: Vec<i64>,
}

impl Waking {
    pub(crate) fn push(&mut self, line: Line, at: i64) {
        self.lines.push(line);
        self.at.push(at);
    }

    pub(crate) async fn write(&self, on: impl PgExecutor<'_>) -> sqlx::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let (customers, integrations, endpoints) = columns(&self.lines);
        sqlx::query!(
            "update deliveries d set due_at = due.at
             from (select distinct on (p.customer, p.integration, p.endpoint) p.customer, p.id, p.due_at, n.at
                   from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) as n(customer, integration, endpoint, at)
                   join deliveries p on p.customer = n.customer and p.integration = n.integration and p.endpoint = n.endpoint
                   where p.status = 0 and p.turn = 0 order by p.customer, p.integration, p.endpoint, p.seq, p.position) as due
             where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.due_at > due.at and d.status + 0 = 0",
            &customers, &integrations, &endpoints, &self.at
        )
        .execute(on)
        .await
        .map(|_| ())
    }
}

/// Of what was queued at `now` for an integration, the first of each line goes; behind what rests, a claim finds it once that is passed.
///
/// Done once more after the commit it was queued in ([`after_commit`]): what was before one may have been settled in the same moment.
pub(crate) async fn begin_all(
    on: impl PgExecutor<'_>,
    integration: IntegrationId,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update deliveries d set turn = 1, due_at = $2 where d.integration = $1 and d.status = 0 and d.turn = 0 and d.accepted_at = $2
           and not exists (select 1 from deliveries b where b.customer = d.customer and (b.customer, b.integration, b.endpoint) >= (d.customer, d.integration, d.endpoint)
             and (b.customer, b.integration, b.endpoint, b.seq, b.position) < (d.customer, d.integration, d.endpoint, d.seq, d.position)
             and b.status = 0 and b.turn <> 2)",
        integration.uuid(), now
    )
    .execute(on)
    .await
    .map(|_| ())
}

/// Of these deliveries, queued at `now`, the first of each line goes, likewise. Done once more after the commit.
pub(crate) async fn begin(
    on: impl PgExecutor<'_>,
    customers: &[Uuid],
    ids: &[Uuid],
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update deliveries d set turn = 1, due_at = $3 from unnest($1::uuid[], $2::uuid[]) as n(customer, id)
         where d.customer = n.customer and d.id = n.id and d.status + 0 = 0 and d.turn = 0
           and not exists (select 1 from deliveries b where b.customer = d.customer and (b.customer, b.integration, b.endpoint) >= (d.customer, d.integration, d.endpoint)
             and (b.customer, b.integration, b.endpoint, b.seq, b.position) < (d.customer, d.integration, d.endpoint, d.seq, d.position)
             and b.status = 0 and b.turn <> 2)",
        customers, ids, now
    )
    .execute(on)
    .await
    .map(|_| ())
}

/// How long a look after a commit may take: those that wait for its answer wait for it too.
const LOOK: Duration = Duration::from_secs(5);

/// A look after a commit, given up when it takes too long.
pub(crate) async fn in_time<T>(look: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| LedgerError::Unavailable("the database did not answer in time".into());
    tokio::time::timeout(LOOK, look).await.map_err(late)?
}

/// What is done after a commit cannot make it fail: whoever asked would ask again for what is durable. [`mend`] finds what is left.
pub(crate) fn after_commit(begun: sqlx::Result<()>) {
    if let Err(error) = begun {
        tracing::warn!(%error, "what is next of deliveries that were queued could not be released");
    }
}

/// Before a delivery that waits at the head of its line counts as forgotten: whoever settles one releases the next at once.
const FORGOTTEN: SignedDuration = SignedDuration::from_secs(15);

/// Makes deliveries due that wait for nothing, or for what is passed, because a node died between two statements, or one of the release before wrote them.
pub(crate) async fn mend(pool: &PgPool, now: Timestamp) -> Result<u64> {
    let forgotten = before(now, FORGOTTEN);
    // Accepted by a clock that was ahead: how long ago cannot be told, and waiting for as much more would be for nothing.
    let ahead = after(now, FORGOTTEN);
    let patient = before(now, PATIENCE);
    sqlx::query!(
        "update deliveries d set turn = 1, waits_for = null, due_at = $1
         where d.status = 0 and (d.turn = 0 or d.waits_for is not null) and d.due_at > $1 and d.accepted_at not between $2 and $4
           and not exists (select 1 from deliveries b where b.customer = d.customer and (b.customer, b.integration, b.endpoint) >= (d.customer, d.integration, d.endpoint)
             and (b.customer, b.integration, b.endpoint, b.seq, b.position) < (d.customer, d.integration, d.endpoint, d.seq, d.position)
             and b.status = 0 and (b.turn <> 2 or b.tried_at >= $3))",
        micros(now), micros(forgotten), micros(patient), micros(ahead)
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
    .map_err(failed)
}
