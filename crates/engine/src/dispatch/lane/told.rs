//! Which attempts at an endpoint are worth a line in the log: of one that is known to be down, one now and then. A value; time is how long the
//! process runs.

use std::time::Duration;

/// Attempts in a row without anything accepted after which it is known to be down.
const KNOWN: u32 = 10;
/// Between two lines about one that is.
const BETWEEN: Duration = Duration::from_mins(1);

/// What was told of an endpoint's attempts.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Attempts since it accepted anything.
    failed: u32,
    /// When the last line was written.
    at: Duration,
    /// Attempts that were not told since.
    untold: u64,
}

impl Told {
    /// Takes note of an attempt at `now`. Answers whether to tell of it, with how many before it were not told of.
    pub(super) fn note(&mut self, is_accepted: bool, now: Duration) -> Option<u64> {
        self.failed = if is_accepted {
            0
        } else {
            self.failed.saturating_add(1)
        };
        if self.failed > KNOWN && now.saturating_sub(self.at) < BETWEEN {
            self.untold += 1;
            return None;
        }
        self.at = now;
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_known_to_be_down_is_told_of_once_a_minute_until_it_accepts_something() {
        let mut told = Told::default();
        // An attempt a second, none of it accepted.
        let lines = (0..=600).filter_map(|second| {
            let untold = told.note(false, Duration::from_secs(second))?;
            Some((second, untold))
        });
        let lines: Vec<_> = lines.collect();
        let (first, later) = lines.split_at(KNOWN as usize);
        assert!(first.iter().all(|(_, untold)| *untold == 0), "{first:?}");
        let later: Vec<_> = later.iter().map(|(second, _)| *second).collect();
        assert_eq!(later, [69, 129, 189, 249, 309, 369, 429, 489, 549]);
        assert_eq!(lines[KNOWN as usize].1, 59);
        // That it is there again is told at once, and so is what comes then.
        let now = Duration::from_secs(601);
        assert_eq!(told.note(true, now), Some(51));
        assert_eq!(told.note(false, now), Some(0));
    }
}
