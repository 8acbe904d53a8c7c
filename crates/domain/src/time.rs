//! Moments reckoned from others, without a failure that nobody could act on.
//!
//! A `SignedDuration` is exact: unlike "one month", it needs no calendar, so the only thing that can go wrong is the end
//! of time. There the answer stays, instead of being an error or, worse, "now".

use jiff::{SignedDuration, Timestamp};

/// The moment `pause` after `at`, or before it where `pause` is negative; [`Timestamp::MAX`] or [`Timestamp::MIN`] where
/// there is no such moment.
#[must_use]
pub fn after(at: Timestamp, pause: SignedDuration) -> Timestamp {
    at.checked_add(pause).unwrap_or(if pause.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// The moment `pause` before `at`; where there is none, as in [`after`].
#[must_use]
pub fn before(at: Timestamp, pause: SignedDuration) -> Timestamp {
    at.checked_sub(pause).unwrap_or(if pause.is_negative() {
        Timestamp::MAX
    } else {
        Timestamp::MIN
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_reckoned_exactly_and_stay_at_the_ends_of_time() {
        let (epoch, minute) = (Timestamp::UNIX_EPOCH, SignedDuration::from_mins(1));
        let second = |second| Timestamp::from_second(second).unwrap();
        for (reckoned, expected) in [
            (after(epoch, minute), second(60)),
            (after(epoch, -minute), second(-60)),
            (before(epoch, minute), second(-60)),
            (before(epoch, -minute), second(60)),
            (after(Timestamp::MAX, minute), Timestamp::MAX),
            (after(Timestamp::MIN, -minute), Timestamp::MIN),
            (before(Timestamp::MIN, minute), Timestamp::MIN),
            (before(Timestamp::MAX, -minute), Timestamp::MAX),
            (after(epoch, SignedDuration::MAX), Timestamp::MAX),
            (before(epoch, SignedDuration::MAX), Timestamp::MIN),
            (after(epoch, SignedDuration::MIN), Timestamp::MIN),
            (before(epoch, SignedDuration::MIN), Timestamp::MAX),
        ] {
            assert_eq!(reckoned, expected);
        }
    }
}
