//! What an event is called.

use domain::{CancellationReason, Event, EventKind, change::Shared};

/// Kinds the format has a name for.
pub(crate) const EVENTS: &[EventKind] = &[
    EventKind::SubscriptionStarted,
    EventKind::SubscriptionRenewed,
    EventKind::SubscriptionRenewalCancelled,
    EventKind::SubscriptionRenewalReactivated,
    EventKind::SubscriptionExpired,
    EventKind::SubscriptionRefunded,
    EventKind::SubscriptionExtended,
    EventKind::SubscriptionDeferred,
    EventKind::SubscriptionPaused,
    EventKind::NonSubscriptionPurchase,
    EventKind::NonSubscriptionPurchaseRefunded,
    EventKind::TrialStarted,
    EventKind::TrialConverted,
    EventKind::TrialRenewalCancelled,
    EventKind::TrialRenewalReactivated,
    EventKind::TrialExpired,
    EventKind::BillingIssueDetected,
    EventKind::ProductChanged,
    EventKind::RefundReversed,
    EventKind::Transfer,
    EventKind::AccessLevelUpdated,
    EventKind::Test,
];

pub(super) const INITIAL_PURCHASE: &str = "INITIAL_PURCHASE";
const NON_RENEWING_PURCHASE: &str = "NON_RENEWING_PURCHASE";
pub(super) const RENEWAL: &str = "RENEWAL";
pub(super) const CANCELLATION: &str = "CANCELLATION";
pub(super) const EXPIRATION: &str = "EXPIRATION";
pub(super) const BILLING_ISSUE: &str = "BILLING_ISSUE";
pub(super) const PRODUCT_CHANGE: &str = "PRODUCT_CHANGE";
pub(super) const SUBSCRIPTION_PAUSED: &str = "SUBSCRIPTION_PAUSED";
pub(super) const TRANSFER: &str = "TRANSFER";

/// What an event is called, in the order in which it is told; nothing where they say nothing.
pub(crate) fn types(event: &Event) -> &'static [&'static str] {
    let replaced = matches!(
        event.cancellation_reason,
        Some(CancellationReason::Upgraded | CancellationReason::NewSubscriptionReplace)
    );
    match event.kind {
        _ if is_told_of_the_base(event) => &[],
        EventKind::SubscriptionStarted
            if event.cause.rule.starts_with("charge.product_changed") =>
        {
            &[RENEWAL]
        }
        EventKind::SubscriptionStarted | EventKind::TrialStarted => &[INITIAL_PURCHASE],
        EventKind::SubscriptionRenewed | EventKind::TrialConverted => &[RENEWAL],
        EventKind::SubscriptionRenewalCancelled | EventKind::TrialRenewalCancelled => {
            &[CANCELLATION]
        }
        EventKind::SubscriptionRenewalReactivated | EventKind::TrialRenewalReactivated => {
            &["UNCANCELLATION"]
        }
        EventKind::SubscriptionExpired | EventKind::TrialExpired if !replaced => &[EXPIRATION],
        EventKind::BillingIssueDetected => &[BILLING_ISSUE, CANCELLATION],
        EventKind::SubscriptionRefunded if !replaced && is_of_latest_period(event) => {
            &[CANCELLATION]
        }
        EventKind::NonSubscriptionPurchase => &[NON_RENEWING_PURCHASE],
        EventKind::NonSubscriptionPurchaseRefunded => &[CANCELLATION],
        EventKind::SubscriptionPaused => &[SUBSCRIPTION_PAUSED],
        EventKind::SubscriptionExtended | EventKind::SubscriptionDeferred => {
            &["SUBSCRIPTION_EXTENDED"]
        }
        EventKind::ProductChanged => &[PRODUCT_CHANGE],
        EventKind::RefundReversed => &["REFUND_REVERSED"],
        EventKind::Transfer => &[TRANSFER],
        // Whoever is let in by the family bought nothing, but is a customer to them.
        EventKind::AccessLevelUpdated => match Shared::from_rule(&event.cause.rule) {
            Some(Shared::Began) => &[INITIAL_PURCHASE],
            Some(Shared::Given) => &[NON_RENEWING_PURCHASE],
            Some(Shared::WillEnd) => &[CANCELLATION],
            Some(Shared::Ended) => &[EXPIRATION],
            None => &[],
        },
        EventKind::Test => &["TEST"],
        _ => &[],
    }
}

/// Their purchases are told as one, with all of its lines. What happens to a further line alone is told where money moved.
/// Source: RevenueCat docs, "Google Subscription with Add-Ons".
fn is_told_of_the_base(event: &Event) -> bool {
    let moves_money = event.kind.is_charge()
        || event.kind.is_refund()
        || matches!(
            event.kind,
            EventKind::TrialStarted | EventKind::RefundReversed
        );
    event.base_of_another().is_some() && (event.joins_base || !moves_money)
}

/// A refund of an earlier period is no event of theirs. Source: RevenueCat docs, "Handling Refunds".
fn is_of_latest_period(event: &Event) -> bool {
    event
        .purchase
        .as_ref()
        .zip(event.transaction.as_ref())
        .is_none_or(|(purchase, transaction)| transaction.purchased_at >= purchase.purchased_at)
}
