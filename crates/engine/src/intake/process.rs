//! From facts to a commit: load, decide, write; again when the customer changed in between.

use super::{
    Accepted, Intake, IntakeError,
    account::First,
    look,
    manner::{Manner, wanted},
};
use crate::{
    decide::{self, Circumstances, Proposal},
    metric::Metric,
    setup::{AppSetup, Setup},
    trace,
};
use domain::{Event, Observation, customer::ANONYMOUS_PREFIX};
use jiff::Timestamp;
use ledger::{Commit, Committed, InboxMessage, Loaded, Wanted};
use tracing::Instrument;

/// How often a commit is tried against a customer that keeps changing.
const TRIES: u32 = 64;

/// What a decision led to.
pub(super) struct Decided {
    events: usize,
    /// The customer answers to the name that was wanted.
    owner_is_settled: bool,
    /// Nothing was known of the purchase.
    is_new_chain: bool,
}

impl Decided {
    /// Of what leads to nothing by itself.
    pub(super) const NOTHING: Self = Self {
        events: 0,
        owner_is_settled: true,
        is_new_chain: false,
    };
}

/// What is decided about.
#[derive(Clone, Copy)]
pub(super) struct Matter<'a> {
    /// The message and what it says; `None` when time passing is the cause.
    pub(super) said: Option<(&'a InboxMessage, &'a Observation)>,
    /// What has to be known.
    pub(super) wanted: &'a Wanted,
    /// When the message was received, or when time passing was noticed.
    pub(super) now: Timestamp,
    /// Somebody says whose it is, beside the store.
    pub(super) is_said: bool,
    /// When it was first heard of.
    pub(super) heard_at: Timestamp,
    /// Everything counts as told.
    pub(super) silent: bool,
}

impl Intake {
    /// Keeps a message that says nothing about a purchase.
    pub(super) async fn keep(
        &self,
        app: &AppSetup,
        message: InboxMessage,
    ) -> Result<Accepted, IntakeError> {
        let id = message.id;
        if self.core.ledger().seen(id).await? {
            return Ok(Accepted::Duplicate);
        }
        let commit = Commit {
            inbox: Some(message),
            ..Commit::of(app.row.project)
        };
        Ok(match self.core.commit(commit).await? {
            Committed::Duplicate => Accepted::Duplicate,
            Committed::Done { .. } | Committed::Conflict => Accepted::Processed { id, events: 0 },
        })
    }

    /// Takes in facts, with the message that states them, all or nothing. Before that a purchase that was bought anew passes to its buyer,
    /// and afterwards it is settled whose it is.
    pub(super) async fn process(
        &self,
        setup: &Setup,
        app: &AppSetup,
        message: InboxMessage,
        seen: &Observation,
        manner: Manner,
    ) -> Result<Accepted, IntakeError> {
        let id = message.id;
        let is_known = self.core.ledger().seen(id).await?;
        let word = manner.owner.as_ref();
        let wanted = wanted(app, seen, word.map(|word| &*word.name));
        let at = message.received_at;
        let passed = if is_known {
            0
        } else {
            self.follow_buyer(setup, app, &wanted, seen, at).await?
        };
        let decided = if is_known {
            None
        } else {
            let matter = Matter {
                said: Some((&message, seen)),
                wanted: &wanted,
                now: message.received_at,
                is_said: word.is_some(),
                heard_at: manner.heard_at.unwrap_or(message.received_at),
                silent: manner.silent,
            };
            self.decide_and_commit(setup, app, matter).await?
        };
        if decided.as_ref().is_some_and(|decided| decided.is_new_chain) {
            self.call(app, seen).await?;
        }
        let is_settled = |decided: &Decided| decided.owner_is_settled;
        // A crash may have come between these; what follows the first is a commit of its own each, and may be repeated.
        let moved = if decided.as_ref().is_some_and(is_settled) {
            0
        } else {
            self.settle_owner(setup, app, &wanted, seen, word, at)
                .await?
        };
        let first = match &decided {
            Some(decided) => decided.is_new_chain.then_some(First::Now(at)),
            None => Some(First::Perhaps(id)),
        };
        let joined = match first {
            Some(first) => Box::pin(self.join_account(setup, app, &wanted, seen, first)).await?,
            None => 0,
        };
        let moved = moved + passed + joined;
        Ok(match decided.map(|decided| decided.events) {
            Some(events) => Accepted::Processed {
                id,
                events: events + moved,
            },
            None if moved > 0 => Accepted::Processed { id, events: moved },
            None => Accepted::Duplicate,
        })
    }

    /// Load, decide, commit; again when the customer changed in between. `None` for a message that was known.
    pub(super) async fn decide_and_commit(
        &self,
        setup: &Setup,
        app: &AppSetup,
        matter: Matter<'_>,
    ) -> Result<Option<Decided>, IntakeError> {
        let wanted = matter.wanted;
        let (project, _) = setup.known_project(wanted.project)?;
        let at = Circumstances {
            project,
            app,
            inbox: matter.said.map(|(message, _)| message),
            now: matter.now,
            heard_at: matter.heard_at,
            rates: &self.core.rates(),
        };
        for _ in 0..TRIES {
            let ledger = self.core.ledger();
            let loaded = ledger.load(wanted).instrument(trace::load()).await?;
            let stood = loaded.chain.as_ref();
            let stood = stood.map(|known| look::doors(&known.stored.snapshot));
            let Some(proposal) = propose(loaded, matter, &at) else {
                return self.keep_for(app, matter.said).await;
            };
            let name = wanted.app_user_id.as_deref();
            // An account of the store is nobody's name: whoever has one keeps it.
            let is_only_account = !matter.is_said
                && name.is_some_and(|name| name.starts_with(ANONYMOUS_PREFIX))
                && proposal.is_named();
            let owner_is_settled =
                is_only_account || name.is_none_or(|name| proposal.belongs_to(name));
            let is_new_chain = proposal.is_new_chain();
            let known = match proposal.in_question() {
                Some(asked) => ledger.known_keys(&asked.customers, &asked.keys).await?,
                None => Vec::new(),
            };
            let mut commit = decide::conclude(proposal, &known, &at);
            if commit.inbox.is_none() {
                commit.inbox = look::of(app, &commit, stood.as_deref(), matter.now);
            }
            match self.commit_and_note(commit).await? {
                Written::Done(events) => {
                    return Ok(Some(Decided {
                        events,
                        owner_is_settled,
                        is_new_chain,
                    }));
                }
                Written::Duplicate => return Ok(None),
                Written::Conflict => {}
            }
        }
        Err(IntakeError::Contended)
    }

    /// Commits, has dispatch send what this node has room for, and says what was recorded.
    pub(super) async fn commit_and_note(&self, commit: Commit) -> Result<Written, IntakeError> {
        match self.dispatch.commit_and_send(commit).await? {
            (Committed::Duplicate, _) => Ok(Written::Duplicate),
            (Committed::Conflict, _) => Ok(Written::Conflict),
            (Committed::Done { .. }, events) => {
                for event in &events {
                    note(event);
                }
                if !events.is_empty() {
                    self.core.note_change();
                }
                Ok(Written::Done(events.len()))
            }
        }
    }
}

/// What became of a commit.
pub(super) enum Written {
    /// It is durable, with so many events.
    Done(usize),
    /// The message was known.
    Duplicate,
    /// The customer changed since it was loaded.
    Conflict,
}

fn propose(loaded: Loaded, matter: Matter<'_>, at: &Circumstances<'_>) -> Option<Proposal> {
    let wanted = matter.wanted;
    let seen = matter.said.map(|(_, seen)| seen);
    let name = wanted.app_user_id.as_deref();
    let mut proposal = decide::propose(loaded, &wanted.chain, seen, name, at)?;
    if matter.silent {
        proposal.keep_silent();
    }
    Some(proposal)
}

fn note(event: &Event) {
    Metric::EventsRecorded.count_kind(event.kind.id());
    let inbox = event.cause.inbox.map(tracing::field::display);
    tracing::info!(event.id = %event.id, event.kind = event.kind.id(), customer.id = %event.customer.id, customer_seq = event.customer_seq, inbox.id = inbox, rule = event.cause.rule, "event recorded");
}
