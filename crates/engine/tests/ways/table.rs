//! A table, in a PostgreSQL of our own, and in servers that hang or break off.

use crate::{
    PATIENT, SOON, attempt, certified::Certified, configured, here, rendered, renewal, with,
};
use destinations::{Configured, Item, Outcome, Request};
use domain::Event;
use engine::{Transport, TransportError};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, process::Command};
use throwaway::Cluster;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// The table as the page of the destination describes it.
fn table() -> String {
    let page = include_str!("../../../../docs/destinations/postgres.md");
    let (_, rest) = page.split_once("```sql\n").unwrap();
    let (made, _) = rest.split_once("CREATE INDEX").unwrap();
    made.to_owned()
}

/// A database with the table, and who may write there.
fn database(cluster: &Cluster) -> String {
    let url = cluster.database().unwrap();
    let name = url.rsplit('/').next().unwrap().to_owned();
    cluster.run_sql(&name, &table()).unwrap();
    let role = format!("create role w_{name} login password 'right'");
    cluster.run_sql(&name, &role).unwrap();
    let grant = format!("grant insert, select, update on tidings_events to w_{name}");
    cluster.run_sql(&name, &grant).unwrap();
    name
}

fn settings(cluster: &Cluster, name: &str) -> Value {
    json!({
        "server": format!("localhost:{}", cluster.port),
        "encryption": "none",
        "database": name,
        "user": format!("w_{name}"),
        "password": "right",
    })
}

async fn sent(settings: &Value, event: &Event) -> Result<Outcome, TransportError> {
    let table = configured("postgres", settings);
    let request = rendered(table.as_ref(), event);
    attempt(&here(), table.as_ref(), &request, PATIENT).await
}

fn batch(table: &dyn Configured, events: &[&Event]) -> Request {
    let messages: Vec<_> = events
        .iter()
        .map(|event| table.plan(event).unwrap().remove(0))
        .collect();
    let items: Vec<_> = messages
        .iter()
        .zip(events)
        .map(|(message, event)| Item {
            delivery: "dlv_1",
            message,
            event,
            now: crate::sample::now(event),
        })
        .collect();
    table.render_batch(&items).unwrap()
}

/// An event with another id.
fn another(number: u128) -> Event {
    let mut event = renewal();
    event.id = domain::EventId::new(uuid::Uuid::from_u128(number));
    event
}

#[tokio::test]
async fn a_row_says_what_the_event_says_and_is_there_once_however_often_it_is_sent() {
    let cluster = Cluster::start(&[]).unwrap();
    let name = database(&cluster);
    let settings = with(&settings(&cluster, &name), "send_attributes", true.into());
    let mut event = renewal();
    event.customer.attributes = [("it's".to_owned(), "a \"tea\" 茶".to_owned())].into();
    assert_eq!(sent(&settings, &event).await, Ok(Outcome::Delivered));
    event.product = Some("yearly_1".into());
    assert_eq!(sent(&settings, &event).await, Ok(Outcome::Delivered));
    let row = "select id, kind, occurred_at = '2026-01-01T10:00:00.123456Z', customer_seq, product_id, entitlements, price, price_usd, will_renew, attributes->>'it''s' from tidings_events";
    let row = cluster.run_sql(&name, row).unwrap();
    let said = format!(
        "{}|subscription_renewed|t|{}|yearly_1|{{premium}}|5.99|5.99|t|a \"tea\" 茶",
        event.id, event.customer_seq
    );
    assert_eq!(row.trim(), said);
    // Two of one event in one statement, and others beside them, over a connection that is kept.
    let table = configured("postgres", &settings);
    let (two, three) = (another(2), another(3));
    let together = batch(table.as_ref(), &[&event, &two, &event, &three]);
    let network = here();
    for _ in 0..3 {
        let outcome = attempt(&network, table.as_ref(), &together, PATIENT).await;
        assert_eq!(outcome, Ok(Outcome::Delivered));
    }
    let count = |sql: &str| cluster.run_sql(&name, sql).unwrap().trim().to_owned();
    assert_eq!(count("select count(*) from tidings_events"), "3");
    let connected = format!(
        "select count(*) from pg_stat_activity where usename = 'w_{name}' and application_name = 'tidings'"
    );
    assert_eq!(count(&connected), "1");
    drop(network);
}

#[tokio::test]
async fn what_a_database_refuses_is_told_with_its_reason() {
    let cluster = Cluster::start(&[]).unwrap();
    let name = database(&cluster);
    // A cluster of tests believes everybody; this one asks for passwords.
    let access = cluster.directory().join("data/pg_hba.conf");
    let told = format!(
        "host all w_{name} 127.0.0.1/32 scram-sha-256\n{}",
        fs::read_to_string(&access).unwrap()
    );
    fs::write(&access, told).unwrap();
    cluster.restart().unwrap();
    let good = settings(&cluster, &name);
    assert_eq!(sent(&good, &renewal()).await, Ok(Outcome::Delivered));
    for sql in [
        "create table narrow (id text primary key)",
        "create table unkeyed (like tidings_events)",
        "create table closed (like tidings_events including all)",
        &format!("grant insert, select, update on narrow, unkeyed to w_{name}"),
        "create schema apart",
    ] {
        cluster.run_sql(&name, sql).unwrap();
    }
    for (settings, says) in [
        (with(&good, "password", "wrong".into()), "28P01"),
        (with(&good, "password", "".into()), "28P01"),
        (with(&good, "user", "nobody".into()), "42501"),
        (with(&good, "database", "nowhere".into()), "3D000"),
        (with(&good, "table", "missing".into()), "42P01"),
        (with(&good, "table", "nowhere.events".into()), "42P01"),
        (with(&good, "table", "narrow".into()), "42703"),
        (with(&good, "table", "unkeyed".into()), "42P10"),
        (with(&good, "table", "closed".into()), "42501"),
    ] {
        if says == "42501" && settings["user"] == "nobody" {
            cluster.run_sql(&name, "create role nobody login").unwrap();
        }
        match sent(&settings, &renewal()).await {
            Ok(Outcome::CredentialsRefused(why)) => assert!(why.contains(says), "{why}"),
            other => panic!("{says}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_row_that_is_not_taken_is_known_from_those_beside_it() {
    let cluster = Cluster::start(&[]).unwrap();
    let name = database(&cluster);
    let strict = "alter table tidings_events add check (product_id <> 'bad')";
    cluster.run_sql(&name, strict).unwrap();
    let table = configured("postgres", &settings(&cluster, &name));
    let (good, mut bad) = (renewal(), another(2));
    bad.product = Some("bad".into());
    // Too many at once: each half goes alone then.
    let together = batch(table.as_ref(), &[&good, &bad]);
    let response = here().send(&together, PATIENT).await.unwrap();
    assert_eq!(response.status, 413);
    for (event, is_taken) in [(&good, true), (&bad, false)] {
        let alone = batch(table.as_ref(), &[event]);
        let outcome = attempt(&here(), table.as_ref(), &alone, PATIENT).await;
        match outcome.unwrap() {
            Outcome::Delivered => assert!(is_taken),
            Outcome::Rejected(why) => assert!(!is_taken && why.contains("23514"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let huge = Event {
        product: Some("x".repeat(3_000_000)),
        ..renewal()
    };
    assert_eq!(
        sent(&settings(&cluster, &name), &huge).await,
        Ok(Outcome::Delivered)
    );
}

#[tokio::test]
async fn a_database_is_believed_by_its_name_and_authority_only() {
    let (ours, theirs) = (Certified::new("database"), Certified::new("another"));
    let cluster = Cluster::start(&[]).unwrap();
    let name = database(&cluster);
    let data = cluster.directory().join("data");
    fs::copy(ours.certificate(), data.join("server.crt")).unwrap();
    fs::copy(ours.key(), data.join("server.key")).unwrap();
    fs::set_permissions(data.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let owner = format!("--reference={}", data.display());
    let key = data.join("server.key");
    let changed = Command::new("chown").arg(owner).arg(key).status().unwrap();
    assert!(changed.success());
    let encrypted = with(&settings(&cluster, &name), "encryption", "tls".into());
    let knows = with(
        &encrypted,
        "ca_certificates",
        ours.authority.as_str().into(),
    );
    match sent(&knows, &renewal()).await {
        Err(TransportError::Network(why)) => assert!(why.contains("does not encrypt"), "{why}"),
        other => panic!("{other:?}"),
    }
    cluster
        .run_sql("postgres", "alter system set ssl = on")
        .unwrap();
    cluster.restart().unwrap();
    assert_eq!(sent(&knows, &renewal()).await, Ok(Outcome::Delivered));
    let by_address = format!("127.0.0.1:{}", cluster.port);
    for (settings, says) in [
        (encrypted.clone(), "UnknownIssuer"),
        (
            with(
                &encrypted,
                "ca_certificates",
                theirs.authority.as_str().into(),
            ),
            "UnknownIssuer",
        ),
        (
            with(&knows, "server", by_address.into()),
            "not valid for name",
        ),
    ] {
        match sent(&settings, &renewal()).await {
            Err(TransportError::Network(why)) => assert!(why.contains(says), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_connection_that_was_cut_is_made_again_and_one_inside_is_not_made() {
    let cluster = Cluster::start(&[]).unwrap();
    let name = database(&cluster);
    let table = configured("postgres", &settings(&cluster, &name));
    let request = rendered(table.as_ref(), &renewal());
    let network = here();
    let once = async || attempt(&network, table.as_ref(), &request, PATIENT).await;
    assert_eq!(once().await, Ok(Outcome::Delivered));
    cluster.restart().unwrap();
    assert_eq!(once().await, Ok(Outcome::Delivered));
    for closed in ["", "stores=127.0.0.0/8"] {
        let outcome = attempt(&crate::network(closed), table.as_ref(), &request, PATIENT).await;
        assert!(
            matches!(outcome, Err(TransportError::Blocked(_))),
            "{outcome:?}"
        );
    }
}

/// What a server says to whoever signs in: that it believes him, and that it is ready. Source: PostgreSQL documentation, "Message Formats".
const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x01Z\0\0\0\x05I";

#[tokio::test]
async fn a_server_that_hangs_or_breaks_off_is_told_from_one_that_may_have_stored_the_row() {
    for (welcomes, hangs) in [(false, true), (false, false), (true, true), (true, false)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut said = [0; 4096];
            assert!(stream.read(&mut said).await.unwrap() > 0);
            if welcomes {
                stream.write_all(WELCOME).await.unwrap();
                assert!(stream.read(&mut said).await.unwrap() > 0);
            }
            if hangs {
                std::future::pending::<()>().await;
            }
        });
        let table = configured(
            "postgres",
            &json!({ "server": format!("127.0.0.1:{port}"), "encryption": "none", "database": "d", "user": "u" }),
        );
        let request = rendered(table.as_ref(), &renewal());
        match attempt(&here(), table.as_ref(), &request, SOON).await {
            Err(TransportError::Unanswered(_)) => assert!(welcomes),
            Err(TransportError::Network(_)) => assert!(!welcomes),
            other => panic!("{other:?}"),
        }
        serving.abort();
    }
}
