//! Purchases as the App Store sees them, told by hand.

use super::{AUTHORITY, DAY};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// One purchase chain as the store sees it.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) transaction: Value,
    pub(crate) renewal: Value,
    pub(crate) status: u8,
    next: u64,
    messages: u64,
}

impl Chain {
    /// A first purchase at `now` for 30 days.
    pub(crate) fn purchase(id: u64, product: &str, token: Option<&str>, now: Timestamp) -> Self {
        let at = now.as_millisecond();
        let mut transaction = json!({
            "transactionId": id.to_string(), "originalTransactionId": id.to_string(), "bundleId": "com.example", "productId": product, "purchaseDate": at,
            "originalPurchaseDate": at, "expiresDate": at + 30 * DAY * 1000, "quantity": 1, "type": "Auto-Renewable Subscription", "inAppOwnershipType": "PURCHASED",
            "environment": "LocalTesting", "transactionReason": "PURCHASE", "storefront": "USA", "price": 9990, "currency": "USD",
        });
        if let Some(token) = token {
            transaction["appAccountToken"] = token.into();
        }
        let renewal = json!({ "originalTransactionId": id.to_string(), "productId": product, "autoRenewProductId": product, "autoRenewStatus": 1, "environment": "LocalTesting" });
        Self {
            transaction,
            renewal,
            status: 1,
            next: id + 1,
            messages: 0,
        }
    }

    pub(crate) fn free(mut self) -> Self {
        self.transaction["price"] = 0.into();
        self.transaction["offerType"] = 1.into();
        self.transaction["offerDiscountType"] = "FREE_TRIAL".into();
        self
    }

    /// The next charge, directly after the current period.
    pub(crate) fn renew(&mut self) {
        let start = self.transaction["expiresDate"].as_i64().unwrap();
        self.transaction["transactionId"] = self.next.to_string().into();
        self.next += 1;
        self.transaction["purchaseDate"] = start.into();
        self.transaction["expiresDate"] = (start + 30 * DAY * 1000).into();
        self.transaction["transactionReason"] = "RENEWAL".into();
        self.transaction["price"] = 9990.into();
        self.transaction
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !name.starts_with("offer"));
    }

    /// A signed notification of the present state.
    pub(crate) fn notify(&mut self, kind: &str, now: Timestamp) -> String {
        self.messages += 1;
        let at = now
            .checked_add(SignedDuration::from_millis(
                i64::try_from(self.messages).unwrap(),
            ))
            .unwrap()
            .as_millisecond();
        let with_date = |value: &Value| {
            let mut value = value.clone();
            value["signedDate"] = at.into();
            AUTHORITY.sign(&value).unwrap()
        };
        let id = self.transaction["originalTransactionId"].as_str().unwrap();
        let payload = json!({
            "notificationType": kind, "notificationUUID": format!("{id}-{}", self.messages), "version": "2.0", "signedDate": at,
            "data": { "environment": "LocalTesting", "bundleId": "com.example", "status": self.status,
                "signedTransactionInfo": with_date(&self.transaction), "signedRenewalInfo": with_date(&self.renewal) },
        });
        json!({ "signedPayload": AUTHORITY.sign(&payload).unwrap() }).to_string()
    }
}
