//! What the App Store signs: transactions, and how a subscription stands.

use crate::truth::{
    life::{Beginning, Form, Life, Market},
    told::Charge,
    walk::{ADDON_PRICE, Increase, Offer, Stand, Term, Walk},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DAY: i64 = 86_400;
const BUNDLE: &str = "com.example";
const ENVIRONMENT: &str = "LocalTesting";

/// What holds the items of an Advanced Commerce purchase.
const GENERIC: &str = "com.example.generic";

/// What a copy may leave out of a transaction without taking it back.
const POOR: [&str; 9] = [
    "price",
    "currency",
    "offerType",
    "offerIdentifier",
    "offerDiscountType",
    "offerPeriod",
    "storefront",
    "transactionReason",
    "appAccountToken",
];

/// What the status of a subscription is called in numbers.
pub(super) mod status {
    pub(in crate::truth::apple) const ACTIVE: u8 = 1;
    pub(in crate::truth::apple) const EXPIRED: u8 = 2;
    pub(in crate::truth::apple) const RETRY: u8 = 3;
    pub(in crate::truth::apple) const GRACE: u8 = 4;
    pub(in crate::truth::apple) const REVOKED: u8 = 5;
}

/// Why a subscription expired or fails to renew, in Apple's numbers.
pub(super) mod intent {
    pub(in crate::truth::apple) const CANCELLED: u8 = 1;
    pub(in crate::truth::apple) const BILLING_ERROR: u8 = 2;
    pub(in crate::truth::apple) const PRICE_INCREASE: u8 = 3;
}

/// The store of one customer.
pub(in crate::truth) struct AppStore {
    pub(super) who: String,
    pub(super) number: u64,
    pub(super) is_intro: bool,
    pub(super) form: Form,
    currency: &'static str,
    /// The present purchase says whose it is.
    pub(super) is_named: bool,
    /// Of the first transaction, which names the chain.
    pub(super) first: Option<Charge>,
    pub(super) transaction: Value,
    /// All of them, by id.
    pub(super) transactions: BTreeMap<String, Value>,
    pub(super) messages: u64,
}

impl AppStore {
    pub(in crate::truth) fn new(life: &Life, number: u64) -> Self {
        Self {
            who: Market::AppStore.who(number),
            number,
            is_intro: life.beginning == Beginning::Intro,
            form: life.form(),
            currency: life.purse().currency,
            is_named: life.form() != Form::Nameless,
            first: None,
            transaction: Value::Null,
            transactions: BTreeMap::new(),
            messages: 0,
        }
    }

    pub(super) fn is_family_shared(&self) -> bool {
        self.form == Form::Family
    }

    fn is_first(&self, charge: &Charge) -> bool {
        let first = self.first.as_ref();
        first.is_some_and(|first| first.id == charge.id)
    }

    /// A transaction of the subscription.
    pub(super) fn transaction(&self, charge: &Charge, reason: &str) -> Value {
        let first = self.first.as_ref().unwrap_or(charge);
        let mut transaction = json!({
            "transactionId": charge.id, "originalTransactionId": first.id, "bundleId": BUNDLE, "productId": charge.product,
            "subscriptionGroupIdentifier": "21000001", "purchaseDate": charge.from.as_millisecond(),
            "originalPurchaseDate": first.from.as_millisecond(), "expiresDate": charge.until.map(Timestamp::as_millisecond),
            "quantity": 1, "type": "Auto-Renewable Subscription", "environment": ENVIRONMENT, "transactionReason": reason,
            "inAppOwnershipType": if self.is_family_shared() { "FAMILY_SHARED" } else { "PURCHASED" },
            "storefront": "USA", "storefrontId": "143441", "price": charge.micros / 1000, "currency": self.currency,
            "appTransactionId": format!("7{:015}", self.number),
        });
        if self.is_named {
            transaction["appAccountToken"] = self.who.clone().into();
        }
        if charge.is_trial {
            transaction["offerDiscountType"] = "FREE_TRIAL".into();
        } else if self.is_intro && self.is_first(charge) {
            transaction["offerDiscountType"] = "PAY_AS_YOU_GO".into();
        }
        if !transaction["offerDiscountType"].is_null() {
            transaction["offerType"] = 1.into();
            transaction["offerPeriod"] = if charge.is_trial { "P1W" } else { "P1M" }.into();
        }
        transaction
    }

    /// Whether what is bought are items of a purchase that may hold several.
    pub(super) const fn has_items(&self) -> bool {
        matches!(self.form, Form::Addon | Form::Item)
    }

    /// Several products in one, each an item with its price.
    pub(super) fn with_items(walk: &Walk, mut transaction: Value) -> Value {
        let line = &walk.line;
        let beside = line.side.as_ref().map(|side| {
            let mut sold = sold(&side.charge.product, side.charge.micros);
            if let Some(at) = side.given_back_at {
                sold["revocationDate"] = at.as_millisecond().into();
                sold["refunds"] = json!([{
                    "refundAmount": sold["price"], "refundDate": at.as_millisecond(), "refundReason": "OTHER", "refundType": "FULL",
                }]);
            }
            sold
        });
        let items: Vec<_> = beside
            .into_iter()
            .chain([sold(&line.charge.product, line.charge.micros)])
            .collect();
        let price: i64 = items.iter().filter_map(|item| item["price"].as_i64()).sum();
        transaction["productId"] = GENERIC.into();
        transaction["price"] = price.into();
        transaction["advancedCommerceInfo"] = json!({
            "items": items, "estimatedTax": 0, "taxCode": "C003-00-1", "requestReferenceId": "r",
        });
        transaction
    }

    /// What the next period will be of.
    fn renewing(walk: &Walk) -> Vec<Value> {
        let side = walk.line.side.as_ref();
        let stays = side.is_some_and(|side| !side.is_leaving && side.given_back_at.is_none());
        let beside = (stays || walk.line.is_joining).then(|| sold(walk.habits.addon, ADDON_PRICE));
        let mut base = sold(&walk.line.charge.product, walk.price());
        let increase = match walk.line.increase {
            Increase::None => None,
            Increase::Announced => Some("PENDING"),
            Increase::Accepted | Increase::Informed => Some("ACCEPTED"),
        };
        if let Some(status) = increase {
            base["priceIncreaseInfo"] = json!({ "status": status, "price": base["price"] });
        }
        beside.into_iter().chain([base]).collect()
    }

    /// The transaction of the present period.
    pub(super) fn present(&self, walk: &Walk, reason: &str) -> Value {
        let line = &walk.line;
        let transaction = self.transaction(&line.charge, reason);
        match (line.term, line.offer) {
            _ if self.has_items() => Self::with_items(walk, transaction),
            (Some(term), _) => Self::with_term(term, &line.charge, transaction),
            (None, Some(offer)) => Self::with_offer(offer, &line.charge, transaction),
            (None, None) => transaction,
        }
    }

    /// For how much less the period was sold than others.
    fn with_offer(offer: Offer, charge: &Charge, mut transaction: Value) -> Value {
        transaction["offerType"] = match offer {
            Offer::Promotional => 2,
            Offer::WinBack => 4,
        }
        .into();
        transaction["offerIdentifier"] = "come.and.stay".into();
        transaction["offerDiscountType"] = if charge.is_trial {
            "FREE_TRIAL"
        } else {
            "PAY_UP_FRONT"
        }
        .into();
        transaction["offerPeriod"] = if charge.is_trial { "P1W" } else { "P1M" }.into();
        transaction
    }

    /// The same with what no other copy of it takes back, and less than the others.
    pub(super) fn poorer(&self) -> Value {
        let mut transaction = self.transaction.clone();
        if let Some(fields) = transaction.as_object_mut() {
            for name in POOR {
                fields.remove(name);
            }
        }
        transaction
    }

    /// One of the monthly charges of a year.
    fn with_term(term: Term, charge: &Charge, mut transaction: Value) -> Value {
        let left = i64::from(term.of - term.number) * 30 * DAY;
        let ends = charge
            .until
            .map(|until| until.as_millisecond() + left * 1000);
        transaction["billingPlanType"] = "MONTHLY".into();
        transaction["commitmentInfo"] = json!({
            "billingPeriodNumber": term.number, "totalBillingPeriods": term.of,
            "commitmentPrice": charge.micros / 1000 * i64::from(term.of), "commitmentExpiresDate": ends,
        });
        transaction
    }

    /// Something bought once is a chain of its own. It says whose it is.
    pub(super) fn once(&self, charge: &Charge) -> Value {
        let mut transaction = self.transaction(charge, "PURCHASE");
        transaction["appAccountToken"] = self.who.clone().into();
        transaction["originalTransactionId"] = charge.id.clone().into();
        transaction["originalPurchaseDate"] = charge.from.as_millisecond().into();
        let is_pass = charge.product == "pass";
        let kind = if is_pass {
            "Non-Renewing Subscription"
        } else {
            "Consumable"
        };
        transaction["type"] = kind.into();
        if let Some(transaction) = transaction.as_object_mut() {
            transaction.remove("subscriptionGroupIdentifier");
            transaction.remove("expiresDate");
        }
        transaction
    }

    /// Renewal information and status.
    pub(super) fn stands(&self, walk: &Walk) -> (Value, u8) {
        let line = &walk.line;
        let first = self.first.as_ref().unwrap_or(&line.charge);
        let planned = if line.is_planned {
            walk.planned()
        } else {
            line.product
        };
        let mut renewal = json!({
            "originalTransactionId": first.id, "productId": line.charge.product,
            "autoRenewProductId": walk.habits.products[planned], "autoRenewStatus": u8::from(line.is_renewing),
            "environment": ENVIRONMENT, "recentSubscriptionStartDate": first.from.as_millisecond(),
        });
        if self.is_named {
            renewal["appAccountToken"] = self.who.clone().into();
        }
        if self.has_items() {
            renewal["productId"] = GENERIC.into();
            renewal["autoRenewProductId"] = GENERIC.into();
            renewal["advancedCommerceInfo"] = json!({ "items": Self::renewing(walk) });
        }
        if line.is_offered {
            renewal["offerType"] = 2.into();
            renewal["offerIdentifier"] = "come.and.stay".into();
            renewal["offerDiscountType"] = "PAY_UP_FRONT".into();
        }
        if let Some(term) = line.term {
            let goes_on = term.goes_on() && !matches!(line.stand, Stand::Over | Stand::Refunded);
            renewal["renewalBillingPlanType"] = "MONTHLY".into();
            renewal["commitmentInfo"] = json!({
                "commitmentAutoRenewStatus": u8::from(line.is_renewing), "commitmentAutoRenewProductId": line.charge.product,
            });
            // The charges of the term go on.
            renewal["autoRenewStatus"] = u8::from(line.is_renewing || goes_on).into();
        }
        match line.increase {
            // Of items, each says it of itself.
            _ if self.has_items() => {}
            Increase::None => {}
            Increase::Announced => renewal["priceIncreaseStatus"] = 0.into(),
            Increase::Accepted | Increase::Informed => renewal["priceIncreaseStatus"] = 1.into(),
        }
        if line.is_renewing {
            renewal["renewalDate"] = walk.ends_at().as_millisecond().into();
        }
        let status = match line.stand {
            Stand::Running | Stand::Paused => status::ACTIVE,
            Stand::Grace(until) => {
                renewal["gracePeriodExpiresDate"] = until.as_millisecond().into();
                status::GRACE
            }
            Stand::Retry => status::RETRY,
            Stand::Over => status::EXPIRED,
            Stand::Refunded => status::REVOKED,
        };
        if matches!(line.stand, Stand::Grace(_) | Stand::Retry) {
            renewal["isInBillingRetryPeriod"] = true.into();
            renewal["expirationIntent"] = intent::BILLING_ERROR.into();
        }
        (renewal, status)
    }
}

/// An item with its price.
fn sold(product: &str, micros: i64) -> Value {
    json!({ "SKU": product, "displayName": product, "description": product, "price": micros / 1000 })
}

/// `percentage` in thousandths of a percent.
pub(super) fn revoke(transaction: &mut Value, percentage: i64) {
    let kind = if percentage == 100_000 {
        "REFUND_FULL"
    } else {
        "REFUND_PRORATED"
    };
    transaction["revocationType"] = kind.into();
    transaction["revocationReason"] = 0.into();
    transaction["revocationPercentage"] = percentage.into();
}

/// It is shown as what it was before.
pub(super) fn unrevoke(transaction: &mut Value) {
    if let Some(fields) = transaction.as_object_mut() {
        fields.retain(|name, _| !name.starts_with("revocation"));
    }
}
