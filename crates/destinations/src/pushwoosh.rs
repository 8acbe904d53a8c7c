//! Pushwoosh, by tags of a user or a device: a state, not a stream. Source: Pushwoosh API reference 1.3, "setTags", read 2026-11; Adapty docs,
//! "Pushwoosh".
//!
//! | ours | theirs |
//! |---|---|
//! | `$pushwooshHwid`, else the app's name for the customer | `hwid`, `userId` |
//! | kind, renamed | tag `last_event_type` |
//! | product | `vendor_product_id` |
//! | begin of the purchase, of the period, and its end | `original_purchase_date`, `purchase_date`, `subscription_expires_at`, seconds |
//! | whether the subscription gives access | `active_subscription` |
//! | store, environment, kind of period | `store`, `environment`, `period_type`, in lower case |
//!
//! The token is in the body. Assumed: what is answered is in `status_code` of the body, whatever the status: 401 and 403 are about the token,
//! other 4xx and 210 about the request; an answer without it says nothing, and setting a state again does no harm; tags that were not made
//! there before are named in `skipped`; the name of the attribute, which no client of another system has.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, common,
    common::{Common, Times, Who, is_subscribed},
    spec::fields,
    tags::{self, Renamed},
    told::{environment, period_type, store},
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Value, json};

/// The entry in [`crate::ALL`].
pub struct Pushwoosh;

const OWN: &[Field] = &[
    Field::new(
        "application_code",
        FieldKind::Text,
        "Application code: `XXXXX-XXXXX`, on the application's page.",
    ),
    Field::new(
        "api_token",
        FieldKind::Secret,
        "Server API token: Settings, API access.",
    ),
];

static SPEC: Spec = Spec {
    key: "pushwoosh",
    title: "Pushwoosh",
    category: Category::Messaging,
    summary: "Keeps tags of a user or a device up to date, by which messages are sent.",
    notes: &[
        "Make the tags in Pushwoosh first: those that it does not know are skipped.",
        "Only how things stand is told: what was learned too late is not.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        tags::FIELDS,
        common::SANDBOX,
        common::DELIVERY_ONCE,
    ),
    travels: &[Travel {
        secret: "api_token",
        to: &["endpoint"],
    }],
    events: tags::EVENTS,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    application_code: String,
    #[serde(default)]
    api_token: Secret,
    #[serde(default)]
    tags: Renamed,
}

struct Ready {
    settings: Settings,
    common: Common,
}

/// The tags that there are.
const TAGS: [&str; 10] = [
    "active_subscription",
    "app_user_id",
    "environment",
    "last_event_type",
    "original_purchase_date",
    "period_type",
    "purchase_date",
    "store",
    "subscription_expires_at",
    "vendor_product_id",
];

impl Destination for Pushwoosh {
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

/// How things stand after an event.
fn state(name: &str, event: &Event, who: Who<'_>) -> Vec<(&'static str, Value)> {
    let mut tags: Vec<(&'static str, Value)> = vec![
        ("app_user_id", who.app_user_id().into()),
        ("last_event_type", name.into()),
        ("store", store(event).to_ascii_lowercase().into()),
        (
            "environment",
            environment(event).to_ascii_lowercase().into(),
        ),
        ("active_subscription", is_subscribed(event).into()),
    ];
    let product = event.product.as_deref();
    tags.extend(product.map(|id| ("vendor_product_id", id.into())));
    let Some(purchase) = &event.purchase else {
        return tags;
    };
    let moments = [
        (
            "original_purchase_date",
            Some(purchase.original_purchased_at),
        ),
        ("purchase_date", Some(purchase.purchased_at)),
        ("subscription_expires_at", purchase.expires_at),
    ];
    let moments = moments.into_iter();
    tags.extend(moments.filter_map(|(tag, at)| Some((tag, Times::Seconds.of(at?)))));
    let period = period_type(event).to_ascii_lowercase();
    tags.push(("period_type", period.into()));
    tags
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.name(event, false, |kind| self.usual(kind))?;
        tags::check_newest(event)?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let (code, token) = (&self.settings.application_code, &self.settings.api_token);
        if code.is_empty() {
            return Err(Unsendable::lacks_setting("application_code"));
        }
        if token.is_empty() {
            return Err(Unsendable::lacks_setting("api_token"));
        }
        let who = self.common.who(event, now);
        let mut request = json!({
            "application": code,
            "auth": token.expose(),
            "tags": self.settings.tags.apply(state(&message.name, event, who)),
        });
        // A test is about no device that there is.
        let device = who.attribute("$pushwooshHwid");
        match device.filter(|_| event.kind != EventKind::Test) {
            Some(device) => request["hwid"] = device.into(),
            None => request["userId"] = who.app_user_id().into(),
        }
        let body = json!({ "request": request });
        let url = self
            .common
            .url("https://api.pushwoosh.com", "/json/1.3/setTags");
        Ok(Request::json(&url, body.to_string().into_bytes()).redacting(token))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.json();
        let why = || {
            let (status, said) = (response.status, response.said());
            format!("Pushwoosh answered {status}: {said}")
        };
        let has_skipped = said["response"]["skipped"]
            .as_array()
            .is_some_and(|skipped| !skipped.is_empty());
        let verdict = said["status_code"].as_u64();
        let is_silent = verdict.is_none() && (200..300).contains(&response.status);
        match verdict.unwrap_or(u64::from(response.status)) {
            _ if is_silent => Outcome::Retry(response.retry_after),
            200 if has_skipped => Outcome::Partly(why()),
            200 => Outcome::Delivered,
            401 | 403 => Outcome::CredentialsRefused(why()),
            408 | 429 => Outcome::Retry(response.retry_after),
            201..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
