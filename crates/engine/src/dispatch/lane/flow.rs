//! Since when deliveries could go, with what was paused in between. A value; time is how long the process runs, asleep or not.

use std::{collections::VecDeque, time::Duration};

/// When anything could go.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Since the last hold; `None` while one lasts.
    since: Option<Duration>,
    /// When it was last seen that something could go.
    seen: Duration,
    is_paused: bool,
    /// When nothing could go since: the endpoint asked for it, or its breaker was open. The latest last.
    pauses: VecDeque<(Duration, Duration)>,
}

/// What is seen of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Anything can go.
    Flows,
    /// Nothing goes for a while.
    Pauses,
    /// Nothing goes until somebody acts.
    Held,
}

impl Flow {
    pub(super) fn from(uptime: Duration) -> Self {
        Self {
            since: Some(uptime),
            seen: uptime,
            ..Self::default()
        }
    }

    pub(super) fn note(&mut self, seen: Seen, now: Duration) {
        match seen {
            Seen::Held => *self = Self::default(),
            Seen::Pauses => self.is_paused = true,
            Seen::Flows if self.since.is_none() => *self = Self::from(now),
            Seen::Flows => {
                if std::mem::take(&mut self.is_paused) {
                    self.pauses.push_back((self.seen, now));
                }
                self.seen = now;
            }
        }
    }

    /// Nothing could go since it was last seen that something could.
    pub(super) fn note_sleep(&mut self) {
        self.is_paused = true;
    }

    /// When `lasting` of flow began that ends now; `None` where it was less since the last hold, and during a pause.
    pub(super) fn began(&mut self, lasting: Duration, now: Duration) -> Option<Duration> {
        let since = self.since.filter(|_| !self.is_paused)?;
        let mut began = now.checked_sub(lasting)?;
        let mut counted = 0;
        for (from, to) in self.pauses.iter().rev() {
            if *to <= began {
                break;
            }
            began = began.checked_sub(to.saturating_sub(*from))?;
            counted += 1;
        }
        // What is longer ago is never asked for again.
        self.pauses.drain(..self.pauses.len() - counted);
        (since <= began).then_some(began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Seen::{Flows, Held, Pauses};

    const TEN: Duration = Duration::from_mins(10);

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn short_pauses_now_and_then_are_not_counted_and_start_nothing_again() {
        let mut flow = Flow::from(at(0));
        for second in 0..=1_443 {
            // A second in eight minutes.
            let seen = if second % 480 == 479 { Pauses } else { Flows };
            flow.note(seen, at(second));
        }
        // Two looks apart: from the last that saw it flow to the first that did again.
        assert_eq!(flow.began(TEN, at(1_443)), Some(at(1_443 - 600 - 4)));
    }

    #[test]
    fn what_waited_through_a_long_pause_has_waited_for_nobody() {
        let mut flow = Flow::from(at(0));
        flow.note(Flows, at(86_400));
        flow.note(Pauses, at(86_401));
        assert_eq!(flow.began(TEN, at(90_000)), None);
        flow.note(Flows, at(90_000));
        assert_eq!(flow.began(TEN, at(90_100)), Some(at(85_900)));
        assert_eq!(flow.began(TEN, at(90_600)), Some(at(90_000)));
    }

    #[test]
    fn a_hold_starts_it_again() {
        let mut flow = Flow::from(at(0));
        flow.note(Held, at(1_000));
        assert_eq!(flow.began(TEN, at(2_000)), None);
        flow.note(Flows, at(2_000));
        assert_eq!(flow.began(TEN, at(2_599)), None);
        assert_eq!(flow.began(TEN, at(2_600)), Some(at(2_000)));
    }
}
