//! PostHog, by its capture API. Source: PostHog docs, "Capture and batch API endpoints", and the source of its capture service, read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `event` |
//! | `$posthogUserId`, else the app's name for the customer | `distinct_id` |
//! | `occurred_at` | `timestamp`, RFC 3339 |
//! | id of the event, as a UUID | `uuid`, which with event, time and `distinct_id` tells a repetition, later and as well as it can |
//! | amount, below zero for a refund, zero where nothing moved | `revenue` with `currency` |
//! | properties | `properties` |
//! | how it stands with the subscription, and attributes where they are sent | `$set` of the person |
//!
//! The key is in the body. `$geoip_disable` keeps this server's address off the person. Placeholders such as `guest` are dropped without a
//! word, and so is everything beyond the limit of the plan. Of events more than 23 hours ahead PostHog warns: they wait.
//! Assumed, not read again: other deployments answer `{"status":"Ok"}`.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Timer, Travel, Unsendable, Window, common,
    common::{Common, Refunds, Times, by_status, properties, revenue, subscription_status},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The entry in [`crate::ALL`].
pub struct Posthog;

const OWN: &[Field] = &[
    Field::new(
        "project_api_key",
        FieldKind::Secret,
        "Key of the project: Settings, Project, Project API key. It begins with `phc_`.",
    ),
    Field::new(
        "sandbox_project_api_key",
        FieldKind::Secret,
        "Key of another project for test purchases; without it they are not sent.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&["us", "eu"]),
        "Where the project is. For a PostHog of your own, set `endpoint`.",
    ),
    Field::new(
        "anonymous",
        FieldKind::Switch,
        "Without profiles of persons, which PostHog charges less for.",
    )
    .of(crate::Group::Privacy),
];

static SPEC: Spec = Spec {
    key: "posthog",
    title: "PostHog",
    category: Category::Analytics,
    summary: "Product analytics, hosted or your own: each event with its revenue, for the person that the app knows.",
    notes: &[
        "Beyond the limit of the plan PostHog answers as ever, and drops the event.",
        "Sums of `revenue` do not look at `currency`: choose `usd` where customers pay in several.",
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
            secret: "project_api_key",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "sandbox_project_api_key",
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
    project_api_key: Secret,
    #[serde(default)]
    sandbox_project_api_key: Secret,
    #[serde(default)]
    region: Region,
    #[serde(default)]
    anonymous: bool,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Posthog {
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
            Environment::Production => (&self.settings.project_api_key, "project_api_key"),
            Environment::Sandbox => (
                &self.settings.sandbox_project_api_key,
                "sandbox_project_api_key",
            ),
        };
        if key.is_empty() {
            return Err(Unsendable::lacks_setting(named));
        }
        Ok(key)
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let has_sandbox = !self.settings.sandbox_project_api_key.is_empty();
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
        let amount = self.common.amount(event, Refunds::Negative);
        let mut told = properties(event, who, Times::Iso);
        told.insert("$geoip_disable".into(), true.into());
        if let Some(revenue) = revenue(event, amount) {
            told.insert("revenue".into(), revenue);
        }
        if let Some(amount) = amount {
            told.insert("currency".into(), amount.currency.code().into());
        }
        if self.settings.anonymous {
            told.insert("$process_person_profile".into(), false.into());
        } else {
            let mut person = Map::new();
            if self.common.sends_attributes() {
                person.extend(who.traits());
            }
            if let Some(status) = subscription_status(event) {
                person.insert("subscription_status".into(), status.into());
            }
            if !person.is_empty() {
                told.insert("$set".into(), person.into());
            }
        }
        let body = json!({
            "api_key": key.expose(),
            "event": message.name,
            "distinct_id": who.known_as("$posthogUserId")?,
            "uuid": event.id.uuid().to_string(),
            "timestamp": Times::Iso.of(event.occurred_at),
            "properties": told,
        });
        let host = match self.settings.region {
            Region::Us => "https://us.i.posthog.com",
            Region::Eu => "https://eu.i.posthog.com",
        };
        let url = self.common.url(host, "/i/v0/e/");
        Ok(Request::json(&url, body.to_string().into_bytes()).redacting(key))
    }

    fn classify(&self, response: &Response) -> Outcome {
        by_status("PostHog", response)
    }

    fn window(&self) -> Window {
        Window {
            oldest: None,
            ahead: Some(SignedDuration::from_hours(23)),
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        if self.settings.sandbox_project_api_key.is_empty() {
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

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
