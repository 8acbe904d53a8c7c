//! Deliveries: claimed, handed back, tried again.
//!
//! Rows that are known by their id are found by it: `status + 0 = 0` matches no partial index, which would be walked from end to end for
//! every one of a batch while the planner believes it to be small. What is under way in a line is compared as rows that begin with the customer,
//! and what is before one asked for in the order of the line: an index that begins with the integration, which would be walked for a whole
//! lane, does not fit. `offset 0` keeps a part that is asked for each row from becoming a join, which would read it for all customers.

use crate::{
    Layout, PostgresLedger, clock,
    codec::{counted, failed, micros, rows},
    lease::{Leased, hand_back, with_events},
    line::{self, Place},
    outcomes, replays, settle,
};
use async_trait::async_trait;
use domain::{CustomerId, IntegrationId, ProjectId, ReplayId};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    Claim, Deliveries, FAR, LaneId, Lease, Order, Outcomes, Replay, ReplayStep, Requeue, Result,
    Returned, Rouse, Settled, Settlement, Waiting, codec::Stored,
};
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

#[async_trait]
impl Deliveries for PostgresLedger {
    async fn claim(&self, claimed: Claim) -> Result<Vec<Lease>> {
        claim(&self.hot, self.layout, &claimed).await
    }
    async fn rouse(&self, roused: Rouse) -> Result<u64> {
        rouse(&self.hot, &roused).await
    }
    async fn lanes_due(&self, among: &[LaneId], now: Timestamp) -> Result<Vec<LaneId>> {
        lanes_due(&self.hot, self.layout, among, now).await
    }
    async fn settle(&self, settlement: Settlement, lease_until: Timestamp) -> Result<Settled> {
        let prepared = settle::Prepared::new(settlement, lease_until)?;
        self.settlements.write(prepared).await
    }
    async fn hand_back(&self, leases: &[Returned], now: Timestamp) -> Result<u64> {
        hand_back(&self.hot, leases, now).await
    }
    async fn requeue(&self, which: Requeue, now: Timestamp) -> Result<u64> {
        requeue(&self.reads, &which, now).await
    }
    async fn fail_removed(&self, now: Timestamp) -> Result<u64> {
        fail_removed(&self.reads, now).await
    }
    async fn set_back(&self, by: SignedDuration, now: Timestamp) -> Result<u64> {
        clock::set_back(&self.reads, by, now).await
    }
    async fn backlog(&self) -> Result<Vec<Waiting>> {
        backlog(&self.reads).await
    }
    async fn add_outcomes(&self, heard: Vec<(LaneId, Outcomes)>) -> Result<()> {
        outcomes::add(&self.reads, &heard).await
    }
    async fn outcomes(&self) -> Result<Vec<(LaneId, Outcomes)>> {
        outcomes::read(&self.reads).await
    }
    async fn start_replay(&self, replay: Replay) -> Result<Replay> {
        replays::start(&self.reads, replay).await
    }
    async fn replays(
        &self,
        project: ProjectId,
        before: Option<ReplayId>,
        limit: usize,
    ) -> Result<Vec<Replay>> {
        replays::of_project(&self.reads, project, before, limit).await
    }
    async fn replay(&self, project: ProjectId, id: ReplayId) -> Result<Option<Replay>> {
        replays::one(&self.reads, project, id).await
    }
    async fn running_replays(&self) -> Result<Vec<Replay>> {
        replays::running(&self.reads).await
    }
    async fn step_replay(&self, step: ReplayStep) -> Result<bool> {
        replays::step(&self.hot, &step).await
    }
    async fn cancel_replay(
        &self,
        project: ProjectId,
        id: ReplayId,
        now: Timestamp,
    ) -> Result<bool> {
        replays::cancel(&self.reads, project, id, now).await
    }
}

/// Moving `due_at` is the claim: of two nodes that want the same row, the second finds it moved.
///
/// All on one connection: whoever had to wait for another might be told that there is none, and what is claimed would be leased to
/// nobody.
async fn claim(pool: &PgPool, layout: Layout, claim: &Claim) -> Result<Vec<Lease>> {
    let mut connection = pool.acquire().await.map_err(failed)?;
    let claimed = match layout {
        Layout::OneMachine => claim_here(&mut connection, claim).await,
        Layout::Distributed => claim_distributed(&mut connection, claim).await,
    };
    let leases = with_events(&mut *connection, claimed.map_err(failed)?).await?;
    Ok(leases
        .into_iter()
        .map(|following| following.lease)
        .collect())
}

/// Rows that another node is claiming are passed over.
async fn claim_here(on: &mut PgConnection, claim: &Claim) -> sqlx::Result<Vec<Leased>> {
    let (integration, endpoint) = (claim.lane.integration.uuid(), claim.lane.endpoint.id());
    let (now, until) = (micros(claim.now), micros(claim.lease_until));
    let (limit, except) = (rows(claim.limit), claim.except.map(CustomerId::uuid));
    match claim.order {
        Order::Any => {
            sqlx::query_as!(
                Leased,
                "update deliveries d set turn = 1, due_at = $4
                 from (select customer, id, due_at from deliveries where integration = $1 and endpoint = $2 and status = 0 and due_at <= $3
                         and ($6::uuid is null or customer <> $6) order by due_at limit $5
                       for update skip locked) as due
                 where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0
                 returning d.customer, d.id, d.integration, d.endpoint, d.message, d.attempts, d.round, d.accepted_at, d.tried_at, d.event, d.trace, null::uuid as before",
                integration, endpoint, now, until, limit, except
            )
            .fetch_all(on)
            .await
        }
        Order::Customer { tried_before } => {
            sqlx::query_as!(
                Leased,
                "update deliveries d set turn = 1, due_at = $4
                 from (select p.customer, p.id, p.due_at from deliveries p where p.integration = $1 and p.endpoint = $2 and p.status = 0
                         and p.due_at <= $3 and ($6::uuid is null or p.customer <> $6)
                         and not exists (select 1 from deliveries b where b.customer = p.customer
                           and (b.customer, b.integration, b.endpoint) between (p.customer, p.integration, p.endpoint) and (p.customer, p.integration, p.endpoint)
                           and b.status = 0 and b.turn = 1 and b.due_at > $3 and b.id <> p.id offset 0)
                         and not exists (select 1 from deliveries b where b.customer = p.customer and b.integration = p.integration and b.endpoint = p.endpoint
                           and b.status = 0 and b.seq <= p.seq and (b.seq < p.seq or b.position < p.position)
                           and (b.turn <> 2 or b.due_at <= $3 or b.tried_at >= $7) order by b.seq, b.position offset 0)
                       order by p.due_at limit $5
                       for update skip locked) as due
                 where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0
                 returning d.customer, d.id, d.integration, d.endpoint, d.message, d.attempts, d.round, d.accepted_at, d.tried_at, d.event, d.trace, null::uuid as before",
                integration, endpoint, now, until, limit, except, micros(tried_before)
            )
            .fetch_all(on)
            .await
        }
    }
}

/// Rounds of a claim in which other nodes may be faster.
const ROUNDS: u32 = 10;
/// Rounds in a row that win nothing: what is due then waits for its turn.
const IN_VAIN: u32 = 2;

/// Rows that another node is claiming cannot be passed over here: they are lost to it. That says nothing of other rows, so it is claimed
/// until there is as much as was asked for, or nothing is due.
async fn claim_distributed(on: &mut PgConnection, claim: &Claim) -> sqlx::Result<Vec<Leased>> {
    let (mut claimed, mut left) = (Vec::new(), rows(claim.limit));
    let mut in_vain = 0;
    for _ in 0..ROUNDS {
        let won = claim_anywhere(on, claim, left).await?;
        in_vain = if won.is_empty() { in_vain + 1 } else { 0 };
        if in_vain == IN_VAIN {
            break;
        }
        left -= rows(won.len());
        claimed.extend(won);
        if left <= 0 || !is_due(&mut *on, claim.lane, micros(claim.now)).await? {
            break;
        }
    }
    Ok(claimed)
}

async fn claim_anywhere(
    on: &mut PgConnection,
    claim: &Claim,
    limit: i64,
) -> sqlx::Result<Vec<Leased>> {
    let (integration, endpoint) = (claim.lane.integration.uuid(), claim.lane.endpoint.id());
    let (now, until) = (micros(claim.now), micros(claim.lease_until));
    let except = claim.except.map(CustomerId::uuid);
    match claim.order {
        Order::Any => {
            sqlx::query_as!(
                Leased,
                "update deliveries d set turn = 1, due_at = $4
                 from (select customer, id, due_at from deliveries where integration = $1 and endpoint = $2 and status = 0 and due_at <= $3
                         and ($6::uuid is null or customer <> $6) order by due_at limit $5) as due
                 where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0
                 returning d.customer, d.id, d.integration, d.endpoint, d.message, d.attempts, d.round, d.accepted_at, d.tried_at, d.event, d.trace, null::uuid as before",
                integration, endpoint, now, until, limit, except
            )
            .fetch_all(on)
            .await
        }
        Order::Customer { tried_before } => {
            sqlx::query_as!(
                Leased,
                "update deliveries d set turn = 1, due_at = $4
                 from (select p.customer, p.id, p.due_at from deliveries p where p.integration = $1 and p.endpoint = $2 and p.status = 0
                         and p.due_at <= $3 and ($6::uuid is null or p.customer <> $6)
                         and not exists (select 1 from deliveries b where b.customer = p.customer
                           and (b.customer, b.integration, b.endpoint) between (p.customer, p.integration, p.endpoint) and (p.customer, p.integration, p.endpoint)
                           and b.status = 0 and b.turn = 1 and b.due_at > $3 and b.id <> p.id)
                         and not exists (select 1 from deliveries b where b.customer = p.customer and (b.customer, b.integration, b.endpoint) >= (p.customer, p.integration, p.endpoint)
                           and (b.customer, b.integration, b.endpoint, b.seq, b.position) < (p.customer, p.integration, p.endpoint, p.seq, p.position)
                           and b.status = 0 and (b.turn <> 2 or b.due_at <= $3 or b.tried_at >= $7))
                       order by p.due_at limit $5) as due
                 where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0
                 returning d.customer, d.id, d.integration, d.endpoint, d.message, d.attempts, d.round, d.accepted_at, d.tried_at, d.event, d.trace, null::uuid as before",
                integration, endpoint, now, until, limit, except, micros(tried_before)
            )
            .fetch_all(on)
            .await
        }
    }
}

/// Of what another node rouses or claims in the same moment, nothing is moved twice: `due_at` has moved.
async fn rouse(pool: &PgPool, rouse: &Rouse) -> Result<u64> {
    let (is_any, passed) = match rouse.order {
        Order::Any => (true, i64::MIN),
        Order::Customer { tried_before } => (false, micros(tried_before)),
    };
    sqlx::query!(
        "update deliveries d set due_at = $3
         from (select p.customer, p.id, p.due_at from deliveries p where p.integration = $1 and p.endpoint = $2 and p.status = 0
                 and p.due_at > $3 and p.due_at < $4 and p.turn = 2 and ($6::uuid is null or p.customer <> $6)
                 and exists (select 1 from attempts a where a.customer = p.customer and a.delivery = p.id and a.number = p.attempts and a.at >= $7 and a.at < $8)
                 and ($9 or (
                   not exists (select 1 from deliveries b where b.customer = p.customer
                     and (b.customer, b.integration, b.endpoint) between (p.customer, p.integration, p.endpoint) and (p.customer, p.integration, p.endpoint)
                     and b.status = 0 and b.turn = 1 and b.due_at > $3 and b.id <> p.id)
                   and not exists (select 1 from deliveries b where b.customer = p.customer and (b.customer, b.integration, b.endpoint) >= (p.customer, p.integration, p.endpoint)
                     and (b.customer, b.integration, b.endpoint, b.seq, b.position) < (p.customer, p.integration, p.endpoint, p.seq, p.position)
                     and b.status = 0 and (b.turn <> 2 or b.due_at <= $3 or b.tried_at >= $10))))
               order by p.due_at limit $5) as due
         where d.customer = due.customer and d.id = due.id and d.due_at = due.due_at and d.status + 0 = 0",
        rouse.lane.integration.uuid(), rouse.lane.endpoint.id(), micros(rouse.now), micros(FAR), rows(rouse.limit), rouse.except.map(CustomerId::uuid),
        micros(rouse.tried_from), micros(rouse.tried_before), is_any, passed
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
    .map_err(failed)
}

async fn is_due(on: impl PgExecutor<'_>, lane: LaneId, now: i64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select id from deliveries where integration = $1 and endpoint = $2 and status = 0 and due_at <= $3 limit 1",
        lane.integration.uuid(), lane.endpoint.id(), now
    )
    .fetch_optional(on)
    .await?;
    Ok(found.is_some())
}

/// One index seek per lane: a backlog is never scanned.
async fn lanes_due(
    pool: &PgPool,
    layout: Layout,
    among: &[LaneId],
    now: Timestamp,
) -> Result<Vec<LaneId>> {
    let now = micros(now);
    match layout {
        Layout::OneMachine => {
            let integrations: Vec<Uuid> =
                among.iter().map(|lane| lane.integration.uuid()).collect();
            let endpoints: Vec<String> = among
                .iter()
                .map(|lane| lane.endpoint.id().to_owned())
                .collect();
            let due = sqlx::query_scalar!(
                r#"select n.number as "number!" from unnest($1::uuid[], $2::text[]) with ordinality as n(id, endpoint, number)
                   where exists (select 1 from deliveries d where d.integration = n.id and d.endpoint = n.endpoint and d.status = 0 and d.due_at <= $3)
                   order by n.number"#,
                &integrations, &endpoints, now
            )
            .fetch_all(pool)
            .await
            .map_err(failed)?;
            let numbers = due
                .into_iter()
                .filter_map(|number| usize::try_from(number - 1).ok());
            Ok(numbers
                .filter_map(|number| among.get(number).copied())
                .collect())
        }
        Layout::Distributed => {
            let mut due = Vec::new();
            for lane in among {
                if is_due(pool, *lane, now).await.map_err(failed)? {
                    due.push(*lane);
                }
            }
            Ok(due)
        }
    }
}

async fn requeue(pool: &PgPool, which: &Requeue, now: Timestamp) -> Result<u64> {
    let mut tx = pool.begin().await.map_err(failed)?;
    let requeued = requeue_in(&mut tx, which, now).await?;
    tx.commit().await.map_err(failed)?;
    after_requeue(pool, which, now).await;
    Ok(requeued)
}

pub(crate) async fn requeue_in(
    on: &mut PgConnection,
    which: &Requeue,
    now: Timestamp,
) -> Result<u64> {
    let now = micros(now);
    match which {
        Requeue::One(project, delivery) => {
            let done = sqlx::query!(
                "update deliveries set status = 0, round = 0, accepted_at = $1, due_at = $1, turn = 1, tried_at = null, waits_for = null
                 where project = $2 and id = $3",
                now, project.uuid(), delivery.uuid()
            )
            .execute(on)
            .await;
            done.map(|done| done.rows_affected()).map_err(failed)
        }
        Requeue::Failed {
            integration,
            reasons,
            ordered,
        } => {
            let reasons: Vec<String> = reasons
                .iter()
                .map(|reason| reason.id().to_owned())
                .collect();
            let place = Place::queued(*ordered, now);
            let done = sqlx::query!(
                "update deliveries set status = 0, round = 0, accepted_at = $1, due_at = $2, turn = $3, tried_at = null, waits_for = null
                 where integration = $4 and status = 2 and reason = any($5)",
                now, place.due_at, place.turn.number(), integration.uuid(), &reasons
            )
            .execute(&mut *on)
            .await
            .map_err(failed)?;
            if *ordered {
                let begun = line::begin_all(on, *integration, now).await;
                begun.map_err(failed)?;
            }
            Ok(done.rows_affected())
        }
    }
}

/// Once its transaction is committed: see [`line::begin_all`].
pub(crate) async fn after_requeue(pool: &PgPool, which: &Requeue, now: Timestamp) {
    if let Requeue::Failed {
        integration,
        ordered: true,
        ..
    } = which
    {
        line::after_commit(line::begin_all(pool, *integration, micros(now)).await);
    }
}

async fn fail_removed(pool: &PgPool, now: Timestamp) -> Result<u64> {
    sqlx::query!(
        "update deliveries d set status = 2, reason = 'integration_removed', detail = 'the integration was removed', due_at = $1, waits_for = null
         where d.status = 0 and not exists (select 1 from integrations i where i.id = d.integration)",
        micros(now)
    )
    .execute(pool)
    .await
    .map(|done| done.rows_affected())
    .map_err(failed)
}

async fn backlog(pool: &PgPool) -> Result<Vec<Waiting>> {
    let found = sqlx::query!(
        r#"select integration, count(*) as "count!", min(accepted_at) as "oldest!" from deliveries where status = 0 group by integration"#
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let waiting = found.into_iter().map(|row| {
        Ok(Waiting {
            integration: IntegrationId::new(row.integration),
            count: counted(row.count),
            oldest: Stored::new("deliveries", &row.integration).time("accepted_at", row.oldest)?,
        })
    });
    waiting.collect()
}
