//! How an integration does, from what became of its attempts. "Working" means that something was accepted.

use super::Dispatch;
use domain::{IntegrationId, NotSent};
use jiff::Timestamp;
use ledger::{LaneId, Waiting};
use std::collections::{BTreeMap, VecDeque};

/// Attempts that are remembered of each endpoint.
const REMEMBERED: usize = 30;

/// How an integration does, as far as this node knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// The last attempts that were answered, or should have been.
    pub attempts: usize,
    /// Of these, accepted.
    pub accepted: usize,
    /// The last that was not, unless something was accepted since by the same endpoint.
    pub failure: Option<Failure>,
    /// Deliveries not settled, when they were last counted.
    pub waiting: u64,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
    /// Whether a circuit breaker holds attempts back.
    pub breaker_open: bool,
    /// Whether an endpoint asked to be left alone for a while.
    pub throttled: bool,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When it began.
    pub at: Timestamp,
    /// The reason.
    pub reason: NotSent,
    /// What people read about it.
    pub detail: String,
}

/// Health in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing was sent yet.
    Idle,
    /// What is sent is accepted.
    Working,
    /// Some of it is not.
    Wavering,
    /// Most of it is not.
    Failing,
}

impl Health {
    /// In one word: failing where half or less is accepted, or the circuit breaker is open; wavering where one in ten is not.
    pub const fn condition(&self) -> Condition {
        if self.breaker_open {
            Condition::Failing
        } else if self.attempts == 0 {
            Condition::Idle
        } else if self.accepted * 2 <= self.attempts {
            Condition::Failing
        } else if self.accepted * 10 <= self.attempts * 9 {
            Condition::Wavering
        } else {
            Condition::Working
        }
    }
}

/// The last attempts at an endpoint.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    accepted: VecDeque<bool>,
    failure: Option<Failure>,
}

impl Outcomes {
    /// Notes one: accepted, or why not.
    pub(super) fn note(&mut self, failure: Option<Failure>) {
        self.accepted.truncate(REMEMBERED - 1);
        self.accepted.push_front(failure.is_none());
        self.failure = failure;
    }

    /// Adds them to those of other endpoints.
    pub(super) fn add_to(&self, health: &mut Health) {
        health.attempts += self.accepted.len();
        health.accepted += self.accepted.iter().filter(|accepted| **accepted).count();
        let newest = |failure: &Failure| {
            health
                .failure
                .as_ref()
                .is_none_or(|known| known.at < failure.at)
        };
        if let Some(failure) = self.failure.as_ref().filter(|failure| newest(failure)) {
            health.failure = Some(failure.clone());
        }
    }
}

/// What waits for each integration, when it was last counted.
pub(super) type Waitings = BTreeMap<IntegrationId, Waiting>;

impl Dispatch {
    /// How an integration does.
    pub fn health(&self, integration: IntegrationId) -> Health {
        let mut health = Health::default();
        let uptime = self.core.system().uptime();
        let lanes = self.state.lanes.lock();
        for lane in LaneId::all(integration)
            .iter()
            .filter_map(|id| lanes.get(id))
        {
            lane.add_to(&mut health, uptime);
        }
        if let Some(waiting) = self.state.waiting.lock().get(&integration) {
            health.waiting = waiting.count;
            health.oldest = Some(waiting.oldest);
        }
        health
    }

    /// Notes what waits, for [`Self::health`].
    pub(crate) fn note_waiting(&self, waiting: &[Waiting]) {
        let all = waiting
            .iter()
            .map(|waiting| (waiting.integration, *waiting));
        *self.state.waiting.lock() = all.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(second: i64) -> Failure {
        Failure {
            at: Timestamp::from_second(second).unwrap(),
            reason: NotSent::RejectedByDestination,
            detail: format!("answered 404 at {second}"),
        }
    }

    fn after(outcomes: &[(bool, usize)]) -> Health {
        let mut all = Outcomes::default();
        let mut second = 0;
        for (accepted, times) in outcomes {
            for _ in 0..*times {
                second += 1;
                all.note((!accepted).then(|| failure(second)));
            }
        }
        let mut health = Health::default();
        all.add_to(&mut health);
        health
    }

    #[test]
    fn health_is_what_became_of_the_last_attempts() {
        for (outcomes, condition) in [
            (&[][..], Condition::Idle),
            (&[(true, 1)], Condition::Working),
            (&[(true, 19), (false, 1)], Condition::Working),
            (&[(true, 27), (false, 3)], Condition::Wavering),
            (&[(true, 15), (false, 15)], Condition::Failing),
            // Thirty of thirty answered 404.
            (&[(false, 30)], Condition::Failing),
            // What was long ago counts no more.
            (&[(false, 500), (true, 30)], Condition::Working),
        ] {
            let health = after(outcomes);
            assert_eq!(health.condition(), condition, "{outcomes:?}");
            assert!(health.attempts <= REMEMBERED);
        }
        let open = Health {
            breaker_open: true,
            ..after(&[(true, 30)])
        };
        assert_eq!(open.condition(), Condition::Failing);
    }

    #[test]
    fn the_last_failure_is_told_until_something_is_accepted() {
        assert_eq!(after(&[(false, 2)]).failure, Some(failure(2)));
        assert_eq!(after(&[(false, 2), (true, 1)]).failure, None);
    }
}
