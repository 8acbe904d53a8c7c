//! What is written to a customer alone: attributes, and what an app knows of it. None of it tells events.

use super::{CustomerError, Customers, TRIES, WriteError};
use crate::{IntakeError, Profile};
use domain::{
    ProjectId,
    attribute::{self, Write},
    customer::{Attribution, Customer},
};
use jiff::Timestamp;
use ledger::{Commit, Committed, CustomerWrite};

impl Customers {
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
    ) -> Result<(), CustomerError> {
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
    ) -> Result<(), CustomerError> {
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
    ) -> Result<bool, CustomerError> {
        self.change(project, name, |customer, _| {
            customer
                .attribution
                .get_or_insert_with(|| attribution.clone())
                == attribution
        })
        .await
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
