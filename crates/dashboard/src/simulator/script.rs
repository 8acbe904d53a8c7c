//! Scripted lives: what happens to a subscription, day by day.

/// Days of a trial, and of a paid period.
pub(super) const TRIAL: i64 = 7;
pub(super) const MONTH: i64 = 30;
/// Days of grace after a failed charge.
pub(super) const GRACE: i64 = 6;

/// Something that happens to a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beat {
    /// A free trial begins.
    Tries,
    /// A period is paid for: the first, or the one after the last.
    Pays,
    /// Renewal is switched off.
    Cancels,
    /// Renewal is switched on again.
    ComesBack,
    /// A charge fails; access goes on for a while.
    ChargeFails,
    /// The grace period ends without a payment.
    GraceEnds,
    /// It is over.
    Ends,
    /// The money goes back.
    IsRefunded,
    /// Something is bought once.
    Buys,
}

impl Beat {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Tries => "starts a free trial",
            Self::Pays => "is charged for a month",
            Self::Cancels => "switches renewal off",
            Self::ComesBack => "switches renewal on again",
            Self::ChargeFails => "cannot be charged; a grace period begins",
            Self::GraceEnds => "has not paid when the grace period ends",
            Self::Ends => "has no subscription any more",
            Self::IsRefunded => "gets the money back",
            Self::Buys => "buys something once",
        }
    }
}

/// A life by script.
pub(crate) struct Script {
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    /// What happens on which day.
    pub(crate) beats: &'static [(i64, Beat)],
}

use Beat::{Buys, Cancels, ChargeFails, ComesBack, Ends, GraceEnds, IsRefunded, Pays, Tries};

/// All scripts.
pub(crate) const ALL: [Script; 7] = [
    Script {
        key: "converts",
        title: "A trial converts, renews, is cancelled and ends",
        beats: &[
            (0, Tries),
            (TRIAL, Pays),
            (TRIAL + MONTH, Pays),
            (TRIAL + MONTH + 12, Cancels),
            (TRIAL + 2 * MONTH, Ends),
        ],
    },
    Script {
        key: "only_tries",
        title: "A trial is cancelled and ends",
        beats: &[(0, Tries), (3, Cancels), (TRIAL, Ends)],
    },
    Script {
        key: "recovers",
        title: "A charge fails and is made good in the grace period",
        beats: &[
            (0, Pays),
            (MONTH, Pays),
            (2 * MONTH, ChargeFails),
            (2 * MONTH + 3, Pays),
        ],
    },
    Script {
        key: "lapses",
        title: "A charge fails for good",
        beats: &[
            (0, Pays),
            (MONTH, ChargeFails),
            (MONTH + GRACE, GraceEnds),
            (MONTH + 2 * GRACE, Ends),
        ],
    },
    Script {
        key: "refund",
        title: "A renewal is refunded",
        beats: &[(0, Pays), (MONTH, Pays), (MONTH + 4, IsRefunded)],
    },
    Script {
        key: "comes_back",
        title: "Renewal is switched off, and on again",
        beats: &[(0, Pays), (8, Cancels), (20, ComesBack), (MONTH, Pays)],
    },
    Script {
        key: "one_time",
        title: "Something is bought once, and refunded",
        beats: &[(0, Buys), (5, IsRefunded)],
    },
];
