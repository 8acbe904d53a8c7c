//! Values that cannot be read: each is told with its table, row and column, and none becomes another. Backends tamper with what is written
//! here, in ways of their own, and then read it.

use super::{
    Subject, app, at, chain_write, claim, commit, customer, delivery, done, event, integration,
    lane, message, project, settlement, wanted,
};
use crate::{
    AuditFilter, Choice, ConfigurationChange as Change, EventFilter, Failure, LedgerError, LetInBy,
    Next, Opened, Outcomes, Page, Progress, Project, Replay, ReplayState, ReplayWhat, Result, Role,
    SecondFactor, SecondStep, Session, TransferBehaviour, User,
};
use domain::{Currency, NotSent, ReplayId, UserId, rates::Rate};
use uuid::Uuid;

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// What intake loads.
    Load,
    /// A customer with its purchases.
    Customer,
    /// The list of customers.
    Customers,
    /// The feed.
    Events,
    /// A delivery.
    Delivery,
    /// Its attempts.
    Attempts,
    /// A message.
    Message,
    /// Messages that wait.
    Parked,
    /// What was told by the hour.
    Tallies,
    /// Configuration.
    Configuration,
    /// Exchange rates.
    Rates,
    /// How far something has come.
    Mark,
    /// A member's sessions.
    Sessions,
    /// A member's second factor.
    SecondFactor,
    /// The log of what was done.
    Audit,
    /// Replays of a project.
    Replays,
}

fn member() -> UserId {
    UserId::new(Uuid::from_u128(8))
}

/// One of everything, of two customers: each with a delivery that failed, and one that waits; a message that is parked.
pub async fn one_of_everything(ledger: &Subject) {
    let row = Project {
        id: project(),
        key: "acme".into(),
        name: "Acme".into(),
        historical_window_hours: 24,
        transfer_behaviour: TransferBehaviour::Transfer,
        sandbox_transfer_behaviour: None,
        current_offering: None,
    };
    let user = User {
        id: member(),
        email: "a@a.example".into(),
        name: "A".into(),
        role: Role::Viewer,
        project: None,
        password: "hash".into(),
        created_at: at(0),
    };
    let changes = vec![Change::PutProject(row), Change::PutUser(user)];
    assert!(ledger.configure(0, changes, "test", at(0)).await.unwrap());
    two_customers(ledger).await;
    ledger.set_mark(app(), "gaps", at(5)).await.unwrap();
    let mut outcomes = Outcomes::default();
    let failure = Failure {
        at: at(2),
        reason: NotSent::RejectedByDestination,
        detail: "answered 404".into(),
    };
    outcomes.failed(failure, at(3));
    let heard = vec![(lane(integration(1)), outcomes)];
    ledger.add_outcomes(heard).await.unwrap();
    let rate = Rate {
        date: jiff::civil::date(2026, 11, 19),
        currency: Currency::USD,
        micros_per_euro: 1_100_000,
    };
    ledger.put_rates(vec![rate]).await.unwrap();
    a_member_who_is_there(ledger).await;
    ledger.start_replay(a_replay()).await.unwrap();
}

/// Each with a delivery that failed, one that waits, and a message that is parked.
async fn two_customers(ledger: &Subject) {
    for number in [1, 2] {
        for seq in [1, 2] {
            let mut write = commit(number, (seq > 1).then_some(seq - 1), seq);
            write.chain = Some(chain_write(number, Some(5)));
            write.deliveries = vec![delivery(number, seq, integration(1), 5)];
            assert!(done(&ledger.commit(write).await.unwrap()));
            if seq == 1 {
                let id = delivery(number, 1, integration(1), 5).id;
                let next = Next::Failed(NotSent::RejectedByDestination);
                let settled = settlement(number, id, 0, 2, next);
                assert!(ledger.settle(settled, at(62)).await.unwrap().recorded);
            }
        }
        let parked = message(number);
        ledger.park(parked, "waits".into(), at(5)).await.unwrap();
    }
}

/// Signed in, with a second factor.
async fn a_member_who_is_there(ledger: &Subject) {
    let session = Session {
        digest: "digest".into(),
        user: member(),
        created_at: at(0),
        expires_at: at(100),
        agent: String::new(),
    };
    let by = LetInBy {
        password: "hash".into(),
        second: SecondStep::NotAsked,
    };
    let opened = ledger.open_session(session, by).await.unwrap();
    assert_eq!(opened, Opened::Kept);
    let factor = SecondFactor {
        user: member(),
        secret: b"sealed".to_vec(),
        step: 1,
        made_at: at(0),
        recovery_codes: 0,
    };
    let codes = vec!["digest".to_owned()];
    assert!(ledger.put_second_factor(factor, codes).await.unwrap());
}

fn a_replay() -> Replay {
    Replay {
        id: ReplayId::new(Uuid::from_u128(1)),
        project: project(),
        integration: integration(1),
        choice: Choice {
            what: ReplayWhat::Events,
            since: at(0),
            until: at(1),
            kinds: Vec::new(),
            environment: None,
            customer: None,
            standings: Vec::new(),
            reasons: Vec::new(),
        },
        per_second: 1,
        by: "test".into(),
        asked_as: None,
        started_at: at(0),
        first: 0,
        last: 1,
        progress: Progress {
            state: ReplayState::Running,
            after: 0,
            customer: None,
            again: 0,
            new: 0,
            refused: 0,
            at: at(0),
        },
    }
}

async fn read(ledger: &Subject, what: Reading) -> Result<()> {
    let failed = delivery(1, 1, integration(1), 5).id;
    match what {
        Reading::Load => ledger.load(&wanted(1)).await.map(drop),
        Reading::Customer => ledger.customer(project(), "user-1").await.map(drop),
        Reading::Customers => ledger.customers(project(), None, 10).await.map(drop),
        Reading::Events => {
            let filter = EventFilter {
                customer: Some(customer(1).id),
                ..EventFilter::default()
            };
            let page = Page::Before(None, 10);
            ledger.events(&filter, page).await?;
            let one = event(1, 1).event.id;
            ledger.event(project(), one).await.map(drop)
        }
        Reading::Delivery => ledger.delivery(project(), failed).await.map(drop),
        Reading::Attempts => ledger.attempts(failed).await.map(drop),
        Reading::Message => ledger.inbox(message(1).id).await.map(drop),
        Reading::Parked => ledger.parked(project(), None, None, 10).await.map(drop),
        Reading::Tallies => ledger.tallies(project(), at(0)).await.map(drop),
        Reading::Configuration => ledger.configuration().await.map(drop),
        Reading::Rates => ledger.rates().await.map(drop),
        Reading::Mark => ledger.mark(app(), "gaps").await.map(drop),
        Reading::Sessions => ledger.sessions(member(), at(1)).await.map(drop),
        Reading::SecondFactor => ledger.second_factor(member()).await.map(drop),
        Reading::Audit => {
            let filter = AuditFilter {
                project: project(),
                with_common: true,
            };
            ledger.audit(filter, None, 10).await.map(drop)
        }
        Reading::Replays => ledger.replays(project(), None, 10).await.map(drop),
    }
}

/// Reading something says that a column of a table cannot be read, and of which row.
pub async fn cannot_be_read(ledger: &Subject, what: Reading, table: &str, column: &str) {
    match read(ledger, what).await {
        Err(LedgerError::Corrupt {
            table: in_table,
            id,
            column: in_column,
            problem,
        }) => {
            assert_eq!((in_table, in_column.as_str()), (table, column), "{problem}");
            assert!(!id.is_empty() && !problem.is_empty());
        }
        other => panic!("{what:?} with {table}.{column} tampered with: {other:?}"),
    }
}

/// Everything is read.
pub async fn can_be_read(ledger: &Subject) {
    for what in [
        Reading::Load,
        Reading::Customer,
        Reading::Customers,
        Reading::Events,
        Reading::Delivery,
        Reading::Attempts,
        Reading::Message,
        Reading::Parked,
        Reading::Tallies,
        Reading::Configuration,
        Reading::Rates,
        Reading::Mark,
        Reading::Sessions,
        Reading::SecondFactor,
        Reading::Audit,
        Reading::Replays,
    ] {
        let read = read(ledger, what).await;
        assert!(read.is_ok(), "{what:?}: {read:?}");
    }
}

/// After the first customer's event, purchase and message, and the only replay, were made unreadable: what waits of the second goes on.
pub async fn others_go_on(ledger: &Subject) {
    let leases = ledger.claim(claim(lane(integration(1)), 10, 70, 10)).await;
    let leased: Vec<_> = leases.unwrap().into_iter().map(|lease| lease.id).collect();
    assert_eq!(leased, [delivery(2, 2, integration(1), 5).id]);
    let checks = ledger.due_checks(at(10), &[], 10).await.unwrap();
    let checked: Vec<_> = checks.into_iter().map(|check| check.customer).collect();
    assert_eq!(checked, [customer(2).id]);
    let parked = ledger.due_parked(at(10), &[], 10).await.unwrap();
    let waiting: Vec<_> = parked.into_iter().map(|parked| parked.message.id).collect();
    assert_eq!(waiting, [message(2).id]);
    assert_eq!(ledger.running_replays().await.unwrap(), []);
}
