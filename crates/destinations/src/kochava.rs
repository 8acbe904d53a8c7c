//! Kochava, post-install events from servers. Source: Kochava support, "Post-Install Event Setup", read 2026-11; RevenueCat docs, "Kochava".
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `data.event_name`: `Subscribe`, `Start Trial`, `Purchase`, or any text |
//! | `$kochavaDeviceId`, which has to be there | `kochava_device_id` |
//! | `$idfa` and `$idfv`, or `$gpsAdId` and `$androidId`; one has to be there | `data.device_ids`: `idfa`, `idfv`, or `adid`, `android_id` |
//! | `$ip` and `$deviceVersion`, which have to be there | `data.origination_ip`, `device_ver` |
//! | `occurred_at` | `data.usertime`, seconds |
//! | amount, below zero for a refund | `data.event_data.sum` with `data.currency` |
//! | product, transaction, the app's name for the customer | `product_id`, `transaction_id`, `user_id` in `event_data` |
//! | `$attConsentStatus` of iOS | `data.app_tracking_transparency.att` (an assumption: the page names the object, not its members) |
//!
//! The id of the app is all that it takes to send: it is kept as a secret. Nobody here knows a user agent, which is empty. The status says
//! nothing: `success` in the body is `"1"` or `"0"`. Accounts that cost nothing are answered with success, and lose the event. How old an event
//! may be is not said, and nothing tells a repetition apart.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Travel, Unsendable, common,
    common::{Att, Common, PerPlatform, Platform, Refunds, Times, Who, by_status, number, said},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Kochava;

const OWN: &[Field] = &[
    Field::new(
        "ios_app_guid",
        FieldKind::Secret,
        "App GUID of the iOS app: Apps and Assets, Apps.",
    ),
    Field::new(
        "android_app_guid",
        FieldKind::Secret,
        "App GUID of the Android app.",
    ),
    Field::new(
        "sandbox_ios_app_guid",
        FieldKind::Secret,
        "App GUID of another app for test purchases on iOS; without it they are not sent.",
    )
    .of(Group::Events),
    Field::new(
        "sandbox_android_app_guid",
        FieldKind::Secret,
        "The same for Android.",
    )
    .of(Group::Events),
];

/// What decides who receives the ids.
const TO: &[&str] = &["endpoint"];

static SPEC: Spec = Spec {
    key: "kochava",
    title: "Kochava",
    category: Category::Attribution,
    summary: "Attribution: each event with its revenue, for the device that it goes back to.",
    notes: &[
        "Switch off purchase events of Kochava's own SDK, or money counts twice.",
        "Accounts that cost nothing are answered with success, and lose every event.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::MONEY,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "ios_app_guid",
            to: TO,
        },
        Travel {
            secret: "android_app_guid",
            to: TO,
        },
        Travel {
            secret: "sandbox_ios_app_guid",
            to: TO,
        },
        Travel {
            secret: "sandbox_android_app_guid",
            to: TO,
        },
    ],
    events: common::ATTRIBUTED,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    ios_app_guid: Secret,
    android_app_guid: Secret,
    sandbox_ios_app_guid: Secret,
    sandbox_android_app_guid: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Kochava {
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

/// What an event is called unless `events` says otherwise.
const fn usual(kind: EventKind) -> &'static str {
    match kind {
        EventKind::SubscriptionStarted
        | EventKind::SubscriptionRenewed
        | EventKind::TrialConverted => "Subscribe",
        EventKind::TrialStarted => "Start Trial",
        EventKind::NonSubscriptionPurchase => "Purchase",
        _ => kind.id(),
    }
}

fn needed<'a>(who: Who<'a>, attribute: &str) -> Result<&'a str, Unsendable> {
    let value = who.attribute(attribute);
    value.ok_or_else(|| Unsendable::lacks_attribute(attribute))
}

/// What tells the device apart; one of it has to be there.
fn devices(who: Who<'_>, platform: Platform) -> Result<Value, Unsendable> {
    let named: [(&str, &str); 2] = match platform {
        Platform::Android => [("adid", "$gpsAdId"), ("android_id", "$androidId")],
        Platform::Ios | Platform::Web => [("idfa", "$idfa"), ("idfv", "$idfv")],
    };
    let found = named.iter().filter_map(|(name, attribute)| {
        Some(((*name).to_owned(), who.attribute(attribute)?.into()))
    });
    let found: Map<String, Value> = found.collect();
    if found.is_empty() {
        let [(_, one), (_, other)] = named;
        return Err(Unsendable::lacks_attribute(format!("{one} or {other}")));
    }
    Ok(found.into())
}

impl Ready {
    fn apps(&self, environment: Environment) -> PerPlatform<'_, Secret> {
        let of = &self.settings;
        let (ios, android) = match environment {
            Environment::Production => (
                ("ios_app_guid", &of.ios_app_guid),
                ("android_app_guid", &of.android_app_guid),
            ),
            Environment::Sandbox => (
                ("sandbox_ios_app_guid", &of.sandbox_ios_app_guid),
                ("sandbox_android_app_guid", &of.sandbox_android_app_guid),
            ),
        };
        PerPlatform {
            ios: (ios.0, Some(ios.1).filter(|id| !id.is_empty())),
            android: (android.0, Some(android.1).filter(|id| !id.is_empty())),
        }
    }

    fn has(&self, environment: Environment) -> bool {
        let apps = self.apps(environment);
        apps.ios.1.is_some() || apps.android.1.is_some()
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        Some(usual(kind))
    }

    fn plan(&self, event: &Event) -> Plan {
        let has_sandbox = self.has(Environment::Sandbox);
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
        let who = self.common.who(event, now);
        let (platform, app) = self.apps(event.environment).of(who)?;
        let mut of_event = json!({ "user_id": who.app_user_id() });
        if let Some(product) = &event.product {
            of_event["product_id"] = product.as_str().into();
        }
        if let Some(transaction) = &event.transaction {
            of_event["transaction_id"] = transaction.id.as_str().into();
        }
        let mut data = json!({
            "event_name": message.name,
            "device_ids": devices(who, platform)?,
            "origination_ip": needed(who, "$ip")?,
            "device_ver": needed(who, "$deviceVersion")?,
            "device_ua": "",
            "usertime": Times::Seconds.of(event.occurred_at),
        });
        if let Some(amount) = self.common.amount(event, Refunds::Negative) {
            of_event["sum"] = number(amount);
            data["currency"] = amount.currency.code().into();
        }
        data["event_data"] = of_event;
        if platform == Platform::Ios && who.has_att() {
            let is_allowed = who.att() == Att::Authorized;
            data["app_tracking_transparency"] = json!({ "att": is_allowed });
        }
        let body = json!({
            "action": "event",
            "kochava_app_id": app.expose(),
            "kochava_device_id": needed(who, "$kochavaDeviceId")?,
            "data": data,
        });
        let url = self
            .common
            .url("https://control.kochava.com", "/track/json");
        Ok(Request::json(&url, body.to_string().into_bytes()).redacting(app))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let body = response.json();
        match response.status {
            200..=299 if body["success"] == "1" || body["success"] == 1 => Outcome::Delivered,
            200..=299 => Outcome::Rejected(said("Kochava", response)),
            _ => by_status("Kochava", response),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.repeats() || self.common.amount(event, Refunds::Negative).is_none()
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        if self.has(Environment::Sandbox) {
            environment
        } else {
            Environment::Production
        }
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        all.retain(|environment| self.has(*environment));
        all
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
