//! What an event is called.

use super::standing;
use domain::{CancellationReason, Event, EventKind, Present, change::ByAccess, snapshot::Standing};

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
pub(super) const NON_RENEWING_PURCHASE: &str = "NON_RENEWING_PURCHASE";
pub(super) const RENEWAL: &str = "RENEWAL";
pub(super) const CANCELLATION: &str = "CANCELLATION";
pub(super) const EXPIRATION: &str = "EXPIRATION";
pub(super) const BILLING_ISSUE: &str = "BILLING_ISSUE";
pub(super) const PRODUCT_CHANGE: &str = "PRODUCT_CHANGE";
pub(super) const SUBSCRIPTION_PAUSED: &str = "SUBSCRIPTION_PAUSED";
pub(super) const TRANSFER: &str = "TRANSFER";
pub(super) const TEST: &str = "TEST";

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
        // Each order of what is paid for ahead is a purchase; one that runs is over when the next begins, told before it, so that whoever
        // keeps one state for both ends in the right one.
        EventKind::SubscriptionRenewed if topped_up(event) => &[EXPIRATION, INITIAL_PURCHASE],
        EventKind::SubscriptionRenewed if is_prepaid(event) => &[INITIAL_PURCHASE],
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
            if has_no_access(event) {
                &[CANCELLATION, EXPIRATION]
            } else {
                &[CANCELLATION]
            }
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
        EventKind::AccessLevelUpdated if is_present(event) => standing::types(event),
        EventKind::AccessLevelUpdated => {
            ByAccess::from_rule(&event.cause.rule).map_or(&[], by_access)
        }
        EventKind::Test => &[TEST],
        _ => &[],
    }
}

/// Whoever is let in by the family or is given access bought nothing, but is a customer to them; and access that ends is an end to them, also
/// where the purchase goes on. Source: RevenueCat docs, "Common Webhook Flows": pauses, billing issues without grace, grants.
const fn by_access(step: ByAccess) -> &'static [&'static str] {
    match step {
        ByAccess::ShareBegan => &[INITIAL_PURCHASE],
        ByAccess::ShareGiven | ByAccess::GrantBegan => &[NON_RENEWING_PURCHASE],
        ByAccess::ShareWillEnd => &[CANCELLATION],
        ByAccess::GrantRevoked => &[CANCELLATION, EXPIRATION],
        ByAccess::ShareEnded
        | ByAccess::GrantEnded
        | ByAccess::PauseBegan
        | ByAccess::HoldBegan => &[EXPIRATION],
    }
}

/// Whether it says how a purchase stands, to whoever heard nothing before.
fn is_present(event: &Event) -> bool {
    Present::from_rule(&event.cause.rule).is_some_and(Present::is_of_purchase)
}

pub(super) fn is_prepaid(event: &Event) -> bool {
    event
        .purchase
        .as_ref()
        .is_some_and(|purchase| purchase.is_prepaid)
}

/// Whether an order of what is paid for ahead was bought while the one before ran. Source: RevenueCat docs, "Google Prepaid Plans".
pub(super) fn topped_up(event: &Event) -> bool {
    let orders = event
        .previous_transaction
        .as_ref()
        .zip(event.transaction.as_ref());
    let runs = orders.is_some_and(|(old, new)| old.expires_at > Some(new.purchased_at));
    event.kind == EventKind::SubscriptionRenewed && is_prepaid(event) && runs
}

/// Whether a refund took the access with it.
fn has_no_access(event: &Event) -> bool {
    let standing = event.purchase.as_ref().map(|purchase| &purchase.standing);
    matches!(standing, Some(Standing::Revoked { .. }))
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
