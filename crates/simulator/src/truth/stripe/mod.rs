//! Stripe, as one customer's purchases make it. Sources: Stripe, API reference, Subscription, Invoice, Refund, Checkout Session;
//! "How subscriptions work"; "Types of events".

mod objects;
mod own;

pub(super) use objects::Stripe;

use super::{
    act::{Act, Change, Word},
    deed::Deed,
    habits::STRIPE_PAYS_AFTER,
    maker::Maker,
    walk::{ADDON_PRICE, Walk},
};
use jiff::{SignedDuration, Timestamp};
use objects::cents;
use serde_json::json;

impl Stripe {
    /// A further item joins, and what is left of the period is paid for it.
    fn added(&self, walk: &Walk) -> Vec<Act> {
        let Some(side) = &walk.line.side else {
            return Vec::new();
        };
        let (charge, now) = (&side.charge, walk.now());
        let bought = self.price(&charge.product, ADDON_PRICE);
        let amount = cents(charge.micros);
        let line = json!({
            "amount": amount, "period": { "start": now.as_second(), "end": walk.ends_at().as_second() },
            "parent": { "subscription_item_details": { "proration": true, "subscription": self.id(), "subscription_item": self.item(true) } },
            "pricing": { "price_details": { "price": bought["id"], "product": bought["product"] } },
            "taxes": self.taxes(charge.micros),
        });
        let mut changes = vec![self.shows(walk)];
        changes.extend(self.paper(&charge.id, "subscription_update", amount, now, &[line]));
        let word = Word::Stripe {
            kind: "invoice.paid",
            collection: "invoices",
            id: charge.id.clone(),
        };
        let says = vec![self.says("customer.subscription.updated"), word];
        vec![Self::act(walk, now, changes, says)]
    }

    fn says(&self, kind: &'static str) -> Word {
        Word::Stripe {
            kind,
            collection: "subscriptions",
            id: self.id(),
        }
    }

    fn act(walk: &Walk, at: Timestamp, changes: Vec<Change>, says: Vec<Word>) -> Act {
        Act {
            at,
            purchase: walk.line.purchase,
            beside: None,
            changes,
            says,
        }
    }

    fn about(&self, walk: &Walk, kind: &'static str) -> Vec<Act> {
        let shown = vec![self.shows(walk)];
        vec![Self::act(walk, walk.now(), shown, vec![self.says(kind)])]
    }

    fn subscribed(&mut self, walk: &Walk) -> Vec<Act> {
        self.subscriptions += 1;
        self.began = walk.now();
        (self.cancelled_at, self.is_disputed) = (None, false);
        self.trial_ends = walk.line.charge.until.filter(|_| walk.line.charge.is_trial);
        let customer = json!({ "id": self.customer(), "object": "customer", "metadata": {} });
        let mut changes = vec![Change::Stripe("customers", customer), self.shows(walk)];
        if walk.own.is_new {
            return self.sent(walk, changes);
        }
        changes.extend(self.invoice(walk, "subscription_create", walk.now()));
        let says = vec![self.says("customer.subscription.created"), Self::paid(walk)];
        vec![Self::act(walk, walk.now(), changes, says)]
    }

    /// The smaller product from the next period on. A schedule names prices only.
    fn planned(&self, walk: &Walk) -> Vec<Act> {
        let (now, then) = (&walk.line.charge, walk.ends_at().as_second());
        let named = |product: &str| self.price(product, 0)["id"].clone();
        let smaller = walk.habits.products[walk.planned()];
        let schedule = json!({
            "id": self.schedule(), "object": "subscription_schedule", "subscription": self.id(), "status": "active",
            "current_phase": { "start_date": now.from.as_second(), "end_date": then },
            "phases": [
                { "start_date": now.from.as_second(), "end_date": then, "items": [{ "price": named(&now.product), "quantity": 1 }] },
                { "start_date": then, "items": [{ "price": named(smaller), "quantity": 1 }] },
            ],
        });
        let word = Word::Stripe {
            kind: "subscription_schedule.updated",
            collection: "subscription_schedules",
            id: self.schedule(),
        };
        let changes = vec![
            Change::Stripe("prices", self.price(smaller, 0)),
            Change::Stripe("subscription_schedules", schedule),
            self.shows(walk),
        ];
        vec![Self::act(walk, walk.now(), changes, vec![word])]
    }

    /// Another quantity until the end of the period: the rest of the old one is credited, and that of the new one charged.
    fn took_more(&self, walk: &Walk) -> Vec<Act> {
        let Some(more) = &walk.line.more else {
            return Vec::new();
        };
        let (amount, now) = (cents(more.micros), walk.now());
        let bought = self.price(&more.product, walk.price());
        let line = |amount: i64, taxed: i64| {
            json!({
                "amount": amount, "period": { "start": now.as_second(), "end": walk.ends_at().as_second() },
                "parent": { "subscription_item_details": { "proration": true, "subscription": self.id(), "subscription_item": self.item(false) } },
                "pricing": { "price_details": { "price": bought["id"], "product": bought["product"] } },
                "taxes": self.taxes(taxed),
            })
        };
        let lines = [line(-amount, 0), line(2 * amount, more.micros)];
        let mut changes = vec![self.shows(walk)];
        changes.extend(self.paper(&more.id, "subscription_update", amount, now, &lines));
        let word = Word::Stripe {
            kind: "invoice.paid",
            collection: "invoices",
            id: more.id.clone(),
        };
        vec![Self::act(walk, now, changes, vec![word])]
    }

    fn paid(walk: &Walk) -> Word {
        Word::Stripe {
            kind: "invoice.paid",
            collection: "invoices",
            id: walk.line.charge.id.clone(),
        }
    }

    /// The period moves on at its end, and is paid for an hour later.
    fn renewed(&self, walk: &Walk) -> Vec<Act> {
        let moved_at = walk.now() - SignedDuration::from_secs(STRIPE_PAYS_AFTER);
        let moved = Self::act(
            walk,
            moved_at,
            vec![self.shows(walk)],
            vec![self.says("customer.subscription.updated")],
        );
        let papers = self.invoice(walk, "subscription_cycle", walk.now());
        let paid = Self::act(walk, walk.now(), papers, vec![Self::paid(walk)]);
        vec![moved, paid]
    }

    /// Paid, and the subscription as it stands since, in one.
    fn paid_now(&self, walk: &Walk, reason: &str) -> Vec<Act> {
        let mut changes = vec![self.shows(walk)];
        changes.extend(self.invoice(walk, reason, walk.now()));
        let says = vec![self.says("customer.subscription.updated"), Self::paid(walk)];
        vec![Self::act(walk, walk.now(), changes, says)]
    }

    /// A refund of the payment `intent`.
    fn refunded(&mut self, walk: &Walk, purchase: usize, intent: &str, micros: i64) -> Vec<Act> {
        self.refunds += 1;
        let id = format!("re_{}x{}", self.number, self.refunds);
        self.refunded.insert(intent.to_owned(), id.clone());
        let refund = json!({
            "id": id, "object": "refund", "amount": cents(micros), "currency": self.currency(), "status": "succeeded",
            "created": walk.now().as_second(), "charge": format!("ch_{intent}"), "payment_intent": intent,
        });
        vec![Act {
            at: walk.now(),
            purchase,
            beside: None,
            changes: vec![Change::Stripe("refunds", refund)],
            says: vec![
                Word::Stripe {
                    kind: "charge.refunded",
                    collection: "charges",
                    id: format!("ch_{intent}"),
                },
                Word::Stripe {
                    kind: "refund.created",
                    collection: "refunds",
                    id,
                },
            ],
        }]
    }

    /// The last refund of a charge did not reach the customer.
    fn refund_failed(&self, walk: &Walk) -> Vec<Act> {
        let Some(back) = walk.undone() else {
            return Vec::new();
        };
        let intent = format!("pi_{}", back.charge.id);
        let id = self.refunded.get(&intent).cloned().unwrap_or_default();
        let refund = json!({
            "id": id, "object": "refund", "amount": cents(walk.given_back(back)), "currency": self.currency(), "status": "failed",
            "created": back.at.as_second(), "charge": format!("ch_{intent}"), "payment_intent": intent,
        });
        let word = Word::Stripe {
            kind: "refund.failed",
            collection: "refunds",
            id,
        };
        let changes = vec![Change::Stripe("refunds", refund)];
        vec![Self::act(walk, walk.now(), changes, vec![word])]
    }

    /// A paid Checkout Session, and what became of its payment.
    fn once(&mut self, walk: &Walk, deed: Deed) -> Vec<Act> {
        let once = &walk.once[walk.traded];
        let charge = &once.charge;
        if deed == Deed::RefundOnce {
            return self.refunded(walk, once.purchase, &charge.id, charge.micros);
        }
        let session = json!({
            "id": format!("cs_{}", charge.id), "object": "checkout.session", "mode": "payment", "payment_status": "paid", "livemode": false,
            "payment_intent": charge.id, "customer": self.customer(), "currency": self.currency(), "amount_total": cents(charge.micros),
            "created": charge.from.as_second(), "metadata": { "app_user_id": self.who },
            "line_items": { "data": [{ "price": self.price(&charge.product, charge.micros), "quantity": 1 }] },
            "total_details": { "amount_tax": cents(self.purse.taxed(charge.micros)) },
        });
        let word = Word::Stripe {
            kind: "checkout.session.completed",
            collection: "checkout/sessions",
            id: format!("cs_{}", charge.id),
        };
        vec![Act {
            at: walk.now(),
            purchase: once.purchase,
            beside: None,
            changes: vec![
                self.payment(&charge.id, cents(charge.micros), charge.from),
                Change::Stripe("checkout/sessions", session),
            ],
            says: vec![word],
        }]
    }
}

impl Maker for Stripe {
    fn show(&mut self, walk: &Walk, deed: Option<Deed>) -> Vec<Act> {
        let Some(deed) = deed else {
            return self.subscribed(walk);
        };
        match deed {
            Deed::Return => self.subscribed(walk),
            Deed::Renew | Deed::Resume => self.renewed(walk),
            Deed::Recover => self.paid_now(walk, "subscription_cycle"),
            Deed::Upgrade => self.paid_now(walk, "subscription_update"),
            Deed::SwitchOff => {
                self.cancelled_at = Some(walk.now());
                self.about(walk, "customer.subscription.updated")
            }
            Deed::SwitchOn => {
                self.cancelled_at = None;
                self.about(walk, "customer.subscription.updated")
            }
            Deed::Fail => {
                let mut acts = self.about(walk, "customer.subscription.updated");
                acts[0].says.push(self.says("invoice.payment_failed"));
                acts
            }
            Deed::StopNow => self.stopped(walk),
            Deed::Pause => self.pause_began(walk),
            // A schedule that is released is named no more.
            Deed::AskPause | Deed::Unplan => self.about(walk, "customer.subscription.updated"),
            Deed::Stripe(deed) => self.own(walk, deed),
            Deed::GiveUp | Deed::RunOut => self.about(walk, "customer.subscription.deleted"),
            Deed::Refund | Deed::RefundPart | Deed::RefundEarlier => {
                let Some(back) = walk.line.given_back.last() else {
                    return Vec::new();
                };
                let intent = format!("pi_{}", back.charge.id);
                let micros = walk.given_back(back);
                self.refunded(walk, walk.line.purchase, &intent, micros)
            }
            Deed::Undo | Deed::UndoEarlier => self.refund_failed(walk),
            Deed::BuyOnce | Deed::BuyPass | Deed::RefundOnce => self.once(walk, deed),
            Deed::AddOn => self.added(walk),
            Deed::Plan => self.planned(walk),
            Deed::StartAnew => {
                if self.trial_ends.is_some_and(|ends| ends > walk.now()) {
                    self.trial_ends = Some(walk.now());
                }
                self.paid_now(walk, "subscription_update")
            }
            Deed::TakeMore => self.took_more(walk),
            // In no life of this store.
            Deed::EndGrace
            | Deed::Move
            | Deed::Announce
            | Deed::Accept
            | Deed::Refuse
            | Deed::Inform
            | Deed::AskRefund
            | Deed::DeclineRefund
            | Deed::Redeem
            | Deed::WinBack
            | Deed::RefundItem
            | Deed::TopUp
            | Deed::Repeat
            | Deed::UndoLate
            | Deed::DropAddOn
            | Deed::Play(_) => Vec::new(),
        }
    }
}
