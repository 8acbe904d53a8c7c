//! purchases-ios at ff486da3, August 2026: `Sources/Networking/Responses/CustomerInfoResponse.swift`, `OfferingsResponse.swift`,
//! `ProductEntitlementMappingResponse.swift`, `VirtualCurrenciesResponse.swift`, `HTTPClient/ErrorResponse.swift`, and the decoder of
//! `Sources/LocalReceiptParsing/DataConverters/Codable+Extensions.swift`.
//!
//! An optional member may be absent or null, and then has to be of its type; one with a default likewise (`DefaultDecodable`); what ignores errors
//! (`IgnoreDecodeErrors`) may be anything, so it is held to its type here: whatever is passed over is lost.
#![expect(
    dead_code,
    reason = "members are there to be decoded: that they can be is what is asked"
)]

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A date as `ISO8601DateFormatter` takes one with `.withInternetDateTime`, with fractions of a second or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (date, rest) = text.split_at_checked(19).unwrap_or((&text, ""));
        let shape = date.bytes().zip(b"0000-00-00T00:00:00");
        let is_date = date.len() == 19
            && shape.into_iter().all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                other => byte == *other,
            });
        let fraction =
            rest.trim_end_matches(|letter: char| letter == 'Z' || letter.is_ascii_digit());
        if !is_date || !rest.ends_with('Z') || !["", "."].contains(&fraction) {
            return Err(D::Error::custom(format!("Invalid ISO8601 date: {text}")));
        }
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A URL that Foundation takes.
#[derive(Debug)]
pub(crate) struct Url(String);

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let is_url = !text.is_empty() && !text.contains(char::is_whitespace);
        is_url
            .then_some(Self(text))
            .ok_or_else(|| D::Error::custom("no URL"))
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct CustomerInfo {
    pub(crate) subscriber: Subscriber,
    pub(crate) request_date: Date,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Subscriber {
    pub(crate) original_app_user_id: String,
    pub(crate) management_url: Option<Url>,
    pub(crate) original_application_version: Option<String>,
    pub(crate) original_purchase_date: Option<Date>,
    pub(crate) first_seen: Date,
    #[serde(default)]
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    #[serde(default)]
    pub(crate) non_subscriptions: BTreeMap<String, Vec<Transaction>>,
    #[serde(default)]
    pub(crate) entitlements: BTreeMap<String, Entitlement>,
    pub(crate) subscriber_attributes: Option<BTreeMap<String, Attribute>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PeriodType {
    Normal,
    Intro,
    Trial,
    Prepaid,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::enum_variant_names,
    reason = "as purchases-ios calls them, and so as they are decoded"
)]
pub(crate) enum Store {
    AppStore,
    MacAppStore,
    PlayStore,
    Stripe,
    Promotional,
    Amazon,
    RcBilling,
    External,
    Paddle,
    TestStore,
    Galaxy,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Ownership {
    Purchased,
    FamilyShared,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) period_type: PeriodType,
    pub(crate) purchase_date: Date,
    pub(crate) original_purchase_date: Option<Date>,
    pub(crate) expires_date: Option<Date>,
    pub(crate) store: Store,
    #[serde(default)]
    pub(crate) is_sandbox: bool,
    pub(crate) unsubscribe_detected_at: Option<Date>,
    pub(crate) billing_issues_detected_at: Option<Date>,
    pub(crate) ownership_type: Ownership,
    pub(crate) product_plan_identifier: Option<String>,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) grace_period_expires_date: Option<Date>,
    pub(crate) refunded_at: Option<Date>,
    pub(crate) store_transaction_id: Option<String>,
    pub(crate) auto_resume_date: Option<Date>,
    pub(crate) display_name: Option<String>,
    pub(crate) price: Option<Price>,
    pub(crate) management_url: Option<Url>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Price {
    pub(crate) currency: String,
    pub(crate) amount: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) purchase_date: Date,
    pub(crate) original_purchase_date: Option<Date>,
    pub(crate) id: Option<String>,
    pub(crate) store_transaction_id: Option<String>,
    pub(crate) store: Store,
    pub(crate) is_sandbox: bool,
    pub(crate) display_name: Option<String>,
    pub(crate) price: Option<Price>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Entitlement {
    pub(crate) expires_date: Option<Date>,
    pub(crate) product_identifier: String,
    pub(crate) purchase_date: Option<Date>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Attribute {
    pub(crate) value: Option<String>,
    pub(crate) updated_at_ms: f64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Offerings {
    pub(crate) current_offering_id: Option<String>,
    pub(crate) offerings: Vec<Offering>,
    pub(crate) placements: Option<Placements>,
    pub(crate) targeting: Option<Targeting>,
    pub(crate) ui_config: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Offering {
    pub(crate) identifier: String,
    pub(crate) description: String,
    pub(crate) packages: Vec<Package>,
    #[serde(default)]
    pub(crate) metadata: Option<Map<String, Value>>,
    pub(crate) paywall_components: Option<PaywallComponents>,
    pub(crate) has_paywall_components: Option<bool>,
    pub(crate) web_checkout_url: Option<Url>,
}

/// The members without which the components of a paywall cannot be decoded.
#[derive(Debug, Deserialize)]
pub(crate) struct PaywallComponents {
    pub(crate) template_name: String,
    pub(crate) asset_base_url: Url,
    pub(crate) components_config: Map<String, Value>,
    pub(crate) components_localizations: Map<String, Value>,
    pub(crate) default_locale: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) identifier: String,
    pub(crate) platform_product_identifier: String,
    pub(crate) platform_product_plan_identifier: Option<String>,
    pub(crate) web_checkout_url: Option<Url>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Placements {
    pub(crate) fallback_offering_id: Option<String>,
    #[serde(default)]
    pub(crate) offering_ids_by_placement: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Targeting {
    pub(crate) revision: i64,
    pub(crate) rule_id: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Mapping {
    pub(crate) product_entitlement_mapping: BTreeMap<String, Product>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Product {
    pub(crate) product_identifier: String,
    pub(crate) base_plan_id: Option<String>,
    pub(crate) entitlements: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VirtualCurrencies {
    pub(crate) virtual_currencies: BTreeMap<String, VirtualCurrency>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VirtualCurrency {
    pub(crate) balance: i64,
    pub(crate) name: String,
    pub(crate) code: String,
    pub(crate) description: Option<String>,
}

/// `code` may be a number or a text of one, by the decoder; only a number is kept as the one it came with.
#[derive(Debug, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: i64,
    pub(crate) message: Option<String>,
    pub(crate) attribute_errors: Option<Vec<AttributeError>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AttributeError {
    pub(crate) key_name: String,
    pub(crate) message: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reports {
    pub(crate) report_logs: bool,
}

/// An answer of which nothing is read but that it is JSON (`HTTPEmptyResponseBody`).
#[derive(Debug, Deserialize)]
pub(crate) struct Empty {}

/// An answer as the SDK decodes it.
pub(crate) fn decoded<T: for<'de> Deserialize<'de>>(body: &Value) -> T {
    serde_json::from_value(body.clone())
        .unwrap_or_else(|error| panic!("iOS cannot decode it: {error}\n{body:#}"))
}
