//! When a failed delivery is tried again: a pure function of policy, attempt, age and entropy.

use serde::{Deserialize, Serialize};
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// A retry policy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "lowercase")]
pub enum Policy {
    /// Up to 9 retries, growing from one minute, the last between 23 and 24 hours after the first attempt was due.
    #[default]
    Adapty,
    /// After 5, 10, 20, 40 and 80 minutes.
    RevenueCat,
    /// Ten attempts over three days.
    Standard,
    /// After each of these pauses, in seconds.
    Custom {
        /// Pause before each retry, in seconds.
        delays: Vec<u64>,
    },
}

impl Policy {
    /// When each retry is due, in seconds after the first attempt began, without jitter.
    fn offsets(&self) -> Vec<u64> {
        let summed = |delays: &[u64]| {
            delays
                .iter()
                .scan(0_u64, |sum, delay| {
                    *sum = sum.saturating_add(*delay);
                    Some(*sum)
                })
                .collect()
        };
        match self {
            // One minute, then each pause 2.3 times the one before; the last is set to 23.5 hours so that jitter keeps it within the hour.
            Self::Adapty => vec![60, 198, 515, 1_245, 2_924, 6_785, 15_665, 36_090, 84_600],
            Self::RevenueCat => summed(&[
                5 * MINUTE,
                10 * MINUTE,
                20 * MINUTE,
                40 * MINUTE,
                80 * MINUTE,
            ]),
            Self::Standard => summed(&[
                5,
                5 * MINUTE,
                30 * MINUTE,
                2 * HOUR,
                5 * HOUR,
                10 * HOUR,
                14 * HOUR,
                20 * HOUR,
                20 * HOUR,
            ]),
            Self::Custom { delays } => summed(delays),
        }
    }

    /// Whether the retry after `attempts` (at least 1) have failed has come, `age` after the first of them began: one that is
    /// made before is none of these. What has none left is never too early.
    pub fn has_come(&self, attempts: u32, age: Duration) -> bool {
        let target = usize::try_from(attempts)
            .ok()
            .and_then(|attempts| self.offsets().get(attempts.checked_sub(1)?).copied());
        // Jitter makes it 2 % earlier, and rounding a little.
        age.as_millis() >= u128::from(target.unwrap_or_default()) * 1000 * 97 / 100
    }

    /// How long after the first attempt the one is planned that follows `failed` failures, without jitter; of what has none left, the last.
    pub fn planned(&self, failed: u32) -> Duration {
        let failed = usize::try_from(failed).unwrap_or(usize::MAX);
        let planned = self.offsets().into_iter().take(failed).next_back();
        Duration::from_secs(planned.unwrap_or_default())
    }

    /// Number of retries after the first attempt.
    pub fn retries(&self) -> usize {
        self.offsets().len()
    }

    /// Pause before the next attempt, after `attempts` (at least 1) have failed, the last of them `age` after the first
    /// began. `None` when it should be given up.
    ///
    /// Targets are counted from the first attempt, so slow attempts do not push the last one out. Where they are past, because
    /// nothing could go for long, what is left is made at half the pauses of the policy, and not all at once. Jitter is 2 % of the
    /// target to either side; never less than one second.
    /// `entropy` is uniform over `u64` and is the only randomness.
    pub fn delay(&self, attempts: u32, age: Duration, entropy: u64) -> Option<Duration> {
        let index = usize::try_from(attempts).ok()?.checked_sub(1)?;
        let offsets = self.offsets();
        let target = *offsets.get(index)?;
        let before = index.checked_sub(1).map_or(0, |before| offsets[before]);
        let jittered = |seconds: u64| {
            let middle = u128::from(seconds) * 1000;
            let spread = middle * 4 / 100;
            let millis = middle - spread / 2 + spread * u128::from(entropy) / u128::from(u64::MAX);
            Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
        };
        let planned = jittered(target).saturating_sub(age);
        let least = jittered(target.saturating_sub(before)) / 2;
        Some(planned.max(least).max(Duration::from_secs(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a schedule in which every attempt takes `each` and returns when each retry began.
    fn play(policy: &Policy, each: Duration, entropy: u64) -> Vec<u64> {
        let mut at = each;
        let mut attempts = 1;
        let mut starts = Vec::new();
        while let Some(delay) = policy.delay(attempts, at, entropy) {
            at += delay;
            starts.push(at.as_secs());
            at += each;
            attempts += 1;
        }
        starts
    }

    #[test]
    fn adapty_retries_nine_times_and_the_last_lies_between_23_and_24_hours() {
        for entropy in [0, u64::MAX / 3, u64::MAX] {
            for each in [Duration::ZERO, Duration::from_secs(10)] {
                let starts = play(&Policy::Adapty, each, entropy);
                assert_eq!(starts.len(), 9);
                assert!(
                    starts.windows(2).all(|pair| pair[0] < pair[1]),
                    "{starts:?}"
                );
                assert!((23 * HOUR..=24 * HOUR).contains(&starts[8]), "{starts:?}");
            }
        }
    }

    #[test]
    fn a_retry_that_is_made_when_it_is_due_has_come_and_none_that_is_made_long_before() {
        for policy in [Policy::Adapty, Policy::RevenueCat, Policy::Standard] {
            for entropy in [0, u64::MAX] {
                let starts = play(&policy, Duration::from_secs(1), entropy);
                for (number, start) in (1..).zip(starts) {
                    let at = |age| policy.has_come(number, Duration::from_secs(age));
                    // Up to a second later: whole ones are counted here.
                    assert!(at(start + 1), "{policy:?} {number}");
                    assert!(!at(start * 9 / 10), "{policy:?} {number}");
                }
            }
            let after_all = u32::try_from(policy.retries()).unwrap() + 1;
            assert!(policy.has_come(after_all, Duration::ZERO));
        }
    }

    #[test]
    fn what_is_planned_is_what_is_played_without_jitter() {
        let middle = u64::MAX / 2;
        for policy in [Policy::Adapty, Policy::RevenueCat, Policy::Standard] {
            assert_eq!(policy.planned(0), Duration::ZERO);
            let starts = play(&policy, Duration::ZERO, middle);
            for (failed, start) in (1..).zip(&starts) {
                let planned = policy.planned(failed).as_secs();
                assert!(planned.abs_diff(*start) <= 1, "{policy:?} {failed}");
            }
            let last = u32::try_from(policy.retries()).unwrap();
            assert_eq!(policy.planned(last + 1), policy.planned(last));
        }
    }

    #[test]
    fn retries_whose_time_is_long_past_are_not_made_all_at_once() {
        let week = Duration::from_secs(7 * 24 * HOUR);
        let waits = |policy: &Policy| {
            let retries = u32::try_from(policy.retries()).unwrap();
            let waits = (1..=retries).map(|attempts| policy.delay(attempts, week, u64::MAX / 2));
            waits
                .map(|wait| wait.unwrap().as_secs())
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(&Policy::RevenueCat), [149, 299, 599, 1_199, 2_399]);
        let custom = Policy::Custom {
            delays: vec![10, 10, 0],
        };
        assert_eq!(waits(&custom), [4, 4, 1]);
    }

    #[test]
    fn every_policy_spreads_its_jitter_around_the_documented_times() {
        let middle = u64::MAX / 2;
        assert_eq!(
            play(&Policy::RevenueCat, Duration::ZERO, middle)
                .iter()
                .map(|at| (at + 30) / MINUTE)
                .collect::<Vec<_>>(),
            [5, 15, 35, 75, 155]
        );
        let standard = play(&Policy::Standard, Duration::ZERO, middle);
        assert_eq!(standard.len(), 9);
        assert!((70 * HOUR..=73 * HOUR).contains(&standard[8]));
        assert_eq!(
            play(
                &Policy::Custom {
                    delays: vec![10, 20]
                },
                Duration::ZERO,
                middle
            )
            .len(),
            2
        );
    }
}
