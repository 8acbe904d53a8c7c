//! Stripe, as one customer's purchases make it. Sources: Stripe, API reference, Subscription, Invoice, Refund, Checkout Session;
//! "How subscriptions work"; "Types of events".
//!
//! One file, although it is long: its objects name each other, and what is said of them is read beside them.

use super::{
    act::{Act, Change, Maker, Word},
    life::{Deed, Life, Market},
    told::Charge,
    walk::{ADDON_PRICE, Habits, Stand, Walk},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const DAY: i64 = 86_400;
/// Between the new period and the payment of its invoice.
const PAID_AFTER: i64 = 3_600;

pub(super) static HABITS: Habits = Habits {
    products: [
        "prod_gold:price_monthly",
        "prod_gold:price_yearly",
        "prod_coins:price_coins",
    ],
    once: "prod_coins:price_coins",
    pass: "pass:price_pass",
    addon: "prod_hd:price_hd",
    planned: 0,
    never: &[
        Deed::DropAddOn,
        Deed::EndGrace,
        Deed::Move,
        Deed::Announce,
        Deed::Accept,
    ],
    same_on_return: false,
    refund_takes: false,
    part_takes: false,
    part_of: 10_000,
    early: 0,
    paid_after: PAID_AFTER,
    says_end_after: 0,
    grace: 0,
    tries: 21 * DAY,
    tries_committed: 21 * DAY,
    keeps_dates: true,
    plan_switches_on: false,
    upgrade_of_trial: false,
    credits: true,
};

/// The account, as far as one customer's purchases go.
pub(super) struct Stripe {
    who: String,
    number: u64,
    subscriptions: u64,
    refunds: u64,
    began: Timestamp,
    trial_ends: Option<Timestamp>,
    cancelled_at: Option<Timestamp>,
}

/// Millionths in cents.
const fn cents(micros: i64) -> i64 {
    micros / 10_000
}

/// The price of a product, as an object.
fn price(name: &str, micros: i64) -> Value {
    let (product, price) = name.split_once(':').unwrap_or((name, name));
    json!({ "id": price, "product": product, "unit_amount": cents(micros), "currency": "usd" })
}

impl Stripe {
    pub(super) fn new(life: &Life, number: u64) -> Self {
        Self {
            who: Market::Stripe.who(number),
            number,
            subscriptions: 0,
            refunds: 0,
            began: life.begins,
            trial_ends: None,
            cancelled_at: None,
        }
    }

    fn id(&self) -> String {
        format!("sub_{}x{}", self.number, self.subscriptions)
    }

    fn customer(&self) -> String {
        format!("cus_{}", self.number)
    }

    /// The subscription, as the API shows it.
    fn subscription(&self, walk: &Walk) -> Value {
        let line = &walk.line;
        let (status, reason) = match line.stand {
            Stand::Running if line.charge.is_trial => ("trialing", None),
            // Its payments are collected no longer, which changes no status.
            Stand::Running | Stand::Paused => ("active", None),
            Stand::Over if self.cancelled_at.is_none() => ("canceled", Some("payment_failed")),
            Stand::Over => ("canceled", Some("cancellation_requested")),
            _ => ("past_due", None),
        };
        let is_cancelled = self.cancelled_at.is_some();
        let reason = reason.or(is_cancelled.then_some("cancellation_requested"));
        // Of what is not paid yet, the period has begun all the same.
        let unpaid = matches!(line.stand, Stand::Retry | Stand::Paused);
        let (starts, ends) = if unpaid {
            (walk.ends_at(), walk.ends_at() + walk.lasts())
        } else {
            (line.charge.from, walk.ends_at())
        };
        let runs_out = is_cancelled && line.stand == Stand::Running;
        let ended_at = (line.stand == Stand::Over).then(|| walk.ended_at().as_second());
        let mut subscription = json!({
            "id": self.id(), "object": "subscription", "customer": self.customer(), "status": status, "livemode": false,
            "currency": "usd", "start_date": self.began.as_second(), "created": self.began.as_second(),
            "cancel_at_period_end": runs_out, "cancel_at": runs_out.then(|| ends.as_second()),
            "canceled_at": self.cancelled_at.or(ended_at.map(|_| walk.ended_at())).map(Timestamp::as_second),
            "cancellation_details": { "reason": reason }, "ended_at": ended_at,
            "items": { "data": self.items(walk, starts, ends), "has_more": false },
            "metadata": { "app_user_id": self.who },
        });
        // A schedule lets nobody cancel.
        if line.is_planned && !is_cancelled {
            subscription["schedule"] = self.schedule().into();
        }
        if line.is_pause_asked {
            subscription["pause_collection"] = json!({ "behavior": "void", "resumes_at": null });
        }
        if let Some(ends) = self.trial_ends {
            subscription["trial_start"] = self.began.as_second().into();
            subscription["trial_end"] = ends.as_second().into();
        }
        subscription
    }

    /// What is subscribed to, in no particular order.
    fn items(&self, walk: &Walk, starts: Timestamp, ends: Timestamp) -> Vec<Value> {
        let item = |id: String, price: Value| {
            json!({
                "id": id, "price": price, "quantity": 1,
                "current_period_start": starts.as_second(), "current_period_end": ends.as_second(),
            })
        };
        let line = &walk.line;
        let base = item(self.item(false), price(&line.charge.product, walk.price()));
        let side = line.side.as_ref().map(|side| {
            let price = price(&side.charge.product, ADDON_PRICE);
            item(self.item(true), price)
        });
        let mut items: Vec<_> = [base].into_iter().chain(side).collect();
        if self.number.is_multiple_of(2) {
            items.reverse();
        }
        items
    }

    /// The id of an item.
    fn item(&self, is_further: bool) -> String {
        format!("si_{}{}", self.id(), if is_further { "x" } else { "" })
    }

    fn shows(&self, walk: &Walk) -> Change {
        Change::Stripe("subscriptions", self.subscription(walk))
    }

    /// The paid invoice of the present period, with its payment.
    fn invoice(&self, walk: &Walk, reason: &str, paid_at: Timestamp) -> Vec<Change> {
        let charge = &walk.line.charge;
        let (id, amount) = (&charge.id, cents(charge.micros));
        let bought = price(&charge.product, walk.price());
        let line = |amount: i64,
                    charge: &Charge,
                    price: &Value,
                    is_proration: bool,
                    from: Timestamp| {
            let item = self.item(charge.product == HABITS.addon);
            json!({
                "amount": amount, "period": { "start": from.as_second(), "end": charge.until.map(Timestamp::as_second) },
                "parent": { "subscription_item_details": { "proration": is_proration, "subscription": self.id(), "subscription_item": item } },
                "pricing": { "price_details": { "price": price["id"], "product": price["product"] } },
            })
        };
        let mut lines = Vec::new();
        if reason == "subscription_update"
            && let Some(old) = walk.line.earlier.last()
        {
            let credit = amount - cents(walk.price());
            let old_price = price(&old.product, old.micros);
            lines.push(line(credit, old, &old_price, true, walk.now()));
            lines.push(line(
                cents(walk.price()),
                charge,
                &bought,
                false,
                charge.from,
            ));
        } else {
            lines.push(line(amount, charge, &bought, false, charge.from));
        }
        let side = walk.line.side.as_ref().map(|side| &side.charge);
        let side = side.filter(|side| side.id == charge.id);
        if let Some(side) = side {
            let bought = price(&side.product, ADDON_PRICE);
            lines.insert(0, line(cents(side.micros), side, &bought, false, side.from));
        }
        let amount = amount + side.map_or(0, |side| cents(side.micros));
        self.paper(id, reason, amount, paid_at, &lines)
    }

    /// A further item joins, and what is left of the period is paid for it.
    fn added(&self, walk: &Walk) -> Vec<Act> {
        let Some(side) = &walk.line.side else {
            return Vec::new();
        };
        let (charge, now) = (&side.charge, walk.now());
        let bought = price(&charge.product, ADDON_PRICE);
        let amount = cents(charge.micros);
        let line = json!({
            "amount": amount, "period": { "start": now.as_second(), "end": walk.ends_at().as_second() },
            "parent": { "subscription_item_details": { "proration": true, "subscription": self.id(), "subscription_item": self.item(true) } },
            "pricing": { "price_details": { "price": bought["id"], "product": bought["product"] } },
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

    /// A paid invoice with these lines.
    fn paper(
        &self,
        id: &str,
        reason: &str,
        amount: i64,
        paid_at: Timestamp,
        lines: &[Value],
    ) -> Vec<Change> {
        let mut papers = vec![Change::Stripe(
            "invoices",
            json!({
                "id": id, "object": "invoice", "status": "paid", "billing_reason": reason, "currency": "usd",
                "amount_paid": amount, "total": amount, "created": paid_at.as_second(), "total_taxes": [],
                "status_transitions": { "paid_at": paid_at.as_second() },
                "parent": { "type": "subscription_details", "subscription_details": { "subscription": self.id() } },
                "lines": { "data": lines },
            }),
        )];
        if amount > 0 {
            papers.push(Change::Stripe(
                "invoice_payments",
                json!({
                    "id": format!("inpay_{id}"), "object": "invoice_payment", "invoice": id,
                    "payment": { "type": "payment_intent", "payment_intent": format!("pi_{id}") },
                }),
            ));
            papers.push(self.payment(&format!("pi_{id}"), amount, paid_at));
        }
        papers
    }

    /// Money that was taken.
    fn payment(&self, intent: &str, amount: i64, at: Timestamp) -> Change {
        Change::Stripe(
            "charges",
            json!({
                "id": format!("ch_{intent}"), "object": "charge", "payment_intent": intent, "amount": amount, "currency": "usd",
                "customer": self.customer(), "paid": true, "livemode": false, "created": at.as_second(),
            }),
        )
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
        self.cancelled_at = None;
        self.trial_ends = walk.line.charge.until.filter(|_| walk.line.charge.is_trial);
        let customer = json!({ "id": self.customer(), "object": "customer", "metadata": {} });
        let mut changes = vec![Change::Stripe("customers", customer), self.shows(walk)];
        changes.extend(self.invoice(walk, "subscription_create", walk.now()));
        let says = vec![self.says("customer.subscription.created"), Self::paid(walk)];
        vec![Self::act(walk, walk.now(), changes, says)]
    }

    fn schedule(&self) -> String {
        format!("sub_sched_{}", self.id())
    }

    /// The smaller product from the next period on. A schedule names prices only.
    fn planned(&self, walk: &Walk) -> Vec<Act> {
        let (now, then) = (&walk.line.charge, walk.ends_at().as_second());
        let named = |product: &str| price(product, 0)["id"].clone();
        let smaller = HABITS.products[0];
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
            Change::Stripe("prices", price(smaller, 0)),
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
        let bought = price(&more.product, walk.price());
        let line = |amount: i64| {
            json!({
                "amount": amount, "period": { "start": now.as_second(), "end": walk.ends_at().as_second() },
                "parent": { "subscription_item_details": { "proration": true, "subscription": self.id(), "subscription_item": self.item(false) } },
                "pricing": { "price_details": { "price": bought["id"], "product": bought["product"] } },
            })
        };
        let lines = [line(-amount), line(2 * amount)];
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
        let moved_at = walk.now() - SignedDuration::from_secs(PAID_AFTER);
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
        let refund = json!({
            "id": self.refund(), "object": "refund", "amount": cents(micros), "currency": "usd", "status": "succeeded",
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
                    id: self.refund(),
                },
            ],
        }]
    }

    fn refund(&self) -> String {
        format!("re_{}x{}", self.number, self.refunds)
    }

    /// The last refund did not reach the customer.
    fn refund_failed(&self, walk: &Walk) -> Vec<Act> {
        let Some(back) = walk.undone() else {
            return Vec::new();
        };
        let intent = format!("pi_{}", back.charge.id);
        let refund = json!({
            "id": self.refund(), "object": "refund", "amount": cents(walk.given_back(back)), "currency": "usd", "status": "failed",
            "created": back.at.as_second(), "charge": format!("ch_{intent}"), "payment_intent": intent,
        });
        let word = Word::Stripe {
            kind: "refund.failed",
            collection: "refunds",
            id: self.refund(),
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
            "payment_intent": charge.id, "customer": self.customer(), "currency": "usd", "amount_total": cents(charge.micros),
            "created": charge.from.as_second(), "metadata": { "app_user_id": self.who },
            "line_items": { "data": [{ "price": price(&charge.product, charge.micros), "quantity": 1 }] },
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
            Deed::StopNow => {
                self.cancelled_at = self.cancelled_at.or(Some(walk.now()));
                self.about(walk, "customer.subscription.deleted")
            }
            // A pause begins with a period whose invoice is void; a schedule that is released is named no more.
            Deed::AskPause | Deed::Pause | Deed::Unplan => {
                self.about(walk, "customer.subscription.updated")
            }
            Deed::GiveUp | Deed::RunOut => self.about(walk, "customer.subscription.deleted"),
            Deed::Refund | Deed::RefundPart | Deed::RefundEarlier => {
                let Some(back) = walk.line.given_back.last() else {
                    return Vec::new();
                };
                let intent = format!("pi_{}", back.charge.id);
                let micros = walk.given_back(back);
                self.refunded(walk, walk.line.purchase, &intent, micros)
            }
            Deed::Undo => self.refund_failed(walk),
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
            Deed::EndGrace | Deed::Move | Deed::Announce | Deed::Accept | Deed::DropAddOn => {
                Vec::new()
            }
        }
    }
}
