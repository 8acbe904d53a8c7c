//! Steps that have no event of their own, and are told by the change of access that they make.
//!
//! Whoever is let in by the family, or is given access by hand, bought nothing. A pause that begins, and a charge that failed without a grace
//! period, end access and not the purchase. Who tells such a step as one of its own names it by the rule that the event of access carries.

use crate::{EventKind, Snapshot, snapshot::Standing};

/// What such a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByAccess {
    /// A subscription is shared.
    ShareBegan,
    /// Something bought once is shared.
    ShareGiven,
    /// What is shared will not renew.
    ShareWillEnd,
    /// It is shared no more, or has ended.
    ShareEnded,
    /// Access was given by hand.
    GrantBegan,
    /// What was given by hand is over.
    GrantEnded,
    /// What was given by hand was taken back.
    GrantRevoked,
    /// A pause took effect.
    PauseBegan,
    /// A charge failed, and there is no access until it succeeds.
    HoldBegan,
}

impl ByAccess {
    /// Every one, in order of declaration.
    pub const ALL: [Self; 9] = [
        Self::ShareBegan,
        Self::ShareGiven,
        Self::ShareWillEnd,
        Self::ShareEnded,
        Self::GrantBegan,
        Self::GrantEnded,
        Self::GrantRevoked,
        Self::PauseBegan,
        Self::HoldBegan,
    ];

    /// What would be told of a purchase of one's own, to who is let in by the family. `is_let_in`: nothing was shared before, as far as anybody
    /// had heard, or not any more.
    pub(super) const fn of_share(kind: EventKind, is_let_in: bool) -> Option<Self> {
        match kind {
            EventKind::SubscriptionStarted | EventKind::TrialStarted => Some(Self::ShareBegan),
            EventKind::SubscriptionRenewed | EventKind::TrialConverted if is_let_in => {
                Some(Self::ShareBegan)
            }
            EventKind::NonSubscriptionPurchase => Some(Self::ShareGiven),
            EventKind::SubscriptionRenewalCancelled | EventKind::TrialRenewalCancelled => {
                Some(Self::ShareWillEnd)
            }
            EventKind::SubscriptionExpired
            | EventKind::TrialExpired
            | EventKind::SubscriptionRefunded
            | EventKind::NonSubscriptionPurchaseRefunded => Some(Self::ShareEnded),
            _ => None,
        }
    }

    /// What became of access that was given by hand.
    pub(super) fn of_grant(before: Option<&Snapshot>, after: &Snapshot) -> Option<Self> {
        let had_access = before.is_some_and(Snapshot::gives_access);
        match after.standing {
            _ if !had_access => after.gives_access().then_some(Self::GrantBegan),
            Standing::Expired { .. } => Some(Self::GrantEnded),
            Standing::Revoked { .. } => Some(Self::GrantRevoked),
            _ => None,
        }
    }

    /// How a purchase of one's own lost its access without having ended.
    pub(super) const fn of_standing(before: &Standing, after: &Standing) -> Option<Self> {
        let had_access = matches!(
            before,
            Standing::Current | Standing::Grace { .. } | Standing::Lapsed
        );
        match after {
            Standing::Paused { .. } if had_access => Some(Self::PauseBegan),
            Standing::Retry { .. } if had_access => Some(Self::HoldBegan),
            _ => None,
        }
    }

    /// The rule that an event of it carries.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::ShareBegan => "access.share_began",
            Self::ShareGiven => "access.share_given",
            Self::ShareWillEnd => "access.share_will_end",
            Self::ShareEnded => "access.share_ended",
            Self::GrantBegan => "access.grant_began",
            Self::GrantEnded => "access.grant_ended",
            Self::GrantRevoked => "access.grant_revoked",
            Self::PauseBegan => "access.pause_began",
            Self::HoldBegan => "access.hold_began",
        }
    }

    /// Parses [`ByAccess::rule`].
    pub fn from_rule(rule: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.rule() == rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_read_back() {
        for step in ByAccess::ALL {
            assert_eq!(ByAccess::from_rule(step.rule()), Some(step));
        }
        assert_eq!(ByAccess::from_rule("access.changed"), None);
    }

    #[test]
    fn access_that_was_gone_is_not_lost_again() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let (paused, retry) = (
            Standing::Paused { until: None },
            Standing::Retry { since: at },
        );
        for (before, after, told) in [
            (Standing::Current, &paused, Some(ByAccess::PauseBegan)),
            (Standing::Lapsed, &paused, Some(ByAccess::PauseBegan)),
            (Standing::Current, &retry, Some(ByAccess::HoldBegan)),
            (paused.clone(), &paused, None),
            (retry.clone(), &paused, None),
            (paused.clone(), &retry, None),
            (Standing::Current, &Standing::Current, None),
        ] {
            assert_eq!(ByAccess::of_standing(&before, after), told, "{before:?}");
        }
    }
}
