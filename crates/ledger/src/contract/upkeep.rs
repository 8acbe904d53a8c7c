//! Promises about retention.

use super::{
    Subject, accounts::entries, at, customer, deliveries::told, delivery, integration,
    one_of_everything, project, settlement,
};
use crate::{
    About, Deed, KeptSince, Next,
    invariants::{Invariant, verify},
};
use jiff::{SignedDuration, Timestamp};

/// Nothing is too old.
const EVERYTHING: KeptSince = KeptSince {
    attempts: Timestamp::MIN,
    audit: Timestamp::MIN,
    audit_of_programs: Timestamp::MIN,
};

/// Retention deletes old attempts, in steps, and leaves the delivery.
pub async fn old_attempts_are_forgotten(ledger: Subject) {
    let to = integration(1);
    for number in 0..5 {
        let id = told(&ledger, number, 1, &[to], 60).await[0];
        let second = i64::try_from(number).unwrap() * 10;
        ledger
            .settle(settlement(number, id, 0, second, Next::Delivered), at(62))
            .await
            .unwrap();
    }
    let since = KeptSince {
        attempts: at(25),
        ..EVERYTHING
    };
    for gone in [2, 1, 0] {
        assert_eq!(ledger.retain(since, 2).await.unwrap(), gone);
    }
    let id = delivery(0, 1, to, 1).id;
    assert_eq!(ledger.attempts(id).await.unwrap(), []);
    assert!(
        ledger
            .delivery(project(), id)
            .await
            .unwrap()
            .unwrap()
            .last
            .is_none()
    );
}

/// What programs write of customers leaves the audit log before what members do and configuration; each in steps.
pub async fn old_entries_of_the_log_are_forgotten(ledger: Subject) {
    for second in 0..4 {
        for about in [
            About::Installation,
            About::Customer,
            About::CustomerByProgram,
        ] {
            let deed = Deed {
                at: at(second),
                who: "ann",
                what: about.id(),
                subject: &second.to_string(),
                project: Some(project()),
                about,
            };
            ledger.note(deed).await.unwrap();
        }
    }
    let of_programs = KeptSince {
        audit_of_programs: at(3),
        ..EVERYTHING
    };
    for gone in [2, 1, 0] {
        assert_eq!(ledger.retain(of_programs, 2).await.unwrap(), gone);
    }
    let told = |entry: &(String, String)| format!("{} {}", entry.0, entry.1);
    let left: Vec<_> = entries(&ledger).await.iter().map(told).collect();
    let by_hand = |second| {
        [
            format!("customer {second}"),
            format!("installation {second}"),
        ]
    };
    let mut expected = vec!["customer_by_program 3".to_owned()];
    expected.extend((0..4).rev().flat_map(by_hand));
    assert_eq!(left, expected);
    let others = KeptSince {
        audit: at(3),
        ..EVERYTHING
    };
    for gone in [4, 2, 0] {
        assert_eq!(ledger.retain(others, 4).await.unwrap(), gone);
    }
    let left: Vec<_> = entries(&ledger).await.iter().map(told).collect();
    assert_eq!(left, expected[..3]);
}

/// Everything that is held is looked at, a customer at a time, and what is sound is not complained of.
pub async fn what_is_held_is_looked_at(ledger: Subject) {
    one_of_everything(&ledger).await;
    let mut heard = 0;
    let verified = verify(&*ledger, at(1), |customers| heard = customers).await;
    let mut verified = verified.unwrap();
    // Ids of samples are of no time, which some backends notice.
    verified
        .findings
        .retain(|finding| finding.invariant != Invariant::Readable);
    assert_eq!(verified.findings, []);
    let seen = (verified.customers, verified.events, verified.deliveries);
    assert_eq!((heard, seen, verified.attempts), (2, (2, 4, 4), 2));

    let ids = ledger.customer_ids(None, 10).await.unwrap();
    assert_eq!(ids, [customer(1).id, customer(2).id]);
    assert_eq!(
        ledger.customer_ids(Some(ids[0]), 10).await.unwrap(),
        ids[1..]
    );
    assert_eq!(ledger.customer_ids(None, 1).await.unwrap(), ids[..1]);
    let held = ledger.holdings(&[ids[1], customer(9).id]).await.unwrap();
    let [held] = &held[..] else {
        panic!("one of them exists: {held:?}")
    };
    assert_eq!((held.customer.id, held.seq), (ids[1], 2));
    assert_eq!((held.purchases.len(), held.transactions.len()), (1, 1));
}

/// What one server knew the next knows: a clock that was set back between them is seen.
pub async fn the_latest_time_goes_back_only_with_a_clock(ledger: Subject) {
    assert_eq!(ledger.latest_time().await.unwrap(), None);
    for (noted, latest) in [(20, 20), (10, 20), (30, 30)] {
        ledger.note_time(at(noted)).await.unwrap();
        assert_eq!(ledger.latest_time().await.unwrap(), Some(at(latest)));
    }
    let by = SignedDuration::from_secs(25);
    ledger.set_back(by, at(5)).await.unwrap();
    assert_eq!(ledger.latest_time().await.unwrap(), Some(at(5)));
}

/// What everything is of is remembered, and never of an earlier edition again.
pub async fn an_edition_only_rises(ledger: Subject) {
    assert_eq!(ledger.edition().await.unwrap(), 0);
    for (put, is) in [(2, 2), (1, 2), (2, 2), (3, 3)] {
        ledger.put_edition(put).await.unwrap();
        assert_eq!(ledger.edition().await.unwrap(), is);
    }
}
