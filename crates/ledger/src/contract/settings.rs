//! Promises about configuration, marks and rates.

use super::{Subject, at, chain_write, commit, delivery, integration, lane, project};
use crate::{
    AuditFilter, ConfigurationChange as Change, DeliveryState, Integration, Project, Verification,
};
use domain::{Currency, NotSent, rates::Rate};

pub(super) fn row() -> Project {
    Project {
        id: project(),
        key: "acme".into(),
        name: "Acme".into(),
        historical_window_hours: 24,
        transfer_behaviour: crate::TransferBehaviour::Transfer,
        sandbox_transfer_behaviour: None,
        current_offering: None,
    }
}

pub(super) fn webhook() -> Integration {
    Integration {
        id: integration(1),
        project: project(),
        key: "backend".into(),
        name: "Backend".into(),
        destination: "webhook".into(),
        sealed_settings: vec![1, 2],
        paused: false,
        verification: Verification::Pending.into(),
    }
}

/// Whoever changes what has moved is told so, and nothing is changed.
pub async fn configuration_changes_are_optimistic(ledger: Subject) {
    assert_eq!(ledger.configuration().await.unwrap().revision, 0);
    assert!(
        ledger
            .configure(
                0,
                vec![Change::PutProject(row()), Change::PutIntegration(webhook())],
                "test",
                at(0)
            )
            .await
            .unwrap()
    );
    assert!(
        !ledger
            .configure(
                0,
                vec![Change::PutProject(Project {
                    name: "Other".into(),
                    ..row()
                })],
                "test",
                at(0)
            )
            .await
            .unwrap()
    );
    let configuration = ledger.configuration().await.unwrap();
    assert_eq!(
        (
            configuration.revision,
            configuration.projects,
            configuration.integrations
        ),
        (1, vec![row()], vec![webhook()])
    );
    assert_eq!(ledger.configuration_revision().await.unwrap(), 1);
    let twin = Project {
        id: domain::ProjectId::new(uuid::Uuid::nil()),
        ..row()
    };
    assert!(
        ledger
            .configure(1, vec![Change::PutProject(twin)], "test", at(0))
            .await
            .is_err(),
        "a key is used once"
    );
    assert_eq!(ledger.configuration_revision().await.unwrap(), 1);
}

/// A delivery always has a state: removing its integration fails it.
pub async fn removing_an_integration_fails_what_it_had_not_sent(ledger: Subject) {
    ledger
        .configure(
            0,
            vec![Change::PutProject(row()), Change::PutIntegration(webhook())],
            "test",
            at(0),
        )
        .await
        .unwrap();
    let mut write = commit(1, None, 1);
    write.deliveries = vec![delivery(1, 1, integration(1), 1)];
    ledger.commit(write).await.unwrap();
    assert_eq!(
        ledger
            .lanes_due(&[lane(integration(1))], at(5))
            .await
            .unwrap(),
        [lane(integration(1))]
    );
    ledger
        .configure(
            1,
            vec![Change::RemoveIntegration(integration(1))],
            "test",
            at(5),
        )
        .await
        .unwrap();
    let record = ledger
        .delivery(project(), delivery(1, 1, integration(1), 1).id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(record.state, DeliveryState::Failed);
    let due = ledger.lanes_due(&[lane(integration(1))], at(5)).await;
    assert_eq!(due.unwrap(), []);
}

/// What was committed against a configuration that an integration was removed from meanwhile ends, too; nothing else does.
pub async fn what_waits_for_an_integration_that_is_gone_fails(ledger: Subject) {
    let known = vec![Change::PutProject(row()), Change::PutIntegration(webhook())];
    assert!(ledger.configure(0, known, "test", at(0)).await.unwrap());
    let (there, gone) = (integration(1), integration(2));
    let mut write = commit(1, None, 1);
    write.deliveries = vec![delivery(1, 1, there, 60), delivery(1, 1, gone, 60)];
    ledger.commit(write).await.unwrap();
    let mut next = commit(1, Some(1), 2);
    next.deliveries = vec![delivery(1, 2, there, 60), delivery(1, 2, gone, 60)];
    ledger.commit(next).await.unwrap();
    assert_eq!(
        ledger.fail_removed(at(5)).await.unwrap(),
        2,
        "also what waits for its turn"
    );
    assert_eq!(ledger.fail_removed(at(6)).await.unwrap(), 0);
    for seq in [1, 2] {
        let state = async |to| {
            let id = delivery(1, seq, to, 1).id;
            let record = ledger.delivery(project(), id).await.unwrap().unwrap();
            (record.state, record.reason)
        };
        assert_eq!(state(there).await, (DeliveryState::Pending, None));
        let removed = Some(NotSent::IntegrationRemoved);
        assert_eq!(state(gone).await, (DeliveryState::Failed, removed));
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

/// Which key took the place of a lost one comes back, the last of several, and each is in the log of whoever reaches everything.
pub async fn a_key_that_took_the_place_of_another_is_remembered(ledger: Subject) {
    assert_eq!(ledger.replaced_key().await.unwrap(), None);
    let largest = i64::MAX.unsigned_abs();
    for (fingerprint, second) in [(7, 1), (largest, 2)] {
        let replaced = ledger.replace_key(fingerprint, "the operator", at(second));
        replaced.await.unwrap();
    }
    assert_eq!(ledger.replaced_key().await.unwrap(), Some(largest));
    let filter = AuditFilter {
        project: project(),
        with_common: true,
    };
    let log = ledger.audit(filter, None, 10).await.unwrap();
    let told = log.iter().map(|entry| (entry.at, entry.who.as_str()));
    let expected = [(at(2), "the operator"), (at(1), "the operator")];
    assert!(told.eq(expected), "{log:?}");
}
