//! Access given by hand, and taken back. A grant is a purchase that we state ourselves, in the app that every project has for
//! them; so it takes the way of every statement.

use super::{CustomerError, Customers};
use crate::intake::check_name;
use domain::{AppId, ChainKey, ProjectId, Snapshot, Store, customer::Customer};
use jiff::{SignedDuration, Timestamp};
use ledger::Purchase;
use serde_json::{Value, json};
use uuid::Uuid;

/// Access given by hand.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Key of the entitlement.
    pub entitlement: String,
    /// When it ends; `None` for never.
    pub ends_at: Option<Timestamp>,
    /// What it is called, as part of the product: `monthly`, `lifetime`.
    pub duration: String,
    /// Whether its end was counted from now, so that the same request a moment later has a later one.
    pub is_counted: bool,
    /// By what the request is known when it is made again; `None` where whoever asked named none.
    pub asked_as: Option<String>,
}

/// How much later the same request is made again by whoever was not told that it was done: so much later may an end be that was counted from now.
const AGAIN_WITHIN: SignedDuration = SignedDuration::from_mins(1);

impl Grant {
    /// Whether access until then is what it gives.
    fn is_until(&self, until: Option<Timestamp>) -> bool {
        match (until, self.ends_at) {
            (Some(until), Some(end)) if self.is_counted => {
                (SignedDuration::ZERO..=AGAIN_WITHIN).contains(&until.duration_until(end))
            }
            (until, end) => until == end,
        }
    }

    fn product(&self) -> String {
        format!("rc_promo_{}_{}", self.entitlement, self.duration)
    }

    /// By what it is known: whatever was asked for as the same request is the same, and nothing else is.
    fn id(&self, project: ProjectId, name: &str, fresh: Uuid) -> String {
        let Some(asked_as) = &self.asked_as else {
            return format!("grant_{}", fresh.simple());
        };
        let Self {
            entitlement,
            duration,
            ..
        } = self;
        // Where it was counted from now, the end is another each time.
        let end = self.ends_at.filter(|_| !self.is_counted);
        let request = json!([asked_as, name, entitlement, duration, end]);
        let named = Uuid::new_v5(&project.uuid(), request.to_string().as_bytes());
        format!("grant_{}", named.simple())
    }
}

impl Customers {
    /// Gives access by hand. Told as a change of access, never as a purchase. What is given already, to the same end, is not given twice: whoever was
    /// not told that it was may ask again. Nor is what was asked for as the same request, whatever became of it since.
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
        let id = grant.id(project, name, self.core.system().uuid());
        let is_given = |known: &Purchase| {
            let snapshot = &known.stored.snapshot;
            let is_the_same = is_running_grant(&known.chain, snapshot, &grant.entitlement, now)
                && grant.is_until(snapshot.access_until())
                && (!grant.is_counted || snapshot.product == grant.product());
            is_the_same || known.chain.store == Store::Promotional && known.chain.id == id
        };
        if record.purchases.iter().any(is_given) {
            return Ok(());
        }
        let statement = granted(name, grant, &id, now);
        // Of the same requests that are made at the same time, one is kept.
        let key = grant.asked_as.as_ref().map(|_| id);
        self.state(grants.row.id, &statement, key).await
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
                self.state(grants.row.id, &statement, None).await?;
                revoked += 1;
            }
        }
        Ok(revoked)
    }

    /// Takes a statement in. Of several with the same key, one counts.
    async fn state(
        &self,
        grants: AppId,
        statement: &Value,
        key: Option<String>,
    ) -> Result<(), CustomerError> {
        let body = statement.to_string();
        let accepting = self.intake.accept_as(grants, body.as_bytes(), key);
        accepting.await?;
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
    let product = grant.product();
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
