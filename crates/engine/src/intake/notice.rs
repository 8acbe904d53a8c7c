//! What a store says to whoever runs the app, about no purchase, or about one that nobody knows.

use super::{
    Accepted, Intake, IntakeError,
    manner::{carried, wanted},
    process::Written,
};
use crate::{
    decide::{self, Circumstances},
    setup::{AppSetup, Setup},
};
use domain::{ChainKey, EventKind, Observation, event::Request, fact::Note};
use ledger::InboxMessage;
use sources::Notice;

/// How often it is told a customer who keeps changing.
const TRIES: u32 = 64;

impl Intake {
    /// What a store asks about a purchase of which it shows nothing. `None` where the purchase is known: there it is told of that.
    pub(super) async fn asked_of_unknown(
        &self,
        app: &AppSetup,
        seen: &Observation,
    ) -> Result<Option<Notice>, IntakeError> {
        let shows_nothing = seen.transactions.is_empty() && seen.refunds.is_empty();
        let notice = seen.notes.iter().find_map(|note| asked(seen, note));
        let Some(notice) = notice.filter(|_| shows_nothing) else {
            return Ok(None);
        };
        let known = self.core.ledger().load(&wanted(app, seen, None)).await?;
        Ok(known.chain.is_none().then_some(notice))
    }

    /// Tells it of the customer whom the store means: by the name that it carries, by its account of the store, or else by the subject itself.
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
        let name = match (&notice.user_token, &notice.account) {
            (Some(token), _) => carried(app, &about, token),
            (None, Some(account)) => decide::account_name(app.row.project, &about, account),
            (None, None) => decide::nameless(app.row.project, &about),
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

/// What a note asks for, about the transaction that it names.
fn asked(seen: &Observation, note: &Note) -> Option<Notice> {
    let Note::RefundRequested {
        at,
        transaction,
        reason,
        respond_by,
        token,
    } = note
    else {
        return None;
    };
    Some(Notice {
        kind: EventKind::RefundRequested,
        store: seen.chain.store,
        environment: seen.chain.environment,
        subject: transaction.clone(),
        account: seen.account.clone(),
        user_token: seen.user_token.clone(),
        at: *at,
        request: Some(Request {
            reason: reason.clone(),
            respond_by: *respond_by,
            token: token.clone(),
            transaction: Some(transaction.clone()),
        }),
    })
}
