//! What time asks for.
//!
//! **How it works.** Everything that is done over and over is a [`Chore`], each in a task of its own: a store, an endpoint or a
//! table that is slow to answer holds up none of the others, and nobody waits for one. Some are done by every node; those that
//! are to be done once by whoever holds the duty ([`duties`]). Doing them twice does no harm.
//!
//! **Before changing it.** A chore that meets something slow goes past it; a chore that fails says so and is done again.

mod backlog;
mod duties;
mod gaps;
mod looks;
mod purchases;
mod rates;
mod turns;
mod upkeep;
mod waiting;

use crate::{Core, Dispatch, Intake, Replays, metric::Whose};
use duties::Duties;
use guarded::Guarded;
use ledger::LedgerError;
use looks::Looks;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// Rows taken up at once.
const AT_ONCE: usize = 200;

/// Between two looks at what should not wait.
const TICK: Duration = Duration::from_millis(500);
/// Between two looks at what changes slowly.
const SLOW: Duration = Duration::from_secs(5);
/// Between two looks for what a node left half done.
const RARELY: Duration = Duration::from_secs(30);

/// What is done over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chore {
    /// Saying that this node is there.
    Attendance,
    /// Configuration that another process changed.
    Configuration,
    /// Endpoints that have to show whose they are.
    Handshakes,
    /// Purchases that time alone may have changed.
    Purchases,
    /// Messages that wait.
    Waiting,
    /// Messages that were missed.
    Gaps,
    /// Past events that somebody wants sent again.
    Replays,
    /// How much is waiting to be sent.
    Backlog,
    /// When stores were last heard.
    Heard,
    /// Room for what comes, and what is kept no longer.
    Upkeep,
    /// What a node left half done when it died, and what waits for an integration that is gone.
    Mending,
}

impl Chore {
    const ALL: [Self; 11] = [
        Self::Attendance,
        Self::Configuration,
        Self::Handshakes,
        Self::Purchases,
        Self::Waiting,
        Self::Gaps,
        Self::Replays,
        Self::Backlog,
        Self::Heard,
        Self::Upkeep,
        Self::Mending,
    ];

    /// The duty of what is to be done by one node for all; `None` for what each does.
    const fn duty(self) -> Option<&'static str> {
        match self {
            Self::Attendance | Self::Configuration | Self::Backlog | Self::Heard => None,
            Self::Handshakes => Some("handshakes"),
            Self::Purchases => Some("purchases"),
            Self::Waiting => Some("waiting"),
            Self::Gaps => Some("gaps"),
            Self::Replays => Some("replays"),
            Self::Upkeep | Self::Mending => Some("upkeep"),
        }
    }

    const fn pause(self) -> Duration {
        match self {
            Self::Configuration | Self::Handshakes | Self::Purchases | Self::Replays => TICK,
            Self::Attendance
            | Self::Waiting
            | Self::Gaps
            | Self::Backlog
            | Self::Heard
            | Self::Upkeep => SLOW,
            Self::Mending => RARELY,
        }
    }
}

/// What stores said while nobody listened: nothing is ended by the clock before it was read once.
#[derive(Default)]
struct Mail {
    kept_is_read: AtomicBool,
    missed_is_read: AtomicBool,
}

impl Mail {
    fn note(&self, chore: Chore) {
        match chore {
            Chore::Waiting => self.kept_is_read.store(true, Ordering::Relaxed),
            Chore::Gaps => self.missed_is_read.store(true, Ordering::Relaxed),
            _ => {}
        }
    }

    fn is_read(&self) -> bool {
        self.kept_is_read.load(Ordering::Relaxed) && self.missed_is_read.load(Ordering::Relaxed)
    }
}

/// The room that does what time asks for. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Clock {
    core: Core,
    dispatch: Dispatch,
    intake: Intake,
    replays: Replays,
    duties: Arc<Duties>,
    looks: Arc<Looks>,
    mail: Arc<Mail>,
    /// Of which integrations it was said how they do.
    told: Arc<Guarded<BTreeSet<Whose>>>,
}

impl Clock {
    /// A clock that stands until it is [started](Self::start).
    pub(crate) fn new(core: Core, dispatch: Dispatch, intake: Intake, replays: Replays) -> Self {
        let duties = Arc::new(Duties::of(core.system().uuid()));
        Self {
            core,
            dispatch,
            intake,
            replays,
            duties,
            looks: Arc::default(),
            mail: Arc::default(),
            told: Arc::default(),
        }
    }

    /// Begins every chore on the current runtime. They go on until the engine stops.
    pub(crate) async fn start(&self) -> Result<(), LedgerError> {
        // Before anything is sent: how many share what endpoints may be asked.
        self.attend().await?;
        if let Some(news) = self.core.ledger().news() {
            tokio::spawn(self.clone().follow(news));
        }
        for chore in Chore::ALL {
            tokio::spawn(self.clone().keep_doing(chore));
        }
        Ok(())
    }

    /// Says that this node is there, and hears how many share what endpoints may be asked. What was known stands until it can
    /// be said again.
    async fn attend(&self) -> Result<(), LedgerError> {
        let nodes = self.duties.attend(&self.core).await?;
        self.dispatch.share_among(nodes);
        self.dispatch.note_time().await
    }

    /// Says that this node is leaving.
    pub(crate) async fn leave(&self) -> Result<(), LedgerError> {
        self.duties.leave(&self.core).await
    }

    async fn keep_doing(self, chore: Chore) {
        let mut reloads = self.core.reloads();
        loop {
            if let Err(error) = self.do_once(chore).await {
                tracing::error!(%error, ?chore, "the clock could not do its work; trying again");
            }
            tokio::select! {
                goes_on = self.core.goes_on_after(chore.pause()) => if !goes_on { return },
                // An endpoint that was just set up is asked at once.
                Ok(()) = reloads.changed(), if chore == Chore::Handshakes => {}
            }
        }
    }

    /// Does once what may lead to events or let deliveries go, one after the other, and waits for it.
    #[cfg(feature = "test")]
    pub(crate) async fn do_what_is_due(&self) -> Result<(), LedgerError> {
        self.core.reload().await?;
        self.dispatch.make_handshakes().await?;
        for chore in [
            Chore::Waiting,
            Chore::Gaps,
            Chore::Purchases,
            Chore::Replays,
        ] {
            self.do_once(chore).await?;
        }
        self.dispatch.fail_removed().await
    }

    /// Does once what messages and purchases wait for.
    #[cfg(feature = "test")]
    pub(crate) async fn look_at_what_waits(&self) -> Result<(), LedgerError> {
        self.do_once(Chore::Waiting).await?;
        self.do_once(Chore::Purchases).await
    }

    async fn do_once(&self, chore: Chore) -> Result<(), LedgerError> {
        if let Some(duty) = chore.duty()
            && !self.duties.is_mine(&self.core, duty).await?
        {
            // Another node does it.
            self.mail.note(chore);
            return Ok(());
        }
        let done = match chore {
            Chore::Purchases if !self.mail.is_read() => Ok(()),
            Chore::Attendance => self.attend().await,
            Chore::Configuration => self.core.reload().await,
            Chore::Handshakes => {
                self.dispatch.begin_handshakes();
                Ok(())
            }
            Chore::Purchases => self.recheck_due().await,
            Chore::Waiting => self.retake_parked().await,
            Chore::Gaps => self.heal_gaps().await,
            Chore::Replays => self.replays.step().await,
            Chore::Backlog => self.measure_backlog().await,
            Chore::Heard => self.intake.write_down_heard().await,
            Chore::Upkeep => self.make_room().await,
            Chore::Mending => self.mend().await,
        };
        self.mail.note(chore);
        done
    }

    /// Looks at what another node wrote as soon as it says so.
    async fn follow(self, mut news: watch::Receiver<u64>) {
        let mut stopping = self.core.stopping();
        loop {
            tokio::select! {
                heard = news.changed() => if heard.is_err() { return },
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            if let Err(error) = self.core.reload().await {
                tracing::warn!(%error, "the configuration could not be read again; trying again soon");
            }
            self.core.note_change();
        }
    }
}
