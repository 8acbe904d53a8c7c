//! Airship, by custom events. Source: Airship API docs, "Custom events", read 2026-11; RevenueCat docs, "Airship".
//!
//! | ours | theirs |
//! |---|---|
//! | `$airshipChannelId`, by what the device runs; else the app's name for the customer | `user.ios_channel`, `android_channel` or `channel`; `named_user_id` |
//! | kind, renamed in lower case | `body.name` |
//! | `occurred_at` | `occurred`, UTC without a zone |
//! | amount, below zero for a refund | `body.value`, which has no currency |
//! | id of the event, as a UUID | `body.transaction`, which is only shown |
//! | properties, the amount with its currency, attributes where they are sent | `body.properties` |
//!
//! A request carries the token of the settings, or one that Airship gives for a client ID and its secret (Airship docs, "OAuth 2.0": for the subject
//! `app:` and the app key, with the hosts that take such tokens).
//!
//! A value has no currency, so amounts are dollars unless it is said otherwise. Names with capital letters are refused, so settings with them
//! are. Assumed: a value lies between ±2147483.647, and one that does not stays among the properties; events are taken for ninety days; a
//! channel of neither system is called `channel`. Nothing can be told to be a repetition.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Grant, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Travel, Unsendable, Window, common,
    common::{Common, Keys, Platform, Refunds, Times, Who, number, properties},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The entry in [`crate::ALL`].
pub struct Airship;

const OWN: &[Field] = &[
    Field::new(
        "app_key",
        FieldKind::Text,
        "App key of the project: Settings, Project configuration.",
    ),
    Field::new(
        "token",
        FieldKind::Secret,
        "Access token that may write events: Settings, Tokens.",
    ),
    Field::new(
        "sandbox_app_key",
        FieldKind::Text,
        "App key of another project for test purchases.",
    ),
    Field::new(
        "sandbox_token",
        FieldKind::Secret,
        "Its token; without it test purchases are not sent.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&["us", "eu"]),
        "Where the project's data are kept.",
    ),
    Field::new(
        "client_id",
        FieldKind::Text,
        "Client ID of OAuth credentials of the project, to be used instead of `token`: Settings, Tokens, OAuth.",
    ),
    Field::new(
        "client_secret",
        FieldKind::Secret,
        "Secret of those credentials.",
    ),
];

static SPEC: Spec = Spec {
    key: "airship",
    title: "Airship",
    category: Category::Messaging,
    summary: "Custom events with their value for the channel or named user that the app knows.",
    notes: &[
        "Airship cannot tell a repetition: where an answer was lost, what is about money is not sent again unless the settings say so.",
        "An answer says that the event was taken, not that it has a channel.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        common::DOLLARS,
        common::ATTRIBUTES,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "token",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "sandbox_token",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "client_secret",
            to: &["region", "endpoint"],
        },
    ],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Region {
    #[default]
    Us,
    Eu,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    app_key: String,
    #[serde(default)]
    token: Secret,
    #[serde(default)]
    sandbox_app_key: String,
    #[serde(default)]
    sandbox_token: Secret,
    #[serde(default)]
    region: Region,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Airship {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read(settings, &SPEC)?;
        let capital = |name: &str| name.chars().any(char::is_uppercase);
        let problems = common.given_names().filter(|(_, name)| capital(name));
        let problems: Vec<_> = problems
            .map(|(kind, _)| {
                let problem = "has capital letters, which Airship refuses";
                Invalid::new(format!("events.{kind}"), problem)
            })
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready { settings, common }))
    }
}

/// A value is between this and as much below zero, in millionths.
const LARGEST_MICROS: u64 = 2_147_483_647_000;

fn user(who: Who<'_>) -> Value {
    let Some(channel) = who.attribute("$airshipChannelId") else {
        return json!({ "named_user_id": who.app_user_id() });
    };
    let named = match who.platform() {
        Platform::Ios => "ios_channel",
        Platform::Android => "android_channel",
        Platform::Web => "channel",
    };
    json!({ named: channel })
}

impl Ready {
    const fn keys(&self) -> Keys<'_> {
        Keys::new(
            ("token", &self.settings.token),
            ("sandbox_token", &self.settings.sandbox_token),
        )
    }

    /// Whether events of an environment are sent by a client of OAuth, which is of the project of production.
    fn is_client(&self, environment: Environment) -> bool {
        environment == Environment::Production && !self.settings.client_id.is_empty()
    }

    fn grant(&self, app_key: &str) -> Result<Grant, Unsendable> {
        let (settings, secret) = (&self.settings, &self.settings.client_secret);
        if secret.is_empty() {
            return Err(Unsendable::lacks_setting("client_secret"));
        }
        let url = match settings.region {
            Region::Us => "https://oauth2.asnapius.com/token",
            Region::Eu => "https://oauth2.asnapieu.com/token",
        };
        Ok(Grant::ClientCredentials {
            url: url.to_owned(),
            id: settings.client_id.clone(),
            secret: secret.clone(),
            scope: None,
            subject: Some(format!("app:{app_key}")),
        })
    }

    /// Where events go, as whoever sends them.
    fn sending(&self, environment: Environment, body: &Value) -> Result<Request, Unsendable> {
        let is_client = self.is_client(environment);
        let host = match (self.settings.region, is_client) {
            (Region::Us, false) => "https://go.urbanairship.com",
            (Region::Eu, false) => "https://go.airship.eu",
            (Region::Us, true) => "https://api.asnapius.com",
            (Region::Eu, true) => "https://api.asnapieu.com",
        };
        let app_key = self.app_key(environment)?;
        let url = self.common.url(host, "/api/custom-events");
        let request = Request::json(&url, body.to_string().into_bytes())
            .with_header("accept", "application/vnd.urbanairship+json; version=3")
            .with_header("x-ua-appkey", app_key);
        Ok(if is_client {
            request.with_grant(self.grant(app_key)?)
        } else {
            request.with_bearer(self.keys().own(environment)?)
        })
    }

    fn app_key(&self, environment: Environment) -> Result<&str, Unsendable> {
        let (named, key) = match environment {
            Environment::Production => ("app_key", &self.settings.app_key),
            Environment::Sandbox => ("sandbox_app_key", &self.settings.sandbox_app_key),
        };
        if key.is_empty() {
            return Err(Unsendable::lacks_setting(named));
        }
        Ok(key)
    }

    fn body(&self, name: &str, event: &Event, who: Who<'_>) -> Value {
        let mut told = properties(event, who, Times::Iso);
        let mut body = json!({ "name": name, "transaction": event.id.uuid().to_string() });
        if let Some(amount) = self.common.amount(event, Refunds::Negative) {
            told.insert("revenue".into(), number(amount));
            told.insert("currency".into(), amount.currency.code().into());
            if amount.micros.unsigned_abs() <= LARGEST_MICROS {
                body["value"] = number(amount);
            }
        }
        if self.common.sends_attributes() {
            let all = who.attributes();
            let all: Map<_, _> = all
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            told.insert("subscriber_attributes".into(), all.into());
        }
        body["properties"] = told.into();
        body
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self
            .common
            .name(event, self.keys().has_sandbox(), |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let who = self.common.who(event, now);
        let body = json!([{
            "occurred": event.occurred_at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            "user": user(who),
            "body": self.body(&message.name, event, who),
        }]);
        self.sending(event.environment, &body)
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.json();
        let why = || format!("Airship answered {}: {}", response.status, response.said());
        match response.status {
            200..=299 if said["ok"] == false => Outcome::Rejected(why()),
            200..=299 if said["ok"] == true => Outcome::Delivered,
            401 | 403 => Outcome::CredentialsRefused(why()),
            408 | 429 => Outcome::Retry(response.retry_after),
            400..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(90 * 24)),
            ahead: None,
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.keys().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        let is_set =
            |environment| self.is_client(environment) || self.keys().own(environment).is_ok();
        all.retain(|environment| is_set(*environment));
        all
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.may_repeat(event)
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
