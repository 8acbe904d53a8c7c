//! The payload of the `adapty` format, field for field. Source: Adapty docs, "Webhook event types
//! and fields".
//!
//! Paywalls, experiments and audiences do not exist here, so their fields are null, as they are for a purchase made outside
//! any paywall. Tax is null where the store does not report it (the App Store). Unknown stays null, never guessed.

use super::Options;
use domain::{
    AccessLevel, Currency, Environment, Event, EventKind, Money, Store,
    customer::is_anonymous,
    event::TransactionRef,
    fact::{Discount, OfferCategory, TransactionKind},
};
use jiff::{Timestamp, tz::Offset};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap};

type Number = Option<Box<RawValue>>;

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

/// Fields that every event carries.
#[derive(Serialize)]
struct Common<'a> {
    profile_event_id: String,
    profile_id: String,
    event_datetime: String,
    environment: &'static str,
    store: Option<&'a str>,
    vendor_product_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_plan_id: Option<&'a str>,
    transaction_id: Option<&'a str>,
    original_transaction_id: Option<&'a str>,
    purchase_date: Option<String>,
    original_purchase_date: Option<String>,
    subscription_expires_at: Option<String>,
    currency: Option<String>,
    profile_has_access_level: bool,
    profile_total_revenue_usd: Number,
    profile_country: Option<()>,
    store_country: Option<&'a str>,
    profile_ip_address: Option<&'a str>,
    cohort_name: Option<()>,
    developer_id: Option<()>,
    paywall_name: Option<()>,
    paywall_revision: Option<()>,
    ab_test_name: Option<()>,
    ab_test_revision: Option<()>,
    variation_id: Option<()>,
}

/// Fields of events about a purchase.
#[derive(Serialize)]
struct Purchase<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    price_usd: Number,
    price_local: Number,
    original_price_usd: Number,
    original_price_local: Number,
    discount_amount_usd: Number,
    discount_amount_local: Number,
    consecutive_payments: u32,
    rate_after_first_year: bool,
    promotional_offer_id: Option<&'a str>,
    store_offer_category: Option<&'static str>,
    store_offer_discount_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_offer_number_of_periods: Option<Option<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial_duration: Option<String>,
    #[serde(flatten)]
    revenue: Option<Revenue>,
}

/// Fields of events that move money.
#[derive(Serialize)]
struct Revenue {
    proceeds_usd: Number,
    proceeds_local: Number,
    net_revenue_usd: Number,
    net_revenue_local: Number,
    tax_amount_usd: Number,
    tax_amount_local: Number,
}

/// Fields of `access_level_updated`.
#[derive(Serialize)]
struct Level<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    access_level_id: &'a str,
    is_active: bool,
    expires_at: Option<String>,
    starts_at: Option<String>,
    activated_at: String,
    renewed_at: String,
    will_renew: bool,
    is_in_grace_period: bool,
    is_lifetime: bool,
    is_refund: bool,
    billing_issue_detected_at: Option<String>,
    cancellation_reason: Option<&'static str>,
    active_introductory_offer_type: Option<&'static str>,
    active_promotional_offer_type: Option<&'static str>,
    active_promotional_offer_id: Option<&'a str>,
    trial_duration: Option<String>,
}

/// `YYYY-MM-DDTHH:MM:SS.ffffff+0000`: six digits, no colon in the offset.
fn time(at: Timestamp) -> String {
    let civil = Offset::UTC.to_datetime(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+0000",
        civil.year(),
        civil.month(),
        civil.day(),
        civil.hour(),
        civil.minute(),
        civil.second(),
        civil.subsec_nanosecond() / 1000
    )
}

fn number(amount: Option<Money>) -> Number {
    amount.and_then(|amount| RawValue::from_string(amount.decimal()).ok())
}

fn category(category: OfferCategory) -> &'static str {
    match category {
        OfferCategory::Introductory => "introductory",
        OfferCategory::Promotional => "promotional",
        OfferCategory::OfferCode => "offer_code",
        OfferCategory::WinBack => "win_back",
    }
}

fn discount(discount: Discount) -> &'static str {
    match discount {
        Discount::FreeTrial => "free_trial",
        Discount::PayAsYouGo => "pay_as_you_go",
        Discount::PayUpFront => "pay_up_front",
    }
}

pub(super) fn render(
    name: &str,
    event: &Event,
    options: &Options,
) -> Result<Vec<u8>, serde_json::Error> {
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
        tidings: Addition {
            event_id: event.id.to_string(),
            customer_seq: event.customer_seq,
            recorded_at: event.recorded_at,
            historical: event.historical,
            late: event.late,
            access: event
                .access
                .iter()
                .map(|(id, level)| {
                    (
                        id.as_str(),
                        Access {
                            is_active: level.is_active,
                            expires_at: level.expires_at,
                            will_renew: level.will_renew,
                        },
                    )
                })
                .collect(),
        },
    })
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

/// Through which campaign the customer came, under the source that said so: what was told as an attribution, or else the
/// attributes that client SDKs write, which name no source.
fn attribution(event: &Event) -> BTreeMap<&str, BTreeMap<&str, Cow<'_, str>>> {
    if let Some(told) = &event.customer.attribution {
        let fields = [
            ("channel", &told.channel),
            ("campaign", &told.campaign),
            ("ad_group", &told.ad_group),
            ("ad_set", &told.ad_set),
            ("creative", &told.creative),
            ("network_user_id", &told.network_user_id),
        ];
        let values = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, Cow::from(value.as_deref()?))))
            .chain([
                ("status", Cow::from(told.status.id())),
                ("created_at", Cow::from(time(told.created_at))),
            ])
            .collect();
        return BTreeMap::from([(told.source.as_str(), values)]);
    }
    let fields = [
        ("channel", "$mediaSource"),
        ("campaign", "$campaign"),
        ("ad_group", "$adGroup"),
        ("ad_set", "$ad"),
        ("creative", "$creative"),
    ];
    let values: BTreeMap<_, _> = fields
        .iter()
        .filter_map(|(theirs, ours)| {
            let value = event.customer.attributes.get(*ours)?;
            Some((*theirs, Cow::from(value.as_str())))
        })
        .collect();
    if values.is_empty() {
        BTreeMap::new()
    } else {
        BTreeMap::from([("custom", values)])
    }
}

fn common(event: &Event, expires_at: Option<Timestamp>) -> Common<'_> {
    let (purchase, transaction) = (event.purchase.as_ref(), event.transaction.as_ref());
    let store = event.app.as_ref().map(|app| app.store);
    // Google base plans and Stripe prices stand beside their product; a grant has no product of a store.
    let (product, plan) = match (store, event.product.as_deref()) {
        (Some(Store::Promotional), Some(_)) => (Some("adapty_server_side_product"), None),
        (Some(Store::PlayStore | Store::Stripe), Some(product)) => product
            .split_once(':')
            .map_or((Some(product), None), |(product, plan)| {
                (Some(product), Some(plan))
            }),
        (_, product) => (product, None),
    };
    Common {
        profile_event_id: event.id.uuid().to_string(),
        profile_id: event.customer.id.uuid().to_string(),
        event_datetime: time(event.occurred_at),
        environment: match event.environment {
            Environment::Production => "Production",
            Environment::Sandbox => "Sandbox",
        },
        store: event
            .app
            .as_ref()
            .map(|app| app.store_name.as_deref().unwrap_or(app.store.id())),
        vendor_product_id: product,
        base_plan_id: plan,
        transaction_id: transaction.map(|transaction| transaction.id.as_str()),
        original_transaction_id: purchase.map(|purchase| purchase.chain.as_str()),
        purchase_date: transaction.map(|transaction| time(transaction.purchased_at)),
        original_purchase_date: purchase.map(|purchase| time(purchase.original_purchased_at)),
        subscription_expires_at: expires_at.map(time),
        currency: transaction
            .and_then(|transaction| transaction.price)
            .map(|price| price.currency.to_string()),
        profile_has_access_level: event.access.values().any(|level| level.is_active),
        profile_total_revenue_usd: number(Some(Money::new(
            event.customer.revenue_usd_micros,
            Currency::USD,
        ))),
        profile_country: None,
        store_country: transaction.and_then(|transaction| transaction.country.as_deref()),
        profile_ip_address: event.customer.attributes.get("$ip").map(String::as_str),
        cohort_name: None,
        developer_id: None,
        paywall_name: None,
        paywall_revision: None,
        ab_test_name: None,
        ab_test_revision: None,
        variation_id: None,
    }
}

/// The undiscounted price: the renewal price of a subscription where the store vouches for it, or the price itself.
/// Source: Adapty docs, "Webhook event types and fields", `original_price_usd` and its siblings.
fn standard_price(event: &Event, transaction: &TransactionRef) -> Option<Money> {
    let purchase = event.purchase.as_ref()?;
    if transaction.offer.is_none() || purchase.kind != TransactionKind::Subscription {
        return transaction.price;
    }
    purchase
        .renewal_price
        .filter(|_| purchase.will_renew && purchase.next_product.is_none())
}

fn in_usd(amount: Option<Money>) -> Option<Money> {
    amount.filter(|amount| amount.currency == Currency::USD)
}

fn purchase<'a>(event: &'a Event, options: &Options) -> Purchase<'a> {
    let transaction = event.transaction.as_ref();
    let about = event.purchase.as_ref();
    let offer = transaction.and_then(|transaction| transaction.offer.as_ref());
    let standard = transaction.and_then(|transaction| standard_price(event, transaction));
    let is_free = transaction.is_some_and(|transaction| transaction.is_free);
    let (charged, charged_usd) = match transaction {
        Some(_) if is_free && options.send_trial_price && event.kind == EventKind::TrialStarted => {
            (standard, in_usd(standard))
        }
        Some(_) if is_free => (None, None),
        // A partial refund moves less than was charged.
        Some(transaction) if transaction.refunded.is_some() => {
            (transaction.refunded, in_usd(transaction.refunded))
        }
        Some(transaction) => (transaction.price, transaction.price_usd),
        None => (None, None),
    };
    let pay_up_front = offer.and_then(|offer| offer.discount) == Some(Discount::PayUpFront);
    let saved = match (standard, transaction) {
        _ if pay_up_front => None,
        (Some(standard), _) if is_free => Some(standard),
        (Some(standard), Some(transaction)) => transaction
            .price
            .and_then(|price| standard.checked_sub(price).ok()),
        _ => None,
    };
    let ended_early = event.kind.is_refund()
        || matches!(
            event.kind,
            EventKind::BillingIssueDetected | EventKind::EnteredGracePeriod
        );
    let expires_at = if ended_early {
        about.and_then(|about| about.access_until)
    } else {
        transaction.and_then(|transaction| transaction.expires_at)
    };
    let one_time = about.is_some_and(|about| about.kind != TransactionKind::Subscription);
    let with_reason = matches!(
        event.kind,
        EventKind::SubscriptionExpired | EventKind::TrialExpired | EventKind::SubscriptionRefunded
    );
    let with_trial = matches!(
        event.kind,
        EventKind::TrialStarted | EventKind::TrialConverted | EventKind::TrialExpired
    );
    let money = transaction.filter(|_| event.kind.is_charge() || event.kind.is_refund());
    Purchase {
        common: common(event, expires_at.filter(|_| !one_time)),
        price_usd: number(charged_usd),
        price_local: number(charged),
        original_price_usd: number(in_usd(standard)),
        original_price_local: number(standard),
        discount_amount_usd: number(in_usd(saved)),
        discount_amount_local: number(saved),
        consecutive_payments: about.map_or(0, |about| about.consecutive_payments),
        rate_after_first_year: about.is_some_and(|about| about.over_a_year),
        promotional_offer_id: offer.and_then(|offer| offer.id.as_deref()),
        store_offer_category: offer.and_then(|offer| offer.category).map(category),
        store_offer_discount_type: offer.and_then(|offer| offer.discount).map(discount),
        store_offer_number_of_periods: offer.map(|_| None),
        cancellation_reason: event
            .cancellation_reason
            .filter(|_| with_reason)
            .map(domain::CancellationReason::id),
        trial_duration: about
            .and_then(|about| about.trial_days)
            .filter(|_| with_trial)
            .map(|days| format!("{days} days")),
        revenue: money.map(|transaction| Revenue {
            proceeds_usd: number(transaction.proceeds_usd),
            proceeds_local: number(transaction.proceeds),
            net_revenue_usd: number(transaction.net_usd),
            net_revenue_local: number(transaction.net),
            tax_amount_usd: number(transaction.tax_usd),
            tax_amount_local: number(transaction.tax),
        }),
    }
}

fn access_level<'a>(event: &'a Event, level: &'a AccessLevel) -> Level<'a> {
    let offer = event
        .transaction
        .as_ref()
        .and_then(|transaction| transaction.offer.as_ref())
        .filter(|_| level.is_active);
    let kind = offer.and_then(|offer| offer.discount).map(discount);
    let introductory =
        offer.is_some_and(|offer| offer.category == Some(OfferCategory::Introductory));
    Level {
        common: common(
            event,
            event
                .purchase
                .as_ref()
                .and_then(|purchase| purchase.expires_at),
        ),
        access_level_id: &level.id,
        is_active: level.is_active,
        expires_at: level.expires_at.map(time),
        starts_at: None,
        activated_at: time(level.activated_at),
        renewed_at: time(level.renewed_at),
        will_renew: level.will_renew,
        is_in_grace_period: level.is_in_grace_period,
        is_lifetime: level.is_lifetime,
        is_refund: level.is_refund,
        billing_issue_detected_at: level.billing_issue_detected_at.map(time),
        cancellation_reason: level
            .cancellation_reason
            .map(domain::CancellationReason::id),
        active_introductory_offer_type: kind.filter(|_| introductory),
        active_promotional_offer_type: kind.filter(|_| !introductory),
        active_promotional_offer_id: offer
            .filter(|_| !introductory)
            .and_then(|offer| offer.id.as_deref()),
        trial_duration: event
            .purchase
            .as_ref()
            .and_then(|purchase| purchase.trial_days)
            .map(|days| format!("{days} days")),
    }
}
