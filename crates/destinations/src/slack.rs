//! Slack, by incoming webhook. Source: Slack docs, "Sending messages using incoming webhooks"; RevenueCat
//! docs, "Slack", whose nine messages it reproduces.
//!
//! | ours | theirs |
//! |---|---|
//! | `app_user_id` | the link text in the headline, and in `fallback` |
//! | `product` | field *Product* |
//! | price charged, when positive | field *Revenue*, formatted for its currency |
//! | `occurred_at` | `ts`, seconds |
//!
//! The secret is the URL. There is no idempotency key: a retried time-out can post twice. 403, 404 and 410 mean that the
//! webhook is gone; 429 carries `Retry-After`, as does more than about a message a second; other 4xx are final; 5xx are retried.

mod wording;

use crate::{
    Category, Configured, Context, Destination, Events, Field, FieldKind, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Unsendable, encode::percent,
};
use domain::{Environment, Event, EventKind, Message, NotSent, pace::Rate, retry, secret::Secret};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use wording::{Wording, wording};

/// The entry in [`crate::ALL`].
pub struct Slack;

static SPEC: Spec = Spec {
    key: "slack",
    title: "Slack",
    category: Category::Chat,
    summary: "A message in a channel for each event that matters to people.",
    notes: &["Slack cannot tell a repetition: a message whose answer was lost is posted twice."],
    fields: &[
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
        Field::new(
            "send_sandbox",
            FieldKind::Switch,
            "Also post sandbox events. On by itself when a sandbox channel or URL is set.",
        ),
        Field::new("username", FieldKind::Text, "Name of the sender."),
        Field::new("icon_url", FieldKind::Url, "Icon of the sender."),
        Field::new(
            "link_base",
            FieldKind::Url,
            "Customers are linked to this URL followed by a slash and their id. Default: this dashboard.",
        ),
        Field::new(
            "currency",
            FieldKind::Choice(&["local", "usd"]),
            "`local` shows what the customer paid, `usd` converts where the rate is known.",
        ),
        Field::new(
            "max_per_second",
            FieldKind::Number,
            "Messages a second, at most. Default: one, as Slack documents for a webhook; of more, it asks to wait.",
        ),
        Field::new(
            "exclude_historical",
            FieldKind::Switch,
            "Do not post events older than the customer.",
        ),
        Field::new(
            "events",
            FieldKind::EventSwitches,
            "Switch kinds of events off.",
        ),
    ],
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reported {
    #[default]
    Local,
    Usd,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    webhook_url: Secret,
    #[serde(default)]
    sandbox_webhook_url: Secret,
    channel: Option<String>,
    sandbox_channel: Option<String>,
    #[serde(default)]
    send_sandbox: bool,
    username: Option<String>,
    icon_url: Option<String>,
    link_base: Option<String>,
    #[serde(default)]
    currency: Reported,
    max_per_second: Option<NonZeroU32>,
    #[serde(default)]
    exclude_historical: bool,
    #[serde(default)]
    events: Events,
}

struct Configuration {
    settings: Settings,
    link_base: String,
    retry: retry::Policy,
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

impl Destination for Slack {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &serde_json::Value,
        context: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let settings: Settings = crate::parse(settings)?;
        let mut problems = settings.events.problems("events", SPEC.events, false);
        for (field, url) in [
            ("webhook_url", &settings.webhook_url),
            ("sandbox_webhook_url", &settings.sandbox_webhook_url),
        ] {
            let before = problems.len();
            crate::check_url(
                field,
                Some(url.expose()).filter(|url| !url.is_empty()),
                &mut problems,
            );
            // The URL is the secret: say what is wrong without showing it.
            problems[before..].iter_mut().for_each(|problem| {
                problem.problem = "must be the https:// URL of an incoming webhook".into();
            });
        }
        crate::check_url("link_base", settings.link_base.as_deref(), &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let link_base = settings
            .link_base
            .clone()
            .unwrap_or_else(|| format!("{}/customers", context.public_url));
        Ok(Box::new(Configuration {
            settings,
            link_base,
            retry: retry::Policy::Adapty,
        }))
    }
}

impl Configuration {
    /// Where events of an environment are posted; empty where that is not set.
    fn url(&self, environment: Environment) -> &Secret {
        let settings = &self.settings;
        let own = Some(&settings.sandbox_webhook_url)
            .filter(|url| environment == Environment::Sandbox && !url.is_empty());
        own.unwrap_or(&settings.webhook_url)
    }

    /// Whom a headline is about. A test is about nobody, so it leads to no page of theirs.
    fn about(&self, event: &Event) -> String {
        if event.kind == EventKind::Test {
            return "This".into();
        }
        let customer = &event.customer.app_user_id;
        let link = format!("{}/{}", self.link_base, percent(customer));
        format!("Customer <{}|{}>", escape(&link), escape(customer))
    }

    /// The headline, the product, and what was paid where that is told.
    fn fields(&self, event: &Event, words: &Wording) -> Vec<Line> {
        let mut fields = vec![Line {
            title: None,
            value: format!("{} {} {}", words.emoji, self.about(event), words.text),
            short: None,
        }];
        let mut add = |title, value| {
            fields.push(Line {
                title: Some(title),
                value,
                short: Some(false),
            });
        };
        if let Some(product) = &event.product {
            add("Product", escape(product));
        }
        let transaction = event.transaction.as_ref().filter(|_| words.revenue);
        let charged = transaction.and_then(|transaction| match self.settings.currency {
            Reported::Local => transaction.price,
            Reported::Usd => transaction.price_usd.or(transaction.price),
        });
        if let Some(price) = charged.filter(|price| price.micros > 0) {
            add("Revenue", price.to_string());
        }
        fields
    }
}

impl Configured for Configuration {
    fn plan(&self, event: &Event) -> Plan {
        let settings = &self.settings;
        if wording(event.kind).is_none() {
            return Err(NotSent::EventUnsupported);
        }
        let sandbox_wanted = settings.send_sandbox
            || settings.sandbox_channel.is_some()
            || !settings.sandbox_webhook_url.is_empty();
        let wanted = event.kind == EventKind::Test
            || event.environment == Environment::Production
            || sandbox_wanted;
        if !wanted || settings.events.name(event.kind, true).is_none() {
            return Err(NotSent::EventDisabled);
        }
        if settings.exclude_historical && event.occurred_at < event.customer.first_seen {
            return Err(NotSent::Historical);
        }
        let product = event.previous_product.as_ref().or(event.product.as_ref());
        Ok(vec![Message {
            name: event.kind.id().into(),
            format: None,
            product_identifier: product.cloned(),
            app_id: event.app.as_ref().map(|app| app.id.to_string()),
        }])
    }

    fn render(&self, _: &Message, event: &Event, _: Now<'_>) -> Result<Request, Unsendable> {
        let settings = &self.settings;
        let words = wording(event.kind).ok_or_else(|| Unsendable {
            reason: NotSent::EventUnsupported,
            detail: event.kind.id().into(),
        })?;
        let sandbox = event.environment == Environment::Sandbox;
        let url = self.url(event.environment);
        if url.is_empty() {
            return Err(Unsendable {
                reason: NotSent::MissingCredentials,
                detail: "webhook_url is not set".into(),
            });
        }
        let about = if event.kind == EventKind::Test {
            "This".to_owned()
        } else {
            format!("Customer {}", event.customer.app_user_id)
        };
        let product = event.product.as_deref().unwrap_or("Tidings");
        let change = event
            .previous_product
            .as_ref()
            .map(|previous| format!("{previous} to {product}"));
        let body = Body {
            channel: settings
                .sandbox_channel
                .as_deref()
                .filter(|_| sandbox)
                .or(settings.channel.as_deref()),
            username: settings.username.as_deref(),
            icon_url: settings.icon_url.as_deref(),
            attachments: [Attachment {
                fallback: format!(
                    "{about} {} {}",
                    words.fallback,
                    change.as_deref().unwrap_or(product)
                ),
                color: words.color,
                fields: self.fields(event, &words),
                ts: event.occurred_at.as_second(),
            }],
        };
        let body = serde_json::to_vec(&body).map_err(|error| Unsendable {
            reason: NotSent::MissingCustomerData,
            detail: error.to_string(),
        })?;
        Ok(Request::json(url.expose(), body).with_secret_url())
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = String::from_utf8_lossy(&response.body)
            .chars()
            .take(200)
            .collect::<String>();
        let why = |meaning: &str| format!("Slack answered {} {said:?}: {meaning}", response.status);
        match (response.status, said.trim()) {
            (200..=299, _) => Outcome::Delivered,
            (429 | 500.., _) => Outcome::Retry(response.retry_after),
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
        let settings = &self.settings;
        if settings.sandbox_channel.is_some() || !settings.sandbox_webhook_url.is_empty() {
            environment
        } else {
            Environment::Production
        }
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        all.retain(|endpoint| {
            self.endpoint(*endpoint) == *endpoint && !self.url(*endpoint).is_empty()
        });
        all
    }

    fn rate(&self) -> Option<Rate> {
        // Source: Slack docs, "Rate limits": posting messages, one a second and channel.
        let per_second = self.settings.max_per_second.unwrap_or(NonZeroU32::MIN);
        Some(Rate::per_second(per_second))
    }

    fn retry(&self) -> &retry::Policy {
        &self.retry
    }
}
