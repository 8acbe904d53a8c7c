//! A replay of states: how every customer stands now, told to an integration that heard nothing of what came before.
//!
//! Customers are gone through from the newest to the oldest, so that nobody is passed who was there when it began; whoever comes later is told by
//! what happens to them. Each customer is a commit of its own against its version, numbered behind what it was told last: so it has its place among
//! that customer's events, whatever happens meanwhile. How far that came is written after it; what was told when that could not be written any more
//! is known by its keys, and not told again.

use super::{Forecast, PAGE, Replays};
use crate::{
    ActiveIntegration,
    decide::{self, Telling},
};
use domain::{CustomerId, NotSent};
use jiff::Timestamp;
use ledger::{
    Choice, Commit, Committed, CustomerRecord, LedgerError, Replay, ReplayOf, ReplayState,
    ReplayStep,
};

/// How often a customer is read again that changes meanwhile.
const TRIES: usize = 8;
/// Customers that a forecast looks at.
const FORESEEN: u64 = 1_000;
/// Events that a forecast shows.
const SAMPLES: usize = 10;

/// What became of a customer.
enum Told {
    /// So many deliveries were made.
    Deliveries(u64),
    /// By this very replay, before it could write how far it had come.
    Before,
    /// There is nothing that it takes.
    Refused,
}

impl Replays {
    /// Goes through customers until the step is full or there are no more.
    pub(super) async fn look_at_customers(
        &self,
        active: &ActiveIntegration,
        step: &mut ReplayStep,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let (ledger, project) = (self.core.ledger(), step.replay.project);
        let mut queued = 0;
        loop {
            let before = step.progress.customer;
            let page = ledger.customers(project, before, PAGE).await?;
            for customer in &page {
                if queued >= u64::from(step.replay.per_second) {
                    return Ok(());
                }
                match self.tell(active, &step.replay, customer.id, now).await? {
                    Told::Deliveries(made) => {
                        queued += made;
                        step.progress.new += made;
                    }
                    Told::Refused => step.progress.refused += 1,
                    Told::Before => {}
                }
                step.progress.customer = Some(customer.id);
                step.progress.after += 1;
            }
            if page.len() < PAGE {
                step.progress.state = ReplayState::Done;
                return Ok(());
            }
        }
    }

    async fn tell(
        &self,
        active: &ActiveIntegration,
        replay: &Replay,
        id: CustomerId,
        now: Timestamp,
    ) -> Result<Told, LedgerError> {
        let ledger = self.core.ledger();
        for _ in 0..TRIES {
            let Some(record) = self.chosen(&replay.choice, active, id).await? else {
                return Ok(Told::Refused);
            };
            let name = replay.id.to_string();
            let Some(commit) = self.present(active, &replay.choice, &name, &record, now) else {
                return Ok(Told::Refused);
            };
            let keys = commit.events.iter().map(|new| new.event.key.clone());
            let keys: Vec<_> = keys.collect();
            if !ledger.known_keys(&[id], &keys).await?.is_empty() {
                return Ok(Told::Before);
            }
            let made = commit.deliveries.len() as u64;
            if let Committed::Done { .. } = ledger.commit(commit).await? {
                return Ok(Told::Deliveries(made));
            }
        }
        Err(LedgerError::Contended(format!(
            "customer {id} changes all the time"
        )))
    }

    /// A customer that is to be told of, and is there still.
    async fn chosen(
        &self,
        choice: &Choice,
        active: &ActiveIntegration,
        id: CustomerId,
    ) -> Result<Option<CustomerRecord>, LedgerError> {
        if choice.customer.is_some_and(|only| only != id) {
            return Ok(None);
        }
        let (project, name) = (active.row.project, id.to_string());
        let record = self.core.ledger().customer(project, &name).await?;
        Ok(record.filter(|record| !record.customer.is_forgotten()))
    }

    fn present(
        &self,
        active: &ActiveIntegration,
        choice: &Choice,
        name: &str,
        record: &CustomerRecord,
        now: Timestamp,
    ) -> Option<Commit> {
        let setup = self.core.setup();
        let (project, grants) = setup.known_project(active.row.project).ok()?;
        let telling = Telling {
            setup: &setup,
            project,
            grants,
            rates: &self.core.rates(),
            active,
            name,
            environment: choice.environment,
            now,
        };
        decide::present(&telling, record)
    }

    /// What a replay of states would do. Looks at 1,000 customers at most.
    pub(super) async fn foresee_states(
        &self,
        active: &ActiveIntegration,
        choice: &Choice,
    ) -> Result<Forecast, LedgerError> {
        let now = self.core.system().now();
        let (mut seen, mut before) = (Forecast::default(), None);
        let project = active.row.project;
        while seen.events < FORESEEN && !seen.is_complete {
            let page = self.core.ledger().customers(project, before, PAGE).await?;
            seen.is_complete = page.len() < PAGE;
            for customer in page {
                before = Some(customer.id);
                seen.events += 1;
                let record = self.chosen(choice, active, customer.id).await?;
                let told = record
                    .and_then(|record| self.present(active, choice, "forecast", &record, now));
                let Some(commit) = told else {
                    *seen.refused.entry(NotSent::EventUnsupported).or_default() += 1;
                    continue;
                };
                *seen.sent.entry(ReplayOf::NeverSent).or_default() +=
                    commit.deliveries.len() as u64;
                let first = commit.events.into_iter().next();
                if let Some(first) = first.filter(|_| seen.samples.len() < SAMPLES) {
                    seen.samples.push((first.event, ReplayOf::NeverSent));
                }
            }
        }
        Ok(seen)
    }
}
