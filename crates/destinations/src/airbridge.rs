//! Airbridge, in-app events from servers. Source: Airbridge help, "Send in-app events" of the S2S event reference, read 2026-11; RevenueCat and
//! Adapty docs, "Airbridge", for names.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `eventData.goal.category`: `airbridge.subscribe`, `airbridge.startTrial`, `airbridge.unsubscribe`, or any text |
//! | id of the event, as a UUID | `eventUUID`, by which a repetition counts once |
//! | `occurred_at` | `eventTimestamp`, milliseconds, at most 24 hours ago |
//! | the app's name for the customer | `user.externalUserID` |
//! | `$airbridgeDeviceId`, with the version of the system | `device.deviceUUID` with `osVersion`; one goes with the other |
//! | `$idfa` and `$idfv`, `$gpsAdId` | `device.ifa`, `ifv`, `gaid` |
//! | `$attConsentStatus` of iOS | `device.appTrackingTransparency`, Apple's number |
//! | `$ip` | header `X-Forwarded-For` |
//! | bundle id or package, which has to be there | `app.packageName` |
//! | amount; refunds go without | `semanticAttributes.totalValue` with `currency` |
//! | transaction, product, renewal | `transactionID`, `products`, `isRenewal` |
//! | environment | `customAttributes.environment` |
//!
//! Older events are taken and ignored, so they are not sent; what lies ahead waits (an assumption: nothing is said of it). A thousand requests
//! a minute, and no header tells how many are left.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, Window, common,
    common::{Common, PerPlatform, Platform, Refunds, Times, Who, by_status, number, said},
    encode::percent,
    spec::fields,
    told::environment,
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

/// The entry in [`crate::ALL`].
pub struct Airbridge;

const OWN: &[Field] = &[
    Field::new(
        "app_name",
        FieldKind::Text,
        "Name of the app in Airbridge: Settings, Tokens.",
    ),
    Field::new(
        "api_token",
        FieldKind::Secret,
        "API token of the app: Settings, Tokens.",
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
    key: "airbridge",
    title: "Airbridge",
    category: Category::Attribution,
    summary: "Attribution: each event with its revenue, for the device or user that it goes back to.",
    notes: &[
        "Switch off purchase events of Airbridge's own SDK, or money counts twice.",
        "Refunds are sent without an amount: Airbridge takes none below zero.",
        "Airbridge cannot keep test purchases apart but by the attribute `environment`: they are sent where that is asked for.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        common::SANDBOX,
        common::MONEY,
        common::DELIVERY_ONCE,
    ),
    travels: &[Travel {
        secret: "api_token",
        to: &["endpoint"],
    }],
    events: common::ATTRIBUTED,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    app_name: Option<String>,
    api_token: Secret,
    ios_bundle_id: Option<String>,
    android_package: Option<String>,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Airbridge {
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

/// What RevenueCat calls an event there. Source: RevenueCat docs, "Airbridge".
const fn theirs(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::SubscriptionStarted
        | EventKind::SubscriptionRenewed
        | EventKind::TrialConverted => "Purchase",
        EventKind::TrialStarted => "Start Trial",
        EventKind::TrialRenewalCancelled => "Cancelled Trial",
        EventKind::SubscriptionRenewalCancelled
        | EventKind::SubscriptionRefunded
        | EventKind::NonSubscriptionPurchaseRefunded => "Cancellation",
        EventKind::NonSubscriptionPurchase => "Non Subscription Purchase",
        EventKind::SubscriptionExpired | EventKind::TrialExpired => "Expiration",
        EventKind::BillingIssueDetected => "Billing Issue",
        EventKind::ProductChanged => "Product Change",
        EventKind::Test => kind.id(),
        _ => return None,
    })
}

/// What an event is called otherwise, unless `events` says another name.
const fn own(kind: EventKind) -> &'static str {
    match kind {
        EventKind::SubscriptionStarted
        | EventKind::SubscriptionRenewed
        | EventKind::TrialConverted => "airbridge.subscribe",
        EventKind::TrialStarted => "airbridge.startTrial",
        EventKind::SubscriptionRenewalCancelled => "airbridge.unsubscribe",
        _ => kind.id(),
    }
}

/// The device. Airbridge refuses its own identifier of one without a version of the system: then the user alone says who it is.
fn device(who: Who<'_>, platform: Platform) -> Value {
    let mut device = match platform {
        Platform::Android => json!({ "osName": "Android" }),
        Platform::Ios | Platform::Web => json!({ "osName": "iOS" }),
    };
    if let Some(version) = who.os_version() {
        device["osVersion"] = version.into();
        if let Some(id) = who.attribute("$airbridgeDeviceId") {
            device["deviceUUID"] = id.into();
        }
    }
    let named: &[(&str, &str)] = match platform {
        Platform::Android => &[("gaid", "$gpsAdId")],
        Platform::Ios | Platform::Web => &[("ifa", "$idfa"), ("ifv", "$idfv")],
    };
    for (name, attribute) in named {
        if let Some(id) = who.attribute(attribute) {
            device[*name] = id.into();
        }
    }
    if platform == Platform::Ios && who.has_att() {
        device["appTrackingTransparency"] = who.att().number().into();
    }
    device
}

impl Ready {
    fn app<'a>(&'a self, who: Who<'_>, now: Now<'a>) -> Result<(Platform, &'a str), Unsendable> {
        let (of, own) = (&self.settings, now.app.bundle.as_deref());
        let apps = PerPlatform {
            ios: ("ios_bundle_id", of.ios_bundle_id.as_deref().or(own)),
            android: ("android_package", of.android_package.as_deref().or(own)),
        };
        apps.of(who)
    }

    /// What is told of an event, in the members that every event may have there.
    fn attributes(&self, event: &Event) -> Value {
        let mut told = json!({});
        let transaction = event.transaction.as_ref();
        if let Some(transaction) = transaction {
            told["transactionID"] = transaction.id.as_str().into();
        }
        if let Some(product) = &event.product {
            let mut item = json!({ "productID": product });
            if let Some(transaction) = transaction {
                item["quantity"] = transaction.quantity.into();
            }
            told["products"] = json!([item]);
        }
        if event.kind == EventKind::SubscriptionRenewed {
            told["isRenewal"] = true.into();
        }
        if let Some(amount) = self.common.amount(event, Refunds::Omitted) {
            told["totalValue"] = number(amount);
            told["currency"] = amount.currency.code().into();
        }
        told
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name_by(kind, theirs, own)
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
        let app = self.settings.app_name.as_deref();
        let app = app.ok_or_else(|| Unsendable::lacks_setting("app_name"))?;
        let token = &self.settings.api_token;
        if token.is_empty() {
            return Err(Unsendable::lacks_setting("api_token"));
        }
        let who = self.common.who(event, now);
        let (platform, package) = self.app(who, now)?;
        let body = json!({
            "eventUUID": event.id.uuid().to_string(),
            "eventTimestamp": Times::Millis.of(event.occurred_at),
            "user": { "externalUserID": who.app_user_id() },
            "device": device(who, platform),
            "app": { "packageName": package },
            "eventData": { "goal": {
                "category": message.name,
                "semanticAttributes": self.attributes(event),
                "customAttributes": { "environment": environment(event) },
            } },
        });
        let path = format!("/events/v2/apps/{}/mobile-app/9360", percent(app.trim()));
        let url = self.common.url("https://api.airbridge.io", &path);
        let request = Request::json(&url, body.to_string().into_bytes()).with_bearer(token);
        Ok(match who.attribute("$ip") {
            Some(ip) => request.with_header("x-forwarded-for", ip),
            None => request,
        })
    }

    fn classify(&self, response: &Response) -> Outcome {
        match response.status {
            // There is no such app.
            404 => Outcome::CredentialsRefused(said("Airbridge", response)),
            _ => by_status("Airbridge", response),
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(24)),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(Some(Rate::per_minute(1000)))
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
