//! What is held of customers, row by row, and what of all of it cannot be.

use crate::{
    codec::{Found, Key, failed},
    statement::{all, first},
};
use domain::{CustomerId, InboxId, ProjectId, customer::Customer};
use ledger::{
    LaneId, Result,
    invariants::{
        Finding, HeldAttempt, HeldChain, HeldDelivery, HeldEvent, HeldPurchase, HeldTransaction,
        Holding, Invariant, Place,
    },
};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

pub(crate) fn ids(
    connection: &Connection,
    after: Option<CustomerId>,
    limit: usize,
) -> Result<Vec<CustomerId>> {
    all(
        connection,
        "customers",
        "SELECT id FROM customers WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2",
        params![after.map(|id| id.key()), limit],
        |row| row.id(0),
    )
}

/// As of one moment.
pub(crate) fn of(connection: &Connection, customers: &[CustomerId]) -> Result<Vec<Holding>> {
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    let held = customers.iter().map(|id| of_one(&transaction, *id));
    held.filter_map(Result::transpose).collect()
}

fn of_one(connection: &Connection, id: CustomerId) -> Result<Option<Holding>> {
    let key = id.key();
    let row = first(
        connection,
        "customers",
        "SELECT id, project, seq, merged_into, body FROM customers WHERE id = ?1",
        [key],
        |row| {
            let customer: Customer = row.json(4)?;
            let project: ProjectId = row.id(1)?;
            Ok((customer, project, row.get(2)?, row.maybe(3, Found::id)?))
        },
    )?;
    let Some((customer, project, seq, merged_into)) = row else {
        return Ok(None);
    };
    let events = events(connection, id)?;
    let of_rows = |sql: &str| -> Result<BTreeSet<String>> {
        Ok(all(connection, "aliases", sql, [key], |row| row.get(0))?
            .into_iter()
            .collect())
    };
    Ok(Some(Holding {
        names: of_rows("SELECT app_user_id FROM aliases WHERE customer = ?1")?,
        causes: causes(connection, &events)?,
        deliveries: deliveries(connection, id)?,
        attempts: attempts(connection, id)?,
        purchases: purchases(connection, id)?,
        transactions: all(
            connection,
            "transactions",
            "SELECT id, app, environment, chain FROM transactions WHERE customer = ?1",
            [key],
            |row| {
                Ok(HeldTransaction {
                    chain: chain(row, 1)?,
                    id: row.get(0)?,
                })
            },
        )?,
        events,
        customer,
        project,
        seq,
        merged_into,
    }))
}

/// App, environment and id, from a column on.
fn chain(row: &Found<'_>, column: usize) -> Result<HeldChain> {
    Ok(HeldChain {
        app: row.id(column)?,
        environment: row.environment(column + 1)?,
        id: row.get(column + 2)?,
    })
}

fn events(connection: &Connection, customer: CustomerId) -> Result<Vec<HeldEvent>> {
    all(
        connection,
        "events",
        "SELECT id, project, key, kind, recorded_at, position, body FROM events WHERE customer = ?1",
        [customer.key()],
        |row| {
            Ok(HeldEvent {
                id: row.id(0)?,
                project: row.id(1)?,
                key: row.get(2)?,
                kind: row.kind(3)?,
                recorded_at: row.time(4)?,
                places: vec![Place::At(row.get(5)?)],
                event: row.body(6)?,
            })
        },
    )
}

fn causes(connection: &Connection, events: &[HeldEvent]) -> Result<BTreeSet<InboxId>> {
    let causes = events.iter().filter_map(|event| event.event.cause.inbox);
    let mut kept = BTreeSet::new();
    for cause in causes.collect::<BTreeSet<_>>() {
        let sql = "SELECT id FROM inbox WHERE id = ?1";
        let found = first(connection, "inbox", sql, [cause.key()], |row| row.id(0));
        kept.extend::<Option<InboxId>>(found?);
    }
    Ok(kept)
}

/// Those that carry events of the customer: there is no index of the others.
fn deliveries(connection: &Connection, customer: CustomerId) -> Result<Vec<HeldDelivery>> {
    all(
        connection,
        "deliveries",
        "SELECT d.id, d.project, d.customer, e.id, d.integration, d.endpoint, d.position, d.status, d.turn, d.attempts, d.round, d.due_at, d.tried_at, d.reason
         FROM events e JOIN deliveries d ON d.event = e.position WHERE e.customer = ?1",
        [customer.key()],
        |row| {
            Ok(HeldDelivery {
                id: row.id(0)?,
                project: row.id(1)?,
                customer: row.id(2)?,
                event: row.id(3)?,
                lane: LaneId {
                    integration: row.id(4)?,
                    endpoint: row.environment(5)?,
                },
                position: row.get(6)?,
                state: row.state(7)?,
                turn: row.turn(8)?,
                attempts: row.get(9)?,
                round: row.get(10)?,
                due_at: row.time(11)?,
                tried_at: row.maybe(12, Found::time)?,
                reason: row.maybe(13, Found::reason)?,
            })
        },
    )
}

fn attempts(connection: &Connection, customer: CustomerId) -> Result<Vec<HeldAttempt>> {
    all(
        connection,
        "attempts",
        "SELECT a.delivery, a.number, a.reason
         FROM events e JOIN deliveries d ON d.event = e.position JOIN attempts a ON a.delivery = d.id WHERE e.customer = ?1",
        [customer.key()],
        |row| {
            Ok(HeldAttempt {
                delivery: row.id(0)?,
                number: row.get(1)?,
                reason: row.maybe(2, Found::reason)?,
            })
        },
    )
}

/// What leads to a purchase. Its index is named: the primary key begins as it does, and by that every chain of an app would be walked.
const LEADING: &str = "SELECT id, customer FROM chains INDEXED BY chains_by_chain WHERE app = ?1 AND environment = ?2 AND chain = ?3";

fn purchases(connection: &Connection, customer: CustomerId) -> Result<Vec<HeldPurchase>> {
    let purchases = all(
        connection,
        "purchases",
        "SELECT chain, project, app, environment, chain FROM purchases WHERE customer = ?1",
        [customer.key()],
        |row| Ok((row.id(1)?, chain(row, 2)?)),
    )?;
    let found = purchases.into_iter().map(|(project, chain)| {
        let leads_to = all(
            connection,
            "chains",
            LEADING,
            params![chain.app.key(), chain.environment.id(), chain.id],
            |row| row.id(1),
        )?;
        Ok(HeldPurchase {
            chain,
            project,
            leads_to,
        })
    });
    found.collect()
}

/// What is of no customer alone.
pub(crate) fn inspect(connection: &Connection) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let told = |sql: &str| -> Result<Vec<String>> {
        all(connection, "database", sql, [], |row| row.get(0))
    };
    let mut find = |invariant, sql: &str| -> Result<()> {
        let found = told(sql)?.into_iter();
        findings.extend(found.map(|what| Finding::of_all(invariant, what)));
        Ok(())
    };
    find(
        Invariant::Readable,
        "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    )?;
    find(
        Invariant::NothingDangles,
        "SELECT 'a row of ' || \"table\" || ' refers to nothing' FROM pragma_foreign_key_check",
    )?;
    for (table, to, which) in REFERENCES {
        let sql = format!(
            "SELECT count(*) || ' of {table} refer to nothing in {to}' FROM {table} r
             WHERE NOT EXISTS (SELECT 1 FROM {to} t WHERE {which}) HAVING count(*) > 0"
        );
        find(Invariant::NothingDangles, &sql)?;
    }
    find(
        Invariant::MessagesHaveAnOutcome,
        "SELECT count(*) || ' messages are neither processed nor parked, or both' FROM inbox
         WHERE (parked IS NULL) = (processed IS NULL) HAVING count(*) > 0",
    )?;
    find(
        Invariant::HoursAddUp,
        "SELECT coalesce(told.n, 0) || ' events ' || kind || ' in ' || environment || ', counted ' || coalesce(counted.n, 0)
         FROM (SELECT project, environment, kind, count(*) AS n FROM events GROUP BY 1, 2, 3) told
         FULL JOIN (SELECT project, environment, kind, sum(count) AS n FROM tallies GROUP BY 1, 2, 3) counted USING (project, environment, kind)
         WHERE coalesce(told.n, 0) <> coalesce(counted.n, 0)",
    )?;
    Ok(findings)
}

/// Rows `r` of a table, the table they refer to, and which row `t` of it. No foreign key says so.
const REFERENCES: [(&str, &str, &str); 6] = [
    ("purchases", "customers", "t.id = r.customer"),
    (
        "transactions",
        "purchases",
        "(t.customer, t.app, t.environment, t.chain) = (r.customer, r.app, r.environment, r.chain)",
    ),
    ("attempts", "deliveries", "t.id = r.delivery"),
    (
        "purchases",
        "chains",
        "(t.app, t.environment, t.chain) = (r.app, r.environment, r.chain)",
    ),
    ("chains", "customers", "t.id = r.customer"),
    ("aliases", "customers", "t.id = r.customer"),
];

#[cfg(test)]
mod tests {
    use super::LEADING;
    use crate::statement::searched;

    #[test]
    fn what_leads_to_a_purchase_is_found_among_any_number() {
        let by_chain =
            "SEARCH chains USING INDEX chains_by_chain (app=? AND environment=? AND chain=?)";
        assert_eq!(searched(LEADING), [by_chain]);
    }
}
