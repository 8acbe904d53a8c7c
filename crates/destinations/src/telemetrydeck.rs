//! TelemetryDeck, by its ingest API, version 2. Source: TelemetryDeck docs, "Ingest API v2", "Default parameters" and "RevenueCat", read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `type` |
//! | `$telemetryDeckAppId`, else the setting `app_id` | `appID` |
//! | `$telemetryDeckUserId`, without which nothing is sent: the hash that the SDK makes | `clientUser` |
//! | test purchases | `isTestMode` |
//! | amount, below zero for a refund | `floatValue` |
//! | the amount by its currency | `RevenueCat.event.price` in US dollars, else `RevenueCat.event.price_in_purchased_currency`, numbers both |
//! | properties but the names of the customer, each as a text | `RevenueCat.event.…` in `payload`, under which TelemetryDeck's own charts look for them |
//! | `occurred_at` | `Tidings.occurredAt` in `payload`: a text, and not when it counts |
//!
//! An event has no time: it counts when it arrives. So none is sent that is older than a day, and one that lies ahead waits. There is no key: who
//! knows the namespace and the app may send. Nothing tells a repetition.
//! Assumed, not told by TelemetryDeck: that an app without a namespace of its own takes `/v2/`.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Unsendable, Window, common,
    common::{Common, Refunds, Times, Who, by_status, flat, moves_money, number, properties, said},
    encode::percent,
    spec::fields,
};
use domain::{Currency, Environment, Event, EventKind, Message, Money, pace::Rate, retry};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Telemetrydeck;

const OWN: &[Field] = &[
    Field::new(
        "namespace",
        FieldKind::Text,
        "Namespace of the organization, as `com.example`: Organization settings.",
    ),
    Field::new(
        "app_id",
        FieldKind::Text,
        "App id for customers whose app does not set `$telemetryDeckAppId`.",
    )
    .of(Group::Identity),
];

static SPEC: Spec = Spec {
    key: "telemetrydeck",
    title: "TelemetryDeck",
    category: Category::Analytics,
    summary: "Analytics without personal data: each event with its revenue, for the hash that the app's SDK made.",
    notes: &[
        "An event counts when it arrives: what is older than a day is not sent, and a replay does not change the past.",
        "The app has to set `$telemetryDeckUserId` to the hash that TelemetryDeck's SDK makes, not to the name behind it.",
        "Test purchases are always sent, in test mode.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::NAMES,
        common::MONEY,
        common::DELIVERY,
    ),
    travels: &[],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 16,
};

/// How old an event may be that is booked when it arrives.
const OLDEST: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    app_id: String,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Telemetrydeck {
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

/// Properties that say who a customer is, whom TelemetryDeck knows by a hash for that nobody should know more.
const NAMES: [&str; 3] = ["aliases", "app_user_id", "original_app_user_id"];

/// What is told beside the name and the amount.
fn payload(event: &Event, who: Who<'_>, amount: Option<Money>) -> Map<String, Value> {
    let told = flat(properties(event, who, Times::Iso));
    let told = told
        .into_iter()
        .filter(|(name, _)| !NAMES.contains(&name.as_str()))
        .map(|(name, value)| (format!("RevenueCat.event.{name}"), value));
    let mut told: Map<_, _> = told.collect();
    let occurred = Times::Iso.of(event.occurred_at);
    told.insert("Tidings.occurredAt".into(), occurred);
    if let Some(amount) = amount {
        let name = if amount.currency == Currency::USD {
            "RevenueCat.event.price"
        } else {
            "RevenueCat.event.price_in_purchased_currency"
        };
        told.insert(name.into(), number(amount));
        let code = amount.currency.code();
        told.insert("RevenueCat.event.currency".into(), code.into());
    }
    told
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.name(event, true, |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let who = self.common.who(event, now);
        let own = Some(self.settings.app_id.as_str()).filter(|id| !id.is_empty());
        let app = who.attribute("$telemetryDeckAppId").or(own);
        let app = app.ok_or_else(|| Unsendable::lacks_attribute("$telemetryDeckAppId"))?;
        let user = who
            .attribute("$telemetryDeckUserId")
            .ok_or_else(|| Unsendable::lacks_attribute("$telemetryDeckUserId"))?;
        let amount = self.common.amount(event, Refunds::Negative);
        let is_test = event.environment == Environment::Sandbox || event.kind == EventKind::Test;
        let mut told = json!({
            "appID": app,
            "clientUser": user,
            "type": message.name,
            "isTestMode": is_test,
            "payload": payload(event, who, amount),
        });
        if let Some(amount) = amount {
            told["floatValue"] = number(amount);
        }
        let path = if self.settings.namespace.is_empty() {
            "/v2/".to_owned()
        } else {
            format!("/v2/namespace/{}/", percent(&self.settings.namespace))
        };
        let url = self.common.url("https://nom.telemetrydeck.com", &path);
        let body = json!([told]).to_string().into_bytes();
        Ok(Request::new(crate::Method::Post, url)
            .with_body("application/json; charset=utf-8", body))
    }

    fn classify(&self, response: &Response) -> Outcome {
        match response.status {
            // There is no key to refuse, but a namespace that nobody has.
            404 => Outcome::CredentialsRefused(said("TelemetryDeck", response)),
            _ => by_status("TelemetryDeck", response),
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(OLDEST),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        !moves_money(event.kind) || self.common.repeats()
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
