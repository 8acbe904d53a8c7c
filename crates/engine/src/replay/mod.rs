//! Replays: past events sent to an integration again, or for the first time.
//!
//! A replay follows the events of its span by cursor and queues, a step a second, as many deliveries as its rate allows.
//! What was delivered or failed before goes out again with the id it had; what was never meant to be sent is planned with
//! the settings of now. Each step is one commit against the progress it was computed from, so that a crash, or another node
//! that takes the same step, repeats nothing.
//!
//! A first load is a replay of another kind: not of what happened, but of how every customer stands ([`states`]).

mod fate;
mod forecast;
mod states;
mod step;

pub use forecast::Forecast;

use crate::{ActiveIntegration, Core, Dispatch};
use domain::{ProjectId, ReplayId};
use ledger::{Choice, EventFilter, LedgerError, Page, Progress, Replay, ReplayState, ReplayWhat};

/// Events read at once.
const PAGE: usize = 200;

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

/// A replay that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// As it is.
    pub replay: Replay,
    /// Whether it began now: the same request may have been made before.
    pub is_new: bool,
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

    /// Begins a replay: its first step follows within a second. Where the same request was made before, answers with the replay that it began.
    pub async fn start(
        &self,
        active: &ActiveIntegration,
        choice: Choice,
        per_second: u32,
        by: &str,
        asked_as: Option<String>,
    ) -> Result<Begun, LedgerError> {
        let now = self.core.system().now();
        let filter = filter(active.row.project, &choice);
        let at = async |page| -> Result<Option<u64>, LedgerError> {
            let rows = self.core.ledger().events(&filter, page).await?;
            Ok(rows.first().map(|row| row.position))
        };
        let (first, last) = match choice.what {
            ReplayWhat::Events => {
                let first = at(Page::After(0, 1)).await?.map_or(0, |first| first - 1);
                (first, at(Page::Before(None, 1)).await?.unwrap_or(first))
            }
            ReplayWhat::States => (0, 0),
        };
        let id = ReplayId::new(self.core.system().uuid());
        let replay = Replay {
            id,
            project: active.row.project,
            integration: active.row.id,
            choice,
            per_second: per_second.clamp(1, REPLAY_RATES.most),
            by: by.to_owned(),
            asked_as,
            started_at: now,
            first,
            last,
            progress: Progress {
                state: ReplayState::Running,
                after: first,
                customer: None,
                again: 0,
                new: 0,
                refused: 0,
                at: now,
            },
        };
        let replay = self.core.ledger().start_replay(replay).await?;
        let is_new = replay.id == id;
        Ok(Begun { replay, is_new })
    }

    /// Stops a replay. What it has queued is sent. `false` when it is not going on.
    pub async fn cancel(&self, project: ProjectId, id: ReplayId) -> Result<bool, LedgerError> {
        let now = self.core.system().now();
        self.core.ledger().cancel_replay(project, id, now).await
    }
}
