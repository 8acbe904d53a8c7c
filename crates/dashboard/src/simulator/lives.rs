//! Simulated lives: a script is played against a project's sandbox, in compressed time, by this process.
//!
//! What is told is stated to the project's own simulator app and takes the way of every statement: decided, committed,
//! delivered. Only the player is held in memory: a restart ends the lives it was playing, and what they told stays.

use super::{
    cast::Cast,
    script::{Beat, Script},
};
use domain::{AppId, ProjectId};
use engine::{Accepted, Engine};
use guarded::Guarded;
use jiff::{SignedDuration, Timestamp};
use std::{collections::VecDeque, sync::Arc};
use tokio::sync::watch;

/// Lives remembered, of all projects together.
const KEPT: usize = 50;
/// Lives of one project played at the same time.
const MOST: usize = 5;

/// One thing a life tells.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) beat: Beat,
    pub(crate) at: Timestamp,
    /// How many events it led to, or why it was not taken.
    pub(crate) told: Option<Result<usize, String>>,
}

/// A life under way, or over.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) id: String,
    pub(crate) project: ProjectId,
    pub(crate) title: &'static str,
    pub(crate) cast: Cast,
    pub(crate) steps: Vec<Step>,
    pub(crate) is_over: bool,
    stop: watch::Sender<bool>,
}

/// The lives this process plays.
#[derive(Default)]
pub(crate) struct Lives(Guarded<VecDeque<Life>>);

impl std::fmt::Debug for Lives {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lives").finish_non_exhaustive()
    }
}

impl Lives {
    fn with<T>(&self, work: impl FnOnce(&mut VecDeque<Life>) -> T) -> T {
        work(&mut self.0.lock())
    }

    /// Lives of a project, the newest first.
    pub(crate) fn of(&self, project: ProjectId) -> Vec<Life> {
        self.with(|lives| {
            let of_project = lives.iter().rev().filter(|life| life.project == project);
            of_project.cloned().collect()
        })
    }

    /// Ends a life where it stands. `false` when it is none of this project's, or over.
    pub(crate) fn stop(&self, project: ProjectId, id: &str) -> bool {
        self.with(|lives| {
            let found = lives
                .iter_mut()
                .find(|life| life.id == id && life.project == project && !life.is_over);
            found.is_some_and(|life| {
                life.is_over = true;
                life.stop.send_replace(true);
                true
            })
        })
    }

    /// Plays a script from now on. `None` when the project has too many lives under way.
    pub(crate) fn play(
        self: &Arc<Self>,
        engine: &Engine,
        project: ProjectId,
        app: AppId,
        script: &'static Script,
        cast: Cast,
    ) -> Option<String> {
        let told = cast.statements(script);
        let (stop, stopped) = watch::channel(false);
        let life = Life {
            id: cast.chain.clone(),
            project,
            title: script.title,
            cast,
            steps: told
                .iter()
                .map(|told| Step {
                    beat: told.beat,
                    at: told.at,
                    told: None,
                })
                .collect(),
            is_over: false,
            stop,
        };
        let id = life.id.clone();
        let has_room = self.with(|lives| {
            let playing = lives
                .iter()
                .filter(|life| life.project == project && !life.is_over);
            if playing.count() >= MOST {
                return false;
            }
            lives.push_back(life);
            while lives.len() > KEPT {
                lives.pop_front();
            }
            true
        });
        if !has_room {
            return None;
        }
        let statements = told
            .into_iter()
            .map(|told| (told.at, told.body.to_string()))
            .collect();
        let (lives, engine) = (Arc::clone(self), engine.clone());
        tokio::spawn(lives.act(engine, app, id.clone(), statements, stopped));
        Some(id)
    }

    async fn act(
        self: Arc<Self>,
        engine: Engine,
        app: AppId,
        id: String,
        statements: Vec<(Timestamp, String)>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let mut stopping = engine.stopping();
        for (index, (at, statement)) in statements.iter().enumerate() {
            let pause = engine.system().now().duration_until(*at);
            let pause = pause.max(SignedDuration::ZERO).unsigned_abs();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            let told = match engine
                .intake()
                .take_statement(app, statement.as_bytes())
                .await
            {
                Ok(Accepted::Processed { events, .. }) => Ok(events),
                Ok(_) => Ok(0),
                Err(error) => Err(error.to_string()),
            };
            let is_refused = told.is_err();
            self.with(|lives| {
                if let Some(life) = lives.iter_mut().find(|life| life.id == id) {
                    life.steps[index].told = Some(told);
                    life.is_over |= is_refused || index + 1 == statements.len();
                }
            });
            if is_refused {
                return;
            }
        }
    }
}
