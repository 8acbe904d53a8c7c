//! Amplitude, by its HTTP V2 API. Source: Amplitude docs, "HTTP V2 API" and "Batch event upload", read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `event_type` |
//! | `$amplitudeUserId`, `$amplitudeDeviceId`, each where it is set; else the app's name for the customer | `user_id`, `device_id` |
//! | `occurred_at` | `time`, milliseconds |
//! | id of the event, as a UUID | `insert_id`, by which a repetition within seven days counts once |
//! | amount, below zero for a refund | `revenue` with `currency` |
//! | product | `productId` |
//! | properties | `event_properties` |
//! | how it stands with the subscription, attributes where they are sent | `user_properties` |
//! | iOS or Android, by the store or else by what identifies the device | `platform` |
//!
//! The key is in the body. Names shorter than five characters are refused unless the project allows them: requests ask for one character.
//! Placeholders such as `null` are refused always. Of one user or device 30 events a second are taken.
//! 429 says nothing of how long; the documents ask for thirty seconds, and of a daily quota for the next day. 400 names what is wrong with
//! the events, or that the key is.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Timer, Travel, Unsendable, common,
    common::{
        Common, Platform, Refunds, Times, by_status, number, properties, said, subscription_status,
    },
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{num::NonZeroU32, time::Duration};

/// The entry in [`crate::ALL`].
pub struct Amplitude;

const OWN: &[Field] = &[
    Field::new(
        "api_key",
        FieldKind::Secret,
        "API key of the project: Settings, Projects, General.",
    ),
    Field::new(
        "sandbox_api_key",
        FieldKind::Secret,
        "API key of another project for test purchases; without it they are not sent.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&["us", "eu"]),
        "Where the project's data are kept. The wrong one takes events and loses them.",
    ),
];

static SPEC: Spec = Spec {
    key: "amplitude",
    title: "Amplitude",
    category: Category::Analytics,
    summary: "Product analytics: each event with its revenue, for the user that the app knows.",
    notes: &[
        "Switch off revenue events of Amplitude's own SDK, or money counts twice.",
        "Projects made before `currency` was known add all amounts up as one currency: choose `usd` there.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::TIMERS,
        common::NAMES,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY_ONCE,
    ),
    travels: &[
        Travel {
            secret: "api_key",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "sandbox_api_key",
            to: &["region", "endpoint"],
        },
    ],
    events: common::LIFECYCLE_AND_ACTIVE,
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
    api_key: Secret,
    #[serde(default)]
    sandbox_api_key: Secret,
    #[serde(default)]
    region: Region,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Amplitude {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read(settings, &SPEC)?;
        Ok(Box::new(Ready { settings, common }))
    }
}

impl Ready {
    fn key(&self, environment: Environment) -> Result<&Secret, Unsendable> {
        let (key, named) = match environment {
            Environment::Production => (&self.settings.api_key, "api_key"),
            Environment::Sandbox => (&self.settings.sandbox_api_key, "sandbox_api_key"),
        };
        if key.is_empty() {
            return Err(Unsendable::lacks_setting(named));
        }
        Ok(key)
    }
}

/// How long the documents ask to wait.
const THROTTLED: Duration = Duration::from_secs(30);
/// Between two looks whether the next day has begun.
const QUOTA: Duration = Duration::from_hours(1);

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let has_sandbox = !self.settings.sandbox_api_key.is_empty();
        let name = self
            .common
            .name(event, has_sandbox, |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let key = self.key(event.environment)?;
        let who = self.common.who(event, now);
        let mut told = json!({
            "event_type": message.name,
            "time": Times::Millis.of(event.occurred_at),
            "insert_id": event.id.uuid().to_string(),
            "event_properties": properties(event, who, Times::Iso),
        });
        let (user, device) = (
            who.known("$amplitudeUserId"),
            who.known("$amplitudeDeviceId"),
        );
        if let Some(user) = user {
            told["user_id"] = user.into();
        }
        match device {
            Some(device) => told["device_id"] = device.into(),
            None => told["user_id"] = who.known_as("$amplitudeUserId")?.into(),
        }
        if let Some(product) = &event.product {
            told["productId"] = product.as_str().into();
        }
        if let Some(amount) = self.common.amount(event, Refunds::Negative) {
            told["revenue"] = number(amount);
            told["currency"] = amount.currency.code().into();
        }
        match who.platform() {
            Platform::Ios => told["platform"] = "iOS".into(),
            Platform::Android => told["platform"] = "Android".into(),
            Platform::Web => {}
        }
        let mut user = Map::new();
        if self.common.sends_attributes() {
            let all = who.attributes();
            user.extend(all.map(|(name, value)| (name.to_owned(), value.into())));
        }
        if let Some(status) = subscription_status(event) {
            user.insert("subscription_status".into(), status.into());
        }
        if !user.is_empty() {
            told["user_properties"] = user.into();
        }
        let body = json!({
            "api_key": key.expose(),
            "events": [told],
            "options": { "min_id_length": 1 },
        });
        let host = match self.settings.region {
            Region::Us => "https://api2.amplitude.com",
            Region::Eu => "https://api.eu.amplitude.com",
        };
        let url = self.common.url(host, "/2/httpapi");
        Ok(Request::json(&url, body.to_string().into_bytes()).redacting(key))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let body = response.json();
        let is_key = body["error"]
            .as_str()
            .is_some_and(|error| error.to_ascii_lowercase().contains("api key"));
        let is_over_quota = ["exceeded_daily_quota_users", "exceeded_daily_quota_devices"]
            .iter()
            .any(|of| body[of].as_object().is_some_and(|of| !of.is_empty()));
        match response.status {
            429 if is_over_quota => Outcome::Retry(Some(QUOTA)),
            429 => Outcome::Retry(Some(response.retry_after.unwrap_or(THROTTLED))),
            400 if is_key => Outcome::CredentialsRefused(said("Amplitude", response)),
            _ => by_status("Amplitude", response),
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        if self.settings.sandbox_api_key.is_empty() {
            Environment::Production
        } else {
            environment
        }
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        all.retain(|environment| self.key(*environment).is_ok());
        all
    }

    fn timers(&self) -> Vec<Timer> {
        self.common.timers()
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn rate_per_customer(&self) -> Option<Rate> {
        const OF_A_USER: NonZeroU32 = NonZeroU32::new(30).expect("it is not zero");
        Some(Rate::per_second(OF_A_USER))
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
