//! The numbers beside the sections of a project: what needs somebody.

use crate::health;
use domain::ProjectId;
use ledger::ParkedCount;
use web::{App, callback_path, problem::Problem, project::InProject};

/// How many integrations need attention.
pub(crate) fn troubled(app: &App, project: &InProject) -> Result<u64, Problem> {
    let integrations = project.integrations()?.iter();
    let troubled = integrations.filter(|active| health::Shown::of(app, active).is_trouble());
    Ok(troubled.count() as u64)
}

/// How many messages of a project wait for more than the first answer of their store.
pub(crate) async fn parked(app: &App, project: ProjectId) -> Result<u64, Problem> {
    let waiting = parked_by_app(app, project).await?;
    Ok(waiting.iter().map(|waiting| waiting.count).sum())
}

/// The same, app by app.
pub(crate) async fn parked_by_app(
    app: &App,
    project: ProjectId,
) -> Result<Vec<ParkedCount>, Problem> {
    let now = app.engine.system().now();
    Ok(app.engine.ledger().count_parked(project, now).await?)
}

/// Whether a project lives: a store was heard, or purchases are stated to it, and there is somebody to tell. Until then every
/// page leads back to the start.
pub(crate) async fn is_over(app: &App, project: &InProject) -> Result<bool, Problem> {
    if project.integrations()?.is_empty() {
        return Ok(false);
    }
    for row in project.apps() {
        if callback_path(row).is_none() || app.engine.intake().last_heard(row.id).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
