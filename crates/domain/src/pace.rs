//! A rate limit as a value: so many in a time, with the room of a second to catch up in.
//!
//! A little slower than it says, because whoever counts what arrives counts when it arrives: one that took longer on its way than the next
//! would come too soon after it.
//!
//! The generic cell rate algorithm: one instant says how far ahead what was admitted has run. Time is how long the process runs, so that no clock
//! that is set puts it to sleep.

use std::{num::NonZeroU32, time::Duration};

/// The part of their distance by which they are further apart than they might be.
const SLOWER: u32 = 20;

/// So many in so long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long a time.
    pub per: Duration,
}

impl Rate {
    /// So many a second.
    pub const fn per_second(count: NonZeroU32) -> Self {
        Self {
            count,
            per: Duration::from_secs(1),
        }
    }

    /// So many a minute, at least one.
    pub const fn per_minute(count: u32) -> Self {
        Self {
            count: match NonZeroU32::new(count) {
                Some(count) => count,
                None => NonZeroU32::MIN,
            },
            per: Duration::from_mins(1),
        }
    }

    /// The time between two that come evenly.
    pub fn apart(self) -> Duration {
        self.per / self.count.get()
    }

    /// How many come in a time, rounded down.
    pub fn within(self, time: Duration) -> usize {
        let apart = self.apart().as_nanos().max(1);
        usize::try_from(time.as_nanos() / apart).unwrap_or(usize::MAX)
    }
}

/// How far what was admitted has run ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// When the next would come if they came evenly.
    next: Option<Duration>,
}

impl Pace {
    /// Whether nothing is left of what was admitted: the next is admitted as the first was.
    pub fn is_rested(self, now: Duration) -> bool {
        self.next.is_none_or(|next| next <= now)
    }

    /// Admits one at `now`, or says how long to wait before asking again.
    ///
    /// At most `rate / among` in the long run, and as many as that is in a second, at least one, at once after a rest.
    pub fn admit(self, rate: Rate, among: NonZeroU32, now: Duration) -> Result<Self, Duration> {
        let apart = rate.per * among.get() / rate.count.get();
        let apart = apart + apart / SLOWER;
        let room = Duration::from_secs(1).saturating_sub(apart);
        let next = self.next.map_or(now, |next| next.max(now));
        let late = next.saturating_sub(now).saturating_sub(room);
        if !late.is_zero() {
            return Err(late);
        }
        Ok(Self {
            next: Some(next.saturating_add(apart)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(per_second: u32, among: u32, from_ms: u64, to_ms: u64, pace: &mut Pace) -> usize {
        let (rate, among) = (
            Rate::per_second(NonZeroU32::new(per_second).unwrap()),
            NonZeroU32::new(among).unwrap(),
        );
        let mut admitted = 0;
        for ms in from_ms..to_ms {
            let now = Duration::from_millis(ms);
            while let Ok(next) = pace.admit(rate, among, now) {
                *pace = next;
                admitted += 1;
            }
        }
        admitted
    }

    #[test]
    fn so_many_a_second_however_long_it_goes_on() {
        for (per_second, among, first, later) in [
            (1, 1, 1, 10),
            (10, 1, 19, 95),
            (10, 2, 9, 48),
            // Less than one a second each.
            (1, 3, 1, 3),
            (200, 3, 127, 635),
        ] {
            let mut pace = Pace::default();
            let began = count(per_second, among, 0, 1_000, &mut pace);
            assert!(began.abs_diff(first) <= 1, "{per_second}/{among}: {began}");
            let went_on = count(per_second, among, 1_000, 11_000, &mut pace);
            assert!(
                went_on.abs_diff(later) <= 1,
                "{per_second}/{among}: {went_on}"
            );
        }
    }

    #[test]
    fn the_wait_is_as_long_as_it_says() {
        let one = NonZeroU32::MIN;
        let now = Duration::ZERO;
        for (rate, expected) in [
            (Rate::per_second(one), Duration::from_millis(1_050)),
            (Rate::per_minute(20), Duration::from_millis(3_150)),
        ] {
            let pace = Pace::default().admit(rate, one, now).unwrap();
            let wait = pace.admit(rate, one, now).unwrap_err();
            assert_eq!(
                wait,
                expected.saturating_sub(Duration::from_secs(1).saturating_sub(expected))
            );
            assert!(pace.admit(rate, one, now + wait).is_ok());
        }
    }
}
