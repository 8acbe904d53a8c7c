//! Telegram, by a bot. Source: Telegram Bot API, "sendMessage", "Formatting options", "ResponseParameters"; Bot FAQ, "My bot is hitting limits",
//! read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | emoji, customer as a link, sentence | the first line of `text` |
//! | product, amount, store, environment | a line each |
//! | page of the event, where it is to be shown | the last line, a link |
//!
//! `text` is HTML, in which three characters are entities; names are cut long before its 4096 characters. No page is previewed. The token is in
//! the path. Answers say `ok`, or `error_code` with a `description`: 401 and 404 are about the token, 403 says that the bot was removed, 400 is
//! about the chat or about the text. A group that became a supergroup has another id, which the answer names: the setting has to change. 429
//! names the pause. Groups and channels take twenty messages a minute, other chats one a second; their ids begin with `-` or `@`.
//!
//! Assumed, because descriptions are not listed anywhere: which of them are about the chat and not about the text. There is no idempotency key.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable,
    chat::{self, Chat, Link, Told},
    common::{self, pause},
    spec::fields,
};
use domain::{Environment, Event, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fmt::Write as _, num::NonZeroU32};

/// The entry in [`crate::ALL`].
pub struct Telegram;

const OWN: &[Field] = &[
    Field::new(
        "bot_token",
        FieldKind::Secret,
        "Token of the bot, as @BotFather gave it. Add the bot to the chat.",
    ),
    Field::new(
        "chat_id",
        FieldKind::Text,
        "Where to post: `-1001234567890`, or `@name` of a public group or channel.",
    ),
    Field::new(
        "sandbox_chat_id",
        FieldKind::Text,
        "Another chat for test purchases.",
    ),
    Field::new(
        "message_thread_id",
        FieldKind::Number,
        "Topic of a group that has topics.",
    ),
    Field::new("silent", FieldKind::Switch, "Post without a sound."),
];

static SPEC: Spec = Spec {
    key: "telegram",
    title: "Telegram",
    category: Category::Chat,
    summary: "A message in a chat, group or channel for each event that matters to people.",
    notes: &[
        "Telegram cannot tell a repetition: where an answer was lost, what is about money is not posted again unless the settings say so.",
        "A group takes twenty messages a minute: of more, the rest waits.",
    ],
    fields: fields!(
        OWN,
        chat::SHOWN,
        common::EVENT_SWITCHES,
        common::SANDBOX,
        common::MONEY,
        common::ENDPOINT,
        chat::DELIVERY,
    ),
    travels: &[Travel {
        secret: "bot_token",
        to: &["endpoint"],
    }],
    events: chat::EVENTS,
    ordered: true,
    concurrency: 1,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    bot_token: Secret,
    #[serde(default)]
    chat_id: String,
    sandbox_chat_id: Option<String>,
    message_thread_id: Option<u64>,
    #[serde(default)]
    silent: bool,
}

struct Ready {
    settings: Settings,
    chat: Chat,
}

impl Destination for Telegram {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        context: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, chat) = chat::read::<Settings>(settings, &SPEC, context)?;
        let token = settings.bot_token.expose();
        let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b":_-".contains(&byte);
        // It stands in the path as it is.
        if !token.bytes().all(is_of_token) {
            let problem =
                "is no token of a bot: `123456:ABC-DEF` with letters, digits, : _ and - only";
            return Err(vec![Invalid::new("bot_token", problem)]);
        }
        Ok(Box::new(Ready { settings, chat }))
    }
}

/// Source: Telegram Bot API, "HTML style".
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn linked(link: &Link<'_>) -> String {
    format!(
        "<a href=\"{}\">{}</a>",
        escape(&link.url),
        escape(&link.text)
    )
}

fn text(told: &Told<'_>) -> String {
    let about = told.customer.as_ref().map_or_else(
        || "This".to_owned(),
        |customer| format!("Customer {}", linked(customer)),
    );
    let mut text = format!("{} {about} {}", told.mood.emoji(), told.text);
    let lines = told.facts.iter();
    let lines = lines.map(|(name, value)| (*name, escape(value)));
    let event = told.event.iter().map(|link| ("Event", linked(link)));
    for (name, value) in lines.chain(event) {
        write!(text, "\n<b>{name}:</b> {value}").expect("writing to a string does not fail");
    }
    text
}

/// Descriptions of 400 that are about the chat, which only other settings change.
const ABOUT_THE_CHAT: [&str; 8] = [
    "chat not found",
    "chat_id is empty",
    "chat was deactivated",
    "group chat was upgraded",
    "have no rights",
    "need administrator rights",
    "not enough rights",
    "thread not found",
];

impl Ready {
    fn chat_id(&self, environment: Environment) -> Result<&str, Unsendable> {
        let own = self.settings.sandbox_chat_id.as_deref();
        let own = own.filter(|_| environment == Environment::Sandbox);
        let chat = own.unwrap_or(&self.settings.chat_id);
        if chat.is_empty() {
            return Err(Unsendable::lacks_setting("chat_id"));
        }
        Ok(chat)
    }

    fn is_group(&self) -> bool {
        let all = [
            Some(&self.settings.chat_id),
            self.settings.sandbox_chat_id.as_ref(),
        ];
        let mut all = all.into_iter().flatten();
        all.any(|chat| chat.starts_with(['-', '@']))
    }
}

impl Configured for Ready {
    fn plan(&self, event: &Event) -> Plan {
        self.chat
            .plan(event, self.settings.sandbox_chat_id.is_some())
    }

    fn render(&self, _: &Message, event: &Event, _: Now<'_>) -> Result<Request, Unsendable> {
        let settings = &self.settings;
        if settings.bot_token.is_empty() {
            return Err(Unsendable::lacks_setting("bot_token"));
        }
        let mut body = json!({
            "chat_id": self.chat_id(event.environment)?,
            "text": text(&self.chat.told(event)?),
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        });
        if let Some(topic) = settings.message_thread_id {
            body["message_thread_id"] = topic.into();
        }
        if settings.silent {
            body["disable_notification"] = true.into();
        }
        let path = format!("/bot{}/sendMessage", settings.bot_token.expose());
        let url = self.chat.common.url("https://api.telegram.org", &path);
        Ok(Request::json(&url, body.to_string().into_bytes()).redacting(&settings.bot_token))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.json();
        let description = said["description"].as_str().unwrap_or_default();
        let why = || {
            let (status, said) = (response.status, response.said());
            format!("Telegram answered {status}: {said}")
        };
        let parameters = &said["parameters"];
        if let Some(id) = parameters["migrate_to_chat_id"].as_i64() {
            return Outcome::CredentialsRefused(format!(
                "{}; the group became a supergroup: set `chat_id` to {id}",
                why()
            ));
        }
        let is_about_chat = || {
            let description = description.to_ascii_lowercase();
            ABOUT_THE_CHAT.iter().any(|of| description.contains(of))
                || description.contains("topic_closed")
        };
        let code = said["error_code"].as_u64().filter(|_| said["ok"] == false);
        match code.unwrap_or(u64::from(response.status)) {
            200..=299 if said["ok"] == true => Outcome::Delivered,
            408 | 429 => {
                Outcome::Retry(pause(&parameters["retry_after"]).max(response.retry_after))
            }
            401 | 403 | 404 => Outcome::CredentialsRefused(why()),
            400 if is_about_chat() => Outcome::CredentialsRefused(why()),
            400..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        match self.settings.sandbox_chat_id {
            Some(_) => environment,
            None => Environment::Production,
        }
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        let is_set =
            |environment| !self.settings.bot_token.is_empty() && self.chat_id(environment).is_ok();
        all.retain(|environment| {
            self.endpoint(*environment) == *environment && is_set(*environment)
        });
        all
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.chat.common.may_repeat(event)
    }

    fn rate(&self) -> Option<Rate> {
        let rate = if self.is_group() {
            Rate::per_minute(20)
        } else {
            Rate::per_second(NonZeroU32::MIN)
        };
        self.chat.common.rate(Some(rate))
    }

    fn retry(&self) -> &retry::Policy {
        self.chat.common.retry()
    }
}
