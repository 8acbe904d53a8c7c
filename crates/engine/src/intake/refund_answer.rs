//! Answering a store that asked what speaks for or against a refund, on behalf of whoever runs the app.

use super::{Intake, IntakeError};
use crate::metric::Metric;
use domain::{Event, EventKind, fact::TransactionKind};
use jiff::Timestamp;
use sources::{RefundAnswer, RefundAsked, Unanswered, Wrong};

/// Why a store was not answered, or would not be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RefundAnswerError {
    /// The event is no request of a store about a refund.
    #[error("the event is of the kind {}: only a refund_requested is a store's question that can be answered", .0.id())]
    NotAsked(EventKind),
    /// The store no longer waits.
    #[error("the store waited for an answer until {0:.0}")]
    TooLate(Timestamp),
    /// Fields that the store would not take, each with what is wrong and what would be right.
    #[error("{}", Unanswered::Invalid(.0.clone()))]
    Invalid(Vec<Wrong>),
    /// The store refused it, in its own words.
    #[error("{0}")]
    Refused(String),
    /// The app cannot be used, or its store not be reached.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

/// Whether an event asks something that can be answered at `now`.
pub fn awaits_answer(event: &Event, now: Timestamp) -> Result<(), RefundAnswerError> {
    let request = event.request.as_ref();
    let request = request.filter(|_| event.kind == EventKind::RefundRequested);
    let request = request.ok_or(RefundAnswerError::NotAsked(event.kind))?;
    match request.respond_by {
        Some(until) if until < now => Err(RefundAnswerError::TooLate(until)),
        _ => Ok(()),
    }
}

impl From<Unanswered> for RefundAnswerError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Invalid(fields) => Self::Invalid(fields),
            Unanswered::Refused(words) => Self::Refused(words),
            Unanswered::Store(trouble) => Self::Intake(IntakeError::Store(trouble)),
        }
    }
}

impl Intake {
    /// Tells the store of a `refund_requested` event what speaks for or against the refund, as its app, at the pace that the store
    /// allows. The store takes it or refuses it; what it decides comes as messages of its own.
    pub async fn answer_refund(
        &self,
        event: &Event,
        answer: &RefundAnswer,
    ) -> Result<(), RefundAnswerError> {
        awaits_answer(event, self.core.system().now())?;
        let not_asked = || RefundAnswerError::NotAsked(event.kind);
        let app = event.app.as_ref().ok_or_else(not_asked)?;
        let known = event.transaction.as_ref().map(|known| &known.id);
        let named = || event.request.as_ref()?.transaction.as_ref();
        let transaction = known.or_else(named).map(String::as_str);
        let setup = self.core.setup();
        let app = setup.known_app(app.id)?;
        let source = app.usable_source()?;
        let asked = RefundAsked {
            environment: event.environment,
            transaction: transaction.ok_or_else(not_asked)?,
            token: event
                .request
                .as_ref()
                .and_then(|asked| asked.token.as_deref()),
            kind: event
                .purchase
                .as_ref()
                .map_or(TransactionKind::Consumable, |purchase| purchase.kind),
        };
        let desk = self.memory.desks.of(app);
        let _place = desk.place().await;
        desk.pace(self.core.system()).await;
        let now = self.core.system().now();
        let told = source
            .answer_refund(&asked, answer, self.core.web(), now)
            .await;
        let outcome = match &told {
            Ok(()) => "answered",
            Err(Unanswered::Invalid(_)) => "not_sent",
            Err(Unanswered::Refused(_)) => "refused",
            Err(Unanswered::Store(trouble)) => trouble.code(),
        };
        Metric::StoreQuestions.count([("source", app.row.store().id()), ("outcome", outcome)]);
        match told {
            Ok(()) => {
                tracing::info!(event.id = %event.id, app.id = %app.row.id, "a store was told what speaks for or against a refund");
                Ok(())
            }
            Err(unanswered) => {
                tracing::info!(event.id = %event.id, app.id = %app.row.id, reason = %unanswered, "a store was not told what speaks for or against a refund");
                Err(unanswered.into())
            }
        }
    }
}
