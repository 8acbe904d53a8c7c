//! Amazon SNS, by its query protocol. Source: Amazon SNS API Reference, `Publish` and `PublishBatch`, read 2026-11. Assumed: 256 KiB a request.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, `occurred_at`, the whole event | `Message`: the envelope of Standard Webhooks |
//! | kind, id of the event | attributes `kind` and `id` of the message, by which subscriptions filter |
//! | customer, id of the event | `MessageGroupId`, `MessageDeduplicationId` of a FIFO topic |
//!
//! Errors are XML with a `Code`. Up to ten messages go in a request; which of them were taken is told for each. A topic that is not FIFO knows no
//! repetition: receivers go by `id`.
//!
//! Requests are signed with the key of a user of IAM. The role of the machine, from its metadata service or by a web identity, is not taken: it is given to
//! who runs this server, and would be used by who sets up a project; and what is at that service's address, no integration may ask.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Outcome, Request,
    Response, Spec, Unsendable, aws,
    aws::{Entry, Queue},
    common,
    spec::fields,
    xml,
};
use domain::EventKind;
use serde::Deserialize;
use serde_json::Value;

/// The entry in [`crate::ALL`].
pub struct Sns;

const OWN: &[Field] = &[Field::new(
    "topic_arn",
    FieldKind::Text,
    "ARN of the topic. One that ends in `.fifo` keeps the order of each customer and takes repetitions for one.",
)];

static SPEC: Spec = Spec {
    key: "sns",
    title: "Amazon SNS",
    category: Category::Queue,
    summary: "Every event published to a topic, whose subscriptions filter by its kind.",
    notes: &[
        "The key needs `sns:Publish` on the topic.",
        "That a topic took an event does not prove that a subscription got it.",
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
    topic_arn: String,
}

impl Destination for Sns {
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
    /// The fields of one message, each with `prefix` before its name.
    fn message(&self, prefix: &str, entry: &Entry<'_>) -> Vec<(String, String)> {
        let mut fields = vec![(format!("{prefix}Message"), entry.body.clone())];
        let attributes = [(1, "kind", entry.name), (2, "id", entry.event_id.as_str())];
        for (at, name, value) in attributes {
            let of = format!("{prefix}MessageAttributes.entry.{at}");
            fields.extend([
                (format!("{of}.Name"), name.to_owned()),
                (format!("{of}.Value.DataType"), "String".to_owned()),
                (format!("{of}.Value.StringValue"), value.to_owned()),
            ]);
        }
        if self.topic_arn.strip_suffix(".fifo").is_some() {
            fields.extend([
                (format!("{prefix}MessageGroupId"), entry.customer_id.clone()),
                (
                    format!("{prefix}MessageDeduplicationId"),
                    entry.event_id.clone(),
                ),
            ]);
        }
        fields
    }
}

impl Queue for Settings {
    const SERVICE: &'static str = "sns";
    const TITLE: &'static str = "Amazon SNS";

    fn spec() -> &'static Spec {
        &SPEC
    }

    fn request(&self, url: &str, entries: &[Entry<'_>]) -> Result<Request, Unsendable> {
        if self.topic_arn.is_empty() {
            return Err(Unsendable::lacks_setting("topic_arn"));
        }
        let (action, messages) = if let [entry] = entries {
            ("Publish", self.message("", entry))
        } else {
            let messages = entries.iter().enumerate().flat_map(|(at, entry)| {
                let prefix = format!("PublishBatchRequestEntries.member.{}.", at + 1);
                let mut message = self.message(&prefix, entry);
                message.push((format!("{prefix}Id"), entry.id.clone()));
                message
            });
            ("PublishBatch", messages.collect())
        };
        let fixed = [
            ("Action", action),
            ("Version", "2010-03-31"),
            ("TopicArn", &self.topic_arn),
        ];
        let messages = messages.iter();
        let messages = messages.map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(Request::form(url, fixed.into_iter().chain(messages)))
    }

    /// Of several, `Successful` and `Failed` name each by its id. What neither names is sent again.
    fn each(&self, response: &Response, many: usize) -> Vec<Outcome> {
        let body = String::from_utf8_lossy(&response.body);
        if many == 1 {
            let is_taken = xml::text(&body, "MessageId").is_some();
            return vec![aws::taken(is_taken)];
        }
        let members = |list| xml::all(xml::text(&body, list).unwrap_or_default(), "member");
        let (failed, taken) = (members("Failed"), members("Successful"));
        let find = |list: &[&str], at: usize| {
            let id = at.to_string();
            let mut all = list.iter();
            all.find(|member| xml::text(member, "Id") == Some(&id))
                .map(|member| (*member).to_owned())
        };
        let outcome = |at| match (find(&failed, at), find(&taken, at)) {
            (Some(failed), _) => aws::outcome_of_entry(
                Self::TITLE,
                xml::text(&failed, "Code").unwrap_or_default(),
                xml::text(&failed, "Message").unwrap_or_default(),
                xml::text(&failed, "SenderFault") == Some("true"),
            ),
            (None, Some(_)) => Outcome::Delivered,
            (None, None) => Outcome::Retry(None),
        };
        (0..many).map(outcome).collect()
    }
}
