//! ClickHouse: Debian's server, which is of before asynchronous inserts, and the engine of today, with the table that the documents describe.

use super::{
    Shop,
    counterpart::{Counterpart, python},
};
use crate::server::client;
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

const NEEDS_SERVER: &str = "this test needs a ClickHouse server: apt-get install clickhouse-server";
const NEEDS_ENGINE: &str = "this test needs ClickHouse's engine: `cargo xtask test` installs it, or `pip install chdb-core-lite`";

/// A statement, as whom the server takes without a password.
async fn asked(clickhouse: &Counterpart, statement: &str) -> String {
    let request = client().post(&clickhouse.url).body(statement.to_owned());
    let answer = request.send().await.unwrap();
    let (status, said) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{statement}: {status} {said}");
    said
}

async fn rows(clickhouse: &Counterpart, table: &str) -> Vec<Value> {
    let question = format!("SELECT * FROM {table} FINAL FORMAT JSONEachRow");
    let lines = asked(clickhouse, &question).await;
    let rows = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    rows.collect()
}

/// What a server needs to be told in a directory of its own.
fn write_configuration(directory: &Path, port: u16) {
    fs::create_dir_all(directory).unwrap();
    let place = directory.display();
    let configuration = format!(
        "<yandex><logger><level>warning</level><console>1</console></logger><http_port>{port}</http_port><listen_host>127.0.0.1</listen_host>
        <path>{place}/data/</path><tmp_path>{place}/tmp/</tmp_path><users_config>users.xml</users_config><mark_cache_size>5368709</mark_cache_size>
        <default_profile>default</default_profile><default_database>default</default_database></yandex>"
    );
    fs::write(directory.join("config.xml"), configuration).unwrap();
    let user = |name: &str, password: &str| {
        format!(
            "<{name}><password>{password}</password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></{name}>"
        )
    };
    let users = format!(
        "<yandex><profiles><default/></profiles><quotas><default/></quotas><users>{}{}</users></yandex>",
        user("default", ""),
        user("tidings", "right")
    );
    fs::write(directory.join("users.xml"), users).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_stored_by_a_server_that_knows_plain_inserts_only() {
    let shop = Shop::telling(&[]).await;
    let directory = shop.site.directory.join("clickhouse");
    let command = |port: u16| {
        write_configuration(&directory, port);
        let mut command = Command::new("clickhouse-server");
        command.arg(format!("--config-file={}/config.xml", directory.display()));
        command
    };
    let clickhouse = Counterpart::start(command, NEEDS_SERVER).await;
    let table = "CREATE TABLE events (id String, kind String, occurred_at DateTime('UTC'), customer_seq UInt64, app_user_id String,
        entitlements Array(String), expires_at Nullable(DateTime('UTC')), will_renew Nullable(UInt8), currency String, price Nullable(Decimal(18, 6)),
        historical UInt8) ENGINE = ReplacingMergeTree ORDER BY id";
    asked(&clickhouse, table).await;
    let mut settings = json!({
        "url": clickhouse.url, "user": "tidings", "password": "wrong", "inserts": "plain",
        "retry": { "policy": "custom", "delays": [1, 1, 1] },
    });
    shop.put("clickhouse", settings.clone()).await;
    shop.buy("order-1").await;
    let states = shop.until("order-1", &["clickhouse"], "held").await;
    assert_eq!(states["clickhouse"]["reason"], "missing_credentials");
    settings["password"] = "right".into();
    shop.put("clickhouse", settings).await;
    shop.until("order-1", &["clickhouse"], "delivered").await;
    let rows = rows(&clickhouse, "events").await;
    let row = rows
        .iter()
        .find(|row| row["kind"] == "subscription_started");
    let row = row.unwrap_or_else(|| panic!("{rows:?}"));
    assert_eq!(row["app_user_id"], super::ANN);
    assert_eq!(row["entitlements"], json!(["premium"]));
    assert_eq!(row["currency"], "USD");
    assert_eq!(row["price"].as_f64(), Some(9.99), "{row}");
}

/// The statement that the page of this destination describes a table with.
fn documented() -> &'static str {
    let page = include_str!("../../../../../docs/destinations/clickhouse.md");
    let (_, statement) = page.split_once("```sql\n").unwrap();
    let (statement, _) = statement.split_once("```").unwrap();
    statement.trim().trim_end_matches(';')
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_fit_the_table_that_the_documents_describe() {
    let shop = Shop::telling(&[]).await;
    let python = python("chdb", NEEDS_ENGINE);
    let directory = shop.site.directory.join("clickhouse");
    let command = |port: u16| {
        let mut command = Command::new(python);
        command
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/e2e/destinations/clickhouse_front.py"
            ))
            .arg(port.to_string())
            .arg(directory);
        command
    };
    let clickhouse = Counterpart::start(command, NEEDS_ENGINE).await;
    let mut settings = json!({
        "url": clickhouse.url, "database": "subs",
        "retry": { "policy": "custom", "delays": [1, 1, 1, 1, 1, 1] },
    });
    shop.put("clickhouse", settings.clone()).await;
    shop.buy("order-1").await;
    // There is no table yet, which is of the settings until somebody makes it.
    shop.until("order-1", &["clickhouse"], "held").await;
    asked(&clickhouse, "CREATE DATABASE subs").await;
    asked(&clickhouse, documented()).await;
    settings["send_attributes"] = true.into();
    shop.put("clickhouse", settings).await;
    shop.until("order-1", &["clickhouse"], "delivered").await;
    let rows = rows(&clickhouse, "subs.events").await;
    let row = rows
        .iter()
        .find(|row| row["kind"] == "subscription_started");
    let row = row.unwrap_or_else(|| panic!("{rows:?}"));
    assert_eq!(row["app_user_id"], super::ANN);
    assert_eq!(row["price"].as_f64(), Some(9.99), "{row}");
    assert_eq!(row["will_renew"], true);
    let attributes: Value = serde_json::from_str(row["attributes"].as_str().unwrap()).unwrap();
    assert_eq!(attributes["$email"], "ann@example.com", "{attributes}");
}
