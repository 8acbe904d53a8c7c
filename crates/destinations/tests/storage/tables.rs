//! BigQuery and ClickHouse.

use crate::{answer, batch, configured, header, json, outcomes};
use destinations::Outcome;
use domain::{EventKind, Headers};
use serde_json::{Value, json};

const KIND: EventKind = EventKind::SubscriptionRenewed;
const FIRST: &str = "evt_01j0000000e008000000000001";

/// Source: BigQuery REST API, "tabledata.insertAll": of a request with an invalid row none is stored, and the others are `stopped`.
#[test]
fn bigquery_sends_again_what_stood_beside_a_row_at_fault() {
    let bigquery = configured("bigquery", json!({}));
    let body = json!({ "insertErrors": [
        { "index": 1, "errors": [{ "reason": "invalid", "location": "price", "message": "no such field" }] },
        { "index": 0, "errors": [{ "reason": "stopped" }] },
        { "index": 3, "errors": [{ "reason": "backendError" }] },
    ] });
    let outcomes = outcomes(bigquery.as_ref(), 4, &answer(200, body));
    assert_eq!(outcomes[0], Outcome::Retry(None));
    assert_eq!(
        outcomes[1],
        Outcome::Rejected("BigQuery refused the row: invalid price no such field".into())
    );
    // Nothing is said of the third, and nothing was stored.
    assert_eq!(outcomes[2], Outcome::Retry(None));
    assert_eq!(outcomes[3], Outcome::Retry(None));
}

#[test]
fn bigquery_knows_a_row_by_the_id_of_its_event() {
    let request = batch(configured("bigquery", json!({})).as_ref(), KIND, 2);
    let rows = json(&request)["rows"].clone();
    assert_eq!(rows[0]["insertId"], FIRST);
    assert_eq!(rows[0]["json"]["id"], FIRST);
    assert_ne!(rows[1]["insertId"], FIRST);
    assert_eq!(rows[1]["json"]["price_usd"], 5.99);
    let url = "https://bigquery.googleapis.com/bigquery/v2/projects/p1/datasets/subs/tables/events/insertAll";
    assert_eq!(request.url, url);
}

#[test]
fn clickhouse_is_given_lines_and_the_name_of_the_batch() {
    let clickhouse = configured("clickhouse", json!({}));
    let one = batch(clickhouse.as_ref(), KIND, 1);
    assert!(
        one.url
            .ends_with(&format!("&insert_deduplication_token={FIRST}"))
    );
    let two = batch(clickhouse.as_ref(), KIND, 2);
    assert!(
        two.url
            .contains(&format!("&insert_deduplication_token={FIRST}-"))
    );
    let body = String::from_utf8(two.body.clone()).unwrap();
    let rows: Vec<Value> = body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["occurred_at"], "2026-01-01T10:00:00.123456Z");
    assert_eq!(header(&two, "x-clickhouse-user"), Some("tidings"));
    // Servers before 22.2 refuse settings that they do not know.
    let plain = configured("clickhouse", json!({ "inserts": "plain" }));
    let url = batch(plain.as_ref(), KIND, 1).url;
    assert!(!url.contains("async_insert") && !url.contains("insert_deduplication_token"));
}

/// Source: ClickHouse, `ErrorCodes.cpp`; the status of most of them is 500, which says nothing.
#[test]
fn clickhouse_says_what_is_wrong_by_a_number() {
    let clickhouse = configured("clickhouse", json!({}));
    let said = |status, body: &str| clickhouse.classify(&answer(status, body));
    for (status, body) in [
        (
            500,
            "Code: 516, e.displayText() = DB::Exception: tidings: Authentication failed",
        ),
        (500, "Code: 192. DB::Exception: There is no user"),
        (404, "Code: 81. DB::Exception: Database subs does not exist"),
    ] {
        assert!(
            matches!(said(status, body), Outcome::CredentialsRefused(_)),
            "{body}"
        );
    }
    for code in [252, 241, 159, 202, 999, 319, 242] {
        let body = format!("Code: {code}. DB::Exception: later");
        assert_eq!(said(500, &body), Outcome::Retry(None), "{body}");
    }
    // Accepted too early: the header says so, or the body does.
    let mut late = answer(200, "");
    late.headers = Headers::from_iter([("x-clickhouse-exception-code", "252")]);
    assert_eq!(clickhouse.classify(&late), Outcome::Retry(None));
    assert!(matches!(
        said(200, "Code: 117. DB::Exception: Unknown field"),
        Outcome::Rejected(_)
    ));
    assert_eq!(said(200, ""), Outcome::Delivered);
}

#[test]
fn a_name_that_would_end_the_statement_is_refused() {
    let mut settings = crate::settings::settings("clickhouse").remove(0);
    settings["table"] = "events` VALUES (1) -- ".into();
    let clickhouse = destinations::find("clickhouse").unwrap();
    let problems = clickhouse.configure(&settings, &destinations::Context::default());
    assert_eq!(problems.err().unwrap()[0].field, "table");
}

/// A row in PostgreSQL is read by the names and types of the statement: what that does not name would be lost without a word.
#[test]
fn postgres_has_a_column_for_everything_that_a_row_says() {
    let postgres = configured("postgres", json!({ "send_attributes": true }));
    let page = include_str!("../../../../docs/destinations/postgres.md");
    let (_, table) = page.split_once("CREATE TABLE tidings_events (").unwrap();
    let (table, _) = table.split_once(");").unwrap();
    let made: Vec<_> = table
        .split(',')
        .map(|column| column.split_whitespace().next().unwrap())
        .collect();
    for kind in EventKind::ALL {
        let request = batch(postgres.as_ref(), *kind, 2);
        let destinations::Via::Rows(rows) = &request.via else {
            panic!("rows go to a table");
        };
        let (_, named) = rows.statement.split_once('(').unwrap();
        let (named, _) = named.split_once(')').unwrap();
        let named: Vec<_> = named.split(", ").collect();
        assert_eq!(named, made, "the page describes it");
        let told = json(&request);
        assert_eq!(told.as_array().unwrap().len(), 2);
        for name in told[0].as_object().unwrap().keys() {
            assert!(named.contains(&name.as_str()), "{name}");
        }
    }
}

/// Source: PostgreSQL documentation, "PostgreSQL Error Codes".
#[test]
fn postgres_says_what_is_wrong_by_a_code() {
    let postgres = configured("postgres", json!({}));
    let means = |code| postgres.classify(&destinations::postgres::answer(Some((code, "said"))));
    for code in [
        "28P01", "28000", "3D000", "3F000", "42501", "42P01", "42703", "42P10",
    ] {
        assert!(
            matches!(means(code), Outcome::CredentialsRefused(_)),
            "{code}"
        );
    }
    for code in ["22003", "23514", "23505", "54000", "22P05"] {
        assert!(matches!(means(code), Outcome::Rejected(_)), "{code}");
    }
    for code in [
        "08006", "25006", "40001", "40P01", "53300", "55P03", "57P01", "57014", "XX000", "",
    ] {
        assert_eq!(means(code), Outcome::Retry(None), "{code}");
    }
    let stored = destinations::postgres::answer(None);
    assert_eq!(postgres.classify(&stored), Outcome::Delivered);
}

#[test]
fn a_table_of_postgres_stands_between_quotes() {
    let postgres = configured("postgres", json!({ "table": "apart.all; drop" }));
    let request = batch(postgres.as_ref(), KIND, 1);
    let destinations::Via::Rows(rows) = &request.via else {
        panic!("rows go to a table");
    };
    assert!(
        rows.statement
            .starts_with("INSERT INTO \"apart\".\"all; drop\" (")
    );
    assert_eq!(request.url, "postgres://db.example/subs/apart.all; drop");
    let mut settings = crate::settings::settings("postgres").remove(0);
    settings["table"] = "a\"b".into();
    let postgres = destinations::find("postgres").unwrap();
    let problems = postgres.configure(&settings, &destinations::Context::default());
    assert_eq!(problems.err().unwrap()[0].field, "table");
}
