//! Fields that every event carries, and how moments, amounts and offers are written.

use domain::{
    Currency, Environment, Event, Money, Store,
    fact::{Discount, OfferCategory},
};
use jiff::{Timestamp, tz::Offset};
use serde::Serialize;
use serde_json::value::RawValue;

pub(super) type Number = Option<Box<RawValue>>;

/// Fields that every event carries.
#[derive(Serialize)]
pub(super) struct Common<'a> {
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

pub(super) fn common(event: &Event, expires_at: Option<Timestamp>) -> Common<'_> {
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

/// `YYYY-MM-DDTHH:MM:SS.ffffff+0000`: six digits, no colon in the offset.
pub(super) fn time(at: Timestamp) -> String {
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

pub(super) fn number(amount: Option<Money>) -> Number {
    amount.and_then(|amount| RawValue::from_string(amount.decimal()).ok())
}

pub(super) fn category(category: OfferCategory) -> &'static str {
    match category {
        OfferCategory::Introductory => "introductory",
        OfferCategory::Promotional => "promotional",
        OfferCategory::OfferCode => "offer_code",
        OfferCategory::WinBack => "win_back",
    }
}

pub(super) fn discount(discount: Discount) -> &'static str {
    match discount {
        Discount::FreeTrial => "free_trial",
        Discount::PayAsYouGo => "pay_as_you_go",
        Discount::PayUpFront => "pay_up_front",
    }
}
