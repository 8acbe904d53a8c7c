//! The payload of the `adapty` format, field for field. Source: Adapty docs, "Webhook event types
//! and fields".
//!
//! Paywalls, experiments and audiences do not exist here, so their fields are null, as they are for a purchase made outside
//! any paywall. Tax is null where the store does not report it (the App Store). Unknown stays null, never guessed.

mod attribution;
mod common;
mod level;
mod purchase;

use super::options::Options;
use crate::tried;
use attribution::attribution;
use common::time;
use domain::{Event, EventKind, customer::is_anonymous, fact::TransactionKind};
use jiff::Timestamp;
use level::access_level;
use purchase::purchase;
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap};

/// Kinds the `adapty` format knows. Source: Adapty docs, "Webhook event types and fields", as far as a store we know can
/// cause them.
pub(super) const EVENTS: &[EventKind] = &[
    EventKind::SubscriptionStarted,
    EventKind::SubscriptionRenewed,
    EventKind::SubscriptionRenewalCancelled,
    EventKind::SubscriptionRenewalReactivated,
    EventKind::SubscriptionExpired,
    EventKind::SubscriptionRefunded,
    EventKind::NonSubscriptionPurchase,
    EventKind::NonSubscriptionPurchaseRefunded,
    EventKind::TrialStarted,
    EventKind::TrialConverted,
    EventKind::TrialRenewalCancelled,
    EventKind::TrialRenewalReactivated,
    EventKind::TrialExpired,
    EventKind::BillingIssueDetected,
    EventKind::EnteredGracePeriod,
    EventKind::SubscriptionPaused,
    EventKind::SubscriptionDeferred,
    EventKind::AccessLevelUpdated,
    EventKind::TrialActive,
    EventKind::SubscriptionActive,
    EventKind::Test,
];

#[derive(Serialize)]
struct Envelope<'a, P> {
    profile_id: String,
    customer_user_id: Option<&'a str>,
    idfv: Option<&'a str>,
    idfa: Option<&'a str>,
    advertising_id: Option<&'a str>,
    profile_install_datetime: String,
    user_agent: Option<&'a str>,
    email: Option<&'a str>,
    event_type: &'a str,
    event_datetime: String,
    event_properties: P,
    event_api_version: u8,
    profiles_sharing_access_level: Option<Vec<Sharing<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributions: Option<BTreeMap<&'a str, BTreeMap<&'a str, Cow<'a, str>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_attributes: Option<BTreeMap<&'a str, &'a str>>,
    integration_ids: Option<BTreeMap<&'static str, &'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    play_store_purchase_token: Option<PurchaseToken<'a>>,
    tidings: Addition<'a>,
}

/// What the format lacks and its receivers must tolerate: the order of a customer's events, and the access that results,
/// so that one upsert handles any event, also a stale or repeated one.
#[derive(Serialize)]
struct Addition<'a> {
    event_id: String,
    customer_seq: u64,
    recorded_at: Timestamp,
    historical: bool,
    late: bool,
    access: BTreeMap<&'a str, Access>,
}

/// Source: Adapty docs, "Webhook event types and fields", the envelope.
#[derive(Serialize)]
struct PurchaseToken<'a> {
    product_id: &'a str,
    purchase_token: &'a str,
    is_subscription: bool,
}

impl<'a> PurchaseToken<'a> {
    fn of(event: &'a Event) -> Option<Self> {
        let product = event.product.as_deref()?;
        Some(Self {
            product_id: product
                .split_once(':')
                .map_or(product, |(product, _)| product),
            purchase_token: event.transaction.as_ref()?.token.as_deref()?,
            is_subscription: event.purchase.as_ref()?.kind == TransactionKind::Subscription,
        })
    }
}

#[derive(Serialize)]
struct Access {
    is_active: bool,
    expires_at: Option<Timestamp>,
    will_renew: bool,
}

/// Another name under which the same access is used.
#[derive(Serialize)]
struct Sharing<'a> {
    profile_id: String,
    customer_user_id: &'a str,
}

/// The other names of a customer that are not anonymous: whoever uses one has the same access. Source: Adapty
/// docs, "Sharing paid access between user accounts".
fn sharing(event: &Event) -> Option<Vec<Sharing<'_>>> {
    let names: Vec<_> = event
        .customer
        .aliases
        .iter()
        .filter(|name| !is_anonymous(name))
        .map(|name| Sharing {
            profile_id: event.customer.id.uuid().to_string(),
            customer_user_id: name,
        })
        .collect();
    (event.kind == EventKind::AccessLevelUpdated && !names.is_empty()).then_some(names)
}

/// Whether it is a change of access to no access level: a family shares a product that unlocks nothing. Source: Adapty docs, "Webhook
/// event types and fields", `access_level_updated`, of which `access_level_id` is a part.
pub(super) fn tells_nothing(event: &Event) -> bool {
    event.kind == EventKind::AccessLevelUpdated && event.level.is_none()
}

/// What an event is called; `chosen` is what the settings call its kind. Theirs knows no test: one is an ordinary event of the sandbox. Source: Adapty
/// docs, "Test webhook integration".
pub(super) fn name<'a>(event: &Event, chosen: &'a str) -> &'a str {
    if event.kind == EventKind::Test && chosen == EventKind::Test.id() {
        EventKind::SubscriptionStarted.id()
    } else {
        chosen
    }
}

pub(super) fn render(
    name: &str,
    event: &Event,
    options: &Options,
) -> Result<Vec<u8>, serde_json::Error> {
    if event.kind == EventKind::Test {
        let tried = tried::purchase(event);
        return envelope(name, &tried, options, purchase(&tried, options));
    }
    match &event.level {
        Some(level) => envelope(name, event, options, access_level(event, level)),
        None => envelope(name, event, options, purchase(event, options)),
    }
}

fn envelope<P: Serialize>(
    name: &str,
    event: &Event,
    options: &Options,
    properties: P,
) -> Result<Vec<u8>, serde_json::Error> {
    let customer = &event.customer;
    let attribute = |key: &str| customer.attributes.get(key).map(String::as_str);
    let ids: BTreeMap<_, _> = INTEGRATION_IDS
        .iter()
        .filter_map(|(theirs, ours)| Some((*theirs, attribute(ours)?)))
        .collect();
    let plain = || {
        customer
            .attributes
            .iter()
            .filter(|(key, _)| !key.starts_with('$'))
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    };
    serde_json::to_vec(&Envelope {
        profile_id: customer.id.uuid().to_string(),
        customer_user_id: (!customer.is_anonymous()).then_some(&customer.app_user_id),
        idfv: attribute("$idfv"),
        idfa: attribute("$idfa"),
        advertising_id: attribute("$gpsAdId"),
        profile_install_datetime: time(customer.first_seen),
        user_agent: attribute("$userAgent"),
        email: attribute("$email"),
        event_type: name,
        event_datetime: time(event.occurred_at),
        event_properties: properties,
        event_api_version: 1,
        profiles_sharing_access_level: sharing(event),
        attributions: options.send_attribution.then(|| attribution(event)),
        user_attributes: options.send_user_attributes.then(plain),
        integration_ids: (!ids.is_empty()).then_some(ids),
        play_store_purchase_token: PurchaseToken::of(event)
            .filter(|_| options.send_play_store_purchase_token),
        tidings: addition(event),
    })
}

fn addition(event: &Event) -> Addition<'_> {
    let access = event.access.iter().map(|(id, level)| {
        let access = Access {
            is_active: level.is_active,
            expires_at: level.expires_at,
            will_renew: level.will_renew,
        };
        (id.as_str(), access)
    });
    Addition {
        event_id: event.id.to_string(),
        customer_seq: event.customer_seq,
        recorded_at: event.recorded_at,
        historical: event.historical,
        late: event.late,
        access: access.collect(),
    }
}

/// Their key and ours. Source: Adapty docs, "Webhook event types and fields", `integration_ids`; RevenueCat docs,
/// "Setting Attributes", reserved ones.
const INTEGRATION_IDS: &[(&str, &str)] = &[
    ("adjust_device_id", "$adjustId"),
    ("airbridge_device_id", "$airbridgeDeviceId"),
    ("amplitude_device_id", "$amplitudeDeviceId"),
    ("amplitude_user_id", "$amplitudeUserId"),
    ("appsflyer_id", "$appsflyerId"),
    ("branch_id", "$branchId"),
    ("facebook_anonymous_id", "$fbAnonId"),
    ("firebase_app_instance_id", "$firebaseAppInstanceId"),
    ("mixpanel_user_id", "$mixpanelDistinctId"),
    ("one_signal_player_id", "$onesignalId"),
    ("one_signal_subscription_id", "$onesignalUserId"),
    ("posthog_distinct_user_id", "$posthogUserId"),
];
