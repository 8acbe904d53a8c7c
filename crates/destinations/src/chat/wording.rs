//! How each kind of event is worded. Source: RevenueCat docs, "Slack", whose nine messages are among these; what it leaves out is worded after
//! them.

use domain::EventKind;

/// What happens to purchases, as far as people in a chat may be interested.
pub(crate) const EVENTS: &[EventKind] = &[
    EventKind::SubscriptionStarted,
    EventKind::TrialStarted,
    EventKind::TrialConverted,
    EventKind::SubscriptionRenewed,
    EventKind::TrialRenewalCancelled,
    EventKind::SubscriptionRenewalCancelled,
    EventKind::TrialRenewalReactivated,
    EventKind::SubscriptionRenewalReactivated,
    EventKind::BillingIssueDetected,
    EventKind::EnteredGracePeriod,
    EventKind::TrialExpired,
    EventKind::SubscriptionExpired,
    EventKind::SubscriptionPaused,
    EventKind::SubscriptionExtended,
    EventKind::SubscriptionDeferred,
    EventKind::SubscriptionRefunded,
    EventKind::NonSubscriptionPurchase,
    EventKind::NonSubscriptionPurchaseRefunded,
    EventKind::RefundReversed,
    EventKind::ProductChanged,
    EventKind::Test,
];

/// How an event is felt about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Something was won.
    Glad,
    /// A trial was called off.
    Angry,
    /// Something was lost.
    Sad,
    /// Something may be lost.
    Afraid,
}

impl Mood {
    /// The emoji, as Slack calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Glad => ":smiley_cat:",
            Self::Angry => ":pouting_cat:",
            Self::Sad => ":crying_cat_face:",
            Self::Afraid => ":scream_cat:",
        }
    }

    /// The same emoji itself. Source: Unicode, "Emoticons", U+1F638 to U+1F640.
    pub(crate) const fn emoji(self) -> &'static str {
        match self {
            Self::Glad => "\u{1f63a}",
            Self::Angry => "\u{1f63e}",
            Self::Sad => "\u{1f63f}",
            Self::Afraid => "\u{1f640}",
        }
    }

    /// Whether it is shown in the colour of gains.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, Self::Glad)
    }
}

/// The words for a kind of event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wording {
    /// How it is felt about.
    pub(crate) mood: Mood,
    /// What is said of the customer: `just made a purchase.`
    pub(crate) text: &'static str,
    /// The same before the product: `just purchased`.
    pub(crate) before_product: &'static str,
    /// What the amount that moved is called, where it is shown.
    pub(crate) amount: Option<&'static str>,
}

const fn words(
    mood: Mood,
    text: &'static str,
    before_product: &'static str,
    amount: Option<&'static str>,
) -> Wording {
    Wording {
        mood,
        text,
        before_product,
        amount,
    }
}

/// The words for a kind; `None` for what is not for people in a chat.
#[rustfmt::skip]
pub(crate) const fn wording(kind: EventKind) -> Option<Wording> {
    use EventKind as Kind;
    use Mood::{Afraid, Angry, Glad, Sad};
    const REVENUE: Option<&str> = Some("Revenue");
    const REFUNDED: Option<&str> = Some("Refunded");
    Some(match kind {
        Kind::SubscriptionStarted => words(Glad, "just started a subscription.", "just started a subscription of", REVENUE),
        Kind::TrialStarted => words(Glad, "just started a free trial.", "just started a free trial of", None),
        Kind::TrialConverted => words(Glad, "just converted from a free trial.", "just converted from a free trial of", REVENUE),
        Kind::SubscriptionRenewed => words(Glad, "just renewed their subscription.", "just renewed their subscription of", REVENUE),
        Kind::NonSubscriptionPurchase => words(Glad, "just made a purchase.", "just purchased", REVENUE),
        Kind::ProductChanged => words(Glad, "just changed the product of their subscription.", "got a product change from", None),
        Kind::TrialRenewalCancelled => words(Angry, "just cancelled their free trial.", "just cancelled their free trial of", None),
        Kind::SubscriptionRenewalCancelled => words(Sad, "just cancelled their subscription.", "just cancelled their subscription of", None),
        Kind::BillingIssueDetected => words(Afraid, "got a billing issue.", "got a billing issue on", None),
        Kind::TrialRenewalReactivated => words(Glad, "just reactivated their free trial.", "just reactivated their free trial of", None),
        Kind::SubscriptionRenewalReactivated => words(Glad, "just reactivated their subscription.", "just reactivated their subscription of", None),
        Kind::EnteredGracePeriod => words(Afraid, "entered a grace period.", "entered a grace period of", None),
        Kind::TrialExpired => words(Sad, "reached the end of their free trial.", "reached the end of their free trial of", None),
        Kind::SubscriptionExpired => words(Sad, "reached the end of their subscription.", "reached the end of their subscription of", None),
        Kind::SubscriptionPaused => words(Sad, "just paused their subscription.", "just paused their subscription of", None),
        Kind::SubscriptionExtended => words(Glad, "got an extension of their subscription.", "got an extension of their subscription of", None),
        Kind::SubscriptionDeferred => words(Glad, "got a later renewal of their subscription.", "got a later renewal of their subscription of", None),
        Kind::SubscriptionRefunded => words(Sad, "got a refund of their subscription.", "got a refund of their subscription of", REFUNDED),
        Kind::NonSubscriptionPurchaseRefunded => words(Sad, "got a refund of a purchase.", "got a refund of", REFUNDED),
        Kind::RefundReversed => words(Glad, "had to give a refund back.", "had to give back a refund of", REVENUE),
        Kind::Test => words(Glad, "is a test. Tidings can post here.", "is a test of", None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_kinds_of_chats_have_words() {
        for kind in EventKind::ALL {
            assert_eq!(
                wording(*kind).is_some(),
                EVENTS.contains(kind),
                "{}",
                kind.id()
            );
        }
    }
}
