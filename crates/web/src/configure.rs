//! Changing a part of a project: planned, checked, applied.

mod named;

pub use named::{Kind, Named, put, remove};

use crate::{App, access::Caller, problem::Problem, project::InProject};
use configuration::{Desired, Means};
use engine::Setup;
use ledger::{Configuration, ConfigurationChange, Deliveries, Integration, LedgerError};
use std::sync::Arc;

/// What became of a part of a project: the steps that were taken, or every problem.
pub type Configured =
    Result<Result<Vec<(configuration::Action, String)>, Vec<configuration::Problem>>, Problem>;

/// Plans and applies a part of a project.
pub async fn configure(app: &App, caller: &Caller, desired: &Desired) -> Configured {
    let setup = app.engine.setup();
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
        taken.push((step.action, step.subject));
        changes.extend(step.change);
    }
    commit(app, caller, &setup, changes).await?;
    Ok(Ok(taken))
}

fn plan(
    app: &App,
    setup: &Setup,
    desired: &Desired,
) -> Result<Vec<configuration::Step>, Vec<configuration::Problem>> {
    let context = destinations::Context {
        public_url: app.engine.public_url().to_owned(),
    };
    let means = Means {
        current: &setup.configuration,
        vault: app.engine.vault(),
        context: &context,
        fresh: &|| app.engine.system().uuid(),
    };
    configuration::plan(desired, &means)
}

/// Commits changes that were decided on `setup`, the caller's right to them included.
///
/// Errors: the configuration has moved since, and nothing was changed.
pub async fn commit(
    app: &App,
    caller: &Caller,
    setup: &Setup,
    changes: Vec<ConfigurationChange>,
) -> Result<(), Problem> {
    let is_still = caller.is_still(setup);
    let is_done = changes.is_empty()
        || (is_still && app.engine.configure(setup, changes, &caller.name).await?);
    if is_done {
        Ok(())
    } else {
        Err(Problem::changed_meanwhile())
    }
}

/// Times that a decision is made again before whoever asked is told to.
const TRIES: usize = 10;

/// What is decided on a configuration: changes, and what is answered once they are committed.
pub type Decision<T> = Result<(Vec<ConfigurationChange>, T), Problem>;

/// Decides on the configuration and commits against what was decided on; decides again where that has moved meanwhile.
pub async fn decide<T>(
    app: &App,
    by: &str,
    decision: impl Fn(&Arc<Setup>) -> Decision<T>,
) -> Result<T, Problem> {
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
    let by = &project.caller.name;
    decide(app, by, |setup| decision(&project.on(setup)?)).await
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
