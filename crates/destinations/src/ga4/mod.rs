//! Google Analytics 4 for apps (Firebase), by the Measurement Protocol. Source: Google, "Measurement Protocol (Google Analytics 4)": reference for
//! app streams, "Send events", limits and reserved names, read 2026-11; RevenueCat docs, "Firebase", for names and parameters.
//!
//! | ours | theirs |
//! |---|---|
//! | a charge | `purchase` |
//! | a refund | `refund`, with the amount above zero and the `transaction_id` of what was bought |
//! | other kinds, renamed | name of the event |
//! | `$firebaseAppInstanceId`, without which nothing is sent | `app_instance_id` |
//! | the app's name for the customer | `user_id` |
//! | `occurred_at` | `timestamp_micros` |
//! | amount | `value` with `currency`; of a refund by another name than `refund` none, for it would be added |
//! | id of the transaction, of a renewal its own | `transaction_id` |
//! | product | `items[0].item_id` |
//! | properties, moments in microseconds | parameters |
//! | how it stands with the subscription, attributes where they are sent | `user_properties` |
//! | a transfer | two events, one for each side |
//!
//! The secret is in the query. The answer is 204 whatever was sent, and what does not fit is dropped: the app instance must have been active, names
//! and values are cut to what fits, and what is older than 72 hours is not sent. Moments must lie in the past: what lies ahead waits.
//! Nothing tells a repetition. What is neither of iOS nor of Android, as a purchase on the web, goes to the stream of the iOS app, or else to
//! that of Android.
//! Assumed, not read again: the address of the EU, and that a stream counts one `transaction_id` once.

mod names;
mod parameters;

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Timer, Travel, Unsendable, Window, common,
    common::{Account, Common, Times, Who, by_status, moves_money, said},
    spec::fields,
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Ga4;

const OWN: &[Field] = &[
    Field::new(
        "ios_firebase_app_id",
        FieldKind::Text,
        "Firebase app id of the iOS app, as `1:1234:ios:abcd`: Firebase, Project settings, Your apps.",
    ),
    Field::new(
        "ios_api_secret",
        FieldKind::Secret,
        "Secret of its stream: Analytics, Admin, Data streams, Measurement Protocol API secrets.",
    ),
    Field::new(
        "android_firebase_app_id",
        FieldKind::Text,
        "Firebase app id of the Android app.",
    ),
    Field::new(
        "android_api_secret",
        FieldKind::Secret,
        "Secret of its stream.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&["us", "eu"]),
        "Which of Google's servers collect the events.",
    )
    .of(Group::Privacy),
];

static SPEC: Spec = Spec {
    key: "ga4",
    title: "Google Analytics 4 (Firebase)",
    category: Category::Analytics,
    summary: "Purchases, refunds and what happens between them, for the app instance that Firebase knows.",
    notes: &[
        "Google answers 204 whatever was sent: that an event arrived shows only in Analytics, DebugView or Realtime.",
        "With the `endpoint` `https://www.google-analytics.com/debug` Google says what is wrong with an event, and counts none.",
        "Firebase logs `in_app_purchase` by itself: look at `purchase` or at that, not at their sum.",
        "The app has to set `$firebaseAppInstanceId`; one that was never active takes events and loses them.",
        "What is sent this way does not count in Firebase A/B Testing.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::TIMERS,
        common::NAMES,
        common::SANDBOX,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "ios_api_secret",
            to: &["region", "endpoint"],
        },
        Travel {
            secret: "android_api_secret",
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
    ios_firebase_app_id: String,
    #[serde(default)]
    ios_api_secret: Secret,
    #[serde(default)]
    android_firebase_app_id: String,
    #[serde(default)]
    android_api_secret: Secret,
    #[serde(default)]
    region: Region,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Ga4 {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (own, common) = common::read(settings, &SPEC)?;
        let problems = names::problems(&settings["events"]);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready {
            settings: own,
            common,
        }))
    }
}

/// The message of a transfer that is about whom the purchase belonged to before.
const FROM: &str = "transferred_from";

impl Ready {
    /// The app that an event is of, and the secret of its stream.
    fn stream(&self, who: Who<'_>) -> Result<Account<'_>, Unsendable> {
        let ios = Account {
            id: &self.settings.ios_firebase_app_id,
            secret: &self.settings.ios_api_secret,
            id_setting: "ios_firebase_app_id",
            secret_setting: "ios_api_secret",
        };
        let android = Account {
            id: &self.settings.android_firebase_app_id,
            secret: &self.settings.android_api_secret,
            id_setting: "android_firebase_app_id",
            secret_setting: "android_api_secret",
        };
        Account::of_platform(who, ios, android)
    }

    fn request(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let who = self.common.who(event, now);
        let stream = self.stream(who)?;
        let instance = who
            .attribute("$firebaseAppInstanceId")
            .ok_or_else(|| Unsendable::lacks_attribute("$firebaseAppInstanceId"))?;
        let body = json!({
            "app_instance_id": instance,
            "user_id": who.app_user_id(),
            "timestamp_micros": Times::Micros.of(event.occurred_at),
            "user_properties": parameters::of_user(&self.common, event, who),
            "events": [{
                "name": message.name,
                "params": parameters::of_event(&self.common, &message.name, event, who),
            }],
        });
        let host = match self.settings.region {
            Region::Us => "https://www.google-analytics.com",
            Region::Eu => "https://region1.google-analytics.com",
        };
        let url = self.common.url(host, "/mp/collect");
        Ok(Request::json(&url, body.to_string().into_bytes())
            .with_query([
                ("firebase_app_id", stream.id),
                ("api_secret", stream.secret.expose()),
            ])
            .redacting(stream.secret))
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        match kind {
            kind if kind.is_charge() => Some("purchase"),
            kind => self
                .common
                .usual_name_by(kind, names::revenuecat, names::own),
        }
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.name(event, false, |kind| self.usual(kind))?;
        let mut messages = vec![Message::named(name.clone())];
        if event.kind == EventKind::Transfer && event.transferred_from.is_some() {
            messages.push(Message {
                format: Some(FROM.to_owned()),
                ..Message::named(name)
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
        let other = event.transferred_from.as_ref();
        let other = other.filter(|_| message.format.as_deref() == Some(FROM));
        let Some(customer) = other else {
            return self.request(message, event, now);
        };
        let attributes = &customer.attributes;
        let event = Event {
            customer: customer.clone(),
            ..event.clone()
        };
        self.request(message, &event, Now { attributes, ..now })
    }

    fn classify(&self, response: &Response) -> Outcome {
        // Only the address that validates says anything, and counts nothing.
        let found = &response.json()["validationMessages"];
        let is_invalid = found.as_array().is_some_and(|found| !found.is_empty());
        match by_status("Google", response) {
            Outcome::Delivered if is_invalid => Outcome::Rejected(said("Google", response)),
            outcome => outcome,
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(72)),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        !moves_money(event.kind) || self.common.repeats()
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
