//! Google Play, as one customer's purchases make it. Sources: Google, "Subscription lifecycle"; "Real-time developer
//! notifications reference guide", whose numbers the kinds of notifications are; purchases.subscriptionsv2,
//! purchases.productsv2, orders.
//!
//! One file, although it is long: its objects name each other, and what is said of them is read beside them.

use super::{
    act::{Act, Change, Maker, Word},
    life::{Beginning, Deed, Life, Market},
    told::Charge,
    walk::{ADDON_PRICE, Habits, Increase, Stand, Walk},
};
use crate::play::{money, time};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

pub(super) static HABITS: Habits = Habits {
    products: ["gold:monthly", "gold:yearly", "silver:monthly"],
    once: "unmapped",
    pass: "pass",
    addon: "hd:monthly",
    planned: 2,
    never: &[
        Deed::StartAnew,
        Deed::TakeMore,
        Deed::Unplan,
        Deed::Undo,
        Deed::StopNow,
    ],
    same_on_return: false,
    refund_takes: true,
    part_takes: false,
    part_of: 10_000,
    early: 0,
    paid_after: 0,
    says_end_after: 30,
    grace: 7 * DAY,
    tries: 30 * DAY,
    tries_committed: 30 * DAY,
    keeps_dates: false,
    plan_switches_on: false,
    upgrade_of_trial: true,
    credits: false,
};

const RECOVERED: u8 = 1;
const RENEWED: u8 = 2;
const CANCELED: u8 = 3;
const PURCHASED: u8 = 4;
const ON_HOLD: u8 = 5;
const IN_GRACE_PERIOD: u8 = 6;
const RESTARTED: u8 = 7;
const DEFERRED: u8 = 9;
const PAUSED: u8 = 10;
const PAUSE_SCHEDULE_CHANGED: u8 = 11;
const REVOKED: u8 = 12;
const EXPIRED: u8 = 13;
const ITEMS_CHANGED: u8 = 17;
const CANCELLATION_SCHEDULED: u8 = 18;
const PRICE_CHANGE_UPDATED: u8 = 19;

/// The store of one customer.
pub(super) struct Play {
    who: String,
    is_intro: bool,
    /// The token of the present purchase, and the one it took over from.
    token: String,
    linked: Option<String>,
    began: Timestamp,
    cancelled_at: Option<Timestamp>,
    /// Where what ended does so, when that is not the end of the period.
    ended_at: Option<Timestamp>,
    tokens: u64,
}

impl Play {
    pub(super) fn new(life: &Life, number: u64) -> Self {
        Self {
            who: Market::Play.who(number),
            is_intro: life.beginning == Beginning::Intro,
            token: String::new(),
            linked: None,
            began: life.begins,
            cancelled_at: None,
            ended_at: None,
            tokens: 0,
        }
    }

    /// The next purchase has a token of its own.
    fn buy(&mut self, walk: &Walk, linked: Option<String>) {
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
        let ends = match line.stand {
            Stand::Grace(until) => until,
            Stand::Over | Stand::Refunded => self.ended_at.unwrap_or(walk.ends_at()),
            Stand::Running | Stand::Retry | Stand::Paused => walk.ends_at(),
        };
        let has_ended = matches!(line.stand, Stand::Over | Stand::Refunded);
        let renews = !has_ended && (line.is_renewing || walk.is_committed());
        let mut base = item(&line.charge, walk.price(), ends, renews);
        let terms = &mut base["autoRenewingPlan"];
        let increase = match line.increase {
            Increase::None => None,
            Increase::Announced => Some("OUTSTANDING"),
            Increase::Accepted => Some("CONFIRMED"),
        };
        if let Some(state) = increase {
            terms["priceChangeDetails"] =
                json!({ "priceChangeMode": "PRICE_INCREASE", "priceChangeState": state });
        }
        if let Some(term) = line.term {
            terms["installmentDetails"] = json!({
                "initialCommittedPaymentsCount": term.of, "remainingCommittedPaymentsCount": term.of - term.number,
            });
            if !line.is_renewing && term.goes_on() {
                terms["installmentDetails"]["pendingCancellation"] = json!({});
            }
        }
        base["offerPhase"] = json!({ self.phase(walk).0: {} });
        if self.phase(walk).0 != "basePrice" {
            base["offerDetails"]["offerId"] = "welcome".into();
        }
        let mut items = Vec::new();
        if let Some(side) = &line.side {
            let mut item = item(&side.charge, ADDON_PRICE, ends, renews);
            if side.is_leaving {
                item["deferredItemRemoval"] = json!({});
            }
            items.push(item);
        }
        if line.is_planned && !has_ended {
            let (product, plan) = named(HABITS.products[HABITS.planned]);
            base["autoRenewingPlan"] = json!({});
            base["deferredItemReplacement"] = json!({ "productId": product });
            items.push(json!({
                "productId": product, "offerDetails": { "basePlanId": plan },
                "autoRenewingPlan": { "autoRenewEnabled": true, "recurringPrice": money(4_990_000, "USD") },
            }));
        }
        // Half of all lives list them the other way round.
        let at = if self.began.as_second() % 2 == 0 {
            0
        } else {
            items.len()
        };
        items.insert(at, base);
        items
    }

    /// How the API shows the subscription.
    fn subscription(&self, walk: &Walk) -> Value {
        let line = &walk.line;
        let (state, context) = self.state(walk);
        let mut subscription = json!({
            "kind": "androidpublisher#subscriptionPurchaseV2", "startTime": time(self.began), "regionCode": "US",
            "subscriptionState": format!("SUBSCRIPTION_STATE_{state}"), "testPurchase": {},
            "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED", "latestOrderId": line.charge.id,
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

    /// The state, and why it is one without renewal.
    fn state(&self, walk: &Walk) -> (&'static str, Option<Value>) {
        let by_user = self
            .cancelled_at
            .map(|at| json!({ "userInitiatedCancellation": { "cancelTime": time(at) } }));
        match walk.line.stand {
            Stand::Running if walk.line.is_renewing || walk.is_committed() => ("ACTIVE", None),
            Stand::Running => ("CANCELED", by_user),
            Stand::Grace(_) => ("IN_GRACE_PERIOD", None),
            Stand::Retry => ("ON_HOLD", None),
            Stand::Paused => ("PAUSED", None),
            Stand::Over => {
                let by_system = json!({ "systemInitiatedCancellation": {} });
                ("EXPIRED", by_user.or(Some(by_system)))
            }
            // What a refund by the developer was seen to show.
            Stand::Refunded => ("EXPIRED", Some(json!({ "userInitiatedCancellation": {} }))),
        }
    }

    fn shows(&self, walk: &Walk) -> Change {
        Change::PlaySubscription {
            token: self.token.clone(),
            body: self.subscription(walk),
        }
    }

    fn says(&self, kind: u8) -> Word {
        Word::Play {
            kind,
            token: self.token.clone(),
        }
    }

    fn about(&self, walk: &Walk, kinds: &[u8]) -> Vec<Act> {
        vec![Act {
            at: walk.now(),
            purchase: walk.line.purchase,
            beside: None,
            changes: vec![self.shows(walk)],
            says: kinds.iter().map(|kind| self.says(*kind)).collect(),
        }]
    }

    /// An order that paid for these.
    fn order(&self, walk: &Walk, charges: &[&Charge]) -> Change {
        let lines = charges.iter().map(|charge| {
            let (product, plan) = named(&charge.product);
            json!({ "productId": product, "total": money(charge.micros, "USD"), "subscriptionDetails": {
                "basePlanId": plan, "offerPhase": self.phase(walk).1,
                "servicePeriodStartTime": time(charge.from), "servicePeriodEndTime": charge.until.map(time),
            } })
        });
        let total = charges.iter().map(|charge| charge.micros).sum();
        Change::PlayOrder(json!({
            "orderId": charges[0].id, "state": "PROCESSED", "createTime": time(walk.now()), "lastEventTime": time(walk.now()),
            "total": money(total, "USD"), "tax": money(0, "USD"), "lineItems": lines.collect::<Vec<_>>(),
        }))
    }

    /// A paid order, and the subscription that it pays for.
    fn charged(&self, walk: &Walk, kind: u8) -> Vec<Act> {
        let line = &walk.line;
        let beside = line.side.as_ref().map(|side| &side.charge);
        let charges: Vec<_> = [&line.charge].into_iter().chain(beside).collect();
        let mut acts = self.about(walk, &[kind]);
        acts[0].changes.insert(0, self.order(walk, &charges));
        acts
    }

    /// A purchase that takes over from the present one, and a moment later the end of that.
    fn taken_over(&mut self, walk: &Walk, order: Option<Change>) -> Vec<Act> {
        let old = self.token.clone();
        self.buy(walk, Some(old.clone()));
        let mut acts = self.about(walk, &[PURCHASED]);
        acts[0].changes.splice(0..0, order);
        acts[0].changes.push(Change::PlayReplaced {
            token: old.clone(),
            at: walk.now(),
        });
        acts.push(Act {
            at: walk.now() + SignedDuration::from_secs(3),
            purchase: walk.line.purchase,
            beside: None,
            changes: Vec::new(),
            says: vec![Word::Play {
                kind: EXPIRED,
                token: old,
            }],
        });
        acts
    }

    /// A further product: a purchase with both, and an order for what was added.
    fn added(&mut self, walk: &Walk) -> Vec<Act> {
        let side = walk.line.side.as_ref();
        let order = side.map(|side| self.order(walk, &[&side.charge]));
        self.taken_over(walk, order)
    }

    /// Another plan at once.
    fn upgraded(&mut self, walk: &Walk) -> Vec<Act> {
        let order = self.order(walk, &[&walk.line.charge]);
        self.taken_over(walk, Some(order))
    }

    /// Money given back, as the order shows it.
    fn refunded(&self, walk: &Walk, deed: Deed) -> Vec<Act> {
        let Some(back) = walk.line.given_back.last() else {
            return Vec::new();
        };
        let order = back.charge.id.clone();
        let voided = Word::PlayVoided {
            token: self.token.clone(),
            order: order.clone(),
            product_type: 1,
        };
        let (changes, says) = match deed {
            // Taken back as a whole.
            Deed::Refund => (
                vec![self.shows(walk)],
                vec![self.says(REVOKED), voided, self.says(EXPIRED)],
            ),
            Deed::RefundEarlier => (Vec::new(), vec![voided]),
            // Nobody is told.
            _ => (Vec::new(), Vec::new()),
        };
        let refund = Change::PlayRefund {
            order,
            at: walk.now(),
            micros: walk.given_back(back),
            is_whole: deed != Deed::RefundPart,
        };
        vec![Act {
            at: walk.now(),
            purchase: walk.line.purchase,
            beside: None,
            changes: std::iter::once(refund).chain(changes).collect(),
            says,
        }]
    }

    fn once(&self, walk: &Walk, deed: Deed) -> Vec<Act> {
        let once = &walk.once[walk.traded];
        let charge = &once.charge;
        let token = format!("{}-once-{}", self.who, walk.traded);
        let is_bought = deed != Deed::RefundOnce;
        let state = if is_bought { "PURCHASED" } else { "CANCELLED" };
        let product = json!({
            "productLineItem": [{ "productId": charge.product, "productOfferDetails": { "quantity": 1, "consumptionState": "CONSUMPTION_STATE_YET_TO_BE_CONSUMED" } }],
            "purchaseStateContext": { "purchaseState": state }, "testPurchaseContext": { "fopType": "TEST" },
            "orderId": charge.id, "obfuscatedExternalAccountId": self.who, "regionCode": "US",
            "purchaseCompletionTime": time(charge.from), "acknowledgementState": "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED",
        });
        let shown = Change::PlayProduct {
            token: token.clone(),
            body: product,
        };
        let total = money(charge.micros, "USD");
        let (paper, word) = if is_bought {
            let order = json!({
                "orderId": charge.id, "state": "PROCESSED", "createTime": time(charge.from), "total": total,
                "lineItems": [{ "productId": charge.product, "total": total }],
            });
            let sku = charge.product.clone();
            (
                Change::PlayOrder(order),
                Word::PlayProduct {
                    kind: 1,
                    token,
                    sku,
                },
            )
        } else {
            let order = charge.id.clone();
            (
                Change::PlayRefund {
                    order: order.clone(),
                    at: walk.now(),
                    micros: charge.micros,
                    is_whole: true,
                },
                Word::PlayVoided {
                    token,
                    order,
                    product_type: 2,
                },
            )
        };
        vec![Act {
            at: walk.now(),
            purchase: once.purchase,
            beside: None,
            changes: vec![paper, shown],
            says: vec![word],
        }]
    }
}

/// Product and plan of a name.
fn named(product: &str) -> (&str, &str) {
    product.split_once(':').unwrap_or((product, ""))
}

/// A product of a subscription, last paid by that charge.
fn item(charge: &Charge, price: i64, ends: Timestamp, renews: bool) -> Value {
    let (product, plan) = named(&charge.product);
    let mut terms = json!({ "recurringPrice": money(price, "USD") });
    if renews {
        terms["autoRenewEnabled"] = true.into();
    }
    json!({
        "productId": product, "expiryTime": time(ends), "latestSuccessfulOrderId": charge.id,
        "offerDetails": { "basePlanId": plan }, "offerPhase": { "basePrice": {} }, "autoRenewingPlan": terms,
    })
}

impl Maker for Play {
    fn show(&mut self, walk: &Walk, deed: Option<Deed>) -> Vec<Act> {
        let Some(deed) = deed else {
            self.buy(walk, None);
            return self.charged(walk, PURCHASED);
        };
        match deed {
            Deed::Renew => self.charged(walk, RENEWED),
            Deed::Recover => {
                let in_grace = walk.line.charge.from < walk.now();
                self.charged(walk, if in_grace { RENEWED } else { RECOVERED })
            }
            Deed::Resume => self.charged(walk, RECOVERED),
            Deed::Return => {
                self.buy(walk, None);
                self.charged(walk, PURCHASED)
            }
            Deed::Upgrade => self.upgraded(walk),
            Deed::SwitchOff => {
                self.cancelled_at = Some(walk.now());
                let is_later = walk.is_committed();
                self.about(
                    walk,
                    &[if is_later {
                        CANCELLATION_SCHEDULED
                    } else {
                        CANCELED
                    }],
                )
            }
            Deed::SwitchOn => {
                self.cancelled_at = None;
                self.about(walk, &[RESTARTED])
            }
            Deed::Fail if walk.line.stand == Stand::Retry => self.about(walk, &[ON_HOLD]),
            Deed::Fail => self.about(walk, &[IN_GRACE_PERIOD]),
            Deed::EndGrace => self.about(walk, &[ON_HOLD]),
            Deed::GiveUp => {
                self.ended_at = Some(walk.now());
                self.about(walk, &[CANCELED, EXPIRED])
            }
            Deed::RunOut => {
                self.ended_at = None;
                self.about(walk, &[EXPIRED])
            }
            Deed::AskPause => self.about(walk, &[PAUSE_SCHEDULE_CHANGED]),
            Deed::Pause => self.about(walk, &[PAUSED]),
            Deed::Move => self.about(walk, &[DEFERRED]),
            Deed::Announce | Deed::Accept => self.about(walk, &[PRICE_CHANGE_UPDATED]),
            Deed::Refund => {
                self.ended_at = Some(walk.now());
                self.refunded(walk, deed)
            }
            Deed::RefundPart | Deed::RefundEarlier => self.refunded(walk, deed),
            Deed::BuyOnce | Deed::BuyPass | Deed::RefundOnce => self.once(walk, deed),
            Deed::Plan => self.taken_over(walk, None),
            Deed::AddOn => self.added(walk),
            Deed::DropAddOn => self.about(walk, &[ITEMS_CHANGED]),
            // In no life of this store.
            Deed::Unplan | Deed::Undo | Deed::StopNow | Deed::StartAnew | Deed::TakeMore => {
                Vec::new()
            }
        }
    }
}
