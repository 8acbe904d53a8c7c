//! Intercom, by its data events. Source: Intercom API reference 2.14, "Data events", "Create contact", "Update a contact", "Rate limiting",
//! read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | kind, renamed | `event_name` |
//! | `occurred_at` | `created_at`, seconds |
//! | the app's name for the customer | `user_id` |
//! | product, entitlement, store, end of the period, kind of period, environment, reason | `metadata`, ten flat members at most |
//! | amount that came in | `metadata.price`: `{amount, currency}`, in the smallest unit |
//! | status, store, entitlement, end, where contacts are updated | `custom_attributes` of the contact `$intercomContactId` |
//!
//! Members that end in `_date` are moments in seconds. Contact, name, second and metadata that are the same count once. There is no upsert: an
//! event of somebody unknown is answered with 404, so the contact is made and the event sent once more; a contact is updated by Intercom's own
//! id for it alone, and only attributes that were made there before are taken. 429 says in `X-RateLimit-Reset` until when.
//!
//! The workspace is asked with the access token of an app of its own. Intercom's OAuth is for apps that others install into their workspaces, which takes a
//! secret of whoever publishes the app and a page of theirs to come back to: nothing that runs at home has either (Intercom docs, "Authentication").

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Group, Invalid, Method, Now,
    Outcome, Plan, Request, Response, Spec, Travel, Unsendable, common,
    common::{Common, Refunds, Times, Who, minor_units, pause_until, subscription_status},
    encode::percent,
    spec::fields,
    told::{cancel_reason, entitlements, environment, expiration_reason, period_type, store},
};
use domain::{Event, EventKind, Message, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The entry in [`crate::ALL`].
pub struct Intercom;

const OWN: &[Field] = &[
    Field::new(
        "access_token",
        FieldKind::Secret,
        "Access token of an app of your own in Intercom's Developer Hub, which may write events and contacts.",
    ),
    Field::new(
        "region",
        FieldKind::Choice(&["us", "eu", "au"]),
        "Where the workspace's data are kept.",
    ),
    Field::new(
        "update_contacts",
        FieldKind::Switch,
        "Also keep `subscription_status`, `latest_store`, `latest_entitlement` and `expires_date` of contacts that are known by `$intercomContactId`; make these attributes there first.",
    )
    .of(Group::Identity),
];

static SPEC: Spec = Spec {
    key: "intercom",
    title: "Intercom",
    category: Category::Messaging,
    summary: "Events beside the conversations of the contact that the app knows.",
    notes: &[
        "A contact that Intercom does not know is made there.",
        "Intercom adds no revenue up: an amount is a detail of its event.",
    ],
    fields: fields!(
        OWN,
        common::IDENTIFIED,
        common::EVENTS,
        common::NAMES,
        common::SANDBOX,
        common::MONEY,
        common::DELIVERY_ONCE,
    ),
    travels: &[Travel {
        secret: "access_token",
        to: &["region", "endpoint"],
    }],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 8,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Region {
    #[default]
    Us,
    Eu,
    Au,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    access_token: Secret,
    #[serde(default)]
    region: Region,
    #[serde(default)]
    update_contacts: bool,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Intercom {
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

/// The shape of the message that updates the contact.
const CONTACT: &str = "contact";

/// The end of the period, in seconds.
fn expires(event: &Event) -> Option<Value> {
    let at = event.purchase.as_ref()?.expires_at?;
    Some(Times::Seconds.of(at))
}

/// The store as Intercom shows it: `app_store`.
fn lower_store(event: &Event) -> String {
    store(event).to_ascii_lowercase()
}

impl Ready {
    fn request(&self, method: Method, path: &str, body: &Value) -> Result<Request, Unsendable> {
        let token = &self.settings.access_token;
        if token.is_empty() {
            return Err(Unsendable::lacks_setting("access_token"));
        }
        let host = match self.settings.region {
            Region::Us => "https://api.intercom.io",
            Region::Eu => "https://api.eu.intercom.io",
            Region::Au => "https://api.au.intercom.io",
        };
        let url = self.common.url(host, path);
        let request = Request::json(&url, body.to_string().into_bytes());
        Ok(request
            .with_method(method)
            .with_header("intercom-version", "2.14")
            .with_bearer(token))
    }

    /// Ten flat members at most. Source: Intercom API reference, "Metadata object".
    fn metadata(&self, event: &Event) -> Map<String, Value> {
        let price = self.common.amount(event, Refunds::Omitted).map(|amount| {
            let currency = amount.currency.code().to_ascii_lowercase();
            json!({ "amount": minor_units(amount), "currency": currency })
        });
        let is_end = matches!(
            event.kind,
            EventKind::SubscriptionExpired | EventKind::TrialExpired
        );
        let is_off = matches!(
            event.kind,
            EventKind::SubscriptionRenewalCancelled | EventKind::TrialRenewalCancelled
        ) || event.kind.is_refund();
        let purchase = event.purchase.as_ref();
        let transaction = event.transaction.as_ref();
        let told = [
            (
                "product_identifier",
                event.product.as_deref().map(Value::from),
            ),
            (
                "previous_product_identifier",
                event.previous_product.as_deref().map(Value::from),
            ),
            (
                "entitlement",
                entitlements(event).first().map(|id| Value::from(*id)),
            ),
            ("store", Some(lower_store(event).into())),
            ("expires_date", expires(event)),
            ("price", price),
            ("period_type", purchase.map(|_| period_type(event).into())),
            ("environment", Some(environment(event).into())),
            (
                "transaction_id",
                transaction.map(|transaction| transaction.id.as_str().into()),
            ),
            (
                "reason",
                match (is_end, is_off) {
                    (true, _) => Some(expiration_reason(event).into()),
                    (_, true) => Some(cancel_reason(event).into()),
                    _ => None,
                },
            ),
        ];
        let told = told
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        told.collect()
    }

    /// What is kept of a contact beside its events.
    fn kept(event: &Event) -> Map<String, Value> {
        let told = [
            (
                "subscription_status",
                subscription_status(event).map(Value::from),
            ),
            ("latest_store", Some(lower_store(event).into())),
            (
                "latest_entitlement",
                entitlements(event).first().map(|id| Value::from(*id)),
            ),
            ("expires_date", expires(event)),
        ];
        let told = told
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        told.collect()
    }

    fn update(&self, event: &Event, who: Who<'_>) -> Result<Request, Unsendable> {
        let id = who
            .attribute("$intercomContactId")
            .ok_or_else(|| Unsendable::lacks_attribute("$intercomContactId"))?;
        let path = format!("/contacts/{}", percent(id));
        let body = json!({ "custom_attributes": Self::kept(event) });
        self.request(Method::Put, &path, &body)
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.name(event, false, |kind| self.usual(kind))?;
        let mut messages = vec![Message::named(name)];
        // A test is about nobody who could be kept.
        if self.settings.update_contacts && event.kind != EventKind::Test {
            messages.push(Message {
                format: Some(CONTACT.into()),
                ..Message::named(CONTACT)
            });
        }
        Ok(messages)
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let who = self.common.who(event, now);
        if message.format.as_deref() == Some(CONTACT) {
            return self.update(event, who);
        }
        let body = json!({
            "event_name": message.name,
            "created_at": Times::Seconds.of(event.occurred_at),
            "user_id": who.app_user_id(),
            "metadata": self.metadata(event),
        });
        self.request(Method::Post, "/events", &body)
    }

    fn classify(&self, response: &Response) -> Outcome {
        let why = || {
            let (status, said) = (response.status, response.said());
            format!("Intercom answered {status}: {said}")
        };
        match response.status {
            200..=299 => Outcome::Delivered,
            401 | 403 => Outcome::CredentialsRefused(why()),
            408 | 429 => {
                let pause = pause_until(response, "x-ratelimit-reset");
                Outcome::Retry(pause.max(response.retry_after))
            }
            400..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    /// Makes the contact that an event found missing.
    fn remedy(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
        response: &Response,
    ) -> Option<Request> {
        if response.status != 404 || message.format.is_some() {
            return None;
        }
        let who = self.common.who(event, now);
        let mut contact = json!({ "role": "user", "external_id": who.app_user_id() });
        for (attribute, member) in [
            ("$email", "email"),
            ("$displayName", "name"),
            ("$phoneNumber", "phone"),
        ] {
            if let Some(value) = who.attribute(attribute) {
                contact[member] = value.into();
            }
        }
        self.request(Method::Post, "/contacts", &contact).ok()
    }

    fn waits_for_attributes(&self) -> Duration {
        self.common.wait()
    }

    fn rate(&self) -> Option<Rate> {
        self.common.rate(None)
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
