//! Google Play, as one customer's purchases make it. Sources: Google, "Subscription lifecycle"; "Real-time developer
//! notifications reference guide", whose numbers the kinds of notifications are; purchases.subscriptionsv2,
//! purchases.productsv2, orders.

mod order;
mod shown;

pub(super) use shown::Play;

use super::{
    act::{Act, Change, Word},
    deed::Deed,
    maker::Maker,
    purse::Purse,
    told::Charge,
    walk::{Stand, Walk},
};
use crate::play::{money, time};
use jiff::SignedDuration;
use serde_json::{Value, json};

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

impl Purse {
    /// What an order of that costs, and the tax in it.
    fn order(&self, micros: i64) -> (Value, Value) {
        self.order_of(&[micros])
    }

    /// The same, of several products.
    fn order_of(&self, all: &[i64]) -> (Value, Value) {
        let taxed = |micros: &i64| self.taxed(*micros);
        let total = money(all.iter().sum(), self.currency);
        (total, money(all.iter().map(taxed).sum(), self.currency))
    }
}

impl Play {
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
    fn taken_over(&mut self, walk: &Walk, paid: Option<&Charge>) -> Vec<Act> {
        let old = self.token.clone();
        self.buy(walk, Some(old.clone()));
        let order = paid.map(|charge| self.order(walk, &[charge]));
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
        self.taken_over(walk, side.map(|side| &side.charge))
    }

    /// The customer's bank asks for the money, and the store asks what speaks for or against it.
    fn asked(&self, walk: &Walk) -> Vec<Act> {
        let order = walk.line.charge.id.clone();
        let says = vec![Word::PlayReview {
            token: self.token.clone(),
            order,
        }];
        vec![Self::act(walk, Vec::new(), says)]
    }

    /// Nothing happened; the order is shown without what it cost.
    fn repeated(&self, walk: &Walk) -> Vec<Act> {
        let says = vec![self.says(PRICE_CHANGE_UPDATED)];
        vec![Self::act(walk, vec![self.poorer(walk)], says)]
    }

    fn act(walk: &Walk, changes: Vec<Change>, says: Vec<Word>) -> Act {
        Act {
            at: walk.now(),
            purchase: walk.line.purchase,
            beside: None,
            changes,
            says,
        }
    }

    /// Another plan at once, or more time.
    fn upgraded(&mut self, walk: &Walk) -> Vec<Act> {
        self.taken_over(walk, Some(&walk.line.charge))
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
            currency: walk.purse.currency,
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
        let (total, tax) = walk.purse.order(charge.micros);
        let (paper, word) = if is_bought {
            let order = json!({
                "orderId": charge.id, "state": "PROCESSED", "createTime": time(charge.from), "total": total, "tax": tax,
                "lineItems": [{ "productId": charge.product, "total": total, "tax": tax }],
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
                    currency: walk.purse.currency,
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
            Deed::Upgrade | Deed::TopUp => self.upgraded(walk),
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
            Deed::Refuse => {
                self.ended_at = None;
                self.about(walk, &[CANCELED, EXPIRED])
            }
            Deed::AskRefund => self.asked(walk),
            Deed::Repeat => self.repeated(walk),
            Deed::AskPause => self.about(walk, &[PAUSE_SCHEDULE_CHANGED]),
            Deed::Pause => self.about(walk, &[PAUSED]),
            Deed::Move => self.about(walk, &[DEFERRED]),
            Deed::Announce | Deed::Accept | Deed::Inform => {
                self.about(walk, &[PRICE_CHANGE_UPDATED])
            }
            Deed::Refund => {
                self.ended_at = Some(walk.now());
                self.refunded(walk, deed)
            }
            Deed::RefundPart | Deed::RefundEarlier => self.refunded(walk, deed),
            Deed::BuyOnce | Deed::BuyPass | Deed::RefundOnce => self.once(walk, deed),
            Deed::Play(deed) => self.order_of_several(walk, deed),
            Deed::Plan => self.taken_over(walk, None),
            Deed::AddOn => self.added(walk),
            Deed::DropAddOn => self.about(walk, &[ITEMS_CHANGED]),
            // In no life of this store.
            Deed::Unplan
            | Deed::Undo
            | Deed::UndoLate
            | Deed::UndoEarlier
            | Deed::StopNow
            | Deed::StartAnew
            | Deed::TakeMore
            | Deed::DeclineRefund
            | Deed::Redeem
            | Deed::WinBack
            | Deed::RefundItem
            | Deed::Stripe(_) => Vec::new(),
        }
    }
}
