//! What happens to somebody who is let in by a member of the family.

use crate::EventKind;

/// What a step is to such a customer. It is told by the change of access that it makes, which carries its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// A subscription is shared.
    Began,
    /// Something bought once is shared.
    Given,
    /// What is shared will not renew.
    WillEnd,
    /// It is shared no more, or has ended.
    Ended,
}

impl Shared {
    /// Every one, in order of declaration.
    pub const ALL: [Self; 4] = [Self::Began, Self::Given, Self::WillEnd, Self::Ended];

    /// `is_let_in`: nothing was shared before, as far as anybody had heard, or not any more.
    pub(super) const fn of(kind: EventKind, is_let_in: bool) -> Option<Self> {
        match kind {
            EventKind::SubscriptionStarted | EventKind::TrialStarted => Some(Self::Began),
            EventKind::SubscriptionRenewed | EventKind::TrialConverted if is_let_in => {
                Some(Self::Began)
            }
            EventKind::NonSubscriptionPurchase => Some(Self::Given),
            EventKind::SubscriptionRenewalCancelled | EventKind::TrialRenewalCancelled => {
                Some(Self::WillEnd)
            }
            EventKind::SubscriptionExpired
            | EventKind::TrialExpired
            | EventKind::SubscriptionRefunded
            | EventKind::NonSubscriptionPurchaseRefunded => Some(Self::Ended),
            _ => None,
        }
    }

    /// The rule that an event of it carries.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Began => "access.share_began",
            Self::Given => "access.share_given",
            Self::WillEnd => "access.share_will_end",
            Self::Ended => "access.share_ended",
        }
    }

    /// Parses [`Shared::rule`].
    pub fn from_rule(rule: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shared| shared.rule() == rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_read_back() {
        for shared in Shared::ALL {
            assert_eq!(Shared::from_rule(shared.rule()), Some(shared));
        }
        assert_eq!(Shared::from_rule("access.changed"), None);
    }
}
