//! Apple's payloads, read leniently: unknown fields and enum values are accepted; the raw message is kept anyway.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// A time that may be left out. 0 and what lies before it (Xcode sends the year 1) are none.
pub(crate) fn instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let at = milliseconds(deserializer)?;
    Ok(at.filter(|at| *at > Timestamp::UNIX_EPOCH))
}

/// A text that may be left out, or be empty.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// Milliseconds since the epoch, also with a fraction (Xcode sends those), truncated.
fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let text = number.to_string();
    let whole = text.split('.').next().unwrap_or_default();
    let millis: i64 = whole
        .parse()
        .map_err(|_| serde::de::Error::custom(format!("{text} is not a time in milliseconds")))?;
    Timestamp::from_millisecond(millis)
        .map(Some)
        .map_err(|_| serde::de::Error::custom(format!("{text} milliseconds is out of range")))
}

pub(super) fn required_instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Timestamp, D::Error> {
    milliseconds(deserializer)?
        .ok_or_else(|| serde::de::Error::custom("a time in milliseconds is required"))
}

/// The body of a store callback.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = AppleNotification))]
#[derive(Debug, Deserialize)]
pub struct NotificationEnvelope {
    /// The signed notification.
    #[serde(rename = "signedPayload")]
    pub signed_payload: String,
}

/// Source: Apple, responseBodyV2DecodedPayload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload {
    pub(crate) notification_type: String,
    pub(crate) subtype: Option<String>,
    #[serde(rename = "notificationUUID")]
    pub(crate) notification_uuid: String,
    #[serde(deserialize_with = "required_instant")]
    pub(crate) signed_date: Timestamp,
    pub(crate) data: Option<Data>,
    pub(crate) summary: Option<Summary>,
    pub(crate) external_purchase_token: Option<ExternalPurchaseToken>,
    pub(crate) app_data: Option<AppData>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Data {
    #[serde(flatten)]
    pub(crate) app: AppClaims,
    pub(crate) signed_transaction_info: Option<String>,
    pub(crate) signed_renewal_info: Option<String>,
    pub(crate) status: Option<i64>,
    pub(crate) consumption_request_reason: Option<String>,
}

/// Which app and environment a payload speaks about.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppClaims {
    pub(crate) environment: String,
    pub(crate) app_apple_id: Option<i64>,
    pub(crate) bundle_id: String,
}

/// Source: Apple, responseBodyV2DecodedPayload, `summary`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    #[serde(flatten)]
    pub(crate) app: AppClaims,
    #[serde(default, deserialize_with = "present")]
    pub(crate) product_id: Option<String>,
    pub(crate) request_identifier: Option<String>,
    #[serde(default)]
    pub(crate) storefront_country_codes: Vec<String>,
    pub(crate) succeeded_count: Option<i64>,
    pub(crate) failed_count: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExternalPurchaseToken {
    pub(crate) external_purchase_id: String,
    pub(crate) app_apple_id: Option<i64>,
    pub(crate) bundle_id: String,
}

/// Source: Apple, responseBodyV2DecodedPayload, `appData`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppData {
    #[serde(flatten)]
    pub(crate) app: AppClaims,
    pub(crate) signed_app_transaction_info: Option<String>,
}

/// Source: Apple, JWSAppTransactionDecodedPayload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppTransaction {
    pub(crate) app_transaction_id: String,
    pub(crate) bundle_id: String,
    pub(crate) receipt_type: String,
}

/// The claims of a payload, read before verification to choose the verifier.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unverified {
    pub(crate) data: Option<UnverifiedApp>,
    pub(crate) summary: Option<UnverifiedApp>,
    pub(crate) app_data: Option<UnverifiedApp>,
    pub(crate) external_purchase_token: Option<UnverifiedToken>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct UnverifiedApp {
    pub(crate) environment: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnverifiedToken {
    pub(crate) external_purchase_id: String,
}

/// Source: Apple, JWSTransactionDecodedPayload.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transaction {
    pub(crate) transaction_id: String,
    pub(crate) original_transaction_id: String,
    pub(crate) bundle_id: String,
    pub(crate) product_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "required_instant")]
    pub(crate) purchase_date: Timestamp,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) original_purchase_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) expires_date: Option<Timestamp>,
    pub(crate) quantity: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) app_account_token: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) app_transaction_id: Option<String>,
    pub(crate) in_app_ownership_type: Option<String>,
    #[serde(deserialize_with = "required_instant")]
    pub(crate) signed_date: Timestamp,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) revocation_date: Option<Timestamp>,
    pub(crate) revocation_percentage: Option<i64>,
    pub(crate) is_upgraded: Option<bool>,
    pub(crate) offer_type: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) offer_identifier: Option<String>,
    pub(crate) offer_discount_type: Option<String>,
    pub(crate) environment: String,
    #[serde(default, deserialize_with = "present")]
    pub(crate) storefront: Option<String>,
    pub(crate) transaction_reason: Option<String>,
    pub(crate) price: Option<i64>,
    pub(crate) currency: Option<String>,
    pub(crate) advanced_commerce_info: Option<AdvancedCommerce>,
}

/// What was bought under a generic product. Source: Apple, advancedCommerceTransactionInfo, advancedCommerceRenewalInfo.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AdvancedCommerce {
    pub(crate) items: Vec<AdvancedItem>,
    pub(crate) estimated_tax: Option<i64>,
}

/// Source: Apple, advancedCommerceTransactionItem, advancedCommerceRenewalItem.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdvancedItem {
    #[serde(rename = "SKU")]
    pub(crate) sku: String,
    pub(crate) price: Option<i64>,
    pub(crate) offer: Option<AdvancedOffer>,
    #[serde(default)]
    pub(crate) refunds: Vec<AdvancedRefund>,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) revocation_date: Option<Timestamp>,
    pub(crate) price_increase_info: Option<AdvancedIncrease>,
}

/// Source: Apple, advancedCommerceOffer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AdvancedOffer {
    pub(crate) price: Option<i64>,
}

/// Source: Apple, advancedCommerceRefund.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdvancedRefund {
    pub(crate) refund_amount: Option<i64>,
    #[serde(deserialize_with = "required_instant")]
    pub(crate) refund_date: Timestamp,
}

/// Source: Apple, advancedCommercePriceIncreaseInfo.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AdvancedIncrease {
    pub(crate) status: Option<String>,
}

impl Transaction {
    /// The Apple account that bought it, which has another id in every app. Signed by Xcode, it is 0 or nothing.
    pub(crate) fn account(&self) -> Option<String> {
        let id = self.app_transaction_id.as_ref()?;
        id.bytes().any(|digit| digit != b'0').then(|| id.clone())
    }
}

/// Source: Apple, JWSRenewalInfoDecodedPayload.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Renewal {
    pub(crate) original_transaction_id: String,
    #[serde(default, deserialize_with = "present")]
    pub(crate) product_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) auto_renew_product_id: Option<String>,
    pub(crate) auto_renew_status: Option<i64>,
    pub(crate) expiration_intent: Option<i64>,
    pub(crate) is_in_billing_retry_period: Option<bool>,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) grace_period_expires_date: Option<Timestamp>,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) renewal_date: Option<Timestamp>,
    pub(crate) price_increase_status: Option<i64>,
    pub(crate) renewal_price: Option<i64>,
    pub(crate) commitment_info: Option<Commitment>,
    pub(crate) currency: Option<String>,
    pub(crate) advanced_commerce_info: Option<AdvancedCommerce>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) app_account_token: Option<String>,
    #[serde(deserialize_with = "required_instant")]
    pub(crate) signed_date: Timestamp,
    pub(crate) environment: String,
}

/// Source: Apple, JWSRenewalInfoDecodedPayload, `commitmentInfo`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Commitment {
    pub(crate) commitment_auto_renew_status: Option<i64>,
}

#[cfg(test)]
mod tests;
