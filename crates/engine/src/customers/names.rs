//! Names: a client that calls itself something else, and purchases moved by hand.

use super::{CustomerError, Customers, Merged};
use crate::{
    Profile,
    decide::transfer::Scope,
    intake::{Handover, check_name},
};
use domain::{ChainKey, ProjectId, customer::is_anonymous};

impl Customers {
    /// A client that called itself `old` calls itself `new` from now on.
    ///
    /// An anonymous name becomes another name of the customer, unless that customer has an anonymous one already: then it may
    /// be somebody else's device. One that is another name of somebody named is theirs, and stays so: it is switched to `new`
    /// as from a named customer. Source: RevenueCat docs, "Identifying Customers", logging in.
    pub async fn identify(
        &self,
        project: ProjectId,
        old: &str,
        new: &str,
    ) -> Result<Merged, CustomerError> {
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
        let switched = |profile| Merged {
            profile,
            is_alias: false,
        };
        if !is_anonymous(old) || has_anonymous_alias {
            return Ok(switched(profile));
        }
        let is_new = profile.is_new;
        let giver = self.profile(project, old).await?.record.customer;
        if !giver.is_anonymous() {
            return Ok(switched(profile));
        }
        let handover = Handover {
            project,
            giver: giver.id,
            from: old,
            to: new,
            scope: Scope::Everything,
            why: "identify",
            at: self.core.system().now(),
        };
        self.intake.pass(&self.core.setup(), &handover).await?;
        let record = self.profile(project, new).await?.record;
        Ok(Merged {
            profile: Profile { record, is_new },
            is_alias: true,
        })
    }

    /// Moves all purchases of one customer to another, who is made when there is none. Answers with the number of events.
    pub async fn transfer(
        &self,
        project: ProjectId,
        from: &str,
        to: &str,
    ) -> Result<usize, CustomerError> {
        let record = self
            .core
            .ledger()
            .customer(project, from)
            .await?
            .ok_or_else(|| CustomerError::Unknown(from.to_owned()))?;
        self.profile(project, to).await?;
        let chains: Vec<ChainKey> = record
            .purchases
            .iter()
            .map(|owned| owned.chain.clone())
            .collect();
        let handover = Handover {
            project,
            giver: record.customer.id,
            from,
            to,
            scope: Scope::Purchases(&chains),
            why: "transfer",
            at: self.core.system().now(),
        };
        Ok(self.intake.pass(&self.core.setup(), &handover).await?)
    }
}
