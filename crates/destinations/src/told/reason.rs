//! Why something was cancelled or ended.

use domain::{CancellationReason, Event, EventKind, snapshot::Standing};

pub(crate) fn cancel_reason(event: &Event) -> &'static str {
    match event.kind {
        EventKind::BillingIssueDetected => "BILLING_ERROR",
        kind if kind.is_refund() => "CUSTOMER_SUPPORT",
        // Switched off by the customer, unless the store says by whom else.
        _ => event
            .cancellation_reason
            .map_or("UNSUBSCRIBE", |known| reason(Some(known))),
    }
}

pub(crate) fn expiration_reason(event: &Event) -> &'static str {
    let standing = event.purchase.as_ref().map(|purchase| &purchase.standing);
    match standing {
        Some(Standing::Paused { .. }) => "SUBSCRIPTION_PAUSED",
        _ => reason(event.cancellation_reason),
    }
}

fn reason(reason: Option<CancellationReason>) -> &'static str {
    match reason {
        Some(CancellationReason::VoluntarilyCancelled) => "UNSUBSCRIBE",
        Some(CancellationReason::BillingError) => "BILLING_ERROR",
        Some(CancellationReason::Refund) => "CUSTOMER_SUPPORT",
        Some(CancellationReason::PriceIncrease) => "PRICE_INCREASE",
        Some(CancellationReason::CancelledByDeveloper | CancellationReason::GrantRevoked) => {
            "DEVELOPER_INITIATED"
        }
        Some(
            CancellationReason::ProductWasNotAvailable
            | CancellationReason::Upgraded
            | CancellationReason::NewSubscriptionReplace
            | CancellationReason::Unknown,
        )
        | None => "UNKNOWN",
    }
}
