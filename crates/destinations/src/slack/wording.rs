//! How each kind of event is worded. Source: RevenueCat docs, "Slack", whose nine messages these are.

use domain::EventKind;

const GOOD: &str = "#30B296";
const BAD: &str = "#F2545B";

/// Emoji, colour, text after the customer, text of the fallback before the product, and whether revenue is shown.
pub(super) struct Wording {
    pub(super) emoji: &'static str,
    pub(super) color: &'static str,
    pub(super) text: &'static str,
    pub(super) fallback: &'static str,
    pub(super) revenue: bool,
}

pub(super) fn wording(kind: EventKind) -> Option<Wording> {
    let good = |text, fallback, revenue| {
        Some(Wording {
            emoji: ":smiley_cat:",
            color: GOOD,
            text,
            fallback,
            revenue,
        })
    };
    let bad = |emoji, text, fallback| {
        Some(Wording {
            emoji,
            color: BAD,
            text,
            fallback,
            revenue: false,
        })
    };
    match kind {
        EventKind::SubscriptionStarted => good(
            "just started a subscription.",
            "just started a subscription of",
            true,
        ),
        EventKind::TrialStarted => good(
            "just started a free trial.",
            "just started a free trial of",
            false,
        ),
        EventKind::TrialConverted => good(
            "just converted from a free trial.",
            "just converted from a free trial of",
            true,
        ),
        EventKind::SubscriptionRenewed => good(
            "just renewed their subscription.",
            "just renewed their subscription of",
            true,
        ),
        EventKind::NonSubscriptionPurchase => good("just made a purchase.", "just purchased", true),
        EventKind::ProductChanged => good(
            "just changed the product of their subscription.",
            "got a product change from",
            false,
        ),
        EventKind::TrialRenewalCancelled => bad(
            ":pouting_cat:",
            "just cancelled their free trial.",
            "just cancelled their free trial of",
        ),
        EventKind::SubscriptionRenewalCancelled => bad(
            ":crying_cat_face:",
            "just cancelled their subscription.",
            "just cancelled their subscription of",
        ),
        EventKind::BillingIssueDetected => bad(
            ":scream_cat:",
            "got a billing issue.",
            "got a billing issue on",
        ),
        EventKind::Test => good("is a test. Tidings can post here.", "is a test of", false),
        _ => None,
    }
}
