//! Deliveries: claimed, handed back, tried again.

use crate::{
    SqliteLedger, clock,
    codec::{Key, micros, to_json},
    lease::{LEASED, RawLease, decoded, leased},
    line::{ITS_TURN, tried_before},
    outcomes, replays, settle,
    statement::{all, execute, first},
};
use async_trait::async_trait;
use domain::{IntegrationId, ProjectId, ReplayId};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    Claim, Deliveries, FAR, LaneId, Lease, Order, Outcomes, Replay, ReplayStep, Requeue, Result,
    Returned, Rouse, Settled, Settlement, Turn, Waiting, codec::readable,
};
use rusqlite::{Connection, params};

#[async_trait]
impl Deliveries for SqliteLedger {
    async fn claim(&self, claimed: Claim) -> Result<Vec<Lease>> {
        let leases = self
            .writer
            .write(move |connection| claim(connection, &claimed))
            .await?;
        Ok(decoded(leases))
    }
    async fn rouse(&self, roused: Rouse) -> Result<u64> {
        self.writer
            .write(move |connection| rouse(connection, &roused))
            .await
    }
    async fn lanes_due(&self, among: &[LaneId], now: Timestamp) -> Result<Vec<LaneId>> {
        let among = among.to_vec();
        self.read_long(move |connection| lanes_due(connection, &among, now))
            .await
    }
    async fn settle(&self, settlement: Settlement, lease_until: Timestamp) -> Result<Settled> {
        let prepared = settle::Prepared::new(settlement)?;
        let outcome = self
            .writer
            .write(move |connection| settle::settle(connection, &prepared, lease_until))
            .await?;
        Ok(Settled {
            recorded: outcome.is_some(),
            released: decoded(outcome.unwrap_or_default()),
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
    async fn fail_removed(&self, now: Timestamp) -> Result<u64> {
        self.writer
            .write(move |connection| fail_removed(connection, now))
            .await
    }
    async fn set_back(&self, by: SignedDuration, now: Timestamp) -> Result<u64> {
        self.writer
            .write(move |connection| clock::set_back(connection, by, now))
            .await
    }
    async fn backlog(&self) -> Result<Vec<Waiting>> {
        self.read_long(backlog).await
    }
    async fn add_outcomes(&self, heard: Vec<(LaneId, Outcomes)>) -> Result<()> {
        self.writer
            .write(move |connection| outcomes::add(connection, &heard))
            .await
    }
    async fn outcomes(&self) -> Result<Vec<(LaneId, Outcomes)>> {
        self.read_long(outcomes::read).await.map(readable)
    }
    async fn start_replay(&self, replay: Replay) -> Result<Replay> {
        self.writer
            .write(move |connection| replays::start(connection, replay))
            .await
    }
    async fn replays(
        &self,
        project: ProjectId,
        before: Option<ReplayId>,
        limit: usize,
    ) -> Result<Vec<Replay>> {
        self.read_long(move |connection| replays::of_project(connection, project, before, limit))
            .await
    }
    async fn replay(&self, project: ProjectId, id: ReplayId) -> Result<Option<Replay>> {
        self.read(|connection| replays::one(connection, project, id))
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

fn claim_sql(order: Order) -> String {
    let its_turn = match order {
        Order::Any => "1",
        Order::Customer { .. } => ITS_TURN,
    };
    format!(
        "UPDATE deliveries SET turn = 1, due_at = ?3 WHERE position IN (
           SELECT d.position FROM deliveries d INDEXED BY deliveries_due WHERE d.integration = ?4 AND d.endpoint = ?5 AND d.status = 0 AND d.due_at <= ?1
             AND (?7 IS NULL OR d.customer <> ?7) AND {its_turn} ORDER BY d.due_at LIMIT ?6) RETURNING {LEASED}"
    )
}

fn claim(connection: &Connection, claim: &Claim) -> Result<Vec<Result<RawLease>>> {
    let values = params![
        micros(claim.now),
        tried_before(claim.order),
        micros(claim.lease_until),
        claim.lane.integration.key(),
        claim.lane.endpoint.id(),
        claim.limit,
        claim.except.map(|customer| customer.key())
    ];
    leased(connection, &claim_sql(claim.order), values)
}

fn rouse_sql(order: Order) -> String {
    let its_turn = match order {
        Order::Any => "1",
        Order::Customer { .. } => ITS_TURN,
    };
    format!(
        "UPDATE deliveries SET due_at = ?1 WHERE position IN (
           SELECT d.position FROM deliveries d INDEXED BY deliveries_due WHERE d.integration = ?3 AND d.endpoint = ?4 AND d.status = 0 AND d.due_at > ?1
             AND d.due_at < ?5 AND d.turn = 2 AND (?7 IS NULL OR d.customer <> ?7)
             AND EXISTS (SELECT 1 FROM attempts a WHERE a.delivery = d.id AND a.number = d.attempts AND a.at >= ?8 AND a.at < ?9)
             AND {its_turn} ORDER BY d.due_at LIMIT ?6)"
    )
}

fn rouse(connection: &Connection, rouse: &Rouse) -> Result<u64> {
    let values = params![
        micros(rouse.now),
        tried_before(rouse.order),
        rouse.lane.integration.key(),
        rouse.lane.endpoint.id(),
        micros(FAR),
        rouse.limit,
        rouse.except.map(|customer| customer.key()),
        micros(rouse.tried_from),
        micros(rouse.tried_before)
    ];
    execute(connection, &rouse_sql(rouse.order), values).map(|roused| roused as u64)
}

fn lanes_due(connection: &Connection, among: &[LaneId], now: Timestamp) -> Result<Vec<LaneId>> {
    // One index seek per lane: a backlog is never scanned.
    let sql = "SELECT 1 FROM deliveries WHERE integration = ?1 AND endpoint = ?2 AND status = 0 AND due_at <= ?3 LIMIT 1";
    let mut due = Vec::new();
    for lane in among {
        let values = params![lane.integration.key(), lane.endpoint.id(), micros(now)];
        due.extend(first(connection, "deliveries", sql, values, |_| Ok(*lane))?);
    }
    Ok(due)
}

fn hand_back(connection: &Connection, leases: &[Returned], now: Timestamp) -> Result<u64> {
    let mut count = 0;
    for lease in leases {
        let (delivery, until) = (lease.delivery.key(), micros(lease.until));
        count += execute(
            connection,
            "UPDATE deliveries SET due_at = min(accepted_at, ?4) WHERE id = ?1 AND attempts = ?2 AND due_at = ?3 AND status = 0",
            params![delivery, lease.attempts, until, micros(now)],
        )? as u64;
    }
    Ok(count)
}

pub(crate) fn requeue(connection: &Connection, which: &Requeue, now: Timestamp) -> Result<u64> {
    let again = "UPDATE deliveries SET status = 0, round = 0, accepted_at = ?1, due_at = ?2, turn = ?3, tried_at = NULL";
    let (at, goes) = (micros(now), Turn::Goes.number());
    let changed = match which {
        Requeue::One(project, delivery) => execute(
            connection,
            &format!("{again} WHERE project = ?4 AND id = ?5"),
            params![at, at, goes, project.key(), delivery.key()],
        )?,
        Requeue::Failed {
            integration,
            reasons,
            ordered,
        } => {
            let reasons = to_json(&reasons.iter().map(|reason| reason.id()).collect::<Vec<_>>())?;
            let (due_at, turn) = if *ordered {
                (micros(FAR), Turn::Waits.number())
            } else {
                (at, goes)
            };
            let changed = execute(
                connection,
                &format!(
                    "{again} WHERE integration = ?4 AND status = 2 AND reason IN (SELECT value FROM json_each(?5))"
                ),
                params![at, due_at, turn, integration.key(), reasons],
            )?;
            if *ordered {
                begin_lines(connection, *integration, now)?;
            }
            changed
        }
    };
    Ok(changed as u64)
}

/// Of deliveries that were queued at `now`, the first of each line goes; behind what rests, a claim finds it once that is passed.
fn begin_lines(connection: &Connection, integration: IntegrationId, now: Timestamp) -> Result<()> {
    execute(
        connection,
        "UPDATE deliveries AS d SET turn = 1, due_at = ?2 WHERE integration = ?1 AND endpoint IN ('production', 'sandbox') AND status = 0 AND turn = 0 AND accepted_at = ?2
           AND NOT EXISTS (SELECT 1 FROM deliveries b INDEXED BY deliveries_open WHERE b.customer = d.customer AND b.integration = d.integration AND b.endpoint = d.endpoint
             AND b.status = 0 AND b.turn <> 2 AND b.event <= d.event AND (b.event < d.event OR b.position < d.position))",
        params![integration.key(), micros(now)],
    )
    .map(|_| ())
}

fn fail_removed(connection: &Connection, now: Timestamp) -> Result<u64> {
    execute(
        connection,
        "UPDATE deliveries SET status = 2, reason = 'integration_removed', detail = 'the integration was removed', due_at = ?1
         WHERE status = 0 AND NOT EXISTS (SELECT 1 FROM integrations i WHERE i.id = deliveries.integration)",
        params![micros(now)],
    )
    .map(|failed| failed as u64)
}

fn backlog(connection: &Connection) -> Result<Vec<Waiting>> {
    let sql = "SELECT integration, count(*), min(accepted_at) FROM deliveries WHERE status = 0 GROUP BY integration";
    all(connection, "deliveries", sql, [], |row| {
        Ok(Waiting {
            integration: row.id(0)?,
            count: row.get(1)?,
            oldest: row.time(2)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{line::BLOCKED, statement::searched};

    #[test]
    fn a_claim_reads_what_is_due_and_the_lines_of_that() {
        let order = Order::Customer {
            tried_before: Timestamp::UNIX_EPOCH,
        };
        let found = searched(&claim_sql(order));
        let due = "SEARCH d USING INDEX deliveries_due (integration=? AND endpoint=? AND due_at<?)";
        assert!(found.iter().any(|step| step == due), "{found:#?}");
        for blocked in BLOCKED {
            assert!(found.iter().any(|step| step == blocked), "{found:#?}");
        }
    }

    #[test]
    fn what_is_roused_is_found_by_when_it_is_due_with_its_last_attempt() {
        let order = Order::Customer {
            tried_before: Timestamp::UNIX_EPOCH,
        };
        let found = searched(&rouse_sql(order));
        let last = "SEARCH a EXISTS USING INDEX attempts_by_delivery (delivery=? AND number=?)";
        let rests = "SEARCH d USING INDEX deliveries_due (integration=? AND endpoint=? AND due_at>? AND due_at<?)";
        for step in [last, rests].iter().chain(&BLOCKED) {
            assert!(found.iter().any(|found| found == step), "{found:#?}");
        }
    }
}
