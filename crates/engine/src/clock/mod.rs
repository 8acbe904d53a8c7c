//! What time asks for: changed configuration, handshakes, chains that time alone may change, parked messages, retention.

mod gaps;
mod rates;

use crate::{Engine, Guarded, IntakeError, customers, metric::Metric};
use domain::time::{after, before};
use jiff::{SignedDuration, Timestamp};
use ledger::{LedgerError, Parked};
use sources::Verdict;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::watch;
use uuid::Uuid;

const TICK: Duration = Duration::from_millis(500);
/// Ticks between looks at things that change slowly.
const SLOW: u64 = 10;
/// How long attempts, with their requests and answers, are kept.
const ATTEMPTS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
const AT_ONCE: usize = 200;

/// How long a node keeps what has to be done once, should it die with it.
const DUTY: SignedDuration = SignedDuration::from_secs(15);
/// What is left of it when it is renewed.
const RENEWED: SignedDuration = SignedDuration::from_secs(10);

/// How often a node says that it is there: [`DUTY`] is how long that is believed.
const ATTENDS: Duration = Duration::from_secs(5);

/// Who this node is to others, and what it does for all of them.
pub(crate) struct Duties {
    node: Uuid,
    held: Guarded<BTreeMap<&'static str, Timestamp>>,
}

impl Duties {
    pub(crate) fn of(node: Uuid) -> Self {
        Self {
            node,
            held: Guarded::default(),
        }
    }
}

/// What is done over and over, each in a task of its own: a store that is slow to answer holds up none of the others.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chore {
    /// Purchases that time alone may have changed.
    Purchases,
    /// Messages that wait.
    Waiting,
    /// Messages that were missed.
    Gaps,
    /// Past events that somebody wants sent again.
    Replays,
}

impl Chore {
    pub(crate) const ALL: [Self; 4] = [Self::Purchases, Self::Waiting, Self::Gaps, Self::Replays];

    const fn name(self) -> &'static str {
        match self {
            Self::Purchases => "purchases",
            Self::Waiting => "waiting",
            Self::Gaps => "gaps",
            Self::Replays => "replays",
        }
    }

    const fn pause(self) -> Duration {
        match self {
            Self::Purchases | Self::Replays => TICK,
            Self::Waiting | Self::Gaps => Duration::from_secs(5),
        }
    }
}

impl Engine {
    /// Whether this node is the one to do something that is to be done once. The right runs out by itself; until then others
    /// leave it alone.
    async fn is_mine(&self, duty: &'static str) -> Result<bool, LedgerError> {
        let (duties, now) = (&self.inner.duties, self.system().now());
        let held = duties.held.lock().get(duty).copied();
        if held.is_some_and(|until| now < until) {
            return Ok(true);
        }
        let is_mine = self.ledger().hold(duty, duties.node, DUTY).await?;
        if is_mine {
            let until = after(now, DUTY - RENEWED);
            duties.held.lock().insert(duty, until);
        }
        Ok(is_mine)
    }

    /// Looks at what another node wrote as soon as it says so.
    pub(crate) async fn follow(self, mut news: watch::Receiver<u64>) {
        let mut stopping = self.stopping();
        loop {
            tokio::select! {
                heard = news.changed() => if heard.is_err() { return },
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            if let Err(error) = self.reload().await {
                tracing::warn!(%error, "the configuration could not be read again; trying again soon");
            }
            self.note_change();
        }
    }

    /// Says that this node is there, and hears how many share what endpoints may be asked.
    pub(crate) async fn attend(&self) -> Result<(), LedgerError> {
        let nodes = self.ledger().attend(self.inner.duties.node, DUTY).await?;
        self.inner.dispatcher.nodes.set(nodes);
        Metric::Nodes.set_alone(nodes.get());
        Ok(())
    }

    pub(crate) async fn leave(&self) -> Result<(), LedgerError> {
        self.ledger().leave(self.inner.duties.node).await
    }

    pub(crate) async fn keep_attending(self) {
        let mut stopping = self.stopping();
        loop {
            tokio::select! {
                () = tokio::time::sleep(ATTENDS) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            // What was known stands until it can be said again.
            if let Err(error) = self.attend().await {
                tracing::warn!(%error, "the other nodes could not be told that this one is there");
            }
        }
    }

    pub(crate) async fn do_once(&self, chore: Chore) -> Result<(), LedgerError> {
        if !self.is_mine(chore.name()).await? {
            return Ok(());
        }
        let now = self.system().now();
        match chore {
            Chore::Purchases => self.recheck_due(now).await,
            Chore::Waiting => self.retry_parked(now).await,
            Chore::Gaps => self.heal_gaps(now).await,
            Chore::Replays => self.step_replays(now).await,
        }
    }

    pub(crate) async fn keep_doing(self, chore: Chore) {
        let mut stopping = self.stopping();
        loop {
            if let Err(error) = self.do_once(chore).await {
                tracing::error!(%error, ?chore, "the clock could not do its work; trying again");
            }
            tokio::select! {
                () = tokio::time::sleep(chore.pause()) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    pub(crate) async fn tick(self) {
        let mut stopping = self.stopping();
        for count in 0_u64.. {
            if let Err(error) = self.tick_once(count).await {
                tracing::error!(%error, "the clock could not do its work; trying again");
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    pub(crate) async fn tick_once(&self, count: u64) -> Result<(), LedgerError> {
        self.reload().await?;
        if self.is_mine("handshakes").await? {
            self.verify_pending().await?;
        }
        if count.is_multiple_of(SLOW) {
            self.measure_backlog().await?;
            self.write_down_heard().await?;
        }
        if count.is_multiple_of(SLOW) && self.is_mine("upkeep").await? {
            let now = self.system().now();
            self.ledger().make_room(now).await?;
            if count.is_multiple_of(SLOW * 6) {
                let mended = self.ledger().mend(now).await?;
                if mended > 0 {
                    tracing::info!(
                        mended,
                        "deliveries were made due that a node had left waiting"
                    );
                }
            }
            let kept = before(now, ATTEMPTS_KEPT);
            while self.ledger().retain(kept, AT_ONCE).await? == AT_ONCE as u64 {}
        }
        Ok(())
    }

    /// Until none is due: a hundred thousand subscriptions may end in the same minute.
    async fn recheck_due(&self, now: Timestamp) -> Result<(), LedgerError> {
        let setup = self.setup();
        let mut before = Vec::new();
        loop {
            let due = self.ledger().due_checks(now, AT_ONCE).await?;
            // What could not be moved on is due again: leave it for the next tick.
            if due.is_empty() || due == before {
                return Ok(());
            }
            let looks = due.iter().map(|due| self.recheck(&setup, due));
            for (due, looked) in due.iter().zip(futures_util::future::join_all(looks).await) {
                match looked {
                    Ok(()) => {}
                    Err(IntakeError::Ledger(error)) => return Err(error),
                    Err(error) => {
                        tracing::warn!(chain = due.chain.id, %error, "a purchase could not be looked at again; trying later");
                    }
                }
            }
            before = due;
        }
    }

    async fn retry_parked(&self, now: Timestamp) -> Result<(), LedgerError> {
        let due = self.ledger().due_parked(now, AT_ONCE).await?;
        let tries = due.into_iter().map(|parked| self.retry_message(parked));
        for outcome in futures_util::future::join_all(tries).await {
            outcome?;
        }
        Ok(())
    }

    /// One more try. Only a ledger that cannot be written stops the others.
    async fn retry_message(&self, parked: Parked) -> Result<(), LedgerError> {
        let setup = self.setup();
        let Parked { message, tries, .. } = parked;
        let id = message.id;
        let Some(app) = setup.app(message.app) else {
            return Ok(());
        };
        let Ok(source) = &app.source else {
            return Ok(());
        };
        let content = if message.source == customers::RECEIPTS {
            customers::stored_receipt(source.as_ref(), &message)
        } else {
            source
                .receive(&message.body, message.received_at)
                .map(|received| received.content)
        };
        let outcome = match content {
            Err(refusal) => {
                if refusal.verdict != Verdict::Park {
                    tracing::warn!(inbox.id = %id, reason = refusal.detail, "a parked message is refused now; it stays parked");
                }
                let again = after(self.system().now(), SignedDuration::from_hours(1));
                self.ledger().park(message, refusal.detail, again).await?;
                return Ok(());
            }
            Ok(content) => {
                self.resume(&setup, app, message, tries + 1, content, None)
                    .await
            }
        };
        match outcome {
            Ok(accepted) => {
                tracing::info!(inbox.id = %id, events = accepted.events(), "a parked message was processed");
            }
            // Parked again, and said so.
            Err(IntakeError::Store(_)) => {}
            Err(IntakeError::Ledger(error)) => return Err(error),
            Err(error) => {
                tracing::warn!(inbox.id = %id, %error, "a parked message could not be processed; trying later");
            }
        }
        Ok(())
    }

    async fn measure_backlog(&self) -> Result<(), LedgerError> {
        let setup = self.setup();
        let mut waiting: BTreeMap<&'static str, u64> = setup
            .integrations()
            .map(|active| (active.spec.key, 0))
            .collect();
        for (integration, count) in self.ledger().backlog().await? {
            if let Some(active) = setup.integration(integration) {
                *waiting.entry(active.spec.key).or_default() += count;
            }
        }
        for (destination, count) in waiting {
            Metric::Backlog.set(destination, count);
        }
        Ok(())
    }
}
