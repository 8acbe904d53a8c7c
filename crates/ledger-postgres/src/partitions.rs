//! The parts of tables that grow with time: made ahead, dropped when nothing in them is kept any more.
//!
//! `inbox`, `events` and `deliveries` are divided by month along their ids, which begin with a time; `attempts` by week along the
//! time of the attempt. What is older than the installation stands in one part.

use crate::codec::{failed, micros};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use ledger::Result;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

/// Tables divided by month.
const BY_MONTH: [&str; 3] = ["inbox", "events", "deliveries"];
/// Parts that are made ahead.
const AHEAD: i32 = 2;
/// Whoever makes or drops parts holds this, so that only one does.
const LOCK: i64 = 0x7469_6469_6e67;

fn instant(day: Date) -> Timestamp {
    let midnight = day.at(0, 0, 0, 0).to_zoned(TimeZone::UTC);
    midnight.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

/// The least id that begins with a time.
fn least_id(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.as_millisecond()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

fn first_of_month(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date().first_of_month()
}

fn monday(at: Timestamp) -> Date {
    let day = at.to_zoned(TimeZone::UTC).date();
    let since = i32::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(since.days()).unwrap_or(day)
}

/// Makes the part that is written to and those that follow it, and once the one for everything older.
pub(crate) async fn make(pool: &PgPool, now: Timestamp) -> Result<()> {
    let mut tx = pool.begin().await.map_err(failed)?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    for table in BY_MONTH {
        let first = first_of_month(now);
        if !exists(&mut tx, &format!("{table}_before")).await? {
            let (from, to) = (
                "minvalue".to_owned(),
                format!("'{}'", least_id(instant(first))),
            );
            add(&mut tx, table, "before", &from, &to).await?;
            add_rest(&mut tx, table).await?;
        }
        for ahead in 0..=AHEAD {
            let begins = first.saturating_add(ahead.months());
            let ends = begins.saturating_add(1.month());
            let bound = |day| format!("'{}'", least_id(instant(day)));
            let name = begins.strftime("%Y_%m").to_string();
            add(&mut tx, table, &name, &bound(begins), &bound(ends)).await?;
        }
    }
    let first = monday(now);
    if !exists(&mut tx, "attempts_before").await? {
        let to = micros(instant(first)).to_string();
        add(&mut tx, "attempts", "before", "minvalue", &to).await?;
        add_rest(&mut tx, "attempts").await?;
    }
    for ahead in 0..=AHEAD {
        let begins = first.saturating_add(ahead.weeks());
        let ends = begins.saturating_add(1.week());
        let bound = |day| micros(instant(day)).to_string();
        let name = begins.strftime("%Y_%m_%d").to_string();
        add(&mut tx, "attempts", &name, &bound(begins), &bound(ends)).await?;
    }
    tx.commit().await.map_err(failed)
}

async fn exists(on: &mut PgConnection, name: &str) -> Result<bool> {
    sqlx::query_scalar!(r#"select to_regclass($1) is not null as "exists!""#, name)
        .fetch_one(on)
        .await
        .map_err(failed)
}

/// A statement that is put together here: names are those of our tables, bounds are made of dates and numbers.
pub(crate) async fn run(on: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::query(AssertSqlSafe(sql))
        .execute(on)
        .await
        .map(|_| ())
        .map_err(failed)
}

async fn add(on: &mut PgConnection, table: &str, name: &str, from: &str, to: &str) -> Result<()> {
    let part = format!("{table}_{name}");
    if exists(on, &part).await? {
        return Ok(());
    }
    if exists(on, &format!("{table}_rest")).await? {
        let column = if table == "attempts" { "at" } else { "id" };
        let sql = format!(
            "select exists (select 1 from {table}_rest where {column} >= {from} and {column} < {to})"
        );
        let is_taken: bool = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *on)
            .await
            .map_err(failed)?;
        // Some clock was far ahead; what it wrote stays where it is, and so does what comes.
        if is_taken {
            tracing::debug!(part, "not made: the rest holds rows of its time");
            return Ok(());
        }
    }
    run(
        on,
        format!("create table {part} partition of {table} for values from ({from}) to ({to})"),
    )
    .await
}

/// What lies beyond every part, should a clock be far ahead.
async fn add_rest(on: &mut PgConnection, table: &str) -> Result<()> {
    run(
        on,
        format!("create table {table}_rest partition of {table} default"),
    )
    .await
}

/// Drops weeks of attempts that lie before a time as a whole.
pub(crate) async fn drop_attempts(pool: &PgPool, before: Timestamp) -> Result<()> {
    let parts = sqlx::query_scalar!(
        r#"select c.relname::text as "name!" from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'attempts'::regclass order by 1"#
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    for part in parts {
        let begins = part
            .strip_prefix("attempts_")
            .and_then(|name| Date::strptime("%Y_%m_%d", name).ok());
        let Some(begins) = begins else { continue };
        if instant(begins.saturating_add(1.week())) > before {
            continue;
        }
        let mut tx = pool.begin().await.map_err(failed)?;
        // Reads of attempts hold it up; then the next time will do.
        run(&mut tx, "set local lock_timeout = '2s'".into()).await?;
        run(&mut tx, format!("drop table if exists {part}")).await?;
        tx.commit().await.map_err(failed)?;
        tracing::info!(part, "a week of attempts was dropped");
    }
    Ok(())
}

/// Indexes that are not used, and rows that no part was made for.
pub(crate) async fn inspect(pool: &PgPool) -> Result<Vec<String>> {
    let broken = sqlx::query_scalar!(
        r#"select indexrelid::regclass::text as "name!" from pg_index join pg_class c on c.oid = indexrelid
           where not indisvalid and c.relnamespace = current_schema()::regnamespace"#
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let mut findings: Vec<String> = broken
        .into_iter()
        .map(|name| format!("index {name} is not valid: `reindex index {name}` makes it anew"))
        .collect();
    for table in ["inbox", "events", "deliveries", "attempts"] {
        let sql = format!("select count(*) from (select 1 from {table}_rest limit 1) as rest");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(pool)
            .await
            .map_err(failed)?;
        if count > 0 {
            findings.push(format!(
                "{table}_rest holds rows: some clock was months ahead"
            ));
        }
    }
    Ok(findings)
}
