//! How long an endpoint is left alone that asks for it. A value; time is how long the process runs.

use std::time::Duration;

/// The longest an endpoint is left alone at a time, whatever it asks for: then it is asked once more.
const LONGEST_ASKED: Duration = Duration::from_hours(1);
/// The longest where it does not say how long.
const LONGEST: Duration = Duration::from_mins(1);

/// Whether an endpoint is left alone because it asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Throttle {
    until: Duration,
    /// How often it asked since it accepted anything.
    times: u32,
}

impl Throttle {
    pub(super) fn holds(self, now: Duration) -> bool {
        now < self.until
    }

    /// How much longer it is left alone, if it is.
    pub(super) fn left(self, now: Duration) -> Option<Duration> {
        let left = self.until.saturating_sub(now);
        (!left.is_zero()).then_some(left)
    }

    /// Whether it is asked with one delivery at a time: it asked to be left alone, and accepted nothing since.
    pub(super) const fn is_wary(self) -> bool {
        self.times > 0
    }

    /// It asked, for so long or without saying how long. Those that were under way when it asked first ask for nothing more.
    pub(super) fn asked(self, pause: Option<Duration>, now: Duration) -> Self {
        let times = if self.holds(now) {
            self.times
        } else {
            self.times.saturating_add(1)
        };
        // One second, then twice as long each time: also for one that asks for nothing, over and over.
        let seconds = 1_u64 << times.saturating_sub(1).min(6);
        let least = Duration::from_secs(seconds).min(LONGEST);
        let pause = pause.unwrap_or_default().min(LONGEST_ASKED).max(least);
        let until = self.until.max(now.saturating_add(pause));
        Self { until, times }
    }

    /// What it refused was mended: it is asked at once, with one delivery.
    pub(super) fn mended(self) -> Self {
        let until = Duration::ZERO;
        Self { until, ..self }
    }

    /// It accepted something: what it asks for next is the first time. Whoever was asked to wait still does.
    pub(super) fn accepted(self) -> Self {
        Self { times: 0, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn it_is_left_alone_for_as_long_as_it_asks_up_to_an_hour() {
        for (asked, until) in [(7, 7), (90, 90), (3_600, 3_600), (u64::MAX, 3_600)] {
            let throttle = Throttle::default().asked(Some(at(asked)), at(0));
            assert!(throttle.holds(at(until - 1)) && !throttle.holds(at(until)));
        }
    }

    #[test]
    fn one_that_does_not_say_how_long_is_asked_less_and_less_until_it_accepts() {
        let (mut throttle, mut now, mut pauses) = (Throttle::default(), at(0), Vec::new());
        for _ in 0..8 {
            throttle = throttle.asked(None, now);
            pauses.push(throttle.until.saturating_sub(now).as_secs());
            now = throttle.until;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        let again = throttle.accepted().asked(Some(at(0)), now);
        assert_eq!(again.until.saturating_sub(now), at(1));
    }

    #[test]
    fn many_that_were_under_way_at_once_count_once() {
        let one = Throttle::default().asked(None, at(0));
        let many = (0..32).fold(one, |throttle, _| throttle.asked(None, at(0)));
        assert_eq!(many, one);
    }
}
