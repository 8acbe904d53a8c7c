//! Changing a part of a project: planned, checked, applied.

mod named;

pub use named::{Kind, Named, put, put_unless, remove};

use crate::{App, access::Caller, problem::Problem, project::InProject};
use configuration::{Action, Desired, Means};
use domain::secret::Secret;
use engine::Setup;
use ledger::{Configuration, ConfigurationChange, Deliveries, Integration, LedgerError};
use std::sync::Arc;

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What happened.
    pub action: Action,
    /// To what: `integration backend`.
    pub subject: String,
    /// A secret to sign with that was made for it; whoever asked is told it now or never.
    pub made: Option<Secret>,
}

/// What became of a part of a project: the steps that were taken, or every problem.
pub type Configured = Result<Result<Vec<Taken>, Vec<configuration::Problem>>, Problem>;

/// Plans and applies a part of a project; plans again where the configuration has moved meanwhile.
///
/// Errors: the caller may no longer do it, or the configuration moves all the time.
pub async fn configure(app: &App, caller: &Caller, desired: &Desired) -> Configured {
    configure_unless(app, caller, desired, |_| Vec::new()).await
}

/// [`configure`] where the configuration that is planned on allows it: what is new is not there yet. `refusals` says what is wrong.
pub async fn configure_unless(
    app: &App,
    caller: &Caller,
    desired: &Desired,
    refusals: impl Fn(&Arc<Setup>) -> Vec<configuration::Problem>,
) -> Configured {
    let _turn = app.engine.turn_to_decide().await;
    for _ in 0..TRIES {
        let setup = app.engine.setup();
        let refused = refusals(&setup);
        if !refused.is_empty() {
            return Ok(Err(refused));
        }
        let steps = match plan(app, &setup, desired) {
            Ok(steps) => steps,
            Err(problems) => return Ok(Err(problems)),
        };
        let problems = under_backlog(app.engine.ledger(), &steps, &setup.configuration).await?;
        if !problems.is_empty() {
            return Ok(Err(problems));
        }
        let (mut taken, mut changes) = (Vec::new(), Vec::new());
        for step in steps {
            taken.push(Taken {
                action: step.action,
                subject: step.subject,
                made: step.made,
            });
            changes.extend(step.change);
        }
        if changes.is_empty() {
            return Ok(Ok(taken));
        }
        if !caller.is_still(&setup) {
            break;
        }
        if app
            .engine
            .configure(&setup, changes, &caller.signed())
            .await?
        {
            return Ok(Ok(taken));
        }
    }
    Err(Problem::changed_meanwhile())
}

fn plan(
    app: &App,
    setup: &Setup,
    desired: &Desired,
) -> Result<Vec<configuration::Step>, Vec<configuration::Problem>> {
    let means = Means {
        current: &setup.configuration,
        vault: app.engine.vault(),
        public_url: app.engine.public_url(),
        fresh: &|| app.engine.system().uuid(),
    };
    configuration::plan(desired, &means)
}

/// Times that a decision is made before whoever asked is told to try again: on this node one decides after the other, so that
/// each time another node was faster.
const TRIES: usize = 32;

/// What is decided on a configuration: changes, and what is answered once they are committed.
pub type Decision<T> = Result<(Vec<ConfigurationChange>, T), Problem>;

/// Decides on the configuration and commits against what was decided on; decides again where that has moved meanwhile.
pub async fn decide<T>(
    app: &App,
    by: &str,
    decision: impl Fn(&Arc<Setup>) -> Decision<T>,
) -> Result<T, Problem> {
    let _turn = app.engine.turn_to_decide().await;
    for _ in 0..TRIES {
        let setup = app.engine.setup();
        let (changes, answer) = decision(&setup)?;
        if changes.is_empty() || app.engine.configure(&setup, changes, by).await? {
            return Ok(answer);
        }
    }
    Err(Problem::changed_meanwhile())
}

/// [`decide`] for a caller in a project, whose right to it is part of the decision.
pub async fn decide_in<T>(
    app: &App,
    project: &InProject,
    decision: impl Fn(&InProject) -> Decision<T>,
) -> Result<T, Problem> {
    let by = project.caller.signed();
    decide(app, &by, |setup| decision(&project.on(setup)?)).await
}

/// What of a plan cannot be done because of what waits: an integration keeps its destination until all is sent.
pub async fn under_backlog(
    ledger: &(impl Deliveries + ?Sized),
    steps: &[configuration::Step],
    current: &Configuration,
) -> Result<Vec<configuration::Problem>, LedgerError> {
    let mut handed_over = configuration::handed_over(steps, current).peekable();
    if handed_over.peek().is_none() {
        return Ok(Vec::new());
    }
    let backlog = ledger.backlog().await?;
    let waits = |known: &&Integration| {
        backlog
            .iter()
            .any(|waiting| waiting.integration == known.id)
    };
    Ok(handed_over
        .filter(waits)
        .map(configuration::under_backlog)
        .collect())
}
