//! Databases of every earlier level open, and what was written at the first of them is read.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use domain::{AppId, ChainKey, Environment, ProjectId, Store};
use jiff::Timestamp;
use ledger::{
    Commits, Inbox, Settings, Wanted,
    codec::pack,
    contract::{Subject, at, can_be_read, one_of_everything},
    invariants::{Invariant, verify},
};
use ledger_postgres::{Connections, PostgresLedger};
use sqlx::{PgPool, migrate::Migrator};
use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{Arc, LazyLock},
};
use throwaway::Cluster;
use uuid::Uuid;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&[]).unwrap());

/// Rows as the first release with this ledger wrote them: an app, a purchase with one renewal, and what is in the audit log; with
/// parts for what is older than the installation, and for what is of no time.
const FIRST: &str = r#"
    create table inbox_before partition of inbox for values from (minvalue) to ('00000000-0000-0000-0000-0000000000ff');
    create table inbox_rest partition of inbox default;
    create table events_before partition of events for values from (minvalue) to ('00000000-0000-0000-0000-0000000000ff');
    create table events_rest partition of events default;
    create table deliveries_before partition of deliveries for values from (minvalue) to ('00000000-0000-0000-0000-0000000000ff');
    create table deliveries_rest partition of deliveries default;
    create table attempts_before partition of attempts for values from (minvalue) to (0);
    create table attempts_rest partition of attempts default;
    insert into projects values ('00000000-0000-0000-0000-000000000001', 'acme',
      '{"id":"prj_00000000000000000000000001","key":"acme","name":"Acme","historical_window_hours":24}');
    insert into apps values ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'ios',
      '{"id":"app_00000000000000000000000002","project":"prj_00000000000000000000000001","key":"ios","name":"iOS",
        "settings":{"store":"app_store","bundle_id":"com.example","app_apple_id":7,"environments":["production"],"local_roots":[],
        "check_revocation":true}}');
    insert into customers values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000001', 4, 0,
      '{"id":"cus_00000000000000000000000003","app_user_id":"ann","first_seen":"2026-11-20T00:00:00Z","last_seen":"2026-11-20T00:00:00Z",
        "attributes":{}}', null);
    insert into aliases values ('00000000-0000-0000-0000-000000000001', 'ann', '00000000-0000-0000-0000-000000000003');
    insert into chains values ('00000000-0000-0000-0000-000000000002', 'production', '1000', '1000', '00000000-0000-0000-0000-000000000003');
    insert into purchases values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000002', 'production', '1000',
      'app_store', '00000000-0000-0000-0000-000000000001', true,
      '{"kind":"subscription","transaction":"1000","product":"monthly","purchased_at":"2026-11-20T00:00:00Z",
        "original_purchased_at":"2026-11-20T00:00:00Z","expires_at":"2026-12-20T00:00:00Z","phase":"regular","will_renew":false,
        "next_product":null,"standing":{"state":"current"},"price":null,"renewal_price":null,"offer":null,"ownership":"purchased",
        "country":"US","price_increase":null,"version":"2026-11-20T00:00:01Z"}',
      '{"renewals":{"":{"version":"2026-11-20T00:00:01Z","product":"monthly","auto_renew":false,"next_product":null,"intent":null,"in_retry":null,
        "grace_ends_at":null,"price_increase":null,"renewal_price":null,"status":null}}}', '[]', null);
    insert into audit_log (at, who, what, subject, before, after) values (1, 'key ci', 'change customer', 'ann', '', ''),
      (2, 'owner@acme.example', 'give access to', 'ann', '', ''), (3, 'key ci', 'put product', 'monthly', '', '');
"#;

fn migrations() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn database() -> String {
    tokio::task::block_in_place(|| CLUSTER.database()).unwrap()
}

/// Brings a database to a level, as the release of that level did.
async fn bring(url: &str, level: usize) {
    let name = format!("to-level-{level}-{}", url.replace(['/', ':', '@'], "-"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    for file in &migrations()[..level] {
        fs::copy(file, folder.join(file.file_name().unwrap())).unwrap();
    }
    let pool = PgPool::connect(url).await.unwrap();
    let migrator = Migrator::new(folder.as_path()).await.unwrap();
    migrator.run(&pool).await.unwrap();
    pool.close().await;
    fs::remove_dir_all(folder).unwrap();
}

/// A database that was made at the first level, was written to, and was brought to `level` since.
async fn made_at(level: usize) -> String {
    let url = database();
    bring(&url, 1).await;
    let pool = PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(FIRST).execute(&pool).await.unwrap();
    for (id, parked) in [(5_u128, None), (6, Some("waits for its store"))] {
        sqlx::query(
            "insert into inbox (id, project, app, source, key, title, received_at, body, parked, retry_at, processed)
             values ($1, $2, $3, 'app_store', $4, 'DID_RENEW', 0, $5, $6, $7, $8)",
        )
        .bind(Uuid::from_u128(id))
        .bind(Uuid::from_u128(1))
        .bind(Uuid::from_u128(2))
        .bind(id.to_string())
        .bind(pack(b"{}").unwrap())
        .bind(parked)
        .bind(parked.map(|_| 9_i64))
        .bind(parked.is_none().then_some(1_i64))
        .execute(&pool)
        .await
        .unwrap();
    }
    pool.close().await;
    bring(&url, level).await;
    url
}

async fn open(url: &str) -> PostgresLedger {
    let connections = Connections { hot: 2, reads: 2 };
    #[expect(clippy::disallowed_methods, reason = "partitions are of now")]
    let now = Timestamp::now();
    let opened = PostgresLedger::open(url, connections, Uuid::nil(), now).await;
    opened.unwrap()
}

/// What makes up a schema: columns and indexes, but those of partitions.
async fn schema(url: &str) -> Vec<String> {
    let pool = PgPool::connect(url).await.unwrap();
    let sql = "select table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
         from information_schema.columns c where table_schema = 'public'
           and not exists (select 1 from pg_inherits where inhrelid = c.table_name::regclass)
         union all
         select indexdef from pg_indexes i where schemaname = 'public'
           and not exists (select 1 from pg_inherits where inhrelid = i.tablename::regclass) order by 1";
    let rows = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
    pool.close().await;
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_every_level_opens_and_is_read() {
    let newest = migrations().len();
    let new = database();
    drop(open(&new).await);
    let expected = schema(&new).await;
    for level in 1..=newest {
        let url = made_at(level).await;
        let ledger = open(&url).await;
        read(&ledger).await;
        let pool = PgPool::connect(&url).await.unwrap();
        let about: Vec<String> = sqlx::query_scalar("select about from audit_log order by at")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert_eq!(
            about,
            ["customer_by_program", "customer", "installation"],
            "level {level}"
        );
        pool.close().await;
        // Opened once more, nothing is done twice.
        read(&open(&url).await).await;
        assert_eq!(schema(&url).await, expected, "level {level}");
    }
}

async fn read(ledger: &PostgresLedger) {
    let project = ProjectId::new(Uuid::from_u128(1));
    let configuration = ledger.configuration().await.unwrap();
    assert_eq!(configuration.projects[0].key, "acme");
    assert_eq!(configuration.apps[0].store(), Store::AppStore);
    let chain = ChainKey {
        store: Store::AppStore,
        environment: Environment::Production,
        id: "1000".into(),
    };
    let wanted = Wanted {
        project,
        app: AppId::new(Uuid::from_u128(2)),
        chain: chain.clone(),
        links: Vec::new(),
        app_user_id: None,
    };
    let loaded = ledger.load(&wanted).await.unwrap();
    let known = loaded.customer.unwrap();
    assert_eq!((known.version, known.seq), (4, 0));
    let ledger::KnownChain { key, stored } = loaded.chain.unwrap();
    assert_eq!(
        (&key, stored.snapshot.product.as_str()),
        (&chain, "monthly")
    );
    assert_eq!(stored.facts.renewals[""].auto_renew, Some(false));
    let processed = ledger.archive(project, 0, 10).await.unwrap();
    assert_eq!(processed.len(), 1);
    let waiting = ledger.parked(project, None, None, 10).await.unwrap();
    assert_eq!(waiting[0].reason, "waits for its store");
    let verified = verify(ledger, at(1), |_| {}).await.unwrap();
    // Its ids are of no time.
    let others = verified.findings.iter();
    let others = others.filter(|finding| finding.invariant != Invariant::Readable);
    assert_eq!(others.count(), 0, "{:?}", verified.findings);
    assert_eq!(verified.customers, 1);
}

/// Where what each release wrote is kept, as its database says it, from the level on at which that began.
fn kept() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/levels")
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

/// Writes down what this release writes, for those that come.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "`cargo xtask levels` runs it, after a migration was added"]
async fn what_this_release_writes_is_kept() {
    let url = database();
    let subject: Subject = Arc::new(open(&url).await);
    one_of_everything(&subject).await;
    let words = ["--no-owner", "--no-privileges", "--inserts"];
    let dump = run(CLUSTER.program("pg_dump").args(words).arg(&url));
    let dump = String::from_utf8(dump).unwrap();
    // Lines that only `psql` understands, and settings that only newer servers have.
    let plain = |line: &&str| {
        !line.starts_with('\\') && !line.starts_with("SET ") && !line.starts_with("--")
    };
    let lines: Vec<&str> = dump.lines().filter(plain).collect();
    fs::create_dir_all(kept()).unwrap();
    let to = kept().join(format!("{}.sql", migrations().len()));
    fs::write(to, lines.join("\n") + "\n").unwrap();
}

/// A database that has what is kept of a level; `None` where nothing is.
async fn restored(level: usize) -> Option<String> {
    let statements = fs::read_to_string(kept().join(format!("{level}.sql"))).ok()?;
    let url = database();
    let pool = PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements))
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    Some(url)
}

/// What is kept of a level is what its migrations make, and no later one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_has_the_columns_of_its_level() {
    for level in 1..=migrations().len() {
        let Some(kept) = restored(level).await else {
            continue;
        };
        let made = database();
        bring(&made, level).await;
        assert_eq!(schema(&kept).await, schema(&made).await, "level {level}");
    }
}

/// What releases of earlier levels wrote opens, is sound, and is read.
#[tokio::test(flavor = "multi_thread")]
async fn what_earlier_releases_wrote_opens_and_is_sound() {
    let newest = migrations().len();
    let of_newest = kept().join(format!("{newest}.sql"));
    assert!(of_newest.exists(), "`cargo xtask levels` writes it");
    for level in 1..=newest {
        let Some(url) = restored(level).await else {
            continue;
        };
        let subject: Subject = Arc::new(open(&url).await);
        let verified = verify(&*subject, at(1), |_| {}).await.unwrap();
        let others = verified.findings.iter();
        let others = others.filter(|finding| finding.invariant != Invariant::Readable);
        assert_eq!(others.count(), 0, "level {level}: {:?}", verified.findings);
        assert_eq!(
            (verified.customers, verified.events),
            (2, 4),
            "level {level}"
        );
        can_be_read(&subject).await;
    }
}
