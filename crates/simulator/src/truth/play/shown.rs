//! What the API of Google Play shows.

use crate::{
    play::{money, time},
    truth::{
        act::Change,
        life::{Beginning, Form, Life, Market},
        told::Charge,
        walk::{ADDON_PRICE, Increase, Stand, Walk},
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

/// The store of one customer.
pub(in crate::truth) struct Play {
    pub(super) who: String,
    pub(super) is_intro: bool,
    pub(super) is_prepaid: bool,
    /// The token of the present purchase, and the one it took over from.
    pub(super) token: String,
    pub(super) linked: Option<String>,
    pub(super) began: Timestamp,
    pub(super) cancelled_at: Option<Timestamp>,
    /// Where what ended does so, when that is not the end of the period.
    pub(super) ended_at: Option<Timestamp>,
    pub(super) tokens: u64,
}

impl Play {
    pub(in crate::truth) fn new(life: &Life, number: u64) -> Self {
        Self {
            who: Market::Play.who(number),
            is_intro: life.beginning == Beginning::Intro,
            is_prepaid: life.form() == Form::Prepaid,
            token: String::new(),
            linked: None,
            began: life.begins,
            cancelled_at: None,
            ended_at: None,
            tokens: 0,
        }
    }

    /// The next purchase has a token of its own.
    pub(super) fn buy(&mut self, walk: &Walk, linked: Option<String>) {
        self.tokens += 1;
        self.token = format!("{}-token-{}", self.who, self.tokens);
        self.linked = linked;
        self.began = walk.now();
        self.cancelled_at = None;
    }

    fn phase(&self, walk: &Walk) -> (&'static str, &'static str) {
        let line = &walk.line;
        let is_first = line.earlier.is_empty() && line.purchase == 0;
        if line.charge.is_trial {
            ("freeTrial", "FREE_TRIAL")
        } else if self.is_intro && is_first {
            ("introductoryPrice", "INTRODUCTORY")
        } else {
            ("basePrice", "BASE")
        }
    }

    /// The products of the subscription, as the API lists them: in no particular order.
    fn items(&self, walk: &Walk) -> Vec<Value> {
        let line = &walk.line;
        let currency = walk.purse.currency;
        let ends = match line.stand {
            Stand::Grace(until) => until,
            Stand::Over | Stand::Refunded => self.ended_at.unwrap_or(walk.ends_at()),
            Stand::Running | Stand::Retry | Stand::Paused => walk.ends_at(),
        };
        let has_ended = matches!(line.stand, Stand::Over | Stand::Refunded);
        let renews = !has_ended && (line.is_renewing || walk.is_committed());
        let mut base = item(&line.charge, money(walk.price(), currency), ends, renews);
        let terms = &mut base["autoRenewingPlan"];
        let increase = match line.increase {
            Increase::None => None,
            // Of one that was refused some are shown as what it was, some as what became of it.
            Increase::Announced if has_ended && self.is_even() => {
                Some(("PRICE_INCREASE", "CANCELED"))
            }
            Increase::Announced => Some(("PRICE_INCREASE", "OUTSTANDING")),
            Increase::Accepted => Some(("PRICE_INCREASE", "CONFIRMED")),
            Increase::Informed => Some(("OPT_OUT_PRICE_INCREASE", "OUTSTANDING")),
        };
        if let Some((mode, state)) = increase {
            terms["priceChangeDetails"] =
                json!({ "priceChangeMode": mode, "priceChangeState": state });
        }
        if let Some(term) = line.term {
            terms["installmentDetails"] = json!({
                "initialCommittedPaymentsCount": term.of, "remainingCommittedPaymentsCount": term.of - term.number,
            });
            if !line.is_renewing && term.goes_on() {
                terms["installmentDetails"]["pendingCancellation"] = json!({});
            }
        }
        if self.is_prepaid {
            let may_from = walk.line.charge.from;
            base["prepaidPlan"] = json!({ "allowExtendAfterTime": time(may_from) });
            base["autoRenewingPlan"] = Value::Null;
        }
        base["offerPhase"] = json!({ self.phase(walk).0: {} });
        if self.phase(walk).0 != "basePrice" {
            base["offerDetails"]["offerId"] = "welcome".into();
        }
        let mut items = Vec::new();
        if let Some(side) = &line.side {
            let mut item = item(&side.charge, money(ADDON_PRICE, currency), ends, renews);
            if side.is_leaving {
                item["deferredItemRemoval"] = json!({});
            }
            items.push(item);
        }
        if line.is_planned && !has_ended {
            let (product, plan) = named(walk.habits.products[walk.planned()]);
            base["autoRenewingPlan"] = json!({});
            base["deferredItemReplacement"] = json!({ "productId": product });
            items.push(json!({
                "productId": product, "offerDetails": { "basePlanId": plan },
                "autoRenewingPlan": { "autoRenewEnabled": true, "recurringPrice": money(4_990_000, walk.purse.currency) },
            }));
        }
        // Half of all lives list them the other way round.
        let at = if self.is_even() { 0 } else { items.len() };
        items.insert(at, base);
        items
    }

    /// What differs from purchase to purchase for no reason.
    fn is_even(&self) -> bool {
        self.began.as_second() % 2 == 0
    }

    /// How the API shows the subscription.
    pub(super) fn subscription(&self, walk: &Walk) -> Value {
        let line = &walk.line;
        let (state, context) = self.state(walk);
        let mut subscription = json!({
            "kind": "androidpublisher#subscriptionPurchaseV2", "startTime": time(self.began), "regionCode": "US",
            "subscriptionState": format!("SUBSCRIPTION_STATE_{state}"), "testPurchase": {},
            "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED", "latestOrderId": self.latest(walk),
            "externalAccountIdentifiers": { "obfuscatedExternalAccountId": self.who }, "lineItems": self.items(walk),
        });
        match (line.stand, context) {
            (_, Some(context)) => subscription["canceledStateContext"] = context,
            (Stand::Paused, None) => {
                let resumes = walk.ends_at() + SignedDuration::from_secs(30 * DAY);
                subscription["pausedStateContext"] = json!({ "autoResumeTime": time(resumes) });
            }
            _ => {}
        }
        if let Some(linked) = &self.linked {
            subscription["linkedPurchaseToken"] = linked.clone().into();
        }
        subscription
    }

    /// The order of the charge that was tried last, whether it was paid or not.
    fn latest(&self, walk: &Walk) -> String {
        let is_unpaid = match walk.line.stand {
            Stand::Grace(_) | Stand::Retry => true,
            Stand::Over => self.ended_at.is_some(),
            Stand::Running | Stand::Paused | Stand::Refunded => false,
        };
        if is_unpaid {
            walk.next_id()
        } else {
            walk.line.charge.id.clone()
        }
    }

    /// The state, and why it is one without renewal.
    fn state(&self, walk: &Walk) -> (&'static str, Option<Value>) {
        let by_user = self
            .cancelled_at
            .map(|at| json!({ "userInitiatedCancellation": { "cancelTime": time(at) } }));
        match walk.line.stand {
            Stand::Running if walk.line.is_renewing || walk.is_committed() || self.is_prepaid => {
                ("ACTIVE", None)
            }
            Stand::Running => ("CANCELED", by_user),
            Stand::Grace(_) => ("IN_GRACE_PERIOD", None),
            Stand::Retry => ("ON_HOLD", None),
            Stand::Paused => ("PAUSED", None),
            Stand::Over if self.is_prepaid => ("EXPIRED", None),
            Stand::Over => {
                // What a customer wanted to end with its term, and was not paid before, is ended by the store.
                let by_user = by_user.filter(|_| self.ended_at.is_none());
                let by_system = json!({ "systemInitiatedCancellation": {} });
                ("EXPIRED", by_user.or(Some(by_system)))
            }
            // What a refund by the developer was seen to show.
            Stand::Refunded => ("EXPIRED", Some(json!({ "userInitiatedCancellation": {} }))),
        }
    }

    /// An order that paid for these.
    pub(super) fn order(&self, walk: &Walk, charges: &[&Charge]) -> Change {
        Change::PlayOrder(self.paper(walk, charges))
    }

    fn paper(&self, walk: &Walk, charges: &[&Charge]) -> Value {
        let lines = charges.iter().map(|charge| {
            let (product, plan) = named(&charge.product);
            let (total, tax) = walk.purse.order(charge.micros);
            json!({ "productId": product, "total": total, "tax": tax, "subscriptionDetails": {
                "basePlanId": plan, "offerPhase": self.phase(walk).1,
                "servicePeriodStartTime": time(charge.from), "servicePeriodEndTime": charge.until.map(time),
            } })
        });
        let all: Vec<i64> = charges.iter().map(|charge| charge.micros).collect();
        let (total, tax) = walk.purse.order_of(&all);
        json!({
            "orderId": charges[0].id, "purchaseToken": self.token, "state": "PROCESSED", "createTime": time(walk.now()), "lastEventTime": time(walk.now()),
            "total": total, "tax": tax, "lineItems": lines.collect::<Vec<_>>(),
        })
    }

    /// The same, shown without what it cost.
    pub(super) fn poorer(&self, walk: &Walk) -> Change {
        let mut order = self.paper(walk, &[&walk.line.charge]);
        let lines = order["lineItems"].as_array_mut();
        for line in lines.into_iter().flatten().filter_map(Value::as_object_mut) {
            line.remove("total");
            line.remove("tax");
        }
        if let Some(fields) = order.as_object_mut() {
            fields.remove("total");
            fields.remove("tax");
        }
        Change::PlayOrder(order)
    }
}

/// Product and plan of a name.
fn named(product: &str) -> (&str, &str) {
    product.split_once(':').unwrap_or((product, ""))
}

/// A product of a subscription, last paid by that charge.
fn item(charge: &Charge, price: Value, ends: Timestamp, renews: bool) -> Value {
    let (product, plan) = named(&charge.product);
    let mut terms = json!({ "recurringPrice": price });
    if renews {
        terms["autoRenewEnabled"] = true.into();
    }
    json!({
        "productId": product, "expiryTime": time(ends), "latestSuccessfulOrderId": charge.id,
        "offerDetails": { "basePlanId": plan }, "offerPhase": { "basePrice": {} }, "autoRenewingPlan": terms,
    })
}
