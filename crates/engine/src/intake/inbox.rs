//! Messages of the inbox, read again.
//!
//! Whatever leads to events is a message: what stores send and answer, receipts, imports, statements, what is done to
//! two customers, and what the clock decides. So every event can be derived again from the inbox alone.

use super::{Intake, IntakeError, manner::Manner, receipt};
use crate::setup::{AppSetup, Setup};
use ledger::{InboxMessage, LedgerError, Origin};
use sources::{Content, Refusal, Source};

/// What a message that is kept says.
pub(super) fn content(source: &dyn Source, message: &InboxMessage) -> Result<Content, Refusal> {
    match message.origin {
        Origin::Receipt | Origin::Import => receipt::stored(source, message),
        Origin::Store(_) | Origin::Answer(_) | Origin::Operation | Origin::Clock => source
            .read_kept(&message.body)
            .map(|received| received.content),
    }
}

impl Intake {
    /// Takes a message in again that was taken in before, from what is kept of it. Its store is not asked: what it answered is
    /// kept as messages of their own.
    pub(crate) async fn repeat(&self, message: InboxMessage) -> Result<(), LedgerError> {
        let setup = self.core.setup();
        let Some(app) = setup.app(message.app) else {
            return Ok(());
        };
        let Ok(source) = &app.source else {
            return Ok(());
        };
        let id = message.id;
        let repeated = self.repeat_in(&setup, app, source.as_ref(), message).await;
        match repeated {
            Ok(()) | Err(IntakeError::OwnedByAnother) => Ok(()),
            Err(IntakeError::Ledger(error)) => Err(error),
            Err(error) => {
                tracing::warn!(inbox.id = %id, %error, "a message could not be taken in again");
                Ok(())
            }
        }
    }

    async fn repeat_in(
        &self,
        setup: &Setup,
        app: &AppSetup,
        source: &dyn Source,
        message: InboxMessage,
    ) -> Result<(), IntakeError> {
        match message.origin {
            Origin::Answer(_) => self.read_answer(setup, app, message).await.map(|_| ()),
            Origin::Operation => self.repeat_operation(setup, &message).await,
            Origin::Clock => self.repeat_look(setup, app, &message).await,
            Origin::Store(_) | Origin::Receipt | Origin::Import => {
                let content = content(source, &message).map_err(IntakeError::Refused)?;
                match content {
                    Content::Observed(seen) => {
                        let manner = Manner::of(app, &message, &seen);
                        self.process(setup, app, message, &seen, manner).await?;
                    }
                    Content::Notice(notice) => {
                        self.tell_notice(setup, app, message, &notice).await?;
                    }
                    Content::Nothing(_) | Content::Ask(_) => {}
                }
                Ok(())
            }
        }
    }
}
