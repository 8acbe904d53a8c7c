//! Changing a part of a project: planned, checked, applied.

use crate::{App, access::Caller, problem::Problem};
use configuration::{self as desired, Desired, Means};
use ledger::{Configuration, Deliveries, Integration, LedgerError};

/// Plans and applies a part of a project. Either the steps that were taken, or every problem.
pub async fn configure(
    app: &App,
    caller: &Caller,
    desired: &Desired,
) -> Result<Result<Vec<(desired::Action, String)>, Vec<desired::Problem>>, Problem> {
    let planned = {
        let setup = app.engine.setup();
        let context = destinations::Context {
            public_url: app.engine.public_url().to_owned(),
        };
        let fresh = || app.engine.system().uuid();
        desired::plan(
            desired,
            &Means {
                current: &setup.configuration,
                vault: app.engine.vault(),
                context: &context,
                fresh: &fresh,
            },
        )
    };
    let steps = match planned {
        Ok(steps) => steps,
        Err(problems) => return Ok(Err(problems)),
    };
    let problems = {
        let setup = app.engine.setup();
        under_backlog(app.engine.ledger(), &steps, &setup.configuration).await?
    };
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let (mut taken, mut changes) = (Vec::new(), Vec::new());
    for step in steps {
        taken.push((step.action, step.subject));
        changes.extend(step.change);
    }
    if !changes.is_empty() && !app.engine.configure(changes, &caller.name).await? {
        return Err(Problem::changed_meanwhile());
    }
    Ok(Ok(taken))
}

/// What of a plan cannot be done because of what waits: an integration keeps its destination until all is sent.
pub async fn under_backlog(
    ledger: &(impl Deliveries + ?Sized),
    steps: &[desired::Step],
    current: &Configuration,
) -> Result<Vec<desired::Problem>, LedgerError> {
    let mut handed_over = desired::handed_over(steps, current).peekable();
    if handed_over.peek().is_none() {
        return Ok(Vec::new());
    }
    let backlog = ledger.backlog().await?;
    let waits = |known: &&Integration| backlog.iter().any(|(id, _)| *id == known.id);
    Ok(handed_over
        .filter(waits)
        .map(desired::under_backlog)
        .collect())
}
