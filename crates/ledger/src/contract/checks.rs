//! Promises about chains that time alone may change.

use super::{Subject, at, chain_write, commit};
use jiff::SignedDuration;

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
                .due_checks(at(second), &[], 10)
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
    let due = ledger.due_checks(at(20), &[], 10).await.unwrap();
    let of_others = ledger.due_checks(at(60), &[due[0].app], 10).await.unwrap();
    assert_eq!(of_others, []);
    ledger.postpone_check(&due[0], at(40)).await.unwrap();
    assert_eq!(ledger.due_checks(at(39), &[], 10).await.unwrap(), []);
    ledger.postpone_check(&due[0], at(90)).await.unwrap();
    assert_eq!(
        ledger.due_checks(at(40), &[], 10).await.unwrap().len(),
        1,
        "one that was moved meanwhile stays where it is"
    );
}

/// A clock that was ahead passed over the moments between, so the looks that it had planned come earlier by as much. Those that it cannot have planned
/// stay where they are: whatever it saw, it looked again within days.
pub async fn a_clock_that_is_set_back_passes_over_no_look_at_a_purchase(ledger: Subject) {
    let (day, year) = (86_400, 365 * 86_400);
    for (number, due) in [(1, day + 600), (2, day + 5), (3, 9), (4, year)] {
        let mut write = commit(number, None, 1);
        write.chain = Some(chain_write(number, Some(due)));
        ledger.commit(write).await.unwrap();
    }
    let by = SignedDuration::from_secs(day);
    assert_eq!(ledger.set_back(by, at(10)).await.unwrap(), 2);
    let due = async |second| {
        let due = ledger.due_checks(at(second), &[], 10).await.unwrap();
        due.into_iter()
            .map(|check| check.chain.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(due(9).await, ["chain-3"]);
    assert_eq!(due(10).await, ["chain-3", "chain-2"]);
    assert_eq!(due(600).await, ["chain-3", "chain-2", "chain-1"]);
    assert_eq!(due(year - 1).await.len(), 3);
    assert_eq!(due(year).await.len(), 4);
}
