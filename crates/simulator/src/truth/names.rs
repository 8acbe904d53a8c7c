//! What customers and charges are called.

use super::life::Market;

/// Where ids of the App Store begin, and how many each customer has.
pub(super) const APPLE_IDS: u64 = 2_000_000_000_000_000;
pub(super) const APPLE_EACH: u64 = 10_000;

/// What a charge is, as far as its id depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paper {
    /// The first of what somebody bought.
    First,
    /// One after it.
    Next,
    /// Of something bought once.
    Once,
}

/// How many charges there were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) all: u64,
    /// How often something was bought.
    pub(super) legs: u64,
    /// Charges after the first of what was bought last.
    pub(super) in_leg: u64,
}

impl Market {
    /// What the app calls customer `number`.
    pub(super) fn who(self, number: u64) -> String {
        match self {
            Self::AppStore => format!("00000000-0000-4000-8000-{number:012x}"),
            Self::Play => format!("android-{number}"),
            Self::Stripe => format!("web-{number}"),
            Self::Stated => format!("shopper-{number}"),
        }
    }

    /// The store's id of a charge of that customer.
    pub(super) fn charge_id(self, number: u64, paper: Paper, count: Count) -> String {
        let all = count.all;
        match (self, paper) {
            // Rising with time, as Apple's do.
            (Self::AppStore, _) => (APPLE_IDS + number * APPLE_EACH + all).to_string(),
            (Self::Play, Paper::Once) => format!("GPA.{number}-once-{all}"),
            // The first order of a token names those after it.
            (Self::Play, _) => match count.in_leg.checked_sub(1) {
                None => format!("GPA.{number}-{}", count.legs),
                Some(renewal) => format!("GPA.{number}-{}..{renewal}", count.legs),
            },
            (Self::Stripe, Paper::Once) => format!("pi_{number}x{all}"),
            (Self::Stripe, _) => format!("in_{number}x{all}"),
            (Self::Stated, _) => format!("order-{number}-{all}"),
        }
    }
}
