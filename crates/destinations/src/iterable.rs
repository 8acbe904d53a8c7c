//! Iterable, by its commerce and event APIs. Source: Iterable API docs, "Track purchase", "Track event", response codes, read 2026-11;
//! RevenueCat docs, "Iterable".
//!
//! | ours | theirs |
//! |---|---|
//! | `$email`; else `$iterableUserId`, else the app's name for the customer, of 52 characters at most | `email`, `userId` |
//! | what brought money in | `commerce/trackPurchase`: one item of its whole price, with the event's name |
//! | all else | `events/track`; a refund has its amount, below zero, among the fields |
//! | id of the event, as a UUID | `id`, by which a repetition overwrites |
//! | `occurred_at` | `createdAt`, seconds |
//! | `$iterableCampaignId`, `$iterableTemplateId` | `campaignId`, `templateId`, numbers |
//! | properties | `dataFields` |
//!
//! A user is named by one of the two: e-mail goes first, because projects know users by it unless they say otherwise. Purchases have no
//! currency, so amounts are dollars unless it is said otherwise. A refund is no purchase below zero, which would falsify campaigns' revenue.
//! New names of events have to be allowed in the project's settings: until then they are refused.
//!
//! One event goes in a request, of which 2,000 a second are taken: `events/trackBulk` takes ten requests a second, has none for purchases, and names the
//! users and the events that it did not take, so that two events of one customer could not be told apart.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, common,
    common::{Common, Keys, Refunds, Times, Who, number, properties},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, Money, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Iterable;

const OWN: &[Field] = &[
    Field::new(
        "api_key",
        FieldKind::Secret,
        "Server-side API key of the project: Integrations, API keys.",
    ),
    Field::new(
        "sandbox_api_key",
        FieldKind::Secret,
        "Key of another project for test purchases; without it they are not sent.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&["us", "eu"]),
        "Where the project's data are kept.",
    ),
];

static SPEC: Spec = Spec {
    key: "iterable",
    title: "Iterable",
    category: Category::Messaging,
    summary: "Purchases and events for the user that the app knows, to start journeys.",
    notes: &[
        "Allow new names of events in the project's settings first, or they are refused.",
        "A refund is an event and takes nothing off the revenue of campaigns.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::NAMES,
        common::DOLLARS,
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

impl Destination for Iterable {
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

/// Characters of a user's id, at most. Source: Iterable API docs, "userId".
const LONGEST: usize = 52;

/// Who a user is.
fn user(who: Who<'_>) -> Result<Map<String, Value>, Unsendable> {
    if let Some(email) = who.attribute("$email") {
        return Ok(Map::from_iter([("email".to_owned(), email.into())]));
    }
    let id = who.attribute("$iterableUserId");
    let id = id.unwrap_or(who.app_user_id());
    if id.chars().count() > LONGEST {
        return Err(Unsendable::lacks_attribute(
            "$email, and its name is longer than the 52 characters of a user id",
        ));
    }
    Ok(Map::from_iter([
        ("userId".to_owned(), id.into()),
        ("preferUserId".to_owned(), true.into()),
    ]))
}

impl Ready {
    const fn keys(&self) -> Keys<'_> {
        Keys::new(
            ("api_key", &self.settings.api_key),
            ("sandbox_api_key", &self.settings.sandbox_api_key),
        )
    }

    fn attributes(&self, who: Who<'_>) -> Option<(String, Value)> {
        let all = who.attributes();
        let all: Map<_, _> = all
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let sends = self.common.sends_attributes();
        sends.then(|| ("subscriber_attributes".into(), all.into()))
    }

    /// What brought money in, as a purchase of one item.
    fn purchase(
        &self,
        name: &str,
        event: &Event,
        amount: Money,
        who: Who<'_>,
    ) -> Result<Value, Unsendable> {
        let mut user = user(who)?;
        let mut known = Map::from_iter([("app_user_id".to_owned(), who.app_user_id().into())]);
        known.extend(self.attributes(who));
        user.insert("dataFields".into(), known.into());
        let mut fields = properties(event, who, Times::Iso);
        fields.insert("currency".into(), amount.currency.code().into());
        Ok(json!({
            "user": user,
            "total": number(amount),
            "items": [{
                "id": event.product,
                "name": name,
                "price": number(amount),
                "quantity": 1,
                "dataFields": fields,
            }],
        }))
    }

    fn event(&self, name: &str, event: &Event, who: Who<'_>) -> Result<Value, Unsendable> {
        let mut told = user(who)?;
        // Which the event endpoint does not have.
        told.remove("preferUserId");
        let mut fields = properties(event, who, Times::Iso);
        if let Some(amount) = self.common.amount(event, Refunds::Negative) {
            fields.insert("revenue".into(), number(amount));
            fields.insert("currency".into(), amount.currency.code().into());
        }
        fields.extend(self.attributes(who));
        told.insert("eventName".into(), name.into());
        told.insert("dataFields".into(), fields.into());
        Ok(told.into())
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
        let amount = self.common.amount(event, Refunds::Omitted);
        let amount = amount.filter(|_| event.kind.is_charge() && event.product.is_some());
        let (path, mut body) = match amount {
            Some(amount) => (
                "/api/commerce/trackPurchase",
                self.purchase(&message.name, event, amount, who)?,
            ),
            None => ("/api/events/track", self.event(&message.name, event, who)?),
        };
        body["id"] = event.id.uuid().to_string().into();
        body["createdAt"] = Times::Seconds.of(event.occurred_at);
        for (attribute, field) in [
            ("$iterableCampaignId", "campaignId"),
            ("$iterableTemplateId", "templateId"),
        ] {
            let id = who.attribute(attribute);
            if let Some(id) = id.and_then(|id| id.parse::<u64>().ok()) {
                body[field] = id.into();
            }
        }
        let host = match self.settings.region {
            Region::Us => "https://api.iterable.com",
            Region::Eu => "https://api.eu.iterable.com",
        };
        let url = self.common.url(host, path);
        let request = Request::json(&url, body.to_string().into_bytes());
        Ok(request
            .redacting(key)
            .with_secret_header("api-key", key.expose()))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.json();
        let code = said["code"].as_str();
        let why = || {
            let (status, said) = (response.status, response.said());
            format!("Iterable answered {status}: {said}")
        };
        match response.status {
            200..=299 if code == Some("Success") => Outcome::Delivered,
            200..=299 if code.is_none() => Outcome::Retry(response.retry_after),
            401 | 403 => Outcome::CredentialsRefused(why()),
            400 if code == Some("BadApiKey") => Outcome::CredentialsRefused(why()),
            408 | 429 => Outcome::Retry(response.retry_after),
            200..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.keys().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.keys().endpoints()
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
