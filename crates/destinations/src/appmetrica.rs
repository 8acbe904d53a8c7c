//! AppMetrica, by its Post API. Source: AppMetrica docs, "Post API": uploading events, uploading In-App Revenue events, restrictions, read
//! 2026-11; Adapty docs, "AppMetrica", for the two kinds of requests.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `event_name` at `import/events` |
//! | amount of a charge, where `send_revenue` is on | `price` with `currency` at `import/revenue`: a second request |
//! | `$appmetricaProfileId`; else `$appmetricaDeviceId`; else the app's name for the customer | `profile_id`; `appmetrica_device_id`; `profile_id`: always one of them, as AppMetrica asks |
//! | `occurred_at` | `event_timestamp`, seconds |
//! | properties, and attributes where they are sent | `event_json`, or `payload` of an amount, JSON in a text |
//! | `$idfa`, `$idfv`, `$gpsAdId` | `ios_ifa`, `ios_ifv`, `google_aid` |
//! | product, id of the transaction | `product_id`, `transaction_id` |
//!
//! All is in the query, the key too; attributes as far as a URL has room for them. An amount is that of all items, so `quantity` is one. A refund is an event without an amount: whether a
//! price may be below zero here is not said. What is older than seven days would be booked at another time, and is not sent. Nothing tells
//! a repetition.
//! Assumed: that `revenue_event_type`, which the page lists and does not explain, may be left out.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Method, Now, Outcome,
    Plan, Request, Response, Spec, Timer, Travel, Unsendable, Window, common,
    common::{Account, Common, Platform, Refunds, Times, Who, by_status, moves_money, properties},
    encode::percent,
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, Money, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The entry in [`crate::ALL`].
pub struct Appmetrica;

const OWN: &[Field] = &[
    Field::new(
        "application_id",
        FieldKind::Text,
        "Number of the application: Settings, General.",
    ),
    Field::new(
        "post_api_key",
        FieldKind::Secret,
        "Post API key of the application: Settings, General.",
    ),
    Field::new(
        "sandbox_application_id",
        FieldKind::Text,
        "Number of another application for test purchases.",
    ),
    Field::new(
        "sandbox_post_api_key",
        FieldKind::Secret,
        "Its Post API key; without it they are not sent.",
    ),
    Field::new(
        "send_revenue",
        FieldKind::Switch,
        "Also send amounts of charges as revenue, which the revenue reports are made of.",
    ),
];

static SPEC: Spec = Spec {
    key: "appmetrica",
    title: "AppMetrica",
    category: Category::Analytics,
    summary: "Product analytics of Yandex: each event, and amounts as revenue, for the profile that the app knows.",
    notes: &[
        "AppMetrica shows what is sent to it some hours later.",
        "Only profiles and devices that AppMetrica's SDK has told of take events.",
        "Switch off revenue events of the SDK, or money counts twice.",
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
            secret: "post_api_key",
            to: &["endpoint"],
        },
        Travel {
            secret: "sandbox_post_api_key",
            to: &["endpoint"],
        },
    ],
    events: common::LIFECYCLE_AND_ACTIVE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    application_id: String,
    #[serde(default)]
    post_api_key: Secret,
    #[serde(default)]
    sandbox_application_id: String,
    #[serde(default)]
    sandbox_post_api_key: Secret,
    #[serde(default)]
    send_revenue: bool,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Appmetrica {
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

/// The message that is an amount.
const REVENUE: &str = "revenue";

/// Most bytes of attributes in a query: with what else is told it stays below the 8 KiB that servers take of a URL.
const LONGEST_ATTRIBUTES: usize = 4_096;

/// A request's query.
type Query = Vec<(&'static str, String)>;

impl Ready {
    /// The application that events of an environment are of, and its key.
    fn application(&self, environment: Environment) -> Result<Account<'_>, Unsendable> {
        let application = match environment {
            Environment::Production => Account {
                id: &self.settings.application_id,
                secret: &self.settings.post_api_key,
                id_setting: "application_id",
                secret_setting: "post_api_key",
            },
            Environment::Sandbox => Account {
                id: &self.settings.sandbox_application_id,
                secret: &self.settings.sandbox_post_api_key,
                id_setting: "sandbox_application_id",
                secret_setting: "sandbox_post_api_key",
            },
        };
        application.whole()
    }

    /// What is said of an event beside its name, as JSON in a text.
    fn told(&self, event: &Event, who: Who<'_>) -> String {
        let mut told = properties(event, who, Times::Iso);
        if self.common.sends_attributes() {
            let all: BTreeMap<&str, &str> = who.attributes().collect();
            let all = json!(all);
            if percent(&all.to_string()).len() <= LONGEST_ATTRIBUTES {
                told.insert("subscriber_attributes".into(), all);
            }
        }
        Value::from(told).to_string()
    }

    fn of_event(&self, message: &Message, event: &Event, who: Who<'_>) -> Query {
        vec![
            ("event_name", message.name.clone()),
            ("event_json", self.told(event, who)),
        ]
    }

    fn of_revenue(&self, amount: Money, event: &Event, who: Who<'_>) -> Query {
        let mut query = vec![
            ("price", amount.decimal()),
            ("currency", amount.currency.code().to_owned()),
            ("quantity", "1".to_owned()),
        ];
        if let Some(product) = &event.product {
            query.push(("product_id", product.clone()));
        }
        if let Some(transaction) = &event.transaction {
            query.push(("transaction_id", transaction.id.clone()));
        }
        query.push(("payload", self.told(event, who)));
        query
    }
}

/// Whom an event is about, and on which device.
fn of_customer(who: Who<'_>) -> Vec<(&'static str, &str)> {
    let profile = who.attribute("$appmetricaProfileId");
    let device = who.attribute("$appmetricaDeviceId");
    let mut told = vec![match (profile, device) {
        (Some(profile), _) => ("profile_id", profile),
        (None, Some(device)) => ("appmetrica_device_id", device),
        (None, None) => ("profile_id", who.app_user_id()),
    }];
    told.push(("session_type", "foreground"));
    match who.platform() {
        Platform::Ios => told.push(("os_name", "iOS")),
        Platform::Android => told.push(("os_name", "Android")),
        Platform::Web => {}
    }
    let ids = [
        ("ios_ifa", "$idfa"),
        ("ios_ifv", "$idfv"),
        ("google_aid", "$gpsAdId"),
    ];
    let ids = ids.into_iter();
    told.extend(ids.filter_map(|(name, ours)| Some((name, who.attribute(ours)?))));
    told
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let has_sandbox = !self.settings.sandbox_post_api_key.is_empty();
        let name = self
            .common
            .name(event, has_sandbox, |kind| self.usual(kind))?;
        let mut messages = vec![Message::named(name)];
        let amount = self.common.amount(event, Refunds::Omitted);
        if self.settings.send_revenue && event.kind.is_charge() && amount.is_some() {
            messages.push(Message {
                format: Some(REVENUE.to_owned()),
                ..Message::named("revenue")
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
        let application = self.application(event.environment)?;
        let who = self.common.who(event, now);
        let (path, own) = if message.format.as_deref() == Some(REVENUE) {
            let amount = self.common.amount(event, Refunds::Omitted);
            let amount = amount.ok_or_else(|| Unsendable::unsupported("it moves no money"))?;
            ("revenue", self.of_revenue(amount, event, who))
        } else {
            ("events", self.of_event(message, event, who))
        };
        let timestamp = Times::Seconds.of(event.occurred_at).to_string();
        let url = self.common.url(
            "https://api.appmetrica.yandex.com",
            &format!("/logs/v1/import/{path}"),
        );
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        Ok(Request::new(Method::Post, url)
            .with_query([
                ("post_api_key", application.secret.expose()),
                ("application_id", application.id),
                ("event_timestamp", &timestamp),
            ])
            .with_query(of_customer(who))
            .with_query(own)
            .redacting(application.secret))
    }

    fn classify(&self, response: &Response) -> Outcome {
        by_status("AppMetrica", response)
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(7 * 24)),
            ahead: None,
        }
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        !moves_money(event.kind) || self.common.repeats()
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        if self.settings.sandbox_post_api_key.is_empty() {
            Environment::Production
        } else {
            environment
        }
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        all.retain(|environment| self.application(*environment).is_ok());
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
