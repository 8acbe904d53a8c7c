//! What Stripe charges, whatever it calls the paper, and what runs although nothing was paid for it.
//!
//! Sources, as of November 2026: Stripe, API reference (Subscription, Invoice, Invoice Line Item, Refund, Subscription Schedule),
//! "How subscriptions work", "Set up subscriptions with invoicing", "Usage-based billing", "Use trial periods on
//! subscriptions", "Pause subscriptions", "Pause payment collection", "Supported currencies".

mod asked;
mod by_hand;
mod ends;
mod given_up;
mod invoices;
mod paid;
mod trials;

use crate::world::World;
use domain::EventKind::{self, *};
use jiff::Timestamp;
use serde_json::Value;

const HOUR: i64 = 3_600;

/// What a customer's events say, oldest first: the kind, and the money that was taken or given back, in cents.
async fn told(world: &World, who: &str) -> Vec<(EventKind, Option<i64>)> {
    let events = world.events().await.into_iter();
    let told =
        events.filter(|event| event.customer.answers_to(who) && event.kind != AccessLevelUpdated);
    told.map(|event| {
        let transaction = event.transaction.as_ref();
        let money = match event.kind {
            kind if kind.is_charge() || kind == TrialStarted => {
                transaction.and_then(|known| known.price)
            }
            kind if kind.is_refund() => {
                transaction.and_then(|known| known.refunded.or(known.price))
            }
            _ => None,
        };
        (event.kind, money.map(|money| money.micros / 10_000))
    })
    .collect()
}

/// What Stripe took from a customer, less what it gave back, in cents.
async fn total(world: &World, who: &str) -> i64 {
    let mut events = world.events().await.into_iter();
    let last = events.rfind(|event| event.customer.answers_to(who));
    last.map_or(0, |event| event.customer.revenue_usd_micros / 10_000)
}

fn change(world: &World, id: &str, change: impl FnOnce(&mut Value)) {
    let stripe = &world.stores.stripe.api;
    stripe.change("subscriptions", id, change);
}

/// An invoice that is not paid.
fn unpaid(
    world: &World,
    id: &str,
    of: &str,
    reason: &str,
    status: &str,
    period: (Timestamp, Timestamp),
) {
    let stripe = &world.stores.stripe.api;
    stripe.invoice(id, of, reason, 999, period, world.now());
    stripe.change("invoices", id, |it| {
        it["status"] = status.into();
        it["amount_paid"] = 0.into();
        it["status_transitions"]["paid_at"] = Value::Null;
    });
}

async fn paid(world: &World, invoice: &str) {
    let object = world.stores.stripe.api.get("invoices", invoice).unwrap();
    world.pass(1).await;
    world.hook("invoice.paid", &object).await.unwrap();
    world.settled().await;
}
