//! Mixpanel, by its Import and Engage APIs. Source: Mixpanel docs, "Import Events", "Append to List Property", "Debugging: Validate Data", read
//! 2026-11; RevenueCat docs, "Mixpanel", for the profile.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `event` |
//! | `$mixpanelDistinctId`, else the app's name for the customer | `distinct_id` |
//! | `occurred_at` | `time`, milliseconds |
//! | id of the event, as a UUID | `$insert_id`, which with event, `distinct_id` and time tells a repetition |
//! | amount, below zero for a refund, zero where nothing moved | `revenue` with `currency` |
//! | properties, how it stands with the subscription | beside them |
//! | attributes, where they are sent | `subscriber_attributes` |
//! | amount, where `profile_revenue` is on | `$append` of one to `$transactions` of the profile: a second message, which no id keeps from counting twice |
//!
//! Each message is a delivery of its own, the profile's after the event's: what was accepted is not sent again because the other was not.
//!
//! `/import` takes events of any age, where `/track` drops those of more than five days, and refuses those of more than an hour ahead. It is
//! asked as a service account with the number of the project, or else with the token of the project as the user. Placeholders such as `null` are
//! no names for anybody there. `ip` is `0`, so that nobody lives where this server stands. Events of a project in another region are
//! taken and lost.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Timer, Travel, Unsendable, Window, common,
    common::{
        Common, Refunds, Times, Who, by_status, moves_money, number, properties, revenue, said,
        subscription_status,
    },
    spec::fields,
    told::store,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The entry in [`crate::ALL`].
pub struct Mixpanel;

const OWN: &[Field] = &[
    Field::new(
        "project_token",
        FieldKind::Secret,
        "Token of the project: Settings, Project Settings, Access Keys.",
    ),
    Field::new(
        "sandbox_project_token",
        FieldKind::Secret,
        "Token of another project for test purchases; without it they are not sent.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&["us", "eu", "in"]),
        "Where the project's data are kept. The wrong one takes events and loses them.",
    ),
    Field::new(
        "service_account",
        FieldKind::Text,
        "User name of a service account, to import as it and not with the token.",
    ),
    Field::new(
        "service_secret",
        FieldKind::Secret,
        "Secret of that service account.",
    ),
    Field::new(
        "project_id",
        FieldKind::Text,
        "Number of the project, which a service account has to say.",
    ),
    Field::new(
        "profile_revenue",
        FieldKind::Switch,
        "Also add each amount to the customer's profile, for the revenue report. The report adds all up as one currency: choose `usd`.",
    ),
];

static SPEC: Spec = Spec {
    key: "mixpanel",
    title: "Mixpanel",
    category: Category::Analytics,
    summary: "Product analytics: each event with its revenue, and amounts on the customer's profile.",
    notes: &[
        "Switch off revenue events of your own app, or money counts twice.",
        "Sums of `revenue` do not look at `currency`: choose `usd` where customers pay in several.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::TIMERS,
        common::NAMES,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "project_token",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "sandbox_project_token",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "service_secret",
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
    In,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    project_token: Secret,
    #[serde(default)]
    sandbox_project_token: Secret,
    #[serde(default)]
    region: Region,
    #[serde(default)]
    service_account: String,
    #[serde(default)]
    service_secret: Secret,
    #[serde(default)]
    project_id: String,
    #[serde(default)]
    profile_revenue: bool,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Mixpanel {
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

/// The message that goes to the customer's profile.
const PROFILE: &str = "profile";

impl Ready {
    fn token(&self, environment: Environment) -> Result<&Secret, Unsendable> {
        let (token, named) = match environment {
            Environment::Production => (&self.settings.project_token, "project_token"),
            Environment::Sandbox => (
                &self.settings.sandbox_project_token,
                "sandbox_project_token",
            ),
        };
        if token.is_empty() {
            return Err(Unsendable::lacks_setting(named));
        }
        Ok(token)
    }

    /// Whether events of an environment are imported as the service account, whose project is that of production.
    fn is_account(&self, environment: Environment) -> bool {
        environment == Environment::Production && !self.settings.service_account.is_empty()
    }

    fn check(&self, environment: Environment) -> Result<(), Unsendable> {
        if !self.is_account(environment) {
            return self.token(environment).map(|_| ());
        }
        if self.settings.service_secret.is_empty() {
            return Err(Unsendable::lacks_setting("service_secret"));
        }
        if self.settings.project_id.is_empty() {
            return Err(Unsendable::lacks_setting("project_id"));
        }
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        let host = match self.settings.region {
            Region::Us => "https://api.mixpanel.com",
            Region::Eu => "https://api-eu.mixpanel.com",
            Region::In => "https://api-in.mixpanel.com",
        };
        self.common.url(host, path)
    }

    fn event(&self, message: &Message, event: &Event, who: Who<'_>) -> Result<Value, Unsendable> {
        let mut told = properties(event, who, Times::Iso);
        let amount = self.common.amount(event, Refunds::Negative);
        told.insert("distinct_id".into(), distinct_id(who)?.into());
        told.insert("time".into(), Times::Millis.of(event.occurred_at));
        told.insert("$insert_id".into(), event.id.uuid().to_string().into());
        told.insert("ip".into(), 0.into());
        if let Some(status) = subscription_status(event) {
            told.insert("subscription_status".into(), status.into());
        }
        if let Some(revenue) = revenue(event, amount) {
            told.insert("revenue".into(), revenue);
        }
        if let Some(amount) = amount {
            told.insert("currency".into(), amount.currency.code().into());
        }
        if self.common.sends_attributes() {
            let all: BTreeMap<&str, &str> = who.attributes().collect();
            told.insert("subscriber_attributes".into(), json!(all));
        }
        Ok(json!([{ "event": message.name, "properties": told }]))
    }

    fn import(&self, event: &Event, body: &Value) -> Result<Request, Unsendable> {
        self.check(event.environment)?;
        let request = Request::json(&self.url("/import"), body.to_string().into_bytes())
            .with_query([("strict", "1")]);
        if !self.is_account(event.environment) {
            let token = self.token(event.environment)?;
            return Ok(request.with_basic(token.expose(), "").redacting(token));
        }
        let secret = &self.settings.service_secret;
        Ok(request
            .with_query([("project_id", self.settings.project_id.as_str())])
            .with_basic(&self.settings.service_account, secret.expose())
            .redacting(secret))
    }

    fn append(&self, event: &Event, who: Who<'_>) -> Result<Request, Unsendable> {
        let amount = self.common.amount(event, Refunds::Negative);
        let amount = amount.ok_or_else(|| Unsendable::unsupported("it moves no money"))?;
        let token = self.token(event.environment)?;
        let mut transaction = json!({
            "$time": event.occurred_at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            "$amount": number(amount),
            "currency": amount.currency.code(),
            "store": store(event),
        });
        if let Some(product) = &event.product {
            transaction["product_id"] = product.as_str().into();
        }
        let body = json!([{
            "$token": token.expose(),
            "$distinct_id": distinct_id(who)?,
            "$ip": "0",
            "$append": { "$transactions": transaction },
        }]);
        Ok(
            Request::json(&self.url("/engage"), body.to_string().into_bytes())
                .with_query([("verbose", "1")])
                .redacting(token),
        )
    }
}

fn distinct_id(who: Who<'_>) -> Result<&str, Unsendable> {
    who.known_as("$mixpanelDistinctId")
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let has_sandbox = !self.settings.sandbox_project_token.is_empty();
        let name = self
            .common
            .name(event, has_sandbox, |kind| self.usual(kind))?;
        let mut messages = vec![Message::named(name)];
        if self.settings.profile_revenue && self.common.amount(event, Refunds::Negative).is_some() {
            messages.push(Message {
                format: Some(PROFILE.to_owned()),
                ..Message::named("$transactions")
            });
        }
        Ok(messages)
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let who = self.common.who(event, now);
        if message.format.as_deref() == Some(PROFILE) {
            return self.append(event, who);
        }
        self.import(event, &self.event(message, event, who)?)
    }

    fn classify(&self, response: &Response) -> Outcome {
        let body = response.json();
        let why = || match body["failed_records"][0]["message"].as_str() {
            Some(message) => format!("Mixpanel answered {}: {message}", response.status),
            None => said("Mixpanel", response),
        };
        // Of `/engage`, and of proxies that make `/track` of it.
        let is_refused = body == 0 || body["status"] == 0;
        let imported = body["num_records_imported"].as_u64();
        match by_status("Mixpanel", response) {
            Outcome::Delivered if is_refused => Outcome::Rejected(why()),
            Outcome::Rejected(_) if imported.is_some_and(|many| many > 0) => Outcome::Partly(why()),
            Outcome::Rejected(_) => Outcome::Rejected(why()),
            outcome => outcome,
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: None,
            ahead: Some(SignedDuration::from_hours(1)),
        }
    }

    fn repeatable(&self, message: &Message, event: &Event) -> bool {
        let is_append = message.format.as_deref() == Some(PROFILE);
        !is_append || !moves_money(event.kind) || self.common.repeats()
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        if self.settings.sandbox_project_token.is_empty() {
            Environment::Production
        } else {
            environment
        }
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        all.retain(|environment| self.check(*environment).is_ok());
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
