//! Asking stores: what a message does not say, how a purchase stands, what came before.
//!
//! **How it works.** A message that leads to a question is parked first, so that nothing is lost whatever the store does;
//! then the store is asked, its answer goes through intake as a message of its own, and the first one is done. When the
//! store cannot answer, the message stays parked with the reason and comes up again, later each time.
//!
//! One question about one purchase is asked at a time (answers carry the time they were asked for, and must not overtake
//! each other), and each app asks at the pace its store allows.

use crate::{AppSetup, Engine, Guarded, IntakeError, Setup, intake::Manner, metric::Metric};
use domain::{AppId, Environment, Store, fact::Note, time::after};
use jiff::{SignedDuration, Timestamp};
use ledger::{Commit, InboxMessage};
use sources::{Answer, Probe, ProbeOutcome, Question, Trouble};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex as AsyncMutex, Semaphore},
    time::Instant,
};

/// Questions of one app under way at once.
const AT_ONCE: usize = 16;

/// Pauses between tries; the last one repeats.
const PAUSES: [SignedDuration; 6] = [
    SignedDuration::from_secs(10),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(10),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(1),
];

/// A purchase the store does not know is not asked about again by itself after this many tries.
const UNKNOWN_TRIES: u32 = 6;

/// When a message that nobody will try again by itself is due: never, as far as a clock can say.
const NEVER: SignedDuration = SignedDuration::from_hours(24 * 365 * 100);

/// Questions per second that a store allows an app. Source: Apple, "Identifying rate limits"; Google, "Quotas";
/// Stripe, "Rate limits".
const fn per_second(store: Store) -> u32 {
    match store {
        Store::AppStore | Store::PlayStore => 40,
        Store::Stripe => 20,
        Store::External | Store::Promotional => u32::MAX,
    }
}

/// Whether a question may wait while its store is in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Somebody waits for the answer.
    Now,
    /// Nobody does: a store that just failed is left alone for a while.
    Whenever,
}

/// How long.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// What one app has under way.
struct AppDesk {
    /// Why the store did not answer last, and until when it is left alone.
    trouble: Guarded<Option<(Instant, Trouble)>>,
    permits: Semaphore,
    /// When the next question may be asked.
    next: Guarded<Option<Instant>>,
    pause: Duration,
    subjects: Guarded<BTreeMap<String, Arc<AsyncMutex<()>>>>,
}

impl AppDesk {
    fn new(store: Store) -> Self {
        Self {
            trouble: Guarded::new(None),
            permits: Semaphore::new(AT_ONCE),
            next: Guarded::new(None),
            pause: Duration::from_secs(1) / per_second(store),
            subjects: Guarded::default(),
        }
    }

    fn subject(&self, id: &str) -> Arc<AsyncMutex<()>> {
        let mut subjects = self.subjects.lock();
        // Those that nobody holds are of no use any more.
        if subjects.len() > 1024 {
            subjects.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(subjects.entry(id.to_owned()).or_default())
    }

    fn trouble(&self) -> Option<Trouble> {
        let trouble = self.trouble.lock();
        let (until, trouble) = trouble.as_ref()?;
        (Instant::now() < *until).then(|| trouble.clone())
    }

    fn note(&self, trouble: Option<&Trouble>) {
        let found = trouble
            .filter(|trouble| matches!(trouble, Trouble::Unavailable { .. }))
            .map(|trouble| (Instant::now() + LEFT_ALONE, trouble.clone()));
        *self.trouble.lock() = found;
    }

    /// Waits for this app's turn.
    async fn pace(&self) {
        let turn = {
            let mut next = self.next.lock();
            let turn = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            *next = Some(turn + self.pause);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

/// Questions under way.
#[derive(Default)]
pub(crate) struct Inquiries {
    desks: Guarded<BTreeMap<AppId, Arc<AppDesk>>>,
    looked: Guarded<BTreeMap<(AppId, Environment), Timestamp>>,
}

/// Shortest time between two looks for missed messages.
const LOOK_PAUSE: SignedDuration = SignedDuration::from_mins(1);

impl Inquiries {
    /// Whether it is long enough since this was last asked; notes that it is now.
    pub(crate) fn may_look_for_gaps(
        &self,
        app: AppId,
        environment: Environment,
        now: Timestamp,
    ) -> bool {
        let mut looked = self.looked.lock();
        let last = looked.insert((app, environment), now);
        let may = last.is_none_or(|last| last.duration_until(now) >= LOOK_PAUSE);
        if let (false, Some(last)) = (may, last) {
            looked.insert((app, environment), last);
        }
        may
    }

    fn desk(&self, app: &AppSetup) -> Arc<AppDesk> {
        let mut desks = self.desks.lock();
        let desk = desks
            .entry(app.row.id)
            .or_insert_with(|| Arc::new(AppDesk::new(app.row.store())));
        Arc::clone(desk)
    }
}

/// When to try again after `tries` tries in vain.
fn again_at(now: Timestamp, tries: u32, trouble: &Trouble) -> Timestamp {
    let planned = usize::try_from(tries)
        .ok()
        .and_then(|tries| PAUSES.get(tries))
        .or(PAUSES.last())
        .copied()
        .unwrap_or(NEVER);
    let later = |pause| after(now, pause);
    match trouble {
        Trouble::Unavailable {
            again_at: Some(at), ..
        } => (*at).max(later(SignedDuration::from_secs(1))),
        Trouble::Unknown(_) if tries >= UNKNOWN_TRIES => later(NEVER),
        _ => later(planned),
    }
}

/// How often a store is asked whether what it was asked to do is done, a second apart.
const PROBE_LOOKS: u32 = 8;

impl Engine {
    /// Asks the store of an app whether its settings work. Takes a few seconds for a store that answers by calling back.
    pub async fn probe(&self, app: AppId) -> Result<Vec<Probe>, IntakeError> {
        let setup = self.setup();
        let app = setup.known_app(app)?;
        let source = app.usable_source()?;
        let mut probes = source.probe(self.web(), self.system().now()).await;
        for _ in 0..PROBE_LOOKS {
            let waiting = |probe: &&mut Probe| matches!(probe.outcome, ProbeOutcome::Waiting(_));
            let mut waiting = probes.iter_mut().filter(waiting).peekable();
            if waiting.peek().is_none() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            for probe in waiting {
                probe.outcome = source
                    .probe_again(probe, self.web(), self.system().now())
                    .await;
            }
        }
        Ok(probes)
    }

    /// Asks, takes in the answers, and is done with the message that led to the question. What the store cannot answer now
    /// leaves the message parked with the reason.
    pub(crate) async fn pursue(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: &InboxMessage,
        tries: u32,
        question: &Question,
    ) -> Result<Result<usize, Trouble>, IntakeError> {
        let asked = self.inquire(setup, app, question).await;
        let trouble = match asked {
            // Whose it is was decided, if not as hoped: the message is done either way.
            Ok(Ok(_)) | Err(IntakeError::OwnedByAnother) => {
                let done = Commit {
                    inbox: Some(message.clone()),
                    ..Commit::of(app.row.project)
                };
                self.commit(done).await?;
                return asked;
            }
            Ok(Err(trouble)) => trouble,
            // The answer is durable or will be asked for again; the message waits like for any other trouble.
            Err(IntakeError::Refused(refusal)) => Trouble::Nonsense(refusal.detail),
            Err(error) => return Err(error),
        };
        self.park_for(message, tries, &trouble).await?;
        Ok(Err(trouble))
    }

    /// Keeps a message until its store can be asked again.
    pub(crate) async fn park_for(
        &self,
        message: &InboxMessage,
        tries: u32,
        trouble: &Trouble,
    ) -> Result<(), IntakeError> {
        let at = again_at(self.system().now(), tries, trouble);
        tracing::warn!(inbox.id = %message.id, app.id = %message.app, code = trouble.code(), reason = %trouble, retry_at = %at, "the store's answer is missing; the message is kept and tried again");
        self.ledger()
            .park(message.clone(), trouble.to_string(), at)
            .await?;
        Ok(())
    }

    /// Asks and takes in the answers. Answers with the number of events they led to.
    pub(crate) async fn inquire(
        &self,
        setup: &Setup,
        app: &AppSetup,
        question: &Question,
    ) -> Result<Result<usize, Trouble>, IntakeError> {
        self.inquire_when(setup, app, question, Urgency::Now).await
    }

    /// The same; a question that may wait is answered with the store's trouble while it lasts.
    pub(crate) async fn inquire_when(
        &self,
        setup: &Setup,
        app: &AppSetup,
        question: &Question,
        urgency: Urgency,
    ) -> Result<Result<usize, Trouble>, IntakeError> {
        let source = app.usable_source()?;
        let desk = self.inner.inquiries.desk(app);
        let subject = desk.subject(&question.id);
        let _turn = subject.lock().await;
        let _permit = desk
            .permits
            .acquire()
            .await
            .map_err(|_| IntakeError::Stopping)?;
        if let (Urgency::Whenever, Some(trouble)) = (urgency, desk.trouble()) {
            return Ok(Err(trouble));
        }
        desk.pace().await;
        let asked = source.ask(question, self.web(), self.system().now()).await;
        desk.note(asked.as_ref().err());
        let outcome = asked.as_ref().map_or_else(Trouble::code, |_| "answered");
        Metric::StoreQuestions.count([("source", source.source()), ("outcome", outcome)]);
        let answers = match asked {
            Ok(answers) => answers,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let mut events = 0;
        for answer in answers {
            events += self.take_answer(setup, app, &answer).await?;
        }
        Ok(Ok(events))
    }

    /// An answer is a message like any other: kept as it came, read, decided upon.
    async fn take_answer(
        &self,
        setup: &Setup,
        app: &AppSetup,
        answer: &Answer,
    ) -> Result<usize, IntakeError> {
        let body = serde_json::to_vec(answer)
            .map_err(|error| IntakeError::AppUnusable(error.to_string()))?;
        let source = app.source.as_ref().map_or("", |source| source.source());
        let digest = uuid::Uuid::new_v5(&app.row.project.uuid(), &body);
        let key = format!(
            "{}:{}@{}#{}",
            answer.question.about,
            answer.question.id,
            answer.asked_at,
            digest.simple()
        );
        let title = format!("ANSWER / {}", answer.question.about);
        let message = app.message(
            &format!("{source}{ANSWERS}"),
            key,
            title,
            answer.asked_at,
            &body,
            self.system().now(),
        );
        self.read_answer(setup, app, message).await
    }

    /// Reads a stored answer again, or for the first time.
    pub(crate) async fn read_answer(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
    ) -> Result<usize, IntakeError> {
        let source = app.usable_source()?;
        let answer: Answer = serde_json::from_slice(&message.body).map_err(|error| {
            IntakeError::Refused(sources::Refusal::park(
                "store_answer_unreadable",
                error.to_string(),
            ))
        })?;
        let owner = answer.question.owner.clone();
        let mut observation = source.read(&answer).map_err(IntakeError::Refused)?;
        if let (Some(seen), Some(offering)) = (&mut observation, &answer.question.offering) {
            seen.notes.push(Note::Offered {
                at: answer.asked_at,
                offering: offering.clone(),
            });
        }
        let manner = Manner {
            owner: owner.as_deref(),
            silent: answer.question.silent,
        };
        self.process(setup, app, message, observation.as_ref(), manner)
            .await
            .map(|accepted| accepted.events())
    }
}

/// Ending of the inbox source of answers: `play_store/answer`.
pub(crate) const ANSWERS: &str = "/answer";
