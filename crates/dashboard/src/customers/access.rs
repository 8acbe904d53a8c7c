//! What a customer may use, and how each purchase stands, in words.

use crate::text::exact;
use domain::{ChainKey, Environment, Snapshot, Store, access, snapshot};
use ledger::{CustomerRecord, Purchase};
use web::{App, problem::Problem, project::InProject};

/// What a customer may use through one entitlement.
pub(crate) struct Access {
    pub(crate) entitlement: String,
    pub(crate) environment: &'static str,
    pub(crate) is_active: bool,
    pub(crate) product: String,
    pub(crate) store: &'static str,
    pub(crate) until: String,
    pub(crate) note: &'static str,
    pub(crate) is_grant: bool,
}

/// A purchase in words.
pub(crate) struct PurchaseLine {
    pub(crate) product: String,
    pub(crate) store: &'static str,
    pub(crate) environment: &'static str,
    pub(crate) standing: &'static str,
    pub(crate) since: String,
    pub(crate) until: String,
    pub(crate) chain: String,
}

/// What a customer may use now, really and in the sandbox.
pub(crate) fn access_of(
    app: &App,
    project: &InProject,
    record: &CustomerRecord,
) -> Result<Vec<Access>, Problem> {
    let now = app.engine.system().now();
    let compiled = project.compiled()?;
    let mut all = Vec::new();
    for environment in [Environment::Production, Environment::Sandbox] {
        let purchases = record
            .purchases
            .iter()
            .filter(|owned| owned.chain.environment == environment)
            .map(|owned| (&owned.chain, &owned.stored.snapshot));
        for (entitlement, level) in access::access(purchases, &compiled.unlocks) {
            all.push(Access {
                environment: environment.id(),
                is_active: level.is_active_at(now),
                store: level.store.title(),
                until: level.expires_at.map_or("for ever".into(), exact),
                note: match () {
                    () if !level.is_active_at(now) && !level.is_refund => "ended",
                    () if level.is_in_grace_period => "unpaid, in grace",
                    () if level.is_refund => "refunded",
                    () if level.will_renew => "renews",
                    () if level.is_lifetime => "lifetime",
                    () => "ends",
                },
                is_grant: level.store == Store::Promotional,
                product: level.product,
                entitlement,
            });
        }
    }
    Ok(all)
}

/// How a purchase stands.
fn standing(snapshot: &Snapshot) -> &'static str {
    use snapshot::Standing;
    match snapshot.standing {
        Standing::Current if snapshot.begins_at.is_some() => "paid, begins later",
        Standing::Current if snapshot.expires_at.is_none() => "owned",
        Standing::Current if !snapshot.will_renew => "active, will not renew",
        Standing::Current => "active",
        Standing::Grace { .. } => "unpaid, in grace",
        Standing::Retry { .. } => "unpaid",
        Standing::Lapsed => "over, not confirmed",
        Standing::Expired { .. } => "expired",
        Standing::Paused { .. } => "paused",
        Standing::Revoked { .. } => "revoked",
    }
}

impl PurchaseLine {
    /// Every line of a purchase, the base first.
    pub(crate) fn all(owned: &Purchase) -> impl Iterator<Item = Self> {
        let lines = owned.stored.snapshot.lines();
        lines.map(|line| Self::of(&owned.chain, line))
    }

    fn of(chain: &ChainKey, snapshot: &Snapshot) -> Self {
        Self {
            product: snapshot.product.clone(),
            store: chain.store.title(),
            environment: chain.environment.id(),
            standing: standing(snapshot),
            since: exact(snapshot.original_purchased_at),
            until: snapshot.access_until().map_or("for ever".into(), exact),
            chain: chain.id.clone(),
        }
    }
}
