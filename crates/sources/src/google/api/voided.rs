//! Orders that were voided without anybody being told.

use super::client::{Api, WHO, segment};
use crate::{Trouble, Web};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

/// How late a voided order may appear in the list.
const VOIDS_LATE: SignedDuration = SignedDuration::from_hours(24);
/// Voided orders read at once.
const MOST_VOIDED: usize = 10_000;
/// Pages of them, of a thousand each; some may hold fewer.
const MOST_PAGES: usize = 100;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VoidedPage {
    voided_purchases: Vec<Voided>,
    token_pagination: Option<Pagination>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Voided {
    purchase_token: String,
    order_id: String,
    voided_time_millis: String,
    /// Only where so many of a quantity were given back.
    voided_quantity: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Pagination {
    next_page_token: Option<String>,
}

impl Api {
    /// Pushes that would have told of orders voided since `since`, as Google lists them. Source: Google,
    /// purchases.voidedpurchases.
    pub(in crate::google) async fn voided(
        &self,
        since: Timestamp,
        web: &dyn Web,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        // Voids are listed late.
        let since = since.checked_sub(VOIDS_LATE).unwrap_or(since);
        let mut bodies = Vec::new();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let path = format!(
                "purchases/voidedpurchases?type=1&includeQuantityBasedPartialRefund=true&startTime={}{token}",
                since.as_millisecond()
            );
            let page: VoidedPage = serde_json::from_value(self.get(&path, web, now).await?)
                .map_err(|error| {
                    Trouble::Nonsense(format!(
                        "{WHO} answered voided purchases that cannot be read: {error}"
                    ))
                })?;
            bodies.extend(page.voided_purchases.iter().map(|voided| {
                let notification = json!({
                    "version": "1.0", "packageName": self.package, "eventTimeMillis": voided.voided_time_millis,
                    // Of which kind it is, the list does not say. Of how many pieces, only the list does.
                    "voidedPurchaseNotification": {
                        "purchaseToken": voided.purchase_token, "orderId": voided.order_id,
                        "refundType": if voided.voided_quantity.is_some() { 2 } else { 1 },
                        "voidedQuantity": voided.voided_quantity,
                    },
                });
                let id = format!("voided:{}:{}", voided.order_id, voided.voided_time_millis);
                let data = STANDARD.encode(notification.to_string());
                json!({ "message": { "data": data, "messageId": id } })
                    .to_string()
                    .into_bytes()
            }));
            match page.token_pagination.and_then(|page| page.next_page_token) {
                Some(next) if bodies.len() < MOST_VOIDED => {
                    token = format!("&token={}", segment(&next));
                }
                _ => break,
            }
        }
        Ok(bodies)
    }
}
