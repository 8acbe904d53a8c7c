//! ClickHouse, by its HTTP interface. Source: ClickHouse docs, "HTTP interface", "Asynchronous inserts", "Deduplicating inserts on retries"; the
//! codes of `ErrorCodes.cpp`, read 2026-11.
//!
//! A row has these columns, as JSON a line; those that the table lacks are left out. A table for it, in which a repetition replaces
//! what was there:
//!
//! ```sql
//! CREATE TABLE subs.events (
//!   id String, kind LowCardinality(String), occurred_at DateTime64(6, 'UTC'), recorded_at DateTime64(6, 'UTC'), environment LowCardinality(String),
//!   customer_id String, app_user_id String, customer_seq UInt64, app_id String, app LowCardinality(String), store LowCardinality(String),
//!   product_id LowCardinality(String), previous_product_id LowCardinality(String), entitlements Array(String), active_entitlements Array(String),
//!   transaction_id String, original_transaction_id String, phase LowCardinality(String),
//!   purchased_at Nullable(DateTime64(6, 'UTC')), expires_at Nullable(DateTime64(6, 'UTC')), will_renew Nullable(Bool), is_family_share Nullable(Bool),
//!   quantity Nullable(UInt32), currency LowCardinality(String), price Nullable(Decimal(18, 6)), proceeds Nullable(Decimal(18, 6)),
//!   net Nullable(Decimal(18, 6)), price_usd Nullable(Decimal(18, 6)), proceeds_usd Nullable(Decimal(18, 6)), net_usd Nullable(Decimal(18, 6)),
//!   country LowCardinality(String), offer_id String, offering_id String, cancellation_reason LowCardinality(String), historical Bool, late Bool,
//!   attributes String
//! ) ENGINE = ReplacingMergeTree ORDER BY (customer_id, id);
//! ```
//!
//! The server gathers small inserts and answers when they are stored (`async_insert`, `wait_for_async_insert`); of servers before 22.2, `inserts` is set to
//! `plain`. `insert_deduplication_token` names the batch, for tables that remember what they were given. Errors are text that begins with
//! `Code: 60.`; the header `X-ClickHouse-Exception-Code` has the number as well, also behind a 200 that was said too early.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Method, Now,
    Outcome, Plan, Request, Response, Spec, Travel, Unsendable,
    batch::{Batching, Item, name},
    check_url,
    common::{self, Common},
    files,
    settings::check_certificates,
    spec::fields,
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct ClickHouse;

const OWN: &[Field] = &[
    Field::new(
        "url",
        FieldKind::Url,
        "The server's HTTP interface, such as `https://clickhouse.example:8443`.",
    ),
    Field::new("database", FieldKind::Text, "Name of the database, `default` unless given."),
    Field::new(
        "table",
        FieldKind::Text,
        "Name of the table, `events` unless given. The reference of this destination has a statement that makes it.",
    ),
    Field::new("user", FieldKind::Text, "Who may insert there."),
    Field::new("password", FieldKind::Secret, "The password of `user`."),
    Field::new(
        "ca_certificates",
        FieldKind::LongText,
        "Certificate authorities of your own, in PEM, that the server may be certified by, beside those that everybody trusts.",
    )
    .of(Group::Delivery),
    Field::new(
        "inserts",
        FieldKind::Choice(&["asynchronous", "plain"]),
        "`asynchronous` lets the server gather small inserts; `plain` is for servers before 22.2.",
    )
    .of(Group::Delivery),
];

static SPEC: Spec = Spec {
    key: "clickhouse",
    title: "ClickHouse",
    category: Category::Storage,
    summary: "Every event as a row of a table.",
    notes: &[
        "The user needs `INSERT` on the table, and may set `async_insert`.",
        "Make the table a ReplacingMergeTree ordered by customer and `id`, and read it with `FINAL`: a repetition replaces what was there.",
    ],
    fields: fields!(
        OWN,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::ATTRIBUTES,
        common::BY_ID,
    ),
    travels: &[Travel {
        secret: "password",
        to: &["url", "ca_certificates"],
    }],
    events: EventKind::ALL,
    ordered: true,
    concurrency: 4,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Inserts {
    #[default]
    Asynchronous,
    Plain,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: Option<String>,
    database: Option<String>,
    table: Option<String>,
    user: Option<String>,
    #[serde(default)]
    password: Secret,
    ca_certificates: Option<String>,
    #[serde(default)]
    inserts: Inserts,
}

struct Ready {
    settings: Settings,
    common: Common,
}

/// A name that needs no escaping between backticks.
fn check_name(field: &str, name: Option<&str>, problems: &mut Vec<Invalid>) {
    let is_odd = |letter: char| letter.is_control() || matches!(letter, '`' | '\\');
    if name.is_some_and(|name| name.contains(is_odd) || name.len() > 200) {
        problems.push(Invalid::new(
            field,
            "is a name without backticks and backslashes",
        ));
    }
}

fn given<'a>(setting: Option<&'a str>, usual: &'a str) -> &'a str {
    setting.filter(|text| !text.is_empty()).unwrap_or(usual)
}

impl Destination for ClickHouse {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let mut problems = Vec::new();
        check_url("url", settings.url.as_deref(), &mut problems);
        check_name("database", settings.database.as_deref(), &mut problems);
        check_name("table", settings.table.as_deref(), &mut problems);
        if settings.url.as_deref().is_some_and(|url| url.contains('?')) {
            problems.push(Invalid::new(
                "url",
                "has a query; the statement goes there, and settings belong to the user",
            ));
        }
        let authorities = settings.ca_certificates.as_deref();
        check_certificates("ca_certificates", authorities, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready { settings, common }))
    }
}

/// Login: `REQUIRED_PASSWORD`, `WRONG_PASSWORD`, `UNKNOWN_USER`, `AUTHENTICATION_FAILED`, `ACCESS_DENIED`, `READONLY`, `IP_ADDRESS_NOT_ALLOWED`;
/// or what the settings name: `UNKNOWN_TABLE`, `UNKNOWN_DATABASE`, `UNKNOWN_SETTING`.
const OF_SETTINGS: [u32; 11] = [60, 81, 115, 164, 192, 193, 194, 195, 291, 497, 516];
/// Of the moment: `TIMEOUT_EXCEEDED`, `TOO_SLOW`, `TOO_MANY_SIMULTANEOUS_QUERIES`, `NO_FREE_CONNECTION`, `SOCKET_TIMEOUT`, `NETWORK_ERROR`, `NO_ZOOKEEPER`,
/// `MEMORY_LIMIT_EXCEEDED`, `TABLE_IS_READ_ONLY`, `NOT_ENOUGH_SPACE`, `TOO_MANY_PARTS`, `ALL_CONNECTION_TRIES_FAILED`, `UNKNOWN_STATUS_OF_INSERT`,
/// `TOO_FEW_LIVE_REPLICAS`, `UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE`, `QUERY_WAS_CANCELLED`, `KEEPER_EXCEPTION`.
const OF_MOMENT: [u32; 17] = [
    159, 160, 202, 203, 209, 210, 225, 241, 242, 243, 252, 279, 285, 286, 319, 394, 999,
];

/// The number of an error, by the header or by the text.
fn code(response: &Response) -> Option<u32> {
    let header = response.headers.first("x-clickhouse-exception-code");
    let body = String::from_utf8_lossy(&response.body);
    let text = body.split_once("Code: ").map(|(_, rest)| rest.to_owned());
    let text = text.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
    let number = header.map(str::to_owned).or(text)?;
    number.trim().parse().ok()
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.handed_on(event)?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        self.render_batch(&[Item::alone(message, event, now)])
    }

    fn classify(&self, response: &Response) -> Outcome {
        let why = || {
            format!(
                "ClickHouse answered {}: {}",
                response.status,
                response.said()
            )
        };
        match (code(response), response.status) {
            (None, 200..=299) => Outcome::Delivered,
            (Some(code), _) if OF_MOMENT.contains(&code) => Outcome::Retry(response.retry_after),
            (Some(code), _) if OF_SETTINGS.contains(&code) => Outcome::CredentialsRefused(why()),
            (Some(_), 200..=428) | (None, 400 | 402 | 405..=407 | 409..=428) => {
                Outcome::Rejected(why())
            }
            (None, 300..=399 | 401 | 403 | 404) => Outcome::CredentialsRefused(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn batching(&self) -> Option<Batching> {
        Some(Batching {
            most: 10_000,
            bytes: 10 << 20,
            linger: Duration::from_secs(2),
        })
    }

    fn render_batch(&self, items: &[Item<'_>]) -> Result<Request, Unsendable> {
        let settings = &self.settings;
        let url = settings.url.as_deref().filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| Unsendable::lacks_setting("url"))?;
        if items.is_empty() {
            return Err(Unsendable::unsupported("an empty batch"));
        }
        let rows = items
            .iter()
            .map(|item| self.common.row(item.event, item.now));
        let rows: Vec<_> = rows.collect();
        let statement = format!(
            "INSERT INTO `{}`.`{}` FORMAT JSONEachRow",
            given(settings.database.as_deref(), "default"),
            given(settings.table.as_deref(), "events")
        );
        let mut request = Request::new(Method::Post, format!("{}/", url.trim_end_matches('/')))
            .with_query([
                ("query", statement.as_str()),
                ("date_time_input_format", "best_effort"),
                ("input_format_skip_unknown_fields", "1"),
            ]);
        if settings.inserts == Inserts::Asynchronous {
            request = request.with_query([
                ("async_insert", "1"),
                ("wait_for_async_insert", "1"),
                ("insert_deduplication_token", &name(items)),
            ]);
        }
        request = request.with_body("application/x-ndjson", files::lines(&rows));
        if let Some(user) = settings.user.as_deref().filter(|user| !user.is_empty()) {
            request = request
                .with_header("x-clickhouse-user", user)
                .redacting(&settings.password)
                .with_secret_header("x-clickhouse-key", settings.password.expose());
        }
        request.authorities.clone_from(&settings.ca_certificates);
        Ok(request)
    }

    /// Rights are given, and tables made, elsewhere.
    fn may_take_again(&self) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
