//! What becomes of a delivery is recorded, as often as it takes.

use super::{Dispatch, FIRST_PAUSE, LONGEST_PAUSE, lane::Tried};
use crate::setup::ActiveIntegration;
use domain::{NotSent, retry::Policy};
use jiff::Timestamp;
use ledger::{Lease, Next, Settlement};
use std::time::Duration;

/// What recording an attempt came to.
pub(super) struct Released {
    /// Whether it was recorded.
    pub(super) is_recorded: bool,
    /// Deliveries that are next in their lines, leased to this node.
    pub(super) leases: Vec<Lease>,
    /// Until when.
    pub(super) until: Timestamp,
}

impl Dispatch {
    /// Records an attempt, as often as it takes: the request is out, and only the record keeps it from being sent again.
    /// Answers with what waited for its delivery.
    pub(super) async fn settle(
        &self,
        active: &ActiveIntegration,
        settlement: Settlement,
    ) -> Released {
        let mut pause = FIRST_PAUSE;
        loop {
            let lease_until = active.lease_until(self.core.system().now());
            match self
                .core
                .ledger()
                .settle(settlement.clone(), lease_until)
                .await
            {
                Ok(settled) => {
                    self.core.note_change();
                    return Released {
                        is_recorded: settled.recorded,
                        leases: settled.released,
                        until: lease_until,
                    };
                }
                Err(error) if error.is_retryable() && pause < LONGEST_PAUSE => {
                    tracing::error!(delivery.id = %settlement.delivery, %error, "an attempt could not be recorded; trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => {
                    tracing::error!(delivery.id = %settlement.delivery, %error, "an attempt could not be recorded; the delivery will be sent again when its lease runs out");
                    return Released {
                        is_recorded: false,
                        leases: Vec::new(),
                        until: lease_until,
                    };
                }
            }
        }
    }

    /// How long the next attempt after this one, which `took` so long, is waited with; `None` where that was the last.
    pub(super) fn pause(
        policy: &Policy,
        lease: &Lease,
        tried: Tried,
        took: Duration,
        entropy: u64,
    ) -> Option<Duration> {
        let age = age(policy, lease.round, lease.tried_at, tried.at).saturating_add(took);
        let round = lease.round + u32::from(!tried.is_early);
        policy.delay(round, age, entropy)
    }

    /// The next attempt after a pause, not before it is `asked` for, or giving up. One that was made before its time changes nothing: what was to come
    /// comes.
    pub(super) fn retry(
        &self,
        tried: Tried,
        reason: NotSent,
        pause: Option<Duration>,
        asked: Option<Duration>,
    ) -> Next {
        let due_at = pause.and_then(|pause| {
            let now = self.core.system().now();
            now.saturating_add(pause.max(asked.unwrap_or_default()))
                .ok()
        });
        match due_at {
            None => Next::Failed(reason),
            Some(due_at) if tried.is_early => Next::Rest(reason, due_at),
            Some(due_at) => Next::Retry(reason, due_at),
        }
    }
}

/// Whether an attempt that began `at` came before its time: its endpoint was asked whether it is well, or is well again.
pub(super) fn is_early(policy: &Policy, lease: &Lease, at: Timestamp) -> bool {
    lease.round > 0 && !policy.has_come(lease.round, age(policy, lease.round, lease.tried_at, at))
}

/// How old a delivery is when the attempt after `failed` failures begins `at`: counted from its first attempt, not from when it was accepted, so
/// that what was held is tried as often as anything else.
///
/// By the wall clock, because a restart or another node may lie between. Where that was set back meanwhile, it tells nothing, and the age is
/// what the policy planned: such an attempt is neither before its time, nor does it put off those that follow.
fn age(policy: &Policy, failed: u32, tried_at: Option<Timestamp>, at: Timestamp) -> Duration {
    let Some(began) = tried_at else {
        return Duration::ZERO;
    };
    let age = began.duration_until(at).try_into();
    age.unwrap_or_else(|_| policy.planned(failed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_clock_that_was_set_back_makes_no_attempt_early_and_puts_off_none() {
        let policy = Policy::Custom {
            delays: vec![60, 600],
        };
        let first = Timestamp::UNIX_EPOCH;
        let of = |failed, seconds| {
            let at = first + SignedDuration::from_secs(seconds);
            age(&policy, failed, Some(first), at)
        };
        let next = |failed, age| policy.delay(failed + 1, age, u64::MAX / 2).unwrap();
        for (failed, seconds, is_early, pause) in [
            // On time, and asked before its time.
            (1, 60, false, 600),
            (1, 5, true, 655),
            // The clock went back a day before it began.
            (1, 60 - 86_400, false, 600),
            (0, -86_400, false, 60),
        ] {
            let age = of(failed, seconds);
            let has_come = failed == 0 || policy.has_come(failed, age);
            assert_eq!(!has_come, is_early, "{failed} {seconds}");
            let pause = Duration::from_secs(pause).abs_diff(next(failed, age));
            assert!(pause < Duration::from_secs(1), "{failed} {seconds}");
        }
        assert_eq!(age(&policy, 0, None, first), Duration::ZERO);
    }
}
