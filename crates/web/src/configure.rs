//! Changing a part of a project: planned, checked, applied.

mod named;

pub use named::{Kind, Named, put, remove};

use crate::{App, access::Caller, problem::Problem};
use configuration::{Desired, Means};
use engine::Setup;
use ledger::{Configuration, ConfigurationChange, Deliveries, Integration, LedgerError};

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
    // Asking may have taken a while.
    if app.engine.setup().revision() != setup.revision() {
        return Err(Problem::changed_meanwhile());
    }
    let (mut taken, mut changes) = (Vec::new(), Vec::new());
    for step in steps {
        taken.push((step.action, step.subject));
        changes.extend(step.change);
    }
    commit(app, caller, changes).await?;
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

/// Commits changes that were decided on the configuration as it is in memory.
pub async fn commit(
    app: &App,
    caller: &Caller,
    changes: Vec<ConfigurationChange>,
) -> Result<(), Problem> {
    if changes.is_empty() || app.engine.configure(changes, &caller.name).await? {
        Ok(())
    } else {
        Err(Problem::changed_meanwhile())
    }
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
    let waits = |known: &&Integration| backlog.iter().any(|(id, _)| *id == known.id);
    Ok(handed_over
        .filter(waits)
        .map(configuration::under_backlog)
        .collect())
}
