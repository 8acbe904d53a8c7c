//! Singular, events from servers. Source: Singular support, "Server-to-Server EVENT Endpoint API Reference", read 2026-11; RevenueCat docs,
//! "Singular".
//!
//! | ours | theirs, version 1 (a query) |
//! |---|---|
//! | kind, renamed | `n` |
//! | platform, bundle id or package | `p`, `i` |
//! | `$idfa` and `$idfv` (one has to be there), `$gpsAdId` (which has to) | `idfa`, `idfv` in capitals; `aifa` in small letters |
//! | `$androidId` | `andi` |
//! | `$ip`, of version 4 alone; version of the system | `ip`, `ve` |
//! | the app's name for the customer | `custom_user_id` |
//! | `occurred_at` | `umilisec`, milliseconds |
//! | amount, below zero for a refund | `amt` with `cur`, and `is_revenue_event` |
//! | product, transaction of a charge or refund | `purchase_product_id`, `purchase_transaction_id` |
//! | `$attConsentStatus` of iOS | `att_authorization_status`, Apple's number |
//! | properties | `e`, JSON in a text |
//!
//! Version 2 is a form, and knows devices by `$singularDeviceId` as `sdid` alone; accounts from 2026-07-15 on need it. The key is in the query
//! or form. The status says nothing: 200 with `{"status":"error"}` is a refusal, for good. Anything but 200 is tried again. Nothing tells a
//! repetition apart.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Method, Now,
    Outcome, Plan, Request, Response, Spec, Timer, Travel, Unsendable, common,
    common::{
        Common, Keys, PerPlatform, Platform, Refunds, Times, Who, by_status, properties, said,
    },
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Singular;

const OWN: &[Field] = &[
    Field::new(
        "sdk_key",
        FieldKind::Secret,
        "SDK key: Developer Tools, SDK Integration, SDK Keys.",
    ),
    Field::new(
        "sandbox_sdk_key",
        FieldKind::Secret,
        "SDK key of another account for test purchases; without it they are not sent.",
    ),
    Field::new(
        "api_version",
        FieldKind::Choice(&["v1", "v2"]),
        "`v2` knows devices by `$singularDeviceId` alone; accounts from July 2026 on need it.",
    ),
    Field::new(
        "ios_bundle_id",
        FieldKind::Text,
        "Bundle id of the iOS app.",
    ),
    Field::new(
        "android_package",
        FieldKind::Text,
        "Package name of the Android app.",
    ),
    Field::new(
        "report_early_renewals",
        FieldKind::Switch,
        "Report renewals that are charged early when they are charged, and not when they are due.",
    )
    .of(Group::Events),
];

static SPEC: Spec = Spec {
    key: "singular",
    title: "Singular",
    category: Category::Attribution,
    summary: "Attribution: each event with its revenue, for the device that it goes back to.",
    notes: &[
        "Switch off revenue events of Singular's own SDK, or money counts twice.",
        "\"Reject purchases without receipt\" has to be off there: no receipts are sent.",
        "An app open has to reach Singular before the first event of a device does.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::TIMERS,
        common::NAMES,
        common::MONEY,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "sdk_key",
            to: &["endpoint"],
        },
        Travel {
            secret: "sandbox_sdk_key",
            to: &["endpoint"],
        },
    ],
    events: common::ATTRIBUTED_AND_ACTIVE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ApiVersion {
    #[default]
    V1,
    V2,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    sdk_key: Secret,
    sandbox_sdk_key: Secret,
    api_version: ApiVersion,
    ios_bundle_id: Option<String>,
    android_package: Option<String>,
    report_early_renewals: bool,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Singular {
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

type Told = Vec<(&'static str, String)>;

/// The devices of a customer, as version 1 knows them.
fn devices(who: Who<'_>, platform: Platform) -> Result<Told, Unsendable> {
    let named: &[(&'static str, &str)] = match platform {
        Platform::Android => &[("aifa", "$gpsAdId")],
        Platform::Ios | Platform::Web => &[("idfa", "$idfa"), ("idfv", "$idfv")],
    };
    let capitals = platform != Platform::Android;
    let written = |id: &str| {
        if capitals {
            id.to_ascii_uppercase()
        } else {
            id.to_ascii_lowercase()
        }
    };
    let found = named.iter();
    let mut found: Told = found
        .filter_map(|(name, attribute)| Some((*name, written(who.attribute(attribute)?))))
        .collect();
    if found.is_empty() {
        let needed: Vec<_> = named.iter().map(|(_, attribute)| *attribute).collect();
        return Err(Unsendable::lacks_attribute(needed.join(" or ")));
    }
    if platform == Platform::Android {
        let id = who.attribute("$androidId");
        found.extend(id.map(|id| ("andi", written(id))));
    }
    Ok(found)
}

impl Ready {
    const fn keys(&self) -> Keys<'_> {
        let of = &self.settings;
        Keys::new(
            ("sdk_key", &of.sdk_key),
            ("sandbox_sdk_key", &of.sandbox_sdk_key),
        )
    }

    fn app<'a>(&'a self, who: Who<'_>, now: Now<'a>) -> Result<(Platform, &'a str), Unsendable> {
        let own = now.app.bundle.as_deref();
        let apps = PerPlatform {
            ios: (
                "ios_bundle_id",
                self.settings.ios_bundle_id.as_deref().or(own),
            ),
            android: (
                "android_package",
                self.settings.android_package.as_deref().or(own),
            ),
        };
        apps.of(who)
    }

    /// What moved, and with what.
    fn money(&self, event: &Event) -> Told {
        let mut told = Told::new();
        let product = event.product.clone();
        told.extend(product.map(|product| ("purchase_product_id", product)));
        let Some(amount) = self.common.amount(event, Refunds::Negative) else {
            return told;
        };
        let transaction = event.transaction.as_ref();
        let id = transaction.map(|transaction| transaction.id.clone());
        told.extend(id.map(|id| ("purchase_transaction_id", id)));
        told.push(("is_revenue_event", "true".to_owned()));
        told.push(("amt", amount.decimal()));
        told.push(("cur", amount.currency.code().to_owned()));
        told
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let has_sandbox = self.keys().has_sandbox();
        let usual = |kind| self.usual(kind);
        let name = self.common.name(event, has_sandbox, usual)?;
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
        let (platform, app) = self.app(who, now)?;
        let system = if platform == Platform::Android {
            "Android"
        } else {
            "iOS"
        };
        let at = if self.settings.report_early_renewals {
            event.occurred_at.min(event.recorded_at)
        } else {
            event.occurred_at
        };
        let mut told: Told = vec![
            ("a", key.expose().to_owned()),
            ("n", message.name.clone()),
            ("p", system.to_owned()),
            ("i", app.to_owned()),
            ("umilisec", Times::Millis.of(at).to_string()),
            ("custom_user_id", who.app_user_id().to_owned()),
        ];
        match self.settings.api_version {
            ApiVersion::V1 => told.extend(devices(who, platform)?),
            ApiVersion::V2 => {
                let id = who.attribute("$singularDeviceId");
                let id = id.ok_or_else(|| Unsendable::lacks_attribute("$singularDeviceId"))?;
                told.push(("sdid", id.to_owned()));
            }
        }
        told.extend(who.ipv4().map(|ip| ("ip", ip)));
        told.extend(who.os_version().map(|version| ("ve", version.to_owned())));
        if platform == Platform::Ios && who.has_att() {
            let status = who.att().number().to_string();
            told.push(("att_authorization_status", status));
        }
        told.extend(self.money(event));
        let properties = Value::from(properties(event, who, Times::Iso));
        told.push(("e", properties.to_string()));
        let told = told.iter().map(|(name, value)| (*name, value.as_str()));
        let url = |path| self.common.url("https://s2s.singular.net", path);
        let request = match self.settings.api_version {
            ApiVersion::V1 => Request::new(Method::Get, url("/api/v1/evt")).with_query(told),
            ApiVersion::V2 => Request::form(&url("/api/v2/evt"), told),
        };
        Ok(request.redacting(key))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let body = response.json();
        match response.status {
            200 if body["status"] == "ok" => Outcome::Delivered,
            200 => Outcome::Rejected(said("Singular", response)),
            401 | 403 => by_status("Singular", response),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.repeats() || self.common.amount(event, Refunds::Negative).is_none()
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.keys().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.keys().endpoints()
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
