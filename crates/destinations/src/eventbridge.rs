//! Amazon EventBridge, by its JSON protocol. Source: Amazon EventBridge API Reference, `PutEvents`, and "Calculating PutEvents event entry
//! size", read 2026-11. Assumed: 256 KiB a request.
//!
//! | ours | theirs |
//! |---|---|
//! | kind | `DetailType`, by which rules match |
//! | `occurred_at` | `Time`, seconds |
//! | kind, `occurred_at`, the whole event | `Detail`: the envelope of Standard Webhooks, as JSON in a string |
//! | setting `source` | `Source`, by which rules match |
//!
//! 200 is said to a request whose entries were refused: each has its `ErrorCode`. A bus knows no repetition and keeps no order: targets go by
//! `data.id` and `data.customer_seq` of the detail.
//!
//! Requests are signed with the key of a user of IAM. The role of the machine, from its metadata service or by a web identity, is not taken: it is given to
//! who runs this server, and would be used by who sets up a project; and what is at that service's address, no integration may ask.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Method, Outcome,
    Request, Response, Spec, Unsendable, aws,
    aws::{Entry, Queue},
    common,
    spec::fields,
};
use domain::{EventKind, name};
use serde::Deserialize;
use serde_json::{Value, json};

/// The entry in [`crate::ALL`].
pub struct EventBridge;

const OWN: &[Field] = &[
    Field::new(
        "bus",
        FieldKind::Text,
        "Name or ARN of the bus, `default` unless given.",
    ),
    Field::new(
        "source",
        FieldKind::Text,
        "Where events come from, for rules to match: `tidings` unless given.",
    ),
];

static SPEC: Spec = Spec {
    key: "eventbridge",
    title: "Amazon EventBridge",
    category: Category::Queue,
    summary: "Every event on a bus, whose rules hand it to whatever a team runs at AWS.",
    notes: &[
        "The key needs `events:PutEvents` on the bus.",
        "That a bus took an event does not prove that a rule matched it.",
        "A bus keeps no order; `data.customer_seq` says which event of a customer came first.",
    ],
    fields: fields!(
        OWN,
        aws::FIELDS,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::ENDPOINT,
        common::BY_ID,
    ),
    travels: aws::TRAVELS,
    events: EventKind::ALL,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    bus: Option<String>,
    source: Option<String>,
}

impl Destination for EventBridge {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        aws::configure::<Settings>(settings)
    }
}

fn given<'a>(setting: Option<&'a str>, usual: &'a str) -> &'a str {
    setting.filter(|text| !text.is_empty()).unwrap_or(usual)
}

impl Queue for Settings {
    const SERVICE: &'static str = "events";
    const TITLE: &'static str = "Amazon EventBridge";

    fn spec() -> &'static Spec {
        &SPEC
    }

    fn problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        for (field, text) in [("bus", &self.bus), ("source", &self.source)] {
            let problem = text.as_deref().and_then(name::problem);
            problems.extend(problem.map(|problem| Invalid::new(field, problem)));
        }
        // Source: `PutEventsRequestEntry`; these are AWS's own.
        if given(self.source.as_deref(), "").starts_with("aws.") {
            problems.push(Invalid::new(
                "source",
                "must not begin with aws., as AWS's own do",
            ));
        }
        problems
    }

    fn request(&self, url: &str, entries: &[Entry<'_>]) -> Result<Request, Unsendable> {
        let entry = |entry: &Entry<'_>| {
            json!({
                "EventBusName": given(self.bus.as_deref(), "default"),
                "Source": given(self.source.as_deref(), "tidings"),
                "DetailType": entry.name,
                "Time": entry.occurred_at.as_second(),
                "Detail": entry.body,
            })
        };
        let entries: Vec<_> = entries.iter().map(entry).collect();
        let body = json!({ "Entries": entries }).to_string();
        let request = Request::new(Method::Post, url)
            .with_body("application/x-amz-json-1.1", body.into_bytes());
        Ok(request.with_header("x-amz-target", "AWSEvents.PutEvents"))
    }

    /// Entries are answered by their place. What is not answered for is sent again, unless nothing failed.
    fn each(&self, response: &Response, many: usize) -> Vec<Outcome> {
        let said = response.json();
        let nothing_failed = said["FailedEntryCount"] == 0;
        let outcome = |at: usize| {
            let entry = &said["Entries"][at];
            match entry["ErrorCode"].as_str() {
                Some(code) => aws::outcome_of_entry(
                    Self::TITLE,
                    code,
                    entry["ErrorMessage"].as_str().unwrap_or_default(),
                    true,
                ),
                None if nothing_failed || entry["EventId"].is_string() => Outcome::Delivered,
                None => Outcome::Retry(None),
            }
        };
        (0..many).map(outcome).collect()
    }
}
