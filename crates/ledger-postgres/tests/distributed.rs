//! One database on many machines: every promise of the ledger with the statements that a distributed PostgreSQL takes, and the division of
//! the tables itself. Where there is no Citus, functions of its names stand in for it and remember what they were asked.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use jiff::Timestamp;
use ledger::contract::Subject;
use ledger_postgres::{
    Connections, PostgresLedger,
    distributed::{self, Divided},
    migrate,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};
use throwaway::Cluster;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&[]).unwrap());

#[expect(clippy::disallowed_methods, reason = "partitions are of now")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn database() -> String {
    let made = tokio::task::spawn_blocking(|| CLUSTER.database().unwrap());
    made.await.unwrap()
}

async fn rows(pool: &sqlx::PgPool, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

/// What Citus offers, by name only.
const STAND_IN: &str = "
    create table asked (number serial, what text);
    create function create_reference_table(name regclass) returns void language sql as
      $$ insert into asked (what) values ('copied ' || name) $$;
    create function create_distributed_table(name regclass, by text, colocate_with text default 'default') returns void language sql as
      $$ insert into asked (what) values (name || ' by ' || by || ' beside ' || colocate_with) $$;";

/// A ledger in a new database that is divided.
async fn fresh() -> Subject {
    let url = database().await;
    migrate(&url, now()).await.unwrap();
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(STAND_IN).execute(&pool).await.unwrap();
    assert!(distributed::distribute(&url).await.unwrap());
    let connections = Connections { hot: 6, reads: 4 };
    let node = uuid::Uuid::nil();
    Arc::new(
        PostgresLedger::open(&url, connections, node, now())
            .await
            .unwrap(),
    )
}

ledger::contract_tests!(fresh());

#[tokio::test]
async fn tables_are_divided_all_or_none_and_once() {
    let url = database().await;
    migrate(&url, now()).await.unwrap();
    let refused = distributed::distribute(&url).await.unwrap_err().to_string();
    assert!(refused.contains("create extension citus"), "{refused}");

    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(STAND_IN).execute(&pool).await.unwrap();
    let refuses = "alter table asked add constraint no check (what not like 'inbox%')";
    sqlx::raw_sql(refuses).execute(&pool).await.unwrap();
    assert!(distributed::distribute(&url).await.is_err());
    assert!(rows(&pool, "select what from asked").await.is_empty());

    let relents = "alter table asked drop constraint no";
    sqlx::raw_sql(relents).execute(&pool).await.unwrap();
    assert!(distributed::distribute(&url).await.unwrap());
    let asked = rows(&pool, "select what from asked order by number").await;
    let copied = distributed::COPIED.map(|name| format!("copied {name}"));
    let divided = distributed::DIVIDED
        .map(|Divided { table, by, beside }| format!("{table} by {by} beside {beside}"));
    let expected: Vec<String> = copied.into_iter().chain(divided).collect();
    assert_eq!(asked, expected);
    assert!(
        !distributed::distribute(&url).await.unwrap(),
        "once is enough"
    );
}

#[tokio::test]
async fn every_table_has_its_place_and_what_is_unique_is_so_on_one_machine() {
    let url = database().await;
    migrate(&url, now()).await.unwrap();
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let tables = rows(
        &pool,
        "select relname::text from pg_class where relkind in ('r', 'p') and not relispartition
         and relnamespace = 'public'::regnamespace and relname <> '_sqlx_migrations'",
    )
    .await;
    let divided = distributed::DIVIDED.iter().map(|divided| divided.table);
    let placed = distributed::COPIED.into_iter().chain(distributed::KEPT);
    let placed: BTreeSet<String> = placed.chain(divided).map(str::to_owned).collect();
    assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), placed);
    for Divided { table, by, .. } in distributed::DIVIDED {
        let without: Vec<String> = sqlx::query_scalar(
            "select indexrelid::regclass::text from pg_index where indrelid = $1::text::regclass and indisunique and not exists (
               select 1 from pg_attribute where attrelid = indrelid and attname = $2 and attnum = any(indkey::smallint[]))",
        )
        .bind(table)
        .bind(by)
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(without, Vec::<String>::new(), "{table} by {by}");
    }
}
