//! What an event says about its purchase, its transaction and its app.

use super::money::{in_usd, part_of, sellers_share};
use crate::setup::{AppSetup, ProjectSetup};
use domain::{
    CancellationReason, Change, Event, EventId, Facts, Money, Snapshot, Store,
    access::{self, Unlocks},
    charge::History,
    customer::Customer,
    event::{AppRef, Cause, Line, Purchase, TransactionRef},
    fact::{ChainKey, TransactionFact, TransactionKind},
    rates::Rates,
};
use jiff::Timestamp;
use ledger::{App, AppSettings, InboxMessage};
use std::collections::BTreeMap;

/// What is the same for every decision about one message.
pub(crate) struct Circumstances<'a> {
    pub(crate) project: &'a ProjectSetup,
    pub(crate) app: &'a AppSetup,
    /// The message; `None` when time passing is the cause.
    pub(crate) inbox: Option<&'a InboxMessage>,
    /// When the message was received, or when time passing was noticed.
    pub(crate) now: Timestamp,
    /// When it was first heard of: what is news is measured from then, however late its store answered.
    pub(crate) heard_at: Timestamp,
    /// Exchange rates.
    pub(crate) rates: &'a Rates,
}

/// A purchase as its events describe it.
pub(super) struct About<'a> {
    pub(super) chain: &'a ChainKey,
    pub(super) facts: &'a Facts,
    pub(super) snapshot: &'a Snapshot,
    pub(super) unlocks: &'a Unlocks,
    pub(super) at: &'a Circumstances<'a>,
}

impl About<'_> {
    /// The event that tells a customer of a change; not yet numbered, and without the access it leads to.
    pub(super) fn event(&self, change: &Change, customer: &Customer) -> Event {
        let (project, app) = (&self.at.project.row, &self.at.app.row);
        // The key names a chain or transaction, unique within its app and environment; the ledger wants it unique per customer.
        let key = format!("{}:{}:{}", app.key, self.chain.environment.id(), change.key);
        Event {
            id: EventId::derived(
                project.id.uuid(),
                &format!("{}:{key}", customer.app_user_id),
                // The store's time, not ours: told late, it is the same event with the same id.
                change.dated,
            ),
            key,
            kind: change.kind,
            occurred_at: change.occurred_at,
            recorded_at: self.at.now,
            customer_seq: 0,
            environment: self.chain.environment,
            project: project.id,
            app: Some(app_ref(app)),
            customer: customer.for_event(),
            purchase: Some(self.purchase(change)),
            transaction: self
                .paid_by(change)
                .map(|fact| self.transaction(change, fact)),
            previous_transaction: self
                .paid_before(change)
                .map(|fact| self.transaction(change, fact)),
            line: change.line.clone(),
            lines: self.lines(change),
            joins_base: change.joins_base,
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
            request: change.request.clone(),
            after_days: None,
            transferred_from: None,
        }
    }

    fn purchase(&self, change: &Change) -> Purchase {
        let snapshot = self.snapshot.line(&change.line).unwrap_or(self.snapshot);
        let history = History::of(self.facts, &change.line);
        // What bought no period is part of the one that runs.
        let known = self.facts.transaction(&change.transaction, &change.line);
        let run = history.run(match known {
            Some(known) if known.fact.is_extra => &snapshot.transaction,
            _ => &change.transaction,
        });
        Purchase {
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
            trial_days: history.trial_days(),
            offering: self.facts.offering().map(str::to_owned),
            is_prepaid: snapshot.is_prepaid,
        }
    }

    /// Every line that runs or that the change's charge paid for, the base first; nothing where the purchase has one only.
    fn lines(&self, change: &Change) -> Vec<Line> {
        if self.snapshot.further.is_empty() {
            return Vec::new();
        }
        let base = &self.snapshot.line;
        let refund = change
            .refund
            .as_ref()
            .and_then(|id| self.facts.refunds.get(id));
        let shown = |snapshot: &Snapshot| {
            let charged = self.facts.transaction(&change.transaction, &snapshot.line);
            if charged.is_none() && snapshot.has_ended() && snapshot.line != *base {
                return None;
            }
            let newest = || {
                self.facts
                    .transaction(&snapshot.transaction, &snapshot.line)
            };
            let fact = &charged.or_else(newest)?.fact;
            let is_newest = fact.id == snapshot.transaction;
            let about = refund.filter(|refund| self.facts.is_about(refund, &snapshot.line));
            Some(Line {
                name: snapshot.line.clone(),
                is_base: snapshot.line == *base,
                product: if is_newest {
                    snapshot.product.clone()
                } else {
                    fact.product.clone()
                },
                transaction: fact.id.clone(),
                quantity: fact.quantity,
                price: fact.price,
                price_usd: fact
                    .price
                    .and_then(|price| in_usd(price, self.at.rates, fact.purchased_at)),
                tax: fact.tax,
                refunded: about.and_then(|refund| {
                    if snapshot.line == change.line {
                        change.refunded.or(fact.price)
                    } else {
                        self.facts.given_back(refund, &snapshot.line).or(fact.price)
                    }
                }),
                purchased_at: fact.purchased_at,
                expires_at: fact.expires_at,
                gives_access: snapshot.gives_access(),
                will_renew: snapshot.will_renew,
            })
        };
        self.snapshot.lines().filter_map(shown).collect()
    }

    fn paid_by(&self, change: &Change) -> Option<&TransactionFact> {
        let known = self.facts.transaction(&change.transaction, &change.line);
        known.map(|known| &known.fact)
    }

    /// What was taken over from, which another line may have paid for.
    fn paid_before<'f>(&'f self, change: &'f Change) -> Option<&'f TransactionFact> {
        let id = change.took_over_from.as_ref()?;
        let own = self.facts.transaction(id, &change.line);
        own.map(|known| &known.fact)
            .or_else(|| self.facts.charge(id).next())
    }

    fn transaction(&self, change: &Change, fact: &TransactionFact) -> TransactionRef {
        let dollars = |money: Option<Money>| {
            money.and_then(|money| in_usd(money, self.at.rates, fact.purchased_at))
        };
        // The rest of an upgraded period is given back in an amount the store does not state.
        let price = if change.reason == Some(CancellationReason::Upgraded) {
            fact.price.map(|price| Money { micros: 0, ..price })
        } else {
            fact.price
        };
        let share = sellers_share(&self.at.app.row, self.facts, fact);
        let proceeds = part_of(price, share);
        // Unknown tax is not no tax.
        let untaxed = price.zip(fact.tax);
        let untaxed = untaxed.and_then(|(price, tax)| price.checked_sub(tax).ok());
        let net = part_of(untaxed, share);
        TransactionRef {
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
                .filter(|leg| !leg.is_empty() && self.chain.store == Store::PlayStore),
        }
    }
}

pub(super) fn app_ref(app: &App) -> AppRef {
    AppRef {
        id: app.id,
        key: app.key.clone(),
        store: app.store(),
        store_name: match &app.settings {
            AppSettings::External(settings) => Some(settings.store_name.clone()),
            _ => None,
        },
    }
}
