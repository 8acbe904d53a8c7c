//! The next step of a replay: as many deliveries as its rate allows in a second, in one commit.

use super::{
    PAGE, Replays,
    fate::{Fate, fate},
    filter,
};
use crate::ActiveIntegration;
use domain::time::is_recent;
use jiff::{SignedDuration, Timestamp};
use ledger::{LedgerError, Page, Progress, Replay, ReplayState, ReplayStep, ReplayWhat};

/// Events a step looks at, whether it queues them or not.
const MOST_LOOKED_AT: usize = 4_000;
/// Between two steps.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);

impl Replays {
    /// Takes the next step of every replay that is due for one.
    pub(crate) async fn step(&self) -> Result<(), LedgerError> {
        let now = self.core.system().now();
        for replay in self.core.ledger().running_replays().await? {
            let has_begun = replay.progress.after != replay.first;
            if !has_begun || !is_recent(replay.progress.at, now, PAUSE) {
                self.step_one(replay, now).await?;
            }
        }
        Ok(())
    }

    async fn step_one(&self, replay: Replay, now: Timestamp) -> Result<(), LedgerError> {
        let mut setup = self.core.setup();
        if setup.integration(replay.integration).is_none() {
            // Another node may have just put it there.
            self.core.reload().await?;
            setup = self.core.setup();
        }
        let Some(active) = setup.integration(replay.integration) else {
            self.cancel(replay.project, replay.id).await?;
            return Ok(());
        };
        // What is held would only pile up.
        if active.held_everywhere().is_some() {
            return Ok(());
        }
        let mut step = ReplayStep {
            progress: Progress {
                at: now,
                ..replay.progress
            },
            again: Vec::new(),
            new: Vec::new(),
            ordered: active.spec.ordered,
            replay,
        };
        let told = step.progress.new;
        match step.replay.choice.what {
            ReplayWhat::Events => self.look(active, &mut step, now).await?,
            ReplayWhat::States => self.look_at_customers(active, &mut step, now).await?,
        }
        let (id, progress) = (step.replay.id, step.progress);
        let queued = step.again.len() as u64 + progress.new - told;
        if self.core.ledger().step_replay(step).await? && queued > 0 {
            tracing::info!(replay.id = %id, queued, "a replay went on");
            self.dispatch.wake();
            self.core.note_change();
        }
        if progress.state == ReplayState::Done {
            tracing::info!(replay.id = %id, again = progress.again, new = progress.new, "a replay is done");
        }
        Ok(())
    }

    /// Goes through events until the step is full or there are no more.
    async fn look(
        &self,
        active: &ActiveIntegration,
        step: &mut ReplayStep,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let filter = filter(step.replay.project, &step.replay.choice);
        let room = step.replay.per_second as usize;
        let mut looked_at = 0;
        loop {
            let page = Page::After(step.progress.after, PAGE);
            let rows = self.core.ledger().events(&filter, page).await?;
            let is_last = rows.len() < PAGE;
            for row in rows {
                if row.position > step.replay.last {
                    step.progress.state = ReplayState::Done;
                    return Ok(());
                }
                looked_at += 1;
                let queued = step.again.len() + step.new.len();
                match fate(&row, active, &step.replay.choice, now) {
                    // A step takes one event at least, however many messages it is.
                    Fate::Again(_, ids) if queued == 0 || queued + ids.len() <= room => {
                        step.progress.again += ids.len() as u64;
                        step.again.extend(ids);
                    }
                    Fate::New(new) if queued == 0 || queued + new.len() <= room => {
                        step.progress.new += new.len() as u64;
                        step.new.extend(new);
                    }
                    Fate::Again(..) | Fate::New(_) => return Ok(()),
                    Fate::Refused(_) => step.progress.refused += 1,
                    Fate::UnderWay | Fate::Passed => {}
                }
                step.progress.after = row.position;
            }
            if is_last {
                step.progress.state = ReplayState::Done;
                return Ok(());
            }
            if looked_at >= MOST_LOOKED_AT {
                return Ok(());
            }
        }
    }
}
