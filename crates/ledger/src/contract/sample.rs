//! Small, valid values to write.

use crate::{
    ChainWrite, Claim, Commit, Committed, CustomerWrite, InboxMessage, LaneId, Ledger, NewDelivery,
    NewEvent, Next, Order, Origin, PATIENCE, Settlement, Wanted,
};
use domain::{
    AppId, ChainKey, CustomerId, DeliveryId, Environment, Event, EventId, EventKind, Facts,
    InboxId, IntegrationId, Message, Observation, ProjectId, Snapshot, Store,
    customer::Customer,
    event::{AppRef, Cause},
    fact::{TransactionFact, TransactionKind},
};
use jiff::Timestamp;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use uuid::Uuid;

/// A ledger under test.
pub type Subject = Arc<dyn Ledger>;

/// Whether a commit was written.
pub const fn done(committed: &Committed) -> bool {
    matches!(committed, Committed::Done { .. })
}

/// An instant, in seconds from an arbitrary origin.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn uuid(kind: u128, number: u64) -> Uuid {
    Uuid::from_u128((kind << 96) | u128::from(number))
}

/// The project of all samples.
pub fn project() -> ProjectId {
    ProjectId::new(uuid(1, 1))
}

/// The app of all samples.
pub fn app() -> AppId {
    AppId::new(uuid(2, 1))
}

/// An integration.
pub fn integration(number: u64) -> IntegrationId {
    IntegrationId::new(uuid(3, number))
}

/// The lane of an integration with one endpoint.
pub fn lane(integration: IntegrationId) -> LaneId {
    LaneId {
        integration,
        endpoint: Environment::Production,
    }
}

/// The order of customers' lines at a second, where nothing was held up for as long as patience lasts.
pub fn by_customer(second: i64) -> Order {
    Order::Customer {
        tried_before: at(second - PATIENCE.as_secs()),
    }
}

/// What is due of a lane in order at a second, leased until another.
pub fn claim(lane: LaneId, second: i64, lease_until: i64, limit: usize) -> Claim {
    Claim {
        lane,
        now: at(second),
        lease_until: at(lease_until),
        limit,
        order: by_customer(second),
        except: None,
    }
}

/// A customer, with the name `user-<number>`.
pub fn customer(number: u64) -> Customer {
    Customer::new(
        CustomerId::new(uuid(4, number)),
        format!("user-{number}"),
        at(0),
    )
}

/// A raw message.
pub fn message(number: u64) -> InboxMessage {
    InboxMessage {
        id: InboxId::new(uuid(5, number)),
        project: project(),
        app: app(),
        origin: Origin::Store(Store::AppStore),
        key: number.to_string(),
        title: "DID_RENEW".into(),
        body: format!("body {number}").into_bytes(),
        received_at: at(1),
    }
}

/// The chain of customer `number`.
pub fn chain(number: u64) -> ChainKey {
    ChainKey {
        store: Store::AppStore,
        environment: Environment::Production,
        id: format!("chain-{number}"),
    }
}

/// A chain with one transaction, due for a look at second `check_at`.
pub fn chain_write(number: u64, check_at: Option<i64>) -> ChainWrite {
    let key = chain(number);
    let fact = TransactionFact {
        expires_at: Some(at(100)),
        ..TransactionFact::new(
            &key.id,
            TransactionKind::Subscription,
            "monthly",
            at(0),
            at(0),
        )
    };
    let facts = Facts::default().absorb(&Observation {
        transactions: vec![fact],
        ..Observation::of(key.clone())
    });
    let snapshot = Snapshot::derive(&facts, at(1)).expect("there is a transaction");
    ChainWrite {
        app: app(),
        changed: vec![key.id.clone()],
        key,
        links: Vec::new(),
        facts,
        snapshot,
        check_at: check_at.map(at),
    }
}

/// An event of customer `number`, the `seq`th.
pub fn event(number: u64, seq: u64) -> NewEvent {
    let event = Event {
        id: EventId::new(uuid(6, number * 100_000 + seq)),
        key: format!("event:{seq}"),
        kind: EventKind::SubscriptionRenewed,
        occurred_at: at(1),
        recorded_at: at(1),
        customer_seq: seq,
        environment: Environment::Production,
        project: project(),
        app: Some(AppRef {
            id: app(),
            key: "ios".into(),
            store: Store::AppStore,
            store_name: None,
        }),
        customer: customer(number),
        purchase: None,
        transaction: None,
        previous_transaction: None,
        line: String::new(),
        lines: Vec::new(),
        joins_base: false,
        product: Some("monthly".into()),
        previous_product: None,
        scheduled: false,
        entitlements: Vec::new(),
        cancellation_reason: None,
        level: None,
        access: BTreeMap::new(),
        cause: Cause {
            inbox: None,
            rule: "sample".into(),
        },
        historical: false,
        late: false,
        request: None,
        after_days: None,
        transferred_from: None,
    };
    NewEvent {
        event,
        not_sent: Vec::new(),
    }
}

/// Its delivery to an integration, due at second `due_at`, in its place in the line of its customer.
pub fn delivery(number: u64, seq: u64, to: IntegrationId, due_at: i64) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::new(Uuid::new_v5(
            &to.uuid(),
            format!("{number}:{seq}").as_bytes(),
        )),
        project: project(),
        event: event(number, seq).event.id,
        lane: lane(to),
        customer: customer(number).id,
        message: Message::named("subscription_renewed"),
        accepted_at: at(1),
        due_at: at(due_at),
        ordered: true,
        trace: Some(format!("00-{number:032x}-{seq:016x}-01")),
    }
}

/// A commit of customer `number` that was loaded with `version`, with one event and no deliveries.
pub fn commit(number: u64, version: Option<u64>, seq: u64) -> Commit {
    Commit {
        inbox: Some(message(number * 100_000 + seq)),
        customer: Some(CustomerWrite {
            customer: customer(number),
            loaded_version: version,
            seq,
        }),
        chain: Some(chain_write(number, None)),
        events: vec![event(number, seq)],
        ..Commit::of(project())
    }
}

/// What intake asks before it decides about customer `number`.
pub fn wanted(number: u64) -> Wanted {
    Wanted {
        project: project(),
        app: app(),
        chain: chain(number),
        links: Vec::new(),
        app_user_id: Some(format!("user-{number}")),
    }
}

/// An attempt at a delivery of customer `number`, at second `second`.
pub fn settlement(
    number: u64,
    delivery: DeliveryId,
    attempts: u32,
    second: i64,
    next: Next,
) -> Settlement {
    Settlement {
        customer: customer(number).id,
        delivery,
        attempts,
        at: at(second),
        took: Duration::from_millis(12),
        status: Some(200),
        headers: [("content-type", "text/plain")].into_iter().collect(),
        response: b"ok".to_vec(),
        detail: String::new(),
        request: None,
        names_customer: true,
        next,
        lacked: None,
        order: by_customer(second),
    }
}
