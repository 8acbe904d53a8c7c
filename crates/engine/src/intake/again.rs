//! Messages read again by a release that reads more from them.
//!
//! **Motivation.** What is read from a message is stored, and the message is kept. A release that tells the lines of a purchase
//! apart finds purchases whose stored facts do not: the next message about such a purchase would tell of lines as if they were
//! new. So every message that was kept is read once more when such a release starts, before it takes in anything.
//!
//! **How it works.** Merging facts depends neither on their order nor on how often they are merged: each message is read, what
//! it says is merged with what is stored, and what that adds is written, with nothing told of it ([`decide::again`]). Killed
//! half-way it begins anew, and finds nothing to add where it has been. When all is read, the ledger says of which edition it is.
//!
//! **What it does not do.** It changes no event: where a rule of today would have told something else,
//! [`crate::rederive`] says so.

use super::{Intake, IntakeError, inbox::content, inquiry::answered, manner::wanted};
use crate::{
    decide::{self, Circumstances},
    setup::{AppSetup, Setup},
};
use domain::Observation;
use ledger::{Archived, Committed, InboxMessage, LedgerError, Origin};
use sources::Content;
use std::time::Duration;

/// What is read from messages today. The second edition tells the lines of a purchase apart. Raised by one when a release reads
/// more from messages that were taken in before.
const EDITION: u64 = 2;
/// Messages read at once.
const AT_ONCE: usize = 500;
/// Between two words about how far it is.
const WORD_EVERY: Duration = Duration::from_secs(5);
/// How often what one message adds is written against a customer that keeps changing.
const TRIES: u32 = 64;

impl Intake {
    /// Reads every kept message once more if what is stored is of an earlier edition.
    pub(crate) async fn keep_up(&self) -> Result<(), LedgerError> {
        if self.core.ledger().edition().await? >= EDITION {
            return Ok(());
        }
        self.read_again().await?;
        self.core.ledger().put_edition(EDITION).await
    }

    /// Reads every kept message once more, and answers how many of them added something. Nothing is told of that.
    pub(crate) async fn read_again(&self) -> Result<u64, LedgerError> {
        let setup = self.core.setup();
        let (mut read, mut added) = (0_u64, 0_u64);
        let mut said = self.core.system().uptime();
        for project in setup.projects() {
            let mut after = 0;
            loop {
                let ledger = self.core.ledger();
                let page = ledger.archive(project.row.id, after, AT_ONCE).await?;
                if page.is_empty() {
                    break;
                }
                for Archived { position, message } in page {
                    after = position;
                    read += 1;
                    added += u64::from(self.read_once_more(&setup, &message).await?);
                }
                let now = self.core.system().uptime();
                if now.saturating_sub(said) >= WORD_EVERY {
                    said = now;
                    tracing::info!(
                        project.key = project.row.key,
                        messages = read,
                        added,
                        "reading messages again for this release: nothing is taken in until it is done"
                    );
                }
            }
        }
        if read > 0 {
            tracing::info!(
                messages = read,
                added,
                "messages were read again for this release"
            );
        }
        Ok(added)
    }

    /// Answers whether it added anything. One that cannot be read any more adds nothing.
    async fn read_once_more(
        &self,
        setup: &Setup,
        message: &InboxMessage,
    ) -> Result<bool, LedgerError> {
        let Some(app) = setup.app(message.app) else {
            return Ok(false);
        };
        match self.add(setup, app, message).await {
            Ok(added) => Ok(added),
            Err(IntakeError::Ledger(error)) => Err(error),
            Err(error) => {
                tracing::warn!(inbox.id = %message.id, %error, "a message could not be read again");
                Ok(false)
            }
        }
    }

    async fn add(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: &InboxMessage,
    ) -> Result<bool, IntakeError> {
        let Some(seen) = observation(app, message)? else {
            return Ok(false);
        };
        let wanted = wanted(app, &seen, None);
        let (project, _) = setup.known_project(wanted.project)?;
        let at = Circumstances {
            project,
            app,
            inbox: None,
            now: self.core.system().now(),
            heard_at: message.received_at,
            rates: &self.core.rates(),
        };
        for _ in 0..TRIES {
            let loaded = self.core.ledger().load(&wanted).await?;
            let Some(commit) = decide::again::read_again(loaded, &seen, &at) else {
                return Ok(false);
            };
            if self.core.commit(commit).await? != Committed::Conflict {
                return Ok(true);
            }
        }
        Err(IntakeError::Contended)
    }
}

/// What a kept message says of a purchase, if it does.
fn observation(app: &AppSetup, message: &InboxMessage) -> Result<Option<Observation>, IntakeError> {
    let source = app.usable_source()?.as_ref();
    match message.origin {
        Origin::Operation | Origin::Clock => Ok(None),
        Origin::Answer(_) => answered(source, message).map(|(_, seen)| seen),
        Origin::Store(_) | Origin::Receipt | Origin::Import => {
            match content(source, message).map_err(IntakeError::Refused)? {
                Content::Observed(seen) => Ok(Some(*seen)),
                Content::Notice(_) | Content::Nothing | Content::Ask(_) => Ok(None),
            }
        }
    }
}
