//! Everything of another backend, written table by table. What is half done goes on where it stopped.

use crate::{codec::failed, migrate::migrate};
use jiff::Timestamp;
use ledger::{
    LedgerError, Result,
    copy::{Cell, Kind, Name, Sum, TABLES, Table},
};
use sqlx::{
    AssertSqlSafe, PgPool, Postgres, Row,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use uuid::Uuid;

/// A database that is being filled.
#[derive(Debug)]
pub struct Import {
    pool: PgPool,
}

fn names(table: &Table) -> String {
    let names: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

const fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "uuid[]",
        Kind::Number => "bigint[]",
        Kind::Flag => "boolean[]",
        Kind::Text => "text[]",
        Kind::Bytes => "bytea[]",
    }
}

type Asked<'q> = Query<'q, Postgres, PgArguments>;

/// One column of all rows, as an array.
fn bind<'q>(query: Asked<'q>, rows: &[Vec<Cell>], index: usize, kind: Kind) -> Asked<'q> {
    let cells = rows.iter().map(|row| row[index].clone());
    match kind {
        Kind::Id => query.bind(
            cells
                .map(|cell| {
                    if let Cell::Id(id) = cell {
                        Some(id)
                    } else {
                        None
                    }
                })
                .collect::<Vec<Option<Uuid>>>(),
        ),
        Kind::Number => query.bind(
            cells
                .map(|cell| {
                    if let Cell::Number(number) = cell {
                        Some(number)
                    } else {
                        None
                    }
                })
                .collect::<Vec<Option<i64>>>(),
        ),
        Kind::Flag => query.bind(
            cells
                .map(|cell| {
                    if let Cell::Flag(flag) = cell {
                        Some(flag)
                    } else {
                        None
                    }
                })
                .collect::<Vec<Option<bool>>>(),
        ),
        Kind::Text => query.bind(
            cells
                .map(|cell| {
                    if let Cell::Text(text) = cell {
                        Some(text)
                    } else {
                        None
                    }
                })
                .collect::<Vec<Option<String>>>(),
        ),
        Kind::Bytes => query.bind(
            cells
                .map(|cell| {
                    if let Cell::Bytes(bytes) = cell {
                        Some(bytes)
                    } else {
                        None
                    }
                })
                .collect::<Vec<Option<Vec<u8>>>>(),
        ),
    }
}

fn read(row: &PgRow, index: usize, kind: Kind) -> sqlx::Result<Cell> {
    Ok(match kind {
        Kind::Id => row
            .try_get::<Option<Uuid>, _>(index)?
            .map_or(Cell::Null, Cell::Id),
        Kind::Number => row
            .try_get::<Option<i64>, _>(index)?
            .map_or(Cell::Null, Cell::Number),
        Kind::Flag => row
            .try_get::<Option<bool>, _>(index)?
            .map_or(Cell::Null, Cell::Flag),
        Kind::Text => row
            .try_get::<Option<String>, _>(index)?
            .map_or(Cell::Null, Cell::Text),
        Kind::Bytes => row
            .try_get::<Option<Vec<u8>>, _>(index)?
            .map_or(Cell::Null, Cell::Bytes),
    })
}

/// Whether an import into a database was begun and not ended: what is there is not all there is.
pub(crate) async fn is_half_done(pool: &PgPool) -> Result<bool> {
    sqlx::query_scalar("select to_regclass('import_progress') is not null")
        .fetch_one(pool)
        .await
        .map_err(failed)
}

impl Import {
    /// Opens a database that is empty, or that an import was begun into.
    ///
    /// # Errors
    ///
    /// When it holds an installation already, or cannot be reached.
    pub async fn open(url: &str, now: Timestamp) -> Result<Self> {
        migrate(url, now).await?;
        let primary = crate::primary::Hosts::parse(url)?.writable().await?;
        let pool = PgPool::connect_lazy_with(primary);
        let import = Self { pool };
        if !is_half_done(&import.pool).await? {
            let taken: bool = sqlx::query_scalar(
                "select exists (select 1 from projects) or exists (select 1 from users)",
            )
            .fetch_one(&import.pool)
            .await
            .map_err(failed)?;
            if taken {
                return Err(LedgerError::Refused(
                    "the database holds an installation already; give an empty one".into(),
                ));
            }
            sqlx::query(
                "create table import_progress (name text primary key, cursor text not null)",
            )
            .execute(&import.pool)
            .await
            .map_err(failed)?;
        }
        Ok(import)
    }

    /// The key of the last row written to a table.
    pub async fn progress(&self, table: &Table) -> Result<Option<String>> {
        sqlx::query_scalar("select cursor from import_progress where name = $1")
            .bind(table.name.text())
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)
    }

    /// Writes rows, and how far that comes, together.
    pub async fn put(&self, table: &Table, rows: &[Vec<Cell>], cursor: &str) -> Result<()> {
        let arrays: Vec<_> = table
            .columns
            .iter()
            .enumerate()
            .map(|(index, (_, kind))| format!("${}::{}", index + 1, type_of(*kind)))
            .collect();
        let given = if table.name == Name::AuditLog {
            "overriding system value"
        } else {
            ""
        };
        let (name, names) = (table.name, names(table));
        let sql = format!(
            "insert into {name} ({names}) {given} select * from unnest({}) on conflict do nothing",
            arrays.join(", ")
        );
        let mut tx = self.pool.begin().await.map_err(failed)?;
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (index, (_, kind)) in table.columns.iter().enumerate() {
            query = bind(query, rows, index, *kind);
        }
        query.execute(&mut *tx).await.map_err(failed)?;
        if table.name == Name::Events {
            let keys = "insert into event_keys (customer, key) select * from unnest($1::uuid[], $2::text[]) on conflict do nothing";
            let query = bind(sqlx::query(keys), rows, 0, Kind::Id);
            let query = bind(query, rows, 3, Kind::Text);
            query.execute(&mut *tx).await.map_err(failed)?;
        }
        sqlx::query("insert into import_progress values ($1, $2) on conflict (name) do update set cursor = excluded.cursor")
            .bind(name.text())
            .bind(cursor)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    /// What a table adds up to.
    pub async fn sum(&self, table: &Table) -> Result<Sum> {
        let mut sum = Sum::default();
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|(name, kind)| match kind {
                Kind::Number => format!("{name}::bigint"),
                _ => (*name).to_owned(),
            })
            .collect();
        // A cursor of the database: tables may be larger than memory.
        let mut tx = self.pool.begin().await.map_err(failed)?;
        let declare = format!(
            "declare everything cursor for select {} from {}",
            columns.join(", "),
            table.name
        );
        sqlx::query(AssertSqlSafe(declare))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        loop {
            let rows = sqlx::query("fetch 5000 from everything")
                // Each table has columns of its own.
                .persistent(false)
                .fetch_all(&mut *tx)
                .await
                .map_err(failed)?;
            if rows.is_empty() {
                return Ok(sum);
            }
            for row in rows {
                let cells = table.columns.iter().enumerate();
                let cells = cells.map(|(index, (_, kind))| read(&row, index, *kind));
                sum.add(&cells.collect::<sqlx::Result<Vec<_>>>().map_err(failed)?);
            }
        }
    }

    /// Sets what counts on from what was written, and ends the import: from now on it is an installation.
    pub async fn finish(self, revision: u64, replaced_key: Option<u64>) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(failed)?;
        for sql in [
            "update feed_head set last = greatest(last, (select coalesce(max(position), 0) from feed))",
            "select setval('deliveries_position', (select coalesce(max(position), 0) + 1 from deliveries))",
            "select setval('inbox_processed', (select coalesce(max(processed), 0) + 1 from inbox))",
            "select setval(pg_get_serial_sequence('audit_log', 'position'), (select coalesce(max(position), 0) + 1 from audit_log))",
            "drop table import_progress",
        ] {
            sqlx::query(sql).execute(&mut *tx).await.map_err(failed)?;
        }
        sqlx::query("update meta set value = $1 where name = 'configuration_revision'")
            .bind(crate::codec::signed(revision))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        if let Some(key) = replaced_key {
            sqlx::query("insert into meta (name, value) values ('replaced_key', $1)")
                .bind(crate::codec::signed(key))
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)?;
        sqlx::query("analyze")
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        self.pool.close().await;
        Ok(())
    }

    /// Every table, in the order in which they are written.
    pub const fn tables() -> &'static [Table] {
        &TABLES
    }
}
