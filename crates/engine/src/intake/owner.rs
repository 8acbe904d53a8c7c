//! Whom a purchase belongs to.
//!
//! A client or a key of the project may name the owner; the project says what happens when it names another one than the
//! present. Without such a word only an owner whom nobody has named gives way, to the name that the store carries.
//! docs/stores.md, "Customers", says it for people. Source: RevenueCat docs, "Restoring Purchases", transfer behavior.

use super::{Intake, IntakeError, handover::Handover, profile::check_name};
use crate::{
    decide::transfer::Scope,
    setup::{AppSetup, Setup},
};
use domain::{ChainKey, Environment, customer::Customer, fact::TransactionKind};
use ledger::{Project, StoredChain, TransferBehaviour, Wanted};

impl Intake {
    /// Decides whom a purchase belongs to once it is known. Answers with the number of events that its passing told.
    ///
    /// `owner` is whom a client or a key of the project names.
    pub(super) async fn settle_owner(
        &self,
        setup: &Setup,
        app: &AppSetup,
        wanted: &Wanted,
        owner: Option<&str>,
    ) -> Result<usize, IntakeError> {
        let Some(name) = wanted.app_user_id.as_deref() else {
            return Ok(0);
        };
        let project = app.row.project;
        let (row, _) = setup.known_project(project)?;
        let by_chain = Wanted {
            app_user_id: None,
            ..wanted.clone()
        };
        let loaded = self.core.ledger().load(&by_chain).await?;
        let (Some(holder), Some((chain, stored))) = (loaded.customer, loaded.chain) else {
            return Ok(0);
        };
        let holder = holder.customer;
        let claim = claim(&row.row, &holder, (&chain, &stored), name, owner);
        if claim != Claim::Stays {
            self.profile(project, name).await?;
        }
        let holder = holder.app_user_id.as_str();
        let only_it = [chain];
        let (from, to, scope, why) = match claim {
            Claim::Stays => return Ok(0),
            Claim::Refused => return Err(IntakeError::OwnedByAnother),
            Claim::NamesHolder => (holder, name, Scope::Everything, "alias"),
            Claim::Takes => (holder, name, Scope::Purchases(&only_it), "transfer"),
            Claim::Shares => (name, holder, Scope::Everything, "share"),
        };
        let handover = Handover {
            project,
            from,
            to,
            scope,
            why,
        };
        self.pass(setup, &handover).await
    }
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

/// What `name` may have of a purchase of `holder`.
fn claim(
    project: &Project,
    holder: &Customer,
    (chain, stored): (&ChainKey, &StoredChain),
    name: &str,
    owner: Option<&str>,
) -> Claim {
    if holder.answers_to(name) || check_name(name).is_err() {
        return Claim::Stays;
    }
    if holder.is_anonymous() {
        return Claim::NamesHolder;
    }
    if owner.is_none() {
        return Claim::Stays;
    }
    let behaviour = match chain.environment {
        Environment::Production => project.transfer_behaviour,
        Environment::Sandbox => project
            .sandbox_transfer_behaviour
            .unwrap_or(project.transfer_behaviour),
    };
    let snapshot = &stored.snapshot;
    let is_active_subscription =
        snapshot.kind == TransactionKind::Subscription && snapshot.gives_access();
    match behaviour {
        TransferBehaviour::Keep => Claim::Refused,
        TransferBehaviour::TransferIfInactive if is_active_subscription => Claim::Refused,
        TransferBehaviour::Transfer | TransferBehaviour::TransferIfInactive => Claim::Takes,
        TransferBehaviour::Share => Claim::Shares,
    }
}
