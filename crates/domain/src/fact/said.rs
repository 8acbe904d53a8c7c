//! Versions of the fields of a transaction that a statement may leave out. Of each the newest statement that says something about it wins:
//! a richer one is never overwritten by a poorer one, whichever comes first.

use super::transaction::TransactionFact;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// When each was said, where that was not by the newest copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// The price.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Timestamp>,
    /// The tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax: Option<Timestamp>,
    /// The offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<Timestamp>,
    /// The country.
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<Timestamp>,
    /// Why it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Timestamp>,
}

impl Said {
    /// Whether the newest copy says all that is known.
    pub fn is_by_newest(&self) -> bool {
        *self == Self::default()
    }

    /// Gives `newest`, which is one of `one` and `other` or as new as the newer of them, what either says beside it. `self` is what was
    /// known of `one`; `other` is a copy as it came. Answers what is known of the outcome.
    pub(super) fn complete(
        self,
        newest: &mut TransactionFact,
        one: &TransactionFact,
        other: &TransactionFact,
    ) -> Self {
        let version = newest.version;
        let known = |said: Option<Timestamp>| said.unwrap_or(one.version);
        macro_rules! field {
            ($field:ident) => {{
                let one = one.$field.clone().map(|value| (known(self.$field), value));
                let other = other.$field.clone().map(|value| (other.version, value));
                let (said, value) = one.max(other).unzip();
                newest.$field = value;
                said.filter(|said| *said != version)
            }};
        }
        Self {
            price: field!(price),
            tax: field!(tax),
            offer: field!(offer),
            country: field!(country),
            reason: field!(reason),
        }
    }
}

/// What a copy says that is not put together from several: two of one version are told apart by it.
pub(super) fn own(fact: &TransactionFact) -> TransactionFact {
    TransactionFact {
        purchased_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        end_is_provisional: false,
        start_is_provisional: false,
        leg: String::new(),
        replaces: None,
        price: None,
        tax: None,
        offer: None,
        country: None,
        reason: None,
        ..fact.clone()
    }
}
