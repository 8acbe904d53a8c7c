//! A table in a PostgreSQL database. Source: PostgreSQL documentation, "INSERT", "JSON Functions and Operators" (`jsonb_to_recordset`),
//! "PostgreSQL Error Codes", read 2026-11.
//!
//! Each event is a row, known by its `id`: a repetition replaces what was there by the same. A table for it:
//!
//! ```sql
//! CREATE TABLE tidings_events (
//!   id text PRIMARY KEY, kind text NOT NULL, occurred_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL, environment text NOT NULL,
//!   customer_id text NOT NULL, app_user_id text NOT NULL, customer_seq bigint NOT NULL, app_id text, app text, store text,
//!   product_id text, previous_product_id text, entitlements text[], active_entitlements text[],
//!   transaction_id text, original_transaction_id text, phase text, purchased_at timestamptz, expires_at timestamptz,
//!   will_renew boolean, is_family_share boolean, quantity integer,
//!   currency text, price numeric, proceeds numeric, net numeric, price_usd numeric, proceeds_usd numeric, net_usd numeric,
//!   country text, offer_id text, offering_id text, cancellation_reason text, historical boolean NOT NULL, late boolean NOT NULL, attributes jsonb
//! );
//! CREATE INDEX ON tidings_events (customer_id, customer_seq);
//! GRANT INSERT, SELECT, UPDATE ON tidings_events TO tidings;
//! ```
//!
//! It may have more columns, and indexes of its own; of these it needs all. Some hundred events go in one statement, which PostgreSQL takes as a
//! whole or not at all. Where one row of several cannot be stored, each half goes alone, until it is known which.
//!
//! Delivered is what was committed. Errors have codes of five characters, whose first two are a class: 28 (login), 3D and 3F (database, schema), 42
//! (rights, and whatever the table lacks) are about settings, or about what an administrator does; 22 and 23 (a value that a column does not take)
//! and 54 (too large) are final; all others, such as 08, 25, 40, 53, 55 and 57, are of the moment.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Travel, Unsendable, Via,
    batch::{Batching, Item},
    common::{self, Common},
    server::Encryption,
    settings::check_certificates,
    spec::fields,
    url::check_place,
};
use domain::{Event, EventKind, Headers, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

pub use crate::table::Rows;

/// The entry in [`crate::ALL`].
pub struct Postgres;

/// The port of a server that is named without one.
pub const PORT: u16 = 5432;

const OWN: &[Field] = &[
    Field::new("server", FieldKind::Text, "The server, such as `db.example:5432`."),
    Field::new("database", FieldKind::Text, "Name of the database."),
    Field::new(
        "table",
        FieldKind::Text,
        "Name of the table, perhaps with its schema: `analytics.events`. `tidings_events` unless given. The reference of this destination has a statement that makes it.",
    ),
    Field::new("user", FieldKind::Text, "Who may insert and update there."),
    Field::new("password", FieldKind::Secret, "The password of `user`."),
    Field::new(
        "encryption",
        FieldKind::Choice(&["tls", "none"]),
        "`tls` encrypts, and believes only who is certified as `server`; `none` is for a database on the same machine or in a network that you trust.",
    ),
    Field::new(
        "ca_certificates",
        FieldKind::LongText,
        "Certificate authorities of your own, in PEM, that the server may be certified by, beside those that everybody trusts.",
    )
    .of(Group::Delivery),
];

static SPEC: Spec = Spec {
    key: "postgres",
    title: "PostgreSQL",
    category: Category::Storage,
    summary: "Every event as a row of a table, known by its id.",
    notes: &[
        "The user needs `INSERT`, `UPDATE` and `SELECT` on the table, and nothing else.",
        "Give it a database of your own: the one that Tidings keeps its own tables in is not for others.",
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
        to: &["server", "encryption", "ca_certificates"],
    }],
    events: EventKind::ALL,
    ordered: true,
    concurrency: 4,
};

/// The columns of a row and their types, in order.
const COLUMNS: [(&str, &str); 37] = [
    ("id", "text"),
    ("kind", "text"),
    ("occurred_at", "timestamptz"),
    ("recorded_at", "timestamptz"),
    ("environment", "text"),
    ("customer_id", "text"),
    ("app_user_id", "text"),
    ("customer_seq", "bigint"),
    ("app_id", "text"),
    ("app", "text"),
    ("store", "text"),
    ("product_id", "text"),
    ("previous_product_id", "text"),
    ("entitlements", "text[]"),
    ("active_entitlements", "text[]"),
    ("transaction_id", "text"),
    ("original_transaction_id", "text"),
    ("phase", "text"),
    ("purchased_at", "timestamptz"),
    ("expires_at", "timestamptz"),
    ("will_renew", "boolean"),
    ("is_family_share", "boolean"),
    ("quantity", "integer"),
    ("currency", "text"),
    ("price", "numeric"),
    ("proceeds", "numeric"),
    ("net", "numeric"),
    ("price_usd", "numeric"),
    ("proceeds_usd", "numeric"),
    ("net_usd", "numeric"),
    ("country", "text"),
    ("offer_id", "text"),
    ("offering_id", "text"),
    ("cancellation_reason", "text"),
    ("historical", "boolean"),
    ("late", "boolean"),
    ("attributes", "text"),
];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    server: String,
    #[serde(default)]
    database: String,
    table: Option<String>,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    encryption: Encryption,
    ca_certificates: Option<String>,
}

struct Ready {
    settings: Settings,
    common: Common,
    table: String,
    statement: String,
}

/// Longest name of anything. Source: PostgreSQL documentation, "Identifiers and Key Words": `NAMEDATALEN` less one.
const LONGEST_NAME: usize = 63;

/// A name between quotes. Source: the same.
fn quoted(name: &str) -> Result<String, &'static str> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(
            "is a name of 1 to 63 bytes, perhaps with that of its schema and a dot before it",
        );
    }
    if name.contains(|letter: char| letter.is_control() || letter == '"') {
        return Err("is a name without quotes and control characters");
    }
    Ok(format!("\"{name}\""))
}

/// A table, perhaps in a schema, as a statement names it.
fn table(name: &str) -> Result<String, &'static str> {
    let parts: Vec<_> = name.split('.').map(quoted).collect::<Result<_, _>>()?;
    if parts.len() > 2 {
        return Err("has at most one dot, between the schema and the table");
    }
    Ok(parts.join("."))
}

/// What stores rows. Of several with one id, which a statement may not have, one is taken: they are the same.
fn statement(table: &str) -> String {
    let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let typed: Vec<_> = COLUMNS
        .iter()
        .map(|(name, of)| format!("{name} {of}"))
        .collect();
    let values = names.iter().map(|name| match *name {
        "attributes" => "attributes::jsonb".to_owned(),
        name => name.to_owned(),
    });
    let values: Vec<_> = values.collect();
    let replaced = names.iter().filter(|name| **name != "id");
    let replaced: Vec<_> = replaced
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    format!(
        "INSERT INTO {table} ({}) SELECT DISTINCT ON (id) {} FROM jsonb_to_recordset($1::jsonb) AS told ({}) ON CONFLICT (id) DO UPDATE SET {}",
        names.join(", "),
        values.join(", "),
        typed.join(", "),
        replaced.join(", ")
    )
}

impl Destination for Postgres {
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
        if !settings.server.is_empty()
            && let Err(problem) = check_place(&settings.server)
        {
            let problem = format!("{problem}; it is a host and a port: `db.example:5432`");
            problems.push(Invalid::new("server", problem));
        }
        for (field, text) in [("database", &settings.database), ("user", &settings.user)] {
            if text.contains(char::is_control) {
                problems.push(Invalid::new(field, "has a control character"));
            }
        }
        let named = settings.table.as_deref().filter(|table| !table.is_empty());
        let named = named.unwrap_or("tidings_events").to_owned();
        let quoted = table(&named).unwrap_or_else(|problem| {
            problems.push(Invalid::new("table", problem));
            String::new()
        });
        let authorities = settings.ca_certificates.as_deref();
        check_certificates("ca_certificates", authorities, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready {
            statement: statement(&quoted),
            table: named,
            settings,
            common,
        }))
    }
}

/// What was answered to rows: stored, or the code and the words of an error.
///
/// Rows of which one cannot be stored are too many at once: alone, each has an answer of its own.
pub fn answer(error: Option<(&str, &str)>) -> Response {
    let (status, body) = match error {
        None => (200, json!({ "stored": true })),
        Some((code, message)) => {
            let status = match verdict(code) {
                Verdict::Settings => 403,
                Verdict::Row => 413,
                Verdict::Moment => 503,
            };
            (status, json!({ "code": code, "message": message }))
        }
    };
    Response {
        status,
        retry_after: None,
        headers: Headers::default(),
        body: body.to_string().into_bytes(),
        unread: None,
    }
}

/// What an error is about.
enum Verdict {
    Settings,
    Row,
    Moment,
}

fn verdict(code: &str) -> Verdict {
    match code.get(..2) {
        Some("28" | "3D" | "3F" | "42" | "0L" | "0P") => Verdict::Settings,
        Some("22" | "23" | "54") => Verdict::Row,
        _ => Verdict::Moment,
    }
}

/// What is missing, where an administrator has to do something.
fn hint(code: &str) -> &'static str {
    match code {
        "42P01" => "; the reference of this destination has the statement that makes the table",
        "42703" | "42804" => "; the reference of this destination has the columns of the table",
        "42P10" => "; the table needs a primary key, or a unique index, on `id`",
        _ => "",
    }
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

    fn batching(&self) -> Option<Batching> {
        Some(Batching {
            most: 500,
            bytes: 4 << 20,
            linger: Duration::from_millis(500),
        })
    }

    fn render_batch(&self, items: &[Item<'_>]) -> Result<Request, Unsendable> {
        let settings = &self.settings;
        for (name, value) in [
            ("server", &settings.server),
            ("database", &settings.database),
            ("user", &settings.user),
        ] {
            if value.is_empty() {
                return Err(Unsendable::lacks_setting(name));
            }
        }
        if items.is_empty() {
            return Err(Unsendable::unsupported("an empty batch"));
        }
        let rows = items
            .iter()
            .map(|item| self.common.row(item.event, item.now));
        let rows: Vec<_> = rows.collect();
        let body = serde_json::to_vec(&rows)
            .map_err(|error| Unsendable::unsupported(error.to_string()))?;
        let url = format!(
            "postgres://{}/{}/{}",
            settings.server, settings.database, self.table
        );
        let rows = Rows {
            server: settings.server.clone(),
            is_encrypted: settings.encryption == Encryption::Tls,
            database: settings.database.clone(),
            user: settings.user.clone(),
            password: settings.password.clone(),
            statement: self.statement.clone(),
        };
        let mut request = Request::by(Via::Rows(rows), url)
            .with_body("application/json", body)
            .redacting(&settings.password);
        request.authorities.clone_from(&settings.ca_certificates);
        Ok(request)
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.json();
        let code = said["code"].as_str().unwrap_or_default();
        let why = || {
            let message = said["message"].as_str().unwrap_or_default();
            format!("PostgreSQL answered {code}: {message}{}", hint(code))
        };
        match verdict(code) {
            _ if response.status == 200 => Outcome::Delivered,
            Verdict::Settings => Outcome::CredentialsRefused(why()),
            Verdict::Row => Outcome::Rejected(why()),
            Verdict::Moment => Outcome::Retry(None),
        }
    }

    /// Rights are given, and tables made, elsewhere.
    fn may_take_again(&self) -> bool {
        true
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_a_name_and_perhaps_a_schema_between_quotes() {
        for (name, is) in [
            ("events", Ok("\"events\"")),
            (
                "Über.all; drop table x",
                Ok("\"Über\".\"all; drop table x\""),
            ),
            ("a.b.c", Err("has at most one dot")),
            ("a\"b", Err("is a name without quotes")),
            ("a\0b", Err("is a name without quotes")),
            ("", Err("is a name of 1 to 63")),
            (".a", Err("is a name of 1 to 63")),
            (&"a".repeat(64), Err("is a name of 1 to 63")),
        ] {
            match (table(name), is) {
                (Ok(quoted), Ok(is)) => assert_eq!(quoted, is),
                (Err(problem), Err(begins)) => assert!(problem.starts_with(begins), "{problem}"),
                (read, is) => panic!("{name:?}: {read:?}, not {is:?}"),
            }
        }
    }
}
