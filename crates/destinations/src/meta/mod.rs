//! Meta, by the Conversions API, or by the older App Events. Source: Meta for Developers, "Conversions API for app events" and "App Events",
//! read 2026-11; RevenueCat docs, "Meta Ads", for names and for what a customer has to have.
//!
//! | ours | theirs, Conversions API |
//! |---|---|
//! | kind, renamed | `event_name`: `Subscribe`, `StartTrial`, `Purchase`; other kinds where they are given a name |
//! | `occurred_at` | `event_time`, seconds, at most seven days ago |
//! | id of the event, as a UUID | `event_id`, by which a repetition within 48 hours counts once |
//! | `$fbAnonId`; `$idfa`, `$gpsAdId` (one of them has to be there) | `user_data.anon_id`, `madid`, as they are |
//! | the app's name for the customer, `$email`, `$phoneNumber` | `external_id`, `em`, `ph`: digests |
//! | `$ip` | `client_ip_address` |
//! | `$attConsentStatus` of iOS | `app_data.advertiser_tracking_enabled`: without a yes nothing is sent, unless `send_without_att` |
//! | bundle id or package, `$deviceVersion` | `app_data.extinfo`, sixteen texts |
//! | amount | `custom_data.value` with `currency` |
//! | transaction, product, quantity | `custom_data.order_id`, `content_ids`, `num_items` |
//!
//! The token is in the body, so that no URL holds it. Meta takes no amount below zero: refunds are not sent. One event that is refused would
//! take others of its request with it, so each has its own. A version of the API lives about two years: it is a setting. Meta wants a version
//! of the system; of a customer without one an empty text is sent (an assumption: what is unknown is empty there). What lies
//! ahead waits. App Events cannot tell a repetition apart, and want a yes to being followed in any case.

mod answers;
mod app_events;
mod conversions;
mod spec;

use crate::{
    Configured, Context, Destination, Invalid, Now, Outcome, Plan, Request, Response, Spec, Timer,
    Unsendable, Window, common,
    common::{Att, Common, Platform, Refunds, Who},
    encode::percent,
    timer::is_still_active,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use spec::SPEC;
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Meta;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    #[default]
    ConversionsApi,
    AppEvents,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    r#type: Type,
    dataset_id: Option<String>,
    access_token: Secret,
    sandbox_dataset_id: Option<String>,
    sandbox_access_token: Secret,
    app_id: Option<String>,
    client_token: Secret,
    sandbox_app_id: Option<String>,
    sandbox_client_token: Secret,
    ios_bundle_id: Option<String>,
    android_package: Option<String>,
    send_without_att: bool,
    test_event_code: Option<String>,
    api_version: Option<String>,
}

struct Ready {
    settings: Settings,
    common: Common,
}

/// Whose events are received there, and the token for them.
struct Receiver<'a> {
    id: &'a str,
    token: &'a Secret,
}

/// What a request is made of.
struct Told<'a> {
    receiver: &'a Receiver<'a>,
    message: &'a Message,
    event: &'a Event,
    who: Who<'a>,
    platform: Platform,
    /// Bundle id or package name; empty where it is unknown.
    package: &'a str,
}

impl Destination for Meta {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let version = settings.api_version.as_deref();
        if version.is_some_and(|version| !is_version(version)) {
            return Err(vec![Invalid::new(
                "api_version",
                "is a version of the Graph API, as `v24.0`",
            )]);
        }
        Ok(Box::new(Ready { settings, common }))
    }
}

fn is_version(text: &str) -> bool {
    let number = text.strip_prefix('v').unwrap_or_default();
    number.contains('.') && number.parse::<f32>().is_ok()
}

impl Ready {
    fn receiver(&self, environment: Environment) -> Result<Receiver<'_>, Unsendable> {
        let of = &self.settings;
        let ((id_name, id), (token_name, token)) = match (of.r#type, environment) {
            (Type::ConversionsApi, Environment::Production) => (
                ("dataset_id", &of.dataset_id),
                ("access_token", &of.access_token),
            ),
            (Type::ConversionsApi, Environment::Sandbox) => (
                ("sandbox_dataset_id", &of.sandbox_dataset_id),
                ("sandbox_access_token", &of.sandbox_access_token),
            ),
            (Type::AppEvents, Environment::Production) => {
                (("app_id", &of.app_id), ("client_token", &of.client_token))
            }
            (Type::AppEvents, Environment::Sandbox) => (
                ("sandbox_app_id", &of.sandbox_app_id),
                ("sandbox_client_token", &of.sandbox_client_token),
            ),
        };
        let id = id.as_deref().filter(|id| !id.trim().is_empty());
        let id = id.ok_or_else(|| Unsendable::lacks_setting(id_name))?;
        if token.is_empty() {
            return Err(Unsendable::lacks_setting(token_name));
        }
        Ok(Receiver { id, token })
    }

    fn has_sandbox(&self) -> bool {
        self.receiver(Environment::Sandbox).is_ok()
    }

    fn url(&self, id: &str, edge: &str) -> String {
        let version = self.settings.api_version.as_deref().unwrap_or("v24.0");
        let path = format!("/{version}/{}/{edge}", percent(id.trim()));
        self.common.url("https://graph.facebook.com", &path)
    }
}

/// The identifier for advertisers of a customer who may be followed.
fn advertiser_id(who: Who<'_>, platform: Platform) -> Option<&str> {
    match platform {
        Platform::Android => who.attribute("$gpsAdId"),
        Platform::Ios | Platform::Web => {
            let is_allowed = who.att() == Att::Authorized;
            who.attribute("$idfa").filter(|_| is_allowed)
        }
    }
}

/// Whether a customer may be followed. On Android nobody is asked.
fn may_be_followed(who: Who<'_>, platform: Platform) -> bool {
    platform == Platform::Android || who.att() == Att::Authorized
}

/// Whom an event is about: the identifier that Meta's own SDK made, and that for advertisers. Neither is missing data.
fn identified(
    who: Who<'_>,
    platform: Platform,
) -> Result<(Option<&str>, Option<&str>), Unsendable> {
    let known = (who.attribute("$fbAnonId"), advertiser_id(who, platform));
    if known == (None, None) {
        return Err(Unsendable::lacks_attribute(match platform {
            Platform::Android => "$fbAnonId or $gpsAdId",
            Platform::Ios | Platform::Web => "$fbAnonId or $idfa",
        }));
    }
    Ok(known)
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        Some(match kind {
            EventKind::SubscriptionStarted
            | EventKind::SubscriptionRenewed
            | EventKind::TrialConverted => "Subscribe",
            EventKind::TrialStarted => "StartTrial",
            EventKind::NonSubscriptionPurchase => match self.settings.r#type {
                Type::ConversionsApi => "Purchase",
                Type::AppEvents => "fb_mobile_purchase",
            },
            EventKind::Test => kind.id(),
            kind if is_still_active(kind) => return self.common.usual_name(kind),
            _ => return None,
        })
    }

    fn plan(&self, event: &Event) -> Plan {
        let usual = |kind| self.usual(kind);
        let name = self.common.name(event, self.has_sandbox(), usual)?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let receiver = self.receiver(event.environment)?;
        let who = self.common.who(event, now);
        let platform = who.app_platform()?;
        let of = &self.settings;
        let package = who.bundle(of.ios_bundle_id.as_deref(), of.android_package.as_deref());
        let goes_without = of.send_without_att && of.r#type == Type::ConversionsApi;
        if !may_be_followed(who, platform) && !goes_without {
            return Err(Unsendable::lacks_attribute(
                "$attConsentStatus of `authorized`",
            ));
        }
        let told = Told {
            receiver: &receiver,
            message,
            event,
            who,
            platform,
            package: package.unwrap_or_default(),
        };
        let (edge, body) = match self.settings.r#type {
            Type::ConversionsApi => ("events", self.conversion(&told)?),
            Type::AppEvents => ("activities", self.app_event(&told)?),
        };
        let url = self.url(receiver.id, edge);
        let request = Request::json(&url, body.to_string().into_bytes());
        Ok(request.redacting(receiver.token))
    }

    fn classify(&self, response: &Response) -> Outcome {
        answers::classify(response)
    }

    fn window(&self) -> Window {
        let oldest = SignedDuration::from_hours(7 * 24);
        Window {
            oldest: Some(oldest).filter(|_| self.settings.r#type == Type::ConversionsApi),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.settings.r#type == Type::ConversionsApi
            || self.common.repeats()
            || self.common.amount(event, Refunds::Omitted).is_none()
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
        all.retain(|environment| self.receiver(*environment).is_ok());
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
