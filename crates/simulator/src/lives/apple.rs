//! One customer's life with a subscription, as the App Store would report it.

use super::story::{Pace, Story, after};
use crate::{apple_api::App, authority::Authority, random::Random};
use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

/// One notification of a life.
#[derive(Debug, Clone)]
pub struct Notification {
    /// When the store signs and sends it.
    pub at: Timestamp,
    /// Type and subtype.
    pub kind: &'static str,
    /// Subtype, where there is one.
    pub subtype: Option<&'static str>,
    /// Apple's id of the notification.
    pub uuid: String,
    transaction: Value,
    renewal: Option<Value>,
    status: u8,
    bundle_id: String,
    environment: String,
}

/// A UUID that the app would have given the customer.
fn account_token(number: u64) -> String {
    uuid(&mut Random::new(number ^ 0x0a7e_11ed))
}

fn uuid(random: &mut Random) -> String {
    let (a, b) = (random.draw(), random.draw());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

/// The whole script of one customer.
#[derive(Debug, Clone)]
pub struct Life {
    /// Notifications in the order in which the store makes them.
    pub notifications: Vec<Notification>,
    /// Whether a family member pays: such a life gives access but makes no purchase events.
    pub is_family_shared: bool,
}

const PRODUCTS: [(&str, i64, i64); 3] = [
    ("weekly", 7, 2_990),
    ("monthly", 30, 9_990),
    ("yearly", 365, 59_990),
];
const STOREFRONTS: [&str; 5] = ["USA", "USA", "USA", "GBR", "JPN"];

fn price_in(storefront: &str, milli_dollars: i64) -> (i64, &'static str) {
    match storefront {
        "GBR" => (milli_dollars - 1_000, "GBP"),
        // Thousandths of a yen, as Apple sends them for every currency.
        "JPN" => (milli_dollars * 150 / 10_000 * 10_000, "JPY"),
        _ => (milli_dollars, "USD"),
    }
}

struct Script<'a> {
    app: &'a App,
    story: Story,
    number: u64,
    told: Vec<Notification>,
    transactions: u64,
    chain: String,
    storefront: &'static str,
    family: bool,
    transaction: Value,
    renewal: Value,
    product: usize,
}

impl Life {
    /// Plays the life of customer `number` of `seed`, beginning at `start`, in at most `limit` notifications.
    pub fn play(
        app: &App,
        pace: Pace,
        seed: u64,
        number: u64,
        start: Timestamp,
        limit: usize,
    ) -> Self {
        let mut random = Random::new(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let storefront =
            STOREFRONTS[usize::try_from(random.below(STOREFRONTS.len() as u64)).unwrap_or(0)];
        let family = random.chance(3);
        let mut script = Script {
            app,
            story: Story {
                pace,
                random,
                at: start,
                ends_at: start,
            },
            number,
            told: Vec::new(),
            transactions: 0,
            chain: String::new(),
            storefront,
            family,
            transaction: Value::Null,
            renewal: Value::Null,
            product: 1,
        };
        script.live(limit);
        script.told.truncate(limit);
        Self {
            notifications: script.told,
            is_family_shared: script.family,
        }
    }
}

impl Script<'_> {
    fn next_id(&mut self) -> String {
        self.transactions += 1;
        (2_000_000_000_000_000 + self.number * 10_000 + self.transactions).to_string()
    }

    /// A charge: the current transaction becomes a new one.
    fn charge(&mut self, product: usize, reason: &str, start: Timestamp, free_days: Option<i64>) {
        let (id, length, milli_dollars) = PRODUCTS[product];
        let transaction_id = self.next_id();
        if self.chain.is_empty() {
            self.chain.clone_from(&transaction_id);
            self.transaction = json!({ "originalPurchaseDate": start.as_millisecond() });
        }
        let original = self.transaction["originalPurchaseDate"].clone();
        let (price, currency) = price_in(self.storefront, milli_dollars);
        self.product = product;
        self.story.ends_at = after(start, self.story.days(free_days.unwrap_or(length)));
        let product_id = format!("{}.{id}", self.app.bundle_id);
        self.transaction = json!({
            "transactionId": transaction_id, "originalTransactionId": self.chain, "bundleId": self.app.bundle_id, "productId": product_id,
            "subscriptionGroupIdentifier": "21000001", "purchaseDate": start.as_millisecond(), "originalPurchaseDate": original,
            "expiresDate": self.story.ends_at.as_millisecond(), "quantity": 1, "type": "Auto-Renewable Subscription",
            "inAppOwnershipType": if self.family { "FAMILY_SHARED" } else { "PURCHASED" }, "environment": self.app.environment,
            "transactionReason": reason, "storefront": self.storefront, "storefrontId": "143441",
            "price": if free_days.is_some() { 0 } else { price }, "currency": currency, "appTransactionId": format!("7{:015}", self.number),
            "appAccountToken": account_token(self.number),
        });
        if free_days.is_some() {
            self.transaction["offerType"] = 1.into();
            self.transaction["offerDiscountType"] = "FREE_TRIAL".into();
            self.transaction["offerPeriod"] = "P1W".into();
        }
        self.renewal = json!({
            "originalTransactionId": self.chain, "productId": product_id, "autoRenewProductId": product_id, "autoRenewStatus": 1, "environment": self.app.environment,
            "recentSubscriptionStartDate": start.as_millisecond(), "renewalDate": self.story.ends_at.as_millisecond(), "renewalPrice": price, "currency": currency,
        });
    }

    fn tell(&mut self, kind: &'static str, subtype: Option<&'static str>, status: u8) {
        let uuid = uuid(&mut self.story.random);
        let renewal = (!self.renewal.is_null()).then(|| self.renewal.clone());
        self.told.push(Notification {
            at: self.story.at,
            kind,
            subtype,
            uuid,
            transaction: self.transaction.clone(),
            renewal,
            status,
            bundle_id: self.app.bundle_id.clone(),
            environment: self.app.environment.clone(),
        });
    }

    fn live(&mut self, limit: usize) {
        let trial = self.story.random.chance(60);
        let start = self.story.at;
        self.charge(1, "PURCHASE", start, trial.then_some(7));
        self.tell("SUBSCRIBED", Some("INITIAL_BUY"), 1);
        while self.told.len() < limit {
            match self.story.random.below(100) {
                0..52 => self.renew(),
                52..62 => self.cancel(),
                62..74 => self.billing_issue(),
                74..80 => self.upgrade(),
                80..86 => self.downgrade(),
                86..89 => self.refund(),
                89..92 => self.extend(),
                92..95 => self.price_increase(),
                _ => self.one_time(),
            }
        }
    }

    fn renew(&mut self) {
        self.story.wait_for_end();
        let wanted = self.renewal["autoRenewProductId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let product = PRODUCTS
            .iter()
            .position(|(id, ..)| wanted.ends_with(id))
            .unwrap_or(self.product);
        let start = self.story.ends_at;
        self.charge(product, "RENEWAL", start, None);
        self.tell("DID_RENEW", None, 1);
    }

    fn cancel(&mut self) {
        self.story.wait_within();
        self.renewal["autoRenewStatus"] = 0.into();
        self.tell("DID_CHANGE_RENEWAL_STATUS", Some("AUTO_RENEW_DISABLED"), 1);
        if self.story.random.chance(35) {
            self.story.wait_within();
            self.renewal["autoRenewStatus"] = 1.into();
            self.tell("DID_CHANGE_RENEWAL_STATUS", Some("AUTO_RENEW_ENABLED"), 1);
            return;
        }
        self.expire("VOLUNTARY", 1);
        self.resubscribe();
    }

    fn expire(&mut self, subtype: &'static str, intent: u8) {
        self.story.wait_for_end();
        self.story.wait(10);
        self.renewal["expirationIntent"] = intent.into();
        self.renewal["isInBillingRetryPeriod"] = false.into();
        self.renewal["autoRenewStatus"] = 0.into();
        self.tell("EXPIRED", Some(subtype), 2);
    }

    fn resubscribe(&mut self) {
        let pause = 500 + self.story.random.below(4_000);
        self.story.wait(i64::try_from(pause).unwrap_or(500));
        let (product, start) = (
            if self.story.random.chance(30) {
                2
            } else {
                self.product
            },
            self.story.at,
        );
        self.charge(product, "PURCHASE", start, None);
        self.tell("SUBSCRIBED", Some("RESUBSCRIBE"), 1);
    }

    fn billing_issue(&mut self) {
        self.story.wait_for_end();
        let grace = self.story.random.chance(60);
        self.renewal["isInBillingRetryPeriod"] = true.into();
        self.renewal["expirationIntent"] = 2.into();
        if grace {
            let until = after(self.story.ends_at, self.story.days(16));
            self.renewal["gracePeriodExpiresDate"] = until.as_millisecond().into();
            self.tell("DID_FAIL_TO_RENEW", Some("GRACE_PERIOD"), 4);
            if self.story.random.chance(60) {
                self.story.wait(300);
                let (product, start) = (self.product, self.story.ends_at);
                self.charge(product, "RENEWAL", start, None);
                return self.tell("DID_RENEW", Some("BILLING_RECOVERY"), 1);
            }
            self.story.at = self.story.at.max(until);
            self.tell("GRACE_PERIOD_EXPIRED", None, 3);
        } else {
            self.tell("DID_FAIL_TO_RENEW", None, 3);
        }
        if self.story.random.chance(40) {
            self.story.wait(500);
            let (product, start) = (self.product, self.story.at);
            self.charge(product, "RENEWAL", start, None);
            return self.tell("DID_RENEW", Some("BILLING_RECOVERY"), 1);
        }
        self.story.wait(2_000);
        self.expire("BILLING_RETRY", 2);
        self.resubscribe();
    }

    fn upgrade(&mut self) {
        if self.product == 2 {
            return self.renew();
        }
        self.story.wait_within();
        let start = self.story.at;
        self.charge(2, "PURCHASE", start, None);
        self.tell("DID_CHANGE_RENEWAL_PREF", Some("UPGRADE"), 1);
    }

    fn downgrade(&mut self) {
        if self.product == 0 {
            return self.renew();
        }
        self.story.wait_within();
        self.renewal["autoRenewProductId"] = format!("{}.weekly", self.app.bundle_id).into();
        self.tell("DID_CHANGE_RENEWAL_PREF", Some("DOWNGRADE"), 1);
        self.renew();
    }

    fn refund(&mut self) {
        self.story.wait_within();
        let revoked_at = self.story.at.as_millisecond();
        self.transaction["revocationDate"] = revoked_at.into();
        self.transaction["revocationReason"] = 0.into();
        self.transaction["revocationType"] = "REFUND_FULL".into();
        self.renewal["autoRenewStatus"] = 0.into();
        self.tell("REFUND", None, 5);
        if self.story.random.chance(20) {
            self.story.wait(50);
            if let Some(transaction) = self.transaction.as_object_mut() {
                transaction.retain(|name, _| !name.starts_with("revocation"));
            }
            self.renewal["autoRenewStatus"] = 1.into();
            return self.tell("REFUND_REVERSED", None, 1);
        }
        self.resubscribe();
    }

    fn extend(&mut self) {
        self.story.wait_within();
        self.story.ends_at = after(self.story.ends_at, self.story.days(10));
        self.transaction["expiresDate"] = self.story.ends_at.as_millisecond().into();
        self.tell("RENEWAL_EXTENDED", None, 1);
    }

    fn price_increase(&mut self) {
        self.story.wait_within();
        self.renewal["priceIncreaseStatus"] = 0.into();
        self.tell("PRICE_INCREASE", Some("PENDING"), 1);
        self.story.wait(50);
        self.renewal["priceIncreaseStatus"] = 1.into();
        self.tell("PRICE_INCREASE", Some("ACCEPTED"), 1);
    }

    /// A consumable, a chain of its own.
    fn one_time(&mut self) {
        self.story.wait_within();
        let id = self.next_id();
        let subscription = (self.transaction.clone(), self.renewal.clone());
        let (price, currency) = price_in(self.storefront, 4_990);
        let now = self.story.at.as_millisecond();
        self.transaction = json!({
            "transactionId": id, "originalTransactionId": id, "bundleId": self.app.bundle_id, "productId": format!("{}.coins", self.app.bundle_id), "purchaseDate": now,
            "originalPurchaseDate": now, "quantity": 1, "type": "Consumable", "inAppOwnershipType": "PURCHASED", "environment": self.app.environment,
            "transactionReason": "PURCHASE", "storefront": self.storefront, "storefrontId": "143441", "price": price, "currency": currency,
            "appAccountToken": subscription.0["appAccountToken"],
        });
        self.renewal = Value::Null;
        self.tell("ONE_TIME_CHARGE", None, 1);
        (self.transaction, self.renewal) = subscription;
    }
}

impl Notification {
    pub(super) const fn transaction(&self) -> &Value {
        &self.transaction
    }

    pub(super) const fn renewal(&self) -> Option<&Value> {
        self.renewal.as_ref()
    }

    pub(super) const fn status(&self) -> u8 {
        self.status
    }

    /// The transaction the notification is about.
    pub fn transaction_id(&self) -> &str {
        self.transaction["transactionId"]
            .as_str()
            .unwrap_or_default()
    }

    /// The body the store posts, signed in all its layers.
    pub fn body(&self, authority: &Authority) -> Result<String> {
        let signed_date = self.at.as_millisecond();
        let mut transaction = self.transaction.clone();
        transaction["signedDate"] = signed_date.into();
        let mut data = json!({
            "environment": self.environment, "bundleId": self.bundle_id, "bundleVersion": "1.0",
            "signedTransactionInfo": authority.sign(&transaction)?,
        });
        if let Some(mut renewal) = self.renewal.clone() {
            renewal["signedDate"] = signed_date.into();
            data["signedRenewalInfo"] = authority.sign(&renewal)?.into();
            data["status"] = self.status.into();
        }
        let mut payload = json!({ "notificationType": self.kind, "notificationUUID": self.uuid, "version": "2.0", "signedDate": signed_date, "data": data });
        if let Some(subtype) = self.subtype {
            payload["subtype"] = subtype.into();
        }
        Ok(json!({ "signedPayload": authority.sign(&payload)? }).to_string())
    }
}
