//! A circuit breaker as a value: an endpoint that keeps failing is left alone, probed, then drained.
//!
//! It counts customers, not failures: what is wrong with one customer's delivery, however often it is tried, says little about the endpoint. Time is
//! how long the process runs, so that no clock that is set puts it to sleep.

use crate::CustomerId;
use std::time::Duration;

/// Customers whose deliveries failed, since anything was accepted, after which an endpoint is left alone.
pub const THRESHOLD: u32 = 8;
/// Customers whose deliveries failed, since anything was accepted, after which that is no matter of one of them: it is an outage.
pub const SEVERAL: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether attempts may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breaker {
    /// Attempts flow; these customers' failed since anything was accepted.
    Closed {
        /// Each once, who failed last at the end; fewer than [`THRESHOLD`].
        failed: Vec<CustomerId>,
    },
    /// No attempts until `until`, then one probe.
    Open {
        /// When the next probe may be sent.
        until: Duration,
        /// The pause that ends then; the next is twice as long.
        pause: Duration,
        /// Whose delivery failed last: the next probe is another's, where there is one.
        suspect: CustomerId,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failed: Vec::new() }
    }
}

impl Breaker {
    /// How many attempts may start now, of `wanted`: all while closed, one probe after a pause, otherwise none.
    pub fn admits(&self, wanted: usize, now: Duration) -> usize {
        match self {
            Self::Closed { .. } => wanted,
            Self::Open { until, .. } => wanted.min(usize::from(*until <= now)),
        }
    }

    /// The endpoint accepted something.
    #[must_use]
    pub fn succeeded(self) -> Self {
        Self::default()
    }

    /// The endpoint could not be reached, or did not take a delivery of `customer`, at `now`.
    #[must_use]
    pub fn failed(self, customer: CustomerId, now: Duration) -> Self {
        let open = |pause: Duration| Self::Open {
            until: now.saturating_add(pause),
            pause,
            suspect: customer,
        };
        match self {
            Self::Closed { mut failed } => {
                failed.retain(|known| *known != customer);
                failed.push(customer);
                if failed.len() < THRESHOLD as usize {
                    Self::Closed { failed }
                } else {
                    open(FIRST_PAUSE)
                }
            }
            // Attempts that began before it opened say nothing new.
            Self::Open { until, .. } if now < until => self,
            Self::Open { pause, .. } => open((pause * 2).min(LONGEST_PAUSE)),
        }
    }

    /// Whether several customers' deliveries failed and nothing was accepted since.
    pub const fn is_outage(&self) -> bool {
        match self {
            Self::Closed { failed } => failed.len() >= SEVERAL,
            Self::Open { .. } => true,
        }
    }

    /// Whose delivery failed last, where nothing was accepted since: another's says more.
    pub fn last_failed(&self) -> Option<CustomerId> {
        match self {
            Self::Closed { failed } => failed.last().copied(),
            Self::Open { suspect, .. } => Some(*suspect),
        }
    }

    /// Whether attempts are held back.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Whose delivery is no good probe, if there is another's.
    pub const fn suspect(&self) -> Option<CustomerId> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { suspect, .. } => Some(*suspect),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn customer(number: u32) -> CustomerId {
        CustomerId::new(Uuid::from_u128(number.into()))
    }

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    fn opened() -> Breaker {
        (1..=THRESHOLD).fold(Breaker::default(), |breaker, number| {
            assert_eq!(breaker.admits(10, at(0)), 10);
            breaker.failed(customer(number), at(0))
        })
    }

    #[test]
    fn opens_after_failures_of_several_customers_probes_and_closes_on_success() {
        let breaker = opened();
        assert_eq!(
            (breaker.admits(10, at(4)), breaker.admits(10, at(5))),
            (0, 1)
        );
        assert_eq!(
            breaker.clone().failed(customer(1), at(3)),
            breaker,
            "an attempt begun earlier does not prolong the pause"
        );
        let longer = breaker.failed(customer(1), at(5));
        assert_eq!(
            (longer.admits(10, at(14)), longer.admits(10, at(15))),
            (0, 1)
        );
        assert_eq!(longer.clone().succeeded().admits(10, at(5)), 10);
        let longest = (0..20).fold(longer, |breaker, _| {
            if let Breaker::Open { until, .. } = breaker {
                breaker.failed(customer(1), until)
            } else {
                breaker
            }
        });
        assert!(matches!(longest, Breaker::Open { pause, .. } if pause == LONGEST_PAUSE));
    }

    #[test]
    fn what_is_wrong_with_one_customer_never_opens_it() {
        let poisoned = (0..1_000).fold(Breaker::default(), |breaker, second| {
            breaker.failed(customer(1), at(second))
        });
        assert!(!poisoned.is_open());
    }

    #[test]
    fn several_customers_make_an_outage_and_the_last_of_them_is_known() {
        let failed = |breaker: Breaker, number| breaker.failed(customer(number), at(0));
        let one = failed(failed(Breaker::default(), 1), 1);
        assert_eq!(
            (one.is_outage(), one.last_failed()),
            (false, Some(customer(1)))
        );
        let several = failed(one, 2);
        assert_eq!(
            (several.is_outage(), several.last_failed()),
            (true, Some(customer(2)))
        );
        let again = failed(several, 1);
        assert_eq!(again.last_failed(), Some(customer(1)));
        assert!(opened().is_outage() && !again.succeeded().is_outage());
    }

    #[test]
    fn the_next_probe_is_another_customers() {
        let breaker = opened();
        assert_eq!(breaker.suspect(), Some(customer(THRESHOLD)));
        let again = breaker.failed(customer(2), at(5));
        assert_eq!(again.suspect(), Some(customer(2)));
        assert_eq!(again.succeeded().suspect(), None);
    }
}
