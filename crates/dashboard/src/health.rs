//! How an integration does, in one word and one colour, and how each of its endpoints does.

use crate::text::exact;
use domain::NotSent;
use engine::{ActiveIntegration, Condition, EndpointHealth, Health};
use jiff::Timestamp;
use ledger::{Failure, Verification};
use web::{App, counted};

/// The health of an integration, or what holds it, as pages show it: as that of the endpoint that does worst.
pub(crate) struct Shown {
    pub(crate) state: String,
    pub(crate) color: &'static str,
    pub(crate) problem: String,
    /// Since when deliveries are held for that; empty where they are not.
    pub(crate) since: String,
    /// Each of its endpoints, of which the word is made.
    pub(crate) endpoints: Vec<EndpointShown>,
    health: Health,
}

/// The health of an endpoint, or what holds it.
pub(crate) struct EndpointShown {
    pub(crate) endpoint: &'static str,
    pub(crate) state: &'static str,
    pub(crate) color: &'static str,
    /// What is wrong with it, where something is.
    pub(crate) problem: String,
    /// Since when deliveries are held for that; empty where they are not.
    pub(crate) since: String,
    /// The share of the last attempts that was accepted; empty before the first.
    pub(crate) share: String,
    /// When one was last accepted, if any was.
    pub(crate) accepted: String,
    /// The last that was not, and when, unless one was since.
    pub(crate) failure: String,
    pub(crate) failed: String,
    /// What stands there where there is none.
    pub(crate) no_failure: &'static str,
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

/// The higher, the sooner somebody has to look.
fn rank(color: &str) -> usize {
    let all = ["grey", "green", "blue", "warn", "red"];
    let found = all.iter().position(|known| *known == color);
    found.unwrap_or(all.len())
}

fn told(failure: &Failure) -> String {
    format!("{} {}", failure.reason.text(), failure.detail)
}

impl EndpointShown {
    fn of(active: &ActiveIntegration, health: &EndpointHealth, now: Timestamp) -> Self {
        let condition = health.condition(now);
        let failure = health.failure.as_ref();
        let wrong = match active.row.verification.of(health.endpoint) {
            Verification::Failed { problem, at } | Verification::Refused { problem, at, .. } => {
                Some((problem, at))
            }
            Verification::Passed | Verification::Pending => None,
        };
        let (state, color) = match (active.held(health.endpoint), wrong) {
            (Some(NotSent::IntegrationPaused), _) => ("paused", "blue"),
            (Some(NotSent::EndpointUnverified), None) => ("verifying", "blue"),
            (Some(NotSent::EndpointUnverified), Some(_)) => ("not verified", "red"),
            (Some(_), _) => ("not usable", "red"),
            (None, _) => word(condition),
        };
        let is_failing = state == "failing";
        let problem = match (&active.configured, wrong) {
            (Err(problem), _) | (Ok(_), Some((problem, _))) => Some(problem.clone()),
            _ => failure.filter(|_| is_failing).map(told),
        };
        let share = (health.accepted * 100).checked_div(health.attempts);
        let share = share.map(|share| {
            let attempts = counted(health.attempts, "attempt");
            format!("{share} % of {attempts}")
        });
        Self {
            endpoint: health.endpoint.id(),
            state,
            color,
            problem: problem.unwrap_or_default(),
            since: wrong.map(|(_, at)| exact(*at)).unwrap_or_default(),
            share: share.unwrap_or_default(),
            accepted: health.accepted_at.map(exact).unwrap_or_default(),
            failure: failure.map(told).unwrap_or_default(),
            failed: failure.map(|failure| exact(failure.at)).unwrap_or_default(),
            no_failure: if health.accepted < health.attempts {
                "accepted since"
            } else {
                "none"
            },
        }
    }
}

impl Shown {
    pub(crate) fn of(app: &App, active: &ActiveIntegration) -> Self {
        let health = app.engine.dispatch().health(active);
        let now = app.engine.system().now();
        let all = health.endpoints.iter();
        let endpoints: Vec<_> = all.map(|of| EndpointShown::of(active, of, now)).collect();
        // Of two that do as badly, production.
        let worst = endpoints.iter().rev().max_by_key(|of| rank(of.color));
        let mut shown = Self {
            state: "idle".into(),
            color: "grey",
            problem: String::new(),
            since: String::new(),
            endpoints: Vec::new(),
            health,
        };
        if let Some(worst) = worst {
            let is_one_of_several = endpoints.iter().any(|of| of.state != worst.state);
            shown.color = worst.color;
            shown.problem.clone_from(&worst.problem);
            shown.since.clone_from(&worst.since);
            shown.state = match worst.color {
                "grey" | "green" => worst.state.to_owned(),
                _ if !is_one_of_several => worst.state.to_owned(),
                _ => format!("{} ({})", worst.state, worst.endpoint),
            };
        }
        shown.endpoints = endpoints;
        shown
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
