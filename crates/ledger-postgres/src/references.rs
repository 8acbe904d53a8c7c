//! Rows that refer to what is not there. No foreign key says so: tables are divided, and rows are written in batches.

use crate::{Layout, codec::failed};
use ledger::Result;
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

/// How many rows of each kind refer to nothing. Reads every table.
pub(crate) async fn inspect(pool: &PgPool, layout: Layout) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let one_machine = matches!(layout, Layout::OneMachine);
    for Reference {
        table, to, which, ..
    } in REFERENCES
        .iter()
        .filter(|reference| one_machine || reference.is_beside)
    {
        let sql = format!(
            "select count(*) from {table} r where not exists (select 1 from {to} t where {which})"
        );
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(pool)
            .await
            .map_err(failed)?;
        if count > 0 {
            findings.push(format!("{count} of {table} refer to nothing in {to}"));
        }
    }
    Ok(findings)
}
