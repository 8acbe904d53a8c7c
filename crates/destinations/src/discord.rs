//! Discord, by webhook. Source: Discord developer docs, "Webhook resource", "Message", "Rate limits", read 2026-11; RevenueCat docs, "Discord",
//! whose embed it reproduces.
//!
//! | ours | theirs |
//! |---|---|
//! | emoji, customer as a link, sentence | `embeds[0].description` |
//! | gain or loss | `color`: 5763719 or 15548997 |
//! | product, amount, store, environment | `fields`, inline |
//! | page of the event, where it is to be shown | a field with a link |
//! | `occurred_at` | `timestamp`, to the second |
//!
//! The secret is the URL. `wait=true` has an answer say whether the message was saved. `allowed_mentions` is empty, so that no name rings
//! anybody, and names are escaped, so that none is read as Markdown. A webhook of a forum posts into the thread that is set.
//!
//! 401 and 404 mean that the webhook is gone; so does 403, and 400 of a forum without a thread. 429 says how long in `retry_after`, with a
//! fraction. Assumed, because the documents name no number: thirty messages a minute for a channel, and the codes 220001 to 220003 of forums.
//! Ten thousand refusals in ten minutes ban the sender's address, which holding refused endpoints keeps far away. There is no idempotency key.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Unsendable,
    chat::{self, Chat, Link, Told, check_webhook},
    common::{self, Keys, pause},
    spec::fields,
};
use domain::{Environment, Event, Message, pace::Rate, retry, secret::Secret};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// The entry in [`crate::ALL`].
pub struct Discord;

const OWN: &[Field] = &[
    Field::new(
        "webhook_url",
        FieldKind::Secret,
        "URL of the webhook: Server settings, Integrations, Webhooks, Copy webhook URL.",
    ),
    Field::new(
        "sandbox_webhook_url",
        FieldKind::Secret,
        "URL of another webhook for test purchases.",
    ),
    Field::new(
        "thread_id",
        FieldKind::Text,
        "Post into this thread; a webhook of a forum cannot do without.",
    ),
    Field::new("username", FieldKind::Text, "Name of the sender."),
    Field::new("avatar_url", FieldKind::Url, "Picture of the sender."),
];

static SPEC: Spec = Spec {
    key: "discord",
    title: "Discord",
    category: Category::Chat,
    summary: "A message in a channel for each event that matters to people.",
    notes: &[
        "Discord cannot tell a repetition: where an answer was lost, what is about money is not posted again unless the settings say so.",
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
    events: chat::EVENTS,
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
    thread_id: Option<String>,
    username: Option<String>,
    avatar_url: Option<String>,
}

struct Ready {
    settings: Settings,
    chat: Chat,
}

impl Settings {
    fn problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        check_webhook("webhook_url", &self.webhook_url, &mut problems);
        check_webhook(
            "sandbox_webhook_url",
            &self.sandbox_webhook_url,
            &mut problems,
        );
        let is_number = |text: &String| !text.bytes().all(|byte| byte.is_ascii_digit());
        if self.thread_id.as_ref().is_some_and(is_number) {
            problems.push(Invalid::new(
                "thread_id",
                "is a number; copy the id of the thread",
            ));
        }
        let is_theirs = |name: &String| name.to_lowercase().contains("discord");
        if self.username.as_ref().is_some_and(is_theirs) {
            let problem = "must not contain \"discord\", which Discord keeps for itself";
            problems.push(Invalid::new("username", problem));
        }
        problems
    }
}

impl Destination for Discord {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        context: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, chat) = chat::read::<Settings>(settings, &SPEC, context)?;
        let problems = settings.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready { settings, chat }))
    }
}

/// What could be read as Markdown, or as somebody to be rung, is escaped. Source: Discord, "Markdown text 101"; developer docs, "Message
/// formatting".
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if "\\*_~`|>#-+[]()<@:".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn linked(link: &Link<'_>) -> String {
    format!("[{}]({})", escape(&link.text), link.url)
}

const GAIN: u32 = 5_763_719;
const LOSS: u32 = 15_548_997;

fn embed(told: &Told<'_>, at: Timestamp) -> Value {
    let about = told.customer.as_ref().map_or_else(
        || "This".to_owned(),
        |customer| format!("Customer {}", linked(customer)),
    );
    let field = |name, value| json!({ "name": name, "value": value, "inline": true });
    let facts = told.facts.iter();
    let facts = facts.map(|(name, value)| field(*name, escape(value)));
    let event = told.event.iter().map(|link| field("Event", linked(link)));
    json!({
        "description": format!("{} {about} {}", told.mood.emoji(), told.text),
        "color": if told.mood.is_good() { GAIN } else { LOSS },
        "fields": facts.chain(event).collect::<Vec<_>>(),
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

impl Ready {
    const fn urls(&self) -> Keys<'_> {
        Keys::new(
            ("webhook_url", &self.settings.webhook_url),
            ("sandbox_webhook_url", &self.settings.sandbox_webhook_url),
        )
    }
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        self.chat.plan(event, self.urls().has_sandbox())
    }

    fn render(&self, _: &Message, event: &Event, _: Now<'_>) -> Result<Request, Unsendable> {
        let told = self.chat.told(event)?;
        let url = self.urls().shared(event.environment)?;
        let mut body = json!({
            "embeds": [embed(&told, event.occurred_at)],
            "allowed_mentions": { "parse": [] },
        });
        if let Some(username) = &self.settings.username {
            body["username"] = username.as_str().into();
        }
        if let Some(avatar) = &self.settings.avatar_url {
            body["avatar_url"] = avatar.as_str().into();
        }
        let thread = self.settings.thread_id.as_deref();
        let thread = thread.map(|thread| ("thread_id", thread));
        let request = Request::json(url.expose(), body.to_string().into_bytes());
        let query = std::iter::once(("wait", "true")).chain(thread);
        Ok(request.with_query(query).with_secret_url())
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.json();
        let why = |meaning: &str| {
            let (status, said) = (response.status, response.said());
            format!("Discord answered {status}: {said}; {meaning}")
        };
        let lacks_thread = matches!(said["code"].as_u64(), Some(220_001..=220_003));
        match response.status {
            204 => Outcome::Delivered,
            200..=299 if said["id"].is_string() => Outcome::Delivered,
            408 | 429 => Outcome::Retry(pause(&said["retry_after"]).max(response.retry_after)),
            400 if lacks_thread => {
                Outcome::CredentialsRefused(why("say in `thread_id` where to post"))
            }
            401 | 403 | 404 => Outcome::CredentialsRefused(why(
                "the webhook or its thread was removed; create a new one",
            )),
            400..=499 => Outcome::Rejected(why("the message was not accepted")),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.urls().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.urls().endpoints()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.chat.common.may_repeat(event)
    }

    fn rate(&self) -> Option<Rate> {
        self.chat.common.rate(Some(Rate::per_minute(30)))
    }

    fn retry(&self) -> &retry::Policy {
        self.chat.common.retry()
    }
}
