//! Slack, by incoming webhook. Source: Slack docs, "Sending messages using incoming webhooks"; RevenueCat
//! docs, "Slack", whose nine messages it reproduces.
//!
//! | ours | theirs |
//! |---|---|
//! | `app_user_id` | the link text in the headline, and in `fallback` |
//! | `product` | field *Product* |
//! | amount that came in | field *Revenue*, formatted for its currency |
//! | store, environment, where they are to be shown | fields of these names |
//! | page of the event, where it is to be shown | field *Event*, a link |
//! | `occurred_at` | `ts`, seconds |
//!
//! The secret is the URL. There is no idempotency key: a retried time-out can post twice. 403, 404 and 410 mean that the
//! webhook is gone; 429 carries `Retry-After`, as does more than about a message a second; other 4xx are final; 5xx are retried.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Unsendable,
    chat::{self, Chat, Link, Told, check_webhook},
    common::{self, Keys},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The entry in [`crate::ALL`].
pub struct Slack;

const OWN: &[Field] = &[
    Field::new(
        "webhook_url",
        FieldKind::Secret,
        "The incoming-webhook URL that Slack gave you.",
    ),
    Field::new(
        "sandbox_webhook_url",
        FieldKind::Secret,
        "Another incoming-webhook URL for sandbox events.",
    ),
    Field::new(
        "channel",
        FieldKind::Text,
        "Channel to post to; Slack honours it for legacy webhooks only.",
    ),
    Field::new(
        "sandbox_channel",
        FieldKind::Text,
        "Channel for sandbox events.",
    ),
    Field::new("username", FieldKind::Text, "Name of the sender."),
    Field::new("icon_url", FieldKind::Url, "Icon of the sender."),
];

static SPEC: Spec = Spec {
    key: "slack",
    title: "Slack",
    category: Category::Chat,
    summary: "A message in a channel for each event that matters to people.",
    notes: &[
        "Slack cannot tell a repetition: where an answer was lost, what is about money is not posted again unless the settings say so.",
        "Test purchases are posted when a sandbox channel or URL is set, or `send_sandbox` is on.",
    ],
    fields: fields!(
        OWN,
        chat::SHOWN,
        common::EVENT_SWITCHES,
        common::SANDBOX,
        common::MONEY,
        chat::DELIVERY,
    ),
    // The secret is the URL.
    travels: &[],
    events: &[
        EventKind::SubscriptionStarted,
        EventKind::TrialStarted,
        EventKind::TrialConverted,
        EventKind::SubscriptionRenewed,
        EventKind::TrialRenewalCancelled,
        EventKind::SubscriptionRenewalCancelled,
        EventKind::BillingIssueDetected,
        EventKind::NonSubscriptionPurchase,
        EventKind::ProductChanged,
        EventKind::Test,
    ],
    ordered: true,
    concurrency: 1,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    webhook_url: Secret,
    #[serde(default)]
    sandbox_webhook_url: Secret,
    channel: Option<String>,
    sandbox_channel: Option<String>,
    username: Option<String>,
    icon_url: Option<String>,
}

struct Ready {
    settings: Settings,
    chat: Chat,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon_url: Option<&'a str>,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    fallback: String,
    color: &'static str,
    fields: Vec<Line>,
    ts: i64,
}

#[derive(Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    short: Option<bool>,
}

/// The three characters Slack wants as entities. Source: Slack docs, "Formatting message text", escaping.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn linked(link: &Link<'_>) -> String {
    format!("<{}|{}>", escape(&link.url), escape(&link.text))
}

/// The headline, the product, what was paid where that is told, and what else is to be shown.
fn lines(told: &Told<'_>) -> Vec<Line> {
    let about = told.customer.as_ref().map_or_else(
        || "This".to_owned(),
        |customer| format!("Customer {}", linked(customer)),
    );
    let headline = Line {
        title: None,
        value: format!("{} {about} {}", told.mood.name(), told.text),
        short: None,
    };
    let named = |title, value| Line {
        title: Some(title),
        value,
        short: Some(false),
    };
    let facts = told.facts.iter();
    let facts = facts.map(|(title, value)| named(title, escape(value)));
    let event = told.event.iter().map(|link| named("Event", linked(link)));
    std::iter::once(headline)
        .chain(facts)
        .chain(event)
        .collect()
}

impl Destination for Slack {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &serde_json::Value,
        context: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, chat) = chat::read::<Settings>(settings, &SPEC, context)?;
        let mut problems = Vec::new();
        check_webhook("webhook_url", &settings.webhook_url, &mut problems);
        check_webhook(
            "sandbox_webhook_url",
            &settings.sandbox_webhook_url,
            &mut problems,
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready { settings, chat }))
    }
}

impl Ready {
    const fn urls(&self) -> Keys<'_> {
        Keys::new(
            ("webhook_url", &self.settings.webhook_url),
            ("sandbox_webhook_url", &self.settings.sandbox_webhook_url),
        )
    }

    fn has_sandbox(&self) -> bool {
        self.settings.sandbox_channel.is_some() || self.urls().has_sandbox()
    }
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        self.chat.plan(event, self.has_sandbox())
    }

    fn render(&self, _: &Message, event: &Event, _: Now<'_>) -> Result<Request, Unsendable> {
        let settings = &self.settings;
        let told = self.chat.told(event)?;
        let url = self.urls().shared(event.environment)?;
        let is_sandbox = event.environment == Environment::Sandbox;
        let own = settings.sandbox_channel.as_deref();
        let channel = own.filter(|_| is_sandbox).or(settings.channel.as_deref());
        let body = Body {
            channel,
            username: settings.username.as_deref(),
            icon_url: settings.icon_url.as_deref(),
            attachments: [Attachment {
                color: if told.mood.is_good() {
                    "#30B296"
                } else {
                    "#F2545B"
                },
                fields: lines(&told),
                fallback: told.summary,
                ts: event.occurred_at.as_second(),
            }],
        };
        let body = serde_json::to_vec(&body)
            .map_err(|error| Unsendable::unsupported(error.to_string()))?;
        Ok(Request::json(url.expose(), body).with_secret_url())
    }

    fn reads_attributes(&self) -> bool {
        false
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = String::from_utf8_lossy(&response.body)
            .chars()
            .take(200)
            .collect::<String>();
        let why = |meaning: &str| format!("Slack answered {} {said:?}: {meaning}", response.status);
        match (response.status, said.trim()) {
            (200..=299, _) => Outcome::Delivered,
            (408 | 429 | 500.., _) => Outcome::Retry(response.retry_after),
            (_, "invalid_payload" | "no_text" | "too_many_attachments") => {
                Outcome::Rejected(why("the message was not accepted"))
            }
            (_, "channel_not_found" | "channel_is_archived") => {
                Outcome::CredentialsRefused(why("the channel is gone; choose another"))
            }
            (_, "no_service" | "no_active_hooks" | "invalid_token" | "action_prohibited")
            | (403 | 404 | 410, _) => Outcome::CredentialsRefused(why(
                "the webhook was removed or is not allowed to post; create a new one",
            )),
            _ => Outcome::Rejected(why("refused")),
        }
    }

    /// A channel, or a URL, of its own makes sandbox an endpoint of its own.
    fn endpoint(&self, environment: Environment) -> Environment {
        if self.has_sandbox() {
            environment
        } else {
            Environment::Production
        }
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        all.retain(|endpoint| {
            self.endpoint(*endpoint) == *endpoint && self.urls().shared(*endpoint).is_ok()
        });
        all
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.chat.common.may_repeat(event)
    }

    fn rate(&self) -> Option<Rate> {
        // Source: Slack docs, "Rate limits": posting messages, one a second and channel; more, where the settings say so.
        let usual = Rate::per_second(NonZeroU32::MIN);
        self.chat.common.rate(None).or(Some(usual))
    }

    fn retry(&self) -> &retry::Policy {
        self.chat.common.retry()
    }
}
