//! Doing what a message says. What is incomplete is asked first.

use super::{
    Accepted, Intake, IntakeError, inbox,
    manner::{Manner, first_heard, left_open, wanted, word},
};
use crate::{
    setup::{AppSetup, Setup},
    trace,
};
use domain::time::after;
use jiff::SignedDuration;
use ledger::{FIRST_ANSWER, InboxMessage, LedgerError, Origin, Parked};
use sources::{Content, Question, Source, Trouble, Verdict};
use tracing::Instrument;

/// An answer that cannot be read, or is refused, is not asked for again after this many tries, where a message says enough by itself.
const NONSENSE_TRIES: u32 = 6;
/// How long a message that still cannot be read waits for its next try.
const UNREADABLE_FOR: SignedDuration = SignedDuration::from_hours(1);

impl Intake {
    /// Does what a message says, or has its store asked in the background.
    pub(super) async fn follow(
        &self,
        setup: &Setup,
        app: &AppSetup,
        source: &dyn Source,
        message: InboxMessage,
        content: Content,
    ) -> Result<Accepted, IntakeError> {
        let Some(question) = self.open_question(app, source, &content).await? else {
            return self.conclude(setup, app, message, &content).await;
        };
        let id = message.id;
        if self.core.ledger().seen(id).await? {
            return Ok(Accepted::Duplicate);
        }
        self.park_until_answered(app, &message).await?;
        let (intake, span) = (self.clone(), trace::ask(app.row.store().id()));
        let app = app.row.id;
        let under_way = self.memory.asking.begin();
        let asking = async move {
            let _under_way = under_way;
            let setup = intake.core.setup();
            let Some(app) = setup.app(app) else { return };
            let asked = intake.ask_first(&setup, app, message, 0, &content, question);
            if let Err(error) = asked.await {
                tracing::warn!(inbox.id = %id, %error, "a message could not be processed; it is kept and tried again");
            }
        };
        // It goes on after the answer, but is part of the same trace.
        tokio::spawn(asking.instrument(span));
        Ok(Accepted::Pending { id })
    }

    /// Goes on with a parked message, waiting for its store where that must be asked.
    pub(super) async fn go_on(
        &self,
        setup: &Setup,
        app: &AppSetup,
        source: &dyn Source,
        message: InboxMessage,
        tries: u32,
        content: &Content,
    ) -> Result<Accepted, IntakeError> {
        match self.open_question(app, source, content).await? {
            None => self.conclude(setup, app, message, content).await,
            Some(question) => {
                self.ask_first(setup, app, message, tries, content, question)
                    .await
            }
        }
    }

    /// One more try of a parked message. Only a ledger that cannot be written is an error; the message stays parked otherwise.
    pub(crate) async fn retake(&self, parked: Parked) -> Result<(), LedgerError> {
        let setup = self.core.setup();
        let Parked { message, tries, .. } = parked;
        let id = message.id;
        let Some(app) = setup.app(message.app) else {
            return Ok(());
        };
        let Ok(source) = &app.source else {
            return Ok(());
        };
        let source = source.as_ref();
        let kept = message.clone();
        if matches!(message.origin, Origin::Answer(_)) {
            // What was answered waits for the purchase that it is about.
            let read = self.read_answer(&setup, app, message).await;
            return self.wait_longer(kept, read.map(|_| ())).await;
        }
        let content = match inbox::content(source, &message) {
            Ok(content) => content,
            Err(refusal) => {
                if refusal.verdict != Verdict::Park {
                    tracing::warn!(inbox.id = %id, reason = refusal.detail, "a parked message is refused now; it stays parked");
                }
                let again = after(self.core.system().now(), UNREADABLE_FOR);
                let ledger = self.core.ledger();
                ledger.park(message, refusal.detail, again).await?;
                return Ok(());
            }
        };
        let went_on = self.go_on(&setup, app, source, message, tries + 1, &content);
        let went_on = went_on.await.map(|accepted| {
            tracing::info!(inbox.id = %id, events = accepted.events(), "a parked message was processed");
        });
        self.wait_longer(kept, went_on).await
    }

    /// A message that was tried again and could not be processed waits for another try.
    async fn wait_longer(
        &self,
        message: InboxMessage,
        tried: Result<(), IntakeError>,
    ) -> Result<(), LedgerError> {
        match tried {
            // Processed; or parked again, and said so.
            Ok(()) | Err(IntakeError::Store(_)) => Ok(()),
            Err(IntakeError::Ledger(error)) => Err(error),
            Err(error) => {
                tracing::warn!(inbox.id = %message.id, %error, "a parked message could not be processed; trying later");
                let again = after(self.core.system().now(), UNREADABLE_FOR);
                let ledger = self.core.ledger();
                ledger.park(message, error.to_string(), again).await?;
                Ok(())
            }
        }
    }

    /// Keeps a message while its store is asked for the first time.
    pub(super) async fn park_until_answered(
        &self,
        app: &AppSetup,
        message: &InboxMessage,
    ) -> Result<(), IntakeError> {
        let later = after(message.received_at, FIRST_ANSWER);
        let waiting = format!("waiting for the answer of {}", app.row.store().title());
        let ledger = self.core.ledger();
        ledger.park(message.clone(), waiting, later).await?;
        Ok(())
    }

    /// What must be asked before what a message says can be decided upon: what it does not say itself, or what came before a
    /// purchase that is first seen in the middle of its life.
    pub(super) async fn open_question(
        &self,
        app: &AppSetup,
        source: &dyn Source,
        content: &Content,
    ) -> Result<Option<Question>, IntakeError> {
        let Some(question) = left_open(source, content) else {
            return Ok(None);
        };
        let Content::Observed(seen) = content else {
            return Ok(Some(question));
        };
        let known = self.core.ledger().load(&wanted(app, seen, None)).await?;
        Ok(known.chain.is_none().then_some(question))
    }

    /// Asks. A message that says something itself is done afterwards; of a question the answers are all there is.
    pub(super) async fn ask_first(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
        tries: u32,
        content: &Content,
        mut question: Question,
    ) -> Result<Accepted, IntakeError> {
        let Content::Observed(seen) = content else {
            let id = message.id;
            let answered = self.pursue(setup, app, &message, tries, &question).await?;
            return answered
                .map(|events| Accepted::Processed { id, events })
                .map_err(IntakeError::Store);
        };
        if let Some(word) = word(app, &message, seen) {
            (question.owner, question.sender) = (Some(word.name), word.sender);
        }
        question.heard_at = Some(first_heard(&message, seen.first_sent_at));
        let before = match self.inquire(setup, app, &question).await {
            Ok(Ok(events)) => events,
            // What came before will never be known: what is known must do. Whose it is, the message asks once more.
            Ok(Err(Trouble::Unknown(_))) | Err(IntakeError::OwnedByAnother) => 0,
            // Nor will it by asking the same again and again.
            Ok(Err(trouble @ (Trouble::Nonsense(_) | Trouble::Refused(_))))
                if tries >= NONSENSE_TRIES =>
            {
                tracing::warn!(inbox.id = %message.id, reason = %trouble, "what came before a purchase cannot be had; going on with what is known");
                0
            }
            Err(error) => return Err(error),
            Ok(Err(trouble)) => {
                self.park_for(&message, tries, &trouble).await?;
                return Err(IntakeError::Store(trouble));
            }
        };
        let accepted = self.conclude(setup, app, message, content).await?;
        Ok(accepted.with(before))
    }

    /// Does what a message says by itself.
    pub(super) async fn conclude(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
        content: &Content,
    ) -> Result<Accepted, IntakeError> {
        match content {
            Content::Observed(seen) => {
                let manner = Manner::of(app, &message, seen);
                self.process(setup, app, message, seen, manner).await
            }
            Content::Notice(notice) => self.tell_notice(setup, app, message, notice).await,
            Content::Nothing(why) => {
                tracing::info!(inbox.id = %message.id, title = message.title, reason = why, "a message leads to no event");
                self.keep(app, message).await
            }
            // What a store was asked came in as messages of its own.
            Content::Ask(_) => self.keep(app, message).await,
        }
    }
}
