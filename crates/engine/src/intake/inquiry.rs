//! Asking stores: what a message does not say, how a purchase stands, what came before.
//!
//! **How it works.** A message that leads to a question is parked first, so that nothing is lost whatever the store does;
//! then the store is asked, its answer goes through intake as a message of its own, and the first one is done. When the
//! store cannot answer, the message stays parked with the reason and comes up again, later each time.
//!
//! One question about one purchase is asked at a time, and each app asks at the pace its store allows ([`super::desk`]).

use super::{
    Intake, IntakeError,
    desk::Urgency,
    manner::{Manner, Word, first_heard, wanted},
    message::{Named, digest},
};
use crate::{
    metric::Metric,
    setup::{AppSetup, Setup},
};
use domain::{Environment, Observation, fact::Note, time::after};
use jiff::{SignedDuration, Timestamp};
use ledger::{Commit, InboxMessage, Origin};
use sources::{Answer, Question, Refusal, RefusalCode, Source, Trouble};

/// Pauses between tries; the last one repeats.
const PAUSES: [SignedDuration; 6] = [
    SignedDuration::from_secs(10),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(10),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(1),
];

/// A purchase the store does not know, or of which it refuses to speak, is not asked about again by itself after this many tries.
const VAIN_TRIES: u32 = 6;

/// When a message that nobody will try again by itself is due: never, as far as a clock can say.
const NEVER: SignedDuration = SignedDuration::from_hours(24 * 365 * 100);

/// What was given up is due after this moment, and anything else before it.
pub(super) fn given_up_before(now: Timestamp) -> Timestamp {
    after(now, NEVER / 2)
}

/// What asking came to: the number of events the answers led to, or why there is no answer now.
pub(super) type Asked = Result<usize, Trouble>;

/// When to try again after `tries` tries in vain.
fn again_at(now: Timestamp, tries: u32, trouble: &Trouble) -> Timestamp {
    let planned = usize::try_from(tries)
        .ok()
        .and_then(|tries| PAUSES.get(tries))
        .unwrap_or(&PAUSES[PAUSES.len() - 1]);
    match trouble {
        Trouble::Unavailable {
            again_at: Some(at), ..
        } => (*at).max(after(now, SignedDuration::from_secs(1))),
        Trouble::Unknown(_) | Trouble::Refused(_) if tries >= VAIN_TRIES => after(now, NEVER),
        _ => after(now, *planned),
    }
}

impl Intake {
    /// Asks, takes in the answers, and is done with the message that led to the question. What the store cannot answer now
    /// leaves the message parked with the reason.
    pub(super) async fn pursue(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: &InboxMessage,
        tries: u32,
        question: &Question,
    ) -> Result<Asked, IntakeError> {
        let question = Question {
            heard_at: Some(first_heard(message, question.heard_at)),
            ..question.clone()
        };
        let asked = self.inquire(setup, app, &question).await;
        let trouble = match asked {
            // Whose it is was decided, if not as hoped: the message is done either way.
            Ok(Ok(_)) | Err(IntakeError::OwnedByAnother) => {
                let done = Commit {
                    inbox: Some(message.clone()),
                    ..Commit::of(app.row.project)
                };
                self.core.commit(done).await?;
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
    pub(super) async fn park_for(
        &self,
        message: &InboxMessage,
        tries: u32,
        trouble: &Trouble,
    ) -> Result<(), IntakeError> {
        let at = again_at(self.core.system().now(), tries, trouble);
        tracing::warn!(inbox.id = %message.id, app.id = %message.app, code = trouble.code(), reason = %trouble, retry_at = %at, "the store's answer is missing; the message is kept and tried again");
        let ledger = self.core.ledger();
        ledger
            .park(message.clone(), trouble.to_string(), at)
            .await?;
        Ok(())
    }

    /// Asks and takes in the answers.
    pub(super) async fn inquire(
        &self,
        setup: &Setup,
        app: &AppSetup,
        question: &Question,
    ) -> Result<Asked, IntakeError> {
        self.inquire_when(setup, app, question, Urgency::Now).await
    }

    /// The same; a question that may wait is answered with the store's trouble while it lasts.
    pub(super) async fn inquire_when(
        &self,
        setup: &Setup,
        app: &AppSetup,
        question: &Question,
        urgency: Urgency,
    ) -> Result<Asked, IntakeError> {
        let source = app.usable_source()?;
        let desk = self.memory.desks.of(app);
        let subject = desk.subject(&question.id);
        let _turn = subject.lock().await;
        let _place = desk.place().await;
        let system = self.core.system();
        if let (Urgency::Whenever, Some(trouble)) = (urgency, desk.trouble(system.uptime())) {
            return Ok(Err(trouble));
        }
        desk.pace(system).await;
        let asked = source.ask(question, self.core.web(), system.now()).await;
        desk.note(asked.as_ref().err(), system.uptime());
        let outcome = asked.as_ref().map_or_else(Trouble::code, |_| "answered");
        Metric::StoreQuestions.count([("source", app.row.store().id()), ("outcome", outcome)]);
        let answers = match asked {
            Ok(answers) => answers,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let (mut events, mut taken, mut refused) = (0, 0, None);
        for answer in answers {
            match self.take_answer(setup, app, &answer).await {
                Ok(told) => (events, taken) = (events + told, taken + 1),
                Err(error @ IntakeError::OwnedByAnother) => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        // Of several purchases some may be somebody else's; whoever has none of them is told so.
        match refused {
            Some(error) if taken == 0 => Err(error),
            _ => Ok(Ok(events)),
        }
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
        let question = &answer.question;
        let content = digest(app, &body).simple();
        let named = Named {
            origin: Origin::Answer(app.row.store()),
            key: format!(
                "{}:{}@{}#{content}",
                question.about, question.id, answer.asked_at
            ),
            title: format!("ANSWER / {}", question.about),
            signed_at: answer.asked_at,
        };
        let message = app.message(named, &body, self.core.system().now());
        self.read_answer(setup, app, message).await
    }

    /// Reads a stored answer again, or for the first time.
    pub(super) async fn read_answer(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
    ) -> Result<usize, IntakeError> {
        let (question, read) = answered(app.usable_source()?.as_ref(), &message)?;
        let Some(mut seen) = read else {
            let kept = self.keep(app, message).await?;
            return Ok(kept.events());
        };
        if seen.is_anywhere {
            seen.chain.environment = self.known_environment(app, &seen).await?;
        }
        if let Some(notice) = self.asked_of_unknown(app, &seen).await? {
            let told = self.tell_notice(setup, app, message, &notice).await?;
            return Ok(told.events());
        }
        let sender = question.sender;
        let manner = Manner {
            owner: question.owner.map(|name| Word { name, sender }),
            silent: question.silent,
            heard_at: question.heard_at,
        };
        let accepted = self.process(setup, app, message, &seen, manner).await?;
        Ok(accepted.events())
    }

    /// Where the purchase was made that is known by this id; where none is, the store's guess is as good as any.
    async fn known_environment(
        &self,
        app: &AppSetup,
        seen: &Observation,
    ) -> Result<Environment, IntakeError> {
        for environment in Environment::ALL {
            let mut there = seen.clone();
            there.chain.environment = environment;
            let known = self.core.ledger().load(&wanted(app, &there, None)).await?;
            if known.chain.is_some() {
                return Ok(environment);
            }
        }
        Ok(seen.chain.environment)
    }
}

/// What a stored answer says, and the question it answers.
pub(super) fn answered(
    source: &dyn Source,
    message: &InboxMessage,
) -> Result<(Question, Option<Observation>), IntakeError> {
    let unreadable = |error: serde_json::Error| {
        IntakeError::Refused(Refusal::park(
            RefusalCode::StoreAnswerUnreadable,
            error.to_string(),
        ))
    };
    let answer: Answer = serde_json::from_slice(&message.body).map_err(unreadable)?;
    let mut seen = source.read(&answer).map_err(IntakeError::Refused)?;
    if let (Some(seen), Some(offering)) = (&mut seen, answer.question.offering.clone()) {
        let at = answer.asked_at;
        seen.notes.push(Note::Offered { at, offering });
    }
    Ok((answer.question, seen))
}
