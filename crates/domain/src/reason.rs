//! Reasons, each with the text people read.

use serde::{Deserialize, Serialize};

/// Why a subscription ended. Source: Adapty docs, "Webhook event types and fields", cancellation
/// reasons.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancellationReason {
    /// The customer switched auto-renew off.
    VoluntarilyCancelled,
    /// The store could not charge.
    BillingError,
    /// Money was given back.
    Refund,
    /// Consent to a price increase was not given.
    PriceIncrease,
    /// The product was withdrawn.
    ProductWasNotAvailable,
    /// Replaced by another product.
    Upgraded,
    /// Another product took over at renewal.
    NewSubscriptionReplace,
    /// The developer cancelled it.
    CancelledByDeveloper,
    /// Access given by hand was taken back.
    GrantRevoked,
    /// The store gave no reason.
    Unknown,
}

impl CancellationReason {
    /// The id used in payloads.
    pub const fn id(self) -> &'static str {
        match self {
            Self::VoluntarilyCancelled => "voluntarily_cancelled",
            Self::BillingError => "billing_error",
            Self::Refund => "refund",
            Self::PriceIncrease => "price_increase",
            Self::ProductWasNotAvailable => "product_was_not_available",
            Self::Upgraded => "upgraded",
            Self::NewSubscriptionReplace => "new_subscription_replace",
            Self::CancelledByDeveloper => "cancelled_by_developer",
            Self::GrantRevoked => "adapty_revoked",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a subscription ended or is failing, as the store states it. Source: Apple,
/// JWSRenewalInfoDecodedPayload, `expirationIntent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpirationIntent {
    /// 1.
    Cancelled,
    /// 2.
    BillingError,
    /// 3.
    PriceIncrease,
    /// 4.
    ProductUnavailable,
    /// The developer cancelled it; Google only.
    Developer,
    /// Refunded; external stores only.
    Refunded,
    /// 5 and any later value.
    Other,
}

impl From<ExpirationIntent> for CancellationReason {
    fn from(intent: ExpirationIntent) -> Self {
        match intent {
            ExpirationIntent::Cancelled => Self::VoluntarilyCancelled,
            ExpirationIntent::BillingError => Self::BillingError,
            ExpirationIntent::PriceIncrease => Self::PriceIncrease,
            ExpirationIntent::ProductUnavailable => Self::ProductWasNotAvailable,
            ExpirationIntent::Developer => Self::CancelledByDeveloper,
            ExpirationIntent::Refunded => Self::Refund,
            ExpirationIntent::Other => Self::Unknown,
        }
    }
}

/// Why an event was not sent to an integration, or a delivery failed. docs/webhooks.md says what comes of each.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// DNS, connection, TLS or time-out.
    NetworkError,
    /// A response outside the success range.
    RejectedByDestination,
    /// A URL or key is not filled in, or was refused.
    MissingCredentials,
    /// The customer lacks what the destination needs.
    MissingCustomerData,
    /// "Exclude historical events" is on and the event is older than the customer.
    Historical,
    /// Switched off for this integration.
    EventDisabled,
    /// This destination never receives this kind.
    EventUnsupported,
    /// The address is internal and not allowed.
    BlockedAddress,
    /// The response exceeded what is read.
    ResponseTooLarge,
    /// The endpoint has not passed verification.
    EndpointUnverified,
    /// Paused by hand.
    IntegrationPaused,
    /// Retries ran out of time: the last planned attempt lies behind.
    Expired,
    /// The customer does not want others to hear of it.
    AnalyticsDisabled,
    /// The integration was removed before it was sent.
    IntegrationRemoved,
    /// It happened longer ago than the destination takes events.
    TooOld,
    /// It was sent, no answer came, and a repetition might count twice.
    Unconfirmed,
    /// It lies further ahead than the destination takes events, and is sent later.
    TooEarly,
}

impl NotSent {
    /// Every reason, in order of declaration.
    pub const ALL: [Self; 17] = [
        Self::NetworkError,
        Self::RejectedByDestination,
        Self::MissingCredentials,
        Self::MissingCustomerData,
        Self::Historical,
        Self::EventDisabled,
        Self::EventUnsupported,
        Self::BlockedAddress,
        Self::ResponseTooLarge,
        Self::EndpointUnverified,
        Self::IntegrationPaused,
        Self::Expired,
        Self::AnalyticsDisabled,
        Self::IntegrationRemoved,
        Self::TooOld,
        Self::Unconfirmed,
        Self::TooEarly,
    ];

    /// The id used in SQL, the API and payloads.
    pub const fn id(self) -> &'static str {
        match self {
            Self::NetworkError => "network_error",
            Self::RejectedByDestination => "rejected_by_destination",
            Self::MissingCredentials => "missing_credentials",
            Self::MissingCustomerData => "missing_customer_data",
            Self::Historical => "historical",
            Self::EventDisabled => "event_disabled",
            Self::EventUnsupported => "event_unsupported",
            Self::BlockedAddress => "blocked_address",
            Self::ResponseTooLarge => "response_too_large",
            Self::EndpointUnverified => "endpoint_unverified",
            Self::IntegrationPaused => "integration_paused",
            Self::Expired => "expired",
            Self::AnalyticsDisabled => "analytics_disabled",
            Self::IntegrationRemoved => "integration_removed",
            Self::TooOld => "too_old",
            Self::Unconfirmed => "unconfirmed",
            Self::TooEarly => "too_early",
        }
    }

    /// Parses [`NotSent::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.id() == id)
    }

    /// One sentence that says what happened and what to do.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NetworkError => {
                "Could not reach the destination: name lookup, connection, TLS or time-out. Retried automatically."
            }
            Self::RejectedByDestination => {
                "The destination answered with an error. See the response; check the URL and keys on both sides."
            }
            Self::MissingCredentials => {
                "The integration lacks a URL or key for this environment, or the destination refused it. Complete the settings."
            }
            Self::MissingCustomerData => "The customer lacks data this destination needs.",
            Self::Historical => {
                "The event is older than the customer, and this integration excludes historical events."
            }
            Self::EventDisabled => "This kind of event is switched off for this integration.",
            Self::EventUnsupported => "This destination never receives this kind of event.",
            Self::BlockedAddress => {
                "The address is internal. If that is intended, start the server with its network among `--allow-networks` for integrations."
            }
            Self::ResponseTooLarge => "The destination answered with more than 64 KiB.",
            Self::EndpointUnverified => {
                "The endpoint has not passed verification yet. Held until it does."
            }
            Self::IntegrationPaused => "The integration is paused. Held until it is resumed.",
            Self::Expired => "All retries are used up.",
            Self::AnalyticsDisabled => {
                "The customer opted out: nothing about them is sent to any integration."
            }
            Self::IntegrationRemoved => "The integration was removed before this was sent.",
            Self::TooOld => {
                "The event happened longer ago than this destination takes events: it would be dropped there, or counted at another time."
            }
            Self::Unconfirmed => {
                "The request went out and no answer came. It may have been taken, and the destination would count a repetition twice; send it again by hand, or switch `repeat_unconfirmed` on."
            }
            Self::TooEarly => {
                "The event lies further ahead than this destination takes events. It is sent once it does not."
            }
        }
    }

    /// Grey (intended) rather than red (a problem).
    pub const fn is_intended(self) -> bool {
        matches!(
            self,
            Self::EventDisabled
                | Self::EventUnsupported
                | Self::AnalyticsDisabled
                | Self::IntegrationRemoved
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_unique_id_that_parses_back() {
        for reason in NotSent::ALL {
            assert_eq!(NotSent::from_id(reason.id()), Some(reason));
            assert!(reason.text().ends_with('.'));
        }
    }
}
