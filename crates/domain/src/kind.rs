//! What can happen: every kind of event, with its id and the name people read.
//!
//! A kind is added here and nowhere else; `docs/webhooks.md` says how each format of the webhook names it.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $title:literal;)*) => {
        /// What happened. A kind is called by its id everywhere: in SQL, the API, payloads and pages.
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum EventKind { $($(#[$doc])* $name,)* }

        impl EventKind {
            /// Every kind, in order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// The canonical id.
            pub const fn id(self) -> &'static str { match self { $(Self::$name => $id),* } }
            /// The name people read.
            pub const fn title(self) -> &'static str { match self { $(Self::$name => $title),* } }
        }
    };
}

kinds! {
    /// A paid subscription began without a trial, or a new product began after a change.
    SubscriptionStarted = "subscription_started", "Subscription started";
    /// A later charge of the same subscription, also after a lapse.
    SubscriptionRenewed = "subscription_renewed", "Subscription renewed";
    /// Auto-renew was switched off in a paid period.
    SubscriptionRenewalCancelled = "subscription_renewal_cancelled", "Subscription renewal cancelled";
    /// Auto-renew was switched on again in a paid period.
    SubscriptionRenewalReactivated = "subscription_renewal_reactivated", "Subscription renewal reactivated";
    /// A paid subscription ended.
    SubscriptionExpired = "subscription_expired", "Subscription expired";
    /// A charge of a subscription was given back.
    SubscriptionRefunded = "subscription_refunded", "Subscription refunded";
    /// The end of a period moved to a later date.
    SubscriptionExtended = "subscription_extended", "Subscription extended";
    /// The renewal date was moved by the developer (Google Play).
    SubscriptionDeferred = "subscription_deferred", "Subscription deferred";
    /// The customer paused, or asked for a pause at the end of the period.
    SubscriptionPaused = "subscription_paused", "Subscription paused";
    /// A one-time purchase.
    NonSubscriptionPurchase = "non_subscription_purchase", "Purchase made";
    /// A one-time purchase was given back.
    NonSubscriptionPurchaseRefunded = "non_subscription_purchase_refunded", "Purchase refunded";
    /// A free trial began.
    TrialStarted = "trial_started", "Trial started";
    /// The first charge after a trial.
    TrialConverted = "trial_converted", "Trial converted";
    /// Auto-renew was switched off in a trial.
    TrialRenewalCancelled = "trial_renewal_cancelled", "Trial renewal cancelled";
    /// Auto-renew was switched on again in a trial.
    TrialRenewalReactivated = "trial_renewal_reactivated", "Trial renewal reactivated";
    /// A trial ended without a charge.
    TrialExpired = "trial_expired", "Trial expired";
    /// A charge failed.
    BillingIssueDetected = "billing_issue_detected", "Billing issue detected";
    /// Access continues although a charge failed.
    EnteredGracePeriod = "entered_grace_period", "Entered grace period";
    /// The product changed, or will at the next renewal.
    ProductChanged = "product_changed", "Product changed";
    /// A refund was undone.
    RefundReversed = "refund_reversed", "Refund reversed";
    /// The customer asked the store for a refund, and the store waits for an answer.
    RefundRequested = "refund_requested", "Refund requested";
    /// The store declined a refund that the customer had asked for.
    RefundDeclined = "refund_declined", "Refund declined";
    /// A parent withdrew the consent to a child's use of the app.
    ConsentRescinded = "consent_rescinded", "Consent rescinded";
    /// A purchase outside the store has to be reported to it.
    ExternalPurchaseToReport = "external_purchase_to_report", "External purchase to report";
    /// A price increase awaits consent.
    PriceIncreasePending = "price_increase_pending", "Price increase pending";
    /// A price increase was consented to.
    PriceIncreaseAccepted = "price_increase_accepted", "Price increase accepted";
    /// A trial ends in a few days, says the store.
    TrialWillEnd = "trial_will_end", "Trial will end";
    /// A purchase moved to another customer.
    Transfer = "transfer", "Purchase transferred";
    /// What a customer may use changed.
    AccessLevelUpdated = "access_level_updated", "Access level updated";
    /// A trial is still running some days after it began.
    TrialActive = "trial_active", "Trial still active";
    /// A subscription is still running some days after it began.
    SubscriptionActive = "subscription_active", "Subscription still active";
    /// Sent by hand, to test an integration.
    Test = "test", "Test event";
}

impl EventKind {
    /// Parses [`EventKind::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id)
    }

    /// Whether money came in.
    pub const fn is_charge(self) -> bool {
        matches!(
            self,
            Self::SubscriptionStarted
                | Self::SubscriptionRenewed
                | Self::TrialConverted
                | Self::NonSubscriptionPurchase
        )
    }

    /// Whether money went back.
    pub const fn is_refund(self) -> bool {
        matches!(
            self,
            Self::SubscriptionRefunded | Self::NonSubscriptionPurchaseRefunded
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_equal_to_the_serialized_form() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_id(kind.id()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.id());
        }
    }
}
