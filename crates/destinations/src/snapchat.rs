//! Snapchat, by the Conversions API, version 3. Source: Snap for Developers, "Conversions API", "Using the API" and "Verify Set Up", read
//! 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `event_name`: `SUBSCRIBE`, `START_TRIAL`, `PURCHASE`; other kinds where they are given a name that Snapchat has |
//! | `occurred_at` | `event_time`, seconds, at most seven days ago |
//! | id of the event, as a UUID | `event_id`, by which a repetition within 48 hours counts once |
//! | `$email`, `$phoneNumber` (one of them, or the next, has to be there) | `user_data.em`, `ph`: digests |
//! | `$idfa` or `$gpsAdId`, `$idfv` | `user_data.madid`, in small letters, not as a digest; `idfv` |
//! | the app's name for the customer | `user_data.external_id`, a digest |
//! | `$ip` | `user_data.client_ip_address`; without a user agent, which nobody here knows, it identifies nobody |
//! | `$attConsentStatus` of iOS | `app_data.advertiser_tracking_enabled` |
//! | bundle id or package, version of the system | `app_data.extinfo`, sixteen texts |
//! | amount | `custom_data.value` with `currency`; in US dollars where Snapchat does not know the currency |
//! | transaction, product, quantity | `custom_data.order_id`, `content_ids`, `num_items` |
//!
//! The token is in the query. Snapchat takes no amount below zero: refunds are not sent. A test goes to `/events/validate`, which checks it and
//! counts nothing. That seven days is the limit is an assumption; what lies ahead waits. Which currencies are known is as partners list them.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Travel, Unsendable, Window, common,
    common::{Att, Common, Platform, Refunds, Times, Who, by_status, extinfo, number, said},
    encode::percent,
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Snapchat;

const OWN: &[Field] = &[
    Field::new(
        "snap_app_id",
        FieldKind::Text,
        "Snap App ID: Events Manager, the app.",
    ),
    Field::new(
        "access_token",
        FieldKind::Secret,
        "Long-lived token of the Conversions API: Business settings, Business details.",
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
        "sandbox_snap_app_id",
        FieldKind::Text,
        "Snap App ID for test purchases; without it they are not sent.",
    )
    .of(Group::Events),
];

static SPEC: Spec = Spec {
    key: "snapchat",
    title: "Snapchat",
    category: Category::Attribution,
    summary: "Ads on Snapchat: purchases, trials and subscriptions, so that ads find more of them.",
    notes: &[
        "Where an attribution network sends these events to Snapchat already, money counts twice: let one of them.",
        "Refunds are not sent: Snapchat takes no amount below zero.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::MONEY,
        common::DELIVERY_ONCE,
    ),
    travels: &[Travel {
        secret: "access_token",
        to: &["endpoint"],
    }],
    events: common::CONVERSIONS,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    snap_app_id: Option<String>,
    access_token: Secret,
    ios_bundle_id: Option<String>,
    android_package: Option<String>,
    sandbox_snap_app_id: Option<String>,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Snapchat {
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

/// What an event is called unless `events` says otherwise; nothing where it is off by itself.
const fn usual(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::SubscriptionStarted
        | EventKind::SubscriptionRenewed
        | EventKind::TrialConverted => "SUBSCRIBE",
        EventKind::TrialStarted | EventKind::Test => "START_TRIAL",
        EventKind::NonSubscriptionPurchase => "PURCHASE",
        _ => return None,
    })
}

/// Currencies that amounts are taken in. Source: the lists of Snapchat's partners.
const CURRENCIES: [&str; 60] = [
    "AED", "ALL", "AUD", "BGN", "BHD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK",
    "DZD", "EGP", "EUR", "GBP", "GHS", "GIP", "HKD", "HRK", "HUF", "IDR", "ILS", "INR", "IQD",
    "ISK", "JOD", "JPY", "KES", "KRW", "KWD", "KZT", "LBP", "MAD", "MXN", "MYR", "NGN", "NOK",
    "NZD", "OMR", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RUB", "SAR", "SEK", "SGD", "THB",
    "TRY", "TWD", "TZS", "UAH", "USD", "VND", "XOF", "ZAR",
];

/// Whom it is about. One of what Snapchat knows people by has to be there.
fn user(who: Who<'_>, platform: Platform) -> Result<Value, Unsendable> {
    let (email, phone) = (who.hashed_email(), who.hashed_phone());
    let advertiser = match platform {
        Platform::Android => "$gpsAdId",
        Platform::Ios | Platform::Web => "$idfa",
    };
    let device = who.attribute(advertiser).map(str::to_ascii_lowercase);
    if email.is_none() && phone.is_none() && device.is_none() {
        let needed = format!("$email, $phoneNumber or {advertiser}");
        return Err(Unsendable::lacks_attribute(needed));
    }
    let mut user = json!({ "external_id": [who.hashed_id()] });
    for (name, digest) in [("em", email), ("ph", phone)] {
        if let Some(digest) = digest {
            user[name] = json!([digest]);
        }
    }
    if let Some(device) = device {
        user["madid"] = device.into();
    }
    if let Some(vendor) = who.attribute("$idfv").filter(|_| platform == Platform::Ios) {
        user["idfv"] = vendor.into();
    }
    if let Some(ip) = who.attribute("$ip") {
        user["client_ip_address"] = ip.into();
    }
    Ok(user)
}

impl Ready {
    fn app(&self, environment: Environment) -> Result<&str, Unsendable> {
        let (name, app) = match environment {
            Environment::Production => ("snap_app_id", &self.settings.snap_app_id),
            Environment::Sandbox => ("sandbox_snap_app_id", &self.settings.sandbox_snap_app_id),
        };
        let app = app.as_deref().map(str::trim).filter(|app| !app.is_empty());
        app.ok_or_else(|| Unsendable::lacks_setting(name))
    }

    /// What was bought.
    fn custom(&self, event: &Event) -> Value {
        let mut custom = json!({});
        if let Some(product) = &event.product {
            custom["content_ids"] = json!([product]);
        }
        if let Some(transaction) = &event.transaction {
            custom["order_id"] = transaction.id.as_str().into();
            custom["num_items"] = transaction.quantity.into();
        }
        let amount = self.common.amount_in(&CURRENCIES, event, Refunds::Omitted);
        if let Some(amount) = amount {
            custom["value"] = number(amount);
            custom["currency"] = amount.currency.code().into();
        }
        custom
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        usual(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let has_sandbox = self.app(Environment::Sandbox).is_ok();
        let name = self.common.name(event, has_sandbox, usual)?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let app = self.app(event.environment)?;
        let token = &self.settings.access_token;
        if token.is_empty() {
            return Err(Unsendable::lacks_setting("access_token"));
        }
        let who = self.common.who(event, now);
        let platform = who.app_platform()?;
        let of = &self.settings;
        let package = who.bundle(of.ios_bundle_id.as_deref(), of.android_package.as_deref());
        let may_be_followed = platform == Platform::Android || who.att() == Att::Authorized;
        let body = json!({
            "data": [{
                "event_name": message.name,
                "event_time": Times::Seconds.of(event.occurred_at),
                "event_id": event.id.uuid().to_string(),
                "action_source": "app",
                "user_data": user(who, platform)?,
                "app_data": {
                    "app_id": app,
                    "advertiser_tracking_enabled": u8::from(may_be_followed),
                    "application_tracking_enabled": 1,
                    "extinfo": extinfo(who, platform, package.unwrap_or_default()),
                },
                "custom_data": self.custom(event),
            }],
        });
        let edge = if event.kind == EventKind::Test {
            "events/validate"
        } else {
            "events"
        };
        let path = format!("/v3/{}/{edge}", percent(app));
        let url = self.common.url("https://tr.snapchat.com", &path);
        let request = Request::json(&url, body.to_string().into_bytes());
        let request = request.with_query([("access_token", token.expose())]);
        Ok(request.redacting(token))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let status = response.json()["status"]
            .as_str()
            .map(str::to_ascii_uppercase);
        match response.status {
            200..=299 => match status.as_deref() {
                Some("OK" | "SUCCESS" | "VALID") => Outcome::Delivered,
                _ => Outcome::Rejected(said("Snapchat", response)),
            },
            _ => by_status("Snapchat", response),
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(7 * 24)),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        if self.app(Environment::Sandbox).is_ok() {
            environment
        } else {
            Environment::Production
        }
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        all.retain(|environment| self.app(*environment).is_ok());
        all
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
