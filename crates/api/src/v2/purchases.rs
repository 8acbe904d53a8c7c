//! What a customer bought: subscriptions, and what was bought once.
//!
//! Tests: `crates/api/tests/resources/v2/purchases.rs`.

use super::{
    answer::{Millis, Page, Pages, within},
    customers::found,
    error::Failure,
};
use axum::extract::{Path, State};
use domain::{
    ChainKey, Environment, Snapshot, Store,
    access::{Unlocks, unlocked_by},
    fact::{Ownership, PriceIncrease, TransactionFact, TransactionKind},
    snapshot::{Phase, Standing},
};
use jiff::Timestamp;
use ledger::CustomerRecord;
use serde::Serialize;
use utoipa::ToSchema;
use web::{
    App,
    access::Access,
    body::Json,
    project::InProject,
    query::Filters,
    route::{Method, Route},
};

/// The routes of this file.
pub(crate) fn routes() -> Vec<Route<App>> {
    use Access::Read;
    use Method::Get;
    vec![
        Route::operation(
            Get,
            "/v2/projects/{project}/customers/{who}/subscriptions",
            Read,
            "Subscriptions of a customer; RevenueCat v2 shape",
            subscriptions,
        ),
        Route::operation(
            Get,
            "/v2/projects/{project}/customers/{who}/purchases",
            Read,
            "What a customer bought once; RevenueCat v2 shape",
            purchases,
        ),
    ]
}

/// A subscription.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Subscription)]
pub(crate) struct SubscriptionView {
    /// `will_renew`, `will_not_renew`, `will_change_product`, `will_pause` or `requires_price_increase_consent`.
    auto_renewal_status: &'static str,
    country: Option<String>,
    #[schema(value_type = Option<i64>)]
    current_period_ends_at: Option<Millis>,
    #[schema(value_type = i64)]
    current_period_starts_at: Millis,
    customer_id: String,
    #[schema(value_type = Option<i64>)]
    ends_at: Option<Millis>,
    /// Keys of entitlements.
    entitlements: Unlocked,
    environment: &'static str,
    gives_access: bool,
    id: String,
    management_url: Option<String>,
    object: &'static str,
    original_customer_id: String,
    ownership: &'static str,
    pending_changes: Option<PendingView>,
    pending_payment: bool,
    product_id: String,
    #[schema(value_type = i64)]
    starts_at: Millis,
    /// `trialing`, `active`, `expired`, `in_grace_period`, `in_billing_retry` or `paused`.
    status: &'static str,
    store: &'static str,
    store_subscription_identifier: String,
}

/// What a subscription changes into.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::PendingChanges)]
struct PendingView {
    /// The product.
    product_id: String,
}

within! {
    /// What a purchase unlocks.
    Unlocked of UnlockedView, v2::UnlockedList
}

/// An entitlement that a purchase unlocks.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Unlocked)]
pub(crate) struct UnlockedView {
    id: String,
    lookup_key: String,
    object: &'static str,
}

/// Something that was bought once.
#[derive(Serialize, ToSchema)]
#[schema(as = v2::Purchase)]
pub(crate) struct PurchaseView {
    country: Option<String>,
    customer_id: String,
    entitlements: Unlocked,
    environment: &'static str,
    id: String,
    object: &'static str,
    original_customer_id: String,
    ownership: &'static str,
    product_id: String,
    #[schema(value_type = i64)]
    purchased_at: Millis,
    quantity: u32,
    /// `owned` or `refunded`.
    status: &'static str,
    store: &'static str,
    store_purchase_identifier: String,
}

const fn store(store: Store) -> &'static str {
    match store {
        Store::AppStore => "app_store",
        Store::PlayStore => "play_store",
        Store::Stripe => "stripe",
        Store::External => "rc_billing",
        Store::Promotional => "promotional",
    }
}

const fn environment(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => "production",
        Environment::Sandbox => "sandbox",
    }
}

const fn ownership(ownership: Ownership) -> &'static str {
    match ownership {
        Ownership::Purchased => "purchased",
        Ownership::FamilyShared => "family_shared",
    }
}

/// How a subscription stands. Source: RevenueCat's REST API v2 reference, `Subscription`, `status`.
fn status(snapshot: &Snapshot) -> &'static str {
    match snapshot.standing {
        Standing::Grace { .. } => "in_grace_period",
        Standing::Retry { .. } => "in_billing_retry",
        Standing::Paused { .. } => "paused",
        Standing::Expired { .. } | Standing::Revoked { .. } => "expired",
        Standing::Current | Standing::Lapsed if snapshot.phase == Phase::Trial => "trialing",
        Standing::Current | Standing::Lapsed => "active",
    }
}

/// What comes at its end. Source: as above, `auto_renewal_status`.
fn renewal(snapshot: &Snapshot) -> &'static str {
    if snapshot.pause_asked_at.is_some() {
        "will_pause"
    } else if snapshot.price_increase == Some(PriceIncrease::Pending) && snapshot.will_renew {
        "requires_price_increase_consent"
    } else if snapshot.next_product.is_some() {
        "will_change_product"
    } else if snapshot.will_renew {
        "will_renew"
    } else {
        "will_not_renew"
    }
}

fn unlocked(url: String, snapshot: &Snapshot, unlocks: &Unlocks) -> Unlocked {
    let keys = unlocked_by(&snapshot.product, unlocks).chain(&snapshot.entitlements);
    let rows = keys.map(|key| UnlockedView {
        id: key.clone(),
        lookup_key: key.clone(),
        object: "entitlement",
    });
    Unlocked::whole(url, rows)
}

/// By what a line of a purchase is known: the purchase, and its line where there are several.
fn id(chain: &ChainKey, line: &str) -> String {
    if line.is_empty() {
        chain.id.clone()
    } else {
        format!("{}:{line}", chain.id)
    }
}

/// Of whom, and below which address, something is shown.
struct Of<'a> {
    record: &'a CustomerRecord,
    unlocks: &'a Unlocks,
    path: String,
    now: Timestamp,
}

impl Of<'_> {
    fn name(&self) -> String {
        self.record.customer.app_user_id.clone()
    }

    fn original(&self) -> String {
        self.record.customer.original_name().to_owned()
    }

    fn subscription(&self, chain: &ChainKey, snapshot: &Snapshot) -> SubscriptionView {
        let id = id(chain, &snapshot.line);
        let until = snapshot.access_until();
        let next = snapshot.next_product.clone();
        SubscriptionView {
            auto_renewal_status: renewal(snapshot),
            country: snapshot.country.clone(),
            current_period_ends_at: snapshot.expires_at.map(Millis),
            current_period_starts_at: Millis(snapshot.purchased_at),
            customer_id: self.name(),
            ends_at: snapshot.expires_at.map(Millis),
            entitlements: unlocked(
                format!("{}/{id}/entitlements", self.path),
                snapshot,
                self.unlocks,
            ),
            environment: environment(chain.environment),
            gives_access: snapshot.gives_access() && until.is_none_or(|until| self.now < until),
            id,
            management_url: None,
            object: "subscription",
            original_customer_id: self.original(),
            ownership: ownership(snapshot.ownership),
            pending_changes: next.map(|product_id| PendingView { product_id }),
            pending_payment: snapshot.has_billing_issue(),
            product_id: snapshot.product.clone(),
            starts_at: Millis(snapshot.original_purchased_at),
            status: status(snapshot),
            store: store(chain.store),
            store_subscription_identifier: chain.id.clone(),
        }
    }

    fn purchase(
        &self,
        chain: &ChainKey,
        snapshot: &Snapshot,
        fact: &TransactionFact,
    ) -> PurchaseView {
        let id = id(chain, &fact.line);
        let is_refunded =
            fact.revocation.is_some() || matches!(snapshot.standing, Standing::Revoked { .. });
        PurchaseView {
            country: fact.country.clone(),
            customer_id: self.name(),
            entitlements: unlocked(
                format!("{}/{id}/entitlements", self.path),
                snapshot,
                self.unlocks,
            ),
            environment: environment(chain.environment),
            id: fact.id.clone(),
            object: "purchase",
            original_customer_id: self.original(),
            ownership: ownership(fact.ownership),
            product_id: fact.product.clone(),
            purchased_at: Millis(fact.purchased_at),
            quantity: fact.quantity,
            status: if is_refunded { "refunded" } else { "owned" },
            store: store(chain.store),
            store_purchase_identifier: fact.id.clone(),
        }
    }
}

/// Whether it is told among the subscriptions.
fn is_subscription(chain: &ChainKey, snapshot: &Snapshot) -> bool {
    snapshot.kind == TransactionKind::Subscription || chain.store == Store::Promotional
}

/// `GET .../customers/{customer}/subscriptions`.
pub(crate) async fn subscriptions(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<SubscriptionView>>, Failure> {
    let record = found(&app, &project, &who).await?;
    let path = format!("/v2/projects/{}/customers/{who}/subscriptions", project.key);
    let none = Unlocks::new();
    let known = project.setup.project(project.id);
    let of = Of {
        record: &record,
        unlocks: known.map_or(&none, |known| &known.unlocks),
        path: path.clone(),
        now: app.engine.system().now(),
    };
    let rows = record.purchases.iter().flat_map(|owned| {
        let lines = owned.stored.snapshot.lines();
        let lines = lines.filter(|line| is_subscription(&owned.chain, line));
        lines.map(|line| of.subscription(&owned.chain, line))
    });
    let id = |row: &SubscriptionView| row.id.clone();
    Ok(Json(Page::of(&path, &pages, rows.collect(), id)))
}

/// `GET .../customers/{customer}/purchases`.
pub(crate) async fn purchases(
    State(app): State<App>,
    project: InProject,
    Path((_, who)): Path<(String, String)>,
    Filters(pages): Filters<Pages>,
) -> Result<Json<Page<PurchaseView>>, Failure> {
    let record = found(&app, &project, &who).await?;
    let path = format!("/v2/projects/{}/customers/{who}/purchases", project.key);
    let none = Unlocks::new();
    let known = project.setup.project(project.id);
    let of = Of {
        record: &record,
        unlocks: known.map_or(&none, |known| &known.unlocks),
        path: path.clone(),
        now: app.engine.system().now(),
    };
    let mut rows = Vec::new();
    for owned in &record.purchases {
        let lines = owned.stored.snapshot.lines();
        for line in lines.filter(|line| !is_subscription(&owned.chain, line)) {
            let all = owned.stored.facts.transactions.values();
            let facts = all.map(|known| &known.fact);
            let facts = facts.filter(|fact| fact.line == line.line);
            rows.extend(facts.map(|fact| of.purchase(&owned.chain, line, fact)));
        }
    }
    let id = |row: &PurchaseView| row.id.clone();
    Ok(Json(Page::of(&path, &pages, rows, id)))
}
