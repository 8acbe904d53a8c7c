//! How an integration does, endpoint by endpoint, from what became of its attempts, whichever node made them. "Working" means that something was
//! accepted lately.

use super::Dispatch;
use crate::setup::ActiveIntegration;
use domain::{Environment, time::after};
use jiff::{SignedDuration, Timestamp};
use ledger::{Failure, LaneId, Outcomes, Waiting};

/// What was heard longer ago says nothing of today, and counts no more.
const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// How an integration does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// How each of its endpoints does that something can go to, production first; at least one.
    pub endpoints: Vec<EndpointHealth>,
    /// Deliveries not settled, when they were last counted.
    pub waiting: u64,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
}

/// How an endpoint does: what is in the ledger, and what this node heard since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Which of its integration's: where there is one for every environment, that of production.
    pub endpoint: Environment,
    /// The last attempts of a day that were answered, or should have been.
    pub attempts: usize,
    /// Of these, accepted.
    pub accepted: usize,
    /// When the last one was made that was accepted.
    pub accepted_at: Option<Timestamp>,
    /// The last that was not, unless something was accepted since.
    pub failure: Option<Failure>,
    /// Whether a circuit breaker holds attempts back.
    pub breaker_open: bool,
    /// Whether it asked to be left alone for a while.
    pub throttled: bool,
}

/// Health in one word.
///
/// The later in this list, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Nothing was sent lately.
    Idle,
    /// What is sent is accepted, and something was lately.
    Working,
    /// It asks to be left alone, and accepted nothing lately.
    PutOff,
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
    /// Of its endpoints, the one that does worst.
    pub fn worst(&self, now: Timestamp) -> Option<&EndpointHealth> {
        // Of two that do as badly, production.
        let from_last = self.endpoints.iter().rev();
        from_last.max_by_key(|endpoint| endpoint.condition(now))
    }

    /// In one word: what there is to say of the endpoint that does worst.
    pub fn condition(&self, now: Timestamp) -> Condition {
        let worst = self.worst(now);
        worst.map_or(Condition::Idle, |endpoint| endpoint.condition(now))
    }
}

impl EndpointHealth {
    fn of(endpoint: Environment, known: &Outcomes, now: Timestamp) -> Self {
        let lately = after(now, -LATELY);
        Self {
            endpoint,
            attempts: known.attempts(lately),
            accepted: known.accepted_attempts(lately),
            accepted_at: known.accepted_at(),
            failure: known.failure().cloned(),
            breaker_open: known.is_left_alone(),
            throttled: known.is_put_off(now),
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
    pub fn health(&self, active: &ActiveIntegration) -> Health {
        let (integration, now) = (active.row.id, self.core.system().now());
        let endpoints = active.endpoints().into_iter().map(|endpoint| {
            let lane = LaneId {
                integration,
                endpoint,
            };
            EndpointHealth::of(endpoint, &self.known(lane), now)
        });
        let waiting = self.state.waiting.lock().get(&integration).copied();
        Health {
            endpoints: endpoints.collect(),
            waiting: waiting.map_or(0, |waiting| waiting.count),
            oldest: waiting.map(|waiting| waiting.oldest),
        }
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

    fn of(outcomes: &[(bool, usize)], now: Timestamp) -> EndpointHealth {
        EndpointHealth::of(Environment::Production, &heard(outcomes), now)
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
            let health = of(outcomes, at(600));
            assert_eq!(health.condition(at(600)), condition, "{outcomes:?}");
            assert!(health.attempts <= REMEMBERED);
        }
        let open = EndpointHealth {
            breaker_open: true,
            ..of(&[(true, 30)], at(600))
        };
        assert_eq!(open.condition(at(600)), Condition::Failing);
    }

    #[test]
    fn what_was_heard_longer_than_a_day_ago_counts_no_more() {
        let day = 24 * 3600;
        for (outcomes, now, attempts, condition) in [
            (&[(true, 30)][..], 30 + day, 1, Condition::Working),
            (&[(true, 30)], 31 + day, 0, Condition::Idle),
            // Nothing of today is hidden by what was yesterday, and nothing of today is blamed for it.
            (&[(true, 20), (false, 1)], 21 + day, 1, Condition::Failing),
            (&[(false, 20), (true, 1)], 21 + day, 1, Condition::Working),
            (&[(false, 20)], 21 + day, 0, Condition::Idle),
        ] {
            let health = of(outcomes, at(now));
            assert_eq!(health.attempts, attempts, "{outcomes:?} {now}");
            assert_eq!(health.condition(at(now)), condition, "{outcomes:?} {now}");
        }
        let failure = of(&[(false, 20)], at(21 + day)).failure;
        assert_eq!(failure.unwrap().at, at(20), "it is told with its time");
    }

    #[test]
    fn one_that_asks_to_be_left_alone_and_takes_nothing_is_not_working() {
        let asks = |health| EndpointHealth {
            throttled: true,
            ..health
        };
        let alone = asks(of(&[], at(0)));
        assert_eq!(alone.condition(at(0)), Condition::PutOff);
        let now_and_then = asks(of(&[(true, 30)], at(60)));
        assert_eq!(now_and_then.condition(at(60)), Condition::Working);
    }

    #[test]
    fn the_worst_endpoint_is_told_and_no_other_hides_it() {
        let now = at(600);
        let sandbox = |outcomes| EndpointHealth {
            endpoint: Environment::Sandbox,
            ..of(outcomes, now)
        };
        for (production, others, worst, condition) in [
            (&[(false, 29)][..], &[(true, 30)][..], 0, Condition::Failing),
            (&[(true, 30)], &[(false, 29)], 1, Condition::Failing),
            (&[(true, 30)], &[], 0, Condition::Working),
            (&[], &[(true, 30)], 1, Condition::Working),
            (&[(false, 2)], &[(false, 2)], 0, Condition::Failing),
        ] {
            let health = Health {
                endpoints: vec![of(production, now), sandbox(others)],
                ..Health::default()
            };
            assert_eq!(health.worst(now), health.endpoints.get(worst));
            assert_eq!(health.condition(now), condition);
        }
        assert_eq!(Health::default().condition(now), Condition::Idle);
    }
}
