//! One customer's life with a subscription, as Stripe would report it.

use super::{
    step::{Happening, Step},
    story::{Story, after},
};
use crate::stripe::{StripeAccount, StripeSubscription};
use jiff::Timestamp;
use serde_json::{Value, json};

const CENTS: i64 = 899;

struct Script {
    story: Story,
    number: u64,
    subscriptions: u64,
    invoices: u64,
    id: String,
    invoice: String,
    /// Something was paid on it.
    is_paid: bool,
    steps: Vec<Step>,
}

pub(super) fn live(story: Story, number: u64, limit: usize) -> Vec<Step> {
    let mut script = Script {
        story,
        number,
        subscriptions: 0,
        invoices: 0,
        id: String::new(),
        invoice: String::new(),
        is_paid: false,
        steps: Vec::new(),
    };
    let trial = script.story.random.chance(40);
    script.subscribe(trial);
    while script.steps.len() < limit {
        match script.story.random.below(100) {
            0..55 => script.renew(),
            55..72 => script.cancel_at_period_end(),
            72..84 => script.payment_fails(),
            84..92 => script.refund(),
            _ => script.cancel_now(),
        }
    }
    script.steps.truncate(limit);
    script.steps
}

fn set_period(subscription: &mut Value, (start, ends): (Timestamp, Timestamp)) {
    let item = &mut subscription["items"]["data"][0];
    item["current_period_start"] = start.as_second().into();
    item["current_period_end"] = ends.as_second().into();
}

impl Script {
    /// Something changes in the account, and Stripe says to which object.
    fn happens(
        &mut self,
        kind: &'static str,
        (collection, id): (&'static str, String),
        change: impl Fn(&StripeAccount) + Send + Sync + 'static,
    ) {
        self.steps.push(Step {
            at: self.story.at,
            happening: Happening::Stripe {
                change: Box::new(change),
                kind,
                collection,
                id,
            },
        });
    }

    /// The subscription changes.
    fn changes(&mut self, kind: &'static str, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        let id = self.id.clone();
        self.happens(kind, ("subscriptions", id.clone()), move |account| {
            account.change("subscriptions", &id, &change);
        });
    }

    fn next_invoice(&mut self) -> String {
        self.invoices += 1;
        self.invoice = format!("in_{}x{}", self.number, self.invoices);
        self.invoice.clone()
    }

    fn subscribe(&mut self, trial: bool) {
        self.subscriptions += 1;
        self.id = format!("sub_{}x{}", self.number, self.subscriptions);
        let new = StripeSubscription {
            id: self.id.clone(),
            account: format!("web-{}", self.number),
            product: "prod_meditation".into(),
            price: "price_monthly".into(),
            amount: CENTS,
        };
        let period = self.story.period(self.story.at, if trial { 7 } else { 30 });
        let invoice = self.next_invoice();
        self.is_paid = !trial;
        let about = ("subscriptions", self.id.clone());
        self.happens("customer.subscription.created", about, move |account| {
            account.subscribe(&new, period.0, period.1, trial);
            let amount = if trial { 0 } else { CENTS };
            let reason = "subscription_create";
            account.invoice(&invoice, &new.id, reason, amount, period, period.0);
        });
    }

    /// The next period is paid for, at the present time.
    fn charge(&mut self) {
        self.is_paid = true;
        let period = self.story.period(self.story.ends_at, 30);
        let (paid_at, id, invoice) = (self.story.at, self.id.clone(), self.next_invoice());
        self.happens(
            "invoice.paid",
            ("invoices", invoice.clone()),
            move |account| {
                account.change("subscriptions", &id, |subscription| {
                    subscription["status"] = "active".into();
                    set_period(subscription, period);
                });
                let reason = "subscription_cycle";
                account.invoice(&invoice, &id, reason, CENTS, period, paid_at);
            },
        );
    }

    fn renew(&mut self) {
        self.story.wait_for_end();
        self.charge();
    }

    fn cancel_at_period_end(&mut self) {
        self.story.wait_within();
        let (at, ends) = (self.story.at.as_second(), self.story.ends_at.as_second());
        self.changes("customer.subscription.updated", move |subscription| {
            subscription["cancel_at_period_end"] = true.into();
            subscription["cancel_at"] = ends.into();
            subscription["canceled_at"] = at.into();
            subscription["cancellation_details"] = json!({ "reason": "cancellation_requested" });
        });
        if self.story.random.chance(35) {
            self.story.wait_within();
            return self.changes("customer.subscription.updated", |subscription| {
                subscription["cancel_at_period_end"] = false.into();
                for name in ["cancel_at", "canceled_at", "cancellation_details"] {
                    subscription[name] = Value::Null;
                }
            });
        }
        self.story.wait_for_end();
        self.end("cancellation_requested");
    }

    fn cancel_now(&mut self) {
        self.story.wait_within();
        self.end("cancellation_requested");
    }

    fn end(&mut self, reason: &'static str) {
        let at = self.story.at.as_second();
        self.changes("customer.subscription.deleted", move |subscription| {
            subscription["status"] = "canceled".into();
            subscription["ended_at"] = at.into();
            if subscription["canceled_at"].is_null() {
                subscription["canceled_at"] = at.into();
            }
            subscription["cancellation_details"] = json!({ "reason": reason });
        });
        let pause = 500 + self.story.random.below(4_000);
        self.story.wait(i64::try_from(pause).unwrap_or(500));
        self.subscribe(false);
    }

    fn payment_fails(&mut self) {
        self.story.wait_for_end();
        let (id, ends) = (self.id.clone(), self.story.ends_at);
        let next = after(ends, self.story.days(30));
        self.happens(
            "invoice.payment_failed",
            ("subscriptions", id.clone()),
            move |account| {
                account.change("subscriptions", &id, |subscription| {
                    subscription["status"] = "past_due".into();
                    set_period(subscription, (ends, next));
                });
            },
        );
        self.story.wait(300);
        if self.story.random.chance(60) {
            return self.charge();
        }
        self.story.wait(400);
        self.end("payment_failed");
    }

    fn refund(&mut self) {
        if !self.is_paid {
            return self.renew();
        }
        self.story.wait_within();
        let (at, invoice, id) = (
            self.story.at,
            self.invoice.clone(),
            format!("re_{}", self.invoice),
        );
        self.happens("refund.created", ("refunds", id.clone()), move |account| {
            account.refund(&id, &invoice, CENTS, at);
        });
        self.story.wait(10);
        self.end("cancellation_requested");
    }
}
