//! Answering a store that asks what speaks for or against a refund. Sources: Apple, App Store Server API, *Send Consumption
//! Information* (1.19 and later), `ConsumptionRequest` and its fields; Google, Android Publisher API, orders.reviewrefund.

use crate::{Trouble, Wrong};
use domain::{Environment, fact::TransactionKind};
use serde::{Deserialize, Serialize};

/// What whoever runs the app says of a purchase that a customer wants refunded.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundAnswer {
    /// Whether the customer consented to their data being given to Apple. The App Store takes no answer without consent; Google Play does
    /// not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_consented: Option<bool>,
    /// Whether there was a free sample, a trial, or information about what it does, before the purchase.
    pub sample_content_provided: bool,
    /// Whether what was bought was delivered and works. Required by the App Store; Google Play does not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_status: Option<DeliveryStatus>,
    /// How much of it was used up, in thousandths of a percent: 0 to 100000. The App Store works it out itself for what renews, and takes
    /// none there.
    #[cfg_attr(feature = "schema", schema(maximum = 100_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumption_percentage: Option<u32>,
    /// What the store should do, by your own reckoning; it decides itself. Required by Google Play.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_preference: Option<RefundPreference>,
}

/// Whether what was bought was delivered and works. Source: Apple, `deliveryStatus`.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It was, and it does.
    Delivered,
    /// It does not work properly.
    UndeliveredQualityIssue,
    /// Something else was delivered.
    UndeliveredWrongItem,
    /// A server was down.
    UndeliveredServerOutage,
    /// It was not, for another reason.
    UndeliveredOther,
}

/// What the store should do. Sources: Apple, `refundPreference`; Google, `RefundPreference`.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundPreference {
    /// Give nothing back.
    Decline,
    /// Give all of it back.
    GrantFull,
    /// Give back what was not used up. The App Store only.
    GrantProrated,
    /// As it likes. The App Store is told nothing then.
    Neutral,
}

/// A refund that a store asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundAsked<'a> {
    /// Where the purchase was made.
    pub environment: Environment,
    /// The store's id of the transaction.
    pub transaction: &'a str,
    /// What the answer has to name beside it.
    pub token: Option<&'a str>,
    /// What was bought.
    pub kind: TransactionKind,
}

/// Why a store has no answer. Texts are for members and for who holds a key of the project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Fields that it would not take, each with what is wrong and what would be right.
    #[error("{}", .0.iter().map(|wrong| format!("{} {}", wrong.field, wrong.problem)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Wrong>),
    /// It refused the answer, in its own words.
    #[error("{0}")]
    Refused(String),
    /// It could not be reached, or not be asked.
    #[error("{0}")]
    Store(Trouble),
}

impl From<Trouble> for Unanswered {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            // It was reached, and did not want it.
            Trouble::Nonsense(words) | Trouble::Unknown(words) | Trouble::Refused(words) => {
                Self::Refused(words)
            }
            Trouble::Unavailable { .. } | Trouble::Credentials(_) => Self::Store(trouble),
        }
    }
}

/// The whole of a purchase, in thousandths of a percent.
pub(crate) const WHOLE: u32 = 100_000;

impl RefundAnswer {
    /// What is wrong with the share that was used up, whatever the store.
    pub(crate) fn share_is_possible(&self) -> Option<Wrong> {
        let too_much = self
            .consumption_percentage
            .is_some_and(|share| share > WHOLE);
        too_much.then(|| {
            Wrong::new(
                "consumption_percentage",
                format!("is in thousandths of a percent, at most {WHOLE}"),
            )
        })
    }
}
