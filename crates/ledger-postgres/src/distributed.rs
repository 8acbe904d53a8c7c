//! One database on many machines: how tables are divided among them where the Citus extension is there.
//!
//! The customer is what is divided by. Tables that lead to customers are divided by what leads; configuration is copied to every machine;
//! what is narrow and in one order for everybody stays on the coordinator.

use crate::{codec::failed, partitions::run, primary::Hosts};
use ledger::{LedgerError, Result};
use sqlx::{ConnectOptions, Connection, PgPool};

/// Where the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// All on one machine.
    OneMachine,
    /// Divided among several, which refuse some shapes of statements.
    Distributed,
}

/// Tables that every machine has whole, what is referred to first.
pub const COPIED: [&str; 8] = [
    "projects",
    "apps",
    "products",
    "entitlements",
    "offerings",
    "integrations",
    "api_keys",
    "exchange_rates",
];

/// A table that is divided.
#[derive(Debug, Clone, Copy)]
pub struct Divided {
    /// Its name.
    pub table: &'static str,
    /// The column by which it is.
    pub by: &'static str,
    /// The other table beside which the rows of one value lie, or `none`.
    pub beside: &'static str,
}

const fn divided(table: &'static str, by: &'static str, beside: &'static str) -> Divided {
    Divided { table, by, beside }
}

/// Tables that are divided: each with the column by which it is, and the table that it lies beside.
pub const DIVIDED: [Divided; 10] = [
    divided("customers", "id", "none"),
    divided("purchases", "customer", "customers"),
    divided("transactions", "customer", "customers"),
    divided("events", "customer", "customers"),
    divided("event_keys", "customer", "customers"),
    divided("deliveries", "customer", "customers"),
    divided("attempts", "customer", "customers"),
    divided("aliases", "app_user_id", "none"),
    divided("chains", "id", "none"),
    divided("inbox", "id", "none"),
];

/// Tables that stay on the coordinator.
pub const KEPT: [&str; 16] = [
    "meta",
    "users",
    "invitations",
    "sessions",
    "second_factors",
    "recovery_codes",
    "audit_log",
    "marks",
    "outcomes",
    "replays",
    "leases",
    "nodes",
    "feed_head",
    "feed_queue",
    "feed",
    "tallies",
];

/// Remembers in `meta` that tables are divided.
const MARK: &str = "distributed";

pub(crate) async fn layout(pool: &PgPool) -> Result<Layout> {
    let found = sqlx::query_scalar!("select value from meta where name = $1", MARK)
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
    Ok(match found {
        Some(_) => Layout::Distributed,
        None => Layout::OneMachine,
    })
}

/// Divides the tables among the machines of a Citus cluster, all or nothing. What is in them moves along. Nodes are to be stopped
/// meanwhile: they learn of it when they start.
///
/// Answers whether anything was done: `false` when they are divided already.
///
/// # Errors
///
/// When the database has no Citus extension, or refuses to divide a table.
pub async fn distribute(url: &str) -> Result<bool> {
    let options = Hosts::parse(url)?.writable().await?;
    let mut connection = options.connect().await.map_err(failed)?;
    let has_citus = sqlx::query_scalar!(
        r#"select exists (select 1 from pg_proc where proname = 'create_distributed_table') as "exists!""#
    )
    .fetch_one(&mut connection)
    .await
    .map_err(failed)?;
    if !has_citus {
        return Err(LedgerError::Refused(
            "the database has no Citus extension: install it on every machine, `create extension citus`, and add the workers with \
             `citus_add_node` before tables can be divided among them"
                .into(),
        ));
    }
    let mut tx = connection.begin().await.map_err(failed)?;
    let marked = sqlx::query!(
        "insert into meta (name, value) values ($1, 1) on conflict (name) do nothing",
        MARK
    )
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    if marked.rows_affected() == 0 {
        return Ok(false);
    }
    for table in COPIED {
        run(&mut tx, format!("select create_reference_table('{table}')")).await?;
    }
    for Divided { table, by, beside } in DIVIDED {
        let divide = format!(
            "select create_distributed_table('{table}', '{by}', colocate_with => '{beside}')"
        );
        run(&mut tx, divide).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(true)
}
