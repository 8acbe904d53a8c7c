//! Taking messages in: verify, load, decide, commit, and only then answer.

pub(crate) mod heard;
pub(crate) mod inquiry;
pub(crate) mod revocation;

use crate::{
    AppSetup, Engine, Setup, customers,
    decide::{self, Circumstances},
    metric::Metric,
    trace,
};
use domain::{AppId, InboxId, Observation, Store, time::after};
use inquiry::Urgency;
use jiff::{SignedDuration, Timestamp};
use ledger::{Commit, Committed, DueCheck, FIRST_ANSWER, InboxMessage, LedgerError, Wanted};
use sources::{Content, Incoming, Question, Received, Refusal, Source, Trouble, Verdict};
use std::sync::Arc;
use tracing::Instrument;

/// How often a commit is tried against a customer that keeps changing.
const TRIES: u32 = 64;
/// How long a purchase waits whose store did not answer.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// How long an unreadable message waits for its next try.
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
    /// It is kept, and its store is being asked what happened.
    Pending {
        /// Its id in the inbox.
        id: InboxId,
    },
}

impl Accepted {
    /// How many events it led to so far.
    pub const fn events(&self) -> usize {
        match self {
            Self::Processed { events, .. } => *events,
            Self::Duplicate | Self::Parked { .. } | Self::Pending { .. } => 0,
        }
    }
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
    /// The store did not answer. The purchase is kept and asked about again.
    #[error("{0}")]
    Store(Trouble),
    /// It belongs to another customer, and the project's transfer behaviour keeps it there.
    #[error(
        "the purchase belongs to another customer, and this project keeps purchases with their first owner"
    )]
    OwnedByAnother,
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

impl IntakeError {
    /// Stable code, for counters.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownApp(_) => "unknown_app",
            Self::AppUnusable(_) => "app_unusable",
            Self::Refused(refusal) => refusal.code,
            Self::Store(trouble) => trouble.code(),
            Self::OwnedByAnother => "owned_by_another",
            Self::Ledger(_) => "ledger_unavailable",
            Self::Contended => "contended",
            Self::Stopping => "stopping",
        }
    }
}

impl Setup {
    /// An app that must be there.
    pub(crate) fn known_app(&self, app: AppId) -> Result<&AppSetup, IntakeError> {
        self.app(app).ok_or(IntakeError::UnknownApp(app))
    }
}

impl AppSetup {
    /// Its source, which must be usable.
    pub(crate) fn usable_source(&self) -> Result<&Arc<dyn Source>, IntakeError> {
        self.source
            .as_ref()
            .map_err(|problem| IntakeError::AppUnusable(problem.clone()))
    }

    /// A message to this app. Its id is derived from source, key and signing time: told twice, it is one message.
    pub(crate) fn message(
        &self,
        source: &str,
        key: String,
        title: String,
        signed_at: Timestamp,
        body: &[u8],
        now: Timestamp,
    ) -> InboxMessage {
        let name = format!("{}:{source}:{key}", self.row.id);
        InboxMessage {
            id: InboxId::derived(self.row.project.uuid(), &name, signed_at),
            project: self.row.project,
            app: self.row.id,
            source: source.into(),
            key,
            title,
            body: body.to_vec(),
            received_at: now,
        }
    }
}

impl Engine {
    /// Takes in one message that a store sent to an app.
    ///
    /// When this returns `Ok`, the message is durable, and so is everything it led to, unless its store has to be asked
    /// first. Told twice, it changes nothing.
    pub async fn accept(
        &self,
        app: AppId,
        incoming: &Incoming<'_>,
    ) -> Result<Accepted, IntakeError> {
        let result = self.take_in(app, incoming).await;
        let outcome = match &result {
            Ok(Accepted::Processed { .. }) => "processed",
            Ok(Accepted::Duplicate) => "duplicate",
            Ok(Accepted::Parked { .. }) => "parked",
            Ok(Accepted::Pending { .. }) => "pending",
            Err(error) => error.code(),
        };
        if result.is_ok() {
            self.inner.heard.note(app, self.system().now());
        }
        let setup = self.setup();
        let source = setup.app(app).map_or("unknown", |app| app.row.store().id());
        Metric::MessagesReceived.count([("source", source), ("outcome", outcome)]);
        result
    }

    async fn take_in(&self, app: AppId, incoming: &Incoming<'_>) -> Result<Accepted, IntakeError> {
        if self.core().is_stopping() {
            return Err(IntakeError::Stopping);
        }
        if self.setup().app(app).is_none() {
            // It may have been added a moment ago by another process.
            self.reload().await?;
        }
        let setup = self.setup();
        let found = setup.known_app(app)?;
        let source = found.usable_source()?;
        source
            .authenticate(incoming, self.web(), self.system().now())
            .instrument(trace::verify(found.row.store().id()))
            .await
            .map_err(IntakeError::Refused)?;
        self.accept_trusted(app, incoming.body).await
    }

    /// Takes in a message whose sender was authenticated, or that was fetched from its store.
    pub(crate) async fn accept_trusted(
        &self,
        app: AppId,
        body: &[u8],
    ) -> Result<Accepted, IntakeError> {
        let setup = self.setup();
        let app = setup.known_app(app)?;
        let source = app.usable_source()?;
        let now = self.system().now();
        let received = match source.receive(body, now) {
            Ok(received) => received,
            Err(refusal) if refusal.verdict == Verdict::Park => {
                // Genuine but unreadable, so its own id cannot be trusted: its content names it.
                let digest = uuid::Uuid::new_v5(&app.row.project.uuid(), body).to_string();
                let message = app.message(
                    source.source(),
                    digest,
                    "unreadable".into(),
                    Timestamp::UNIX_EPOCH,
                    body,
                    now,
                );
                let id = message.id;
                tracing::warn!(inbox.id = %id, app.id = %app.row.id, reason = refusal.detail, "a message cannot be read yet; it is kept and tried again");
                self.ledger()
                    .park(message, refusal.detail, after(now, PARKED_FOR))
                    .await?;
                return Ok(Accepted::Parked { id });
            }
            Err(refusal) => return Err(IntakeError::Refused(refusal)),
        };
        self.check_revocation(&received.revocation, now)
            .await
            .map_err(IntakeError::Refused)?;
        let Received {
            key,
            title,
            signed_at,
            content,
            ..
        } = received;
        let message = app.message(source.source(), key, title, signed_at, body, now);
        self.act(&setup, app, message, content).await
    }

    /// Does what a message says, or has its store asked in the background.
    async fn act(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
        content: Content,
    ) -> Result<Accepted, IntakeError> {
        let question = match &content {
            Content::Nothing => {
                return self
                    .process(setup, app, message, None, Manner::default())
                    .await;
            }
            Content::Observed(seen) => {
                if let Some(question) = self.incomplete(app, seen).await? {
                    question
                } else {
                    let owner = explicit_owner(app, &message, seen);
                    return self
                        .process(
                            setup,
                            app,
                            message,
                            Some(seen),
                            Manner {
                                owner,
                                silent: false,
                            },
                        )
                        .await;
                }
            }
            Content::Ask(question) => question.clone(),
        };
        let id = message.id;
        if self.ledger().seen(id).await? {
            return Ok(Accepted::Duplicate);
        }
        let later = after(message.received_at, FIRST_ANSWER);
        let waiting = format!("waiting for the answer of {}", app.row.store().title());
        self.ledger().park(message.clone(), waiting, later).await?;
        let store = app.row.store().id();
        let (engine, app) = (self.clone(), app.row.id);
        let asking = async move {
            let setup = engine.setup();
            let Some(app) = setup.app(app) else { return };
            if let Err(error) = engine
                .resume(&setup, app, message, 0, content, Some(question))
                .await
            {
                tracing::warn!(inbox.id = %id, %error, "a message could not be processed; it is kept and tried again");
            }
        };
        // It goes on after the answer, but is part of the same trace.
        let span = trace::ask(store);
        tokio::spawn(asking.instrument(span));
        Ok(Accepted::Pending { id })
    }

    /// Goes on with a parked message: asks what must be asked, and then does what the message itself says.
    pub(crate) async fn resume(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
        tries: u32,
        content: Content,
        question: Option<Question>,
    ) -> Result<Accepted, IntakeError> {
        let question = match (&content, question) {
            (_, Some(question)) => Some(question),
            (Content::Ask(question), None) => Some(question.clone()),
            (Content::Observed(seen), None) => self.incomplete(app, seen).await?,
            (Content::Nothing, None) => None,
        };
        let id = message.id;
        let Content::Observed(seen) = content else {
            let Some(question) = question else {
                return self
                    .process(setup, app, message, None, Manner::default())
                    .await;
            };
            return match self.pursue(setup, app, &message, tries, &question).await? {
                Ok(events) => Ok(Accepted::Processed { id, events }),
                Err(trouble) => Err(IntakeError::Store(trouble)),
            };
        };
        let mut before = 0;
        if let Some(mut question) = question {
            question.owner = explicit_owner(app, &message, &seen).map(str::to_owned);
            match self.inquire(setup, app, &question).await? {
                Ok(events) => before = events,
                // What came before will never be known: what is known must do.
                Err(Trouble::Unknown(_)) => {}
                Err(trouble) => {
                    self.park_for(&message, tries, &trouble).await?;
                    return Err(IntakeError::Store(trouble));
                }
            }
        }
        let owner = explicit_owner(app, &message, &seen);
        let accepted = self
            .process(
                setup,
                app,
                message,
                Some(&seen),
                Manner {
                    owner,
                    silent: false,
                },
            )
            .await?;
        Ok(match accepted {
            Accepted::Processed { id, events } => Accepted::Processed {
                id,
                events: events + before,
            },
            other => other,
        })
    }

    /// What must be asked before a purchase first seen in the middle of its life is decided upon.
    async fn incomplete(
        &self,
        app: &AppSetup,
        seen: &Observation,
    ) -> Result<Option<Question>, IntakeError> {
        let Some(question) = app
            .source
            .as_ref()
            .ok()
            .and_then(|source| source.completes(seen))
        else {
            return Ok(None);
        };
        let known = self.ledger().load(&wanted(app, seen, None)).await?;
        Ok(known.chain.is_none().then_some(question))
    }

    /// Takes in facts, with the message that states them, all or nothing.
    pub(crate) async fn process(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
        observation: Option<&Observation>,
        manner: Manner<'_>,
    ) -> Result<Accepted, IntakeError> {
        let owner = manner.owner;
        let id = message.id;
        let Some(observation) = observation else {
            if self.ledger().seen(id).await? {
                return Ok(Accepted::Duplicate);
            }
            let commit = Commit {
                inbox: Some(message),
                ..Commit::of(app.row.project)
            };
            let committed = self.commit(commit).await?;
            return Ok(if committed == Committed::Duplicate {
                Accepted::Duplicate
            } else {
                Accepted::Processed { id, events: 0 }
            });
        };
        let seen = self.ledger().seen(id).await?;
        let now = message.received_at;
        let wanted = wanted(app, observation, owner);
        let decided = if seen {
            None
        } else {
            let message = Some((&message, observation));
            self.decide_and_commit(setup, app, &wanted, message, now, manner.silent)
                .await?
        };
        // A crash may have come between the two; the second is a commit of its own and may be repeated.
        let moved = if decided
            .as_ref()
            .is_some_and(|decided| decided.owner_is_settled)
        {
            0
        } else {
            self.settle_owner(setup, app, &wanted, owner).await?
        };
        Ok(match decided.map(|decided| decided.events) {
            Some(events) => Accepted::Processed {
                id,
                events: events + moved,
            },
            None if moved > 0 => Accepted::Processed { id, events: moved },
            None => Accepted::Duplicate,
        })
    }

    /// Looks again at a chain that time alone may have changed: its store is asked first, and the clock decides only when
    /// the store has nothing to say.
    pub(crate) async fn recheck(&self, setup: &Setup, due: &DueCheck) -> Result<(), IntakeError> {
        let Some(app) = setup.app(due.app) else {
            return Ok(());
        };
        let wanted = about(due);
        if let Ok(source) = &app.source
            && let Some((chain, stored)) = self.ledger().load(&wanted).await?.chain
            && let Some(question) = source.check(&chain, &stored.facts, &stored.snapshot)
            && stored.snapshot.wants_confirmation(self.system().now())
        {
            match self
                .inquire_when(setup, app, &question, Urgency::Whenever)
                .await?
            {
                // What the store does not know it cannot confirm: the clock decides.
                Ok(_) | Err(Trouble::Unknown(_)) => {}
                Err(trouble) => {
                    // Nothing ends because its store does not answer.
                    tracing::info!(chain = chain.id, code = trouble.code(), reason = %trouble, "the store did not confirm how a purchase stands; asking again later");
                    let now = self.system().now();
                    let later = after(now, ASK_AGAIN);
                    self.ledger().postpone_check(due, later).await?;
                    return Ok(());
                }
            }
        }
        self.decide_by_clock(setup, due).await
    }

    /// Decides what the clock alone leads to, whatever the store would say.
    pub(crate) async fn decide_by_clock(
        &self,
        setup: &Setup,
        due: &DueCheck,
    ) -> Result<(), IntakeError> {
        let Some(app) = setup.app(due.app) else {
            return Ok(());
        };
        let wanted = about(due);
        self.decide_and_commit(setup, app, &wanted, None, self.system().now(), false)
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
        silent: bool,
    ) -> Result<Option<Decided>, IntakeError> {
        let project = setup
            .project(wanted.project)
            .ok_or_else(|| IntakeError::AppUnusable("its project is gone".into()))?;
        let at = Circumstances {
            project,
            app,
            inbox: message.map(|(message, _)| message),
            now,
            rates: &self.rates(),
        };
        for _ in 0..TRIES {
            let loaded = self.ledger().load(wanted).instrument(trace::load()).await?;
            let Some(mut proposal) = decide::propose(
                loaded,
                &wanted.chain,
                message.map(|(_, observation)| observation),
                wanted.app_user_id.as_deref(),
                &at,
            ) else {
                return Ok(Some(Decided {
                    events: 0,
                    owner_is_settled: true,
                }));
            };
            let owner_is_settled = wanted
                .app_user_id
                .as_deref()
                .is_none_or(|name| proposal.belongs_to(name));
            if silent {
                proposal.keep_silent();
            }
            let known = match proposal.in_question() {
                Some((told, keys)) => self.ledger().known_keys(&told, &keys).await?,
                None => Vec::new(),
            };
            let commit = decide::conclude(proposal, &known, &at);
            match self.commit_and_send(commit).await? {
                (Committed::Done { .. }, events) => {
                    for event in &events {
                        Metric::EventsRecorded.count_kind(event.kind.id());
                        tracing::info!(event.id = %event.id, event.kind = event.kind.id(), customer.id = %event.customer.id, customer_seq = event.customer_seq, inbox.id = at.inbox.map(|message| tracing::field::display(message.id)), rule = event.cause.rule, "event recorded");
                    }
                    if !events.is_empty() {
                        self.note_change();
                    }
                    return Ok(Some(Decided {
                        events: events.len(),
                        owner_is_settled,
                    }));
                }
                (Committed::Duplicate, _) => return Ok(None),
                (Committed::Conflict, _) => {}
            }
        }
        Err(IntakeError::Contended)
    }
}

/// What intake has to know before it decides about an observation.
fn wanted(app: &AppSetup, seen: &Observation, owner: Option<&str>) -> Wanted {
    Wanted {
        project: app.row.project,
        app: app.row.id,
        chain: seen.chain.clone(),
        links: seen.links.clone(),
        app_user_id: owner.map(str::to_owned).or_else(|| seen.user_token.clone()),
    }
}

/// What has to be known before a purchase is looked at again.
fn about(due: &DueCheck) -> Wanted {
    Wanted {
        project: due.project,
        app: due.app,
        chain: due.chain.clone(),
        links: Vec::new(),
        app_user_id: None,
    }
}

/// What a decision led to.
struct Decided {
    events: usize,
    /// The customer answers to the name that was wanted.
    owner_is_settled: bool,
}

/// How a message is taken in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner<'a> {
    /// Whom a client or a key of the project says the purchase belongs to.
    pub(crate) owner: Option<&'a str>,
    /// Everything counts as told.
    pub(crate) silent: bool,
}

/// Whom a message itself vouches for as the owner: one sent by a client or by a key of the project.
pub(crate) fn explicit_owner<'a>(
    app: &AppSetup,
    message: &InboxMessage,
    seen: &'a Observation,
) -> Option<&'a str> {
    let vouches = [customers::RECEIPTS, customers::IMPORTS].contains(&message.source.as_str())
        || matches!(app.row.store(), Store::External | Store::Promotional);
    seen.user_token.as_deref().filter(|_| vouches)
}
