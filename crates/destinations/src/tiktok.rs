//! TikTok, by the Events API for apps. Source: TikTok for Business, "Events API 2.0", version 1.3, read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `event`: `Subscribe`, `StartTrial`, `Purchase`; other kinds where they are given a name |
//! | `occurred_at` | `event_time`, seconds, at most seven days ago |
//! | id of the event, as a UUID | `event_id`, by which a repetition counts once |
//! | the app's name for the customer, `$email`, `$phoneNumber` with its plus | `user.external_id`, `email`, `phone`: digests |
//! | `$ip` | `user.ip` |
//! | `$attConsentStatus` of iOS; on Android nobody is asked | `user.att_status`, in words |
//! | amount | `properties.value` with `currency` |
//! | product, quantity | `properties.contents` |
//! | the store's id of the app | `app.app_id` |
//!
//! Identifiers for advertisers are not sent: sources disagree whether TikTok wants them as they are or as digests. Who an event is about is told
//! by the digest of the app's name for the customer, which is always there. TikTok takes no amount below zero (an assumption): refunds are not
//! sent. That seven days is the limit is an assumption as well; what lies ahead waits. The status says nothing: 0 in `code` is taken, 20001 is
//! partly taken, which of one event is not at all.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Now, Outcome,
    Plan, Request, Response, Spec, Travel, Unsendable, Window, common,
    common::{Att, Common, PerPlatform, Platform, Refunds, Times, Who, by_status, number, said},
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

/// The entry in [`crate::ALL`].
pub struct TikTok;

const OWN: &[Field] = &[
    Field::new(
        "access_token",
        FieldKind::Secret,
        "Token of the Events API: TikTok Events Manager, Settings.",
    ),
    Field::new(
        "tiktok_app_id",
        FieldKind::Text,
        "What TikTok calls the app: TikTok Events Manager, App events.",
    ),
    Field::new(
        "android_tiktok_app_id",
        FieldKind::Text,
        "The same of the Android app, where it has another.",
    ),
    Field::new(
        "ios_app_id",
        FieldKind::Text,
        "Number of the app in the App Store.",
    ),
    Field::new(
        "android_app_id",
        FieldKind::Text,
        "Package name of the Android app.",
    ),
    Field::new(
        "test_event_code",
        FieldKind::Text,
        "Code of Events Manager, Test events: tests and test purchases show up there, and count nowhere. Without it test purchases are not sent.",
    )
    .of(Group::Events),
];

static SPEC: Spec = Spec {
    key: "tiktok",
    title: "TikTok",
    category: Category::Attribution,
    summary: "Ads on TikTok: purchases, trials and subscriptions, so that ads find more of them.",
    notes: &[
        "Where an attribution network sends these events to TikTok already, money counts twice: let one of them.",
        "Refunds are not sent: TikTok takes no amount below zero.",
    ],
    fields: fields!(OWN, common::EVENTS, common::MONEY, common::DELIVERY_ONCE),
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
    access_token: Secret,
    tiktok_app_id: Option<String>,
    android_tiktok_app_id: Option<String>,
    ios_app_id: Option<String>,
    android_app_id: Option<String>,
    test_event_code: Option<String>,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for TikTok {
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
        | EventKind::TrialConverted => "Subscribe",
        EventKind::TrialStarted => "StartTrial",
        EventKind::NonSubscriptionPurchase => "Purchase",
        EventKind::Test => kind.id(),
        _ => return None,
    })
}

/// Whom it is about: digests of contact data.
fn user(who: Who<'_>, platform: Platform) -> Value {
    let mut user = json!({ "external_id": [who.hashed_id()] });
    for (name, digest) in [
        ("email", who.hashed_email()),
        ("phone", who.hashed_phone_with_plus()),
    ] {
        if let Some(digest) = digest {
            user[name] = json!([digest]);
        }
    }
    if let Some(ip) = who.attribute("$ip") {
        user["ip"] = ip.into();
    }
    let consent = match (platform, who.att()) {
        (Platform::Android, _) => Some("NOT_APPLICABLE"),
        (_, Att::Authorized) => Some("AUTHORIZED"),
        (_, Att::Denied) => Some("DENIED"),
        (_, Att::Restricted) => Some("RESTRICTED"),
        (_, Att::Unknown) => who.has_att().then_some("NOT_DETERMINED"),
    };
    if let Some(consent) = consent {
        user["att_status"] = consent.into();
    }
    user
}

impl Ready {
    /// The app, as its store names it.
    fn app<'a>(&'a self, who: Who<'_>, now: Now<'a>) -> Result<(Platform, &'a str), Unsendable> {
        let (of, own) = (&self.settings, now.app);
        let apps = PerPlatform {
            ios: (
                "ios_app_id",
                of.ios_app_id.as_deref().or(own.store_id.as_deref()),
            ),
            android: (
                "android_app_id",
                of.android_app_id.as_deref().or(own.bundle.as_deref()),
            ),
        };
        apps.of(who)
    }

    /// What TikTok calls the app.
    fn source(&self, platform: Platform) -> Result<&str, Unsendable> {
        let android = self.settings.android_tiktok_app_id.as_deref();
        let android = android.filter(|_| platform == Platform::Android);
        let source = android.or(self.settings.tiktok_app_id.as_deref());
        source.ok_or_else(|| Unsendable::lacks_setting("tiktok_app_id"))
    }

    /// What was bought. What one of several costs is not calculated.
    fn properties(&self, event: &Event) -> Value {
        let mut properties = json!({});
        let amount = self.common.amount(event, Refunds::Omitted);
        if let Some(amount) = amount {
            properties["value"] = number(amount);
            properties["currency"] = amount.currency.code().into();
        }
        let Some(product) = &event.product else {
            return properties;
        };
        let mut content = json!({ "content_id": product });
        let transaction = event.transaction.as_ref();
        let quantity = transaction.map(|transaction| transaction.quantity);
        if let Some(quantity) = quantity {
            content["quantity"] = quantity.into();
        }
        if let Some(amount) = amount.filter(|_| quantity == Some(1)) {
            content["price"] = number(amount);
        }
        properties["content_type"] = "product".into();
        properties["contents"] = json!([content]);
        properties
    }

    fn test_code(&self, event: &Event) -> Option<&str> {
        let is_test = event.kind == EventKind::Test || event.environment == Environment::Sandbox;
        self.settings.test_event_code.as_deref().filter(|_| is_test)
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        usual(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let has_sandbox = self.settings.test_event_code.is_some();
        let name = self.common.name(event, has_sandbox, usual)?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let token = &self.settings.access_token;
        if token.is_empty() {
            return Err(Unsendable::lacks_setting("access_token"));
        }
        let who = self.common.who(event, now);
        let (platform, app) = self.app(who, now)?;
        let mut body = json!({
            "event_source": "app",
            "event_source_id": self.source(platform)?,
            "data": [{
                "event": message.name,
                "event_time": Times::Seconds.of(event.occurred_at),
                "event_id": event.id.uuid().to_string(),
                "user": user(who, platform),
                "properties": self.properties(event),
                "app": { "app_id": app },
            }],
        });
        if let Some(code) = self.test_code(event) {
            body["test_event_code"] = code.into();
        }
        let path = "/open_api/v1.3/event/track/";
        let url = self.common.url("https://business-api.tiktok.com", path);
        let request = Request::json(&url, body.to_string().into_bytes()).redacting(token);
        Ok(request.with_secret_header("access-token", token.expose()))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let body = response.json();
        let why = || said("TikTok", response);
        let is_ok = (200..=299).contains(&response.status);
        match body["code"].as_i64().filter(|_| is_ok) {
            Some(0) => Outcome::Delivered,
            Some(20001) => match body["data"]["failed_events"].as_array() {
                Some(failed) if !failed.is_empty() => Outcome::Rejected(why()),
                _ => Outcome::Delivered,
            },
            Some(40105) => Outcome::CredentialsRefused(why()),
            Some(40100 | 50000..=59999) => Outcome::Retry(response.retry_after),
            Some(_) => Outcome::Rejected(why()),
            None if is_ok => Outcome::Rejected(why()),
            None => by_status("TikTok", response),
        }
    }

    fn window(&self) -> Window {
        Window {
            oldest: Some(SignedDuration::from_hours(7 * 24)),
            ahead: Some(SignedDuration::ZERO),
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(Some(Rate::per_minute(60_000)))
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
