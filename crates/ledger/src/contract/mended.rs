//! Promises about what failed for want of settings: nobody saves others without its being tried again.

use super::{
    Subject, at, claim,
    deliveries::told,
    delivery, integration, lane,
    settings::{row, webhook},
    settlement,
};
use crate::{
    ConfigurationChange as Change, DeliveryFilter, DeliveryState, Integration, MadeWith, Next,
    Requeue, Settlement,
};
use domain::{IntegrationId, NotSent};

/// Customer `number`'s delivery failed for want of what these settings have not.
fn lacked(number: u64, to: IntegrationId, sealed_settings: &[u8]) -> Settlement {
    let id = delivery(number, 1, to, 1).id;
    let failed = Next::Failed(NotSent::MissingCredentials);
    Settlement {
        lacked: Some(MadeWith {
            integration: to,
            sealed_settings: sealed_settings.to_vec(),
        }),
        ..settlement(number, id, 0, 2, failed)
    }
}

/// Whoever saved settings did not see what failed with those of before a moment later.
pub async fn what_failed_with_settings_that_were_replaced_is_due_again(ledger: Subject) {
    let (to, gone) = (webhook().id, integration(2));
    let put = vec![Change::PutProject(row()), Change::PutIntegration(webhook())];
    assert!(ledger.configure(0, put, "test", at(0)).await.unwrap());
    let stored = webhook().sealed_settings;
    for (number, to, settings) in [(1, to, &stored[..]), (2, to, b"before"), (3, gone, b"any")] {
        told(&ledger, number, 1, &[to], 60).await;
        let settled = ledger.settle(lacked(number, to, settings), at(62)).await;
        assert!(settled.unwrap().recorded);
    }
    let failed = DeliveryFilter {
        state: Some(DeliveryState::Failed),
        ..DeliveryFilter::default()
    };
    let failed = ledger.deliveries(&failed, None, 10).await.unwrap();
    let mut failed: Vec<_> = failed.iter().map(|row| row.id).collect();
    failed.sort_unstable();
    let mut expected = [delivery(1, 1, to, 1).id, delivery(3, 1, gone, 1).id];
    expected.sort_unstable();
    assert_eq!(failed, expected);
    let due = async |second| {
        let leases = ledger.claim(claim(lane(to), second, 60, 10)).await;
        leases.unwrap().len()
    };
    assert_eq!((due(2).await, due(3).await), (0, 1), "a second later");
}

/// Settings are saved while attempts with those of before are recorded: whichever comes first, nothing stays failed.
pub async fn settings_that_are_saved_while_attempts_fail_leave_none_behind(ledger: Subject) {
    const ROUNDS: u64 = 10;
    let to = webhook().id;
    let put = vec![Change::PutProject(row()), Change::PutIntegration(webhook())];
    assert!(ledger.configure(0, put, "test", at(0)).await.unwrap());
    for number in 1..=ROUNDS {
        told(&ledger, number, 1, &[to], 60).await;
    }
    let mut before = webhook().sealed_settings;
    for (number, revision) in (1..=ROUNDS).zip(1..) {
        let saved = Integration {
            sealed_settings: number.to_be_bytes().to_vec(),
            ..webhook()
        };
        let attempt = lacked(number, to, &before);
        before.clone_from(&saved.sealed_settings);
        let again = vec![Requeue::Failed {
            integration: to,
            reasons: vec![NotSent::MissingCredentials],
            ordered: true,
        }];
        let put = vec![Change::PutIntegration(saved)];
        let (settled, is_saved) = tokio::join!(
            ledger.settle(attempt, at(62)),
            ledger.configure_and_requeue(revision, put, again, "test", at(2)),
        );
        assert!(settled.unwrap().recorded && is_saved.unwrap());
    }
    let all = DeliveryFilter::default();
    let all = ledger.deliveries(&all, None, 100).await.unwrap();
    let states: Vec<_> = all.iter().map(|row| row.state).collect();
    assert!(states.iter().all(|state| *state == DeliveryState::Pending));
    assert_eq!(u64::try_from(states.len()).unwrap(), ROUNDS);
}
