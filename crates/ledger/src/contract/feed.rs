//! Promises about what people and programs read.

use super::{
    Subject, app, at, commit, customer, delivery, event, integration, project, settlement,
};
use crate::{
    DeliveryFilter, DeliveryState, EventFilter, IntegrationState, Next, Page, SentRequest,
    Settlement,
};
use domain::{AppId, DeliveryId, EventKind, IntegrationId, NotSent, ProjectId};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use uuid::Uuid;

/// A reader that follows the cursor while many write skips nothing and sees nothing twice.
pub async fn readers_by_cursor_see_every_event_once(ledger: Subject) {
    const WRITERS: u64 = 8;
    const EACH: u64 = 25;
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (ledger, done) = (ledger.clone(), Arc::clone(&done));
        async move {
            let (mut from, mut seen) = (0, Vec::new());
            loop {
                let finished = done.load(Ordering::SeqCst);
                let rows = ledger
                    .events(&EventFilter::default(), Page::After(from, 7))
                    .await
                    .unwrap();
                from = rows.last().map_or(from, |row| row.position);
                if rows.is_empty() && finished {
                    return seen;
                }
                seen.extend(rows.into_iter().map(|row| (row.position, row.event.id)));
            }
        }
    });
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                for seq in 1..=EACH {
                    ledger
                        .commit(commit(number, (seq > 1).then_some(seq - 1), seq))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let seen = reader.await.unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let mut ids: Vec<_> = seen.iter().map(|(_, id)| *id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(
        (seen.len() as u64, ids.len() as u64),
        (WRITERS * EACH, WRITERS * EACH)
    );
}

/// By kind, customer, project, time and state of delivery; newest first, in pages.
pub async fn the_feed_filters(ledger: Subject) {
    let to = integration(1);
    for number in 1..=3 {
        let mut write = commit(number, None, 1);
        write.deliveries = vec![delivery(number, 1, to, 60)];
        write.events[0].not_sent = vec![(integration(2), NotSent::EventDisabled)];
        ledger.commit(write).await.unwrap();
    }
    ledger
        .settle(
            settlement(2, delivery(2, 1, to, 1).id, 0, 2, Next::Delivered),
            at(62),
        )
        .await
        .unwrap();
    let all = EventFilter {
        project: Some(project()),
        ..EventFilter::default()
    };
    for (filter, found) in filters(to, &all) {
        let rows = ledger.events(&filter, Page::Before(None, 10)).await;
        assert_eq!(rows.unwrap().len(), found, "{filter:?}");
    }
    let newest = ledger.events(&all, Page::Before(None, 2)).await.unwrap();
    assert_eq!(newest[0].event.customer.app_user_id, "user-3");
    let older = ledger
        .events(&all, Page::Before(Some(newest[1].position), 2))
        .await
        .unwrap();
    assert_eq!(
        older
            .iter()
            .map(|row| row.event.customer.app_user_id.as_str())
            .collect::<Vec<_>>(),
        ["user-1"]
    );
    assert!(
        matches!(older[0].integrations[..], [(first, IntegrationState::Delivery { state: DeliveryState::Pending, .. }), (second, IntegrationState::NotSent(NotSent::EventDisabled))] if first == to && second == integration(2))
    );
    let one = ledger
        .event(project(), event(1, 1).event.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(one.event, event(1, 1).event);
}

/// Filters of three events, of which one is delivered, and how many each finds.
fn filters(to: IntegrationId, all: &EventFilter) -> Vec<(EventFilter, usize)> {
    let of_apps = |apps: &[AppId]| EventFilter {
        apps: Some(apps.to_vec()),
        ..all.clone()
    };
    let of_kind = |kind| EventFilter {
        kinds: vec![kind],
        ..all.clone()
    };
    let delivered = |to, state| EventFilter {
        delivery: Some((to, state)),
        ..all.clone()
    };
    let of_nobody = EventFilter {
        project: Some(ProjectId::new(Uuid::nil())),
        ..EventFilter::default()
    };
    let of_one = EventFilter {
        customer: Some(customer(2).id),
        ..all.clone()
    };
    let later = EventFilter {
        since: Some(at(2)),
        ..all.clone()
    };
    let other = AppId::new(Uuid::nil());
    vec![
        (all.clone(), 3),
        (of_nobody, 0),
        (of_kind(EventKind::SubscriptionRenewed), 3),
        (of_kind(EventKind::TrialStarted), 0),
        (of_one, 1),
        (of_apps(&[app()]), 3),
        (of_apps(&[other, app()]), 3),
        (of_apps(&[other]), 0),
        (of_apps(&[]), 0),
        (later, 0),
        (delivered(Some(to), DeliveryState::Delivered), 1),
        (delivered(None, DeliveryState::Pending), 2),
    ]
}

/// Every attempt with its answer, and the request last sent.
pub async fn attempts_and_requests_are_kept(ledger: Subject) {
    let to = integration(1);
    let mut write = commit(1, None, 1);
    write.deliveries = vec![delivery(1, 1, to, 60)];
    ledger.commit(write).await.unwrap();
    let id = delivery(1, 1, to, 1).id;
    let request = SentRequest {
        method: "POST".into(),
        also: String::new(),
        url: "https://example.com".into(),
        headers: [("content-type", "application/json")].into_iter().collect(),
        body: "{\"a\":1}".into(),
    };
    let again = Next::Retry(NotSent::RejectedByDestination, at(10));
    let failed = Settlement {
        status: Some(500),
        response: b"no".to_vec(),
        detail: "answered 500".into(),
        request: Some(request.clone()),
        ..settlement(1, id, 0, 2, again)
    };
    ledger.settle(failed, at(62)).await.unwrap();
    let mut sent = settlement(1, id, 1, 11, Next::Delivered);
    sent.request = Some(request.clone());
    ledger.settle(sent, at(71)).await.unwrap();
    let attempts = ledger.attempts(id).await.unwrap();
    assert_eq!(
        attempts
            .iter()
            .map(|attempt| (
                attempt.number,
                attempt.status,
                attempt.response.as_str(),
                attempt.reason
            ))
            .collect::<Vec<_>>(),
        [
            (1, Some(500), "no", Some(NotSent::RejectedByDestination)),
            (2, Some(200), "ok", None)
        ]
    );
    let record = ledger.delivery(project(), id).await.unwrap().unwrap();
    assert_eq!(
        (
            record.state,
            record.attempts,
            record.request,
            record.last.map(|last| last.number)
        ),
        (DeliveryState::Delivered, 2, Some(request), Some(2))
    );
    the_only_delivery_is_listed(&ledger, to, id).await;
}

async fn the_only_delivery_is_listed(ledger: &Subject, to: IntegrationId, id: DeliveryId) {
    let of_it = DeliveryFilter {
        integration: Some(to),
        ..DeliveryFilter::default()
    };
    let failed = DeliveryFilter {
        state: Some(DeliveryState::Failed),
        ..DeliveryFilter::default()
    };
    // Nothing is older than the only one.
    for (filter, before, found) in [
        (of_it, None, 1),
        (failed, None, 0),
        (DeliveryFilter::default(), Some(id), 0),
    ] {
        let listed = ledger.deliveries(&filter, before, 10).await.unwrap();
        assert_eq!(listed.len(), found, "{filter:?}");
    }
}

/// With purchases, and never another project's.
pub async fn customers_are_found_by_id_and_name(ledger: Subject) {
    for number in 1..=3 {
        ledger.commit(commit(number, None, 1)).await.unwrap();
    }
    for nobody in ["user-9", "", "\0", "user-2\0"] {
        assert!(ledger.customer(project(), nobody).await.unwrap().is_none());
    }
    let by_name = ledger.customer(project(), "user-2").await.unwrap().unwrap();
    assert_eq!(
        (by_name.customer, by_name.seq, by_name.purchases.len()),
        (customer(2), 1, 1)
    );
    assert!(
        ledger
            .customer(project(), &customer(2).id.to_string())
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        ledger
            .customer(ProjectId::new(Uuid::nil()), &customer(2).id.to_string())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        ledger
            .customer(project(), "nobody")
            .await
            .unwrap()
            .is_none()
    );
    let listed = ledger.customers(project(), None, 2).await.unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|customer| customer.app_user_id.as_str())
            .collect::<Vec<_>>(),
        ["user-3", "user-2"]
    );
    assert_eq!(
        ledger
            .customers(project(), Some(listed[1].id), 2)
            .await
            .unwrap()
            .len(),
        1
    );
}

/// Events are counted in their hour, with the money in them; subscriptions that run are counted.
pub async fn what_was_told_and_what_runs_is_counted(ledger: Subject) {
    let with_money = |number: u64, seq: u64, kind: EventKind, cents: i64| {
        let mut new = commit(number, (seq > 1).then_some(seq - 1), seq);
        let told = &mut new.events[0].event;
        let price = domain::Money::new(cents * 10_000, domain::Currency::USD);
        told.kind = kind;
        told.transaction = Some(domain::event::TransactionRef {
            id: "1".into(),
            purchased_at: at(0),
            expires_at: Some(at(100)),
            quantity: 1,
            price: Some(price),
            price_usd: Some(price),
            proceeds: None,
            proceeds_usd: None,
            refunded: None,
            tax: None,
            tax_usd: None,
            net: None,
            net_usd: None,
            is_free: false,
            offer: None,
            country: None,
            token: None,
        });
        new
    };
    let commits = [
        with_money(1, 1, EventKind::SubscriptionRenewed, 999),
        with_money(2, 1, EventKind::SubscriptionRenewed, 500),
        with_money(2, 2, EventKind::SubscriptionRefunded, 500),
        with_money(3, 1, EventKind::SubscriptionExpired, 500),
    ];
    for commit in commits {
        let again = commit.clone();
        ledger.commit(commit).await.unwrap();
        ledger.commit(again).await.unwrap();
    }
    let told = ledger.tallies(project(), at(0)).await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|tally| (tally.kind, tally.count, tally.usd_micros))
        .collect();
    assert_eq!(
        told,
        [
            (EventKind::SubscriptionExpired, 1, 0),
            (EventKind::SubscriptionRefunded, 1, -5_000_000),
            (EventKind::SubscriptionRenewed, 2, 14_990_000),
        ],
        "told twice, counted once"
    );
    assert_eq!(ledger.tallies(project(), at(7200)).await.unwrap(), []);
    let running = ledger.running(project(), at(50)).await.unwrap();
    let counts: Vec<_> = running.iter().map(|one| (one.paid, one.trials)).collect();
    assert_eq!(counts, [(3, 0)]);
    assert_eq!(ledger.running(project(), at(100)).await.unwrap(), []);
}

/// A span of time is found among many events, whatever their number.
pub async fn a_span_of_time_is_found(ledger: Subject) {
    for number in 1..=40 {
        let mut write = commit(number, None, 1);
        write.events[0].event.recorded_at = at(3600 * i64::try_from(number).unwrap_or(0));
        ledger.commit(write).await.unwrap();
    }
    let spans = [
        (1, 41, 40),
        (10, 20, 10),
        (40, 41, 1),
        (41, 90, 0),
        (0, 1, 0),
    ];
    for (since, until, count) in spans {
        let filter = EventFilter {
            project: Some(project()),
            since: Some(at(3600 * since)),
            until: Some(at(3600 * until)),
            ..EventFilter::default()
        };
        for page in [Page::Before(None, 100), Page::After(0, 100)] {
            let found = ledger.events(&filter, page).await.unwrap();
            assert_eq!(found.len(), count, "{since}..{until}");
        }
    }
}
