//! What only Stripe makes of things: disputes, pauses at once, invoices that stay unpaid, credits, carts. Sources: Stripe, API reference,
//! Dispute, Invoice, Checkout Session; "Pause subscriptions"; "Pause payment collection"; "Prorations".

use super::{Stripe, objects::cents};
use crate::truth::{
    act::{Act, Change, Word},
    deed::StripeDeed,
    told::Charge,
    walk::{Back, Walk},
};
use jiff::Timestamp;
use serde_json::{Value, json};

const UPDATED: &str = "customer.subscription.updated";

impl Stripe {
    pub(super) fn own(&mut self, walk: &Walk, deed: StripeDeed) -> Vec<Act> {
        match deed {
            StripeDeed::Dispute => Self::dispute(
                walk,
                walk.own.disputed.as_ref(),
                "needs_response",
                &["charge.dispute.created", "charge.dispute.funds_withdrawn"],
            ),
            StripeDeed::WinDispute => Self::dispute(
                walk,
                walk.decided.as_ref(),
                "won",
                &["charge.dispute.funds_reinstated", "charge.dispute.closed"],
            ),
            StripeDeed::LoseDispute => Self::dispute(
                walk,
                walk.decided.as_ref(),
                "lost",
                &["charge.dispute.closed"],
            ),
            StripeDeed::EndDisputed => {
                self.is_disputed = true;
                self.about(walk, "customer.subscription.deleted")
            }
            StripeDeed::Unpause
            | StripeDeed::TakeLess
            | StripeDeed::AddLater
            | StripeDeed::TakeOff => self.about(walk, UPDATED),
            StripeDeed::PauseNow => {
                let mut acts = self.about(walk, "customer.subscription.paused");
                acts[0].says.push(self.says(UPDATED));
                acts
            }
            StripeDeed::ResumeNow => self.resumed(walk),
            StripeDeed::LetRun => self.ran_on(walk),
            StripeDeed::PayLate => self.paid_late(walk),
            StripeDeed::BuyCart => self.cart(walk),
            StripeDeed::RefundCart => {
                let cart = &walk.own.cart;
                let half: i64 = cart.iter().map(|(_, charge)| charge.micros / 2).sum();
                let Some((purchase, charge)) = cart.first() else {
                    return Vec::new();
                };
                let mut acts = self.refunded(walk, *purchase, &charge.id, half);
                acts[0].beside = cart.last().map(|(purchase, _)| *purchase);
                acts
            }
        }
    }

    /// A dispute of the payment of a charge, as it stands.
    fn dispute(
        walk: &Walk,
        of: Option<&(usize, Back)>,
        status: &str,
        kinds: &[&'static str],
    ) -> Vec<Act> {
        let Some((purchase, back)) = of else {
            return Vec::new();
        };
        let (id, intent) = (
            format!("du_{}x{}", back.charge.id, back.at.as_second()),
            format!("pi_{}", back.charge.id),
        );
        let dispute = json!({
            "id": id, "object": "dispute", "amount": cents(back.charge.micros), "currency": walk.purse.currency.to_lowercase(), "status": status,
            "created": back.at.as_second(), "charge": format!("ch_{intent}"), "payment_intent": intent,
        });
        let word = |kind: &&'static str| Word::Stripe {
            kind,
            collection: "disputes",
            id: id.clone(),
        };
        let says = kinds.iter().map(word).collect();
        let act = Self::act(
            walk,
            walk.now(),
            vec![Change::Stripe("disputes", dispute)],
            says,
        );
        vec![Act {
            purchase: *purchase,
            ..act
        }]
    }

    /// Over at once. What is left of the period may be credited, which gives back no money.
    pub(super) fn stopped(&mut self, walk: &Walk) -> Vec<Act> {
        self.cancelled_at = self.cancelled_at.or(Some(walk.now()));
        let mut acts = self.about(walk, "customer.subscription.deleted");
        let charge = &walk.line.charge;
        if self.number.is_multiple_of(2) && charge.micros > 0 {
            let credit = Charge {
                id: format!("{}c", charge.id),
                micros: -charge.micros / 2,
                ..charge.clone()
            };
            let paper = self.paper_of(&credit, walk, "subscription_update", "paid", true);
            let word = Self::about_invoice("invoice.paid", &credit.id);
            acts[0].changes.push(paper);
            acts[0].says.push(word);
        }
        acts
    }

    /// Of the period that begins with the pause there is an invoice that nobody has to pay.
    pub(super) fn pause_began(&self, walk: &Walk) -> Vec<Act> {
        let mut acts = self.about(walk, UPDATED);
        let from = walk.ends_at();
        let unpaid = Charge {
            id: format!("{}p", walk.line.charge.id),
            micros: walk.price(),
            from,
            until: Some(from + walk.lasts()),
            ..walk.line.charge.clone()
        };
        let status = self.pause().1;
        let paper = self.paper_of(&unpaid, walk, "subscription_cycle", status, false);
        acts[0].changes.push(paper);
        acts
    }

    /// An invoice of one line that took no money.
    fn paper_of(
        &self,
        charge: &Charge,
        walk: &Walk,
        reason: &str,
        status: &str,
        is_proration: bool,
    ) -> Change {
        let bought = self.price(&charge.product, walk.price());
        let paid_at = (status == "paid").then(|| walk.now().as_second());
        let is_due = matches!(status, "open" | "uncollectible" | "draft");
        Change::Stripe(
            "invoices",
            json!({
                "id": charge.id, "object": "invoice", "status": status, "billing_reason": reason, "currency": self.currency(),
                "amount_paid": 0, "total": cents(charge.micros), "amount_remaining": if is_due { cents(charge.micros) } else { 0 },
                "created": walk.now().as_second(), "total_taxes": self.taxes(charge.micros), "status_transitions": { "paid_at": paid_at },
                "parent": { "type": "subscription_details", "subscription_details": { "subscription": self.id() } },
                "lines": { "data": [self.line_of(charge, &bought, is_proration)] },
            }),
        )
    }

    fn line_of(&self, charge: &Charge, bought: &Value, is_proration: bool) -> Value {
        json!({
            "amount": cents(charge.micros),
            "period": { "start": charge.from.as_second(), "end": charge.until.map(Timestamp::as_second) },
            "parent": { "subscription_item_details": {
                "proration": is_proration, "subscription": self.id(), "subscription_item": self.item(false),
            } },
            "pricing": { "price_details": { "price": bought["id"], "product": bought["product"] } },
            "taxes": self.taxes(charge.micros),
        })
    }

    fn about_invoice(kind: &'static str, id: &str) -> Word {
        Word::Stripe {
            kind,
            collection: "invoices",
            id: id.to_owned(),
        }
    }

    /// A new period from now on; nothing is credited.
    fn resumed(&self, walk: &Walk) -> Vec<Act> {
        let charge = &walk.line.charge;
        let bought = self.price(&charge.product, walk.price());
        let lines = [self.line_of(charge, &bought, false)];
        let amount = cents(charge.micros);
        let mut changes = vec![self.shows(walk)];
        changes.extend(self.paper(
            &charge.id,
            "subscription_update",
            amount,
            walk.now(),
            &lines,
        ));
        let says = vec![
            self.says("customer.subscription.resumed"),
            Self::about_invoice("invoice.paid", &charge.id),
        ];
        vec![Self::act(walk, walk.now(), changes, says)]
    }

    /// It begins with an invoice that is sent to the customer.
    pub(super) fn sent(&self, walk: &Walk, mut changes: Vec<Change>) -> Vec<Act> {
        let charge = &walk.line.charge;
        changes.push(self.paper_of(charge, walk, "subscription_create", "open", false));
        let says = vec![
            self.says("customer.subscription.created"),
            Self::about_invoice("invoice.finalized", &charge.id),
        ];
        vec![Self::act(walk, walk.now(), changes, says)]
    }

    fn ran_on(&self, walk: &Walk) -> Vec<Act> {
        let status = walk.own.invoice;
        let unpaid = walk.own.owed.clone().unwrap_or_else(|| Charge {
            id: format!("{}v", walk.line.charge.id),
            micros: walk.price(),
            ..walk.line.charge.clone()
        });
        let paper = self.paper_of(&unpaid, walk, "subscription_cycle", status, false);
        let mut says = vec![self.says(UPDATED)];
        let kind = match status {
            "open" => Some("invoice.finalized"),
            "void" => Some("invoice.voided"),
            "uncollectible" => Some("invoice.marked_uncollectible"),
            _ => None,
        };
        says.extend(kind.map(|kind| Self::about_invoice(kind, &unpaid.id)));
        vec![Self::act(
            walk,
            walk.now(),
            vec![self.shows(walk), paper],
            says,
        )]
    }

    fn paid_late(&self, walk: &Walk) -> Vec<Act> {
        let charge = &walk.line.charge;
        let bought = self.price(&charge.product, walk.price());
        let lines = [self.line_of(charge, &bought, false)];
        let amount = cents(charge.micros);
        let is_first = charge.from == self.began;
        let reason = if is_first {
            "subscription_create"
        } else {
            "subscription_cycle"
        };
        let mut changes = self.paper(&charge.id, reason, amount, walk.now(), &lines);
        if let Change::Stripe(_, invoice) = &mut changes[0] {
            invoice["created"] = charge.from.as_second().into();
        }
        let word = Self::about_invoice("invoice.paid", &charge.id);
        vec![Self::act(walk, walk.now(), changes, vec![word])]
    }

    /// A paid Checkout Session with several prices, in no particular order.
    fn cart(&self, walk: &Walk) -> Vec<Act> {
        let cart = &walk.own.cart;
        let Some((first, charge)) = cart.first() else {
            return Vec::new();
        };
        let amount: i64 = cart.iter().map(|(_, charge)| cents(charge.micros)).sum();
        let taxed = |(_, charge): &(usize, Charge)| cents(self.purse.taxed(charge.micros));
        let tax: i64 = cart.iter().map(taxed).sum();
        let mut items: Vec<Value> = cart
            .iter()
            .map(|(_, charge)| {
                json!({
                    "price": self.price(&charge.product, charge.micros), "quantity": 1, "amount_total": cents(charge.micros), "amount_tax": cents(self.purse.taxed(charge.micros)),
                })
            })
            .collect();
        if self.number.is_multiple_of(2) {
            items.reverse();
        }
        let session = json!({
            "id": format!("cs_{}", charge.id), "object": "checkout.session", "mode": "payment", "payment_status": "paid", "livemode": false,
            "payment_intent": charge.id, "customer": self.customer(), "currency": self.currency(), "amount_total": amount,
            "created": charge.from.as_second(), "metadata": { "app_user_id": self.who }, "line_items": { "data": items }, "total_details": { "amount_tax": tax },
        });
        let word = Word::Stripe {
            kind: "checkout.session.completed",
            collection: "checkout/sessions",
            id: format!("cs_{}", charge.id),
        };
        let changes = vec![
            self.payment(&charge.id, amount, charge.from),
            Change::Stripe("checkout/sessions", session),
        ];
        vec![Act {
            purchase: *first,
            beside: cart.last().map(|(purchase, _)| *purchase),
            ..Self::act(walk, walk.now(), changes, vec![word])
        }]
    }
}
