//! What a store says to whoever runs the app, about no purchase.

use super::{Accepted, Intake, IntakeError, process::Written};
use crate::{
    decide::{self, Circumstances},
    setup::{AppSetup, Setup},
};
use domain::ChainKey;
use ledger::InboxMessage;
use sources::Notice;

/// How often it is told a customer who keeps changing.
const TRIES: u32 = 64;

impl Intake {
    /// Tells it of the customer whom the store means: by its account of the store, or else by the subject itself.
    pub(super) async fn tell_notice(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
        notice: &Notice,
    ) -> Result<Accepted, IntakeError> {
        let (id, now) = (message.id, message.received_at);
        if self.core.ledger().seen(id).await? {
            return Ok(Accepted::Duplicate);
        }
        let about = ChainKey {
            store: notice.store,
            environment: notice.environment,
            id: notice.subject.clone(),
        };
        let name = match &notice.account {
            Some(account) => decide::account_name(app.row.project, &about, account),
            None => decide::nameless(app.row.project, &about),
        };
        let (project, _) = setup.known_project(app.row.project)?;
        let at = Circumstances {
            project,
            app,
            inbox: Some(&message),
            now,
            heard_at: now,
            rates: &self.core.rates(),
        };
        for _ in 0..TRIES {
            let record = self.profile(app.row.project, &name, now).await?.record;
            let customer = record.customer.id;
            let commit = decide::notice(record, notice, &at);
            let keys: Vec<_> = commit
                .events
                .iter()
                .map(|new| new.event.key.clone())
                .collect();
            let known = self.core.ledger().known_keys(&[customer], &keys).await?;
            if !known.is_empty() {
                return self.keep(app, message).await;
            }
            match self.commit_and_note(commit).await? {
                Written::Done(events) => return Ok(Accepted::Processed { id, events }),
                Written::Duplicate => return Ok(Accepted::Duplicate),
                Written::Conflict => {}
            }
        }
        Err(IntakeError::Contended)
    }
}
