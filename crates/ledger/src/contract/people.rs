//! Promises about customers that merge or are forgotten, chains with several ids, marks and rates.

use super::{Subject, at, chain, chain_write, commit, customer, wanted};
use crate::{Committed, CustomerWrite, Handover, Wanted};
use domain::{Currency, customer::FORGOTTEN_PREFIX, rates::Rate};

fn done(committed: &Committed) -> bool {
    matches!(committed, Committed::Done { .. })
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
    let (found, _) = ledger.load(&by_link).await.unwrap().chain.unwrap();
    assert_eq!(found, chain(1));
    let mut key = chain(1);
    key.id = "leg-3".into();
    let by_predecessor = Wanted {
        chain: key,
        links: vec!["leg-1".into()],
        ..wanted(9)
    };
    let loaded = ledger.load(&by_predecessor).await.unwrap();
    assert_eq!(loaded.chain.unwrap().0, chain(1));
    assert_eq!(loaded.customer.unwrap().customer.id, customer(1).id);
}

fn handover(version: u64, absorbed: bool) -> Handover {
    Handover {
        from: CustomerWrite {
            customer: customer(1),
            loaded_version: Some(version),
            seq: 1,
        },
        chains: vec![(chain_write(1, None).app, chain(1))],
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
    assert_eq!(loaded.chain.unwrap().1.formers, [customer(1).id]);
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

/// Names, attributes and what was sent are gone; the events are still there.
pub async fn a_forgotten_customer_leaves_only_facts(ledger: Subject) {
    let mut first = commit(1, None, 1);
    let mut named = customer(1);
    named
        .attributes
        .insert("$email".into(), "a@example.com".into());
    named.aliases.push("other-name".into());
    first.events[0].event.customer = named.clone();
    if let Some(write) = &mut first.customer {
        write.customer = named;
    }
    assert!(done(&ledger.commit(first).await.unwrap()));
    let project = super::project();
    let known = ledger
        .customer(project, "other-name")
        .await
        .unwrap()
        .unwrap();
    assert!(done(&ledger.commit(commit(1, Some(1), 2)).await.unwrap()));
    assert!(
        !ledger.forget_customer(project, &known).await.unwrap(),
        "it changed meanwhile"
    );
    let known = ledger
        .customer(project, "other-name")
        .await
        .unwrap()
        .unwrap();
    assert!(ledger.forget_customer(project, &known).await.unwrap());
    for name in ["user-1", "other-name"] {
        assert!(
            ledger.customer(project, name).await.unwrap().is_none(),
            "{name}"
        );
    }
    let left = ledger
        .customer(project, &customer(1).id.to_string())
        .await
        .unwrap()
        .unwrap();
    assert!(left.customer.app_user_id.starts_with(FORGOTTEN_PREFIX));
    assert_eq!(
        (left.customer.attributes.len(), left.purchases.len()),
        (0, 1)
    );
    let events = ledger
        .events(
            &crate::EventFilter {
                project: Some(project),
                ..Default::default()
            },
            crate::Page::Before(None, 10),
        )
        .await
        .unwrap();
    assert_eq!(events.len(), 2);
    for row in events {
        let text = serde_json::to_string(&row.event).unwrap();
        assert!(
            !text.contains("user-1") && !text.contains("example.com"),
            "{text}"
        );
    }
}

/// Marks and exchange rates come back, the newest of each.
pub async fn marks_and_rates_are_kept(ledger: Subject) {
    let app = chain_write(1, None).app;
    assert_eq!(ledger.mark(app, "gaps").await.unwrap(), None);
    ledger.set_mark(app, "gaps", at(5)).await.unwrap();
    ledger.set_mark(app, "gaps", at(9)).await.unwrap();
    assert_eq!(ledger.mark(app, "gaps").await.unwrap(), Some(at(9)));
    let rate = |day: i8, micros_per_euro| Rate {
        date: jiff::civil::date(2026, 11, day),
        currency: Currency::USD,
        micros_per_euro,
    };
    ledger
        .put_rates(vec![rate(19, 1_100_000), rate(20, 1_200_000)])
        .await
        .unwrap();
    ledger.put_rates(vec![rate(20, 1_250_000)]).await.unwrap();
    assert_eq!(
        ledger.rates().await.unwrap(),
        [rate(19, 1_100_000), rate(20, 1_250_000)]
    );
}
