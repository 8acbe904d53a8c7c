//! One customer: who it is, what it may use, and everything that was bought.
//!
//! Tests: `crates/api/tests/resources/customer.rs`.

use super::answer::Answer;
use axum::extract::{Path, State};
use domain::{
    AppId, ChainKey, Environment, Snapshot, Store,
    access::{Unlocks, access},
    fact::{
        Ownership, PriceIncrease, Revocation, TransactionFact, TransactionKind, TransactionReason,
    },
    snapshot::Phase,
};
use jiff::Timestamp;
use ledger::{CustomerRecord, Purchase};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    at_least::AtLeast,
    body::Json,
    problem::Problem,
    project::InProject,
    route::{Method, Route},
    view::{AccessLevelView, CustomerView, MoneyView, OfferView, StandingView},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    vec![Route::operation(
        Method::Get,
        "/api/v1/projects/{project}/customers/{who}",
        Access::Read,
        "One customer, by id or app user id, with purchases and access",
        customer,
    )]
}

pub(crate) async fn customer(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    at_least: AtLeast,
) -> Answer<Detail> {
    let record = app
        .engine
        .ledger()
        .customer(project.id, &who)
        .await?
        .ok_or_else(|| Problem::not_found("customer", &who))?;
    at_least.check(record.seq)?;
    let unlocks = &project.compiled()?.unlocks;
    Ok(Json(shown(unlocks, record, app.engine.system().now())))
}

/// A customer with purchases and access.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomerView)]
pub(crate) struct Detail {
    access: AccessView,
    customer: CustomerView,
    customer_seq: u64,
    purchases: Vec<PurchaseView>,
}

/// By entitlement.
#[derive(Serialize, ToSchema)]
struct AccessView {
    production: BTreeMap<String, LevelView>,
    sandbox: BTreeMap<String, LevelView>,
}

#[derive(Serialize, ToSchema)]
struct LevelView {
    is_active_now: bool,
    level: AccessLevelView,
}

#[derive(Serialize, ToSchema)]
struct PurchaseView {
    app: AppId,
    chain: ChainView,
    snapshot: SnapshotView,
    transactions: Vec<TransactionView>,
}

impl From<Purchase> for PurchaseView {
    fn from(Purchase { app, chain, stored }: Purchase) -> Self {
        let transactions = stored.facts.transactions.into_values();
        Self {
            app,
            chain: chain.into(),
            snapshot: stored.snapshot.into(),
            transactions: transactions.map(|known| known.fact.into()).collect(),
        }
    }
}

fn shown(unlocks: &Unlocks, record: CustomerRecord, now: Timestamp) -> Detail {
    let by_entitlement = |environment| {
        let of_environment = record
            .purchases
            .iter()
            .filter(|owned| owned.chain.environment == environment)
            .map(|owned| (&owned.chain, &owned.stored.snapshot));
        let levels = access(of_environment, unlocks).into_iter();
        let shown = levels.map(|(id, level)| {
            let shown = LevelView {
                is_active_now: level.is_active_at(now),
                level: level.into(),
            };
            (id, shown)
        });
        shown.collect()
    };
    Detail {
        access: AccessView {
            production: by_entitlement(Environment::Production),
            sandbox: by_entitlement(Environment::Sandbox),
        },
        customer_seq: record.seq,
        purchases: record
            .purchases
            .into_iter()
            .map(PurchaseView::from)
            .collect(),
        customer: record.customer.into(),
    }
}

/// Identifies a purchase chain within an app: all transactions of one subscription, or one one-time purchase.
#[derive(Serialize, ToSchema)]
#[schema(as = ChainKey)]
struct ChainView {
    /// Store of the chain.
    store: Store,
    /// Environment of the chain.
    environment: Environment,
    /// The store's id of the chain: Apple's `originalTransactionId`, the first of Google's linked purchase tokens,
    /// Stripe's subscription id.
    id: String,
}

impl From<ChainKey> for ChainView {
    fn from(chain: ChainKey) -> Self {
        Self {
            store: chain.store,
            environment: chain.environment,
            id: chain.id,
        }
    }
}

/// The state of one purchase chain: of its base line, and of its further ones.
#[derive(Serialize, ToSchema)]
#[schema(as = Snapshot)]
struct SnapshotView {
    /// The line it is about; empty where the purchase has one only.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    line: String,
    /// What was bought.
    kind: TransactionKind,
    /// The current transaction.
    transaction: String,
    /// Its product, or the one that took its place without a charge.
    product: String,
    /// Its start.
    purchased_at: Timestamp,
    /// Start of the chain.
    original_purchased_at: Timestamp,
    /// Its end, or the later one until which the store lets it run on; `None` for one-time purchases.
    expires_at: Option<Timestamp>,
    /// Its own end, where the store lets it run on beyond that although nothing was charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_until: Option<Timestamp>,
    /// Its start, while that is ahead and nothing of the line runs until then: it was charged before it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    begins_at: Option<Timestamp>,
    /// Since when all that is known to have been charged for it is given back, while the store says that it runs: of the period that runs
    /// nobody has heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    unheard_since: Option<Timestamp>,
    /// What kind of period it is.
    phase: Phase,
    /// Whether the store will renew.
    will_renew: bool,
    /// When renewal was switched off, while it is.
    off_since: Option<Timestamp>,
    /// The product it will renew into, where that differs.
    next_product: Option<String>,
    /// When a pause at the end of the period was asked for, while it may still come.
    pause_asked_at: Option<Timestamp>,
    /// Where it stands.
    standing: StandingView,
    /// What was charged for the current period.
    price: Option<MoneyView>,
    /// What the next period will cost.
    renewal_price: Option<MoneyView>,
    /// Offer applied to the current period.
    offer: Option<OfferView>,
    /// Who paid.
    ownership: Ownership,
    /// Paid for ahead and never renewed by the store.
    #[schema(required = false)]
    is_prepaid: bool,
    /// Charged in parts for a term that the customer is committed to. Whether it renews is whether another term follows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    is_committed: bool,
    /// ISO 3166-1 alpha-2 country of the store front.
    country: Option<String>,
    /// Answer to a price increase, where one is pending or accepted.
    price_increase: Option<PriceIncrease>,
    /// Entitlements it unlocks whatever its product.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    entitlements: Vec<String>,
    /// The highest version of the facts that made this.
    version: Timestamp,
    /// The further lines of the purchase, in order of their names. A further line has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion, required = false)]
    further: Vec<Self>,
}

impl From<Snapshot> for SnapshotView {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            line: snapshot.line,
            kind: snapshot.kind,
            transaction: snapshot.transaction,
            product: snapshot.product,
            purchased_at: snapshot.purchased_at,
            original_purchased_at: snapshot.original_purchased_at,
            expires_at: snapshot.expires_at,
            paid_until: snapshot.paid_until,
            begins_at: snapshot.begins_at,
            unheard_since: snapshot.unheard_since,
            phase: snapshot.phase,
            will_renew: snapshot.will_renew,
            off_since: snapshot.off_since,
            next_product: snapshot.next_product,
            pause_asked_at: snapshot.pause_asked_at,
            standing: snapshot.standing.into(),
            price: snapshot.price.map(MoneyView::from),
            renewal_price: snapshot.renewal_price.map(MoneyView::from),
            offer: snapshot.offer.map(OfferView::from),
            ownership: snapshot.ownership,
            is_prepaid: snapshot.is_prepaid,
            is_committed: snapshot.is_committed,
            country: snapshot.country,
            price_increase: snapshot.price_increase,
            entitlements: snapshot.entitlements,
            version: snapshot.version,
            further: snapshot.further.into_iter().map(Self::from).collect(),
        }
    }
}

/// One store's statement about one transaction.
#[derive(Serialize, ToSchema)]
#[schema(as = TransactionFact)]
struct TransactionView {
    /// When the store signed this copy.
    version: Timestamp,
    /// The store's transaction id; the lines of one charge share it.
    id: String,
    /// What was bought.
    kind: TransactionKind,
    /// The store's product id.
    product: String,
    /// Charge time; for a renewal the start of the new period, possibly in the future.
    purchased_at: Timestamp,
    /// First purchase of the chain.
    original_purchased_at: Timestamp,
    /// End of the paid period; `None` for one-time purchases.
    expires_at: Option<Timestamp>,
    /// Number of items; at least 1.
    quantity: u32,
    /// Total charged, before store commission; `None` when the store did not say.
    price: Option<MoneyView>,
    /// Offer applied.
    offer: Option<OfferView>,
    /// Present when refunded or revoked.
    revocation: Option<RevocationView>,
    /// Replaced by an upgrade.
    upgraded: bool,
    /// Who paid.
    ownership: Ownership,
    /// Why it happened; `None` on old transactions.
    reason: Option<TransactionReason>,
    /// ISO 3166-1 alpha-2 country of the store front.
    country: Option<String>,
    /// The line of the purchase it paid for, where several products were bought in one; otherwise empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    line: String,
    /// The leg of the chain it belongs to, where a store gives one subscription several names in turn (Google's purchase
    /// tokens); otherwise empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    leg: String,
    /// The leg that this one took over from.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    /// The store says that the chain begins here, or the line.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    begins_chain: bool,
    /// `expires_at` is the end of access as it stands (grace end, end of hold), not the end of what was paid. The end of a
    /// copy that knows better wins over it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    end_is_provisional: bool,
    /// When it was bought is not known exactly: it was paid for then, or later.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    start_is_provisional: bool,
    /// Paid for ahead and never renewed by the store (Google's prepaid plans).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    is_prepaid: bool,
    /// It took money and bought no period: more seats until the end of the running one, usage beyond a threshold.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    is_extra: bool,
    /// The charge that it is a later payment of, where one paper is paid in parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    part_of: Option<String>,
    /// Its period runs, and nobody has paid for it yet. It is a charge once a newer copy says that it was paid.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    is_owed: bool,
    /// Tax included in or added to the price, where the store reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax: Option<MoneyView>,
    /// Entitlements it unlocks by itself, whatever its product: those of a grant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    entitlements: Vec<String>,
}

impl From<TransactionFact> for TransactionView {
    fn from(fact: TransactionFact) -> Self {
        Self {
            version: fact.version,
            id: fact.id,
            kind: fact.kind,
            product: fact.product,
            purchased_at: fact.purchased_at,
            original_purchased_at: fact.original_purchased_at,
            expires_at: fact.expires_at,
            quantity: fact.quantity,
            price: fact.price.map(MoneyView::from),
            offer: fact.offer.map(OfferView::from),
            revocation: fact.revocation.map(RevocationView::from),
            upgraded: fact.upgraded,
            ownership: fact.ownership,
            reason: fact.reason,
            country: fact.country,
            line: fact.line,
            leg: fact.leg,
            replaces: fact.replaces,
            begins_chain: fact.begins_chain,
            end_is_provisional: fact.end_is_provisional,
            start_is_provisional: fact.start_is_provisional,
            is_prepaid: fact.is_prepaid,
            is_extra: fact.is_extra,
            part_of: fact.part_of,
            is_owed: fact.is_owed,
            tax: fact.tax.map(MoneyView::from),
            entitlements: fact.entitlements,
        }
    }
}

/// A refund of a transaction, or the loss of a family share.
#[derive(Serialize, ToSchema)]
#[schema(as = Revocation)]
struct RevocationView {
    /// When the store revoked it.
    at: Timestamp,
    /// Share of the price given back, in thousandths of a percent, where the store says.
    percentage: Option<i64>,
}

impl From<Revocation> for RevocationView {
    fn from(revocation: Revocation) -> Self {
        Self {
            at: revocation.at,
            percentage: revocation.percentage,
        }
    }
}
