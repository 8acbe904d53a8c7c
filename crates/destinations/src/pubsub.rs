//! Google Pub/Sub, by its REST API. Source: Google Cloud Pub/Sub, "projects.topics.publish", "Order messages" and "Quotas and limits", read
//! 2026-11. Assumed: 1000 messages and 10 MB a request, of which nine are used.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, `occurred_at`, the whole event | `data`: the envelope of Standard Webhooks, in base64 |
//! | kind, id of the event | attributes `kind` and `id`, by which subscriptions filter |
//! | customer, where `ordered` says so | `orderingKey`: the order of a customer is kept, by subscriptions that ask for it |
//!
//! A request is taken as a whole or not at all. Nothing tells a repetition: subscribers go by `id`. The token is that of a service account, for
//! `pubsub`.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Grant, Invalid, Now, Outcome,
    Plan, Request, Response, ServiceAccount, Spec, Unsendable,
    batch::{Batching, Item},
    common::{self, Common},
    encode, envelope, google,
    spec::fields,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct PubSub;

const OWN: &[Field] = &[
    Field::new("project", FieldKind::Text, "Id of the project."),
    Field::new("topic", FieldKind::Text, "Name of the topic."),
    google::SERVICE_ACCOUNT,
    Field::new(
        "ordered",
        FieldKind::Switch,
        "Name the customer as ordering key. Set `endpoint` to a region then, such as `https://europe-west1-pubsub.googleapis.com`: order is kept within one.",
    ),
];

static SPEC: Spec = Spec {
    key: "pubsub",
    title: "Google Pub/Sub",
    category: Category::Queue,
    summary: "Every event published to a topic, whose subscriptions filter by its kind.",
    notes: &[
        "The service account needs the role Pub/Sub Publisher on the topic.",
        "Subscribers may get a message twice: go by its attribute `id`.",
    ],
    fields: fields!(
        OWN,
        common::EVENT_SWITCHES,
        common::EXCLUDE_SANDBOX,
        common::ENDPOINT,
        common::BY_ID,
    ),
    travels: google::TRAVELS,
    events: EventKind::ALL,
    ordered: true,
    concurrency: 16,
};

const SCOPE: &str = "https://www.googleapis.com/auth/pubsub";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    project: String,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    service_account: Secret,
    #[serde(default)]
    ordered: bool,
}

struct Ready {
    settings: Settings,
    account: Option<ServiceAccount>,
    common: Common,
}

impl Destination for PubSub {
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
        let Settings { project, topic, .. } = &self.settings;
        for (name, value) in [("project", project), ("topic", topic)] {
            if value.is_empty() {
                return Err(Unsendable::lacks_setting(name));
            }
        }
        let (project, topic) = (encode::percent(project), encode::percent(topic));
        let path = format!("/v1/projects/{project}/topics/{topic}:publish");
        Ok(self.common.url("https://pubsub.googleapis.com", &path))
    }

    fn message(&self, item: &Item<'_>) -> Result<Value, Unsendable> {
        let event = self.common.told(item.event);
        let data = envelope::text(&item.message.name, &event)?;
        let mut message = json!({
            "data": STANDARD.encode(data),
            "attributes": { "id": event.id.to_string(), "kind": item.message.name },
        });
        if self.settings.ordered {
            message["orderingKey"] = event.customer.id.to_string().into();
        }
        Ok(message)
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

    fn classify(&self, response: &Response) -> Outcome {
        // Whoever answers without an id is somebody else, and proves nothing.
        let is_taken = response.json()["messageIds"][0].is_string();
        match google::outcome(response, "Google Pub/Sub") {
            Outcome::Delivered if !is_taken => Outcome::Retry(None),
            other => other,
        }
    }

    fn batching(&self) -> Option<Batching> {
        Some(Batching {
            most: 1_000,
            bytes: 9_000_000,
            linger: Duration::from_millis(200),
        })
    }

    fn render_batch(&self, items: &[Item<'_>]) -> Result<Request, Unsendable> {
        let url = self.url()?;
        let account = google::given(self.account.as_ref())?;
        let messages = items.iter().map(|item| self.message(item));
        let messages = messages.collect::<Result<Vec<_>, _>>()?;
        if messages.is_empty() {
            return Err(Unsendable::unsupported("an empty batch"));
        }
        let body = json!({ "messages": messages }).to_string();
        let request = Request::json(&url, body.into_bytes());
        Ok(request.with_grant(Grant::ServiceAccount(account)))
    }

    /// Rights are given, and topics made, elsewhere.
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
