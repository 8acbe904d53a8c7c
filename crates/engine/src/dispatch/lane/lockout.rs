//! When an endpoint that is held because it refused the credentials is asked with one delivery whether it takes them again. A value; time is how long the
//! process runs.

use std::time::Duration;

/// After the refusals that it is held for.
const FIRST: Duration = Duration::from_mins(5);
/// Twice as long each time, and no longer than that.
const LONGEST: Duration = Duration::from_hours(1);

/// When it is asked next, and after how long a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lockout(Option<(Duration, Duration)>);

impl Lockout {
    /// It is held from now on, or took nothing when it was asked.
    pub(super) fn go_on(self, now: Duration) -> Self {
        let pause = self.0.map_or(FIRST, |(_, pause)| LONGEST.min(pause * 2));
        Self(Some((now.saturating_add(pause), pause)))
    }

    /// Whether it is held.
    pub(super) const fn is_on(self) -> bool {
        self.0.is_some()
    }

    /// Whether it is to be asked.
    pub(super) fn is_due(self, now: Duration) -> bool {
        self.0.is_some_and(|(at, _)| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_after_five_minutes_and_then_less_and_less_down_to_once_an_hour() {
        let (mut lockout, mut now, mut pauses) = (Lockout::default(), Duration::ZERO, Vec::new());
        assert!(!lockout.is_on() && !lockout.is_due(Duration::MAX));
        for _ in 0..6 {
            lockout = lockout.go_on(now);
            let begun = now;
            while !lockout.is_due(now) {
                now += Duration::from_mins(1);
            }
            pauses.push(now.saturating_sub(begun).as_secs() / 60);
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
    }
}
