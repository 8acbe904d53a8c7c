//! What happened between two states of one purchase chain.
//!
//! Transaction events come from transactions and refunds that were not known before; all others from the difference of two
//! snapshots. Both are pure, total and ordered. Source: spec/stores.md 5.3, 5.4.1, 5.6, 6.

use crate::{
    CancellationReason, ChainKey, EventKind, Facts, Money, Snapshot, Store,
    charge::{Line, Switch},
    fact::{Note, Ownership, PriceIncrease, RefundFact, TransactionFact, TransactionKind},
    snapshot::{Phase, Standing},
};
use jiff::{SignedDuration, Timestamp};

/// One thing that happened, before it gets an id, a customer and a sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub kind: EventKind,
    /// Unique per customer and chain; the same fact told twice has the same key.
    pub key: String,
    /// Business time; may lie in the future for a renewal charged early.
    pub occurred_at: Timestamp,
    /// The store transaction it is about.
    pub transaction: String,
    /// The product it is about.
    pub product: String,
    /// The product before, for a change of product.
    pub previous_product: Option<String>,
    /// Why, for endings and refunds.
    pub reason: Option<CancellationReason>,
    /// Whether a change of product waits for the next renewal.
    pub scheduled: bool,
    /// Name of the rule that produced it.
    pub rule: &'static str,
    /// Learned after something newer on the same chain.
    pub late: bool,
    /// Older than the window when the chain was first seen.
    pub historical: bool,
    /// How much was given back, where a refund says so.
    pub refunded: Option<Money>,
    /// How many of the transaction's quantity it is about; `None` for all.
    pub pieces: Option<u32>,
}

impl Change {
    /// A change of which only the essentials are known.
    pub fn new(
        kind: EventKind,
        key: String,
        occurred_at: Timestamp,
        snapshot: &Snapshot,
        rule: &'static str,
    ) -> Self {
        Self {
            kind,
            key,
            occurred_at,
            transaction: snapshot.transaction.clone(),
            product: snapshot.product.clone(),
            previous_product: None,
            reason: None,
            scheduled: false,
            rule,
            late: false,
            historical: false,
            refunded: None,
            pieces: None,
        }
    }
}

/// Everything known about one chain at one instant.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// Their snapshot.
    pub snapshot: &'a Snapshot,
}

/// An end that moves by no more than this is Google charging late, not a deferral. Source: spec/stores.md 2.9.
const LATE_CHARGE: SignedDuration = SignedDuration::from_hours(24);

struct Differ<'a> {
    chain: &'a str,
    store: Store,
    before: Option<State<'a>>,
    after: State<'a>,
    line: Line<'a>,
    changes: Vec<Change>,
}

/// What happened between two states of the chain `chain`, in the order it must be told. Equal states give nothing.
///
/// Without a state before, the chain is seen for the first time: unless it began within `window`, only the one event that
/// describes its present state is told, and everything else counts as told.
pub fn changes(
    chain: &ChainKey,
    before: Option<State<'_>>,
    after: State<'_>,
    now: Timestamp,
    window: SignedDuration,
) -> Vec<Change> {
    if after.snapshot.ownership == Ownership::FamilyShared || chain.store == Store::Promotional {
        return Vec::new();
    }
    let mut differ = Differ {
        chain: &chain.id,
        store: chain.store,
        before,
        after,
        line: Line::of(after.facts),
        changes: Vec::new(),
    };
    match before {
        None if !is_news(chain, &after, now, window) => differ.first_seen(now, window),
        _ => {
            differ.charges();
            differ.refunds();
            differ.separate_refunds();
            differ.renewal();
            differ.pause();
            differ.billing();
            differ.ending();
            differ.terms();
        }
    }
    differ.changes
}

/// How many pieces one refund gave back: those that were left after the refund before it, less those left after it.
fn pieces(facts: &Facts, refund: &RefundFact, fact: Option<&TransactionFact>) -> Option<u32> {
    let left = refund.pieces_left?;
    let before = facts
        .refunds
        .values()
        .filter(|other| other.transaction == refund.transaction)
        .filter_map(|other| other.pieces_left)
        .filter(|other| *other > left)
        .min()
        .or(fact.map(|fact| fact.quantity))?;
    Some(before.saturating_sub(left)).filter(|pieces| *pieces > 0)
}

/// A chain that began within the window is news, not an import: all of its events are told, also when its first messages
/// were overtaken by later ones, or got lost while we were away.
fn is_news(chain: &ChainKey, after: &State<'_>, now: Timestamp, window: SignedDuration) -> bool {
    let all = &after.facts.transactions;
    let begins = all
        .values()
        .any(|transaction| transaction.fact.is_origin(&chain.id));
    (begins || all.len() == 1)
        && all
            .values()
            .all(|transaction| transaction.fact.purchased_at.duration_until(now) <= window)
}

impl Differ<'_> {
    fn change(
        &self,
        kind: EventKind,
        key: String,
        occurred_at: Timestamp,
        rule: &'static str,
    ) -> Change {
        Change::new(kind, key, occurred_at, self.after.snapshot, rule)
    }

    /// Picks the trial's name for an event while the current period is free.
    fn named(&self, trial: EventKind, paid: EventKind) -> EventKind {
        if self.after.snapshot.phase == Phase::Trial {
            trial
        } else {
            paid
        }
    }

    fn same_transaction(&self) -> bool {
        self.before
            .is_some_and(|before| before.snapshot.transaction == self.after.snapshot.transaction)
    }

    /// Charges not known before, with the switches of product they bring, oldest first.
    fn charges(&mut self) {
        for transaction in self.line.iter().collect::<Vec<_>>() {
            let fact = &transaction.fact;
            let is_new = self
                .before
                .is_none_or(|before| !before.facts.transactions.contains_key(&fact.id));
            let late = is_new
                && self
                    .before
                    .is_some_and(|before| fact.purchased_at < before.snapshot.purchased_at);
            // A pair is told again when what is known of the earlier one changed how the later one took over.
            let pair = |line: &Line<'_>| {
                line.switch(&fact.id)
                    .map(|(switch, old, _)| (switch, old.id.clone()))
            };
            let was_told = self
                .before
                .is_some_and(|before| pair(&Line::of(before.facts)) == pair(&self.line));
            if is_new || !was_told {
                self.switch(&fact.id, late);
            }
            if let Some((kind, rule)) = self.line.charge(&fact.id, self.chain).filter(|_| is_new) {
                let change = self.change(
                    kind,
                    format!("charged:{}", fact.id),
                    fact.purchased_at,
                    rule,
                );
                self.changes.push(Change {
                    transaction: fact.id.clone(),
                    product: fact.product.clone(),
                    late,
                    ..change
                });
            }
        }
    }

    fn switch(&mut self, id: &str, late: bool) {
        let Some((switch, old, new)) = self.line.switch(id) else {
            return;
        };
        let (changed_rule, scheduled) = match switch {
            Switch::Immediate => ("product.changed_at_once", false),
            Switch::AfterLapse => ("product.changed_after_lapse", false),
            Switch::AtRenewal => ("product.changed_at_renewal", true),
        };
        let is_told = self
            .before
            .is_some_and(|before| before.snapshot.product == new.product);
        if !scheduled && !is_told {
            let key = format!(
                "product:{}:{}:{}:{}",
                self.chain, old.product, new.product, new.id
            );
            let change = self.change(
                EventKind::ProductChanged,
                key,
                new.purchased_at,
                changed_rule,
            );
            self.changes.push(Change {
                transaction: new.id.clone(),
                product: new.product.clone(),
                previous_product: Some(old.product.clone()),
                late,
                ..change
            });
        }
        let closing = match switch {
            _ if old.is_free() => None,
            Switch::Immediate => Some((
                EventKind::SubscriptionRefunded,
                format!("upgraded:{}", old.id),
                CancellationReason::Upgraded,
                "refund.upgraded",
                new.purchased_at,
            )),
            Switch::AtRenewal => Some((
                EventKind::SubscriptionExpired,
                format!("expired:{}:{}", self.chain, old.id),
                CancellationReason::NewSubscriptionReplace,
                "expired.replaced",
                old.expires_at.unwrap_or(new.purchased_at),
            )),
            Switch::AfterLapse => None,
        };
        if let Some((kind, key, reason, rule, at)) = closing {
            let change = self.change(kind, key, at, rule);
            self.changes.push(Change {
                transaction: old.id.clone(),
                product: old.product.clone(),
                reason: Some(reason),
                late,
                ..change
            });
        }
    }

    /// Refunds and their reversals not known before, oldest first.
    fn refunds(&mut self) {
        for transaction in self.line.iter().collect::<Vec<_>>() {
            let fact = &transaction.fact;
            let known = self
                .before
                .and_then(|before| before.facts.transactions.get(&fact.id));
            let refunded = if fact.kind == TransactionKind::Subscription {
                EventKind::SubscriptionRefunded
            } else {
                EventKind::NonSubscriptionPurchaseRefunded
            };
            for at in transaction
                .refunds
                .keys()
                .filter(|at| known.is_none_or(|known| !known.refunds.contains_key(at)))
            {
                let change = self.change(
                    refunded,
                    format!("refunded:{}:{}", fact.id, at.as_millisecond()),
                    *at,
                    "refund.revocation_date",
                );
                self.changes.push(Change {
                    transaction: fact.id.clone(),
                    product: fact.product.clone(),
                    reason: Some(CancellationReason::Refund),
                    ..change
                });
            }
            let undone: Vec<_> = known
                .iter()
                .flat_map(|known| known.reversals())
                .map(|(at, _)| at)
                .collect();
            for (at, version) in transaction
                .reversals()
                .filter(|(at, _)| !undone.contains(at))
            {
                let change = self.change(
                    EventKind::RefundReversed,
                    format!("refund_reversed:{}:{}", fact.id, at.as_millisecond()),
                    version,
                    "refund.reversed",
                );
                self.changes.push(Change {
                    transaction: fact.id.clone(),
                    product: fact.product.clone(),
                    ..change
                });
            }
        }
    }

    /// The same for refunds that are things of their own.
    fn separate_refunds(&mut self) {
        let known = self.before.map(|before| &before.facts.refunds);
        for (id, refund) in &self.after.facts.refunds {
            let before = known.and_then(|known| known.get(id));
            let fact = self
                .after
                .facts
                .transactions
                .get(&refund.transaction)
                .map(|transaction| &transaction.fact);
            let kind = fact.map_or(self.after.snapshot.kind, |fact| fact.kind);
            let refunded = if kind == TransactionKind::Subscription {
                EventKind::SubscriptionRefunded
            } else {
                EventKind::NonSubscriptionPurchaseRefunded
            };
            let product = fact.map_or(&self.after.snapshot.product, |fact| &fact.product);
            let about = |change: Change| Change {
                transaction: refund.transaction.clone(),
                product: product.clone(),
                refunded: refund.amount,
                pieces: pieces(self.after.facts, refund, fact),
                ..change
            };
            if before.is_none() {
                let key = format!("refunded:{}:{id}", refund.transaction);
                let change = self.change(refunded, key, refund.at, "refund.stated");
                self.changes.push(Change {
                    reason: Some(CancellationReason::Refund),
                    ..about(change)
                });
            }
            if refund.is_undone && !before.is_some_and(|before| before.is_undone) {
                let key = format!("refund_reversed:{}:{id}", refund.transaction);
                let change = self.change(
                    EventKind::RefundReversed,
                    key,
                    refund.version,
                    "refund.undone",
                );
                self.changes.push(about(change));
            }
        }
    }

    /// Auto-renew switched off or on, and changes of product that wait for the next renewal.
    fn renewal(&mut self) {
        let snapshot = self.after.snapshot;
        if snapshot.kind != TransactionKind::Subscription || snapshot.is_prepaid {
            return;
        }
        let version = snapshot.version;
        let same = self.same_transaction();
        let was_on = self.before.is_none_or(|before| before.snapshot.will_renew);
        // The store says that the customer cancelled, and that access ended with it.
        let cancelled_at_once = same
            && was_on
            && self.cancel_is_stated()
            && matches!(
                snapshot.standing,
                Standing::Expired {
                    reason: CancellationReason::VoluntarilyCancelled,
                    ..
                }
            );
        if snapshot.has_ended() && !cancelled_at_once {
            return;
        }
        let switched_at = self
            .cancel_is_stated()
            .then_some(snapshot.off_since)
            .flatten()
            .unwrap_or(version);
        let key = |direction: &str| {
            format!(
                "{direction}:{}:{}:{}",
                self.chain,
                snapshot.transaction,
                version.as_microsecond()
            )
        };
        if was_on && !snapshot.will_renew {
            let kind = self.named(
                EventKind::TrialRenewalCancelled,
                EventKind::SubscriptionRenewalCancelled,
            );
            self.changes.push(self.change(
                kind,
                key("renewal_off"),
                switched_at,
                "renewal.switched_off",
            ));
        }
        if snapshot.has_ended() {
            return;
        }
        let ended_before = self
            .before
            .is_some_and(|before| before.snapshot.has_ended());
        if (same || self.took_over_before_the_end())
            && !ended_before
            && !was_on
            && snapshot.will_renew
        {
            let kind = self.named(
                EventKind::TrialRenewalReactivated,
                EventKind::SubscriptionRenewalReactivated,
            );
            self.changes
                .push(self.change(kind, key("renewal_on"), version, "renewal.switched_on"));
        }
        self.uncharged_product();
        let planned_before = self
            .before
            .and_then(|before| before.snapshot.next_product.as_ref());
        let (from, to, rule) = match (planned_before, &snapshot.next_product) {
            (known, Some(next)) if known != Some(next) => {
                (&snapshot.product, next, "product.change_scheduled")
            }
            (Some(planned), None) if same && snapshot.will_renew => {
                (planned, &snapshot.product, "product.change_withdrawn")
            }
            _ => return,
        };
        let change = self.change(
            EventKind::ProductChanged,
            format!(
                "product:{}:{from}:{to}:{}",
                self.chain,
                version.as_microsecond()
            ),
            version,
            rule,
        );
        self.changes.push(Change {
            product: to.clone(),
            previous_product: Some(from.clone()),
            scheduled: rule == "product.change_scheduled",
            ..change
        });
    }

    /// Another product took the place of the one that was charged for, before anything is charged for it.
    fn uncharged_product(&mut self) {
        let snapshot = self.after.snapshot;
        let Some(before) = self.before.map(|before| before.snapshot) else {
            return;
        };
        let was_planned = before.next_product.as_ref() == Some(&snapshot.product);
        if !self.same_transaction() || was_planned || before.product == snapshot.product {
            return;
        }
        let (from, to, version) = (&before.product, &snapshot.product, snapshot.version);
        let key = format!(
            "product:{}:{from}:{to}:{}",
            self.chain,
            version.as_microsecond()
        );
        let change = self.change(
            EventKind::ProductChanged,
            key,
            version,
            "product.changed_uncharged",
        );
        self.changes.push(Change {
            product: to.clone(),
            previous_product: Some(from.clone()),
            ..change
        });
    }

    /// Whether the store itself says when auto-renew was switched off.
    fn cancel_is_stated(&self) -> bool {
        let leg = self
            .after
            .facts
            .transactions
            .get(&self.after.snapshot.transaction)
            .map(|transaction| &transaction.fact.leg);
        leg.and_then(|leg| self.after.facts.renewals.get(leg))
            .is_some_and(|renewal| renewal.off_since.is_some())
    }

    /// Whether the current transaction is a new leg of the same product, taken up while the one before still ran.
    fn took_over_before_the_end(&self) -> bool {
        let Some(before) = self.before.map(|before| before.snapshot) else {
            return false;
        };
        let current = self
            .after
            .facts
            .transactions
            .get(&self.after.snapshot.transaction);
        before.product == self.after.snapshot.product
            && current.is_some_and(|current| {
                current.fact.replaces.is_some()
                    && before
                        .expires_at
                        .is_some_and(|end| current.fact.purchased_at < end)
            })
    }

    /// A pause: told when it is asked for, or else when it begins.
    fn pause(&mut self) {
        let snapshot = self.after.snapshot;
        let before = self
            .before
            .filter(|_| self.same_transaction())
            .map(|before| before.snapshot);
        let is_paused = |snapshot: &Snapshot| matches!(snapshot.standing, Standing::Paused { .. });
        let told = |snapshot: &Snapshot| is_paused(snapshot) || snapshot.pause_asked_at.is_some();
        if !told(snapshot) || before.is_some_and(told) {
            return;
        }
        let key = format!("paused:{}:{}", self.chain, snapshot.transaction);
        let (at, rule) = match snapshot.pause_asked_at {
            Some(at) => (at, "pause.asked_for"),
            None => (snapshot.version, "pause.began"),
        };
        self.changes
            .push(self.change(EventKind::SubscriptionPaused, key, at, rule));
    }

    /// A failed charge, once per episode, and the grace period it brings.
    fn billing(&mut self) {
        let snapshot = self.after.snapshot;
        let before = self
            .before
            .filter(|_| self.same_transaction())
            .map(|before| before.snapshot);
        let key = |what: &str| format!("{what}:{}:{}", self.chain, snapshot.transaction);
        if snapshot.has_billing_issue() && !before.is_some_and(Snapshot::has_billing_issue) {
            self.changes.push(self.change(
                EventKind::BillingIssueDetected,
                key("billing_issue"),
                snapshot.version,
                "billing.charge_failed",
            ));
        }
        let in_grace = |snapshot: &Snapshot| matches!(snapshot.standing, Standing::Grace { .. });
        if in_grace(snapshot) && !before.is_some_and(in_grace) {
            self.changes.push(self.change(
                EventKind::EnteredGracePeriod,
                key("grace"),
                snapshot.version,
                "billing.grace_began",
            ));
        }
    }

    /// The end of the chain, unless a refund already closed it.
    fn ending(&mut self) {
        let Standing::Expired { at, reason } = self.after.snapshot.standing else {
            return;
        };
        if self.same_transaction()
            && self
                .before
                .is_some_and(|before| before.snapshot.has_ended())
        {
            return;
        }
        let kind = self.named(EventKind::TrialExpired, EventKind::SubscriptionExpired);
        let key = format!("expired:{}:{}", self.chain, self.after.snapshot.transaction);
        let change = self.change(kind, key, at, "expired.confirmed");
        self.changes.push(Change {
            reason: Some(reason),
            ..change
        });
    }

    /// A later end of the same period, and price increases.
    fn terms(&mut self) {
        let snapshot = self.after.snapshot;
        let Some(before) = self
            .before
            .filter(|_| self.same_transaction())
            .map(|before| before.snapshot)
        else {
            return;
        };
        if let (Some(old), Some(new)) = (before.expires_at, snapshot.expires_at)
            && old < new
        {
            let key = format!("extended:{}:{}", self.chain, new.as_millisecond());
            let deferred =
                self.after.facts.notes.iter().any(
                    |note| matches!(note, Note::Deferred { at } if *at >= snapshot.purchased_at),
                );
            let change = match self.store {
                // Google also moves an end by hours when it charges late.
                Store::PlayStore if deferred || old.duration_until(new) > LATE_CHARGE => {
                    Some((EventKind::SubscriptionDeferred, "period.deferred"))
                }
                Store::PlayStore => None,
                _ => Some((EventKind::SubscriptionExtended, "period.extended")),
            };
            if let Some((kind, rule)) = change {
                self.changes
                    .push(self.change(kind, key, snapshot.version, rule));
            }
        }
        if let Some(increase) = snapshot
            .price_increase
            .filter(|increase| before.price_increase != Some(*increase))
        {
            let (kind, rule) = match increase {
                PriceIncrease::Pending => {
                    (EventKind::PriceIncreasePending, "price_increase.pending")
                }
                PriceIncrease::Accepted => {
                    (EventKind::PriceIncreaseAccepted, "price_increase.accepted")
                }
            };
            let key = format!(
                "{}:{}:{}",
                kind.id(),
                self.chain,
                snapshot.version.as_microsecond()
            );
            self.changes
                .push(self.change(kind, key, snapshot.version, rule));
        }
    }

    /// The one event that tells how a chain seen for the first time reached its present state. Source: spec/stores.md 6.
    fn first_seen(&mut self, now: Timestamp, window: SignedDuration) {
        let snapshot = self.after.snapshot;
        match &snapshot.standing {
            Standing::Revoked { .. } => {
                self.refunds();
                self.separate_refunds();
                self.changes
                    .retain(|change| change.kind != EventKind::RefundReversed);
                let last = self.changes.pop();
                self.changes = last.into_iter().collect();
            }
            Standing::Expired { .. } => self.ending(),
            Standing::Grace { .. } | Standing::Retry { .. } => {
                self.billing();
                let last = self.changes.pop();
                self.changes = last.into_iter().collect();
            }
            Standing::Paused { .. } => self.pause(),
            Standing::Current | Standing::Lapsed
                if snapshot.kind == TransactionKind::Subscription
                    && !snapshot.will_renew
                    && !snapshot.is_prepaid =>
            {
                self.renewal();
                self.changes
                    .retain(|change| change.kind != EventKind::ProductChanged);
            }
            Standing::Current | Standing::Lapsed => {
                if let Some((kind, rule)) = self.line.charge(&snapshot.transaction, self.chain) {
                    self.changes.push(self.change(
                        kind,
                        format!("charged:{}", snapshot.transaction),
                        snapshot.purchased_at,
                        rule,
                    ));
                }
            }
        }
        for change in &mut self.changes {
            change.historical = change.occurred_at.duration_until(now) > window;
        }
    }
}
