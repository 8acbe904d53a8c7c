//! How an integration does, in one word and one colour.

use domain::NotSent;
use engine::{ActiveIntegration, Condition, Health};
use ledger::Verification;
use web::App;

/// The health of an integration, or what holds it, as pages show it.
pub(crate) struct Shown {
    pub(crate) state: &'static str,
    pub(crate) color: &'static str,
    pub(crate) problem: String,
    /// What the word is made of.
    pub(crate) health: Health,
}

impl Shown {
    pub(crate) fn of(app: &App, active: &ActiveIntegration) -> Self {
        let health = app.engine.dispatch().health(active.row.id);
        let mut problem = match (&active.configured, &active.row.verification) {
            (Err(problem), _)
            | (
                Ok(_),
                Verification::Failed { problem, .. } | Verification::Refused { problem, .. },
            ) => problem.clone(),
            _ => String::new(),
        };
        let condition = health.condition(app.engine.system().now());
        let (state, color) = match active.held() {
            Some(NotSent::IntegrationPaused) => ("paused", "blue"),
            Some(NotSent::EndpointUnverified) if problem.is_empty() => ("verifying", "blue"),
            Some(NotSent::EndpointUnverified) => ("not verified", "red"),
            Some(_) => ("not usable", "red"),
            None => match condition {
                Condition::Idle => ("idle", "grey"),
                Condition::PutOff => ("asked to wait", "blue"),
                Condition::Working => ("working", "green"),
                Condition::Wavering => ("wavering", "warn"),
                Condition::Failing => ("failing", "red"),
            },
        };
        let is_failing = condition == Condition::Failing;
        if active.held().is_none()
            && let Some(failure) = health.failure.as_ref().filter(|_| is_failing)
        {
            problem = format!("{} {}", failure.reason.text(), failure.detail);
        }
        Self {
            state,
            color,
            problem,
            health,
        }
    }

    pub(crate) fn is_trouble(&self) -> bool {
        self.color == "red"
    }
}
