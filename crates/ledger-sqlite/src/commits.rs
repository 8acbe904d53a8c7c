//! Messages, state, events and deliveries: one commit.

mod customers;
mod events;
pub(crate) mod load;
mod purchases;
mod stop;

use crate::{
    SqliteLedger,
    codec::{Key, micros},
    forget::forget,
    statement::execute,
};
use async_trait::async_trait;
use domain::{CustomerId, DeliveryId, ProjectId};
use ledger::{
    Commit, Commits, Committed, CustomerRecord, InboxMessage, Loaded, NewDelivery, NewEvent,
    Result, Wanted, codec::Prepared,
};
use rusqlite::{Connection, params};
use stop::Stop;

#[async_trait]
impl Commits for SqliteLedger {
    async fn load(&self, wanted: &Wanted) -> Result<Loaded> {
        self.read(|connection| load::load(connection, wanted))
    }
    async fn known_keys(&self, customers: &[CustomerId], keys: &[String]) -> Result<Vec<String>> {
        self.read(|connection| load::known_keys(connection, customers, keys))
    }
    async fn commit(&self, commit: Commit) -> Result<Committed> {
        let prepared = Prepared::new(commit)?;
        self.writer
            .write(move |connection| attempt(connection, &prepared))
            .await
    }
    async fn commit_test(
        &self,
        event: NewEvent,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Committed> {
        let project = event.event.project;
        self.commit(Commit {
            events: vec![event],
            deliveries,
            ..Commit::of(project)
        })
        .await
    }
    async fn forget_customer(&self, project: ProjectId, customer: &CustomerRecord) -> Result<bool> {
        let customer = customer.clone();
        self.writer
            .write(move |connection| forget(connection, project, &customer))
            .await
    }
}

/// Writes a commit, or nothing of it.
fn attempt(connection: &Connection, prepared: &Prepared) -> Result<Committed> {
    // An inner savepoint, because a duplicate or a conflict is an answer, not an error, and still leaves nothing behind.
    execute(connection, "SAVEPOINT attempt", [])?;
    let stopped = match write(connection, prepared) {
        Ok(ready) => {
            execute(connection, "RELEASE attempt", [])?;
            return Ok(Committed::Done { ready });
        }
        Err(stopped) => stopped,
    };
    execute(connection, "ROLLBACK TO attempt", [])?;
    execute(connection, "RELEASE attempt", [])?;
    match stopped {
        Stop::Duplicate => Ok(Committed::Duplicate),
        Stop::Conflict => Ok(Committed::Conflict),
        Stop::Failed(error) => Err(error),
    }
}

/// Answers the deliveries that may be sent now: those that stand behind no other of their line.
fn write(connection: &Connection, prepared: &Prepared) -> Result<Vec<DeliveryId>, Stop> {
    let commit = &prepared.commit;
    if let (Some(message), Some(body)) = (&commit.inbox, &prepared.inbox_body) {
        inbox(connection, message, body)?;
    }
    if let (Some(customer), Some(body)) = (&commit.customer, &prepared.customer) {
        customers::write(connection, commit.project, customer, body)?;
        let to = customer.customer.id.key();
        if let (Some(handover), Some(body)) = (&commit.handover, &prepared.from) {
            customers::hand_over(connection, handover, body, to)?;
        }
        if let (Some(chain), Some(texts)) = (&commit.chain, &prepared.chain) {
            purchases::write(connection, commit.project, to, chain, texts)?;
        }
    }
    Ok(events::write(connection, prepared)?)
}

fn inbox(connection: &Connection, message: &InboxMessage, body: &[u8]) -> Result<(), Stop> {
    // A parked message may be processed later; one that was processed is a duplicate.
    let new = execute(
        connection,
        "INSERT INTO inbox (id, project, app, source, key, title, received_at, body, processed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT coalesce(max(processed), 0) + 1 FROM inbox WHERE processed IS NOT NULL))
         ON CONFLICT (id) DO UPDATE SET parked = NULL, retry_at = NULL, processed = excluded.processed WHERE parked IS NOT NULL",
        params![
            message.id.key(),
            message.project.key(),
            message.app.key(),
            message.origin.to_string(),
            message.key,
            message.title,
            micros(message.received_at),
            body
        ],
    )?;
    if new == 0 {
        return Err(Stop::Duplicate);
    }
    Ok(())
}
