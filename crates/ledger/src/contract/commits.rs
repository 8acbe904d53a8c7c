//! Promises about messages, customers, chains and events.

use super::{
    Subject, at, chain, chain_write, commit, customer, delivery, event, integration, message,
    wanted,
};
use crate::{Committed, CustomerWrite, LedgerError, ParkedCount};

fn done(committed: &Committed) -> bool {
    matches!(committed, Committed::Done { .. })
}

/// State, events and messages come back as they were written.
pub async fn what_is_committed_is_loaded(ledger: Subject) {
    assert!(
        ledger.load(&wanted(1)).await.unwrap().customer.is_none(),
        "an empty ledger knows nobody"
    );
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    let loaded = ledger.load(&wanted(1)).await.unwrap();
    let known = loaded.customer.unwrap();
    assert_eq!(
        (known.customer, known.version, known.seq),
        (customer(1), 1, 1)
    );
    let (key, stored) = loaded.chain.unwrap();
    assert_eq!(key, chain(1));
    assert_eq!(
        (stored.facts, stored.snapshot),
        (chain_write(1, None).facts, chain_write(1, None).snapshot)
    );
    assert_eq!(
        ledger
            .inbox(message(100_001).id)
            .await
            .unwrap()
            .unwrap()
            .message,
        message(100_001)
    );
    assert!(ledger.seen(message(100_001).id).await.unwrap());
    let by_name = crate::Wanted {
        chain: chain(99),
        ..wanted(1)
    };
    let loaded = ledger.load(&by_name).await.unwrap();
    assert!(
        loaded.customer.is_some() && loaded.chain.is_none() && loaded.others.len() == 1,
        "a customer is found by name, with its other purchases"
    );
}

/// A known message is a duplicate, whatever else the commit holds.
pub async fn a_message_told_twice_is_written_once(ledger: Subject) {
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    let mut again = commit(1, Some(1), 2);
    again.inbox = Some(message(100_001));
    assert_eq!(ledger.commit(again).await.unwrap(), Committed::Duplicate);
    assert_eq!(
        ledger
            .load(&wanted(1))
            .await
            .unwrap()
            .customer
            .unwrap()
            .version,
        1
    );
}

/// A commit against an old version leaves nothing behind, not even its message.
pub async fn a_stale_version_writes_nothing(ledger: Subject) {
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    assert!(done(&ledger.commit(commit(1, Some(1), 2)).await.unwrap()));
    assert_eq!(
        ledger.commit(commit(1, Some(1), 3)).await.unwrap(),
        Committed::Conflict
    );
    assert_eq!(
        ledger.commit(commit(1, None, 3)).await.unwrap(),
        Committed::Conflict,
        "a customer is created once"
    );
    assert!(!ledger.seen(message(100_003).id).await.unwrap());
    assert_eq!(
        ledger
            .known_keys(&[customer(1).id], &["event:3".into()])
            .await
            .unwrap(),
        Vec::<String>::new()
    );
}

/// Of many commits against one version, one wins and the others are told to load again.
pub async fn of_concurrent_commits_one_wins(ledger: Subject) {
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    let tasks: Vec<_> = (2..18)
        .map(|seq| {
            tokio::spawn({
                let ledger = ledger.clone();
                async move { ledger.commit(commit(1, Some(1), seq)).await.unwrap() }
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Committed::Done { .. } => won += 1,
            Committed::Conflict => {}
            Committed::Duplicate => panic!("every message was new"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(
        ledger
            .load(&wanted(1))
            .await
            .unwrap()
            .customer
            .unwrap()
            .version,
        2
    );
}

/// Two customers cannot both take a chain.
pub async fn a_chain_has_one_owner(ledger: Subject) {
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    let mut thief = commit(2, None, 1);
    thief.chain = Some(chain_write(1, None));
    assert_eq!(ledger.commit(thief).await.unwrap(), Committed::Conflict);
    let elsewhere = crate::Wanted {
        chain: chain(2),
        ..wanted(2)
    };
    assert!(
        ledger.load(&elsewhere).await.unwrap().customer.is_none(),
        "the second customer was not created"
    );
}

/// The last guard of exactly-once: an event key exists once per customer.
pub async fn an_event_key_is_used_once(ledger: Subject) {
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    let mut again = commit(1, Some(1), 2);
    again.events = vec![event(1, 1)];
    assert!(matches!(
        ledger.commit(again).await,
        Err(LedgerError::Refused(_))
    ));
    assert_eq!(
        ledger
            .load(&wanted(1))
            .await
            .unwrap()
            .customer
            .unwrap()
            .version,
        1
    );
}

/// Keys are answered for their customer only.
pub async fn known_keys_are_found(ledger: Subject) {
    ledger.commit(commit(1, None, 1)).await.unwrap();
    ledger.commit(commit(2, None, 1)).await.unwrap();
    ledger.commit(commit(2, Some(1), 2)).await.unwrap();
    let keys = [
        "event:1".to_owned(),
        "event:2".to_owned(),
        "other".to_owned(),
    ];
    assert_eq!(
        ledger.known_keys(&[customer(1).id], &keys).await.unwrap(),
        ["event:1"]
    );
    assert_eq!(
        ledger
            .known_keys(&[customer(2).id], &keys)
            .await
            .unwrap()
            .len(),
        2
    );
}

/// A parked message is kept, comes back when due, and once processed is a duplicate like any other.
pub async fn a_parked_message_waits_and_is_processed_once(ledger: Subject) {
    let parked = message(100_001);
    assert!(
        ledger
            .park(parked.clone(), "cannot be read".into(), at(10))
            .await
            .unwrap()
    );
    assert!(
        !ledger.seen(parked.id).await.unwrap(),
        "parked is not processed"
    );
    assert_eq!(ledger.due_parked(at(9), 10).await.unwrap(), []);
    let due = ledger.due_parked(at(10), 10).await.unwrap();
    assert_eq!(
        (&due[0].message, due[0].tries, due[0].reason.as_str()),
        (&parked, 0, "cannot be read")
    );
    assert!(
        ledger
            .park(parked.clone(), "cannot be read".into(), at(10))
            .await
            .unwrap()
    );
    assert_eq!(ledger.due_parked(at(10), 10).await.unwrap()[0].tries, 1);
    assert_eq!(
        ledger
            .unpark(parked.project, Some(parked.id), at(5))
            .await
            .unwrap(),
        1
    );
    assert_eq!(ledger.due_parked(at(5), 10).await.unwrap().len(), 1);
    assert_eq!(
        ledger
            .parked(parked.project, None, None, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        ledger
            .inbox(parked.id)
            .await
            .unwrap()
            .unwrap()
            .parked
            .as_deref(),
        Some("cannot be read")
    );
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    assert_eq!(ledger.due_parked(at(1000), 10).await.unwrap(), []);
    assert!(ledger.seen(parked.id).await.unwrap());
    assert!(
        !ledger.park(parked, "again".into(), at(10)).await.unwrap(),
        "what was processed is not parked again"
    );
}

/// Parked messages are listed the one that came last first, page by page, of one app or of all.
pub async fn parked_messages_are_listed_by_page(ledger: Subject) {
    let another = domain::AppId::new(uuid::Uuid::from_u128(77));
    let mut all = Vec::new();
    // Two came at the same moment, and those that came first have the highest numbers.
    for (number, second) in [(1, 50), (2, 50), (3, 40), (4, 30), (5, 20)] {
        let mut parked = message(number);
        parked.received_at = at(second);
        if number % 2 == 0 {
            parked.app = another;
        }
        ledger
            .park(parked.clone(), "waits".into(), at(100 - second))
            .await
            .unwrap();
        all.push(parked);
    }
    all.swap(0, 1);
    let mut foreign = message(6);
    foreign.project = domain::ProjectId::new(uuid::Uuid::from_u128(77));
    ledger
        .park(foreign.clone(), "waits".into(), at(100))
        .await
        .unwrap();
    let page = async |app, before, limit| {
        let rows = ledger.parked(super::project(), app, before, limit).await;
        let rows = rows.unwrap().into_iter();
        rows.map(|parked| parked.message).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 10).await, all);
    assert_eq!(page(None, None, 1).await, all[..1]);
    assert_eq!(page(None, Some(all[0].id), 3).await, all[1..4]);
    assert_eq!(page(None, Some(all[3].id), 3).await, all[4..]);
    assert_eq!(page(None, Some(all[4].id), 3).await, []);
    let theirs = [all[0].clone(), all[3].clone()];
    assert_eq!(page(Some(another), None, 10).await, theirs);
    assert_eq!(page(Some(another), Some(all[1].id), 10).await, theirs[1..]);
    assert_eq!(
        page(None, Some(foreign.id), 10).await,
        [],
        "nothing of a project is before a message of another"
    );
    // What was processed while somebody turned the page still says where it was.
    let mut processed = commit(1, None, 1);
    processed.inbox = Some(all[1].clone());
    assert!(done(&ledger.commit(processed).await.unwrap()));
    assert_eq!(page(None, Some(all[1].id), 10).await, all[2..]);
}

/// Counting agrees with what is listed, but for messages whose store is being asked for the first time.
pub async fn parked_messages_are_counted_by_app(ledger: Subject) {
    let another = domain::AppId::new(uuid::Uuid::from_u128(77));
    let now = at(1000);
    // When it came, when it is tried again, how often it was tried in vain, and whether it is under way.
    let cases = [
        (990, 1050, 0, true),
        (990, 1051, 0, false),
        (990, 1000, 0, false),
        (990, 1010, 1, false),
        (941, 1001, 0, true),
        (940, 1001, 0, false),
        (10, 5000, 3, false),
    ];
    for (number, (came, retry_at, tries, _)) in (1..).zip(cases) {
        for app in [super::app(), another] {
            let mut parked = message(number + if app == another { 100 } else { 0 });
            parked.received_at = at(came);
            parked.app = app;
            for _ in 0..=tries {
                ledger
                    .park(parked.clone(), "waits".into(), at(retry_at))
                    .await
                    .unwrap();
            }
        }
    }
    let mut processed = message(50);
    processed.received_at = at(10);
    ledger
        .park(processed.clone(), "waits".into(), at(20))
        .await
        .unwrap();
    let mut write = commit(1, None, 1);
    write.inbox = Some(processed);
    assert!(done(&ledger.commit(write).await.unwrap()));
    let mut listed = ledger
        .parked(super::project(), None, None, 100)
        .await
        .unwrap();
    assert_eq!(listed.len(), 2 * cases.len());
    listed.retain(|parked| !parked.is_under_way(now));
    assert_eq!(listed.len(), 2 * 5);
    let counted = |app| ParkedCount { app, count: 5 };
    let mut counts = ledger.count_parked(super::project(), now).await.unwrap();
    counts.sort_by_key(|count| count.app);
    let mut expected = [counted(super::app()), counted(another)];
    expected.sort_by_key(|count| count.app);
    assert_eq!(counts, expected);
    let elsewhere = domain::ProjectId::new(uuid::Uuid::from_u128(77));
    assert_eq!(ledger.count_parked(elsewhere, now).await.unwrap(), []);
}

/// Chains come up when due, and not before.
pub async fn chains_are_found_when_due(ledger: Subject) {
    for (number, due) in [(1, Some(50)), (2, Some(20)), (3, None)] {
        let mut write = commit(number, None, 1);
        write.chain = Some(chain_write(number, due));
        ledger.commit(write).await.unwrap();
    }
    let due = |second| {
        let ledger = ledger.clone();
        async move {
            ledger
                .due_checks(at(second), 10)
                .await
                .unwrap()
                .into_iter()
                .map(|check| check.chain.id)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(due(19).await, Vec::<String>::new());
    assert_eq!(due(20).await, ["chain-2"]);
    assert_eq!(due(60).await, ["chain-2", "chain-1"]);
    let due = ledger.due_checks(at(20), 10).await.unwrap();
    ledger.postpone_check(&due[0], at(40)).await.unwrap();
    assert_eq!(ledger.due_checks(at(39), 10).await.unwrap(), []);
    ledger.postpone_check(&due[0], at(90)).await.unwrap();
    assert_eq!(
        ledger.due_checks(at(40), 10).await.unwrap().len(),
        1,
        "one that was moved meanwhile stays where it is"
    );
}

/// Writes share transactions, but one that fails does not take its neighbours with it.
pub async fn a_failed_write_disturbs_no_neighbour(ledger: Subject) {
    ledger.commit(commit(1, None, 1)).await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                if number % 2 == 0 {
                    return done(&ledger.commit(commit(100 + number, None, 1)).await.unwrap());
                }
                // Fails late, after its customer was written: the event key exists.
                let mut bad = commit(1, Some(1), 1);
                bad.inbox = Some(message(900_000 + number));
                bad.customer = Some(CustomerWrite {
                    customer: customer(1),
                    loaded_version: Some(1),
                    seq: 1,
                });
                matches!(ledger.commit(bad).await, Err(LedgerError::Refused(_)))
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    for number in (0..64).step_by(2) {
        assert!(
            ledger
                .load(&wanted(100 + number))
                .await
                .unwrap()
                .chain
                .is_some()
        );
    }
    assert_eq!(
        ledger
            .load(&wanted(1))
            .await
            .unwrap()
            .customer
            .unwrap()
            .version,
        1
    );
    let mut write = commit(1, Some(1), 2);
    write.deliveries = vec![delivery(1, 2, integration(1), 1)];
    assert!(done(&ledger.commit(write).await.unwrap()));
}
