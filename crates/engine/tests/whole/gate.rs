//! A ledger whose answers can be held back: what was asked of it is done, and whoever asked does not know yet.

use async_trait::async_trait;
use domain::{
    AppId, CustomerId, DeliveryId, EventId, InboxId, ProjectId, ReplayId, UserId,
    customer::Customer, rates::Rate,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    invariants::{Finding, Holding},
    *,
};
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};
use tokio::sync::watch;
use uuid::Uuid;

/// What a gate does with an operation.
#[derive(Debug, Clone, Default)]
struct Way {
    is_shut: bool,
    /// The next answer is held back, whatever becomes of others.
    detains_next: bool,
    /// Such an answer is held back.
    is_detaining: bool,
    /// So many of the next are not done at all: the ledger is unavailable.
    refused: u32,
    /// Answers that are held back.
    waiting: usize,
}

/// The gate in front of a ledger.
pub(crate) struct Gate {
    ledger: Arc<dyn Ledger>,
    ways: watch::Sender<BTreeMap<&'static str, Way>>,
}

impl Gate {
    pub(crate) fn before(ledger: Arc<dyn Ledger>) -> Arc<Self> {
        Arc::new(Self {
            ledger,
            ways: watch::Sender::default(),
        })
    }

    fn way(&self, operation: &'static str, change: impl FnOnce(&mut Way)) {
        self.ways
            .send_modify(|ways| change(ways.entry(operation).or_default()));
    }

    /// Holds back answers to an operation.
    pub(crate) fn shut(&self, operation: &'static str) {
        self.way(operation, |way| way.is_shut = true);
    }

    /// Holds back the next answer to an operation, and no other.
    pub(crate) fn detain(&self, operation: &'static str) {
        self.way(operation, |way| way.detains_next = true);
    }

    /// Lets them go.
    pub(crate) fn open(&self, operation: &'static str) {
        self.way(operation, |way| {
            way.is_shut = false;
            way.is_detaining = false;
        });
    }

    /// Refuses the next `times` of an operation, without doing them.
    pub(crate) fn refuse(&self, operation: &'static str, times: u32) {
        self.way(operation, |way| way.refused = times);
    }

    /// Waits until an answer to an operation is held back.
    pub(crate) async fn holds(&self, operation: &'static str) {
        self.until(|ways| ways.get(operation).is_some_and(|way| way.waiting > 0))
            .await;
    }

    /// Waits until all were refused that were to be.
    pub(crate) async fn refused(&self, operation: &'static str) {
        self.until(|ways| ways.get(operation).is_none_or(|way| way.refused == 0))
            .await;
    }

    async fn until(&self, holds: impl FnMut(&BTreeMap<&'static str, Way>) -> bool) {
        self.ways.subscribe().wait_for(holds).await.unwrap();
    }

    fn is_refused(&self, operation: &'static str) -> bool {
        let mut is_refused = false;
        if self.ways.borrow().contains_key(operation) {
            self.way(operation, |way| {
                is_refused = way.refused > 0;
                way.refused = way.refused.saturating_sub(1);
            });
        }
        is_refused
    }

    async fn pass(&self, operation: &'static str) {
        if !self.ways.borrow().contains_key(operation) {
            return;
        }
        let mut is_detained = false;
        self.way(operation, |way| {
            is_detained = std::mem::take(&mut way.detains_next);
            way.is_detaining |= is_detained;
        });
        let is_held = |ways: &BTreeMap<&'static str, Way>| {
            let way = ways.get(operation);
            way.is_some_and(|way| way.is_shut || (is_detained && way.is_detaining))
        };
        if is_held(&self.ways.borrow()) {
            self.way(operation, |way| way.waiting += 1);
            self.until(|ways| !is_held(ways)).await;
            self.way(operation, |way| way.waiting -= 1);
        }
    }
}

macro_rules! behind_the_gate {
    ($($concern:ident {
        $(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
        $(pass $passed:ident() -> $as_it_is:ty;)*
    })*) => {$(
        #[async_trait]
        impl $concern for Gate {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer> {
                if self.is_refused(stringify!($name)) {
                    return Err(LedgerError::Unavailable("the gate is shut".into()));
                }
                let answer = self.ledger.$name($($argument),*).await;
                self.pass(stringify!($name)).await;
                answer
            })*
            $(fn $passed(&self) -> $as_it_is {
                self.ledger.$passed()
            })*
        }
    )*};
}

behind_the_gate! {
    Commits {
        fn load(wanted: &Wanted) -> Loaded;
        fn known_keys(customers: &[CustomerId], keys: &[String]) -> Vec<String>;
        fn commit(commit: Commit) -> Committed;
        fn commit_test(event: NewEvent, deliveries: Vec<NewDelivery>) -> Committed;
        fn forget_customer(project: ProjectId, customer: &CustomerRecord) -> bool;
    }
    Inbox {
        fn park(message: InboxMessage, reason: String, retry_at: Timestamp) -> bool;
        fn due_parked(now: Timestamp, except: &[AppId], limit: usize) -> Vec<Parked>;
        fn parked(project: ProjectId, app: Option<AppId>, before: Option<InboxId>, limit: usize) -> Vec<Parked>;
        fn count_parked(project: ProjectId, now: Timestamp) -> Vec<ParkedCount>;
        fn count_waiting_receipts(app: AppId, before: Timestamp, most: u64) -> u64;
        fn unpark(project: ProjectId, app: Option<AppId>, id: Option<InboxId>, now: Timestamp) -> u64;
        fn archive(project: ProjectId, after: u64, limit: usize) -> Vec<Archived>;
        fn processed(project: ProjectId, before: Option<u64>, limit: usize) -> Vec<Archived>;
        fn seen(id: InboxId) -> bool;
        fn inbox(id: InboxId) -> Option<InboxRecord>;
    }
    Checks {
        fn due_checks(now: Timestamp, except: &[AppId], limit: usize) -> Vec<DueCheck>;
        fn postpone_check(check: &DueCheck, at: Timestamp) -> ();
    }
    Deliveries {
        fn claim(claim: Claim) -> Vec<Lease>;
        fn lanes_due(among: &[LaneId], now: Timestamp) -> Vec<LaneId>;
        fn settle(settlement: Settlement, lease_until: Timestamp) -> Settled;
        fn hand_back(leases: &[Returned], now: Timestamp) -> u64;
        fn rouse(rouse: Rouse) -> u64;
        fn requeue(which: Requeue, now: Timestamp) -> u64;
        fn fail_removed(now: Timestamp) -> u64;
        fn set_back(by: SignedDuration, now: Timestamp) -> u64;
        fn backlog() -> Vec<Waiting>;
        fn add_outcomes(heard: Vec<(LaneId, Outcomes)>) -> ();
        fn outcomes() -> Vec<(LaneId, Outcomes)>;
        fn start_replay(replay: Replay) -> Replay;
        fn replays(project: ProjectId, before: Option<ReplayId>, limit: usize) -> Vec<Replay>;
        fn replay(project: ProjectId, id: ReplayId) -> Option<Replay>;
        fn running_replays() -> Vec<Replay>;
        fn step_replay(step: ReplayStep) -> bool;
        fn cancel_replay(project: ProjectId, id: ReplayId, now: Timestamp) -> bool;
    }
    Feed {
        fn events(filter: &EventFilter, page: Page) -> Vec<FeedRow>;
        fn event(project: ProjectId, id: EventId) -> Option<FeedRow>;
        fn deliveries(filter: &DeliveryFilter, before: Option<DeliveryId>, limit: usize) -> Vec<DeliveryRecord>;
        fn delivery(project: ProjectId, id: DeliveryId) -> Option<DeliveryRecord>;
        fn attempts(id: DeliveryId) -> Vec<AttemptRecord>;
        fn customers(project: ProjectId, before: Option<CustomerId>, limit: usize) -> Vec<Customer>;
        fn customer(project: ProjectId, who: &str) -> Option<CustomerRecord>;
        fn tallies(project: ProjectId, since: Timestamp) -> Vec<Tally>;
        fn running(project: ProjectId, now: Timestamp) -> Vec<Running>;
    }
    Settings {
        fn configuration() -> Configuration;
        fn configuration_revision() -> u64;
        fn configure_and_requeue(revision: u64, changes: Vec<ConfigurationChange>, again: Vec<Requeue>, by: &str, now: Timestamp) -> bool;
        fn configure(revision: u64, changes: Vec<ConfigurationChange>, by: &str, now: Timestamp) -> bool;
        fn rates() -> Vec<Rate>;
        fn put_rates(rates: Vec<Rate>) -> ();
        fn mark(app: AppId, name: &str) -> Option<Timestamp>;
        fn set_mark(app: AppId, name: &str, at: Timestamp) -> ();
        fn replaced_key() -> Option<u64>;
        fn replace_key(fingerprint: u64, by: &str, now: Timestamp) -> ();
    }
    Accounts {
        fn note(deed: Deed<'_>) -> ();
        fn audit(filter: AuditFilter, before: Option<u64>, limit: usize) -> Vec<AuditEntry>;
        fn open_session(session: Session, by: LetInBy) -> Opened;
        fn session(digest: &str, now: Timestamp) -> Option<Session>;
        fn sessions(user: UserId, now: Timestamp) -> Vec<Session>;
        fn prolong_session(digest: &str, until: Timestamp, now: Timestamp) -> ();
        fn close_sessions(digest: Option<&str>, user: Option<UserId>) -> ();
    }
    SecondFactors {
        fn second_factor(user: UserId) -> Option<SecondFactor>;
        fn second_factors() -> Vec<UserId>;
        fn put_second_factor(factor: SecondFactor, codes: Vec<String>) -> bool;
        fn remove_second_factor(user: UserId) -> bool;
        fn give_up_second_factor(user: UserId, code: FactorCode) -> bool;
    }
    Upkeep {
        fn mend(now: Timestamp) -> u64;
        fn make_room(now: Timestamp) -> ();
        fn hold(name: &str, holder: Uuid, lasts: SignedDuration) -> bool;
        fn attend(node: Uuid, lasts: SignedDuration) -> NonZeroU32;
        fn leave(node: Uuid) -> ();
        fn retain(since: KeptSince, limit: usize) -> u64;
        fn inspect() -> Vec<Finding>;
        fn customer_ids(after: Option<CustomerId>, limit: usize) -> Vec<CustomerId>;
        fn holdings(customers: &[CustomerId]) -> Vec<Holding>;
        fn edition() -> u64;
        fn put_edition(edition: u64) -> ();
        fn latest_time() -> Option<Timestamp>;
        fn note_time(now: Timestamp) -> ();
        fn check() -> ();
        pass news() -> Option<watch::Receiver<u64>>;
        pass has_failed() -> bool;
    }
}
