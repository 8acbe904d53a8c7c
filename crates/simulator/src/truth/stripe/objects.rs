//! The objects of Stripe, as its API shows them.

use crate::truth::{
    act::Change,
    life::{Form, Life, Market},
    purse::Purse,
    told::Charge,
    walk::{ADDON_PRICE, Stand, Walk},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The account, as far as one customer's purchases go.
pub(in crate::truth) struct Stripe {
    pub(super) who: String,
    pub(super) number: u64,
    pub(super) purse: Purse,
    pub(super) subscriptions: u64,
    pub(super) refunds: u64,
    /// The last refund of each payment.
    pub(super) refunded: BTreeMap<String, String>,
    pub(super) began: Timestamp,
    pub(super) trial_ends: Option<Timestamp>,
    pub(super) cancelled_at: Option<Timestamp>,
    /// It was ended because its payment is disputed.
    pub(super) is_disputed: bool,
    /// Its invoices are sent to the customer.
    pub(super) is_invoiced: bool,
}

/// Millionths in cents.
pub(super) const fn cents(micros: i64) -> i64 {
    micros / 10_000
}

impl Stripe {
    /// What the customer pays with, as Stripe writes it.
    pub(super) fn currency(&self) -> String {
        self.purse.currency.to_lowercase()
    }

    /// The price of a product, as an object.
    pub(super) fn price(&self, name: &str, micros: i64) -> Value {
        let (product, price) = name.split_once(':').unwrap_or((name, name));
        json!({ "id": price, "product": product, "unit_amount": cents(micros), "currency": self.currency() })
    }

    /// The tax in an amount, as a line of an invoice lists it.
    pub(super) fn taxes(&self, micros: i64) -> Value {
        let amount = cents(self.purse.taxed(micros));
        json!([{ "amount": amount, "tax_behavior": "inclusive", "taxability_reason": "standard_rated" }])
    }

    pub(in crate::truth) fn new(life: &Life, number: u64) -> Self {
        Self {
            who: Market::Stripe.who(number),
            number,
            purse: life.purse(),
            subscriptions: 0,
            refunds: 0,
            refunded: BTreeMap::new(),
            began: life.begins,
            trial_ends: None,
            cancelled_at: None,
            is_disputed: false,
            is_invoiced: life.form() == Form::Invoiced,
        }
    }

    pub(super) fn id(&self) -> String {
        format!("sub_{}x{}", self.number, self.subscriptions)
    }

    pub(super) fn customer(&self) -> String {
        format!("cus_{}", self.number)
    }

    /// The subscription, as the API shows it.
    fn subscription(&self, walk: &Walk) -> Value {
        let line = &walk.line;
        let (status, reason) = match line.stand {
            Stand::Running if line.charge.is_trial => ("trialing", None),
            // Its payments are collected no longer, which changes no status.
            Stand::Paused if walk.own.is_paused => ("paused", None),
            Stand::Running | Stand::Paused => ("active", None),
            Stand::Over if self.is_disputed => ("canceled", Some("payment_disputed")),
            Stand::Over if self.cancelled_at.is_none() => ("canceled", Some("payment_failed")),
            Stand::Over => ("canceled", Some("cancellation_requested")),
            _ => ("past_due", None),
        };
        let is_cancelled = self.cancelled_at.is_some();
        let reason = reason.or(is_cancelled.then_some("cancellation_requested"));
        // Of what is not paid yet, the period has begun all the same.
        let unpaid = matches!(line.stand, Stand::Retry | Stand::Paused) && !walk.own.is_paused;
        let (starts, ends) = if unpaid {
            (walk.ends_at(), walk.ends_at() + walk.lasts())
        } else {
            (line.charge.from, walk.ends_at())
        };
        let runs_out = is_cancelled && line.stand == Stand::Running;
        let ended_at = (line.stand == Stand::Over).then(|| walk.ended_at().as_second());
        let mut subscription = json!({
            "id": self.id(), "object": "subscription", "customer": self.customer(), "status": status, "livemode": false,
            "currency": self.currency(), "start_date": self.began.as_second(), "created": self.began.as_second(),
            "cancel_at_period_end": runs_out, "cancel_at": runs_out.then(|| ends.as_second()),
            "canceled_at": self.cancelled_at.or(ended_at.map(|_| walk.ended_at())).map(Timestamp::as_second),
            "cancellation_details": { "reason": reason }, "ended_at": ended_at,
            "items": { "data": self.items(walk, starts, ends), "has_more": false },
            "metadata": { "app_user_id": self.who },
        });
        if self.is_invoiced {
            subscription["collection_method"] = "send_invoice".into();
        }
        // A schedule lets nobody cancel.
        if line.is_planned && !is_cancelled {
            subscription["schedule"] = self.schedule().into();
        }
        if line.is_pause_asked {
            let behavior = self.pause().0;
            subscription["pause_collection"] = json!({ "behavior": behavior, "resumes_at": null });
        }
        if walk.own.is_paused {
            let why = json!({ "type": "pause_requested" });
            subscription["status_details"] =
                json!({ "paused": { "type": "subscription", "subscription": why } });
        }
        if let Some(ends) = self.trial_ends {
            subscription["trial_start"] = self.began.as_second().into();
            subscription["trial_end"] = ends.as_second().into();
        }
        subscription
    }

    /// What becomes of invoices while payments are not collected: in the words of the setting, and of their status.
    pub(super) const fn pause(&self) -> (&'static str, &'static str) {
        match self.number % 3 {
            0 => ("void", "void"),
            1 => ("keep_as_draft", "draft"),
            _ => ("mark_uncollectible", "uncollectible"),
        }
    }

    /// What is subscribed to, in no particular order.
    fn items(&self, walk: &Walk, starts: Timestamp, ends: Timestamp) -> Vec<Value> {
        let item = |id: String, price: Value, since: Timestamp| {
            json!({
                "id": id, "price": price, "quantity": 1, "created": since.as_second(),
                "current_period_start": starts.as_second(), "current_period_end": ends.as_second(),
            })
        };
        let line = &walk.line;
        let sold = self.price(&line.charge.product, walk.price());
        let base = item(self.item(false), sold, self.began);
        let side = line.side.as_ref().map(|side| {
            let price = self.price(&side.charge.product, ADDON_PRICE);
            item(self.item(true), price, side.since)
        });
        let usage = walk.own.usage.as_ref().map(|_| {
            let mut counted = self.price(walk.habits.usage, 0);
            counted["recurring"] = json!({ "usage_type": "metered" });
            item(format!("{}u", self.item(false)), counted, self.began)
        });
        let mut items: Vec<_> = [base].into_iter().chain(side).chain(usage).collect();
        if self.number.is_multiple_of(2) {
            items.reverse();
        }
        items
    }

    /// The id of an item.
    pub(super) fn item(&self, is_further: bool) -> String {
        format!("si_{}{}", self.id(), if is_further { "x" } else { "" })
    }

    pub(super) fn shows(&self, walk: &Walk) -> Change {
        Change::Stripe("subscriptions", self.subscription(walk))
    }

    /// The paid invoice of the present period, with its payment.
    pub(super) fn invoice(&self, walk: &Walk, reason: &str, paid_at: Timestamp) -> Vec<Change> {
        let charge = &walk.line.charge;
        let (id, amount) = (&charge.id, cents(charge.micros));
        let bought = self.price(&charge.product, walk.price());
        let line = |amount: i64,
                    charge: &Charge,
                    price: &Value,
                    is_proration: bool,
                    (from, taxed): (Timestamp, i64)| {
            let item = self.item(charge.product == walk.habits.addon);
            json!({
                "amount": amount, "period": { "start": from.as_second(), "end": charge.until.map(Timestamp::as_second) },
                "parent": { "subscription_item_details": { "proration": is_proration, "subscription": self.id(), "subscription_item": item } },
                "pricing": { "price_details": { "price": price["id"], "product": price["product"] } },
                "taxes": self.taxes(taxed),
            })
        };
        let mut lines = Vec::new();
        if reason == "subscription_update"
            && let Some(old) = walk.line.earlier.last()
        {
            let credit = amount - cents(walk.price());
            let old_price = self.price(&old.product, old.micros);
            lines.push(line(credit, old, &old_price, true, (walk.now(), 0)));
            lines.push(line(
                cents(walk.price()),
                charge,
                &bought,
                false,
                (charge.from, charge.micros),
            ));
        } else {
            let credit = cents(walk.own.credited);
            let fee = if charge.is_trial { amount } else { 0 };
            let whole = amount + credit - fee;
            let taxed = if fee > 0 { 0 } else { charge.micros };
            let (sold, credited) = ((charge.from, taxed), (charge.from, 0));
            lines.push(line(whole, charge, &bought, false, sold));
            lines.extend((fee > 0).then(|| self.fee(charge, fee)));
            if credit > 0 {
                lines.push(line(-credit, charge, &bought, true, credited));
            }
        }
        let side = walk.line.side.as_ref();
        let side = side.filter(|side| side.charge.id == charge.id);
        if let Some(side) = side {
            let sold = &side.charge;
            let bought = self.price(&sold.product, ADDON_PRICE);
            let waited = sold.micros - ADDON_PRICE.min(sold.micros);
            let taxed = (sold.from, sold.micros);
            let whole = line(cents(sold.micros - waited), sold, &bought, false, taxed);
            lines.insert(0, whole);
            if waited > 0 {
                let mut rest = line(cents(waited), sold, &bought, true, (side.since, 0));
                rest["period"]["end"] = sold.from.as_second().into();
                lines.push(rest);
            }
        }
        let side = side.map(|side| &side.charge);
        let used = walk
            .own
            .usage
            .as_ref()
            .map_or(0, |usage| cents(usage.micros));
        let counted = walk.own.usage.as_ref().map(|_| self.used(walk, used));
        lines.extend(counted);
        let amount = amount + used + side.map_or(0, |side| cents(side.micros));
        self.paper(id, reason, amount, paid_at, &lines)
    }

    /// The line of a fee.
    fn fee(&self, charge: &Charge, amount: i64) -> Value {
        json!({
            "amount": amount, "period": { "start": charge.from.as_second(), "end": charge.from.as_second() },
            "parent": { "type": "invoice_item_details", "invoice_item_details": { "proration": false, "invoice_item": format!("ii_{}", charge.id) } },
            "pricing": { "price_details": { "price": "price_fee", "product": "prod_fee" } }, "taxes": self.taxes(charge.micros),
        })
    }

    /// The line of what was used in the period before.
    fn used(&self, walk: &Walk, amount: i64) -> Value {
        let (from, counted) = (walk.line.charge.from, self.price(walk.habits.usage, 0));
        let since = walk.line.earlier.last().map_or(from, |before| before.from);
        json!({
            "amount": amount, "period": { "start": since.as_second(), "end": from.as_second() },
            "parent": { "subscription_item_details": {
                "proration": false, "subscription": self.id(), "subscription_item": format!("{}u", self.item(false)),
            } },
            "pricing": { "price_details": { "price": counted["id"], "product": counted["product"] } },
            "taxes": self.taxes(amount * 10_000),
        })
    }

    /// A paid invoice with these lines.
    pub(super) fn paper(
        &self,
        id: &str,
        reason: &str,
        amount: i64,
        paid_at: Timestamp,
        lines: &[Value],
    ) -> Vec<Change> {
        let taxes: Vec<_> = lines
            .iter()
            .filter_map(|line| line["taxes"].as_array())
            .flatten()
            .collect();
        let mut papers = vec![Change::Stripe(
            "invoices",
            json!({
                "id": id, "object": "invoice", "status": "paid", "billing_reason": reason, "currency": self.currency(),
                "amount_paid": amount, "total": amount, "created": paid_at.as_second(), "total_taxes": taxes,
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
    pub(super) fn payment(&self, intent: &str, amount: i64, at: Timestamp) -> Change {
        Change::Stripe(
            "charges",
            json!({
                "id": format!("ch_{intent}"), "object": "charge", "payment_intent": intent, "amount": amount, "currency": self.currency(),
                "customer": self.customer(), "paid": true, "livemode": false, "created": at.as_second(),
            }),
        )
    }

    pub(super) fn schedule(&self) -> String {
        format!("sub_sched_{}", self.id())
    }
}
