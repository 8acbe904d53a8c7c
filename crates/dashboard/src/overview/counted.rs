//! How many subscriptions run: counted at most every few minutes, because it looks at every purchase.

use domain::{ProjectId, time::is_recent};
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use ledger::Running;
use std::collections::BTreeMap;
use web::{App, problem::Problem};

/// How long a count is good.
const COUNTED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Counts of running subscriptions that were made a moment ago, by project.
#[derive(Debug, Default)]
pub(crate) struct Counted(Guarded<BTreeMap<ProjectId, (Timestamp, Vec<Running>)>>);

impl Counted {
    /// The counts of a project, and when they were made.
    pub(crate) async fn running(
        &self,
        app: &App,
        project: ProjectId,
        now: Timestamp,
    ) -> Result<(Timestamp, Vec<Running>), Problem> {
        let known = {
            let counted = self.0.lock();
            counted.get(&project).cloned()
        };
        if let Some((at, counts)) = known.filter(|(at, _)| is_recent(*at, now, COUNTED_FOR)) {
            return Ok((at, counts));
        }
        let counts = app.engine.ledger().running(project, now).await?;
        let mut counted = self.0.lock();
        counted.insert(project, (now, counts.clone()));
        Ok((now, counts))
    }
}
