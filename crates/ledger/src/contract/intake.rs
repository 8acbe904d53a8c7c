//! Promises about messages, customers, chains and events.

use super::{
    Subject, at, chain, chain_write, commit, customer, delivery, event, integration, message,
    wanted,
};
use crate::{Committed, CustomerWrite, LedgerError};

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
    assert_eq!(ledger.parked(parked.project, 10).await.unwrap().len(), 1);
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
