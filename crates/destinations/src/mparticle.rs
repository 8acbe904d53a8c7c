//! mParticle, by its Events API. Source: mParticle docs, "Events API" and "JSON Schema Reference", and the models of its client libraries, read
//! 2026-11; RevenueCat docs, "mParticle", for names.
//!
//! | ours | theirs |
//! |---|---|
//! | an event with an amount | `commerce_event` with `product_action`: `purchase`, or `refund` with the amount above zero |
//! | every other | `custom_event` |
//! | kind, renamed | `event_name` |
//! | `$mparticleId` | `mpid`, a number of 64 bits |
//! | the app's name for the customer | `user_identities.customer_id` |
//! | `$ip`, `$idfa`, `$idfv`, `$gpsAdId`, `$attConsentStatus` | `ip`, `device_info` |
//! | `occurred_at` | `timestamp_unixtime_ms` |
//! | id of the event, as a UUID | `source_message_id`, `source_request_id` |
//! | amount | `total_amount` with `currency_code`; of a single item its `price` too |
//! | test purchases | `environment` `development` |
//! | properties, each as a text | `custom_attributes` |
//! | how it stands with the subscription, attributes where they are sent | `user_attributes` |
//!
//! A feed per platform has a key and a secret, for Basic authentication. What is neither of iOS nor of Android goes to the feed of iOS, or else to
//! that of Android. 202 says that the batch will be looked at. Nothing tells a repetition. An account may send 270 batches a second.

use crate::{
    Category, Configured, Context, Destination, Field, FieldKind, Invalid, Now, Outcome, Plan,
    Request, Response, Spec, Travel, Unsendable, common,
    common::{
        Account, Att, Common, Platform, Refunds, Times, Who, by_status, flat, moves_money, number,
        properties, subscription_status,
    },
    spec::fields,
};
use domain::{Environment, Event, EventKind, Message, Money, pace::Rate, retry, secret::Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::num::NonZeroU32;

/// The entry in [`crate::ALL`].
pub struct Mparticle;

const OWN: &[Field] = &[
    Field::new(
        "ios_key",
        FieldKind::Text,
        "Key of the feed for iOS: Setup, Inputs, Feeds.",
    ),
    Field::new("ios_secret", FieldKind::Secret, "Secret of that feed."),
    Field::new(
        "android_key",
        FieldKind::Text,
        "Key of the feed for Android.",
    ),
    Field::new("android_secret", FieldKind::Secret, "Secret of that feed."),
    Field::new(
        "pod",
        FieldKind::Choice(&["us1", "us2", "eu1", "au1"]),
        "Where the account is, as its dashboard's address says.",
    ),
];

static SPEC: Spec = Spec {
    key: "mparticle",
    title: "mParticle",
    category: Category::Analytics,
    summary: "Customer data platform: purchases and refunds as commerce events, what happens between them as events.",
    notes: &[
        "202 says that the batch will be looked at, not that it was good: look into the live stream after the first test.",
        "Test purchases are always sent, as of the development environment.",
        "Of names beyond a thousand a workspace drops the events.",
    ],
    fields: fields!(
        OWN,
        common::EVENTS,
        common::NAMES,
        common::MONEY,
        common::ATTRIBUTES,
        common::DELIVERY,
    ),
    travels: &[
        Travel {
            secret: "ios_secret",
            to: &["pod", "endpoint"],
        },
        Travel {
            secret: "android_secret",
            to: &["pod", "endpoint"],
        },
    ],
    events: common::LIFECYCLE,
    ordered: true,
    concurrency: 16,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Pod {
    #[default]
    Us1,
    Us2,
    Eu1,
    Au1,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    ios_key: String,
    #[serde(default)]
    ios_secret: Secret,
    #[serde(default)]
    android_key: String,
    #[serde(default)]
    android_secret: Secret,
    #[serde(default)]
    pod: Pod,
}

struct Ready {
    settings: Settings,
    common: Common,
}

impl Destination for Mparticle {
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

/// What RevenueCat calls a kind here; `None` for what it does not send. Source: RevenueCat docs, "mParticle", events.
const fn revenuecat(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::SubscriptionStarted => "initial_purchase",
        EventKind::TrialStarted => "trial_started",
        EventKind::TrialConverted => "trial_converted",
        EventKind::TrialRenewalCancelled => "trial_cancelled",
        EventKind::SubscriptionRenewed => "renewal",
        EventKind::SubscriptionRenewalCancelled => "cancellation",
        EventKind::TrialRenewalReactivated | EventKind::SubscriptionRenewalReactivated => {
            "uncancellation"
        }
        EventKind::NonSubscriptionPurchase => "non_renewing_purchase",
        EventKind::SubscriptionRefunded | EventKind::NonSubscriptionPurchaseRefunded => "refund",
        EventKind::SubscriptionPaused => "rc_subscription_paused_event",
        EventKind::SubscriptionExpired | EventKind::TrialExpired => "expiration",
        EventKind::BillingIssueDetected => "billing_issue",
        EventKind::ProductChanged => "product_change",
        EventKind::Transfer => "rc_transfer_event",
        EventKind::Test => "test",
        _ => return None,
    })
}

impl Ready {
    /// The feed for the customer's platform.
    fn feed(&self, who: Who<'_>) -> Result<Account<'_>, Unsendable> {
        let ios = Account {
            id: &self.settings.ios_key,
            secret: &self.settings.ios_secret,
            id_setting: "ios_key",
            secret_setting: "ios_secret",
        };
        let android = Account {
            id: &self.settings.android_key,
            secret: &self.settings.android_secret,
            id_setting: "android_key",
            secret_setting: "android_secret",
        };
        Account::of_platform(who, ios, android)
    }

    fn event(&self, message: &Message, event: &Event, who: Who<'_>) -> Result<Value, Unsendable> {
        let amount = self.common.amount(event, Refunds::Positive);
        let mut data = json!({
            "event_name": message.name,
            "timestamp_unixtime_ms": Times::Millis.of(event.occurred_at),
            "source_message_id": event.id.uuid().to_string(),
            "custom_attributes": flat(properties(event, who, Times::Iso)),
        });
        let is_bought = event.kind.is_charge() || event.kind.is_refund();
        let Some(amount) = amount.filter(|_| is_bought) else {
            data["custom_event_type"] = "other".into();
            return Ok(json!({ "event_type": "custom_event", "data": data }));
        };
        data["currency_code"] = amount.currency.code().into();
        data["product_action"] = action(event, amount)?;
        data["is_non_interactive"] = true.into();
        Ok(json!({ "event_type": "commerce_event", "data": data }))
    }

    fn user_attributes(&self, event: &Event, who: Who<'_>) -> Map<String, Value> {
        let mut told = Map::new();
        if self.common.sends_attributes() {
            told.extend(who.traits());
        }
        if let Some(status) = subscription_status(event) {
            told.insert("subscription_status".into(), status.into());
        }
        told
    }
}

/// What was bought, or given back.
fn action(event: &Event, amount: Money) -> Result<Value, Unsendable> {
    let product = event.product.as_deref();
    let product = product.ok_or_else(|| Unsendable::lacks_word("product"))?;
    let mut item = json!({ "id": product });
    let mut action = json!({
        "action": if event.kind.is_refund() { "refund" } else { "purchase" },
        "total_amount": number(amount),
    });
    if let Some(transaction) = &event.transaction {
        action["transaction_id"] = transaction.id.as_str().into();
        item["quantity"] = transaction.quantity.into();
        // Of several the amount is that of all.
        if transaction.quantity == 1 {
            item["price"] = number(amount);
        }
    }
    action["products"] = json!([item]);
    Ok(action)
}

/// What is known of the device.
fn device(who: Who<'_>) -> Map<String, Value> {
    let platform = match who.platform() {
        Platform::Ios => Some("iOS"),
        Platform::Android => Some("Android"),
        Platform::Web => None,
    };
    let att = match who.att() {
        _ if !who.has_att() => None,
        Att::Unknown => Some("not_determined"),
        Att::Restricted => Some("restricted"),
        Att::Denied => Some("denied"),
        Att::Authorized => Some("authorized"),
    };
    let told = [
        ("platform", platform),
        ("ios_advertising_id", who.attribute("$idfa")),
        ("ios_idfv", who.attribute("$idfv")),
        ("android_advertising_id", who.attribute("$gpsAdId")),
        ("att_authorization_status", att),
    ];
    let told = told.into_iter();
    told.filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
        .collect()
}

impl Configured for Ready {
    fn usual(&self, kind: EventKind) -> Option<&'static str> {
        let own = |kind: EventKind| kind.id();
        self.common.usual_name_by(kind, revenuecat, own)
    }

    fn plan(&self, event: &Event) -> Plan {
        let name = self.common.name(event, true, |kind| self.usual(kind))?;
        Ok(vec![Message::named(name)])
    }

    fn render(
        &self,
        message: &Message,
        event: &Event,
        now: Now<'_>,
    ) -> Result<Request, Unsendable> {
        let who = self.common.who(event, now);
        let feed = self.feed(who)?;
        let mut body = json!({
            "events": [self.event(message, event, who)?],
            "schema_version": 2,
            "environment": match event.environment {
                Environment::Production => "production",
                Environment::Sandbox => "development",
            },
            "source_request_id": event.id.uuid().to_string(),
            "user_identities": { "customer_id": who.app_user_id() },
            "user_attributes": self.user_attributes(event, who),
            "device_info": device(who),
        });
        // Beyond 2^53 the number would be another if it went through a float.
        let id = who.attribute("$mparticleId");
        if let Some(id) = id.and_then(|id| id.parse::<i64>().ok()) {
            body["mpid"] = id.into();
        }
        if let Some(ip) = who.ip() {
            body["ip"] = ip.to_string().into();
        }
        if let Some(bundle) = who.bundle(None, None) {
            body["application_info"] = json!({ "package": bundle });
        }
        let host = match self.settings.pod {
            Pod::Us1 => "https://s2s.us1.mparticle.com",
            Pod::Us2 => "https://s2s.us2.mparticle.com",
            Pod::Eu1 => "https://s2s.eu1.mparticle.com",
            Pod::Au1 => "https://s2s.au1.mparticle.com",
        };
        let url = self.common.url(host, "/v2/events");
        Ok(Request::json(&url, body.to_string().into_bytes())
            .with_basic(feed.id, feed.secret.expose())
            .redacting(feed.secret))
    }

    fn classify(&self, response: &Response) -> Outcome {
        by_status("mParticle", response)
    }

    fn repeatable(&self, _: &Message, event: &Event) -> bool {
        !moves_money(event.kind) || self.common.repeats()
    }

    fn rate(&self) -> Option<Rate> {
        const ACCOUNT: NonZeroU32 = NonZeroU32::new(270).expect("it is not zero");
        self.common.rate(Some(Rate::per_second(ACCOUNT)))
    }

    fn retry(&self) -> &retry::Policy {
        self.common.retry()
    }
}
