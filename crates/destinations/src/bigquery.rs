//! Google BigQuery, by `tabledata.insertAll`. Source: BigQuery REST API, "tabledata.insertAll", and "Error messages", read 2026-11. Assumed: 500 rows
//! and 10 MB a request, of which 200 rows and nine MB are used; `insertId` is remembered for about a minute.
//!
//! A row has these columns; those that the table lacks are left out. The id of the event is its `insertId`. A table for it:
//!
//! ```sql
//! CREATE TABLE subs.events (
//!   id STRING NOT NULL, kind STRING NOT NULL, occurred_at TIMESTAMP NOT NULL, recorded_at TIMESTAMP NOT NULL, environment STRING,
//!   customer_id STRING, app_user_id STRING, customer_seq INT64, app_id STRING, app STRING, store STRING,
//!   product_id STRING, previous_product_id STRING, entitlements ARRAY<STRING>, active_entitlements ARRAY<STRING>,
//!   transaction_id STRING, original_transaction_id STRING, phase STRING, purchased_at TIMESTAMP, expires_at TIMESTAMP,
//!   will_renew BOOL, is_family_share BOOL, quantity INT64,
//!   currency STRING, price NUMERIC, proceeds NUMERIC, net NUMERIC, price_usd NUMERIC, proceeds_usd NUMERIC, net_usd NUMERIC,
//!   country STRING, offer_id STRING, offering_id STRING, cancellation_reason STRING, historical BOOL, late BOOL, attributes STRING
//! ) PARTITION BY DATE(recorded_at) CLUSTER BY customer_id;
//! ```
//!
//! With 200 comes `insertErrors` where rows were refused: none of the request is stored then, and the reason `stopped` says of a row that another was
//! at fault. It is sent again; the one at fault is not. 403 is said to missing rights, and to quotas that are used up; 404 until a new table is
//! known everywhere, which takes minutes.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Grant, Invalid, Now, Outcome,
    Plan, Request, Response, ServiceAccount, Spec, Unsendable,
    batch::{Batching, Item},
    common::{self, Common},
    encode, google,
    spec::fields,
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct BigQuery;

const OWN: &[Field] = &[
    Field::new("project", FieldKind::Text, "Id of the project."),
    Field::new("dataset", FieldKind::Text, "Name of the dataset."),
    Field::new(
        "table",
        FieldKind::Text,
        "Name of the table, `events` unless given. The reference of this destination has a statement that makes it.",
    ),
    google::SERVICE_ACCOUNT,
];

static SPEC: Spec = Spec {
    key: "bigquery",
    title: "Google BigQuery",
    category: Category::Storage,
    summary: "Every event as a row of a table, seconds after it happened.",
    notes: &[
        "The service account needs the role BigQuery Data Editor on the table.",
        "A repetition after more than a minute is stored twice: count by the column `id`.",
    ],
    fields: fields!(
        OWN,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::ATTRIBUTES,
        common::ENDPOINT,
        common::BY_ID,
    ),
    travels: google::TRAVELS,
    events: EventKind::ALL,
    ordered: true,
    concurrency: 4,
};

const SCOPE: &str = "https://www.googleapis.com/auth/bigquery.insertdata";
const TITLE: &str = "BigQuery";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    project: String,
    #[serde(default)]
    dataset: String,
    table: Option<String>,
    #[serde(default)]
    service_account: Secret,
}

struct Ready {
    settings: Settings,
    account: Option<ServiceAccount>,
    common: Common,
}

impl Destination for BigQuery {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let account = google::account(&settings.service_account, SCOPE)?;
        Ok(Box::new(Ready {
            settings,
            account,
            common,
        }))
    }
}

impl Ready {
    fn url(&self) -> Result<String, Unsendable> {
        let Settings {
            project, dataset, ..
        } = &self.settings;
        let table = self.settings.table.as_deref();
        let table = table.filter(|table| !table.is_empty()).unwrap_or("events");
        for (name, value) in [("project", project), ("dataset", dataset)] {
            if value.is_empty() {
                return Err(Unsendable::lacks_setting(name));
            }
        }
        let path = format!(
            "/bigquery/v2/projects/{}/datasets/{}/tables/{}/insertAll",
            encode::percent(project),
            encode::percent(dataset),
            encode::percent(table)
        );
        Ok(self.common.url("https://bigquery.googleapis.com", &path))
    }
}

/// What is said of each row by an answer of 200. Where one was refused, none was stored: what is not named is sent again.
fn rows(response: &Response, many: usize) -> Vec<Outcome> {
    let said = response.json();
    if !said.is_object() {
        // Whoever answers so is somebody else, and proves nothing.
        return vec![Outcome::Retry(None); many];
    }
    let errors = said["insertErrors"].as_array().map(Vec::as_slice);
    let errors = errors.unwrap_or_default();
    if errors.is_empty() {
        return vec![Outcome::Delivered; many];
    }
    let outcome = |at: usize| {
        let mut named = errors.iter();
        let named = named.find(|error| error["index"].as_u64() == u64::try_from(at).ok());
        let all = named.and_then(|error| error["errors"].as_array());
        let at_fault = all.into_iter().flatten().find(|error| {
            let reason = error["reason"].as_str().unwrap_or_default();
            reason != "stopped" && !google::is_of_moment(reason)
        });
        at_fault.map_or(Outcome::Retry(None), |error| {
            let word = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            Outcome::Rejected(format!(
                "{TITLE} refused the row: {} {} {}",
                word("reason"),
                word("location"),
                word("message")
            ))
        })
    };
    (0..many).map(outcome).collect()
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
        match google::outcome(response, TITLE) {
            Outcome::Delivered => rows(response, 1).pop().unwrap_or(Outcome::Delivered),
            other => other,
        }
    }

    fn batching(&self) -> Option<Batching> {
        Some(Batching {
            // Where one row is refused, the answer names each of them, in some 250 bytes: of these all can be read.
            most: 200,
            bytes: 9_000_000,
            linger: Duration::from_secs(2),
        })
    }

    fn render_batch(&self, items: &[Item<'_>]) -> Result<Request, Unsendable> {
        let url = self.url()?;
        let account = google::given(self.account.as_ref())?;
        if items.is_empty() {
            return Err(Unsendable::unsupported("an empty batch"));
        }
        let row = |item: &Item<'_>| {
            let row = self.common.row(item.event, item.now);
            json!({ "insertId": item.event.id.to_string(), "json": row })
        };
        let rows: Vec<_> = items.iter().map(row).collect();
        let body = json!({
            "skipInvalidRows": false,
            "ignoreUnknownValues": true,
            "rows": rows,
        });
        let request = Request::json(&url, body.to_string().into_bytes());
        Ok(request.with_grant(Grant::ServiceAccount(account)))
    }

    fn classify_batch(&self, response: &Response, items: &[Item<'_>]) -> Option<Vec<Outcome>> {
        let is_taken = google::outcome(response, TITLE) == Outcome::Delivered;
        is_taken.then(|| rows(response, items.len()))
    }

    /// Rights are given, and tables made, elsewhere.
    fn may_take_again(&self) -> bool {
        true
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
