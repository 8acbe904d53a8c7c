//! Statements: prepared once, run, and their rows read.

use crate::codec::{Found, failed};
use ledger::Result;
use rusqlite::{Connection, Params};

/// Runs a statement; answers how many rows it changed.
pub(crate) fn execute(connection: &Connection, sql: &str, values: impl Params) -> Result<usize> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(values))
        .map_err(failed)
}

/// Every row of a query. The first column is what a row of `table` is known by.
pub(crate) fn all<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    values: impl Params,
    mut read: impl FnMut(&Found<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query(values).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        found.push(read(&Found::new(table, row))?);
    }
    Ok(found)
}

/// The first row of a query, if there is one.
pub(crate) fn first<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Found<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query(values).map_err(failed)?;
    let row = rows.next().map_err(failed)?;
    row.map(|row| read(&Found::new(table, row))).transpose()
}

/// How the tables of a statement are searched, in the words of the planner.
#[cfg(test)]
pub(crate) fn searched(sql: &str) -> Vec<String> {
    let mut connection = Connection::open_in_memory().unwrap();
    crate::migrations::migrate(&mut connection).unwrap();
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let mut statement = connection.prepare(&explain).unwrap();
    for parameter in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(parameter, 1).unwrap();
    }
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let detail: String = row.get(3).unwrap();
        if detail.starts_with("SEARCH") || detail.starts_with("SCAN") {
            found.push(detail);
        }
    }
    found
}
