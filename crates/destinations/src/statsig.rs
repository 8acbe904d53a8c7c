//! Statsig, by its HTTP API. Source: github statsig-io/docs, `httpopenapi.json`, read 2026-11; RevenueCat docs, "Statsig", for names.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `eventName` |
//! | the app's name for the customer, which must be the one that Statsig's SDK is told | `user.userID` |
//! | test purchases | `user.statsigEnvironment.tier` `development` |
//! | `occurred_at` | `time`, milliseconds |
//! | amount, below zero for a refund | `value`, with `currency` in `metadata` |
//! | properties, each as a text | `metadata` |
//! | attributes, where they are sent | `user.custom` |
//! | the moment of sending | header `statsig-client-time`, by which Statsig corrects clocks |
//!
//! The key is in a header. Nothing tells a repetition. RevenueCat tells trials here under the names of purchases, with `period_type` `TRIAL`.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, common,
    common::{Common, Refunds, Times, by_status, flat, moves_money, number, properties},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The entry in [`crate::ALL`].
pub struct Statsig;

const OWN: &[Field] = &[Field::new(
    "server_secret",
    FieldKind::Secret,
    "Server secret key: Settings, Keys & Environments. It begins with `secret-`.",
)];

static SPEC: Spec = Spec {
    key: "statsig",
    title: "Statsig",
    category: Category::Analytics,
    summary: "Experiments and feature gates: each event with its revenue as a metric of the user.",
    notes: &[
        "Statsig's SDK has to know the user by the app's name for the customer, or events are about nobody.",
        "Test purchases are always sent, as of the tier development.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY,
    ),
    travels: &[Travel {
        secret: "server_secret",
        to: &["endpoint"],
    }],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    server_secret: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Statsig {
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

/// What RevenueCat calls a kind here; `None` for what it does not send.
const fn revenuecat(kind: EventKind) -> Option<&'static str> {
    common::revenuecat(match kind {
        EventKind::TrialStarted => EventKind::SubscriptionStarted,
        EventKind::TrialConverted => EventKind::SubscriptionRenewed,
        EventKind::TrialRenewalCancelled => EventKind::SubscriptionRenewalCancelled,
        kind => kind,
    })
}

impl Ready {
    fn event(&self, message: &Message, event: &Event, now: Now<'_>) -> Value {
        let who = self.common.who(event, now);
        let amount = self.common.amount(event, Refunds::Negative);
        let mut metadata = flat(properties(event, who, Times::Iso));
        let mut user = json!({
            "userID": who.app_user_id(),
            "statsigEnvironment": { "tier": match event.environment {
                Environment::Production => "production",
                Environment::Sandbox => "development",
            }},
        });
        if self.common.sends_attributes() {
            user["custom"] = who.traits().collect::<Map<_, _>>().into();
        }
        if let Some(amount) = amount {
            metadata.insert("currency".into(), amount.currency.code().into());
        }
        let mut told = json!({
            "eventName": message.name,
            "time": Times::Millis.of(event.occurred_at),
            "user": user,
            "metadata": metadata,
        });
        if let Some(amount) = amount {
            told["value"] = number(amount);
        }
        told
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        let own = |kind: EventKind| kind.id();
        self.common.usual_name_by(kind, revenuecat, own)
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
        let secret = &self.settings.server_secret;
        if secret.is_empty() {
            return Err(Unsendable::lacks_setting("server_secret"));
        }
        let body = json!({ "events": [self.event(message, event, now)] });
        let url = self
            .common
            .url("https://events.statsigapi.net", "/v1/log_event");
        Ok(Request::json(&url, body.to_string().into_bytes())
            .with_header("statsig-client-time", Times::Millis.of(now.at).to_string())
            .with_secret_header("statsig-api-key", secret.expose())
            .redacting(secret))
    }

    fn classify(&self, response: &Response) -> Outcome {
        match by_status("Statsig", response) {
            Outcome::Delivered if response.json()["success"] == false => {
                Outcome::Retry(response.retry_after)
            }
            outcome => outcome,
        }
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
