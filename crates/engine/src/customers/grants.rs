//! Access given by hand, and taken back. A grant is a purchase that we state ourselves, in the app that every project has for
//! them; so it takes the way of every statement.

use super::{CustomerError, Customers};
use crate::intake::check_name;
use domain::{ChainKey, ProjectId, Snapshot, Store, customer::Customer};
use jiff::Timestamp;
use ledger::Purchase;
use serde_json::{Value, json};

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

impl Customers {
    /// Gives access by hand. Told as a change of access, never as a purchase. What is given already, to the same end, is not given twice: whoever was
    /// not told that it was may ask again.
    pub async fn grant(
        &self,
        project: ProjectId,
        name: &str,
        grant: &Grant,
    ) -> Result<(), CustomerError> {
        check_name(name)?;
        let setup = self.core.setup();
        let (_, grants) = setup.known_project(project)?;
        let mut known = setup.configuration.entitlements.iter();
        let is_it = |key: &str| key == grant.entitlement;
        if !known.any(|known| known.project == project && is_it(&known.key)) {
            return Err(CustomerError::UnknownEntitlement(grant.entitlement.clone()));
        }
        let record = self.profile(project, name).await?.record;
        let now = self.core.system().now();
        let is_given = |known: &Purchase| {
            let snapshot = &known.stored.snapshot;
            is_running_grant(&known.chain, snapshot, &grant.entitlement, now)
                && snapshot.access_until() == grant.ends_at
        };
        if record.purchases.iter().any(is_given) {
            return Ok(());
        }
        let id = self.core.system().uuid().simple();
        let statement = granted(name, grant, &format!("grant_{id}"), now);
        self.state(grants.row.id, &statement).await
    }

    /// Takes back all access to an entitlement that was given by hand. Answers how many grants there were.
    pub async fn revoke_grants(
        &self,
        project: ProjectId,
        name: &str,
        entitlement: &str,
    ) -> Result<usize, CustomerError> {
        let setup = self.core.setup();
        let (_, grants) = setup.known_project(project)?;
        let record = self
            .core
            .ledger()
            .customer(project, name)
            .await?
            .ok_or_else(|| CustomerError::Unknown(name.to_owned()))?;
        let now = self.core.system().now();
        let mut revoked = 0;
        for Purchase { chain, stored, .. } in &record.purchases {
            if is_running_grant(chain, &stored.snapshot, entitlement, now) {
                let statement = taken_back(&record.customer, chain, &stored.snapshot, now);
                self.state(grants.row.id, &statement).await?;
                revoked += 1;
            }
        }
        Ok(revoked)
    }

    async fn state(&self, grants: domain::AppId, statement: &Value) -> Result<(), CustomerError> {
        let body = statement.to_string();
        self.intake.accept_trusted(grants, body.as_bytes()).await?;
        Ok(())
    }
}

fn kind(ends_at: Option<Timestamp>) -> &'static str {
    if ends_at.is_some() {
        "subscription"
    } else {
        "one_time_purchase"
    }
}

fn granted(name: &str, grant: &Grant, id: &str, now: Timestamp) -> Value {
    let product = format!("rc_promo_{}_{}", grant.entitlement, grant.duration);
    json!({
        "app_user_id": name, "kind": kind(grant.ends_at), "product_id": product, "transaction_id": id,
        "original_transaction_id": id, "updated_at": now, "purchased_at": now,
        "expires_at": grant.ends_at, "entitlements": [grant.entitlement],
    })
}

fn is_running_grant(
    chain: &ChainKey,
    snapshot: &Snapshot,
    entitlement: &str,
    now: Timestamp,
) -> bool {
    let is_running =
        snapshot.gives_access() && snapshot.access_until().is_none_or(|until| now < until);
    chain.store == Store::Promotional
        && is_running
        && snapshot.entitlements.iter().any(|key| key == entitlement)
}

fn taken_back(customer: &Customer, chain: &ChainKey, snapshot: &Snapshot, now: Timestamp) -> Value {
    json!({
        "app_user_id": customer.app_user_id, "kind": kind(snapshot.expires_at), "product_id": snapshot.product,
        "transaction_id": chain.id, "original_transaction_id": chain.id, "updated_at": now,
        "purchased_at": snapshot.purchased_at, "expires_at": snapshot.expires_at,
        "refunded_at": now, "entitlements": snapshot.entitlements,
    })
}
