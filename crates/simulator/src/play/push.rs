//! What Google Play pushes: signed for whoever listens, and about what.

use super::{PUSH_ACCOUNT, PlayStore, time};
use anyhow::{Result, anyhow};
use aws_lc_rs::{rand::SystemRandom, signature::RSA_PKCS1_SHA256};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use serde_json::{Value, json};

impl PlayStore {
    /// The `Authorization` header of a push to `audience`.
    pub fn push_authorization(&self, audience: &str, now: Timestamp) -> Result<String> {
        self.authorization(&json!({
            "iss": "https://accounts.google.com", "aud": audience, "email": PUSH_ACCOUNT, "email_verified": true,
            "iat": now.as_second(), "exp": now.as_second() + 3600, "sub": "1",
        }))
    }

    /// The same, with a token that claims whatever is given.
    pub fn authorization(&self, claims: &Value) -> Result<String> {
        let header = json!({ "alg": "RS256", "kid": "simulated", "typ": "JWT" });
        let text = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(header.to_string()),
            BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let mut signature = vec![0; self.key.pair.public_modulus_len()];
        self.key
            .pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .map_err(|_| anyhow!("signing failed"))?;
        Ok(format!(
            "Bearer {text}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        ))
    }

    /// The body of a push that carries a notification.
    pub fn push(&self, notification: &Value, at: Timestamp) -> String {
        let mut notification = notification.clone();
        notification["version"] = "1.0".into();
        notification["packageName"] = self.package.clone().into();
        notification["eventTimeMillis"] = at.as_millisecond().to_string().into();
        let mut state = self.state();
        state.messages += 1;
        let id = state.messages;
        json!({
            "message": { "data": BASE64_STANDARD.encode(notification.to_string()), "messageId": id.to_string(), "publishTime": time(at) },
            "subscription": "projects/simulated/subscriptions/tidings",
        })
        .to_string()
    }

    /// The push of a subscription notification of type `kind`.
    pub fn tell(&self, kind: u8, token: &str, at: Timestamp) -> String {
        self.push(
            &json!({ "subscriptionNotification": { "version": "1.0", "notificationType": kind, "purchaseToken": token } }),
            at,
        )
    }

    /// The push of a one-time product notification.
    pub fn tell_product(&self, kind: u8, token: &str, sku: &str, at: Timestamp) -> String {
        self.push(
            &json!({ "oneTimeProductNotification": { "version": "1.0", "notificationType": kind, "purchaseToken": token, "sku": sku } }),
            at,
        )
    }

    /// The push that says an order was voided. `product_type` is 1 for subscriptions, 2 for one-time purchases.
    pub fn tell_voided(&self, token: &str, order: &str, product_type: u8, at: Timestamp) -> String {
        self.push(
            &json!({ "voidedPurchaseNotification": { "purchaseToken": token, "orderId": order, "productType": product_type, "refundType": 1 } }),
            at,
        )
    }
}
