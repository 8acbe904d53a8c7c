//! Amazon SQS, by its JSON protocol. Source: Amazon SQS API Reference, `SendMessage` and `SendMessageBatch`, and "Amazon SQS message quotas",
//! read 2026-11. Assumed: 256 KiB a request, the older limit; since 2025 it is 1 MiB.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, `occurred_at`, the whole event | `MessageBody`: the envelope of Standard Webhooks |
//! | kind, id of the event | attributes `kind` and `id` of the message |
//! | customer | `MessageGroupId` of a FIFO queue: the order of a customer is kept |
//! | id of the event | `MessageDeduplicationId` of a FIFO queue: a repetition within five minutes counts once |
//!
//! Up to ten messages go in a request; which of them were taken is told for each, with 200 for the whole. A standard queue may deliver a message
//! twice by itself: receivers go by `id`.
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
use domain::EventKind;
use serde::Deserialize;
use serde_json::{Value, json};

/// The entry in [`crate::ALL`].
pub struct Sqs;

const OWN: &[Field] = &[Field::new(
    "queue_url",
    FieldKind::Text,
    "URL of the queue. One that ends in `.fifo` keeps the order of each customer and takes repetitions for one.",
)];

static SPEC: Spec = Spec {
    key: "sqs",
    title: "Amazon SQS",
    category: Category::Queue,
    summary: "Every event as a message of a queue, in order for each customer where the queue is FIFO.",
    notes: &[
        "The key needs `sqs:SendMessage` on the queue, and `kms:GenerateDataKey` where it is encrypted with a key of yours.",
        "A standard queue keeps no order and may hand a message over twice: go by its attribute `id`.",
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
    #[serde(default)]
    queue_url: String,
}

impl Destination for Sqs {
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

impl Settings {
    fn message(&self, entry: &Entry<'_>) -> Value {
        let text = |value: &str| json!({ "DataType": "String", "StringValue": value });
        let mut message = json!({
            "MessageBody": entry.body,
            "MessageAttributes": { "id": text(&entry.event_id), "kind": text(entry.name) },
        });
        if self.queue_url.strip_suffix(".fifo").is_some() {
            message["MessageGroupId"] = entry.customer_id.as_str().into();
            message["MessageDeduplicationId"] = entry.event_id.as_str().into();
        }
        message
    }
}

impl Queue for Settings {
    const SERVICE: &'static str = "sqs";
    const TITLE: &'static str = "Amazon SQS";

    fn spec() -> &'static Spec {
        &SPEC
    }

    fn request(&self, url: &str, entries: &[Entry<'_>]) -> Result<Request, Unsendable> {
        if self.queue_url.is_empty() {
            return Err(Unsendable::lacks_setting("queue_url"));
        }
        let (target, mut body) = if let [entry] = entries {
            ("AmazonSQS.SendMessage", self.message(entry))
        } else {
            let all = entries.iter().map(|entry| {
                let mut message = self.message(entry);
                message["Id"] = entry.id.as_str().into();
                message
            });
            let all: Vec<_> = all.collect();
            ("AmazonSQS.SendMessageBatch", json!({ "Entries": all }))
        };
        body["QueueUrl"] = self.queue_url.as_str().into();
        let request = Request::new(Method::Post, url)
            .with_body("application/x-amz-json-1.0", body.to_string().into_bytes());
        Ok(request.with_header("x-amz-target", target))
    }

    /// Of several, `Successful` and `Failed` name each by its id. What neither names is sent again.
    fn each(&self, response: &Response, many: usize) -> Vec<Outcome> {
        let said = response.json();
        if many == 1 {
            let is_taken = said["MessageId"].is_string();
            return vec![aws::taken(is_taken)];
        }
        let find = |list: &str, at: usize| {
            let id = at.to_string();
            let mut all = said[list].as_array().into_iter().flatten();
            all.find(|one| one["Id"] == *id)
        };
        let outcome = |at| match (find("Failed", at), find("Successful", at)) {
            (Some(failed), _) => aws::outcome_of_entry(
                Self::TITLE,
                failed["Code"].as_str().unwrap_or_default(),
                failed["Message"].as_str().unwrap_or_default(),
                failed["SenderFault"].as_bool().unwrap_or_default(),
            ),
            (None, Some(_)) => Outcome::Delivered,
            (None, None) => Outcome::Retry(None),
        };
        (0..many).map(outcome).collect()
    }
}
