//! The subscriber object. SDKs read it strictly: maps are never missing, every entitlement's product is one of the
//! subscriptions or purchases, and purchases are in order.

mod shape;

pub(crate) use shape::{Consumed, Shown};

use domain::{
    CancellationReason, ChainKey, Environment, Facts, Money, ProjectId, Snapshot, Store,
    access::{Unlocks, unlocked_by},
    customer::Customer,
    fact::{Ownership, TransactionFact, TransactionKind},
    snapshot::{Phase, Standing},
};
use engine::Setup;
use jiff::Timestamp;
use ledger::CustomerRecord;
use shape::{Attribute, Entitlement, Moment, OneTimePurchase, Price, Subscriber, Subscription};
use std::collections::BTreeMap;

/// What to show beside what is always shown.
pub(crate) struct Wanted {
    /// Attributes, for secret keys only.
    pub(crate) with_attributes: bool,
    /// Store of the platform that asks, whose management page is preferred.
    pub(crate) store: Option<Store>,
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
pub(super) fn split(product: &str) -> (&str, Option<&str>) {
    product
        .split_once(':')
        .map_or((product, None), |(product, plan)| (product, Some(plan)))
}

fn price(price: Money) -> Price {
    let amount = price.decimal().parse();
    Price {
        amount: amount.unwrap_or_else(|_| 0.into()),
        currency: price.currency,
    }
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

fn subscription(chain: &ChainKey, snapshot: &Snapshot) -> Subscription {
    let (_, plan) = split(&snapshot.product);
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
    let ownership = match snapshot.ownership {
        Ownership::FamilyShared => "FAMILY_SHARED",
        Ownership::Purchased => "PURCHASED",
    };
    Subscription {
        auto_resume_date: resumes.map(Moment),
        billing_issues_detected_at: issue(snapshot).map(Moment),
        display_name: None,
        expires_date: ends_at(snapshot).map(Moment),
        grace_period_expires_date: grace_end(snapshot),
        is_sandbox: chain.environment == Environment::Sandbox,
        management_url: management_url(chain.store, &snapshot.product),
        original_purchase_date: Moment(snapshot.original_purchased_at),
        ownership_type: ownership,
        period_type: period,
        price: snapshot.price.map(price),
        product_plan_identifier: plan.map(str::to_owned),
        purchase_date: Moment(snapshot.purchased_at),
        refunded_at: refunded.map(Moment),
        store: store_name(chain.store),
        store_transaction_id: snapshot.transaction.clone(),
        unsubscribe_detected_at: unsubscribed(snapshot).map(Moment),
    }
}

/// When the charge was due that nothing was paid of since: what ended for that has the issue still.
fn issue(snapshot: &Snapshot) -> Option<Timestamp> {
    match snapshot.standing {
        Standing::Grace { since, .. } | Standing::Retry { since } => Some(since),
        Standing::Expired {
            at,
            reason: CancellationReason::BillingError,
        } => Some(snapshot.paid_until().unwrap_or(at)),
        _ => None,
    }
}

/// When the customer wanted no more of it: stores switch renewal off too where they cannot charge, or no longer sell the product.
fn unsubscribed(snapshot: &Snapshot) -> Option<Timestamp> {
    let is_involuntary = matches!(
        snapshot.standing,
        Standing::Expired {
            reason: CancellationReason::BillingError | CancellationReason::ProductWasNotAvailable,
            ..
        }
    );
    snapshot.off_since.filter(|_| !is_involuntary)
}

/// The end of access as SDKs read it, which look at nothing else: what gives none any more ended when its store said so, whatever had been
/// paid for.
fn ends_at(snapshot: &Snapshot) -> Option<Timestamp> {
    let until = snapshot.access_until();
    let ended = match snapshot.standing {
        Standing::Expired { at, .. } => at,
        Standing::Retry { .. } | Standing::Paused { .. } => snapshot.version,
        _ => return until,
    };
    Some(until.map_or(ended, |until| until.min(ended)))
}

fn grace_end(snapshot: &Snapshot) -> Option<Moment> {
    match snapshot.standing {
        Standing::Grace { until, .. } => Some(Moment(until)),
        _ => None,
    }
}

fn purchase(chain: &ChainKey, fact: &TransactionFact) -> OneTimePurchase {
    let store = store_name(chain.store);
    OneTimePurchase {
        display_name: None,
        id: format!("{store}:{}", fact.id),
        is_sandbox: chain.environment == Environment::Sandbox,
        original_purchase_date: Moment(fact.original_purchased_at),
        price: fact.price.map(price),
        purchase_date: Moment(fact.purchased_at),
        store,
        store_transaction_id: fact.id.clone(),
    }
}

fn entitlement(snapshot: &Snapshot) -> Entitlement {
    let (product, plan) = split(&snapshot.product);
    Entitlement {
        expires_date: ends_at(snapshot).map(Moment),
        grace_period_expires_date: grace_end(snapshot),
        product_identifier: product.to_owned(),
        product_plan_identifier: plan.map(str::to_owned),
        purchase_date: Moment(snapshot.purchased_at),
    }
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
    wanted: &Wanted,
) -> Shown {
    let none = Unlocks::new();
    let unlocks = setup
        .project(project)
        .map_or(&none, |project| &project.unlocks);
    let bought = Bought::of(record, unlocks);
    let customer = &record.customer;
    let got = customer.app_purchase.as_ref();
    let subscriber = Subscriber {
        management_url: bought.management_url(now, wanted.store),
        entitlements: bought
            .entitlements
            .into_iter()
            .map(|(id, snapshot)| (id.clone(), entitlement(snapshot)))
            .collect(),
        first_seen: Moment(customer.first_seen),
        last_seen: Moment(customer.last_seen),
        non_subscriptions: bought
            .purchases
            .into_iter()
            .map(|(product, list)| {
                let list = list.into_iter();
                let list = list.map(|(chain, fact)| purchase(chain, fact)).collect();
                (product.to_owned(), list)
            })
            .collect(),
        original_app_user_id: customer.original_name().to_owned(),
        original_application_version: got.map(|got| got.version.clone()),
        original_purchase_date: got
            .map(|got| got.bought_at)
            .or(customer.installed_at)
            .map(Moment),
        other_purchases: BTreeMap::new(),
        subscriber_attributes: wanted.with_attributes.then(|| attributes(customer)),
        subscriptions: bought
            .subscriptions
            .into_iter()
            .map(|(product, (chain, snapshot))| (product.to_owned(), subscription(chain, snapshot)))
            .collect(),
    };
    Shown {
        request_date: Moment(now),
        request_date_ms: now.as_millisecond(),
        customer_seq: record.seq,
        purchased_products: BTreeMap::new(),
        subscriber,
    }
}

/// What a customer bought, by product: of each subscription what lasts longest, of everything else each purchase. And of what it
/// unlocks, what lasts longest.
#[derive(Default)]
struct Bought<'a> {
    subscriptions: BTreeMap<&'a str, (&'a ChainKey, &'a Snapshot)>,
    purchases: BTreeMap<&'a str, Vec<(&'a ChainKey, &'a TransactionFact)>>,
    entitlements: BTreeMap<&'a String, &'a Snapshot>,
}

impl<'a> Bought<'a> {
    fn of(record: &'a CustomerRecord, unlocks: &'a Unlocks) -> Self {
        let mut bought = Self::default();
        for purchase in &record.purchases {
            for line in purchase.stored.snapshot.lines() {
                bought.add(&purchase.chain, &purchase.stored.facts, line, unlocks);
            }
        }
        for list in bought.purchases.values_mut() {
            list.sort_by_key(|(_, fact)| fact.purchased_at);
        }
        bought
    }

    fn add(
        &mut self,
        chain: &'a ChainKey,
        facts: &'a Facts,
        snapshot: &'a Snapshot,
        unlocks: &'a Unlocks,
    ) {
        if is_subscription(chain, snapshot) {
            let latest = self
                .subscriptions
                .entry(split(&snapshot.product).0)
                .or_insert((chain, snapshot));
            if rank(latest.1) < rank(snapshot) {
                *latest = (chain, snapshot);
            }
        } else {
            let all = facts.transactions.values().map(|known| &known.fact);
            for fact in all.filter(|fact| fact.line == snapshot.line) {
                self.purchases
                    .entry(split(&fact.product).0)
                    .or_default()
                    .push((chain, fact));
            }
        }
        if snapshot.kind == TransactionKind::Consumable
            || snapshot.begins_at.is_some()
            || (!is_subscription(chain, snapshot) && !snapshot.gives_access())
        {
            return;
        }
        for id in unlocked_by(&snapshot.product, unlocks).chain(&snapshot.entitlements) {
            let best = self.entitlements.entry(id).or_insert(snapshot);
            if rank(best) < rank(snapshot) {
                *best = snapshot;
            }
        }
    }

    /// Where what gives access now is managed; of several, what is of the caller's own store, and then what lasts longest.
    fn management_url(&self, now: Timestamp, preferred: Option<Store>) -> Option<String> {
        let active = self.subscriptions.values().filter(|(_, snapshot)| {
            snapshot.gives_access() && snapshot.access_until().is_none_or(|until| now < until)
        });
        let managed = active.filter_map(|(chain, snapshot)| {
            let url = management_url(chain.store, &snapshot.product)?;
            Some((Some(chain.store) == preferred, snapshot.access_until(), url))
        });
        managed.max().map(|(.., url)| url)
    }
}

fn attributes(customer: &Customer) -> BTreeMap<String, Attribute> {
    let written = |key| {
        let at = customer.written.get(key).copied();
        at.unwrap_or(customer.last_seen).as_millisecond()
    };
    let attributes = customer.attributes.iter();
    let shown = attributes.map(|(key, value)| {
        let attribute = Attribute {
            updated_at_ms: written(key),
            value: value.clone(),
        };
        (key.clone(), attribute)
    });
    shown.collect()
}
