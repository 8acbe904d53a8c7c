//! Braze, by `/users/track`. Source: Braze docs, "Post: Track users", "eCommerce recommended events", "API limits", read 2026-11.
//!
//! | ours | theirs |
//! |---|---|
//! | `$brazeAliasName` with `$brazeAliasLabel`, both or neither; else the app's name for the customer | `user_alias`, `external_id` |
//! | kind, renamed | `events[0].name` |
//! | `occurred_at` | `time` |
//! | properties | `properties`, with `revenue` below zero for a refund and its `currency` |
//! | amount that came in | `ecommerce.order_placed`, or a purchase object |
//! | amount given back, above zero | `ecommerce.order_refunded`, or a purchase object below zero |
//! | transaction | `order_id` |
//! | status, entitlements; attributes, where they are sent | `attributes[0]` |
//!
//! An alias is updated only where it exists, unless the request says otherwise: it does. A charge is one item of its whole price, whatever its
//! quantity, so that price times quantity is what was charged. Neither is taken without a product: then nothing is sent, and that is the reason. Names of attributes may not begin with `$`: they have a prefix.
//!
//! 201 with `errors` says which objects were not stored; the rest is, so it is never sent again. A 401 may be about data and not about the
//! key: then its words are those of a 400. 429 names its pause in a header of its own. Nothing can be told to be a repetition.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, check_url, common,
    common::{
        Common, Keys, Refunds, Times, Who, active_entitlements, number, pause_in, properties,
        subscription_status,
    },
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, Money, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{num::NonZeroU32, time::Duration};

/// The entry in [`crate::ALL`].
pub struct Braze;

const OWN: &[Field] = &[
    Field::new(
        "rest_endpoint",
        FieldKind::Url,
        "REST endpoint of your instance, as the dashboard shows it: `https://rest.iad-01.braze.com`, `https://rest.fra-01.braze.eu`.",
    ),
    Field::new(
        "api_key",
        FieldKind::Secret,
        "REST API key with the permission `users.track`.",
    ),
    Field::new(
        "sandbox_api_key",
        FieldKind::Secret,
        "Key of another workspace for test purchases; without it they are not sent.",
    ),
    Field::new(
        "revenue_as",
        FieldKind::Choice(&["ecommerce_events", "purchases", "properties"]),
        "How Braze adds up revenue: by its recommended events, by purchase objects (which it no longer develops), or not at all.",
    )
    .of(crate::Group::Money),
];

static SPEC: Spec = Spec {
    key: "braze",
    title: "Braze",
    category: Category::Messaging,
    summary: "Events and revenue for the user that the app knows, to start messages and journeys.",
    notes: &[
        "Switch off purchases that the app logs with Braze's own SDK, or money counts twice.",
        "Braze cannot tell a repetition: where an answer was lost, what is about money is not sent again unless the settings say so.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY_THERE,
    ),
    travels: &[
        Travel {
            secret: "api_key",
            to: &["rest_endpoint"],
        },
        Travel {
            secret: "sandbox_api_key",
            to: &["rest_endpoint"],
        },
    ],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RevenueAs {
    #[default]
    EcommerceEvents,
    Purchases,
    Properties,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    rest_endpoint: String,
    #[serde(default)]
    api_key: Secret,
    #[serde(default)]
    sandbox_api_key: Secret,
    #[serde(default)]
    revenue_as: RevenueAs,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Braze {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(
        &self,
        settings: &Value,
        _: &Context,
    ) -> Result<Box<dyn Configured>, Vec<Invalid>> {
        let (settings, common) = common::read::<Settings>(settings, &SPEC)?;
        let mut problems = Vec::new();
        let endpoint = Some(settings.rest_endpoint.as_str()).filter(|url| !url.is_empty());
        check_url("rest_endpoint", endpoint, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Box::new(Ready { settings, common }))
    }
}

/// Strings longer than this are refused. Source: Braze docs, "Track users", limits.
const LONGEST: usize = 255;

/// Whom an object is about: an alias is a pair, and made where it is not there yet.
fn identity(who: Who<'_>) -> Map<String, Value> {
    let alias = who
        .attribute("$brazeAliasName")
        .zip(who.attribute("$brazeAliasLabel"));
    let named = match alias {
        Some((name, label)) => json!({
            "user_alias": { "alias_name": name, "alias_label": label },
            "_update_existing_only": false,
        }),
        None => json!({ "external_id": who.app_user_id() }),
    };
    named.as_object().cloned().unwrap_or_default()
}

fn object(who: Who<'_>, more: Value) -> Value {
    let mut object = identity(who);
    if let Value::Object(more) = more {
        object.extend(more);
    }
    object.into()
}

/// What was bought: revenue is counted by product, and nothing without one. Source: Braze docs, "Purchase object", `product_id` is required.
fn product(event: &Event) -> Result<&str, Unsendable> {
    let product = event.product.as_deref();
    product.ok_or_else(|| Unsendable::lacks_word("product"))
}

/// An order of one item. Source: Braze docs, "eCommerce recommended events": all of its members are required.
fn order(name: &str, event: &Event, amount: Money) -> Result<Value, Unsendable> {
    let transaction = event.transaction.as_ref();
    let transaction = transaction.ok_or_else(|| Unsendable::lacks_word("transaction"))?;
    let product = product(event)?;
    Ok(json!({
        "name": name,
        "time": Times::Iso.of(event.occurred_at),
        "properties": {
            "order_id": transaction.id,
            "total_value": number(amount),
            "currency": amount.currency.code(),
            "source": "tidings",
            "products": [{
                "product_id": product,
                "product_name": product,
                "variant_id": product,
                "quantity": 1,
                "price": number(amount),
            }],
        },
    }))
}

fn purchase(name: &str, event: &Event, amount: Money) -> Result<Value, Unsendable> {
    Ok(json!({
        "product_id": product(event)?.chars().take(LONGEST).collect::<String>(),
        "currency": amount.currency.code(),
        "price": number(amount),
        "quantity": 1,
        "time": Times::Iso.of(event.occurred_at),
        "properties": { "event_name": name },
    }))
}

impl Ready {
    const fn keys(&self) -> Keys<'_> {
        Keys::new(
            ("api_key", &self.settings.api_key),
            ("sandbox_api_key", &self.settings.sandbox_api_key),
        )
    }

    /// How it stands with the customer, and what else is known where attributes are sent.
    fn attributes(&self, event: &Event, who: Who<'_>) -> Value {
        let prefix = self.common.prefix();
        let mut all = Map::new();
        let sends = self.common.sends_attributes();
        for (name, value) in who.attributes().filter(|_| sends) {
            let name = format!("{prefix}customer_attribute_{name}");
            all.insert(name.chars().take(LONGEST).collect(), value.into());
        }
        let entitlements = active_entitlements(event);
        all.insert(
            format!("{prefix}active_entitlement_ids"),
            entitlements.into(),
        );
        if let Some(status) = subscription_status(event) {
            all.insert(format!("{prefix}subscription_status"), status.into());
        }
        object(who, all.into())
    }
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        self.common.usual_name(kind)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self
            .common
            .name(event, self.keys().has_sandbox(), |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let key = self.keys().own(event.environment)?;
        let endpoint = self.settings.rest_endpoint.trim_end_matches('/');
        if endpoint.is_empty() {
            return Err(Unsendable::lacks_setting("rest_endpoint"));
        }
        let who = self.common.who(event, now);
        let signed = self.common.amount(event, Refunds::Negative);
        let mut told = properties(event, who, Times::Iso);
        if let Some(amount) = signed {
            told.insert("revenue".into(), number(amount));
            told.insert("currency".into(), amount.currency.code().into());
        }
        let named = json!({
            "name": message.name,
            "time": Times::Iso.of(event.occurred_at),
            "properties": told,
        });
        let mut events = vec![object(who, named)];
        let mut body = json!({});
        let name = if event.kind.is_refund() {
            "ecommerce.order_refunded"
        } else {
            "ecommerce.order_placed"
        };
        let above_zero = self.common.amount(event, Refunds::Positive);
        match (self.settings.revenue_as, above_zero, signed) {
            (RevenueAs::EcommerceEvents, Some(amount), _) => {
                events.push(object(who, order(name, event, amount)?));
            }
            (RevenueAs::Purchases, _, Some(amount)) => {
                body["purchases"] = json!([object(who, purchase(&message.name, event, amount)?)]);
            }
            _ => {}
        }
        body["events"] = events.into();
        body["attributes"] = json!([self.attributes(event, who)]);
        let url = format!("{endpoint}/users/track");
        Ok(Request::json(&url, body.to_string().into_bytes()).with_bearer(key))
    }

    fn classify(&self, response: &Response) -> Outcome {
        let said = response.json();
        let why = || format!("Braze answered {}: {}", response.status, response.said());
        let message = said["message"].as_str().unwrap_or_default();
        let has_errors = said["errors"]
            .as_array()
            .is_some_and(|errors| !errors.is_empty());
        let is_about_data = has_errors || message.starts_with("Valid data must be provided");
        match response.status {
            200..=299 if message == "success" && has_errors => Outcome::Partly(why()),
            200..=299 if message == "success" => Outcome::Delivered,
            200..=299 if !message.is_empty() => Outcome::Rejected(why()),
            401 if is_about_data => Outcome::Rejected(why()),
            401 | 403 => Outcome::CredentialsRefused(why()),
            408 | 429 => {
                let pause: Option<Duration> = pause_in(response, "x-ratelimit-retry-after");
                Outcome::Retry(pause.max(response.retry_after))
            }
            400..=499 => Outcome::Rejected(why()),
            _ => Outcome::Retry(response.retry_after),
        }
    }

    fn endpoint(&self, environment: Environment) -> Environment {
        self.keys().endpoint(environment)
    }

    fn endpoints(&self) -> Vec<Environment> {
        self.keys().endpoints()
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        self.common.may_repeat(event)
    }

    fn rate(&self) -> Option<Rate> {
        // Source: Braze docs, "API limits": 3,000 requests in three seconds.
        let thousand = NonZeroU32::MIN.saturating_add(999);
        self.common.rate(Some(Rate::per_second(thousand)))
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
