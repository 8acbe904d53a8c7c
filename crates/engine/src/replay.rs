//! Replays: past events sent to an integration again, or for the first time.
//!
//! A replay follows the events of its span by cursor and queues, a step a second, as many deliveries as its rate allows.
//! What was delivered or failed before goes out again with the id it had; what was never meant to be sent is planned with
//! the settings of now. Each step is one commit against the progress it was computed from, so that a crash, or another node
//! that takes the same step, repeats nothing.

use crate::{ActiveIntegration, Core, Dispatch, decide};
use domain::{DeliveryId, Event, EventKind, NotSent, ProjectId, ReplayId, time::after};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    Choice, DeliveryState, EventFilter, FeedRow, IntegrationState, LedgerError, NewDelivery, Page,
    Progress, Replay, ReplayState, ReplayStep, Standing,
};
use std::collections::BTreeMap;

/// Events read at once.
const PAGE: usize = 200;
/// Events a forecast looks at.
const FORESEEN: u64 = 20_000;
/// Events a step looks at, whether it queues them or not.
const MOST_LOOKED_AT: usize = 4_000;
/// Events a forecast shows.
const SAMPLES: usize = 10;
/// Between two steps.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// How fast a replay may go, in deliveries a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayRates {
    /// When nobody says otherwise.
    pub usual: u32,
    /// At most.
    pub most: u32,
}

/// How fast replays go.
pub const REPLAY_RATES: ReplayRates = ReplayRates {
    usual: 20,
    most: 500,
};

/// The room where past events are sent again. Cheap to clone.
#[derive(Clone)]
pub struct Replays {
    core: Core,
    dispatch: Dispatch,
}

/// What a replay would do.
#[derive(Debug, Default)]
pub struct Forecast {
    /// Events looked at.
    pub events: u64,
    /// Events that would be sent, by how they stand now.
    pub sent: BTreeMap<Standing, u64>,
    /// Events that present settings do not send, by why.
    pub refused: BTreeMap<NotSent, u64>,
    /// Events whose delivery is on its way already.
    pub under_way: u64,
    /// Some of those that would be sent, first ones first.
    pub samples: Vec<(Event, Standing)>,
    /// Whether all events were looked at; there are more than these otherwise.
    pub is_complete: bool,
}

impl Forecast {
    /// Events that would be sent.
    pub fn total(&self) -> u64 {
        self.sent.values().sum()
    }
}

/// What becomes of one event.
enum Fate {
    Again(Standing, Vec<DeliveryId>),
    New(Vec<NewDelivery>),
    Refused(NotSent),
    UnderWay,
    /// It stands as nobody asked for.
    Passed,
}

fn fate(row: &FeedRow, active: &ActiveIntegration, choice: &Choice, now: Timestamp) -> Fate {
    let deliveries: Vec<(DeliveryId, DeliveryState)> = row
        .integrations
        .iter()
        .filter(|(id, _)| *id == active.row.id)
        .filter_map(|(_, stands)| match stands {
            IntegrationState::Delivery { id, state, .. } => Some((*id, *state)),
            IntegrationState::NotSent(_) => None,
        })
        .collect();
    let wanted = |standing| choice.standings.contains(&standing);
    // A test is of the one integration it was made for.
    if row.event.kind == EventKind::Test && deliveries.is_empty() {
        return Fate::Passed;
    }
    if deliveries.is_empty() {
        if !wanted(Standing::NeverSent) {
            return Fate::Passed;
        }
        let planned = decide::plan(&row.event, std::slice::from_ref(active), now);
        return match planned.not_sent.first() {
            Some((_, why)) => Fate::Refused(*why),
            None if planned.deliveries.is_empty() => Fate::Refused(NotSent::EventUnsupported),
            None => Fate::New(planned.deliveries),
        };
    }
    let of = |wanted: DeliveryState| -> Vec<DeliveryId> {
        let chosen = deliveries.iter().filter(|(_, state)| *state == wanted);
        chosen.map(|(id, _)| *id).collect()
    };
    let (failed, delivered) = (of(DeliveryState::Failed), of(DeliveryState::Delivered));
    if wanted(Standing::Failed) && !failed.is_empty() {
        let mut again = failed;
        if wanted(Standing::Delivered) {
            again.extend(delivered);
        }
        return Fate::Again(Standing::Failed, again);
    }
    if wanted(Standing::Delivered) && !delivered.is_empty() {
        return Fate::Again(Standing::Delivered, delivered);
    }
    if of(DeliveryState::Pending).is_empty() {
        Fate::Passed
    } else {
        Fate::UnderWay
    }
}

fn filter(project: ProjectId, choice: &Choice) -> EventFilter {
    EventFilter {
        project: Some(project),
        kinds: choice.kinds.clone(),
        customer: choice.customer,
        environment: choice.environment,
        since: Some(choice.since),
        until: Some(choice.until),
        ..EventFilter::default()
    }
}

impl Replays {
    /// A room whose deliveries `dispatch` sends.
    pub(crate) const fn new(core: Core, dispatch: Dispatch) -> Self {
        Self { core, dispatch }
    }

    /// What a replay would do with the settings and the events of now. Looks at 20,000 events at most.
    pub async fn foresee(
        &self,
        active: &ActiveIntegration,
        choice: &Choice,
    ) -> Result<Forecast, LedgerError> {
        let filter = filter(active.row.project, choice);
        let now = self.core.system().now();
        let (mut seen, mut after) = (Forecast::default(), 0);
        while seen.events < FORESEEN {
            let rows = self
                .core
                .ledger()
                .events(&filter, Page::After(after, PAGE))
                .await?;
            seen.is_complete = rows.len() < PAGE;
            for row in rows {
                after = row.position;
                seen.events += 1;
                let standing = match fate(&row, active, choice, now) {
                    Fate::Again(standing, _) => standing,
                    Fate::New(_) => Standing::NeverSent,
                    Fate::Refused(why) => {
                        *seen.refused.entry(why).or_default() += 1;
                        continue;
                    }
                    Fate::UnderWay => {
                        seen.under_way += 1;
                        continue;
                    }
                    Fate::Passed => continue,
                };
                *seen.sent.entry(standing).or_default() += 1;
                if seen.samples.len() < SAMPLES {
                    seen.samples.push((row.event, standing));
                }
            }
            if seen.is_complete {
                break;
            }
        }
        Ok(seen)
    }

    /// Begins a replay: its first step follows within a second.
    pub async fn start(
        &self,
        active: &ActiveIntegration,
        choice: Choice,
        per_second: u32,
        by: &str,
    ) -> Result<Replay, LedgerError> {
        let now = self.core.system().now();
        let filter = filter(active.row.project, &choice);
        let at = async |page| -> Result<Option<u64>, LedgerError> {
            let rows = self.core.ledger().events(&filter, page).await?;
            Ok(rows.first().map(|row| row.position))
        };
        let first = at(Page::After(0, 1)).await?.map_or(0, |first| first - 1);
        let last = at(Page::Before(None, 1)).await?.unwrap_or(first);
        let replay = Replay {
            id: ReplayId::new(self.core.system().uuid()),
            project: active.row.project,
            integration: active.row.id,
            choice,
            per_second: per_second.clamp(1, REPLAY_RATES.most),
            by: by.to_owned(),
            started_at: now,
            first,
            last,
            progress: Progress {
                state: ReplayState::Running,
                after: first,
                again: 0,
                new: 0,
                refused: 0,
                at: now,
            },
        };
        self.core.ledger().start_replay(replay.clone()).await?;
        Ok(replay)
    }

    /// Stops a replay. What it has queued is sent. `false` when it is not going on.
    pub async fn cancel(&self, project: ProjectId, id: ReplayId) -> Result<bool, LedgerError> {
        let now = self.core.system().now();
        self.core.ledger().cancel_replay(project, id, now).await
    }

    /// Takes the next step of every replay that is due for one.
    pub(crate) async fn step(&self) -> Result<(), LedgerError> {
        let now = self.core.system().now();
        for replay in self.core.ledger().running_replays().await? {
            let next = after(replay.progress.at, PAUSE);
            if replay.progress.after == replay.first || next <= now {
                self.step_one(replay, now).await?;
            }
        }
        Ok(())
    }

    async fn step_one(&self, replay: Replay, now: Timestamp) -> Result<(), LedgerError> {
        let setup = self.core.setup();
        let Some(active) = setup.integration(replay.integration) else {
            self.cancel(replay.project, replay.id).await?;
            return Ok(());
        };
        // What is held would only pile up.
        if active.held().is_some() {
            return Ok(());
        }
        let mut step = ReplayStep {
            progress: Progress {
                at: now,
                ..replay.progress
            },
            again: Vec::new(),
            new: Vec::new(),
            waits_until: decide::waits_until(active, now),
            replay,
        };
        self.look(active, &mut step, now).await?;
        let (id, progress) = (step.replay.id, step.progress);
        let queued = step.again.len() + step.new.len();
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
