//! Klaviyo, by its events API. Source: Klaviyo's OpenAPI document, revision 2026-07-15, "Create event", read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `metric.data.attributes.name` |
//! | the app's name for the customer, `$email`, `$phoneNumber` where it is one | `profile.data.attributes`: `external_id`, `email`, `phone_number` |
//! | `occurred_at` | `time` |
//! | id of the event, as a UUID | `unique_id`, by which a repetition counts once |
//! | amount, below zero for a refund | `value` with `value_currency` |
//! | properties | `properties` |
//! | event of a purchase that is imported | `backfill`, so that it starts no flow |
//!
//! Without `unique_id` only one event of a profile, metric and second is kept. A telephone number has to be as in E.164: what is not stays. An
//! event may lie a year ahead, and not before 1990. 202 says that the event was understood, not that it was taken. 350 requests a second and
//! 3,500 a minute. `event-bulk-create-jobs` is not used: what a job has to refuse is said when it runs, to nobody who could tell which event that was.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, Window, common,
    common::{Common, Keys, Refunds, Times, Who, number, properties},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The entry in [`crate::ALL`].
pub struct Klaviyo;

const OWN: &[Field] = &[
    Field::new(
        "private_key",
        FieldKind::Secret,
        "Private API key with full access to events and profiles: Settings, API keys.",
    ),
    Field::new(
        "sandbox_private_key",
        FieldKind::Secret,
        "Key of another account for test purchases; without it they are not sent.",
    ),
];

static SPEC: Spec = Spec {
    key: "klaviyo",
    title: "Klaviyo",
    category: Category::Messaging,
    summary: "Events with their revenue for the profile that the app knows, to start flows.",
    notes: &[
        "An answer says that an event was understood; Klaviyo checks the rest afterwards and tells nobody.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY_ONCE,
    ),
    travels: &[
        Travel {
            secret: "private_key",
            to: &["endpoint"],
        },
        Travel {
            secret: "sandbox_private_key",
            to: &["endpoint"],
        },
    ],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    private_key: Secret,
    #[serde(default)]
    sandbox_private_key: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Klaviyo {
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

const REVISION: &str = "2026-07-15";

/// A telephone number as in E.164, where it is one: `+14155550100` of `+1 (415) 555-0100`. Source: ITU-T E.164, 6.1.
fn e164(said: &str) -> Option<String> {
    let rest = said.trim().strip_prefix('+')?;
    let is_between = |letter: char| " -().".contains(letter);
    if !rest
        .chars()
        .all(|letter| letter.is_ascii_digit() || is_between(letter))
    {
        return None;
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    (8..=15)
        .contains(&digits.len())
        .then(|| format!("+{digits}"))
}

/// Whom an event is about.
fn profile(who: Who<'_>, sends_attributes: bool) -> Map<String, Value> {
    let email = who.attribute("$email").filter(|email| email.contains('@'));
    let phone = who.attribute("$phoneNumber").and_then(e164);
    let mut profile = Map::new();
    profile.insert("external_id".into(), who.app_user_id().into());
    profile.extend(email.map(|email| ("email".to_owned(), email.into())));
    profile.extend(phone.map(|phone| ("phone_number".to_owned(), phone.into())));
    if sends_attributes {
        let all = who.traits();
        let all: Map<_, _> = all
            .filter(|(name, _)| name != "email" && name != "phone")
            .collect();
        profile.insert("properties".into(), all.into());
    }
    profile
}

impl Ready {
    const fn keys(&self) -> Keys<'_> {
        Keys::new(
            ("private_key", &self.settings.private_key),
            ("sandbox_private_key", &self.settings.sandbox_private_key),
        )
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
        let key = self.keys().own(event.environment)?;
        let who = self.common.who(event, now);
        let mut told = json!({
            "time": Times::Iso.of(event.occurred_at),
            "unique_id": event.id.uuid().to_string(),
            "properties": properties(event, who, Times::Iso),
            "metric": { "data": { "type": "metric", "attributes": { "name": message.name } } },
            "profile": { "data": {
                "type": "profile",
                "attributes": profile(who, self.common.sends_attributes()),
            } },
        });
        if let Some(amount) = self.common.amount(event, Refunds::Negative) {
            told["value"] = number(amount);
            told["value_currency"] = amount.currency.code().into();
        }
        if event.historical {
            told["backfill"] = true.into();
        }
        let body = json!({ "data": { "type": "event", "attributes": told } });
        let url = self.common.url("https://a.klaviyo.com", "/api/events");
        let authorization = format!("Klaviyo-API-Key {}", key.expose());
        let request = Request::new(crate::Method::Post, url)
            .with_body("application/vnd.api+json", body.to_string().into_bytes())
            .with_header("revision", REVISION)
            .redacting(key)
            .with_secret_header("authorization", authorization);
        Ok(request)
    }

    fn classify(&self, response: &Response) -> Outcome {
        let why = || format!("Klaviyo answered {}: {}", response.status, response.said());
        match response.status {
            200..=299 => Outcome::Delivered,
            401 | 403 => Outcome::CredentialsRefused(why()),
            408 | 429 => Outcome::Retry(response.retry_after),
            400..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: None,
            ahead: Some(SignedDuration::from_hours(365 * 24)),
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.keys().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.keys().endpoints()
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(Some(Rate::per_minute(3_500)))
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_number_is_one_or_stays() {
        for (said, expected) in [
            ("+1 (415) 555-0100", Some("+14155550100")),
            ("+49.30.1234567", Some("+49301234567")),
            ("415 555 0100", None),
            ("+1 415 CALL", None),
            ("+123", None),
            ("+1234567890123456", None),
            ("", None),
        ] {
            assert_eq!(e164(said).as_deref(), expected, "{said:?}");
        }
    }
}
