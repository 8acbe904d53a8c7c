//! Customers: named, merged, written to, given access, forgotten; and purchases that change hands.
//!
//! Whatever concerns two customers is one commit against the versions of both. Each operation that may tell events is
//! written to the inbox as a message, like everything else that leads to events.

use crate::{
    AppSetup, Engine, IntakeError, ProjectSetup, Setup,
    decide::{
        self,
        transfer::{self, Passing, Scope},
    },
    intake::Manner,
};
use domain::{
    ChainKey, Environment, ProjectId,
    attribute::{self, Refused, Write},
    customer::{Attribution, Customer, is_anonymous},
    fact::{Note, TransactionKind},
    time::after,
};
use jiff::Timestamp;
use ledger::{
    Commit, Committed, CustomerRecord, CustomerWrite, FIRST_ANSWER, InboxMessage, LedgerError,
    TransferBehaviour, Wanted,
};
use serde_json::json;
use sources::{Content, Receipt, Refusal, Source};
use uuid::Uuid;

/// The inbox source of what clients send in.
pub(crate) const RECEIPTS: &str = "receipt";
/// The inbox source of purchases that were imported without telling.
pub(crate) const IMPORTS: &str = "import";
/// The inbox source of what is done to customers.
pub(crate) const OPERATIONS: &str = "customer";
const TRIES: usize = 32;

/// Names that are no names: what programs send when they have none. Source: RevenueCat docs, "Identifying
/// Customers".
const BLOCKED_NAMES: &[&str] = &[
    "",
    "no_user",
    "null",
    "none",
    "nil",
    "(null)",
    "NaN",
    "\\x00",
    "unidentified",
    "undefined",
    "unknown",
    "anonymous",
    "guest",
    "-1",
    "0",
    "[]",
    "{}",
    "[object Object]",
];
/// Longest name.
const LONGEST_NAME: usize = 255;

/// Why something could not be done to a customer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PeopleError {
    /// Not a name.
    #[error(
        "{0:?} is not an app user id: it has 1 to 255 characters, no slash, and is none of the words programs use for nobody"
    )]
    Name(String),
    /// Nobody has this name.
    #[error("there is no customer {0:?}")]
    Unknown(String),
    /// No such entitlement.
    #[error("there is no entitlement {0:?} in this project")]
    UnknownEntitlement(String),
    /// It cannot be taken in.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

impl From<LedgerError> for PeopleError {
    fn from(error: LedgerError) -> Self {
        Self::Intake(error.into())
    }
}

/// Why attributes were not written, or not all of them.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// These were refused; the others were written.
    #[error("some attributes were not saved")]
    Refused(Vec<Refused>),
    /// None was written.
    #[error(transparent)]
    People(#[from] PeopleError),
}

/// What an import of one purchase led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The customer has purchases now.
    Purchase,
    /// The store knows it, but nothing was paid yet.
    Nothing,
}

/// A customer as found or made.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Everything known.
    pub record: CustomerRecord,
    /// It was made just now.
    pub is_new: bool,
}

/// What naming a customer led to.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The customer that answers to the new name.
    pub profile: Profile,
    /// Whether the old name answers to it, too.
    pub is_alias: bool,
}

/// Access given by hand.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Key of the entitlement.
    pub entitlement: String,
    /// When it ends; `None` for never.
    pub ends_at: Option<Timestamp>,
    /// What it is called, as part of the product: `monthly`, `lifetime`.
    pub duration: String,
}

fn check_name(name: &str) -> Result<(), PeopleError> {
    let is_name = !BLOCKED_NAMES.contains(&name.trim())
        && name.len() <= LONGEST_NAME
        && !name.contains('/')
        && !name.chars().any(char::is_control);
    if is_name {
        Ok(())
    } else {
        Err(PeopleError::Name(name.chars().take(64).collect()))
    }
}

/// What a stored receipt says.
pub(crate) fn stored_receipt(
    source: &dyn Source,
    message: &InboxMessage,
) -> Result<Content, Refusal> {
    let receipt: Receipt = serde_json::from_slice(&message.body)
        .map_err(|error| Refusal::park("malformed_receipt", error.to_string()))?;
    receipt_content(source, &receipt, message.received_at)
}

/// What a receipt says, with what only the client knows.
fn receipt_content(
    source: &dyn Source,
    receipt: &Receipt,
    now: Timestamp,
) -> Result<Content, Refusal> {
    let mut content = source.receipt(receipt, now)?;
    match &mut content {
        Content::Nothing => {}
        Content::Ask(question) => question.offering.clone_from(&receipt.offering),
        Content::Observed(seen) => {
            let offering = receipt.offering.clone();
            seen.notes
                .extend(offering.map(|offering| Note::Offered { at: now, offering }));
        }
    }
    Ok(content)
}

fn of_project(
    setup: &Setup,
    project: ProjectId,
) -> Result<(&ProjectSetup, &AppSetup), IntakeError> {
    setup
        .project(project)
        .zip(setup.grants(project))
        .ok_or_else(|| IntakeError::AppUnusable("its project is gone".into()))
}

impl Engine {
    /// The customer with this name; made when there is none.
    pub async fn profile(&self, project: ProjectId, name: &str) -> Result<Profile, PeopleError> {
        check_name(name)?;
        for _ in 0..TRIES {
            if let Some(record) = self.ledger().customer(project, name).await? {
                return Ok(Profile {
                    record,
                    is_new: false,
                });
            }
            let now = self.system().now();
            let customer = decide::named_customer(project, name.to_owned(), now);
            let commit = Commit {
                customer: Some(CustomerWrite {
                    customer: customer.clone(),
                    loaded_version: None,
                    seq: 0,
                }),
                ..Commit::of(project)
            };
            if let Committed::Done { .. } = self.commit(commit).await? {
                return Ok(Profile {
                    record: CustomerRecord {
                        customer,
                        version: 1,
                        seq: 0,
                        purchases: Vec::new(),
                    },
                    is_new: true,
                });
            }
        }
        Err(IntakeError::Contended.into())
    }

    /// Changes a customer by itself, without purchases or events.
    async fn change<T>(
        &self,
        project: ProjectId,
        name: &str,
        change: impl Fn(&mut Customer, Timestamp) -> T,
    ) -> Result<T, PeopleError> {
        for _ in 0..TRIES {
            let Profile { record, .. } = self.profile(project, name).await?;
            let mut customer = record.customer.clone();
            let outcome = change(&mut customer, self.system().now());
            if customer == record.customer {
                return Ok(outcome);
            }
            let commit = Commit {
                customer: Some(CustomerWrite {
                    customer,
                    loaded_version: Some(record.version),
                    seq: record.seq,
                }),
                ..Commit::of(project)
            };
            if let Committed::Done { .. } = self.commit(commit).await? {
                return Ok(outcome);
            }
        }
        Err(IntakeError::Contended.into())
    }

    /// Writes attributes; the customer is made when there is none.
    pub async fn write_attributes(
        &self,
        project: ProjectId,
        name: &str,
        writes: &[Write],
    ) -> Result<(), WriteError> {
        let refused = self
            .change(project, name, |customer, now| {
                attribute::apply(customer, writes, now)
            })
            .await?;
        if refused.is_empty() {
            Ok(())
        } else {
            Err(WriteError::Refused(refused))
        }
    }

    /// Says whether third parties may hear of a customer.
    pub async fn set_analytics_disabled(
        &self,
        project: ProjectId,
        name: &str,
        disabled: bool,
    ) -> Result<(), PeopleError> {
        self.change(project, name, |customer, _| {
            customer.analytics_disabled = disabled;
        })
        .await
    }

    /// Remembers when the app was first installed; the earliest time wins.
    pub async fn set_installed_at(
        &self,
        project: ProjectId,
        name: &str,
        at: Timestamp,
    ) -> Result<(), PeopleError> {
        self.change(project, name, |customer, _| {
            customer.installed_at = Some(customer.installed_at.map_or(at, |known| known.min(at)));
        })
        .await
    }

    /// Remembers through which campaign a customer came; the first one told stays. Answers whether this is the one.
    pub async fn set_attribution(
        &self,
        project: ProjectId,
        name: &str,
        attribution: &Attribution,
    ) -> Result<bool, PeopleError> {
        self.change(project, name, |customer, _| {
            customer
                .attribution
                .get_or_insert_with(|| attribution.clone())
                == attribution
        })
        .await
    }

    /// A client that called itself `old` calls itself `new` from now on. Source: RevenueCat docs,
    /// "Identifying Customers", logging in.
    pub async fn identify(
        &self,
        project: ProjectId,
        old: &str,
        new: &str,
    ) -> Result<Merged, PeopleError> {
        check_name(old)?;
        let profile = self.profile(project, new).await?;
        let target = &profile.record.customer;
        if target.answers_to(old) {
            return Ok(Merged {
                profile,
                is_alias: true,
            });
        }
        let has_anonymous_alias = std::iter::once(&target.app_user_id)
            .chain(&target.aliases)
            .any(|name| is_anonymous(name));
        let merges = is_anonymous(old) && !has_anonymous_alias;
        if !merges {
            return Ok(Merged {
                profile,
                is_alias: false,
            });
        }
        let is_new = profile.is_new;
        self.profile(project, old).await?;
        self.merge(project, old, new, "identify").await?;
        let record = self.profile(project, new).await?.record;
        Ok(Merged {
            profile: Profile { record, is_new },
            is_alias: true,
        })
    }

    /// Makes `from` another name of `into`: purchases, names and attributes are shared from now on.
    pub async fn merge(
        &self,
        project: ProjectId,
        from: &str,
        into: &str,
        why: &str,
    ) -> Result<usize, PeopleError> {
        let setup = self.setup();
        self.pass(&setup, project, from, into, None, why)
            .await
            .map_err(Into::into)
    }

    /// Moves all purchases of one customer to another.
    pub async fn transfer(
        &self,
        project: ProjectId,
        from: &str,
        to: &str,
    ) -> Result<usize, PeopleError> {
        let setup = self.setup();
        let record = self
            .ledger()
            .customer(project, from)
            .await?
            .ok_or_else(|| PeopleError::Unknown(from.to_owned()))?;
        self.profile(project, to).await?;
        let chains: Vec<ChainKey> = record
            .purchases
            .iter()
            .map(|(_, chain, _)| chain.clone())
            .collect();
        self.pass(&setup, project, from, to, Some(&chains), "transfer")
            .await
            .map_err(Into::into)
    }

    /// Passes `chains` from one customer to another, or everything, names included. Answers with the number of events.
    async fn pass(
        &self,
        setup: &Setup,
        project: ProjectId,
        from: &str,
        to: &str,
        chains: Option<&[ChainKey]>,
        why: &str,
    ) -> Result<usize, IntakeError> {
        let (project_setup, grants) = of_project(setup, project)?;
        let now = self.system().now();
        let operation = json!({ "operation": why, "from": from, "to": to, "chains": chains });
        let message = grants.message(
            OPERATIONS,
            format!("{why}:{from}:{to}:{}", now.as_microsecond()),
            why.to_uppercase(),
            now,
            operation.to_string().as_bytes(),
            now,
        );
        for _ in 0..TRIES {
            let (Some(giver), Some(taker)) = (
                self.ledger().customer(project, from).await?,
                self.ledger().customer(project, to).await?,
            ) else {
                return Ok(0);
            };
            if giver.customer.id == taker.customer.id {
                return Ok(0);
            }
            let Some(commit) = transfer::pass(&Passing {
                setup,
                project: project_setup,
                grants,
                rates: &self.rates(),
                message: &message,
                from: &giver,
                to: &taker,
                scope: chains.map_or(Scope::Everything, Scope::Purchases),
            }) else {
                return Ok(0);
            };
            let events = commit.events.len();
            let purchases = commit.handover.as_ref().map(|passed| passed.chains.len());
            match self.commit(commit).await? {
                Committed::Done { .. } => {
                    tracing::info!(from.id = %giver.customer.id, to.id = %taker.customer.id, purchases, why, "purchases passed from one customer to another");
                    self.wake_after(events);
                    return Ok(events);
                }
                Committed::Duplicate => return Ok(0),
                Committed::Conflict => {}
            }
        }
        Err(IntakeError::Contended)
    }

    /// Does again what a stored message says was done to two customers.
    pub(crate) async fn repeat_operation(
        &self,
        project: ProjectId,
        message: &InboxMessage,
    ) -> Result<(), PeopleError> {
        #[derive(serde::Deserialize)]
        struct Operation {
            operation: String,
            from: String,
            to: String,
            chains: Option<Vec<ChainKey>>,
        }
        let unreadable = |error: serde_json::Error| {
            IntakeError::Refused(Refusal::park("malformed_operation", error.to_string()))
        };
        let Operation {
            operation,
            from,
            to,
            chains,
        } = serde_json::from_slice(&message.body).map_err(unreadable)?;
        let setup = self.setup();
        for name in [&from, &to] {
            self.profile(project, name).await?;
        }
        self.pass(&setup, project, &from, &to, chains.as_deref(), &operation)
            .await?;
        Ok(())
    }

    /// Decides whom a purchase belongs to once it is known. Answers with the number of events that its passing told.
    ///
    /// `owner` is whom a client or a key of the project names; without one, only a nameless owner gives way to the name the
    /// store carries. Source: RevenueCat docs, "Restoring Purchases", transfer behavior.
    pub(crate) async fn settle_owner(
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
        let loaded = self
            .ledger()
            .load(&Wanted {
                app_user_id: None,
                ..wanted.clone()
            })
            .await?;
        let (Some(holder), Some((chain, stored))) = (loaded.customer, loaded.chain) else {
            return Ok(0);
        };
        let holder = holder.customer;
        if holder.answers_to(name) || check_name(name).is_err() {
            return Ok(0);
        }
        if !holder.is_anonymous() && owner.is_none() {
            return Ok(0);
        }
        self.profile(project, name)
            .await
            .map_err(|error| match error {
                PeopleError::Intake(error) => error,
                other => IntakeError::AppUnusable(other.to_string()),
            })?;
        let holder_name = holder.app_user_id.as_str();
        if holder.is_anonymous() {
            return self
                .pass(setup, project, holder_name, name, None, "alias")
                .await;
        }
        let row = &of_project(setup, project)?.0.row;
        let behaviour = match chain.environment {
            Environment::Production => row.transfer_behaviour,
            Environment::Sandbox => row
                .sandbox_transfer_behaviour
                .unwrap_or(row.transfer_behaviour),
        };
        let is_active_subscription =
            stored.snapshot.kind == TransactionKind::Subscription && stored.snapshot.gives_access();
        match behaviour {
            TransferBehaviour::Keep => Err(IntakeError::OwnedByAnother),
            TransferBehaviour::TransferIfInactive if is_active_subscription => {
                Err(IntakeError::OwnedByAnother)
            }
            TransferBehaviour::Transfer | TransferBehaviour::TransferIfInactive => {
                self.pass(
                    setup,
                    project,
                    holder_name,
                    name,
                    Some(&[chain]),
                    "transfer",
                )
                .await
            }
            TransferBehaviour::Share => {
                self.pass(setup, project, name, holder_name, None, "share")
                    .await
            }
        }
    }

    /// Takes in a purchase that a client sends for one customer, and waits until its store has said what it is.
    pub async fn take_receipt(
        &self,
        app: domain::AppId,
        receipt: &Receipt,
    ) -> Result<(), PeopleError> {
        let setup = self.setup();
        let app = setup.known_app(app)?;
        let source = app.usable_source()?;
        let now = self.system().now();
        let project = app.row.project;
        self.profile(project, &receipt.app_user_id).await?;
        let content =
            receipt_content(source.as_ref(), receipt, now).map_err(IntakeError::Refused)?;
        let name = format!("{}\n{}", receipt.app_user_id, receipt.token);
        let key = Uuid::new_v5(&project.uuid(), name.as_bytes()).to_string();
        let body = json!(receipt).to_string();
        let message = app.message(
            RECEIPTS,
            key,
            "RECEIPT".into(),
            Timestamp::UNIX_EPOCH,
            body.as_bytes(),
            now,
        );
        if self.ledger().seen(message.id).await? {
            // Sent before: how the purchase stands now is asked again, and whose it is decided again.
            return match &content {
                Content::Ask(question) => match self.inquire(&setup, app, question).await? {
                    Ok(_) => Ok(()),
                    Err(trouble) => Err(IntakeError::Store(trouble).into()),
                },
                Content::Observed(seen) => {
                    let manner = Manner {
                        owner: Some(&receipt.app_user_id),
                        silent: false,
                    };
                    self.process(&setup, app, message, Some(seen), manner)
                        .await?;
                    Ok(())
                }
                Content::Nothing => Ok(()),
            };
        }
        let later = after(now, FIRST_ANSWER);
        let waiting = format!("waiting for the answer of {}", app.row.store().title());
        self.ledger().park(message.clone(), waiting, later).await?;
        self.resume(&setup, app, message, 0, content, None).await?;
        Ok(())
    }

    /// Brings in a purchase of one customer, as its store knows it. Nothing is told unless `tell_events`; what is known of the
    /// purchase already stays, and what was told stays told.
    pub async fn import(
        &self,
        app: domain::AppId,
        receipt: &Receipt,
        tell_events: bool,
    ) -> Result<Imported, PeopleError> {
        let setup = self.setup();
        let app = setup.known_app(app)?;
        let source = app.usable_source()?;
        let now = self.system().now();
        self.profile(app.row.project, &receipt.app_user_id).await?;
        let content =
            receipt_content(source.as_ref(), receipt, now).map_err(IntakeError::Refused)?;
        let question = match &content {
            Content::Ask(question) => Some(question.clone()),
            Content::Observed(seen) => source.completes(seen),
            Content::Nothing => None,
        };
        let mut facts = 0;
        if let Some(mut question) = question {
            question.silent = !tell_events;
            question.owner = Some(receipt.app_user_id.clone());
            let before = self.known_purchases(app.row.project, receipt).await?;
            if let Err(trouble) = self.inquire(&setup, app, &question).await? {
                return Err(IntakeError::Store(trouble).into());
            }
            facts += usize::from(
                self.known_purchases(app.row.project, receipt).await? > 0 || before > 0,
            );
        }
        if let Content::Observed(seen) = &content {
            let body = json!(receipt).to_string();
            let name = format!("{}\n{}", receipt.app_user_id, receipt.token);
            let key = Uuid::new_v5(&app.row.project.uuid(), name.as_bytes()).to_string();
            let message = app.message(
                if tell_events { RECEIPTS } else { IMPORTS },
                key,
                "IMPORT".into(),
                Timestamp::UNIX_EPOCH,
                body.as_bytes(),
                now,
            );
            let manner = Manner {
                owner: Some(&receipt.app_user_id),
                silent: !tell_events,
            };
            self.process(&setup, app, message, Some(seen), manner)
                .await?;
            facts += 1;
        }
        Ok(if facts > 0 {
            Imported::Purchase
        } else {
            Imported::Nothing
        })
    }

    async fn known_purchases(
        &self,
        project: ProjectId,
        receipt: &Receipt,
    ) -> Result<usize, PeopleError> {
        let record = self
            .ledger()
            .customer(project, &receipt.app_user_id)
            .await?;
        Ok(record.map_or(0, |record| record.purchases.len()))
    }

    /// Takes in a purchase that a key of the project vouches for.
    pub async fn take_statement(
        &self,
        app: domain::AppId,
        body: &[u8],
    ) -> Result<crate::Accepted, IntakeError> {
        self.accept_trusted(app, body).await
    }

    /// Gives access by hand. Told as a change of access, never as a purchase.
    pub async fn grant(
        &self,
        project: ProjectId,
        name: &str,
        grant: &Grant,
    ) -> Result<(), PeopleError> {
        check_name(name)?;
        let setup = self.setup();
        let (_, grants) = of_project(&setup, project)?;
        let exists = setup
            .configuration
            .entitlements
            .iter()
            .any(|known| known.project == project && known.key == grant.entitlement);
        if !exists {
            return Err(PeopleError::UnknownEntitlement(grant.entitlement.clone()));
        }
        self.profile(project, name).await?;
        let now = self.system().now();
        let id = format!("grant_{}", self.system().uuid().simple());
        let product = format!("rc_promo_{}_{}", grant.entitlement, grant.duration);
        let kind = if grant.ends_at.is_some() {
            "subscription"
        } else {
            "one_time_purchase"
        };
        let statement = json!({
            "app_user_id": name, "kind": kind, "product_id": product, "transaction_id": id,
            "original_transaction_id": id, "updated_at": now, "purchased_at": now,
            "expires_at": grant.ends_at, "entitlements": [grant.entitlement],
        });
        self.accept_trusted(grants.row.id, statement.to_string().as_bytes())
            .await?;
        Ok(())
    }

    /// Takes back all access to an entitlement that was given by hand. Answers how many grants there were.
    pub async fn revoke_grants(
        &self,
        project: ProjectId,
        name: &str,
        entitlement: &str,
    ) -> Result<usize, PeopleError> {
        let setup = self.setup();
        let (_, grants) = of_project(&setup, project)?;
        let record = self
            .ledger()
            .customer(project, name)
            .await?
            .ok_or_else(|| PeopleError::Unknown(name.to_owned()))?;
        let now = self.system().now();
        let mut revoked = 0;
        for (_, chain, stored) in &record.purchases {
            let snapshot = &stored.snapshot;
            let is_running =
                snapshot.gives_access() && snapshot.access_until().is_none_or(|until| now < until);
            if chain.store != domain::Store::Promotional
                || !is_running
                || !snapshot.entitlements.iter().any(|key| key == entitlement)
            {
                continue;
            }
            let kind = if snapshot.expires_at.is_some() {
                "subscription"
            } else {
                "one_time_purchase"
            };
            let statement = json!({
                "app_user_id": record.customer.app_user_id, "kind": kind, "product_id": snapshot.product,
                "transaction_id": chain.id, "original_transaction_id": chain.id, "updated_at": now,
                "purchased_at": snapshot.purchased_at, "expires_at": snapshot.expires_at,
                "refunded_at": now, "entitlements": snapshot.entitlements,
            });
            self.accept_trusted(grants.row.id, statement.to_string().as_bytes())
                .await?;
            revoked += 1;
        }
        Ok(revoked)
    }

    /// Forgets everything personal about a customer. What it bought stays known, under a name that says nothing.
    pub async fn forget(&self, project: ProjectId, name: &str) -> Result<(), PeopleError> {
        for _ in 0..TRIES {
            let record = self
                .ledger()
                .customer(project, name)
                .await?
                .ok_or_else(|| PeopleError::Unknown(name.to_owned()))?;
            if self.ledger().forget_customer(project, &record).await? {
                tracing::info!(customer.id = %record.customer.id, "a customer was forgotten");
                return Ok(());
            }
        }
        Err(IntakeError::Contended.into())
    }
}
