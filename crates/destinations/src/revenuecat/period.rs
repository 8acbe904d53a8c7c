//! The period that an event is about: its transaction, its kind, its end, its number.

use super::kind::{BILLING_ISSUE, CANCELLATION, EXPIRATION, PRODUCT_CHANGE, is_prepaid, topped_up};
use crate::told;
use domain::{Event, Store, event::TransactionRef, fact::OfferCategory, fact::TransactionKind};
use jiff::Timestamp;

/// The transaction that a message is about: a change of product tells what is given up, and so does the end that a top-up brings.
/// Source: RevenueCat docs, "Event Types and Fields", `PRODUCT_CHANGE`; "Google Prepaid Plans".
pub(super) fn transaction<'a>(name: &str, event: &'a Event) -> Option<&'a TransactionRef> {
    let of_before = match name {
        PRODUCT_CHANGE => event.previous_transaction.as_ref(),
        EXPIRATION => event
            .previous_transaction
            .as_ref()
            .filter(|_| topped_up(event)),
        _ => None,
    };
    of_before.or(event.transaction.as_ref())
}

/// End of the period; of access, where that is what the type is about. Source: RevenueCat docs, "Event Types
/// and Fields", `expiration_at_ms` and `grace_period_expiration_at_ms`.
pub(super) fn expiration(name: &str, event: &Event) -> Option<Timestamp> {
    let purchase = event.purchase.as_ref()?;
    let of_transaction = transaction(name, event).and_then(|transaction| transaction.expires_at);
    let ends = purchase.kind == TransactionKind::Subscription || is_granted(event);
    let access = purchase.access_until.filter(|_| ends);
    match (name, event.kind) {
        (EXPIRATION, _) if topped_up(event) => event
            .transaction
            .as_ref()
            .map(|transaction| transaction.purchased_at),
        (CANCELLATION, _) if is_granted(event) => access.or(of_transaction),
        (CANCELLATION, kind) if kind.is_refund() => access.or(of_transaction),
        // Apple's includes the grace period.
        (BILLING_ISSUE, _) if is_of(event, Store::AppStore) => access.or(of_transaction),
        (EXPIRATION, _) => access.or(of_transaction),
        _ => of_transaction.or(purchase.expires_at),
    }
}

fn is_of(event: &Event, store: Store) -> bool {
    event.app.as_ref().is_some_and(|app| app.store == store)
}

/// Whether access was given by hand.
pub(super) fn is_granted(event: &Event) -> bool {
    is_of(event, Store::Promotional)
}

/// Source: RevenueCat docs, "Event Types and Fields", `period_type`.
pub(super) fn period_type(name: &str, event: &Event) -> &'static str {
    let before = event.previous_transaction.as_ref();
    match before.filter(|_| name == PRODUCT_CHANGE) {
        _ if is_granted(event) => told::period_type(event),
        _ if is_prepaid(event) => "PREPAID",
        Some(before) if before.is_free => "TRIAL",
        Some(before) => {
            let offer = before.offer.as_ref().and_then(|offer| offer.category);
            if offer == Some(OfferCategory::Introductory) {
                "INTRO"
            } else {
                "NORMAL"
            }
        }
        None => told::period_type(event),
    }
}

pub(super) fn renewal_number(event: &Event) -> Option<u32> {
    let purchase = event.purchase.as_ref()?;
    let is_subscription = purchase.kind == TransactionKind::Subscription;
    let trial = u32::from(purchase.trial_days.is_some());
    is_subscription.then(|| (purchase.consecutive_payments + trial).max(1))
}
