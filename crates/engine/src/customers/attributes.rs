//! What is written to a customer alone: attributes, and what an app knows of it. None of it tells events.

use super::{CustomerError, Customers, TRIES, WriteError};
use crate::{IntakeError, Profile, decide};
use domain::{
    ProjectId,
    attribute::{self, Write},
    customer::{AppPurchase, Attribution, Customer},
};
use jiff::Timestamp;
use ledger::{Commit, Committed, CustomerWrite};

/// What is written to a customer at once.
#[derive(Debug, Clone, Default)]
pub struct CustomerUpdate {
    /// Attributes.
    pub attributes: Vec<Write>,
    /// When the app was first installed; the earliest time wins.
    pub installed_at: Option<Timestamp>,
    /// How the customer got the app, as its store says.
    pub app_purchase: Option<AppPurchase>,
    /// Whether third parties may not hear of the customer.
    pub analytics_disabled: Option<bool>,
    /// Through which campaign the customer came; the first one told stays.
    pub attribution: Option<Attribution>,
    /// Which offering clients show to this customer, whatever others are shown; none in particular when that is `None`.
    pub offering: Option<Option<String>>,
}

impl CustomerUpdate {
    /// All of it, or nothing.
    fn apply(&self, customer: &mut Customer, now: Timestamp) -> Result<(), WriteError> {
        let mut changed = customer.clone();
        let refused = attribute::apply(&mut changed, &self.attributes, now);
        if !refused.is_empty() {
            return Err(WriteError::Refused(refused));
        }
        if let Some(at) = self.installed_at {
            let earliest = changed.installed_at.map_or(at, |known| known.min(at));
            changed.installed_at = Some(earliest);
        }
        if let Some(told) = &self.app_purchase {
            changed.app_purchase = Some(AppPurchase::or(changed.app_purchase.as_ref(), told));
        }
        if let Some(disabled) = self.analytics_disabled {
            changed.analytics_disabled = disabled;
        }
        if let Some(offering) = &self.offering {
            changed.offering.clone_from(offering);
        }
        changed.attribution = changed.attribution.or_else(|| self.attribution.clone());
        *customer = changed;
        Ok(())
    }
}

impl Customers {
    /// Writes attributes; the customer is made when there is none. What is refused is told, and the rest is written.
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

    /// Writes to a customer at once, who is made when there is none. Where some of it is refused, nothing is written and
    /// nobody is made. Answers with the customer as it is then.
    pub async fn update(
        &self,
        project: ProjectId,
        name: &str,
        update: &CustomerUpdate,
    ) -> Result<Customer, WriteError> {
        let known = self.core.ledger().customer(project, name).await;
        if known.map_err(CustomerError::from)?.is_none() {
            let now = self.core.system().now();
            let mut nobody = decide::named_customer(project, name.to_owned(), now);
            update.apply(&mut nobody, now)?;
        }
        self.change(project, name, |customer, now| {
            update.apply(customer, now)?;
            Ok(customer.clone())
        })
        .await?
    }

    /// Changes a customer by itself, without purchases or events.
    async fn change<T>(
        &self,
        project: ProjectId,
        name: &str,
        change: impl Fn(&mut Customer, Timestamp) -> T,
    ) -> Result<T, CustomerError> {
        for _ in 0..TRIES {
            let Profile { record, .. } = self.profile(project, name).await?;
            let mut customer = record.customer.clone();
            let outcome = change(&mut customer, self.core.system().now());
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
            if let Committed::Done { .. } = self.core.commit(commit).await? {
                return Ok(outcome);
            }
        }
        Err(IntakeError::Contended.into())
    }
}
