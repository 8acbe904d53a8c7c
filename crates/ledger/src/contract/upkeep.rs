//! Promises about retention.

use super::{Subject, at, deliveries::told, delivery, integration, project, settlement};
use crate::Next;

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
    assert_eq!(ledger.retain(at(25), 2).await.unwrap(), 2);
    assert_eq!(ledger.retain(at(25), 2).await.unwrap(), 1);
    assert_eq!(ledger.retain(at(25), 2).await.unwrap(), 0);
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
