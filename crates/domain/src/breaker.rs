//! A circuit breaker as a value: an endpoint that keeps failing is left alone, probed, then drained.

use jiff::{SignedDuration, Timestamp};

/// Failures in a row after which an endpoint is left alone.
pub const THRESHOLD: u32 = 8;
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Whether attempts may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Attempts flow; this many failed in a row.
    Closed {
        /// Failures since the last success.
        failures: u32,
    },
    /// No attempts until `until`, then one probe.
    Open {
        /// When the next probe may be sent.
        until: Timestamp,
        /// The pause that ends then; the next is twice as long.
        pause: SignedDuration,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// How many attempts may start now, of `wanted`: all while closed, one probe after a pause, otherwise none.
    pub fn admits(self, wanted: usize, now: Timestamp) -> usize {
        match self {
            Self::Closed { .. } => wanted,
            Self::Open { until, .. } => wanted.min(usize::from(until <= now)),
        }
    }

    /// The endpoint answered acceptably.
    #[must_use]
    pub fn succeeded(self) -> Self {
        Self::default()
    }

    /// The endpoint did not answer acceptably at `now`.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Self {
        let open = |pause: SignedDuration| Self::Open {
            until: now.saturating_add(pause).unwrap_or(now),
            pause,
        };
        match self {
            Self::Closed { failures } if failures + 1 < THRESHOLD => Self::Closed {
                failures: failures + 1,
            },
            Self::Closed { .. } => open(FIRST_PAUSE),
            // Attempts that began before it opened say nothing new.
            Self::Open { until, .. } if now < until => self,
            Self::Open { pause, .. } => open((pause * 2).min(LONGEST_PAUSE)),
        }
    }

    /// Whether attempts are held back.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_failures_in_a_row_probes_and_closes_on_success() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut breaker = Breaker::default();
        for _ in 1..THRESHOLD {
            breaker = breaker.failed(at(0));
            assert_eq!(breaker.admits(10, at(0)), 10);
        }
        breaker = breaker.failed(at(0));
        assert_eq!(
            (breaker.admits(10, at(4)), breaker.admits(10, at(5))),
            (0, 1)
        );
        assert_eq!(
            breaker.failed(at(3)),
            breaker,
            "an attempt begun earlier does not prolong the pause"
        );
        let longer = breaker.failed(at(5));
        assert_eq!(
            (longer.admits(10, at(14)), longer.admits(10, at(15))),
            (0, 1)
        );
        assert_eq!(longer.succeeded().admits(10, at(5)), 10);
        let longest = (0..20).fold(longer, |breaker, _| {
            if let Breaker::Open { until, .. } = breaker {
                breaker.failed(until)
            } else {
                breaker
            }
        });
        assert!(matches!(longest, Breaker::Open { pause, .. } if pause == LONGEST_PAUSE));
    }
}
