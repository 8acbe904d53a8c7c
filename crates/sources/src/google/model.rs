//! The API's shapes, as far as they are used; everything optional is optional. Source: Google, "Google Play
//! Developer API", version 3, the resources named. An empty text and a time that is none say nothing.

use domain::{Currency, Money};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// What Google says, without what says nothing: where a field has no value, some answers leave it out and others hold an empty text, or the
/// first moment of the clock or of the calendar.
pub(super) fn read<T: DeserializeOwned>(mut said: Value) -> serde_json::Result<T> {
    leave_out(&mut said);
    serde_json::from_value(said)
}

fn leave_out(said: &mut Value) {
    match said {
        Value::Object(fields) => {
            fields.retain(|_, value| !says_nothing(value));
            fields.values_mut().for_each(leave_out);
        }
        Value::Array(all) => all.iter_mut().for_each(leave_out),
        _ => {}
    }
}

fn says_nothing(value: &Value) -> bool {
    const NO_TIME: [&str; 2] = ["0001-01-01T00:00:00", "1970-01-01T00:00:00"];
    let text = value.as_str();
    text.is_some_and(|text| {
        text.trim().is_empty() || NO_TIME.iter().any(|none| text.starts_with(none))
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SubscriptionPurchase {
    pub region_code: Option<String>,
    pub start_time: Option<Timestamp>,
    pub subscription_state: String,
    pub acknowledgement_state: Option<String>,
    pub linked_purchase_token: Option<String>,
    pub paused_state_context: Option<PausedContext>,
    pub canceled_state_context: Option<CanceledContext>,
    pub test_purchase: Option<Value>,
    pub external_account_identifiers: Option<Identifiers>,
    pub out_of_app_purchase_context: Option<OutOfApp>,
    pub latest_order_id: Option<String>,
    pub line_items: Vec<LineItem>,
}

impl SubscriptionPurchase {
    /// The token whose chain this one continues.
    pub(super) fn predecessor(&self) -> Option<&String> {
        self.linked_purchase_token.as_ref().or_else(|| {
            self.out_of_app_purchase_context
                .as_ref()?
                .expired_purchase_token
                .as_ref()
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PausedContext {
    pub auto_resume_time: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CanceledContext {
    pub user_initiated_cancellation: Option<UserCancellation>,
    pub system_initiated_cancellation: Option<Value>,
    pub developer_initiated_cancellation: Option<Value>,
    pub replacement_cancellation: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UserCancellation {
    pub cancel_time: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Identifiers {
    pub obfuscated_external_account_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OutOfApp {
    pub expired_purchase_token: Option<String>,
    pub expired_external_account_identifiers: Option<Identifiers>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LineItem {
    pub product_id: String,
    pub expiry_time: Option<Timestamp>,
    pub latest_successful_order_id: Option<String>,
    pub offer_details: Option<OfferDetails>,
    pub offer_phase: Option<OfferPhase>,
    pub auto_renewing_plan: Option<AutoRenewing>,
    pub prepaid_plan: Option<Value>,
    pub deferred_item_replacement: Option<Deferred>,
    pub deferred_item_removal: Option<Value>,
    pub item_replacement: Option<Deferred>,
}

impl LineItem {
    /// The newest order that was paid.
    pub(super) const fn paid_order(&self) -> Option<&String> {
        self.latest_successful_order_id.as_ref()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OfferDetails {
    pub base_plan_id: Option<String>,
    pub offer_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OfferPhase {
    pub free_trial: Option<Value>,
    pub introductory_price: Option<Value>,
    pub base_price: Option<Value>,
    pub proration_period: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AutoRenewing {
    pub auto_renew_enabled: bool,
    pub recurring_price: Option<Price>,
    pub price_change_details: Option<PriceChange>,
    pub installment_details: Option<Installments>,
    pub price_step_up_consent_details: Option<StepUp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StepUp {
    pub state: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PriceChange {
    pub price_change_mode: Option<String>,
    pub price_change_state: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Installments {
    pub pending_cancellation: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Deferred {
    pub product_id: Option<String>,
}

/// Google's `Money`: whole units as text, absent when zero, and billionths.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Price {
    pub currency_code: String,
    #[serde(deserialize_with = "whole_units")]
    pub units: i64,
    pub nanos: i64,
}

fn whole_units<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => text.parse().map_err(serde::de::Error::custom),
        Value::Null => Ok(0),
        other => other
            .as_i64()
            .ok_or_else(|| serde::de::Error::custom("`units` is not a whole number")),
    }
}

impl Price {
    /// Millionths, rounded toward zero: stores charge no fraction of a millionth. `None` when absurd.
    pub(super) fn money(&self) -> Option<Money> {
        let currency = Currency::try_from(self.currency_code.as_str()).ok()?;
        let micros = self
            .units
            .checked_mul(1_000_000)?
            .checked_add(self.nanos / 1000)?;
        Some(Money::new(micros, currency))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Order {
    pub order_id: String,
    pub purchase_token: String,
    pub state: Option<String>,
    pub create_time: Option<Timestamp>,
    pub last_event_time: Option<Timestamp>,
    pub total: Option<Price>,
    pub tax: Option<Price>,
    pub line_items: Vec<OrderLine>,
    pub order_history: Option<OrderHistory>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OrderHistory {
    pub refund_event: Option<RefundEvent>,
    pub partial_refund_events: Vec<PartialRefund>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PartialRefund {
    pub create_time: Option<Timestamp>,
    pub process_time: Option<Timestamp>,
    pub state: Option<String>,
    pub refund_details: Option<RefundDetails>,
}

impl PartialRefund {
    /// When it came to be, which names it among those of its order.
    pub(super) fn created(&self) -> Option<Timestamp> {
        self.create_time.or(self.process_time)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RefundEvent {
    pub event_time: Option<Timestamp>,
    pub refund_details: Option<RefundDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RefundDetails {
    pub total: Option<Price>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OrderLine {
    pub product_id: String,
    pub total: Option<Price>,
    pub tax: Option<Price>,
    pub subscription_details: Option<OrderSubscription>,
    pub one_time_purchase_details: Option<OrderOnce>,
}

impl OrderLine {
    /// How many pieces were bought.
    pub(super) fn quantity(&self) -> u32 {
        let once = self.one_time_purchase_details.as_ref();
        once.and_then(|once| once.quantity).unwrap_or(1).max(1)
    }

    pub(super) fn service_start(&self) -> Option<Timestamp> {
        self.subscription_details
            .as_ref()?
            .service_period_start_time
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OrderOnce {
    pub quantity: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OrderSubscription {
    pub base_plan_id: Option<String>,
    pub offer_id: Option<String>,
    pub offer_phase: Option<String>,
    pub service_period_start_time: Option<Timestamp>,
    pub service_period_end_time: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ProductPurchase {
    pub product_line_item: Vec<ProductLine>,
    pub purchase_state_context: Option<PurchaseState>,
    pub test_purchase_context: Option<Value>,
    pub order_id: Option<String>,
    pub obfuscated_external_account_id: Option<String>,
    pub region_code: Option<String>,
    pub purchase_completion_time: Option<Timestamp>,
    pub acknowledgement_state: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ProductLine {
    pub product_id: String,
    pub product_offer_details: Option<ProductOffer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ProductOffer {
    pub quantity: Option<u32>,
    pub refundable_quantity: Option<u32>,
    pub consumption_state: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PurchaseState {
    pub purchase_state: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_empty_says_nothing() {
        let said = json!({
            "subscriptionState": "SUBSCRIPTION_STATE_ACTIVE", "linkedPurchaseToken": "", "startTime": "1970-01-01T00:00:00Z", "regionCode": " ",
            "outOfAppPurchaseContext": { "expiredPurchaseToken": "" }, "latestOrderId": "",
            "lineItems": [{ "productId": "gold", "expiryTime": "0001-01-01T00:00:00.000Z", "latestSuccessfulOrderId": "" }],
        });
        let purchase: SubscriptionPurchase = read(said).unwrap();
        assert_eq!(purchase.predecessor(), None);
        assert_eq!(
            (
                purchase.start_time,
                purchase.region_code,
                purchase.latest_order_id
            ),
            (None, None, None)
        );
        let line = &purchase.line_items[0];
        assert_eq!(
            (
                line.product_id.as_str(),
                line.paid_order(),
                line.expiry_time
            ),
            ("gold", None, None)
        );
    }
}
