//! AppsFlyer, events of mobile apps from servers. Source: AppsFlyer developer hub, "S2S events API3 for mobile", read 2026-11; RevenueCat and
//! Adapty docs, "AppsFlyer", for what is in `eventValue`.
//!
//! | ours | theirs |
//! |---|---|
//! | `$appsflyerId`, which has to be there | `appsflyer_id` |
//! | the app's name for the customer | `customer_user_id` |
//! | kind, renamed | `eventName`: any text; `af_` ones only look better in reports |
//! | `occurred_at` | `eventTime`, UTC, milliseconds |
//! | amount, below zero for a refund | `af_revenue` and `af_currency` in `eventValue`, `eventCurrency` |
//! | product, chain of the purchase, quantity | `af_content_id`, `af_order_id`, `af_quantity` |
//! | `$idfa` and `$idfv`, `$gpsAdId` and `$amazonAdId`, `$ip` | `idfa`, `idfv`, `advertising_id`, `amazon_aid`, `ip` |
//! | version of the system; `$attConsentStatus` of iOS | `os`; `att`, Apple's number |
//! | `$appsflyerSharingFilter`: `all`, or a list | `sharing_filter` |
//!
//! What is bought in no app goes to a web app, where one is set up: by the app's name for the customer, and without a time.
//!
//! `eventValue` is JSON in a text. A body is at most 1 KiB: what is only nice to have goes first. Nothing tells a repetition apart. The app is
//! in the path; with an id of iOS that lacks its `id` AppsFlyer answers 200 and records nothing. An event that arrives after two o'clock UTC of
//! the day after it happened is booked on the day when it arrives: it is not sent then. The window, 26 hours, is the most that this can be.

mod body;
mod spec;
mod web;

use crate::{
    Configured, Context, Destination, Invalid, Now, Outcome, Plan, Request, Response, Spec, Timer,
    Unsendable, Window, common,
    common::{Common, PerPlatform, Platform, Refunds, Who, by_status, said},
    encode::percent,
};
use domain::{Environment, Event, EventKind, Message, NotSent, pace::Rate, retry, secret::Secret};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};
use spec::SPEC;
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct AppsFlyer;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeyKind {
    #[default]
    S2sToken,
    DevKey,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    key: Secret,
    key_kind: KeyKind,
    ios_app_id: Option<String>,
    android_app_id: Option<String>,
    android_key: Secret,
    web_app_id: Option<String>,
    web_token: Secret,
    sandbox_key: Secret,
    sandbox_android_key: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
}

/// The id of an app of iOS as paths have it.
fn app_id(said: &str) -> Result<String, Invalid> {
    let number = said.trim().trim_start_matches("id");
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Invalid::new(
            "ios_app_id",
            "is not the number of an app in the App Store: `id1234567890`",
        ));
    }
    Ok(format!("id{number}"))
}

impl Destination for AppsFlyer {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (mut settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let id = settings.ios_app_id.as_deref().map(app_id).transpose();
        settings.ios_app_id = id.map_err(|problem| vec![problem])?;
        Ok(Box::new(Ready { settings, common }))
    }
}

impl Ready {
    fn has_sandbox(&self) -> bool {
        !self.settings.sandbox_key.is_empty() || !self.settings.sandbox_android_key.is_empty()
    }

    fn key(&self, environment: Environment, platform: Platform) -> Result<&Secret, Unsendable> {
        let of = &self.settings;
        let (name, key, android) = match environment {
            Environment::Production => ("key", &of.key, &of.android_key),
            Environment::Sandbox => ("sandbox_key", &of.sandbox_key, &of.sandbox_android_key),
        };
        let key = if platform == Platform::Android && !android.is_empty() {
            android
        } else {
            key
        };
        if key.is_empty() {
            return Err(Unsendable::lacks_setting(name));
        }
        Ok(key)
    }

    /// The app, as the path names it.
    fn app(&self, who: Who<'_>, now: Now<'_>) -> Result<(Platform, String), Unsendable> {
        let own = now.app.store_id.as_deref();
        let own = own.and_then(|number| app_id(number).ok());
        let apps = PerPlatform {
            ios: (
                "ios_app_id",
                self.settings.ios_app_id.as_ref().or(own.as_ref()),
            ),
            android: (
                "android_app_id",
                self.settings
                    .android_app_id
                    .as_ref()
                    .or(now.app.bundle.as_ref()),
            ),
        };
        let (platform, app) = apps.of(who)?;
        Ok((platform, app.clone()))
    }
}

/// By when an event has to arrive: what comes later is booked on the day when it comes. Source: AppsFlyer docs, "Server-to-server events API for
/// mobile", `eventTime`: 02:00 UTC of the next day.
fn deadline(occurred_at: Timestamp) -> Option<Timestamp> {
    let day = occurred_at.to_zoned(TimeZone::UTC).date();
    let next = day.tomorrow().ok()?.at(2, 0, 0, 0);
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn too_late(deadline: Option<Timestamp>) -> Unsendable {
    let until = deadline.map_or_else(String::new, |deadline| deadline.to_string());
    Unsendable {
        reason: NotSent::TooOld,
        detail: format!("AppsFlyer books on the day of arrival what comes after {until}"),
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self
            .common
            .name(event, self.has_sandbox(), |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let who = self.common.who(event, now);
        let deadline = deadline(event.occurred_at);
        if deadline.is_some_and(|deadline| now.at > deadline) {
            return Err(too_late(deadline));
        }
        if who.platform() == Platform::Web && self.settings.web_app_id.is_some() {
            return self.of_web(message, event, who);
        }
        let (platform, app) = self.app(who, now)?;
        let key = self.key(event.environment, platform)?;
        let id = who.attribute("$appsflyerId");
        let id = id.ok_or_else(|| Unsendable::lacks_attribute("$appsflyerId"))?;
        let at = event.occurred_at.strftime("%Y-%m-%d %H:%M:%S%.3f");
        let mut told = json!({
            "appsflyer_id": id,
            "customer_user_id": who.app_user_id(),
            "eventName": message.name,
            "eventTime": at.to_string(),
            "af_events_api": "true",
        });
        let amount = self.common.amount(event, Refunds::Negative);
        if let Some(amount) = amount {
            told["eventCurrency"] = amount.currency.code().into();
        }
        body::identified(&mut told, who, platform);
        let host = match self.settings.key_kind {
            KeyKind::S2sToken => "https://api3.appsflyer.com",
            KeyKind::DevKey => "https://api2.appsflyer.com",
        };
        let path = format!("/inappevent/{}", percent(&app));
        let url = self.common.url(host, &path);
        let body = body::fitted(told, body::value(event, amount));
        let request = Request::json(&url, body).redacting(key);
        Ok(request.with_secret_header("authentication", key.expose()))
    }

    fn classify(&self, response: &Response) -> Outcome {
        match response.status {
            // The app is not one of the account.
            404 => Outcome::CredentialsRefused(said("AppsFlyer", response)),
            _ => by_status("AppsFlyer", response),
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(26)),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.repeats() || self.common.amount(event, Refunds::Negative).is_none()
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        if self.has_sandbox() {
            environment
        } else {
            Environment::Production
        }
    }

    fn endpoints(&self) -> Vec<Environment> {
        let mut all = Environment::ALL.to_vec();
        let both = [Platform::Ios, Platform::Android];
        all.retain(|environment| both.iter().any(|of| self.key(*environment, *of).is_ok()));
        all
    }

    fn timers(&self) -> Vec<Timer> {
        self.common.timers()
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(Some(Rate::per_minute(60_000)))
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
