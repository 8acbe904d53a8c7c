//! How a purchase stands, in the words of what happened: told in a first load, where nothing did.
//!
//! A receiver that keeps state makes a purchase of `INITIAL_PURCHASE` or `NON_RENEWING_PURCHASE` and the rest of what follows it, and ends as it
//! would have after the whole history. Nothing is charged: every price is 0.

use domain::{Event, Store, fact::TransactionKind, snapshot::Standing};

/// The messages, in the order in which they are told; nothing without a purchase.
pub(super) fn types(event: &Event) -> &'static [&'static str] {
    let Some(purchase) = &event.purchase else {
        return &[];
    };
    let is_grant = event
        .app
        .as_ref()
        .is_some_and(|app| app.store == Store::Promotional);
    let is_bought_once = purchase.kind != TransactionKind::Subscription || is_grant;
    let renews = purchase.will_renew || purchase.is_prepaid;
    match &purchase.standing {
        Standing::Expired { .. }
        | Standing::Revoked { .. }
        | Standing::Paused { .. }
        | Standing::Retry { .. } => &["EXPIRATION"],
        _ if is_bought_once => &["NON_RENEWING_PURCHASE"],
        Standing::Grace { .. } => &["INITIAL_PURCHASE", "BILLING_ISSUE", "CANCELLATION"],
        Standing::Current | Standing::Lapsed if renews => &["INITIAL_PURCHASE"],
        Standing::Current | Standing::Lapsed => &["INITIAL_PURCHASE", "CANCELLATION"],
    }
}
