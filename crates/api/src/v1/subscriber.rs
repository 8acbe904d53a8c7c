//! The subscriber object. SDKs read it strictly: maps are never missing, every entitlement's product is one of the
//! subscriptions or purchases, and purchases are in order.

use domain::{
    ChainKey, Environment, Money, ProjectId, Snapshot, Store,
    access::{Unlocks, unlocked_by},
    fact::{Ownership, TransactionFact, TransactionKind},
    snapshot::{Phase, Standing},
};
use engine::Setup;
use jiff::Timestamp;
use ledger::{CustomerRecord, Purchase};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What to show beside what is always shown.
pub(crate) struct Wanted<'a> {
    /// Attributes, for secret keys only.
    pub(crate) with_attributes: bool,
    /// Platform whose management page is preferred.
    pub(crate) platform: Option<&'a str>,
}

/// Whole seconds, UTC, with `Z`.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

const fn store_name(store: Store) -> &'static str {
    match store {
        Store::AppStore => "app_store",
        Store::PlayStore => "play_store",
        Store::Stripe => "stripe",
        Store::External => "rc_billing",
        Store::Promotional => "promotional",
    }
}

/// Product and plan of `product:plan`.
fn split(product: &str) -> (&str, Option<&str>) {
    product
        .split_once(':')
        .map_or((product, None), |(product, plan)| (product, Some(plan)))
}

/// An amount as a JSON number with the currency's own digits; exact, because it is made of the decimal text.
fn price(price: Option<Money>) -> Value {
    price.map_or(Value::Null, |price| {
        let amount: serde_json::Number = price
            .decimal()
            .parse()
            .unwrap_or_else(|_| serde_json::Number::from(0));
        json!({ "amount": amount, "currency": price.currency })
    })
}

fn management_url(store: Store, product: &str) -> Option<String> {
    match store {
        Store::AppStore => Some("https://apps.apple.com/account/subscriptions".into()),
        Store::PlayStore => Some(format!(
            "https://play.google.com/store/account/subscriptions?sku={}",
            split(product).0
        )),
        Store::Stripe | Store::External | Store::Promotional => None,
    }
}

/// One purchase that is a subscription, or behaves like one.
fn subscription(chain: &ChainKey, snapshot: &Snapshot) -> Value {
    let (_, plan) = split(&snapshot.product);
    let issue = match snapshot.standing {
        Standing::Grace { since, .. } | Standing::Retry { since } => Some(since),
        _ => None,
    };
    let grace = match snapshot.standing {
        Standing::Grace { until, .. } => Some(until),
        _ => None,
    };
    let (refunded, resumes) = match snapshot.standing {
        Standing::Revoked { at } => (Some(at), None),
        Standing::Paused { until } => (None, until),
        _ => (None, None),
    };
    let period = match snapshot.phase {
        _ if snapshot.is_prepaid => "prepaid",
        Phase::Trial => "trial",
        Phase::Intro => "intro",
        Phase::Regular => "normal",
    };
    json!({
        "auto_resume_date": resumes.map(date),
        "billing_issues_detected_at": issue.map(date),
        "display_name": null,
        "expires_date": snapshot.access_until().map(date),
        "grace_period_expires_date": grace.map(date),
        "is_sandbox": chain.environment == Environment::Sandbox,
        "management_url": management_url(chain.store, &snapshot.product),
        "original_purchase_date": date(snapshot.original_purchased_at),
        "ownership_type": if snapshot.ownership == Ownership::FamilyShared { "FAMILY_SHARED" } else { "PURCHASED" },
        "period_type": period,
        "price": price(snapshot.price),
        "product_plan_identifier": plan,
        "purchase_date": date(snapshot.purchased_at),
        "refunded_at": refunded.map(date),
        "store": store_name(chain.store),
        "store_transaction_id": snapshot.transaction,
        "unsubscribe_detected_at": snapshot.off_since.map(date),
    })
}

fn purchase(chain: &ChainKey, fact: &TransactionFact) -> Value {
    json!({
        "id": format!("{}:{}", store_name(chain.store), fact.id),
        "is_sandbox": chain.environment == Environment::Sandbox,
        "purchase_date": date(fact.purchased_at),
        "original_purchase_date": date(fact.original_purchased_at),
        "store": store_name(chain.store),
        "store_transaction_id": fact.id,
        "price": price(fact.price),
        "display_name": null,
    })
}

fn entitlement(snapshot: &Snapshot) -> Value {
    let (product, plan) = split(&snapshot.product);
    let grace = match snapshot.standing {
        Standing::Grace { until, .. } => Some(until),
        _ => None,
    };
    json!({
        "expires_date": snapshot.access_until().map(date),
        "grace_period_expires_date": grace.map(date),
        "product_identifier": product,
        "product_plan_identifier": plan,
        "purchase_date": date(snapshot.purchased_at),
    })
}

/// Whether it is told among the subscriptions.
fn is_subscription(chain: &ChainKey, snapshot: &Snapshot) -> bool {
    snapshot.kind == TransactionKind::Subscription || chain.store == Store::Promotional
}

/// The end of access, for ever being last.
fn rank(snapshot: &Snapshot) -> (bool, Option<Timestamp>, Timestamp) {
    let until = snapshot.access_until();
    (until.is_none(), until, snapshot.purchased_at)
}

pub(crate) fn view(
    setup: &Setup,
    project: ProjectId,
    record: &CustomerRecord,
    now: Timestamp,
    wanted: &Wanted<'_>,
) -> Value {
    let none = Unlocks::new();
    let unlocks = setup
        .project(project)
        .map_or(&none, |project| &project.unlocks);
    let mut subscriptions: BTreeMap<&str, &Purchase> = BTreeMap::new();
    let mut purchases: BTreeMap<&str, Vec<(&ChainKey, &TransactionFact)>> = BTreeMap::new();
    let mut entitlements: BTreeMap<&String, &Snapshot> = BTreeMap::new();
    for entry in &record.purchases {
        let Purchase { chain, stored, .. } = entry;
        let snapshot = &stored.snapshot;
        if is_subscription(chain, snapshot) {
            let latest = subscriptions
                .entry(split(&snapshot.product).0)
                .or_insert(entry);
            if rank(&latest.stored.snapshot) < rank(snapshot) {
                *latest = entry;
            }
        } else {
            for transaction in stored.facts.transactions.values() {
                purchases
                    .entry(split(&transaction.fact.product).0)
                    .or_default()
                    .push((chain, &transaction.fact));
            }
        }
        if snapshot.kind == TransactionKind::Consumable
            || (!is_subscription(chain, snapshot) && !snapshot.gives_access())
        {
            continue;
        }
        for id in unlocked_by(&snapshot.product, unlocks).chain(&snapshot.entitlements) {
            let best = entitlements.entry(id).or_insert(snapshot);
            if rank(best) < rank(snapshot) {
                *best = snapshot;
            }
        }
    }
    let active = |entry: &&&Purchase| {
        let snapshot = &entry.stored.snapshot;
        snapshot.gives_access() && snapshot.access_until().is_none_or(|until| now < until)
    };
    let preferred = |store: Store| match wanted.platform {
        Some("ios" | "macos" | "uikitformac") => store == Store::AppStore,
        Some("android") => store == Store::PlayStore,
        _ => false,
    };
    let managed = subscriptions
        .values()
        .filter(active)
        .filter_map(|entry| {
            let url = management_url(entry.chain.store, &entry.stored.snapshot.product)?;
            Some((
                preferred(entry.chain.store),
                entry.stored.snapshot.access_until(),
                url,
            ))
        })
        .max();
    for list in purchases.values_mut() {
        list.sort_by_key(|(_, fact)| fact.purchased_at);
    }
    let customer = &record.customer;
    let mut subscriber = json!({
        "entitlements": entitlements.into_iter().map(|(id, snapshot)| (id.clone(), entitlement(snapshot))).collect::<Map<_, _>>(),
        "first_seen": date(customer.first_seen),
        "last_seen": date(customer.last_seen),
        "management_url": managed.map(|(.., url)| url),
        "non_subscriptions": purchases.into_iter().map(|(product, list)| (product.to_owned(), list.into_iter().map(|(chain, fact)| purchase(chain, fact)).collect())).collect::<Map<_, _>>(),
        "original_app_user_id": customer.app_user_id,
        "original_application_version": null,
        "original_purchase_date": customer.installed_at.map(date),
        "other_purchases": {},
        "subscriptions": subscriptions.into_iter().map(|(product, Purchase { chain, stored, .. })| (product.to_owned(), subscription(chain, &stored.snapshot))).collect::<Map<_, _>>(),
    });
    if wanted.with_attributes {
        let attributes: Map<String, Value> = customer
            .attributes
            .iter()
            .map(|(key, value)| {
                let at = customer
                    .written
                    .get(key)
                    .copied()
                    .unwrap_or(customer.last_seen);
                let attribute = json!({ "value": value, "updated_at_ms": at.as_millisecond() });
                (key.clone(), attribute)
            })
            .collect();
        subscriber["subscriber_attributes"] = attributes.into();
    }
    json!({
        "request_date": date(now),
        "request_date_ms": now.as_millisecond(),
        "subscriber": subscriber,
    })
}
