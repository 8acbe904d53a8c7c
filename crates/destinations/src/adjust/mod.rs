//! Adjust, events from servers. Source: Adjust developer docs, "S2S events", read 2026-11; RevenueCat docs, "Adjust".
//!
//! | ours | theirs |
//! |---|---|
//! | kind | `event_token`, which each app has its own of; without one the kind is not sent |
//! | `$adjustId`, which has to be there | `adid` |
//! | `$idfa` and `$idfv`, `$gpsAdId`, `$androidId` and `$amazonAdId` | `idfa`, `idfv`, `gps_adid`, `android_id`, `fire_adid` |
//! | `$ip`, of version 4 alone | `ip_address` |
//! | `occurred_at` | `created_at_unix`, seconds |
//! | environment | `environment`: test purchases are always sent, and told apart by this |
//! | amount; refunds go without | `revenue` with `currency`, both or none, from 0.001 on |
//! | `$attConsentStatus` of iOS | `att_status`, Apple's number |
//! | names of customer and app, product, transaction | `callback_params`, JSON of texts in a text |
//!
//! Events are taken for 58 days; one from before the install is refused. Nothing tells a repetition apart but tokens that are set to count once
//! for a device: of those a second event is answered as one that was tracked before, which is as good as taken. What a clock ahead of theirs
//! gets is not documented: events wait until they have happened. A refusal can stand under 200, as `{"error": …}`.

mod answers;
mod tokens;

use crate::{
    Category, Configured, Context, Destination, Events, Field, FieldKind, Group, Invalid, Now,
    Outcome, Plan, Request, Response, Spec, Timer, Travel, Unsendable, Window, common,
    common::{Common, PerPlatform, Platform, Refunds, Times, Who},
    spec::fields,
    told::app_id,
};
use domain::{
    Environment, Event, EventKind, Message, Money, NotSent, Store, pace::Rate, retry,
    secret::Secret,
};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;
use tokens::Tokens;

/// The entry in [`crate::ALL`].
pub struct Adjust;

const OWN: &[Field] = &[
    Field::new(
        "ios_app_token",
        FieldKind::Secret,
        "App token of the iOS app: All settings, App token.",
    ),
    Field::new(
        "android_app_token",
        FieldKind::Secret,
        "App token of the Android app.",
    ),
    Field::new(
        "event_tokens",
        FieldKind::Events,
        "Per kind: the token of an event in Adjust. Kinds without one are not sent.",
    ),
    Field::new(
        "android_event_tokens",
        FieldKind::Events,
        "Those of the Android app, where it has others.",
    )
    .of(Group::Events),
    Field::new(
        "test_event_token",
        FieldKind::Text,
        "Token of the event that tests are sent as.",
    )
    .of(Group::Events),
    Field::new(
        "auth_token",
        FieldKind::Secret,
        "Token of S2S security, where that is on.",
    ),
    Field::new(
        "android_auth_token",
        FieldKind::Secret,
        "The same of the Android app, where it has another.",
    ),
];

static SPEC: Spec = Spec {
    key: "adjust",
    title: "Adjust",
    category: Category::Attribution,
    summary: "Attribution: each event by its token, with its revenue, for the device that it goes back to.",
    notes: &[
        "Do not track revenue of subscriptions with Adjust's own SDK as well, or money counts twice.",
        "A test is sent where `test_event_token` says as what.",
        "Refunds are sent without an amount: Adjust takes none below zero.",
    ],
    fields: fields!(
        OWN,
        common::TIMERS,
        common::IDENTIFIED,
        common::MONEY,
        common::DELIVERY
    ),
    travels: &[
        Travel {
            secret: "ios_app_token",
            to: TO,
        },
        Travel {
            secret: "android_app_token",
            to: TO,
        },
        Travel {
            secret: "auth_token",
            to: TO,
        },
        Travel {
            secret: "android_auth_token",
            to: TO,
        },
    ],
    events: common::ATTRIBUTED_AND_ACTIVE,
    ordered: true,
    concurrency: 16,
};

/// What decides who receives the tokens.
const TO: &[&str] = &["endpoint"];

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    ios_app_token: Secret,
    android_app_token: Secret,
    event_tokens: Events,
    android_event_tokens: Events,
    test_event_token: Option<String>,
    auth_token: Secret,
    android_auth_token: Secret,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Adjust {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read(settings, &SPEC)?;
        let ready = Ready { settings, common };
        let problems = ready.tokens().problems(&SPEC);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(ready))
    }
}

impl Ready {
    fn tokens(&self) -> Tokens<'_> {
        Tokens {
            all: &self.settings.event_tokens,
            android: &self.settings.android_event_tokens,
            test: self.settings.test_event_token.as_deref(),
        }
    }

    /// The amount, from the least on that is taken.
    fn amount(&self, event: &Event) -> Option<Money> {
        const LEAST_MICROS: i64 = 1_000;
        let amount = self.common.amount(event, Refunds::Omitted);
        amount.filter(|amount| amount.micros >= LEAST_MICROS)
    }

    fn app(&self, who: Who<'_>) -> Result<(Platform, &Secret), Unsendable> {
        let of = &self.settings;
        let (ios, android) = (&of.ios_app_token, &of.android_app_token);
        let apps = PerPlatform {
            ios: ("ios_app_token", Some(ios).filter(|token| !token.is_empty())),
            android: (
                "android_app_token",
                Some(android).filter(|token| !token.is_empty()),
            ),
        };
        apps.of(who)
    }

    fn auth(&self, platform: Platform) -> Option<&Secret> {
        let android = &self.settings.android_auth_token;
        let own = Some(android).filter(|token| platform == Platform::Android && !token.is_empty());
        own.or(Some(&self.settings.auth_token).filter(|token| !token.is_empty()))
    }
}

/// Parameters that Adjust hands on: texts, without anything below them.
fn callback(event: &Event, who: Who<'_>) -> String {
    let transaction = event.transaction.as_ref();
    let told = [
        ("app_user_id", Some(who.app_user_id().to_owned())),
        ("app_id", app_id(event)),
        ("event_id", Some(event.id.to_string())),
        ("event_type", Some(event.kind.id().to_owned())),
        ("product_id", event.product.clone()),
        (
            "transaction_id",
            transaction.map(|transaction| transaction.id.clone()),
        ),
    ];
    let told = told
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    Value::from(told.collect::<Map<_, _>>()).to_string()
}

/// What tells devices apart on a platform: name there, and here.
const fn of_devices(platform: Platform) -> &'static [(&'static str, &'static str)] {
    match platform {
        Platform::Android => &[
            ("gps_adid", "$gpsAdId"),
            ("android_id", "$androidId"),
            ("fire_adid", "$amazonAdId"),
        ],
        Platform::Ios | Platform::Web => &[("idfa", "$idfa"), ("idfv", "$idfv")],
    }
}

impl Configured for Ready {
    /// Each kind is sent under a token, and there is none by itself.
    fn usual(&self, _: EventKind) -> Option<&'static str> {
        None
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.name(event, true, |kind| Some(kind.id()))?;
        let store = event.app.as_ref().map(|app| app.store);
        let has = |platform| self.tokens().of(event.kind, platform).is_some();
        let is_wanted = match store {
            Some(Store::AppStore) => has(Platform::Ios),
            Some(Store::PlayStore) => has(Platform::Android),
            _ => has(Platform::Ios) || has(Platform::Android),
        };
        if !is_wanted {
            return Err(NotSent::EventDisabled);
        }
        Ok(vec![Message::named(name)])
    }

    fn render(&self, _: &Message, event: &Event, now: Now<'_>) -> Result<Request, Unsendable> {
        let who = self.common.who(event, now);
        let (platform, app) = self.app(who)?;
        let token = self.tokens().of(event.kind, platform);
        let token = token.ok_or_else(|| Unsendable {
            reason: NotSent::EventDisabled,
            detail: format!("{} has no event token", event.kind.id()),
        })?;
        let id = who.attribute("$adjustId");
        let id = id.ok_or_else(|| Unsendable::lacks_attribute("$adjustId"))?;
        let environment = match event.environment {
            Environment::Production => "production",
            Environment::Sandbox => "sandbox",
        };
        let mut told = vec![
            ("s2s", "1".to_owned()),
            ("app_token", app.expose().to_owned()),
            ("event_token", token.to_owned()),
            ("adid", id.to_owned()),
            ("environment", environment.to_owned()),
            (
                "created_at_unix",
                Times::Seconds.of(event.occurred_at).to_string(),
            ),
            ("callback_params", callback(event, who)),
        ];
        for (name, attribute) in of_devices(platform) {
            told.extend(who.attribute(attribute).map(|id| (*name, id.to_owned())));
        }
        told.extend(who.ipv4().map(|ip| ("ip_address", ip)));
        if platform == Platform::Ios && who.has_att() {
            told.push(("att_status", who.att().number().to_string()));
        }
        if let Some(amount) = self.amount(event) {
            told.push(("revenue", amount.decimal()));
            told.push(("currency", amount.currency.code().to_owned()));
        }
        let url = self.common.url("https://s2s.adjust.com", "/event");
        let told = told.iter().map(|(name, value)| (*name, value.as_str()));
        let request = Request::form(&url, told).redacting(app);
        Ok(match self.auth(platform) {
            Some(token) => request.with_bearer(token),
            None => request,
        })
    }

    fn classify(&self, response: &Response) -> Outcome {
        answers::classify(response)
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(58 * 24)),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.repeats() || self.amount(event).is_none()
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
