//! In which ways what stores say arrives, or does not.

use jiff::{SignedDuration, Timestamp};
use simulator::{Random, truth::Market};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// How what stores say arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// At once, and once.
    InOrder,
    /// Twice, the second time some days later.
    Doubled,
    /// Up to days late, behind what was said after it.
    Shuffled,
    /// Some of it never: what the store lists as missed, and what it answers when it is asked, has to do.
    Lost,
    /// The server is down now and then, for hours or days; the stores tell again afterwards.
    ServerDown,
    /// The stores' APIs are.
    StoreDown,
    /// What begins a purchase is sent in by the customer's device as well: sometimes before its store says so, sometimes after.
    Crossing,
    /// The server hears nothing before the middle of the lives.
    Midway,
}

impl Way {
    pub(super) const ALL: [Self; 8] = [
        Self::InOrder,
        Self::Doubled,
        Self::Shuffled,
        Self::Lost,
        Self::ServerDown,
        Self::StoreDown,
        Self::Crossing,
        Self::Midway,
    ];

    /// Whether lives of this store can be heard of in this way. Nobody can be asked for what is stated, so of what was never
    /// stated nobody knows.
    pub(super) fn is_open_to(self, market: Market) -> bool {
        market != Market::Stated || !matches!(self, Self::Lost | Self::Crossing | Self::Midway)
    }

    /// Everything is heard when it is said.
    pub(super) const fn is_whole(self) -> bool {
        matches!(self, Self::InOrder | Self::Doubled | Self::Crossing)
    }
}

/// When something is down: spans in order, each from hours to days.
pub(super) fn outages(
    random: &mut Random,
    (from, until): (Timestamp, Timestamp),
) -> Vec<(Timestamp, Timestamp)> {
    let mut spans = Vec::new();
    let mut at = from;
    let mut some = |most: i64| {
        let drawn = random.below(u64::try_from(most).unwrap());
        SignedDuration::from_secs(i64::try_from(drawn).unwrap() + HOUR)
    };
    loop {
        let begins = at + some(20 * DAY);
        at = begins + some(3 * DAY);
        if at >= until {
            return spans;
        }
        spans.push((begins, at));
    }
}
