//! Retention, and whether all is well.

use crate::{
    SqliteLedger, accounts,
    codec::micros,
    statement::{all, execute},
};
use async_trait::async_trait;
use ledger::{KeptSince, Result, Upkeep};
use rusqlite::{Connection, params};

#[async_trait]
impl Upkeep for SqliteLedger {
    async fn retain(&self, since: KeptSince, limit: usize) -> Result<u64> {
        self.writer
            .write(move |connection| {
                let attempts = execute(
                    connection,
                    "DELETE FROM attempts WHERE position IN (SELECT position FROM attempts WHERE at < ?1 ORDER BY at LIMIT ?2)",
                    params![micros(since.attempts), limit],
                )?;
                let log = (since.audit, since.audit_of_programs);
                Ok((attempts + accounts::retain(connection, log, limit)?) as u64)
            })
            .await
    }
    async fn inspect(&self) -> Result<Vec<String>> {
        self.read_long(inspect).await
    }
    async fn check(&self) -> Result<()> {
        self.writer
            .write(|connection| {
                execute(
                    connection,
                    "INSERT INTO meta VALUES ('checks', 1) ON CONFLICT DO UPDATE SET value = value + 1",
                    [],
                )
                .map(|_| ())
            })
            .await
    }
}

fn inspect(connection: &Connection) -> Result<Vec<String>> {
    let told = |sql: &str| -> Result<Vec<String>> {
        all(connection, "database", sql, [], |row| row.get(0))
    };
    let mut findings = told("PRAGMA integrity_check")?;
    findings.retain(|finding| finding != "ok");
    let broken = told("PRAGMA foreign_key_check")?.into_iter();
    findings.extend(broken.map(|table| format!("a row of {table} refers to nothing")));
    for (table, to, which) in REFERENCES {
        let sql = format!(
            "SELECT count(*) || ' of {table} refer to nothing in {to}' FROM {table} r
             WHERE NOT EXISTS (SELECT 1 FROM {to} t WHERE {which}) HAVING count(*) > 0"
        );
        findings.extend(told(&sql)?);
    }
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
