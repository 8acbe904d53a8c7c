//! Plays purchase chains as an App Store would report them, one observation per notification.

use domain::{
    ChainKey, Change, Currency, Environment, Facts, Money, Observation, Snapshot, Store,
    change::{self, State},
    fact::{
        Discount, Offer, OfferCategory, PriceIncrease, RenewalFact, Revocation, Status,
        TransactionFact, TransactionKind, TransactionReason,
    },
    reason::ExpirationIntent,
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const DAY: i64 = 86_400;
pub(crate) const CHAIN: &str = "1000";

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// The store's side: what Apple would sign next. Time is in seconds from an arbitrary origin.
#[derive(Debug, Clone)]
pub(crate) struct AppStore {
    pub(crate) now: i64,
    next_id: u64,
    pub(crate) transaction: TransactionFact,
    pub(crate) renewal: RenewalFact,
    pub(crate) past: Vec<TransactionFact>,
}

/// The chain all of it is about.
pub(crate) fn chain() -> ChainKey {
    ChainKey {
        store: Store::AppStore,
        environment: Environment::Production,
        id: CHAIN.into(),
    }
}

impl AppStore {
    /// A first purchase at second 0 of a 30-day period.
    pub(crate) fn purchase(free: bool) -> Self {
        let transaction = TransactionFact {
            expires_at: Some(at(30 * DAY)),
            price: Some(Money::new(if free { 0 } else { 9_990_000 }, Currency::USD)),
            offer: free.then_some(Offer {
                category: Some(OfferCategory::Introductory),
                discount: Some(Discount::FreeTrial),
                id: None,
            }),
            reason: Some(TransactionReason::Purchase),
            country: Some("US".into()),
            ..TransactionFact::new(
                CHAIN,
                TransactionKind::Subscription,
                "monthly",
                at(0),
                at(0),
            )
        };
        let renewal = RenewalFact {
            product: Some("monthly".into()),
            auto_renew: Some(true),
            next_product: Some("monthly".into()),
            renewal_price: Some(Money::new(9_990_000, Currency::USD)),
            status: Some(Status::Active),
            ..RenewalFact::new(at(0))
        };
        Self {
            now: 0,
            next_id: 1001,
            transaction,
            renewal,
            past: Vec::new(),
        }
    }

    pub(crate) fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += seconds;
        self
    }

    /// Moves to the end of the period.
    pub(crate) fn wait_for_end(&mut self) -> &mut Self {
        self.now = self.now.max(self.end());
        self
    }

    pub(crate) fn end(&self) -> i64 {
        self.transaction.expires_at.unwrap().as_second() - 1_700_000_000
    }

    /// The notification that reports the present state.
    pub(crate) fn tell(&mut self) -> Observation {
        self.tell_about(self.transaction.clone())
    }

    pub(crate) fn tell_about(&mut self, transaction: TransactionFact) -> Observation {
        self.now += 1;
        let version = at(self.now);
        self.transaction.version = version;
        self.renewal.version = version;
        Observation {
            transactions: vec![TransactionFact {
                version,
                ..transaction
            }],
            renewals: vec![self.renewal.clone()],
            ..Observation::of(chain())
        }
    }

    fn charge(&mut self, product: &str, reason: TransactionReason, start: i64) {
        self.past.push(self.transaction.clone());
        let transaction = &mut self.transaction;
        transaction.id = self.next_id.to_string();
        self.next_id += 1;
        product.clone_into(&mut transaction.product);
        transaction.purchased_at = at(start);
        transaction.expires_at = Some(at(start + 30 * DAY));
        transaction.price = Some(Money::new(9_990_000, Currency::USD));
        transaction.offer = None;
        transaction.revocation = None;
        transaction.reason = Some(reason);
        let renewal = &mut self.renewal;
        (renewal.auto_renew, renewal.status) = (Some(true), Some(Status::Active));
        (renewal.intent, renewal.in_retry, renewal.grace_ends_at) = (None, None, None);
        (renewal.product, renewal.next_product) = (Some(product.into()), Some(product.into()));
    }

    /// `DID_RENEW`, into the scheduled product if there is one; the period follows on without a gap.
    pub(crate) fn renew(&mut self) -> Observation {
        self.wait_for_end();
        let product = self
            .renewal
            .next_product
            .clone()
            .unwrap_or_else(|| self.transaction.product.clone());
        let start = self.end();
        self.charge(&product, TransactionReason::Renewal, start);
        self.tell()
    }

    /// `DID_RENEW` / `BILLING_RECOVERY` after billing retry: a new period begins now.
    pub(crate) fn recover(&mut self) -> Observation {
        let start = if self.renewal.status == Some(Status::Grace) {
            self.end()
        } else {
            self.now
        };
        let product = self.transaction.product.clone();
        self.charge(&product, TransactionReason::Renewal, start);
        self.tell()
    }

    /// `SUBSCRIBED` / `RESUBSCRIBE`.
    pub(crate) fn resubscribe(&mut self, product: &str) -> Observation {
        self.wait(DAY);
        self.charge(product, TransactionReason::Purchase, self.now);
        self.tell()
    }

    /// `DID_CHANGE_RENEWAL_PREF` / `UPGRADE`.
    pub(crate) fn upgrade(&mut self, product: &str) -> Observation {
        self.charge(product, TransactionReason::Purchase, self.now);
        self.tell()
    }

    /// `DID_CHANGE_RENEWAL_PREF` / `DOWNGRADE` or none.
    pub(crate) fn schedule(&mut self, product: &str) -> Observation {
        self.renewal.next_product = Some(product.into());
        self.renewal.auto_renew = Some(true);
        self.tell()
    }

    /// `DID_CHANGE_RENEWAL_STATUS`.
    pub(crate) fn set_auto_renew(&mut self, on: bool) -> Observation {
        self.renewal.auto_renew = Some(on);
        self.tell()
    }

    /// `DID_FAIL_TO_RENEW` / `GRACE_PERIOD`.
    pub(crate) fn fail_with_grace(&mut self) -> Observation {
        self.wait_for_end();
        self.renewal.status = Some(Status::Grace);
        self.renewal.in_retry = Some(true);
        self.renewal.grace_ends_at = Some(at(self.end() + 16 * DAY));
        self.tell()
    }

    /// `DID_FAIL_TO_RENEW` without grace, or `GRACE_PERIOD_EXPIRED`.
    pub(crate) fn retry(&mut self) -> Observation {
        self.wait_for_end();
        if self.renewal.status == Some(Status::Grace) {
            self.now = self.now.max(self.end() + 16 * DAY);
        }
        self.renewal.status = Some(Status::Retry);
        self.renewal.in_retry = Some(true);
        self.tell()
    }

    /// `EXPIRED`.
    pub(crate) fn expire(&mut self, intent: ExpirationIntent) -> Observation {
        self.wait_for_end();
        self.renewal.status = Some(Status::Expired);
        self.renewal.intent = Some(intent);
        self.renewal.in_retry = Some(false);
        self.renewal.auto_renew = Some(false);
        self.tell()
    }

    /// `REFUND` of the current transaction.
    pub(crate) fn refund(&mut self) -> Observation {
        self.transaction.revocation = Some(Revocation {
            at: at(self.now),
            percentage: None,
        });
        self.renewal.status = Some(Status::Revoked);
        self.tell()
    }

    /// `REFUND` of an earlier transaction.
    pub(crate) fn refund_earlier(&mut self, index: usize) -> Observation {
        self.past[index].revocation = Some(Revocation {
            at: at(self.now),
            percentage: None,
        });
        self.tell_about(self.past[index].clone())
    }

    /// `REFUND_REVERSED` of the current transaction.
    pub(crate) fn reverse_refund(&mut self) -> Observation {
        self.transaction.revocation = None;
        self.renewal.status = Some(if self.now < self.end() {
            Status::Active
        } else {
            Status::Expired
        });
        self.tell()
    }

    /// `RENEWAL_EXTENDED` by ten days.
    pub(crate) fn extend(&mut self) -> Observation {
        self.transaction.expires_at = Some(at(self.end() + 10 * DAY));
        self.tell()
    }

    /// `PRICE_INCREASE`.
    pub(crate) fn price_increase(&mut self, answer: PriceIncrease) -> Observation {
        self.renewal.price_increase = Some(answer);
        self.tell()
    }
}

/// Our side: takes observations in and tells what happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracker {
    pub(crate) facts: Option<Facts>,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) told: Vec<Change>,
}

impl Tracker {
    pub(crate) fn see_within(
        &mut self,
        observation: &Observation,
        now: Timestamp,
        window: SignedDuration,
    ) -> Vec<Change> {
        let facts = self.facts.clone().unwrap_or_default().absorb(observation);
        self.advance(facts, now, window)
    }

    /// When time alone may change something.
    pub(crate) fn next_check(&self, now: Timestamp) -> Option<Timestamp> {
        let (facts, snapshot) = self.facts.as_ref().zip(self.snapshot.as_ref())?;
        snapshot.next_check(facts, now)
    }

    /// Only time passes.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Vec<Change> {
        self.advance(
            self.facts.clone().unwrap_or_default(),
            now,
            SignedDuration::from_hours(24),
        )
    }

    fn advance(&mut self, facts: Facts, now: Timestamp, window: SignedDuration) -> Vec<Change> {
        let Some(snapshot) = Snapshot::derive(&facts, now) else {
            return Vec::new();
        };
        let before = self
            .facts
            .as_ref()
            .zip(self.snapshot.as_ref())
            .map(|(facts, snapshot)| State { facts, snapshot });
        let mut changes = change::changes(
            &chain(),
            before,
            State {
                facts: &facts,
                snapshot: &snapshot,
            },
            now,
            window,
        );
        // The ledger's unique key does this in production.
        changes.retain(|change| self.told.iter().all(|told| told.key != change.key));
        (self.facts, self.snapshot) = (Some(facts), Some(snapshot));
        self.told.extend(changes.iter().cloned());
        changes
    }
}
