//! Databases of every earlier level open, and what was written at the first of them is read.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use domain::{AppId, ChainKey, CustomerId, Environment, EventKind, ProjectId, Store};
use jiff::Timestamp;
use ledger::{Commission, Commits, Feed, Inbox, LedgerError, Settings, Wanted, codec::pack};
use ledger::{
    contract::{Subject, at, can_be_read, one_of_everything},
    invariants::verify,
};
use ledger_sqlite::SqliteLedger;
use rusqlite::Connection;
use std::{fs, path::PathBuf, sync::Arc};
use uuid::Uuid;

/// Rows as the first release wrote them: an app whose store and commission stand among its settings, a purchase with one renewal, an event.
const FIRST: &str = r#"
    INSERT INTO projects VALUES (X'00000000000000000000000000000001', 'acme',
      '{"id":"prj_00000000000000000000000001","key":"acme","name":"Acme","historical_window_hours":24}');
    INSERT INTO apps VALUES (X'00000000000000000000000000000002', X'00000000000000000000000000000001', 'ios',
      '{"id":"app_00000000000000000000000002","project":"prj_00000000000000000000000001","key":"ios","name":"iOS","store":"app_store",
        "settings":{"bundle_id":"com.example","app_apple_id":7,"environments":["production"],"local_roots":[],"commission_basis_points":1500,
        "check_revocation":true}}');
    INSERT INTO customers VALUES (X'00000000000000000000000000000003', X'00000000000000000000000000000001', 4, 1,
      '{"id":"cus_00000000000000000000000003","app_user_id":"ann","first_seen":"2026-11-20T00:00:00Z","last_seen":"2026-11-20T00:00:00Z",
        "attributes":{}}');
    INSERT INTO aliases VALUES (X'00000000000000000000000000000001', 'ann', X'00000000000000000000000000000003');
    INSERT INTO chains VALUES (X'00000000000000000000000000000002', 'production', '1000', X'00000000000000000000000000000003');
    INSERT INTO purchases VALUES (X'00000000000000000000000000000003', X'00000000000000000000000000000002', 'production', '1000',
      X'00000000000000000000000000000001', 1,
      '{"kind":"subscription","transaction":"1000","product":"monthly","purchased_at":"2026-11-20T00:00:00Z",
        "original_purchased_at":"2026-11-20T00:00:00Z","expires_at":"2026-12-20T00:00:00Z","phase":"regular","will_renew":false,
        "next_product":null,"standing":{"state":"current"},"price":null,"renewal_price":null,"offer":null,"ownership":"purchased",
        "country":"US","price_increase":null,"version":"2026-11-20T00:00:01Z"}',
      '{"version":"2026-11-20T00:00:01Z","product":"monthly","auto_renew":false,"next_product":null,"intent":null,"in_retry":null,
        "grace_ends_at":null,"price_increase":null,"renewal_price":null,"status":null}', NULL);
    INSERT INTO events (id, project, customer, key, kind, app, environment, recorded_at, body, not_sent)
      VALUES (X'00000000000000000000000000000004', X'00000000000000000000000000000001', X'00000000000000000000000000000003', 'charged:1000',
        'subscription_started', X'00000000000000000000000000000002', 'production', 7200000000, X'', '[]');
    INSERT INTO audit_log (at, who, what, subject) VALUES (1, 'key ci', 'change customer', 'ann'), (2, 'owner@acme.example', 'give access to', 'ann'),
      (3, 'key ci', 'forget', 'a customer'), (4, 'key ci', 'put product', 'monthly');
"#;

fn migrations() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path| fs::read_to_string(path).unwrap();
    files.into_iter().map(read).collect()
}

fn path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.db"));
    for old in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{old}", path.display()));
        assert!(!old.exists() || fs::remove_file(old).is_ok());
    }
    path
}

/// A database that was made at the first level, was written to, and was brought to `level` since.
fn made_at(name: &str, level: usize) -> PathBuf {
    let path = path(&format!("{name}-{level}"));
    let connection = Connection::open(&path).unwrap();
    let migrations = migrations();
    connection.execute_batch(&migrations[0]).unwrap();
    connection.execute_batch(FIRST).unwrap();
    for (id, parked) in [(5_u128, None), (6, Some("waits for its store"))] {
        let id = Uuid::from_u128(id);
        connection
            .execute(
                "INSERT INTO inbox VALUES (?1, X'00000000000000000000000000000001', X'00000000000000000000000000000002', 'app_store', ?2, 'DID_RENEW', 0, ?3, ?4, ?5)",
                rusqlite::params![id.as_bytes(), id.to_string(), pack(b"{}").unwrap(), parked, parked.map(|_| 9)],
            )
            .unwrap();
    }
    for migration in &migrations[1..level] {
        connection.execute_batch(migration).unwrap();
    }
    connection
        .pragma_update(None, "user_version", level)
        .unwrap();
    path
}

/// Everything that makes up a schema.
fn schema(path: &PathBuf) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// What the entries of the audit log are about.
fn about(path: &PathBuf) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT about FROM audit_log ORDER BY at")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_database_of_every_level_opens_and_is_read() {
    let newest = migrations().len();
    let new = path("level-new");
    drop(SqliteLedger::open(&new).unwrap());
    for level in 1..=newest {
        let path = made_at("level", level);
        let ledger = SqliteLedger::open(&path).unwrap();
        read(&ledger).await;
        // Opened once more, nothing is done twice.
        drop(ledger);
        read(&SqliteLedger::open(&path).unwrap()).await;
        assert_eq!(schema(&path), schema(&new), "level {level}");
        let stands: usize = Connection::open(&path)
            .unwrap()
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!(stands, newest, "level {level}");
        assert_eq!(
            about(&path),
            [
                "customer_by_program",
                "customer",
                "installation",
                "installation"
            ],
            "level {level}"
        );
    }
}

async fn read(ledger: &SqliteLedger) {
    let project = ProjectId::new(Uuid::from_u128(1));
    let configuration = ledger.configuration().await.unwrap();
    assert_eq!(configuration.projects[0].key, "acme");
    let app = &configuration.apps[0];
    assert_eq!(app.store(), Store::AppStore);
    assert_eq!(app.commission, Some(Commission::BasisPoints(1500)));

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
    assert_eq!(known.customer.id, CustomerId::new(Uuid::from_u128(3)));
    assert_eq!((known.version, known.seq), (4, 1));
    let ledger::KnownChain { key, stored } = loaded.chain.unwrap();
    assert_eq!(
        (&key, stored.snapshot.product.as_str()),
        (&chain, "monthly")
    );
    assert_eq!(stored.facts.renewals[""].auto_renew, Some(false));
    assert_eq!(stored.formers, []);

    let told = ledger
        .tallies(project, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    let told: Vec<_> = told.iter().map(|tally| (tally.kind, tally.count)).collect();
    assert_eq!(told, [(EventKind::SubscriptionStarted, 1)]);

    let processed = ledger.archive(project, 0, 10).await.unwrap();
    assert_eq!(processed.len(), 1);
    let waiting = ledger.parked(project, None, None, 10).await.unwrap();
    let waiting: Vec<_> = waiting
        .iter()
        .map(|parked| (parked.reason.as_str(), parked.tries))
        .collect();
    assert_eq!(waiting, [("waits for its store", 0)]);
}

/// Where what each release wrote is kept, as statements, from the level on at which that began.
fn kept() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/levels")
}

/// As statements that make the same database.
fn dump(connection: &Connection) -> String {
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let own = "FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
    let mut lines = texts(&format!(
        "SELECT sql {own} AND type = 'table' ORDER BY rowid"
    ));
    for table in texts(&format!(
        "SELECT name {own} AND type = 'table' ORDER BY rowid"
    )) {
        let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let quoted: Vec<_> = columns
            .iter()
            .map(|column| format!("quote(\"{column}\")"))
            .collect();
        let sql = format!("SELECT {} FROM {table}", quoted.join(" || ', ' || "));
        let rows = texts(&sql).into_iter();
        lines.extend(rows.map(|row| format!("INSERT INTO {table} VALUES ({row})")));
    }
    lines.extend(texts(&format!(
        "SELECT sql {own} AND type = 'index' ORDER BY rowid"
    )));
    let level: usize = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    lines.push(format!("PRAGMA user_version = {level}"));
    lines.join(";\n") + ";\n"
}

/// Writes down what this release writes, for those that come.
#[tokio::test]
#[ignore = "`cargo xtask levels` runs it, after a migration was added"]
async fn what_this_release_writes_is_kept() {
    let path = path("level-kept");
    let subject: Subject = Arc::new(SqliteLedger::open(&path).unwrap());
    one_of_everything(&subject).await;
    drop(subject);
    let to = kept().join(format!("{}.sql", migrations().len()));
    fs::create_dir_all(kept()).unwrap();
    fs::write(to, dump(&Connection::open(&path).unwrap())).unwrap();
}

/// Tables with their columns, and the level that the file says it is of.
fn columns(connection: &Connection) -> (Vec<String>, usize) {
    let sql =
        "SELECT t.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk
         FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    let level = connection.query_row("PRAGMA user_version", [], |row| row.get(0));
    (rows.map(Result::unwrap).collect(), level.unwrap())
}

/// What is kept of a level is what its migrations make, and no later one.
#[test]
fn what_is_kept_has_the_columns_of_its_level() {
    let migrations = migrations();
    for level in 1..=migrations.len() {
        let Ok(statements) = fs::read_to_string(kept().join(format!("{level}.sql"))) else {
            continue;
        };
        let kept = Connection::open_in_memory().unwrap();
        kept.execute_batch(&statements).unwrap();
        let made = Connection::open_in_memory().unwrap();
        for migration in &migrations[..level] {
            made.execute_batch(migration).unwrap();
        }
        made.pragma_update(None, "user_version", level).unwrap();
        assert_eq!(columns(&kept), columns(&made), "level {level}");
    }
}

/// What releases of earlier levels wrote opens, is sound, and is read.
#[tokio::test]
async fn what_earlier_releases_wrote_opens_and_is_sound() {
    let newest = migrations().len();
    let of_newest = kept().join(format!("{newest}.sql"));
    assert!(of_newest.exists(), "`cargo xtask levels` writes it");
    for level in 1..=newest {
        let Ok(statements) = fs::read_to_string(kept().join(format!("{level}.sql"))) else {
            continue;
        };
        let path = path(&format!("kept-{level}"));
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(&statements).unwrap();
        drop(connection);
        let subject: Subject = Arc::new(SqliteLedger::open(&path).unwrap());
        let verified = verify(&*subject, at(1), |_| {}).await.unwrap();
        assert_eq!(verified.findings, [], "level {level}");
        assert_eq!(
            (verified.customers, verified.events),
            (2, 4),
            "level {level}"
        );
        can_be_read(&subject).await;
    }
}

/// What rested between retries rests on, and is no lease that holds up its line.
#[test]
fn what_was_tried_before_there_were_lines_rests() {
    let path = made_at("resting", 6);
    let rows = "INSERT INTO deliveries (id, project, event, integration, customer, message, status, attempts, round, accepted_at, due_at, waits_for, detail)
      SELECT column1, X'01', (SELECT max(position) FROM events), X'02', X'03', '{}', column2, column3, column3, 100, 900, column4, ''
      FROM (VALUES (X'0a', 0, 2, NULL), (X'0b', 0, 0, X'0a'), (X'0c', 0, 0, NULL), (X'0d', 1, 1, NULL))";
    Connection::open(&path)
        .unwrap()
        .execute_batch(rows)
        .unwrap();
    drop(SqliteLedger::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    let mut statement = connection
        .prepare("SELECT turn, tried_at FROM deliveries ORDER BY id")
        .unwrap();
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let found: Vec<(i64, Option<i64>)> = found.unwrap().map(Result::unwrap).collect();
    assert_eq!(found, [(2, Some(100)), (0, None), (1, None), (1, None)]);
}

#[test]
fn a_database_of_a_later_release_is_refused() {
    let path = path("level-later");
    let connection = Connection::open(&path).unwrap();
    let later = migrations().len() + 1;
    connection
        .pragma_update(None, "user_version", later)
        .unwrap();
    drop(connection);
    let refused = SqliteLedger::open(&path).unwrap_err();
    assert!(matches!(refused, LedgerError::Refused(_)), "{refused}");
}
