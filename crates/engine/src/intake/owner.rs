//! Whom a purchase belongs to.
//!
//! A client or a key of the project may name the owner; the project says what happens when it names another one than the
//! present. Without such a word only an owner whom nobody has named gives way, to the name that the store carries.
//!
//! A key of the project is believed. A client, which has only the public key that is in every copy of the app, sent a proof, or
//! its source had refused it; but what the store's own record carries a name for passes from its owner to nobody else than whom
//! that name stands for. docs/security.md says it for people.
//!
//! docs/stores.md, "Customers", says it for people. Source: RevenueCat docs, "Restoring Purchases", transfer behavior.

use super::{
    Intake, IntakeError,
    handover::Handover,
    manner::{Word, wanted},
    profile::check_name,
};
use crate::{
    decide::transfer::Scope,
    setup::{AppSetup, Setup},
};
use domain::{
    AppId, ChainKey, Environment, Observation, ProjectId,
    customer::{ANONYMOUS_PREFIX, Customer},
    fact::{Ownership, TransactionFact, TransactionKind, TransactionReason},
};
use jiff::Timestamp;
use ledger::{KnownChain, Project, TransferBehaviour, Wanted};
use sources::{Content, Receipt, stands_for};

impl Intake {
    /// Decides whom a purchase belongs to once it is known. Answers with the number of events that its passing told.
    ///
    /// `word` is that of a client or a key of the project; `at` is when the message was received.
    pub(super) async fn settle_owner(
        &self,
        setup: &Setup,
        app: &AppSetup,
        wanted: &Wanted,
        seen: &Observation,
        word: Option<&Word>,
        at: Timestamp,
    ) -> Result<usize, IntakeError> {
        let Some(weighed) = self.weigh(setup, app, wanted, seen, word).await? else {
            return Ok(0);
        };
        let passing = Passing {
            holder: &weighed.holder,
            chain: weighed.chain,
            name: wanted.app_user_id.as_deref().unwrap_or_default(),
            at,
        };
        self.honour(setup, app.row.project, weighed.claim, passing)
            .await
    }

    /// What the claim of whoever is named on a purchase comes to; `None` where nobody is named, or nobody has the purchase.
    async fn weigh(
        &self,
        setup: &Setup,
        app: &AppSetup,
        wanted: &Wanted,
        seen: &Observation,
        word: Option<&Word>,
    ) -> Result<Option<Weighed>, IntakeError> {
        let Some(name) = wanted.app_user_id.as_deref() else {
            return Ok(None);
        };
        let (row, _) = setup.known_project(app.row.project)?;
        let by_chain = Wanted {
            app_user_id: None,
            ..wanted.clone()
        };
        let loaded = self.core.ledger().load(&by_chain).await?;
        let (Some(holder), Some(known)) = (loaded.customer, loaded.chain) else {
            return Ok(None);
        };
        let holder = holder.customer;
        let mut claim = claim(&row.row, &holder, &known, name, word.is_some());
        if let Some(word) = word.filter(|_| claim != Claim::Stays) {
            // Another installation of whoever made up a name has it, but not whoever sends in what a store told of first.
            let made_up_its_name =
                claim == Claim::NamesHolder && !holder.app_user_id.starts_with(ANONYMOUS_PREFIX);
            if is_hearsay(&holder, name, seen) {
                claim = Claim::NamesHolder;
            } else if made_up_its_name {
                if self.is_bought_for_a_third(app, &holder, seen, word).await? {
                    claim = Claim::Refused;
                }
            } else if self.is_bought_for_another(app, seen, word).await? {
                claim = Claim::Refused;
            }
        }
        Ok(Some(Weighed {
            holder,
            chain: known.key,
            claim,
        }))
    }

    /// Whether a purchase would be refused to whoever sends it in, because it is somebody else's. Nothing changes by asking. What only the
    /// store could say is not asked: it is refused to nobody yet.
    pub async fn may_have(&self, app: AppId, receipt: &Receipt) -> Result<bool, IntakeError> {
        let setup = self.core.setup();
        let app = setup.known_app(app)?;
        let source = app.usable_source()?;
        check_name(&receipt.app_user_id)?;
        let read = source.receipt(receipt, self.core.system().now());
        let Content::Observed(seen) = read.map_err(IntakeError::Refused)? else {
            return Ok(true);
        };
        let wanted = wanted(app, &seen, Some(&receipt.app_user_id));
        let word = Word {
            name: receipt.app_user_id.clone(),
            sender: receipt.sender,
        };
        let weighed = self.weigh(&setup, app, &wanted, &seen, Some(&word)).await?;
        Ok(weighed.is_none_or(|weighed| weighed.claim != Claim::Refused))
    }

    /// A purchase that the customer started anew, under another of the app's accounts: whoever the store's record of it names
    /// buys it, and is asked about like anybody else who claims a purchase. Settled before the purchase is told, so that it is
    /// told to whom it belongs. A renewal repeats the name that it began with, and changes nothing.
    pub(super) async fn follow_buyer(
        &self,
        setup: &Setup,
        app: &AppSetup,
        wanted: &Wanted,
        seen: &Observation,
        at: Timestamp,
    ) -> Result<usize, IntakeError> {
        let Some((name, bought)) = seen.user_token.as_deref().zip(bought_anew(seen)) else {
            return Ok(0);
        };
        let project = app.row.project;
        let (row, _) = setup.known_project(project)?;
        let by_chain = Wanted {
            app_user_id: None,
            ..wanted.clone()
        };
        let loaded = self.core.ledger().load(&by_chain).await?;
        let (Some(holder), Some(known)) = (loaded.customer, loaded.chain) else {
            return Ok(0);
        };
        let stored = &known.stored;
        // One that waits for the end of another is bought under a name of its own, and shows the charge of the other until then.
        let is_heard =
            stored.facts.charge(&bought.id).next().is_some() && stored.facts.knows_leg(&bought.leg);
        if is_heard || bought.purchased_at < stored.snapshot.purchased_at {
            return Ok(0);
        }
        let holder = holder.customer;
        let claim = claim(&row.row, &holder, &known, name, true);
        if claim == Claim::Refused {
            tracing::info!(
                chain = known.key.id,
                "a purchase names another customer than its owner, with whom this project keeps it"
            );
            return Ok(0);
        }
        let passing = Passing {
            holder: &holder,
            chain: known.key,
            name,
            at,
        };
        self.honour(setup, project, claim, passing).await
    }

    /// Does what a claim comes to. Answers with the number of events that it told.
    async fn honour(
        &self,
        setup: &Setup,
        project: ProjectId,
        claim: Claim,
        passing: Passing<'_>,
    ) -> Result<usize, IntakeError> {
        let Passing {
            holder,
            chain,
            name,
            at,
        } = passing;
        if claim == Claim::Stays {
            return Ok(0);
        }
        let claimant = self.profile(project, name, at).await?.record.customer.id;
        let (holder, held_by) = (holder.id, holder.app_user_id.as_str());
        let only_it = [chain];
        let (giver, from, to, scope, why) = match claim {
            Claim::Stays => return Ok(0),
            Claim::Refused => return Err(IntakeError::OwnedByAnother),
            Claim::NamesHolder => (holder, held_by, name, Scope::Everything, "alias"),
            Claim::Takes => (
                holder,
                held_by,
                name,
                Scope::Purchases(&only_it),
                "transfer",
            ),
            Claim::Shares => (claimant, name, held_by, Scope::Everything, "share"),
        };
        let handover = Handover {
            project,
            giver,
            from,
            to,
            scope,
            why,
            at,
        };
        self.pass(setup, &handover).await
    }

    /// Whether a client claims what the store's own record of the purchase carries somebody else's name for.
    async fn is_bought_for_another(
        &self,
        app: &AppSetup,
        seen: &Observation,
        word: &Word,
    ) -> Result<bool, IntakeError> {
        let token = seen.user_token.as_deref();
        let Some(token) = token.filter(|_| word.sender.is_client()) else {
            return Ok(false);
        };
        let ledger = self.core.ledger();
        let claimant = ledger.customer(app.row.project, &word.name).await?;
        let claimant = claimant.as_ref().map(|claimant| &claimant.customer);
        let mut names = std::iter::once(&word.name).chain(claimant.into_iter().flat_map(names));
        Ok(!names.any(|name| stands_for(token, name)))
    }

    /// Whether a client claims what the store's own record of the purchase carries the name of a customer for who is neither it nor the holder. A
    /// name that nobody has is the app's own numbering of its users, and holds nothing against a new installation.
    async fn is_bought_for_a_third(
        &self,
        app: &AppSetup,
        holder: &Customer,
        seen: &Observation,
        word: &Word,
    ) -> Result<bool, IntakeError> {
        let token = seen.user_token.as_deref();
        let Some(token) = token.filter(|_| word.sender.is_client()) else {
            return Ok(false);
        };
        if names(holder).any(|name| stands_for(token, name)) {
            return Ok(false);
        }
        // UUIDs are written in either case, and stores make them small.
        for name in [token, &token.to_ascii_uppercase()] {
            let known = self.core.ledger().customer(app.row.project, name).await?;
            if known.is_some_and(|known| !known.customer.answers_to(&word.name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What a customer bought last, of what was seen, when it did not begin the chain.
fn bought_anew(seen: &Observation) -> Option<&TransactionFact> {
    if seen.is_named_before {
        return None;
    }
    let bought = seen.transactions.iter().filter(|fact| {
        fact.reason == Some(TransactionReason::Purchase)
            && fact.ownership == Ownership::Purchased
            && fact.kind == TransactionKind::Subscription
            && !fact.is_origin(&seen.chain.id)
    });
    let last = bought.max_by_key(|fact| (fact.purchased_at, &fact.id))?;
    // The name that the store carries is that of its newest transaction.
    let newest = seen.transactions.iter().map(|fact| fact.purchased_at).max();
    (newest == Some(last.purchased_at)).then_some(last)
}

/// What a claim on a purchase comes to, and whose that is.
struct Weighed {
    holder: Customer,
    chain: ChainKey,
    claim: Claim,
}

/// A purchase that somebody of this name may have.
struct Passing<'a> {
    holder: &'a Customer,
    chain: ChainKey,
    name: &'a str,
    at: Timestamp,
}

fn names(customer: &Customer) -> impl Iterator<Item = &String> {
    std::iter::once(&customer.app_user_id).chain(&customer.aliases)
}

/// Whether all that is known of the holder is what the store carries for the customer of this name: a notification came before
/// the client, and the two are one.
fn is_hearsay(holder: &Customer, name: &str, seen: &Observation) -> bool {
    let token = seen.user_token.as_deref();
    token.is_some_and(|token| holder.app_user_id == token && stands_for(token, name))
}

/// What a claim on a purchase comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// Nothing: it is the holder's, who gives way to nobody, or it is the same customer.
    Stays,
    /// The project keeps purchases with whom they belong to.
    Refused,
    /// The holder had no name, and has this one now.
    NamesHolder,
    /// It passes to the other.
    Takes,
    /// The two become one.
    Shares,
}

/// What `name` may have of a purchase of `holder`, said to be its by somebody whose word counts or only carried by the store.
fn claim(
    project: &Project,
    holder: &Customer,
    known: &KnownChain,
    name: &str,
    is_said: bool,
) -> Claim {
    if holder.answers_to(name) || check_name(name).is_err() {
        return Claim::Stays;
    }
    let is_ours = |name: &str| name.starts_with(ANONYMOUS_PREFIX);
    // A name that a client made up is more of a name than one of ours.
    if holder.is_anonymous() && (!is_ours(name) || is_ours(&holder.app_user_id)) {
        return Claim::NamesHolder;
    }
    if !is_said {
        return Claim::Stays;
    }
    let behaviour = match known.key.environment {
        Environment::Production => project.transfer_behaviour,
        Environment::Sandbox => project
            .sandbox_transfer_behaviour
            .unwrap_or(project.transfer_behaviour),
    };
    let snapshot = &known.stored.snapshot;
    let is_active_subscription = snapshot
        .lines()
        .any(|line| line.kind == TransactionKind::Subscription && line.gives_access());
    match behaviour {
        TransferBehaviour::Keep => Claim::Refused,
        TransferBehaviour::TransferIfInactive if is_active_subscription => Claim::Refused,
        TransferBehaviour::Transfer | TransferBehaviour::TransferIfInactive => Claim::Takes,
        TransferBehaviour::Share => Claim::Shares,
    }
}
