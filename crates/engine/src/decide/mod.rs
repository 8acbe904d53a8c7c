//! What a message leads to: a pure function of what is known, what was observed, and the setup.
//!
//! It has two steps because one question lies between them: which event keys the customer already has. [`propose`] derives
//! the new state and the events it tells; [`conclude`] numbers those that are new and plans their deliveries.

use crate::setup::{ActiveIntegration, AppSetup, ProjectSetup, Setup};
use domain::{
    AccessLevel, AppId, Change, Currency, DeliveryId, Environment, Event, EventId, EventKind,
    Facts, IntegrationId, Message, Money, NotSent, Observation, ProjectId, Snapshot,
    access::{self, Unlocks},
    change::{self, State},
    charge::Line,
    customer::{ANONYMOUS_PREFIX, Customer},
    event::{AppRef, Cause, Purchase, TransactionRef},
    fact::{ChainKey, TransactionKind},
    rates::Rates,
    time::after,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    AppSettings, ChainWrite, Commit, CustomerRecord, CustomerWrite, InboxMessage, Loaded,
    NewDelivery, NewEvent, StoredChain,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Pause after which a delivery goes although an earlier one of its customer is unsettled.
pub(crate) const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What is the same for every decision about one message.
pub(crate) struct Circumstances<'a> {
    pub(crate) project: &'a ProjectSetup,
    pub(crate) app: &'a AppSetup,
    pub(crate) inbox: Option<&'a InboxMessage>,
    /// When the message was received, or when time passing was noticed.
    pub(crate) now: Timestamp,
    /// Exchange rates.
    pub(crate) rates: &'a Rates,
}

/// The new state, with the events it tells, not yet numbered.
pub(crate) struct Proposal {
    pub(crate) customer: Customer,
    loaded_version: Option<u64>,
    seq: u64,
    chain: ChainWrite,
    pub(crate) drafts: Vec<Event>,
    /// Customers that the chain belonged to before.
    pub(crate) told_to: Vec<domain::CustomerId>,
    /// Whether the chain was known, so that some of the drafts may have been told before.
    pub(crate) is_known_chain: bool,
}

/// The customer a new chain belongs to when nobody owns it yet.
fn new_customer(
    project: ProjectId,
    chain: &ChainKey,
    token: Option<&str>,
    now: Timestamp,
) -> Customer {
    let namespace = project.uuid();
    let anonymous = || {
        format!(
            "{ANONYMOUS_PREFIX}{}",
            Uuid::new_v5(
                &namespace,
                format!(
                    "{}:{}:{}",
                    chain.store.id(),
                    chain.environment.id(),
                    chain.id
                )
                .as_bytes()
            )
            .simple()
        )
    };
    let app_user_id = token.map_or_else(anonymous, str::to_owned);
    named_customer(project, app_user_id, now)
}

/// A customer heard of for the first time.
pub(crate) fn named_customer(project: ProjectId, app_user_id: String, now: Timestamp) -> Customer {
    let id = domain::CustomerId::derived(project.uuid(), &app_user_id, now);
    Customer::new(id, app_user_id, now)
}

/// Dollars charged less dollars given back on one chain, as far as rates are known.
fn revenue(facts: &Facts, rates: &Rates) -> i64 {
    let dollars = |money: Option<Money>, at: Timestamp| {
        money
            .and_then(|money| in_usd(money, rates, at))
            .map_or(0, |money| money.micros)
    };
    let charged = facts.transactions.values().map(|transaction| {
        let fact = &transaction.fact;
        let charged = if fact.ownership == domain::fact::Ownership::Purchased {
            dollars(fact.price, fact.purchased_at)
        } else {
            0
        };
        // Thousandths of a percent; absent means all of it.
        let kept = fact.revocation.as_ref().map_or(100_000, |revocation| {
            (100_000 - revocation.percentage.unwrap_or(100_000)).clamp(0, 100_000)
        });
        i64::try_from(i128::from(charged) * i128::from(kept) / 100_000).unwrap_or(0)
    });
    let given_back = facts
        .refunds
        .values()
        .filter(|refund| !refund.is_undone)
        .map(|refund| {
            let fact = facts
                .transactions
                .get(&refund.transaction)
                .map(|transaction| &transaction.fact);
            let charged = fact.and_then(|fact| fact.price);
            let at = fact.map_or(refund.at, |fact| fact.purchased_at);
            -dollars(refund.amount.or(charged), at)
        });
    charged.chain(given_back).fold(0, i64::saturating_add)
}

/// An amount in dollars, at the rates of its day.
fn in_usd(money: Money, rates: &Rates, at: Timestamp) -> Option<Money> {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    rates.convert(money, Currency::USD, date)
}

/// The instant to decide at. What a message newly says is decided at the time it was said: told late, it leads to the same
/// events, and what has changed since by time alone is due at once. A message that says nothing newer is decided now.
fn as_of(facts: &Facts, seen: &Observation, now: Timestamp) -> Timestamp {
    let said = |transactions: &mut dyn Iterator<Item = Timestamp>,
                renewals: &mut dyn Iterator<Item = Timestamp>| {
        transactions.chain(renewals).max()
    };
    let newest = said(
        &mut facts.transactions.values().map(|known| known.fact.version),
        &mut facts.renewals.values().map(|renewal| renewal.version),
    );
    let this = said(
        &mut seen.transactions.iter().map(|fact| fact.version),
        &mut seen.renewal.iter().map(|renewal| renewal.version),
    );
    match (newest, this) {
        (Some(newest), Some(this)) if this >= newest => this.min(now),
        _ => now,
    }
}

/// Derives the new state of a chain and what it tells. `None` when nothing is known about it. `name` is that of its owner,
/// where nobody owns it yet.
pub(crate) fn propose(
    loaded: Loaded,
    chain: &ChainKey,
    observation: Option<&Observation>,
    name: Option<&str>,
    at: &Circumstances<'_>,
) -> Option<Proposal> {
    let (chain, before) = match loaded.chain {
        Some((known, stored)) => (known, Some(stored)),
        None => (chain.clone(), None),
    };
    let chain = &chain;
    let known = before.as_ref().map(|stored| &stored.facts);
    let facts = known.cloned().unwrap_or_default();
    let facts = match observation {
        Some(observation) => facts.absorb(observation),
        None => facts,
    };
    let as_of = match (&before, observation) {
        (Some(before), Some(seen)) if !before.snapshot.has_ended() => as_of(&facts, seen, at.now),
        _ => at.now,
    };
    let snapshot = Snapshot::derive(&facts, as_of)?;
    let window = SignedDuration::from_hours(i64::from(at.project.row.historical_window_hours));
    let state = before.as_ref().map(|stored| State {
        facts: &stored.facts,
        snapshot: &stored.snapshot,
    });
    let changes = change::changes(
        chain,
        state,
        State {
            facts: &facts,
            snapshot: &snapshot,
        },
        at.now,
        window,
    );

    let (mut customer, loaded_version, seq) = match loaded.customer {
        Some(versioned) => (versioned.customer, Some(versioned.version), versioned.seq),
        None => (
            new_customer(at.project.row.id, chain, name, at.now),
            None,
            0,
        ),
    };
    customer.last_seen = customer.last_seen.max(at.now);
    customer.revenue_usd_micros = customer
        .revenue_usd_micros
        .saturating_add(revenue(&facts, at.rates))
        .saturating_sub(known.map_or(0, |known| revenue(known, at.rates)));

    let unlocks = &at.project.unlocks;
    let others = || {
        loaded
            .others
            .iter()
            .map(|(chain, snapshot)| (chain, snapshot))
    };
    let access_before = access::access(
        others().chain(before.as_ref().map(|stored| (chain, &stored.snapshot))),
        unlocks,
    );
    let access_after = access::access(others().chain([(chain, &snapshot)]), unlocks);

    let about = About {
        chain,
        facts: &facts,
        snapshot: &snapshot,
        unlocks,
        at,
    };
    let mut drafts: Vec<Event> = changes
        .iter()
        .map(|change| about.event(change, &customer))
        .collect();
    for level in access::differences(&access_before, &access_after) {
        let version = if observation.is_some() {
            snapshot.version
        } else {
            at.now
        };
        let key = format!(
            "access:{}:{}:{}:{}:{}:{}:{}:{}",
            level.id,
            chain.id,
            version.as_microsecond(),
            level.product,
            u8::from(level.is_active),
            level.expires_at.map_or(0, Timestamp::as_microsecond),
            u8::from(level.will_renew),
            u8::from(level.is_in_grace_period)
        );
        let change = Change {
            transaction: level.transaction.clone(),
            product: level.product.clone(),
            reason: level.cancellation_reason,
            ..Change::new(
                EventKind::AccessLevelUpdated,
                key,
                version,
                &snapshot,
                "access.changed",
            )
        };
        drafts.push(Event {
            level: Some(level),
            ..about.event(&change, &customer)
        });
    }
    let timers = Timers {
        wanted: &at.project.timers,
        chain,
        facts: &facts,
        snapshot: &snapshot,
    };
    if observation.is_none() {
        drafts.extend(timers.due(at.now).map(|(days, change)| Event {
            after_days: Some(days),
            ..about.event(&change, &customer)
        }));
    }
    for draft in &mut drafts {
        draft.access.clone_from(&access_after);
    }
    let changed = facts
        .transactions
        .iter()
        .filter(|(id, transaction)| {
            known.and_then(|known| known.transactions.get(*id)) != Some(*transaction)
        })
        .map(|(id, _)| id.clone())
        .collect();
    let check_at = snapshot
        .next_check(as_of)
        .into_iter()
        .chain(timers.next(at.now))
        .min();
    let is_known_chain = before.is_some();
    let told_to = before.map_or_else(Vec::new, |stored| stored.formers);
    let links = observation.map_or_else(Vec::new, |observation| {
        let seen = observation.links.iter().chain([&observation.chain.id]);
        seen.filter(|link| **link != chain.id).cloned().collect()
    });
    Some(Proposal {
        told_to,
        customer,
        loaded_version,
        seq,
        chain: ChainWrite {
            app: at.app.row.id,
            key: chain.clone(),
            links,
            facts,
            changed,
            snapshot,
            check_at,
        },
        drafts,
        is_known_chain,
    })
}

/// "Still active" events: a number of days after a trial or subscription began, once, if it still runs then.
/// Source: spec/adapty.md 1.5. A trial that converts starts no timer of its own.
struct Timers<'a> {
    wanted: &'a BTreeSet<(EventKind, u32)>,
    chain: &'a ChainKey,
    facts: &'a Facts,
    snapshot: &'a Snapshot,
}

impl Timers<'_> {
    /// After a time-out as long as an unconfirmed period may last, a missed timer is not made up for.
    const LATEST: SignedDuration = domain::snapshot::LAPSE_LIMIT;

    /// Which timers the chain has, and when each is due.
    fn all(&self) -> impl Iterator<Item = (EventKind, u32, Timestamp)> {
        let first = Line::of(self.facts)
            .iter()
            .next()
            .map(|transaction| &transaction.fact);
        let first = first.filter(|fact| {
            fact.is_origin(&self.chain.id)
                && fact.kind == TransactionKind::Subscription
                && fact.ownership == domain::fact::Ownership::Purchased
        });
        let kind = first.map(|fact| {
            if fact.is_free() {
                EventKind::TrialActive
            } else {
                EventKind::SubscriptionActive
            }
        });
        let start = first.map(|fact| fact.purchased_at);
        self.wanted
            .iter()
            .filter(move |(wanted, _)| kind == Some(*wanted))
            .filter_map(move |(kind, days)| {
                let due = start?
                    .checked_add(SignedDuration::from_hours(24 * i64::from(*days)))
                    .ok()?;
                Some((*kind, *days, due))
            })
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.all()
            .map(|(_, _, due)| due)
            .filter(|due| *due > now)
            .min()
    }

    fn due(&self, now: Timestamp) -> impl Iterator<Item = (u32, Change)> {
        let snapshot = self.snapshot;
        let is_trial = snapshot.phase == domain::snapshot::Phase::Trial;
        let runs =
            move |kind| snapshot.gives_access() && is_trial == (kind == EventKind::TrialActive);
        let is_due = move |due: Timestamp| due <= now && due.duration_until(now) <= Self::LATEST;
        self.all()
            .filter(move |(kind, _, due)| is_due(*due) && runs(*kind))
            .map(move |(kind, days, due)| {
                let key = format!("{}:{}:{days}", kind.id(), self.chain.id);
                let change = Change::new(kind, key, due, snapshot, "timer.still_active");
                (days, change)
            })
    }
}

/// Whatever an event says about its purchase.
struct About<'a> {
    chain: &'a ChainKey,
    facts: &'a Facts,
    snapshot: &'a Snapshot,
    unlocks: &'a Unlocks,
    at: &'a Circumstances<'a>,
}

impl About<'_> {
    fn event(&self, change: &Change, customer: &Customer) -> Event {
        let (project, app, snapshot) = (&self.at.project.row, &self.at.app.row, self.snapshot);
        let line = Line::of(self.facts);
        let run = line.run(&change.transaction);
        // The key names a chain or transaction, unique within its app and environment; the ledger wants it unique per customer.
        let key = format!("{}:{}:{}", app.key, self.chain.environment.id(), change.key);
        Event {
            id: EventId::derived(
                project.id.uuid(),
                &format!("{}:{key}", customer.app_user_id),
                // Business time, not ours: told late, it is the same event with the same id.
                change.occurred_at,
            ),
            key,
            kind: change.kind,
            occurred_at: change.occurred_at,
            recorded_at: self.at.now,
            customer_seq: 0,
            environment: self.chain.environment,
            project: project.id,
            app: Some(AppRef {
                id: app.id,
                key: app.key.clone(),
                store: app.store(),
                store_name: match &app.settings {
                    AppSettings::External(settings) => Some(settings.store_name.clone()),
                    _ => None,
                },
            }),
            customer: customer.for_event(),
            purchase: Some(Purchase {
                chain: self.chain.id.clone(),
                kind: snapshot.kind,
                original_purchased_at: snapshot.original_purchased_at,
                purchased_at: snapshot.purchased_at,
                expires_at: snapshot.expires_at,
                access_until: snapshot.access_until(),
                phase: snapshot.phase,
                standing: snapshot.standing.clone(),
                will_renew: snapshot.will_renew,
                next_product: snapshot.next_product.clone(),
                renewal_price: snapshot.renewal_price,
                ownership: snapshot.ownership,
                consecutive_payments: if snapshot.kind == TransactionKind::Subscription {
                    run.paid_periods
                } else {
                    1
                },
                over_a_year: run.over_a_year,
                trial_days: line.trial_days(),
                offering: self.facts.offering().map(str::to_owned),
            }),
            transaction: self.transaction(change),
            product: Some(change.product.clone()),
            previous_product: change.previous_product.clone(),
            scheduled: change.scheduled,
            entitlements: access::unlocked_by(&change.product, self.unlocks)
                .cloned()
                .collect(),
            cancellation_reason: change.reason,
            level: None,
            access: BTreeMap::new(),
            cause: Cause {
                inbox: self.at.inbox.map(|message| message.id),
                rule: change.rule.to_owned(),
            },
            historical: change.historical,
            late: change.late,
            after_days: None,
            transferred_from: None,
        }
    }

    fn transaction(&self, change: &Change) -> Option<TransactionRef> {
        let fact = &self.facts.transactions.get(&change.transaction)?.fact;
        let dollars = |money: Option<Money>| {
            money.and_then(|money| in_usd(money, self.at.rates, fact.purchased_at))
        };
        // The rest of an upgraded period is given back in an amount the store does not state.
        let price = if change.rule == "refund.upgraded" {
            fact.price.map(|price| Money { micros: 0, ..price })
        } else {
            fact.price
        };
        let app = &self.at.app.row;
        let is_subscription = fact.kind == TransactionKind::Subscription;
        let kept = app
            .commission
            .and_then(|terms| {
                let over_a_year = Line::of(self.facts).run(&fact.id).over_a_year;
                terms.basis_points(app.store(), is_subscription, over_a_year)
            })
            .map(|commission| 10_000_u32.saturating_sub(commission));
        let after_commission = |amount: Option<Money>| {
            amount
                .zip(kept)
                .and_then(|(amount, kept)| amount.basis_points(kept))
        };
        let proceeds = after_commission(price);
        // Unknown tax is not no tax.
        let net = after_commission(
            price
                .zip(fact.tax)
                .and_then(|(price, tax)| price.checked_sub(tax).ok()),
        );
        Some(TransactionRef {
            id: fact.id.clone(),
            purchased_at: fact.purchased_at,
            expires_at: fact.expires_at,
            quantity: change.pieces.unwrap_or(fact.quantity),
            price,
            price_usd: dollars(price),
            proceeds,
            proceeds_usd: dollars(proceeds),
            refunded: change.refunded.filter(|refunded| Some(*refunded) != price),
            tax: fact.tax,
            tax_usd: dollars(fact.tax),
            net,
            net_usd: dollars(net),
            is_free: fact.is_free(),
            offer: fact.offer.clone(),
            country: fact.country.clone(),
            token: Some(fact.leg.clone())
                .filter(|leg| !leg.is_empty() && self.chain.store == domain::Store::PlayStore),
        })
    }
}

/// Purchases that pass from one customer to another.
pub(crate) struct Passing<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) project: &'a ProjectSetup,
    /// Stands in for an app that is gone.
    pub(crate) grants: &'a AppSetup,
    pub(crate) message: &'a InboxMessage,
    pub(crate) now: Timestamp,
    pub(crate) rates: &'a Rates,
    /// As they were, and as they are to be.
    pub(crate) from: (&'a CustomerRecord, &'a Customer),
    pub(crate) to: (&'a CustomerRecord, &'a Customer),
    pub(crate) chains: &'a [(AppId, ChainKey)],
    /// The two become one: nothing is transferred, and the giver is told nothing.
    pub(crate) is_merge: bool,
    pub(crate) environment: Environment,
}

/// What both sides are told about purchases of one environment that pass, not yet numbered.
pub(crate) fn passed(passing: &Passing<'_>) -> (Vec<Event>, Vec<Event>) {
    let unlocks = &passing.project.unlocks;
    let environment = passing.environment;
    let passes = |app: AppId, chain: &ChainKey| {
        passing
            .chains
            .iter()
            .any(|(known_app, known)| *known_app == app && known == chain)
    };
    let of = |record: &'_ CustomerRecord| -> Vec<_> {
        record
            .purchases
            .iter()
            .filter(|(_, chain, _)| chain.environment == environment)
            .cloned()
            .collect()
    };
    let (given, taken) = (of(passing.from.0), of(passing.to.0));
    let moving: Vec<_> = given
        .iter()
        .filter(|(app, chain, _)| passes(*app, chain))
        .collect();
    if moving.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let level = |purchases: &mut dyn Iterator<Item = &(AppId, ChainKey, StoredChain)>| {
        access::access(
            purchases.map(|(_, chain, stored)| (chain, &stored.snapshot)),
            unlocks,
        )
    };
    let from_before = level(&mut given.iter());
    let from_after = level(&mut given.iter().filter(|(app, chain, _)| !passes(*app, chain)));
    let to_before = level(&mut taken.iter());
    let to_after = level(&mut taken.iter().chain(moving.iter().copied()));
    let event =
        |purchase: &(AppId, ChainKey, StoredChain), change: &Change, customer: &Customer| {
            let (app, chain, stored) = purchase;
            let app = passing.setup.app(*app).unwrap_or(passing.grants);
            let at = Circumstances {
                project: passing.project,
                app,
                inbox: Some(passing.message),
                now: passing.now,
                rates: passing.rates,
            };
            let about = About {
                chain,
                facts: &stored.facts,
                snapshot: &stored.snapshot,
                unlocks,
                at: &at,
            };
            about.event(change, customer)
        };
    let stamp = passing.now.as_microsecond();
    let levels = |before: &BTreeMap<String, AccessLevel>,
                  after: &BTreeMap<String, AccessLevel>,
                  customer: &Customer| {
        let mut told = Vec::new();
        for level in access::differences(before, after) {
            // The purchase that decides the level, on either side.
            let Some(purchase) = given
                .iter()
                .chain(&taken)
                .find(|(_, chain, _)| chain.id == level.chain && chain.store == level.store)
            else {
                continue;
            };
            let key = format!("access:{}:{}:passed:{stamp}", level.id, level.chain);
            let change = Change {
                transaction: level.transaction.clone(),
                product: level.product.clone(),
                reason: level.cancellation_reason,
                ..Change::new(
                    EventKind::AccessLevelUpdated,
                    key,
                    passing.now,
                    &purchase.2.snapshot,
                    "access.passed",
                )
            };
            told.push(Event {
                level: Some(level),
                access: after.clone(),
                ..event(purchase, &change, customer)
            });
        }
        told
    };
    let mut to_told = Vec::new();
    if !passing.is_merge {
        for purchase in &moving {
            let key = format!(
                "transfer:{}:{}:{}:{stamp}",
                purchase.1.id, passing.from.1.id, passing.to.1.id
            );
            let change = Change::new(
                EventKind::Transfer,
                key,
                passing.now,
                &purchase.2.snapshot,
                "owner.transferred",
            );
            to_told.push(Event {
                access: to_after.clone(),
                transferred_from: Some(passing.from.1.for_event()),
                ..event(purchase, &change, passing.to.1)
            });
        }
    }
    to_told.extend(levels(&to_before, &to_after, passing.to.1));
    let from_told = if passing.is_merge {
        Vec::new()
    } else {
        levels(&from_before, &from_after, passing.from.1)
    };
    (from_told, to_told)
}

/// Numbers the events that are new, plans their deliveries, and puts everything into one commit.
///
/// `due_at` says when a delivery to an integration may be claimed: at the end of this node's lease, or at once.
pub(crate) fn conclude(
    proposal: Proposal,
    known: &[String],
    at: &Circumstances<'_>,
    mut due_at: impl FnMut(&ActiveIntegration, usize) -> Timestamp,
) -> Commit {
    let Proposal {
        customer,
        loaded_version,
        mut seq,
        chain,
        drafts,
        ..
    } = proposal;
    let mut events = Vec::new();
    let mut deliveries = Vec::new();
    for mut event in drafts
        .into_iter()
        .filter(|draft| !known.contains(&draft.key))
    {
        seq += 1;
        event.customer_seq = seq;
        let (not_sent, planned) = plan(&event, &at.project.integrations, at.now, &mut due_at);
        deliveries.extend(planned);
        events.push(NewEvent { event, not_sent });
    }
    Commit {
        inbox: at.inbox.cloned(),
        customer: Some(CustomerWrite {
            customer,
            loaded_version,
            seq,
        }),
        chain: Some(chain),
        events,
        deliveries,
        ..Commit::of(at.project.row.id)
    }
}

/// Every integration's answer to an event: deliveries, or why not.
pub(crate) fn plan(
    event: &Event,
    integrations: &[ActiveIntegration],
    now: Timestamp,
    mut due_at: impl FnMut(&ActiveIntegration, usize) -> Timestamp,
) -> (Vec<(IntegrationId, NotSent)>, Vec<NewDelivery>) {
    let mut not_sent = Vec::new();
    let mut deliveries = Vec::new();
    for integration in integrations {
        let messages = match &integration.configured {
            _ if event.customer.analytics_disabled => Err(NotSent::AnalyticsDisabled),
            Ok(configured) => configured.plan(event),
            // Settings that cannot be read: keep the event for when they can.
            Err(_) => Ok(vec![Message::named(event.kind.id())]),
        };
        match messages {
            Err(reason) => not_sent.push((integration.row.id, reason)),
            Ok(messages) => {
                let due_at = due_at(integration, messages.len());
                let waits_until = integration
                    .spec
                    .ordered
                    .then(|| after(now, PATIENCE))
                    .filter(|_| event.kind != EventKind::Test);
                deliveries.extend(messages.into_iter().enumerate().map(|(index, message)| {
                    NewDelivery {
                        id: DeliveryId::derived(
                            integration.row.id.uuid(),
                            &format!("{}:{index}", event.id),
                            event.recorded_at,
                        ),
                        project: event.project,
                        event: event.id,
                        integration: integration.row.id,
                        customer: event.customer.id,
                        message,
                        accepted_at: now,
                        due_at,
                        waits_until,
                        trace: None,
                    }
                }));
            }
        }
    }
    (not_sent, deliveries)
}

/// An event that means nothing but shows that an integration works.
pub(crate) fn test_event(project: ProjectId, fresh: Uuid, now: Timestamp) -> Event {
    let id = EventId::new(fresh);
    let customer = Customer::new(
        domain::CustomerId::derived(project.uuid(), "test", now),
        "test_customer".into(),
        now,
    );
    Event {
        id,
        key: format!("test:{id}"),
        kind: EventKind::Test,
        occurred_at: now,
        recorded_at: now,
        customer_seq: 0,
        environment: Environment::Production,
        project,
        app: None,
        customer,
        purchase: None,
        transaction: None,
        product: None,
        previous_product: None,
        scheduled: false,
        entitlements: Vec::new(),
        cancellation_reason: None,
        level: None,
        access: BTreeMap::new(),
        cause: Cause {
            inbox: None,
            rule: "test".into(),
        },
        historical: false,
        late: false,
        after_days: None,
        transferred_from: None,
    }
}
