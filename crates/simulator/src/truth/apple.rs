//! The App Store, as one customer's purchases make it. Sources: Apple, "App Store Server Notifications", notificationType and
//! subtype; JWSTransactionDecodedPayload and JWSRenewalInfoDecodedPayload; "Get All Subscription Statuses".

use super::{
    act::{Act, Change, Maker, Word},
    life::{Deed, Form, Life, Market},
    told::Charge,
    walk::{Habits, Increase, Stand, Term, Walk},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DAY: i64 = 86_400;
const BUNDLE: &str = "com.example";
const ENVIRONMENT: &str = "LocalTesting";

pub(super) static HABITS: Habits = Habits {
    products: ["com.example.monthly", "com.example.yearly", "unmapped"],
    once: "unmapped",
    pass: "pass",
    addon: "hd",
    planned: 0,
    never: &[
        Deed::AddOn,
        Deed::DropAddOn,
        Deed::StartAnew,
        Deed::TakeMore,
        Deed::AskPause,
        Deed::Pause,
        Deed::Resume,
        Deed::StopNow,
    ],
    same_on_return: true,
    refund_takes: true,
    part_takes: true,
    part_of: 1,
    early: DAY / 2,
    paid_after: 0,
    says_end_after: 600,
    grace: 16 * DAY,
    tries: 60 * DAY,
    tries_committed: 90 * DAY,
    keeps_dates: false,
    plan_switches_on: true,
    upgrade_of_trial: true,
    credits: false,
};

/// What holds the items of an Advanced Commerce purchase.
const GENERIC: &str = "com.example.generic";

/// What the status of a subscription is called in numbers.
mod status {
    pub(super) const ACTIVE: u8 = 1;
    pub(super) const EXPIRED: u8 = 2;
    pub(super) const RETRY: u8 = 3;
    pub(super) const GRACE: u8 = 4;
    pub(super) const REVOKED: u8 = 5;
}

/// Why a subscription expired or fails to renew, in Apple's numbers.
mod intent {
    pub(super) const CANCELLED: u8 = 1;
    pub(super) const BILLING_ERROR: u8 = 2;
}

/// The store of one customer.
pub(super) struct AppStore {
    who: String,
    number: u64,
    is_intro: bool,
    form: Form,
    /// The present purchase says whose it is.
    is_named: bool,
    /// Of the first transaction, which names the chain.
    first: Option<Charge>,
    transaction: Value,
    /// All of them, by id.
    transactions: BTreeMap<String, Value>,
    messages: u64,
}

impl AppStore {
    pub(super) fn new(life: &Life, number: u64) -> Self {
        Self {
            who: Market::AppStore.who(number),
            number,
            is_intro: life.beginning == super::Beginning::Intro,
            form: life.form(),
            is_named: life.form() != Form::Nameless,
            first: None,
            transaction: Value::Null,
            transactions: BTreeMap::new(),
            messages: 0,
        }
    }

    fn is_family_shared(&self) -> bool {
        self.form == Form::Family
    }

    fn is_first(&self, charge: &Charge) -> bool {
        let first = self.first.as_ref();
        first.is_some_and(|first| first.id == charge.id)
    }

    /// A transaction of the subscription.
    fn transaction(&self, charge: &Charge, reason: &str) -> Value {
        let first = self.first.as_ref().unwrap_or(charge);
        let mut transaction = json!({
            "transactionId": charge.id, "originalTransactionId": first.id, "bundleId": BUNDLE, "productId": charge.product,
            "subscriptionGroupIdentifier": "21000001", "purchaseDate": charge.from.as_millisecond(),
            "originalPurchaseDate": first.from.as_millisecond(), "expiresDate": charge.until.map(Timestamp::as_millisecond),
            "quantity": 1, "type": "Auto-Renewable Subscription", "environment": ENVIRONMENT, "transactionReason": reason,
            "inAppOwnershipType": if self.is_family_shared() { "FAMILY_SHARED" } else { "PURCHASED" },
            "storefront": "USA", "storefrontId": "143441", "price": charge.micros / 1000, "currency": "USD",
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

    /// Several products in one, each an item with its price.
    fn with_items(walk: &Walk, mut transaction: Value) -> Value {
        let beside = walk.line.side.as_ref().map(|side| &side.charge);
        let charges: Vec<_> = beside.into_iter().chain([&walk.line.charge]).collect();
        let items = charges.iter().map(|charge| {
            json!({ "SKU": charge.product, "displayName": charge.product, "description": charge.product, "price": charge.micros / 1000 })
        });
        let items: Vec<_> = items.collect();
        let price: i64 = charges.iter().map(|charge| charge.micros / 1000).sum();
        transaction["productId"] = GENERIC.into();
        transaction["price"] = price.into();
        transaction["advancedCommerceInfo"] = json!({
            "items": items, "estimatedTax": 0, "taxCode": "C003-00-1", "requestReferenceId": "r",
        });
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
    fn once(&self, charge: &Charge) -> Value {
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
    fn stands(&self, walk: &Walk) -> (Value, u8) {
        let line = &walk.line;
        let first = self.first.as_ref().unwrap_or(&line.charge);
        let planned = if line.is_planned { 0 } else { line.product };
        let mut renewal = json!({
            "originalTransactionId": first.id, "productId": line.charge.product,
            "autoRenewProductId": walk.habits.products[planned], "autoRenewStatus": u8::from(line.is_renewing),
            "environment": ENVIRONMENT, "recentSubscriptionStartDate": first.from.as_millisecond(),
        });
        if self.is_named {
            renewal["appAccountToken"] = self.who.clone().into();
        }
        if self.form == Form::Addon {
            let items = Self::with_items(walk, json!({}));
            renewal["productId"] = GENERIC.into();
            renewal["autoRenewProductId"] = GENERIC.into();
            renewal["advancedCommerceInfo"] =
                json!({ "items": items["advancedCommerceInfo"]["items"] });
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
            Increase::None => {}
            Increase::Announced => renewal["priceIncreaseStatus"] = 0.into(),
            Increase::Accepted => renewal["priceIncreaseStatus"] = 1.into(),
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

    /// The store's record changes, and it says so.
    fn says(
        &mut self,
        walk: &Walk,
        kind: &'static str,
        subtype: Option<&'static str>,
        transaction: Value,
        stands: Option<(Value, u8)>,
    ) -> Act {
        self.messages += 1;
        let id = transaction["transactionId"].as_str().unwrap_or_default();
        self.transactions.insert(id.to_owned(), transaction.clone());
        let is_once = stands.is_none();
        Act {
            at: walk.now(),
            purchase: if is_once {
                walk.once[walk.traded].purchase
            } else {
                walk.line.purchase
            },
            beside: None,
            changes: vec![Change::Apple {
                transaction: transaction.clone(),
                stands: stands.clone(),
            }],
            says: vec![Word::Apple {
                kind,
                subtype,
                uuid: format!("{}-{}", self.number, self.messages),
                transaction,
                stands,
            }],
        }
    }

    /// About the subscription as it stands.
    fn about(
        &mut self,
        walk: &Walk,
        kind: &'static str,
        subtype: Option<&'static str>,
    ) -> Vec<Act> {
        let stands = self.stands(walk);
        vec![self.says(walk, kind, subtype, self.transaction.clone(), Some(stands))]
    }

    /// A new transaction of it.
    fn charged(
        &mut self,
        walk: &Walk,
        reason: &str,
        kind: &'static str,
        subtype: Option<&'static str>,
    ) -> Vec<Act> {
        let transaction = self.transaction(&walk.line.charge, reason);
        self.transaction = match (self.form, walk.line.term) {
            (Form::Addon, _) => Self::with_items(walk, transaction),
            (_, Some(term)) => Self::with_term(term, &walk.line.charge, transaction),
            _ => transaction,
        };
        self.about(walk, kind, subtype)
    }

    fn expired(&mut self, walk: &Walk, why: u8, subtype: &'static str) -> Vec<Act> {
        let (mut renewal, status) = self.stands(walk);
        renewal["expirationIntent"] = why.into();
        renewal["isInBillingRetryPeriod"] = false.into();
        let transaction = self.transaction.clone();
        vec![self.says(
            walk,
            "EXPIRED",
            Some(subtype),
            transaction,
            Some((renewal, status)),
        )]
    }

    fn refunded(&mut self, walk: &Walk, deed: Deed) -> Vec<Act> {
        let part = deed == Deed::RefundPart;
        self.transaction["revocationDate"] = walk.now().as_millisecond().into();
        if self.is_family_shared() {
            self.transaction["revocationType"] = "FAMILY_REVOKE".into();
            return self.about(walk, "REVOKE", None);
        }
        revoke(&mut self.transaction, if part { 40_000 } else { 100_000 });
        self.about(walk, "REFUND", None)
    }

    /// The notification holds the old transaction, and how the subscription stands on its newer one.
    fn refunded_earlier(&mut self, walk: &Walk) -> Vec<Act> {
        let given_back = walk.line.given_back.last();
        let Some(mut transaction) =
            given_back.and_then(|back| self.transactions.get(&back.charge.id).cloned())
        else {
            return Vec::new();
        };
        transaction["revocationDate"] = walk.now().as_millisecond().into();
        revoke(&mut transaction, 100_000);
        let stands = self.stands(walk);
        vec![self.says(walk, "REFUND", None, transaction, Some(stands))]
    }

    /// The replaced transaction shows it in the history from then on, which nobody is told.
    fn upgraded(&mut self, walk: &Walk) -> Vec<Act> {
        let mut old = self.transaction.clone();
        old["isUpgraded"] = true.into();
        let id = old["transactionId"].as_str().unwrap_or_default();
        self.transactions.insert(id.to_owned(), old.clone());
        let mut acts = self.charged(walk, "PURCHASE", "DID_CHANGE_RENEWAL_PREF", Some("UPGRADE"));
        if let Some(act) = acts.first_mut() {
            let transaction = old;
            act.changes.push(Change::Apple {
                transaction,
                stands: None,
            });
        }
        acts
    }
}

/// `percentage` in thousandths of a percent.
fn revoke(transaction: &mut Value, percentage: i64) {
    let kind = if percentage == 100_000 {
        "REFUND_FULL"
    } else {
        "REFUND_PRORATED"
    };
    transaction["revocationType"] = kind.into();
    transaction["revocationReason"] = 0.into();
    transaction["revocationPercentage"] = percentage.into();
}

impl Maker for AppStore {
    fn show(&mut self, walk: &Walk, deed: Option<Deed>) -> Vec<Act> {
        let Some(deed) = deed else {
            self.first = Some(walk.line.charge.clone());
            return self.charged(walk, "PURCHASE", "SUBSCRIBED", Some("INITIAL_BUY"));
        };
        match deed {
            Deed::Renew => self.charged(walk, "RENEWAL", "DID_RENEW", None),
            Deed::Recover => self.charged(walk, "RENEWAL", "DID_RENEW", Some("BILLING_RECOVERY")),
            Deed::Return => {
                self.is_named = true;
                self.charged(walk, "PURCHASE", "SUBSCRIBED", Some("RESUBSCRIBE"))
            }
            Deed::SwitchOff => self.about(
                walk,
                "DID_CHANGE_RENEWAL_STATUS",
                Some("AUTO_RENEW_DISABLED"),
            ),
            Deed::SwitchOn => self.about(
                walk,
                "DID_CHANGE_RENEWAL_STATUS",
                Some("AUTO_RENEW_ENABLED"),
            ),
            Deed::Fail => {
                let in_grace = matches!(walk.line.stand, Stand::Grace(_));
                self.about(
                    walk,
                    "DID_FAIL_TO_RENEW",
                    in_grace.then_some("GRACE_PERIOD"),
                )
            }
            Deed::EndGrace => self.about(walk, "GRACE_PERIOD_EXPIRED", None),
            Deed::GiveUp => self.expired(walk, intent::BILLING_ERROR, "BILLING_RETRY"),
            Deed::RunOut => self.expired(walk, intent::CANCELLED, "VOLUNTARY"),
            Deed::Refund | Deed::RefundPart => self.refunded(walk, deed),
            Deed::RefundEarlier => self.refunded_earlier(walk),
            Deed::Undo => {
                if let Some(transaction) = self.transaction.as_object_mut() {
                    transaction.retain(|name, _| !name.starts_with("revocation"));
                }
                self.about(walk, "REFUND_REVERSED", None)
            }
            Deed::Upgrade => self.upgraded(walk),
            Deed::Plan => self.about(walk, "DID_CHANGE_RENEWAL_PREF", Some("DOWNGRADE")),
            Deed::Unplan => self.about(walk, "DID_CHANGE_RENEWAL_PREF", None),
            Deed::Move => {
                self.transaction["expiresDate"] = walk.ends_at().as_millisecond().into();
                self.about(walk, "RENEWAL_EXTENDED", None)
            }
            Deed::Announce => self.about(walk, "PRICE_INCREASE", Some("PENDING")),
            Deed::Accept => self.about(walk, "PRICE_INCREASE", Some("ACCEPTED")),
            Deed::BuyOnce | Deed::BuyPass => {
                let once = self.once(&walk.once[walk.traded].charge);
                vec![self.says(walk, "ONE_TIME_CHARGE", None, once, None)]
            }
            Deed::RefundOnce => {
                let mut once = self.once(&walk.once[walk.traded].charge);
                once["revocationDate"] = walk.now().as_millisecond().into();
                revoke(&mut once, 100_000);
                vec![self.says(walk, "REFUND", None, once, None)]
            }
            // In no life of this store.
            Deed::AskPause
            | Deed::Pause
            | Deed::Resume
            | Deed::StopNow
            | Deed::StartAnew
            | Deed::TakeMore
            | Deed::AddOn
            | Deed::DropAddOn => Vec::new(),
        }
    }
}
