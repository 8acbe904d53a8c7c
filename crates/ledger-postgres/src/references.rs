//! What holds of all customers together. No foreign key says what refers to what: tables are divided, and rows are written in batches.

use crate::{Layout, codec::failed, elsewhere};
use ledger::{
    Result,
    invariants::{Finding, Invariant},
};
use sqlx::{AssertSqlSafe, PgPool};

/// Rows of one table that refer to rows of another.
struct Reference {
    table: &'static str,
    to: &'static str,
    /// Which row `t` it is that row `r` refers to.
    which: &'static str,
    /// Whether a row and what it refers to are on one machine, however tables are divided.
    is_beside: bool,
}

const fn beside(table: &'static str, to: &'static str, which: &'static str) -> Reference {
    Reference {
        table,
        to,
        which,
        is_beside: true,
    }
}

const fn apart(table: &'static str, to: &'static str, which: &'static str) -> Reference {
    Reference {
        table,
        to,
        which,
        is_beside: false,
    }
}

const REFERENCES: [Reference; 9] = [
    beside("purchases", "customers", "t.id = r.customer"),
    beside(
        "transactions",
        "purchases",
        "(t.customer, t.app, t.environment, t.chain) = (r.customer, r.app, r.environment, r.chain)",
    ),
    beside(
        "deliveries",
        "events",
        "t.customer = r.customer and t.id = r.event",
    ),
    beside(
        "attempts",
        "deliveries",
        "t.customer = r.customer and t.id = r.delivery",
    ),
    apart(
        "purchases",
        "chains",
        "(t.app, t.environment, t.chain) = (r.app, r.environment, r.chain)",
    ),
    apart("chains", "customers", "t.id = r.customer"),
    apart("aliases", "customers", "t.id = r.customer"),
    apart(
        "feed",
        "events",
        "t.customer = r.customer and t.id = r.event",
    ),
    apart(
        "feed_queue",
        "events",
        "t.customer = r.customer and t.id = r.event",
    ),
];

/// Messages without an outcome, or with two.
const WITHOUT_OUTCOME: &str =
    "select count(*) || ' messages are neither processed nor parked, or both' from inbox
     where (parked is null) = (processed is null) having count(*) > 0";

/// Kinds of events that the hours count otherwise.
const MISCOUNTED: &str = "select coalesce(told.n, 0) || ' events ' || kind || ' in ' || environment || ', counted ' || coalesce(counted.n, 0)
     from (select project, environment, kind, count(*) as n
           from (select project, environment, kind from feed union all select project, environment, kind from feed_queue) as every group by 1, 2, 3) as told
     full join (select project, environment, kind, sum(count) as n from tallies group by 1, 2, 3) as counted using (project, environment, kind)
     where coalesce(told.n, 0) <> coalesce(counted.n, 0) order by 1";

/// Whole tables are read, as long as that takes; pages are asked otherwise.
const WHOLE_TABLES: &str = "set transaction isolation level repeatable read, read only; set local statement_timeout = 0; set local enable_seqscan = on;
    set local enable_bitmapscan = on; set local enable_hashjoin = on; set local enable_mergejoin = on";

/// What is of no customer alone: how many rows of each kind refer to nothing, what has no outcome, what was miscounted. Reads every table.
pub(crate) async fn inspect(pool: &PgPool, layout: Layout) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let one_machine = matches!(layout, Layout::OneMachine);
    let asked = REFERENCES
        .iter()
        .filter(|reference| one_machine || reference.is_beside)
        .map(
            |Reference {
                 table, to, which, ..
             }| {
                let sql = format!(
                    "select count(*) || ' of {table} refer to nothing in {to}' from {table} r
                 where not exists (select 1 from {to} t where {which}) having count(*) > 0"
                );
                (Invariant::NothingDangles, sql)
            },
        );
    let mut asked: Vec<(Invariant, String)> = asked.collect();
    asked.push((Invariant::MessagesHaveAnOutcome, WITHOUT_OUTCOME.into()));
    // All of that is on one machine, however others are divided.
    asked.push((Invariant::HoursAddUp, MISCOUNTED.into()));
    let mut tx = pool.begin().await.map_err(failed)?;
    sqlx::raw_sql(WHOLE_TABLES)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    for (invariant, sql) in asked {
        let found: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(&mut *tx)
            .await
            .map_err(failed)?;
        findings.extend(
            found
                .into_iter()
                .map(|what| Finding::of_all(invariant, what)),
        );
    }
    tx.commit().await.map_err(failed)?;
    if !one_machine {
        for (table, to, count) in elsewhere::dangling(pool).await? {
            let what = format!("{count} of {table} refer to nothing in {to}");
            findings.extend((count > 0).then(|| Finding::of_all(Invariant::NothingDangles, what)));
        }
    }
    Ok(findings)
}
