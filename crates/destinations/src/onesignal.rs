//! OneSignal, by tags of a user: a state, not a stream. Source: OneSignal docs, "Update user", "Edit device" (legacy), "Rate limits", read
//! 2026-11; RevenueCat docs, "OneSignal".
//!
//! | ours | theirs |
//! |---|---|
//! | `$onesignalUserId`; or, where it is so set, the app's name for the customer | `users/by/onesignal_id/…`, `users/by/external_id/…` |
//! | `$onesignalId`, where there is nothing else | `players/…`, the older interface |
//! | kind, renamed | tag `last_event_type`; RevenueCat's names without `rc_` and `_event` |
//! | `occurred_at`, end and begin of the period, end of grace | `last_event_at`, `expiration_at`, `purchased_at`, `grace_period_expiration_at`, seconds |
//! | product, store, environment, kind of period | `product_id`, `store`, `environment`, `period_type`, in lower case |
//! | entitlements | `entitlement_ids`, joined by commas |
//! | whether the subscription gives access, and its status | `active_subscription`, `subscription_status` |
//!
//! All values are texts; an empty one takes the tag away, which is how the end of a grace period goes. `$onesignalId` is a subscription of the
//! newer model, which "Update user" cannot address. Tags are limited by plan, and the free one has none for servers: leave out what is not
//! needed. A thousand requests a second for an app and one a second for a user. 202 says that it will be done.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Method, Now,
    Outcome, Plan, Request, Response, Spec, Travel, Unsendable, common,
    common::{Common, Who, is_subscribed, revenuecat, subscription_status},
    encode::percent,
    spec::fields,
    tags::{self, Renamed},
    told::{entitlements, environment, period_type, store},
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{num::NonZeroU32, time::Duration};

/// The entry in [`crate::ALL`].
pub struct OneSignal;

const OWN: &[Field] = &[
    Field::new(
        "app_id",
        FieldKind::Text,
        "App id: Settings, Keys and IDs.",
    ),
    Field::new(
        "api_key",
        FieldKind::Secret,
        "App API key of the same app.",
    ),
    Field::new(
        "user_by",
        FieldKind::Choice(&["onesignal_id", "external_id"]),
        "How a user is found: by the attribute `$onesignalUserId`, or by the customer's name, where the app calls `login` with it.",
    )
    .of(Group::Identity),
];

static SPEC: Spec = Spec {
    key: "onesignal",
    title: "OneSignal",
    category: Category::Messaging,
    summary: "Keeps tags of a user up to date, by which messages are sent.",
    notes: &[
        "Free plans take no tags from servers, and others limit how many there are.",
        "Only how things stand is told: what was learned too late is not.",
        "An answer says that tags will be set, not that they were.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::NAMES,
        tags::FIELDS,
        common::SANDBOX,
        common::DELIVERY_ONCE,
    ),
    travels: &[Travel {
        secret: "api_key",
        to: &["endpoint"],
    }],
    events: tags::EVENTS,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UserBy {
    #[default]
    OnesignalId,
    ExternalId,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    app_id: String,
    #[serde(default)]
    api_key: Secret,
    #[serde(default)]
    user_by: UserBy,
    #[serde(default)]
    tags: Renamed,
}

struct Ready {
    settings: Settings,
    common: Common,
}

/// The tags that there are.
const TAGS: [&str; 13] = [
    "active_subscription",
    "app_user_id",
    "entitlement_ids",
    "environment",
    "expiration_at",
    "grace_period_expiration_at",
    "last_event_at",
    "last_event_type",
    "period_type",
    "product_id",
    "purchased_at",
    "store",
    "subscription_status",
];

impl Destination for OneSignal {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let problems = settings.tags.problems(&TAGS);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready { settings, common }))
    }
}

fn second(at: Timestamp) -> String {
    at.as_second().to_string()
}

/// How things stand after an event.
fn state(name: &str, event: &Event, who: Who<'_>) -> Vec<(&'static str, String)> {
    let mut tags = vec![
        ("app_user_id", who.app_user_id().to_owned()),
        ("last_event_type", name.to_owned()),
        ("last_event_at", second(event.occurred_at)),
        ("store", store(event).to_ascii_lowercase()),
        ("environment", environment(event).to_ascii_lowercase()),
        ("entitlement_ids", entitlements(event).join(",")),
        ("active_subscription", is_subscribed(event).to_string()),
    ];
    tags.extend(event.product.clone().map(|id| ("product_id", id)));
    if let Some(status) = subscription_status(event) {
        tags.push(("subscription_status", status.to_owned()));
    }
    let Some(purchase) = &event.purchase else {
        return tags;
    };
    let in_grace = matches!(
        event.kind,
        EventKind::BillingIssueDetected | EventKind::EnteredGracePeriod
    );
    let grace = purchase.access_until.filter(|_| in_grace);
    tags.push(("period_type", period_type(event).to_ascii_lowercase()));
    tags.push(("purchased_at", second(purchase.purchased_at)));
    tags.extend(purchase.expires_at.map(|at| ("expiration_at", second(at))));
    tags.push((
        "grace_period_expiration_at",
        grace.map(second).unwrap_or_default(),
    ));
    tags
}

impl Ready {
    /// What an event is called: as here, or as RevenueCat calls it there, without what it has elsewhere.
    fn usual_name(&self, kind: EventKind) -> Option<&'static str> {
        let bare = |kind| {
            let name: &str = revenuecat(kind)?;
            name.strip_prefix("rc_")?.strip_suffix("_event")
        };
        self.common.usual_name_by(kind, bare, EventKind::id)
    }

    fn to_user(&self, label: &str, id: &str, tags: Value) -> Request {
        let path = format!(
            "/apps/{}/users/by/{label}/{}",
            percent(&self.settings.app_id),
            percent(id)
        );
        let body = json!({ "properties": { "tags": tags } });
        self.request(Method::Patch, &path, &body, "Key")
    }

    /// The older interface, which knows subscriptions as players.
    fn to_player(&self, id: &str, tags: Value) -> Request {
        let body = json!({ "app_id": self.settings.app_id, "tags": tags });
        let path = format!("/api/v1/players/{}", percent(id));
        self.request(Method::Put, &path, &body, "Basic")
    }

    fn request(&self, method: Method, path: &str, body: &Value, scheme: &str) -> Request {
        let key = &self.settings.api_key;
        let url = self.common.url("https://api.onesignal.com", path);
        Request::json(&url, body.to_string().into_bytes())
            .with_method(method)
            .redacting(key)
            .with_secret_header("authorization", format!("{scheme} {}", key.expose()))
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self
            .common
            .name(event, false, |kind| self.usual_name(kind))?;
        tags::check_newest(event)?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let settings = &self.settings;
        if settings.app_id.is_empty() {
            return Err(Unsendable::lacks_setting("app_id"));
        }
        if settings.api_key.is_empty() {
            return Err(Unsendable::lacks_setting("api_key"));
        }
        let who = self.common.who(event, now);
        let tags = settings.tags.apply(state(&message.name, event, who));
        let tags = json!(tags);
        if settings.user_by == UserBy::ExternalId {
            return Ok(self.to_user("external_id", who.app_user_id(), tags));
        }
        if let Some(id) = who.attribute("$onesignalUserId") {
            return Ok(self.to_user("onesignal_id", id, tags));
        }
        let id = who.attribute("$onesignalId");
        id.map(|id| self.to_player(id, tags))
            .ok_or_else(|| Unsendable::lacks_attribute("$onesignalUserId or $onesignalId"))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let why = || {
            let (status, said) = (response.status, response.said());
            format!("OneSignal answered {status}: {said}")
        };
        match response.status {
            200..=299 => Outcome::Delivered,
            401 | 403 => Outcome::CredentialsRefused(why()),
            408 | 409 | 429 => Outcome::Retry(response.retry_after),
            400..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn rate(&self) -> Option<Rate> {
        let thousand = NonZeroU32::MIN.saturating_add(999);
        self.common.rate(Some(Rate::per_second(thousand)))
    }

    fn rate_per_customer(&self) -> Option<Rate> {
        Some(Rate::per_second(NonZeroU32::MIN))
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
