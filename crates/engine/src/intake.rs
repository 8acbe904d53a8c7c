//! Intake: verify, load, decide, commit, and only then answer.

use crate::{
    Engine,
    decide::{self, Circumstances},
    metric::Metric,
    setup::{AppSetup, Setup},
};
use domain::{AppId, InboxId, Observation};
use jiff::{SignedDuration, Timestamp};
use ledger::{Commit, Committed, DueCheck, InboxMessage, LedgerError, Wanted};
use sources::{Refusal, Verdict};

/// Loads and commits may collide with another message of the same customer this often before the store is asked to retry.
const TRIES: u32 = 64;
/// How long a message that cannot be read waits for another try.
const PARKED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// A message that was taken in. Durable when this is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It was new and led to this many events.
    Processed {
        /// Its id in the inbox.
        id: InboxId,
        /// How many events it led to.
        events: usize,
    },
    /// It was taken in before.
    Duplicate,
    /// It is genuine but cannot be read yet; kept and tried again.
    Parked {
        /// Its id in the inbox.
        id: InboxId,
    },
}

/// Why a message was not taken in. Nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IntakeError {
    /// No such app.
    #[error("there is no app {0}")]
    UnknownApp(AppId),
    /// The app's settings cannot be used.
    #[error("the app is not set up to receive: {0}")]
    AppUnusable(String),
    /// Refused by its source.
    #[error("{}", .0.detail)]
    Refused(Refusal),
    /// The ledger could not take it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Other messages of the same customer kept getting in between.
    #[error("too many messages of one customer at once")]
    Contended,
    /// Shutting down.
    #[error("shutting down")]
    Stopping,
}

impl Engine {
    /// Takes in one message sent to an app, as bytes.
    ///
    /// When this returns `Ok`, the message and everything it led to is durable. Told twice, it changes nothing.
    pub async fn accept(&self, app: AppId, body: &[u8]) -> Result<Accepted, IntakeError> {
        let result = self.take_in(app, body).await;
        let outcome = match &result {
            Ok(Accepted::Processed { .. }) => "processed",
            Ok(Accepted::Duplicate) => "duplicate",
            Ok(Accepted::Parked { .. }) => "parked",
            Err(IntakeError::UnknownApp(_)) => "unknown_app",
            Err(IntakeError::AppUnusable(_)) => "app_unusable",
            Err(IntakeError::Refused(refusal)) => refusal.code,
            Err(IntakeError::Ledger(_)) => "ledger_unavailable",
            Err(IntakeError::Contended) => "contended",
            Err(IntakeError::Stopping) => "stopping",
        };
        Metric::MessagesReceived.count([("source", "app_store"), ("outcome", outcome)]);
        result
    }

    async fn take_in(&self, app: AppId, body: &[u8]) -> Result<Accepted, IntakeError> {
        if *self.inner.stopping.borrow() {
            return Err(IntakeError::Stopping);
        }
        if self.setup().app(app).is_none() {
            // It may have been added a moment ago by another process.
            self.reload().await?;
        }
        let setup = self.setup();
        let app = setup.app(app).ok_or(IntakeError::UnknownApp(app))?;
        let receiver = app
            .receiver
            .as_ref()
            .map_err(|problem| IntakeError::AppUnusable(problem.clone()))?;
        let now = self.system().now();
        let message = |key: String, title: String, signed_at: Timestamp| {
            let name = format!("{}:{}:{key}", app.row.id, receiver.source());
            let id = InboxId::derived(app.row.project.uuid(), &name, signed_at);
            InboxMessage {
                id,
                project: app.row.project,
                app: app.row.id,
                source: receiver.source().into(),
                key,
                title,
                body: body.to_vec(),
                received_at: now,
            }
        };
        let received = match receiver.receive(body, now) {
            Ok(received) => received,
            Err(refusal) if refusal.verdict == Verdict::Park => {
                // Genuine but unreadable, so its own id cannot be trusted: its content names it.
                let digest = uuid::Uuid::new_v5(&app.row.project.uuid(), body).to_string();
                let message = message(digest, "unreadable".into(), Timestamp::UNIX_EPOCH);
                let id = message.id;
                tracing::warn!(inbox.id = %id, app.id = %app.row.id, reason = refusal.detail, "a message cannot be read yet; it is kept and tried again");
                self.ledger()
                    .park(
                        message,
                        refusal.detail,
                        now.saturating_add(PARKED_FOR).unwrap_or(now),
                    )
                    .await?;
                return Ok(Accepted::Parked { id });
            }
            Err(refusal) => return Err(IntakeError::Refused(refusal)),
        };
        self.check_revocation(&received.revocation, now)
            .await
            .map_err(IntakeError::Refused)?;
        let message = message(received.key, received.title, received.signed_at);
        self.process(&setup, app, message, received.observation.as_ref())
            .await
    }

    pub(crate) async fn process(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
        observation: Option<&Observation>,
    ) -> Result<Accepted, IntakeError> {
        let id = message.id;
        if self.ledger().seen(id).await? {
            return Ok(Accepted::Duplicate);
        }
        let Some(observation) = observation else {
            let commit = Commit {
                project: app.row.project,
                inbox: Some(message),
                customer: None,
                chain: None,
                events: Vec::new(),
                deliveries: Vec::new(),
            };
            let committed = self.ledger().commit(commit).await?;
            return Ok(if committed == Committed::Duplicate {
                Accepted::Duplicate
            } else {
                Accepted::Processed { id, events: 0 }
            });
        };
        let now = message.received_at;
        let wanted = Wanted {
            project: app.row.project,
            app: app.row.id,
            chain: observation.chain.clone(),
            app_user_id: observation.user_token.clone(),
        };
        match self
            .decide_and_commit(setup, app, &wanted, Some((&message, observation)), now)
            .await?
        {
            Some(events) => Ok(Accepted::Processed { id, events }),
            None => Ok(Accepted::Duplicate),
        }
    }

    /// Looks again at a chain that time alone may have changed.
    pub(crate) async fn recheck(&self, setup: &Setup, due: &DueCheck) -> Result<(), IntakeError> {
        let Some(app) = setup.app(due.app) else {
            return Ok(());
        };
        let wanted = Wanted {
            project: due.project,
            app: due.app,
            chain: due.chain.clone(),
            app_user_id: None,
        };
        self.decide_and_commit(setup, app, &wanted, None, self.system().now())
            .await
            .map(|_| ())
    }

    /// Load, decide, commit; again when the customer changed in between. `None` for a message that was known.
    async fn decide_and_commit(
        &self,
        setup: &Setup,
        app: &AppSetup,
        wanted: &Wanted,
        message: Option<(&InboxMessage, &Observation)>,
        now: Timestamp,
    ) -> Result<Option<usize>, IntakeError> {
        let project = setup
            .project(wanted.project)
            .ok_or_else(|| IntakeError::AppUnusable("its project is gone".into()))?;
        let at = Circumstances {
            project,
            app,
            inbox: message.map(|(message, _)| message),
            now,
        };
        for _ in 0..TRIES {
            let loaded = self.ledger().load(wanted).await?;
            let customer = loaded
                .customer
                .as_ref()
                .map(|versioned| versioned.customer.id);
            let Some(proposal) = decide::propose(
                loaded,
                &wanted.chain,
                message.map(|(_, observation)| observation),
                &at,
            ) else {
                return Ok(Some(0));
            };
            let keys: Vec<String> = proposal
                .drafts
                .iter()
                .map(|draft| draft.key.clone())
                .collect();
            let known = match customer {
                Some(customer) if proposal.is_known_chain && !keys.is_empty() => {
                    self.ledger().known_keys(customer, &keys).await?
                }
                _ => Vec::new(),
            };
            let dispatcher = &self.inner.dispatcher;
            let mut reservations = dispatcher.reservations();
            let lease = Self::lease_until(now);
            let commit = decide::conclude(proposal, &known, &at, |integration, messages| {
                if reservations.reserve(integration, messages, now) {
                    lease
                } else {
                    now
                }
            });
            let events: Vec<_> = commit.events.iter().map(|new| new.event.clone()).collect();
            let deliveries = commit.deliveries.clone();
            match self.ledger().commit(commit).await? {
                Committed::Done { ready } => {
                    for event in &events {
                        Metric::EventsRecorded.count_kind(event.kind.id());
                        tracing::info!(event.id = %event.id, event.kind = event.kind.id(), customer.id = %event.customer.id, customer_seq = event.customer_seq, inbox.id = at.inbox.map(|message| tracing::field::display(message.id)), rule = event.cause.rule, "event recorded");
                    }
                    let count = events.len();
                    reservations.hand_over(self, events, deliveries, &ready, lease);
                    if count > 0 {
                        self.note_change();
                    }
                    return Ok(Some(count));
                }
                Committed::Duplicate => return Ok(None),
                Committed::Conflict => {}
            }
        }
        Err(IntakeError::Contended)
    }
}
