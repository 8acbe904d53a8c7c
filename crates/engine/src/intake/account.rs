//! Accounts of stores: what nobody was named for is of whoever a later purchase of the same account names.
//!
//! **How it works.** Purchases that name nobody are those of a customer who is called like their account. Once the first word of another purchase of that
//! account, which names somebody, is committed, that customer is joined to the one named: a commit of its own, because it is against the versions of
//! both.
//!
//! **What a crash leaves between the two** is found when the message is told again, which its store does, because it was not answered. By then it
//! is a duplicate. That it was the first word of its purchase is what the events of that purchase say, or where none was told, that nothing
//! else is known of it; and that the other customer was there before, when each was first heard of.

use super::{Intake, IntakeError, handover::Handover, manner::account};
use crate::{
    decide::{self, transfer::Scope},
    setup::{AppSetup, Setup},
};
use domain::{CustomerId, InboxId, Observation};
use jiff::Timestamp;
use ledger::{EventFilter, FeedRow, KnownChain, LedgerError, Page, Wanted};

/// Events of a customer that are read at once.
const AT_ONCE: usize = 500;

/// Whether a message is the first word of a purchase.
#[derive(Debug, Clone, Copy)]
pub(super) enum First {
    /// It was received then, and nothing was known of it.
    Now(Timestamp),
    /// It was taken in before.
    Perhaps(InboxId),
}

impl Intake {
    /// A purchase by an account of the store that nameless ones were made by before: they are the same customer's. `wanted` names
    /// the customer of the new one.
    pub(super) async fn join_account(
        &self,
        setup: &Setup,
        app: &AppSetup,
        wanted: &Wanted,
        seen: &Observation,
        first: First,
    ) -> Result<usize, IntakeError> {
        let account = account(app, seen).filter(|name| wanted.app_user_id.as_ref() != Some(name));
        let Some(name) = account else {
            return Ok(0);
        };
        let (project, ledger) = (app.row.project, self.core.ledger());
        let Some(known) = ledger.customer(project, &name).await? else {
            return Ok(0);
        };
        let by_chain = Wanted {
            app_user_id: None,
            ..wanted.clone()
        };
        let (known, loaded) = (known.customer, ledger.load(&by_chain).await?);
        let (Some(holder), Some(chain)) = (loaded.customer, loaded.chain) else {
            return Ok(0);
        };
        let holder = holder.customer;
        // Named meanwhile: two of the app's accounts buy with one account of the store.
        if holder.id == known.id || known.app_user_id != name {
            return Ok(0);
        }
        let at = match first {
            First::Now(at) => Some(at),
            First::Perhaps(id) => {
                let began = self.began_with(setup, app, id, holder.id, &chain, seen);
                began.await?.filter(|at| known.first_seen < *at)
            }
        };
        let Some(at) = at else {
            return Ok(0);
        };
        let handover = Handover {
            project,
            giver: known.id,
            from: &name,
            to: &holder.app_user_id,
            scope: Scope::Everything,
            why: "alias",
            at,
        };
        self.pass(setup, &handover).await
    }

    /// When a message that was taken in before was received, if it was the first word of a purchase.
    async fn began_with(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxId,
        holder: CustomerId,
        chain: &KnownChain,
        seen: &Observation,
    ) -> Result<Option<Timestamp>, IntakeError> {
        let Some(record) = self.core.ledger().inbox(message).await? else {
            return Ok(None);
        };
        let (project, _) = setup.known_project(app.row.project)?;
        let is_first = match self.first_told(app, holder, chain).await? {
            Some(told) => told.event.cause.inbox == Some(message),
            None => decide::is_all_of(&chain.stored, seen, &project.terms),
        };
        Ok(is_first.then_some(record.message.received_at))
    }

    /// The first event of a purchase that its holder has.
    async fn first_told(
        &self,
        app: &AppSetup,
        holder: CustomerId,
        chain: &KnownChain,
    ) -> Result<Option<FeedRow>, LedgerError> {
        let filter = EventFilter {
            project: Some(app.row.project),
            customer: Some(holder),
            apps: Some(vec![app.row.id]),
            environment: Some(chain.key.environment),
            ..EventFilter::default()
        };
        let mut after = 0;
        loop {
            let page = Page::After(after, AT_ONCE);
            let rows = self.core.ledger().events(&filter, page).await?;
            let Some(last) = rows.last() else {
                return Ok(None);
            };
            after = last.position;
            let is_its = |row: &FeedRow| {
                let purchase = row.event.purchase.as_ref();
                purchase.is_some_and(|purchase| purchase.chain == chain.key.id)
            };
            if let Some(first) = rows.into_iter().find(is_its) {
                return Ok(Some(first));
            }
        }
    }
}
