//! The period that an event is about: its kind, its end, its number.

use super::kind::{BILLING_ISSUE, CANCELLATION, EXPIRATION};
use domain::{Event, Store, fact::TransactionKind};
use jiff::Timestamp;

/// End of the period; of access, where that is what the type is about. Source: RevenueCat docs, "Event Types
/// and Fields", `expiration_at_ms` and `grace_period_expiration_at_ms`.
pub(super) fn expiration(name: &str, event: &Event) -> Option<Timestamp> {
    let purchase = event.purchase.as_ref()?;
    let is_subscription = purchase.kind == TransactionKind::Subscription;
    let access = purchase.access_until.filter(|_| is_subscription);
    let of_transaction = event
        .transaction
        .as_ref()
        .and_then(|transaction| transaction.expires_at);
    let is_apple = event
        .app
        .as_ref()
        .is_some_and(|app| app.store == Store::AppStore);
    match (name, event.kind) {
        (CANCELLATION, kind) if kind.is_refund() => access.or(of_transaction),
        // Apple's includes the grace period.
        (BILLING_ISSUE, _) if is_apple => access.or(of_transaction),
        (EXPIRATION, _) => access.or(of_transaction),
        _ => of_transaction.or(purchase.expires_at),
    }
}

pub(super) fn renewal_number(event: &Event) -> Option<u32> {
    let purchase = event.purchase.as_ref()?;
    let is_subscription = purchase.kind == TransactionKind::Subscription;
    let trial = u32::from(purchase.trial_days.is_some());
    is_subscription.then(|| (purchase.consecutive_payments + trial).max(1))
}
