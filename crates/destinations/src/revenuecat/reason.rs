//! Why something was cancelled or ended, where that is told in this format alone.

use super::{kind::topped_up, period::is_granted};
use crate::told;
use domain::{Event, EventKind, snapshot::Standing};

/// The only reason there is for access that was given. Source: RevenueCat docs, "Event Types and Fields", reasons by store.
const OF_GRANTS: &str = "DEVELOPER_INITIATED";

pub(super) fn cancel_reason(event: &Event) -> &'static str {
    let standing = event.purchase.as_ref().map(|purchase| &purchase.standing);
    match standing {
        _ if is_granted(event) => OF_GRANTS,
        Some(Standing::Grace { .. }) if event.kind == EventKind::AccessLevelUpdated => {
            "BILLING_ERROR"
        }
        _ => told::cancel_reason(event),
    }
}

pub(super) fn expiration_reason(event: &Event) -> &'static str {
    let standing = event.purchase.as_ref().map(|purchase| &purchase.standing);
    match standing {
        _ if is_granted(event) => OF_GRANTS,
        // Nobody gave it up: there is another order.
        _ if topped_up(event) => "UNSUBSCRIBE",
        Some(Standing::Retry { .. }) => "BILLING_ERROR",
        _ if event.kind == EventKind::SubscriptionRefunded => "CUSTOMER_SUPPORT",
        _ => told::expiration_reason(event),
    }
}
