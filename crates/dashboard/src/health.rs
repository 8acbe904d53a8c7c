//! How an integration does, in one word and one colour, and how each of its endpoints does.

use crate::text::exact;
use domain::NotSent;
use engine::{ActiveIntegration, Condition, EndpointHealth, Health};
use jiff::Timestamp;
use ledger::{Failure, Verification};
use web::{App, counted};

/// The health of an integration, or what holds it, as pages show it.
pub(crate) struct Shown {
    pub(crate) state: String,
    pub(crate) color: &'static str,
    pub(crate) problem: String,
    /// Each of its endpoints, of which the word is made.
    pub(crate) endpoints: Vec<EndpointShown>,
    health: Health,
}

/// The health of an endpoint.
pub(crate) struct EndpointShown {
    pub(crate) endpoint: &'static str,
    pub(crate) state: &'static str,
    pub(crate) color: &'static str,
    /// The share of the last attempts that was accepted; empty before the first.
    pub(crate) share: String,
    /// When one was last accepted, if any was.
    pub(crate) accepted: String,
    /// The last that was not, and when, unless one was since.
    pub(crate) problem: String,
    pub(crate) failed: String,
}

const fn word(condition: Condition) -> (&'static str, &'static str) {
    match condition {
        Condition::Idle => ("idle", "grey"),
        Condition::PutOff => ("asked to wait", "blue"),
        Condition::Working => ("working", "green"),
        Condition::Wavering => ("wavering", "warn"),
        Condition::Failing => ("failing", "red"),
    }
}

fn told(failure: &Failure) -> String {
    format!("{} {}", failure.reason.text(), failure.detail)
}

impl EndpointShown {
    fn of(health: &EndpointHealth, now: Timestamp) -> Self {
        let (state, color) = word(health.condition(now));
        let failure = health.failure.as_ref();
        let share = (health.accepted * 100).checked_div(health.attempts);
        let share = share.map(|share| {
            let attempts = counted(health.attempts, "attempt");
            format!("{share} % of {attempts}")
        });
        Self {
            endpoint: health.endpoint.id(),
            state,
            color,
            share: share.unwrap_or_default(),
            accepted: health.accepted_at.map(exact).unwrap_or_default(),
            problem: failure.map(told).unwrap_or_default(),
            failed: failure.map(|failure| exact(failure.at)).unwrap_or_default(),
        }
    }
}

impl Shown {
    pub(crate) fn of(app: &App, active: &ActiveIntegration) -> Self {
        let health = app.engine.dispatch().health(active);
        let mut problem = match (&active.configured, &active.row.verification) {
            (Err(problem), _)
            | (
                Ok(_),
                Verification::Failed { problem, .. } | Verification::Refused { problem, .. },
            ) => problem.clone(),
            _ => String::new(),
        };
        let now = app.engine.system().now();
        let condition = health.condition(now);
        let (word, color) = match active.held() {
            Some(NotSent::IntegrationPaused) => ("paused", "blue"),
            Some(NotSent::EndpointUnverified) if problem.is_empty() => ("verifying", "blue"),
            Some(NotSent::EndpointUnverified) => ("not verified", "red"),
            Some(_) => ("not usable", "red"),
            None => word(condition),
        };
        let mut state = word.to_owned();
        if active.held().is_none() && condition > Condition::Working {
            let worst = health.worst(now);
            if let Some(worst) = worst.filter(|_| health.endpoints.len() > 1) {
                state = format!("{word} ({})", worst.endpoint.id());
            }
            let failing = worst.filter(|_| condition == Condition::Failing);
            if let Some((worst, failure)) =
                failing.and_then(|worst| Some((worst, worst.failure.as_ref()?)))
            {
                problem = told(failure);
                if health.endpoints.len() > 1 {
                    problem = format!("{}: {problem}", worst.endpoint.id());
                }
            }
        }
        Self {
            state,
            color,
            problem,
            endpoints: health
                .endpoints
                .iter()
                .map(|endpoint| EndpointShown::of(endpoint, now))
                .collect(),
            health,
        }
    }

    pub(crate) fn is_trouble(&self) -> bool {
        self.color == "red"
    }

    /// When an attempt at any of its endpoints was last accepted.
    pub(crate) fn accepted_at(&self) -> Option<Timestamp> {
        let endpoints = self.health.endpoints.iter();
        endpoints.filter_map(|endpoint| endpoint.accepted_at).max()
    }

    /// The last attempt that was not, unless one at the same endpoint was since.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        let endpoints = self.health.endpoints.iter();
        let failures = endpoints.filter_map(|endpoint| endpoint.failure.as_ref());
        failures.max_by_key(|failure| failure.at)
    }

    /// Whether any of the last attempts was not.
    pub(crate) fn has_failed(&self) -> bool {
        let mut endpoints = self.health.endpoints.iter();
        endpoints.any(|endpoint| endpoint.accepted < endpoint.attempts)
    }

    /// The share of the last attempts that was accepted, at each endpoint that was attempted; empty before the first.
    pub(crate) fn share(&self) -> String {
        let attempted = self
            .endpoints
            .iter()
            .filter(|known| !known.share.is_empty());
        let told = attempted.map(|known| match self.endpoints.len() {
            1 => known.share.clone(),
            _ => format!("{} {}", known.endpoint, known.share),
        });
        told.collect::<Vec<_>>().join(", ")
    }
}
