//! Tenjin, purchases and events from servers. Source: Tenjin docs, "Server-to-server integration", read 2026-11; RevenueCat and Adapty docs,
//! "Tenjin".
//!
//! | ours | theirs |
//! |---|---|
//! | what brings money in | `/v0/purchase`: `product_id`, `price`, `quantity`, `currency`; it has no name |
//! | a trial that begins, and other kinds where they are given a name | `/v0/event`: `event` |
//! | `$tenjinId`, which has to be there | `analytics_installation_id` |
//! | `$idfa`, or zeros; `$gpsAdId`, which has to be there | `advertising_id` |
//! | `$idfv` | `developer_device_id` |
//! | the app's name for the customer | `customer_user_id` |
//! | `$ip`, of version 4 alone; version of the system; country of the store | `ip_address`, `os_version`, `country` |
//! | bundle id or package, which has to be there | `bundle_id` |
//! | `$attConsentStatus` of iOS | `tracking_status`, Apple's number |
//! | amount, where `revenue` is not `price` | `postcut`, which says that the store's share is off |
//!
//! The key is the user name of Basic, without a password. A price is of one item: an amount is told as the price of one. Tenjin takes nothing
//! below zero: refunds have no amount, and are off by themselves. Test purchases are never sent. Tenjin reads no time: an event counts when it
//! arrives. So one that is older than a day is not sent (the day is an assumption), and one that lies ahead waits. The status says nothing:
//! `code` in the body does. Nothing tells a repetition apart.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, Window, common,
    common::{Common, PerPlatform, Platform, Refunds, Who, by_status, said},
    spec::fields,
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Tenjin;

const OWN: &[Field] = &[
    Field::new(
        "ios_sdk_key",
        FieldKind::Secret,
        "SDK key of the iOS app: Configure, Apps.",
    ),
    Field::new(
        "android_sdk_key",
        FieldKind::Secret,
        "SDK key of the Android app.",
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
];

static SPEC: Spec = Spec {
    key: "tenjin",
    title: "Tenjin",
    category: Category::Attribution,
    summary: "Attribution: purchases and trials, for the device that they go back to.",
    notes: &[
        "Do not report purchases with Tenjin's own SDK as well, or money counts twice.",
        "Test purchases and refunds are not sent: Tenjin has no place for them.",
        "Events count when they arrive: what is older than a day is not sent.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::NAMES,
        common::MONEY,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "ios_sdk_key",
            to: &["endpoint"],
        },
        Travel {
            secret: "android_sdk_key",
            to: &["endpoint"],
        },
    ],
    events: common::ATTRIBUTED,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    ios_sdk_key: Secret,
    android_sdk_key: Secret,
    ios_bundle_id: Option<String>,
    android_package: Option<String>,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Tenjin {
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

/// What an identifier for advertisers is where there is none: Tenjin takes it.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Whom it is about, on which device.
fn device(who: Who<'_>, platform: Platform) -> Result<Told, Unsendable> {
    let id = who.attribute("$tenjinId");
    let id = id.ok_or_else(|| Unsendable::lacks_attribute("$tenjinId"))?;
    let advertiser = match platform {
        Platform::Android => {
            let id = who.attribute("$gpsAdId");
            id.ok_or_else(|| Unsendable::lacks_attribute("$gpsAdId"))?
        }
        Platform::Ios | Platform::Web => who.attribute("$idfa").unwrap_or(NOBODY),
    };
    let mut told: Told = vec![
        ("analytics_installation_id", id.to_owned()),
        ("advertising_id", advertiser.to_owned()),
        ("customer_user_id", who.app_user_id().to_owned()),
    ];
    if platform == Platform::Ios {
        let vendor = who.attribute("$idfv");
        told.extend(vendor.map(|vendor| ("developer_device_id", vendor.to_owned())));
        if who.has_att() {
            told.push(("tracking_status", who.att().number().to_string()));
        }
    }
    told.extend(who.ipv4().map(|ip| ("ip_address", ip)));
    told.extend(
        who.os_version()
            .map(|version| ("os_version", version.to_owned())),
    );
    Ok(told)
}

impl Ready {
    fn keys(&self) -> PerPlatform<'_, Secret> {
        let (ios, android) = (&self.settings.ios_sdk_key, &self.settings.android_sdk_key);
        PerPlatform {
            ios: ("ios_sdk_key", Some(ios).filter(|key| !key.is_empty())),
            android: (
                "android_sdk_key",
                Some(android).filter(|key| !key.is_empty()),
            ),
        }
    }

    /// What was paid.
    fn purchase(&self, event: &Event) -> Option<Told> {
        let amount = self.common.amount(event, Refunds::Omitted)?;
        let mut told: Told = vec![
            ("price", amount.decimal()),
            ("quantity", "1".to_owned()),
            ("currency", amount.currency.code().to_owned()),
        ];
        let product = event.product.clone();
        told.extend(product.map(|product| ("product_id", product)));
        if self.common.tells_what_is_left() {
            told.push(("postcut", "1".to_owned()));
        }
        Some(told)
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        let is_wanted =
            kind.is_charge() || matches!(kind, EventKind::TrialStarted | EventKind::Test);
        self.common.usual_name(kind).filter(|_| is_wanted)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.name(event, false, |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let who = self.common.who(event, now);
        let (platform, key) = self.keys().of(who)?;
        let (of, own) = (&self.settings, now.app.bundle.as_deref());
        let (named, bundle, system) = match platform {
            Platform::Android => ("android_package", &of.android_package, "android"),
            Platform::Ios | Platform::Web => ("ios_bundle_id", &of.ios_bundle_id, "ios"),
        };
        let bundle = bundle.as_deref().or(own);
        let bundle = bundle.ok_or_else(|| Unsendable::lacks_setting(named))?;
        let mut told: Told = vec![
            ("bundle_id", bundle.to_owned()),
            ("platform", system.to_owned()),
            ("sdk_version", "server".to_owned()),
        ];
        told.extend(device(who, platform)?);
        let transaction = event.transaction.as_ref();
        let country = transaction.and_then(|transaction| transaction.country.clone());
        told.extend(country.map(|country| ("country", country)));
        let path = if let Some(purchase) = self.purchase(event) {
            told.extend(purchase);
            "/v0/purchase"
        } else {
            told.push(("event", message.name.clone()));
            "/v0/event"
        };
        let url = self.common.url("https://track.tenjin.com", path);
        let told = told.iter().map(|(name, value)| (*name, value.as_str()));
        Ok(Request::form(&url, told)
            .redacting(key)
            .with_basic(key.expose(), ""))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let why = || said("Tenjin", response);
        let code = response.json()["code"].as_i64();
        match response.status {
            200..=299 => match code {
                Some(200) => Outcome::Delivered,
                Some(401 | 403) => Outcome::CredentialsRefused(why()),
                Some(429 | 500..=599) => Outcome::Retry(response.retry_after),
                _ => Outcome::Rejected(why()),
            },
            _ => by_status("Tenjin", response),
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(24)),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.repeats() || self.common.amount(event, Refunds::Omitted).is_none()
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
