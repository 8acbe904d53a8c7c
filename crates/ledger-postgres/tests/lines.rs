//! Lines: what is read to find whose turn it is, and what stood in them before they were lines.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use jiff::Timestamp;
use ledger::{
    Commits, Deliveries, Next,
    contract::{at, claim, commit, delivery, integration, lane, settlement},
};
use ledger_postgres::{Connections, PostgresLedger};
use sqlx::PgPool;
use std::{fs, path::Path, sync::LazyLock, time::Duration};
use throwaway::Cluster;
use uuid::Uuid;

/// Nothing is ever analysed here.
static CLUSTER: LazyLock<Cluster> =
    LazyLock::new(|| Cluster::start(&["fsync = off", "autovacuum = off"]).unwrap());

#[expect(clippy::disallowed_methods, reason = "partitions are of now")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn database() -> String {
    tokio::task::spawn_blocking(|| CLUSTER.database().unwrap())
        .await
        .unwrap()
}

/// Entries of the indexes of deliveries that were read so far.
async fn read(pool: &PgPool) -> i64 {
    // A connection that rests a second tells what it counted.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let sql = "select coalesce(sum(idx_tup_read), 0)::bigint from pg_stat_user_indexes where relname ~ '^deliveries'";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// What a claim of sixteen and a release read of a lane with `open` deliveries of many customers and as many of one.
async fn reads(open: i64) -> (i64, i64) {
    let url = database().await;
    let connections = Connections { hot: 1, reads: 1 };
    let ledger = PostgresLedger::open(&url, connections, Uuid::nil(), now())
        .await
        .unwrap();
    let to = integration(1);
    for seq in 1..=2 {
        let mut new = commit(1, (seq > 1).then_some(seq - 1), seq);
        new.deliveries = vec![delivery(1, seq, to, 60)];
        ledger.commit(new).await.unwrap();
    }
    let one = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool = one.connect(&url).await.unwrap();
    for (customer, seq, first) in [
        (
            "md5((n % ($1 / 10))::text)::uuid",
            "n / ($1 / 10)",
            "n < $1 / 10",
        ),
        ("customer", "n + 3", "false"),
    ] {
        let sql = format!(
            "insert into deliveries (customer, id, project, event, seq, integration, endpoint, message, status, attempts, round, accepted_at, due_at, turn, detail)
             select {customer}, gen_random_uuid(), project, event, {seq}, integration, endpoint, message, 0, 0, 0, accepted_at,
               case when {first} then due_at else due_at + 1000000000000 end, ({first})::integer, ''
             from generate_series(0, $1 - 1) n, (select * from deliveries where seq = 1 limit 1) d"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(open)
            .execute(&pool)
            .await
            .unwrap();
    }
    let before = read(&pool).await;
    ledger.claim(claim(lane(to), 70, 130, 16)).await.unwrap();
    let claimed = read(&pool).await;
    let leased: i64 = sqlx::query_scalar("select count(*) from deliveries where due_at = (select max(due_at) from deliveries where turn = 1)")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(leased, 16);
    let asked = read(&pool).await;
    let first = settlement(1, delivery(1, 1, to, 60).id, 0, 80, Next::Delivered);
    let settled = ledger.settle(first, at(140)).await.unwrap();
    assert_eq!(settled.released.len(), 1);
    (claimed - before, read(&pool).await - asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_turn_it_is_reads_no_more_of_a_long_line_that_was_never_analysed() {
    let (claims, releases) = reads(2_000).await;
    let (more, longer) = reads(20_000).await;
    assert!(more < claims + 200, "claims: {claims}, then {more}");
    assert!(
        longer < releases + 200,
        "releases: {releases}, then {longer}"
    );
}

/// What rested between retries rests on, and is no lease that holds up its line.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_tried_before_there_were_lines_rests() {
    let found = tokio::task::spawn_blocking(|| {
        let cluster = &*CLUSTER;
        let url = cluster.database().unwrap();
        let name = url.rsplit('/').next().unwrap().to_owned();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let run = |file: &str| cluster.run_sql(&name, &fs::read_to_string(folder.join(file)).unwrap()).unwrap();
        run("0001_ledger.sql");
        run("0002_traces_and_nodes.sql");
        let rows = "create table deliveries_all partition of deliveries default;
            insert into deliveries (customer, id, project, event, seq, integration, message, status, attempts, round, accepted_at, due_at, waits_for, detail)
            select md5('c')::uuid, md5(n::text)::uuid, md5('p')::uuid, md5('e')::uuid, n, md5('i')::uuid, '{}', status, round, round, 100 + n, 900, waits, ''
            from (values (1, 0, 2, null), (2, 0, 0, md5('1')::uuid), (3, 0, 0, null), (4, 1, 1, null)) as v(n, status, round, waits)";
        cluster.run_sql(&name, rows).unwrap();
        run("0003_lanes.sql");
        cluster.run_sql(&name, "select seq, turn, tried_at from deliveries order by seq").unwrap()
    })
    .await
    .unwrap();
    let found: Vec<_> = found.lines().filter(|line| line.contains('|')).collect();
    assert_eq!(found, ["1|2|101", "2|0|", "3|1|", "4|1|"]);
}
