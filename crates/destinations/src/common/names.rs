//! Which kinds of events third parties hear of, and what they are called there.

use crate::timer::STILL_ACTIVE;
use domain::EventKind;

/// What happens to a customer's purchases, as far as somebody outside may be interested.
pub(crate) const LIFECYCLE: &[EventKind] = &[
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
    EventKind::EnteredGracePeriod,
    EventKind::ProductChanged,
    EventKind::RefundReversed,
    EventKind::Transfer,
    EventKind::Test,
];

/// The same for networks that attribute revenue: to whom a purchase belongs is nothing to them.
pub(crate) const ATTRIBUTED: &[EventKind] = &[
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
    EventKind::EnteredGracePeriod,
    EventKind::ProductChanged,
    EventKind::RefundReversed,
    EventKind::Test,
];

/// The same for networks of advertisers, which learn whom to show ads to: they take nothing back.
pub(crate) const CONVERSIONS: &[EventKind] = &[
    EventKind::SubscriptionStarted,
    EventKind::SubscriptionRenewed,
    EventKind::SubscriptionRenewalCancelled,
    EventKind::SubscriptionRenewalReactivated,
    EventKind::SubscriptionExpired,
    EventKind::NonSubscriptionPurchase,
    EventKind::TrialStarted,
    EventKind::TrialConverted,
    EventKind::TrialRenewalCancelled,
    EventKind::TrialRenewalReactivated,
    EventKind::TrialExpired,
    EventKind::BillingIssueDetected,
    EventKind::EnteredGracePeriod,
    EventKind::Test,
];

/// A list of kinds, and those that say that something is still active.
const fn with_still_active<const N: usize>(kinds: &[EventKind]) -> [EventKind; N] {
    let mut all = [EventKind::Test; N];
    let (own, more) = (kinds.len(), STILL_ACTIVE.len());
    let mut at = 0;
    while at < own + more {
        all[at] = if at < own {
            kinds[at]
        } else {
            STILL_ACTIVE[at - own]
        };
        at += 1;
    }
    all
}

/// [`LIFECYCLE`] for those that are also told what is still active.
pub(crate) const LIFECYCLE_AND_ACTIVE: &[EventKind] =
    &with_still_active::<{ LIFECYCLE.len() + STILL_ACTIVE.len() }>(LIFECYCLE);

/// [`ATTRIBUTED`] for those that are also told what is still active.
pub(crate) const ATTRIBUTED_AND_ACTIVE: &[EventKind] =
    &with_still_active::<{ ATTRIBUTED.len() + STILL_ACTIVE.len() }>(ATTRIBUTED);

/// [`CONVERSIONS`] for those that are also told what is still active.
pub(crate) const CONVERSIONS_AND_ACTIVE: &[EventKind] =
    &with_still_active::<{ CONVERSIONS.len() + STILL_ACTIVE.len() }>(CONVERSIONS);

/// What RevenueCat calls a kind where it sends it to analytics and messaging tools; `None` for what it does not send. Source: RevenueCat docs,
/// the pages of Amplitude, Mixpanel, Segment, Braze and their like, "Events".
pub(crate) const fn revenuecat(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::SubscriptionStarted => "rc_initial_purchase_event",
        EventKind::SubscriptionRenewed => "rc_renewal_event",
        EventKind::TrialStarted => "rc_trial_started_event",
        EventKind::TrialConverted => "rc_trial_converted_event",
        EventKind::TrialRenewalCancelled => "rc_trial_cancelled_event",
        EventKind::SubscriptionRenewalCancelled
        | EventKind::SubscriptionRefunded
        | EventKind::NonSubscriptionPurchaseRefunded => "rc_cancellation_event",
        EventKind::SubscriptionRenewalReactivated | EventKind::TrialRenewalReactivated => {
            "rc_uncancellation_event"
        }
        EventKind::NonSubscriptionPurchase => "rc_non_subscription_purchase_event",
        EventKind::SubscriptionPaused => "rc_subscription_paused_event",
        EventKind::SubscriptionExpired | EventKind::TrialExpired => "rc_expiration_event",
        EventKind::BillingIssueDetected => "rc_billing_issue_event",
        EventKind::ProductChanged => "rc_product_change_event",
        EventKind::Transfer => "rc_transfer_event",
        EventKind::Test => "rc_test_event",
        _ => return None,
    })
}
