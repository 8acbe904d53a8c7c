//! Promises about customers, chains and events: what is committed, what is refused, what passes to another.

use super::{
    Subject, chain, chain_write, commit, customer, delivery, done, event, integration, message,
    wanted,
};
use crate::{Committed, CustomerWrite, Handover, KnownChain, LedgerError, PassingChain, Wanted};

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
    let KnownChain { key, stored } = loaded.chain.unwrap();
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
    let by_name = Wanted {
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
    let elsewhere = Wanted {
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

/// A chain is found under every id the store knows it by, and keeps the one it was first stored under.
pub async fn a_chain_is_found_under_all_its_ids(ledger: Subject) {
    let mut first = commit(1, None, 1);
    let mut write = chain_write(1, None);
    write.links = vec!["leg-1".into(), "leg-2".into()];
    first.chain = Some(write);
    assert!(done(&ledger.commit(first).await.unwrap()));
    let mut key = chain(1);
    key.id = "leg-2".into();
    let by_link = Wanted {
        chain: key,
        ..wanted(9)
    };
    let found = ledger.load(&by_link).await.unwrap().chain.unwrap().key;
    assert_eq!(found, chain(1));
    let mut key = chain(1);
    key.id = "leg-3".into();
    let by_predecessor = Wanted {
        chain: key,
        links: vec!["leg-1".into()],
        ..wanted(9)
    };
    let loaded = ledger.load(&by_predecessor).await.unwrap();
    assert_eq!(loaded.chain.unwrap().key, chain(1));
    assert_eq!(loaded.customer.unwrap().customer.id, customer(1).id);
}

fn handover(version: u64, absorbed: bool) -> Handover {
    Handover {
        from: CustomerWrite {
            customer: customer(1),
            loaded_version: Some(version),
            seq: 1,
        },
        chains: vec![PassingChain {
            app: chain_write(1, None).app,
            key: chain(1),
        }],
        absorbed,
    }
}

/// Purchases pass from one customer to another, all or nothing, and remember whom they belonged to.
pub async fn purchases_pass_from_customer_to_customer(ledger: Subject) {
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    assert!(done(&ledger.commit(commit(2, None, 1)).await.unwrap()));
    let mut transfer = commit(2, Some(1), 2);
    transfer.chain = None;
    transfer.handover = Some(handover(7, false));
    assert_eq!(
        ledger.commit(transfer.clone()).await.unwrap(),
        Committed::Conflict,
        "the giver had changed"
    );
    let untouched = ledger.load(&wanted(1)).await.unwrap();
    assert_eq!(untouched.customer.unwrap().customer.id, customer(1).id);
    transfer.handover = Some(handover(1, false));
    assert!(done(&ledger.commit(transfer).await.unwrap()));
    let loaded = ledger.load(&wanted(1)).await.unwrap();
    assert_eq!(loaded.customer.unwrap().customer.id, customer(2).id);
    assert_eq!(loaded.chain.unwrap().stored.formers, [customer(1).id]);
    let giver = ledger
        .customer(super::project(), "user-1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((giver.purchases.len(), giver.version), (0, 2));
    assert_eq!(
        ledger
            .known_keys(
                &[customer(2).id, customer(1).id],
                &["event:1".into(), "event:2".into()]
            )
            .await
            .unwrap()
            .len(),
        3,
        "what either was told is known"
    );
}

/// A merged customer's names and id lead to the one it was merged into.
pub async fn a_merged_customer_leads_to_the_other(ledger: Subject) {
    assert!(done(&ledger.commit(commit(1, None, 1)).await.unwrap()));
    assert!(done(&ledger.commit(commit(2, None, 1)).await.unwrap()));
    let mut merge = commit(2, Some(1), 2);
    merge.chain = None;
    merge.handover = Some(handover(1, true));
    assert!(done(&ledger.commit(merge).await.unwrap()));
    for who in [
        "user-1".to_owned(),
        customer(1).id.to_string(),
        "user-2".into(),
    ] {
        let found = ledger
            .customer(super::project(), &who)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (found.customer.id, found.purchases.len()),
            (customer(2).id, 2),
            "{who}"
        );
    }
    let listed = ledger.customers(super::project(), None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
}
