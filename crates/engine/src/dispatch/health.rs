//! How an integration does, from what became of its attempts, whichever node made them. "Working" means that something was accepted lately.

use super::Dispatch;
use domain::IntegrationId;
use jiff::{SignedDuration, Timestamp};
use ledger::{Failure, LaneId, Outcomes, Waiting};

/// What was accepted longer ago says nothing of today.
const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// How an integration does: what is in the ledger, and what this node heard since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// The last attempts that were answered, or should have been.
    pub attempts: usize,
    /// Of these, accepted.
    pub accepted: usize,
    /// When the last one was made that was accepted.
    pub accepted_at: Option<Timestamp>,
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

/// Health in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing was sent lately, and nothing failed.
    Idle,
    /// It asks to be left alone, and accepted nothing lately.
    PutOff,
    /// What is sent is accepted, and something was lately.
    Working,
    /// Some of it is not.
    Wavering,
    /// Most of it is not.
    Failing,
}

impl Condition {
    /// Its name in the API.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::PutOff => "put_off",
            Self::Working => "working",
            Self::Wavering => "wavering",
            Self::Failing => "failing",
        }
    }
}

impl Health {
    /// Adds what is known of an endpoint.
    fn add(&mut self, known: &Outcomes, now: Timestamp) {
        self.attempts += known.attempts();
        self.accepted += known.accepted_attempts();
        self.accepted_at = self.accepted_at.max(known.accepted_at());
        self.breaker_open |= known.is_left_alone();
        self.throttled |= known.is_put_off(now);
        let newest = |failure: &&Failure| {
            let known = self.failure.as_ref();
            known.is_none_or(|known| known.at < failure.at)
        };
        if let Some(failure) = known.failure().filter(newest) {
            self.failure = Some(failure.clone());
        }
    }

    /// In one word: failing where half or less is accepted, or the circuit breaker is open; wavering where one in ten is not.
    pub fn condition(&self, now: Timestamp) -> Condition {
        if self.breaker_open || (self.attempts > 0 && self.accepted * 2 <= self.attempts) {
            return Condition::Failing;
        }
        let is_fresh = |at: Timestamp| at.duration_until(now) <= LATELY;
        if !self.accepted_at.is_some_and(is_fresh) {
            return if self.throttled {
                Condition::PutOff
            } else {
                Condition::Idle
            };
        }
        if self.accepted * 10 <= self.attempts * 9 {
            Condition::Wavering
        } else {
            Condition::Working
        }
    }

    /// The share of the last attempts that was accepted; none where there are none.
    pub fn accepted_share(&self) -> Option<f64> {
        let count = |number: usize| u32::try_from(number).map(f64::from).ok();
        let (accepted, attempts) = (count(self.accepted)?, count(self.attempts)?);
        (attempts > 0.0).then(|| accepted / attempts)
    }
}

impl Dispatch {
    /// How an integration does.
    pub fn health(&self, integration: IntegrationId) -> Health {
        let (mut health, now) = (Health::default(), self.core.system().now());
        for lane in LaneId::all(integration) {
            health.add(&self.known(lane), now);
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
    use domain::NotSent;
    use ledger::REMEMBERED;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// One a second.
    fn heard(outcomes: &[(bool, usize)]) -> Outcomes {
        let mut all = Outcomes::default();
        let mut second = 0;
        for (accepted, times) in outcomes {
            for _ in 0..*times {
                second += 1;
                let failure = Failure {
                    at: at(second),
                    reason: NotSent::RejectedByDestination,
                    detail: format!("answered 404 at {second}"),
                };
                if *accepted {
                    all.accepted(at(second), at(second));
                } else {
                    all.failed(failure, at(second));
                }
            }
        }
        all
    }

    fn after(outcomes: &[(bool, usize)]) -> Health {
        let mut health = Health::default();
        health.add(&heard(outcomes), at(0));
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
            assert_eq!(health.condition(at(600)), condition, "{outcomes:?}");
            assert!(health.attempts <= REMEMBERED);
        }
        let open = Health {
            breaker_open: true,
            ..after(&[(true, 30)])
        };
        assert_eq!(open.condition(at(600)), Condition::Failing);
    }

    #[test]
    fn working_means_that_something_was_accepted_lately() {
        let (day, all) = (24 * 3600, after(&[(true, 30)]));
        assert_eq!(all.accepted_at, Some(at(30)));
        assert_eq!(all.condition(at(30 + day)), Condition::Working);
        assert_eq!(all.condition(at(31 + day)), Condition::Idle);
        // What failed then has not been mended by itself.
        let failed = after(&[(true, 10), (false, 20)]);
        assert_eq!(failed.condition(at(31 + day)), Condition::Failing);
    }

    #[test]
    fn one_that_asks_to_be_left_alone_and_takes_nothing_is_not_working() {
        let asks = |health| Health {
            throttled: true,
            ..health
        };
        assert_eq!(asks(after(&[])).condition(at(0)), Condition::PutOff);
        let now_and_then = asks(after(&[(true, 30)]));
        assert_eq!(now_and_then.condition(at(60)), Condition::Working);
    }

    #[test]
    fn of_several_endpoints_the_last_failure_is_told() {
        let mut health = after(&[(true, 3), (false, 2)]);
        health.add(&heard(&[(false, 3)]), at(0));
        assert_eq!((health.attempts, health.accepted), (8, 3));
        assert_eq!(health.failure.unwrap().at, at(5));
    }
}
