//! Situations in which existing systems lose, double, reorder or misname events: those that an App Store and webhooks can
//! produce. Each has a name, and each is played through a whole engine.

use crate::world::{Chain, DAY, World, answer};
use domain::{CancellationReason, EventKind::*, NotSent};
use engine::{Accepted, TransportError};
use ledger::{AuditFilter, DeliveryState, IntegrationState};
use std::collections::BTreeSet;

const USER: &str = "7e3fb20b-4cdb-47cc-936d-99d65f608138";

#[tokio::test(flavor = "multi_thread")]
async fn the_same_purchase_told_at_once_by_sixteen_gives_one_event() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    // Sixteen different notifications of the same fact, and each of them twice.
    let bodies: Vec<_> = (0..16)
        .map(|_| chain.notify("SUBSCRIBED", world.now()))
        .collect();
    let tasks = bodies.iter().chain(&bodies).map(|body| world.tell(body));
    let accepted = futures_util::future::join_all(tasks).await;
    assert!(accepted.iter().all(Result::is_ok), "{accepted:?}");
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
    let events = world.events().await;
    assert_eq!(
        events
            .iter()
            .map(|event| event.customer_seq)
            .collect::<Vec<_>>(),
        [1, 2],
        "numbered without gaps"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn late_disabled_after_enabled_says_nothing() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    chain.renewal["autoRenewStatus"] = 0.into();
    let disabled = chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now());
    chain.renewal["autoRenewStatus"] = 1.into();
    world
        .tell(&chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now()))
        .await
        .unwrap();
    assert!(matches!(
        world.tell(&disabled).await,
        Ok(Accepted::Processed { events: 0, .. })
    ));
    assert_eq!(world.kinds().await, [SubscriptionStarted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fourteen_missed_renewals_are_each_told_once_however_late() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    let mut missed = Vec::new();
    for _ in 0..14 {
        world.pass(30 * DAY).await;
        chain.renew();
        missed.push(chain.notify("DID_RENEW", world.now()));
    }
    world.pass(30 * DAY).await;
    chain.renew();
    world
        .tell(&chain.notify("DID_RENEW", world.now()))
        .await
        .unwrap();
    for body in missed.iter().rev().chain(&missed) {
        world.tell(body).await.unwrap();
    }
    let events: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.kind == SubscriptionRenewed)
        .collect();
    let transactions: BTreeSet<_> = events
        .iter()
        .map(|event| event.transaction.as_ref().unwrap().id.clone())
        .collect();
    assert_eq!((events.len(), transactions.len()), (15, 15));
    assert_eq!(events.iter().filter(|event| event.late).count(), 14);
    let last = world.events().await.pop().unwrap();
    let access = &last.access["premium"];
    assert_eq!(
        access.expires_at.unwrap().as_millisecond(),
        chain.transaction["expiresDate"].as_i64().unwrap(),
        "late renewals never shorten access"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_first_seen_expired_tells_only_that() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world.pass(400 * DAY).await;
    chain.status = 2;
    chain.renewal["expirationIntent"] = 1.into();
    world
        .tell(&chain.notify("EXPIRED", world.now()))
        .await
        .unwrap();
    let events = world.events().await;
    assert_eq!(world.kinds().await, [SubscriptionExpired]);
    assert!(events[0].historical);
    assert_eq!(
        events[0].cancellation_reason,
        Some(CancellationReason::VoluntarilyCancelled)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_an_earlier_period_takes_no_access() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    let mut first = chain.clone();
    world.pass(30 * DAY).await;
    chain.renew();
    world
        .tell(&chain.notify("DID_RENEW", world.now()))
        .await
        .unwrap();
    first.transaction["revocationDate"] = world.now().as_millisecond().into();
    world.pass(1).await;
    let mut refund = chain.clone();
    refund.transaction = first.transaction;
    world
        .tell(&refund.notify("REFUND", world.now()))
        .await
        .unwrap();
    assert_eq!(
        world.kinds().await,
        [
            SubscriptionStarted,
            SubscriptionRenewed,
            SubscriptionRefunded
        ]
    );
    let last = world.events().await.pop().unwrap();
    assert!(
        last.access["premium"].is_active && last.kind == SubscriptionRefunded,
        "and no access update"
    );
    assert_eq!(last.customer.revenue_usd_micros, 9_990_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_products_that_unlock_one_entitlement_losing_one_takes_no_access() {
    let world = World::new().await;
    let mut monthly = Chain::purchase(1000, "monthly", Some(USER), world.now());
    let mut yearly = Chain::purchase(2000, "yearly", Some(USER), world.now());
    world
        .tell(&monthly.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    world
        .tell(&yearly.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    monthly.transaction["revocationDate"] = world.now().as_millisecond().into();
    monthly.status = 5;
    world
        .tell(&monthly.notify("REFUND", world.now()))
        .await
        .unwrap();
    let refunded = world
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == SubscriptionRefunded)
        .unwrap();
    assert!(refunded.access["premium"].is_active);
    assert_eq!(refunded.access["premium"].product, "yearly");
    assert_eq!(
        refunded.customer.app_user_id, USER,
        "both belong to one customer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_without_entitlements_or_unknown_still_tells_its_events() {
    let world = World::new().await;
    for (id, product) in [(1000, "unmapped"), (2000, "never.heard.of")] {
        let mut chain = Chain::purchase(id, product, Some(USER), world.now());
        world
            .tell(&chain.notify("SUBSCRIBED", world.now()))
            .await
            .unwrap();
    }
    let events = world.events().await;
    assert_eq!(
        events.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [SubscriptionStarted, SubscriptionStarted]
    );
    assert!(
        events
            .iter()
            .all(|event| event.access.is_empty() && event.entitlements.is_empty())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_nobody_announced_gets_a_customer_of_its_own() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", None, world.now()).free();
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    let event = world.events().await.remove(0);
    assert_eq!(event.kind, TrialStarted, "by its facts, whoever told first");
    assert!(event.customer.is_anonymous());
    chain.renew();
    world.pass(30 * DAY).await;
    world
        .tell(&chain.notify("DID_RENEW", world.now()))
        .await
        .unwrap();
    assert_eq!(world.kinds().await, [TrialStarted, TrialConverted]);
    assert_eq!(
        world.events().await.last().unwrap().customer.id,
        event.customer.id
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_refuse_fail_stall_or_answer_garbage_are_told_apart() {
    for (answered, state, reason) in [
        (
            answer(404, "not here"),
            DeliveryState::Failed,
            Some(NotSent::RejectedByDestination),
        ),
        (
            answer(200, "\u{0}garbage <html>"),
            DeliveryState::Delivered,
            None,
        ),
        (
            answer(500, "oops"),
            DeliveryState::Pending,
            Some(NotSent::RejectedByDestination),
        ),
        (
            Err(TransportError::Network("no answer within 10 s".into())),
            DeliveryState::Pending,
            Some(NotSent::NetworkError),
        ),
        (
            Err(TransportError::Blocked(
                "10.0.0.1 is an internal address".into(),
            )),
            DeliveryState::Failed,
            Some(NotSent::BlockedAddress),
        ),
    ] {
        let world = World::new().await;
        let expected = answered.clone();
        world.answer_with(move |_, _| answered.clone());
        let mut chain = Chain::purchase(1000, "unmapped", Some(USER), world.now());
        world
            .tell(&chain.notify("SUBSCRIBED", world.now()))
            .await
            .unwrap();
        world.catch_up().await;
        let row = world.feed().await.remove(0);
        for (_, shown) in &row.integrations {
            let IntegrationState::Delivery {
                id,
                state: found,
                reason: because,
                attempts,
                ..
            } = shown
            else {
                panic!("{shown:?}")
            };
            assert_eq!(
                (*found, *because, *attempts),
                (state, reason, 1),
                "{expected:?}"
            );
            let attempts = world.engine.ledger().attempts(*id).await.unwrap();
            assert_eq!(
                attempts[0].status,
                expected.as_ref().ok().map(|response| response.status)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_down_for_twenty_hours_gets_everything_in_order_and_holds_up_no_other() {
    let world = World::new().await;
    world.answer_with(|url, _| {
        if url.starts_with("https://a.") {
            Err(TransportError::Network("connection refused".into()))
        } else {
            answer(200, "{}")
        }
    });
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    for on in [0, 1, 0] {
        chain.renewal["autoRenewStatus"] = on.into();
        world
            .tell(&chain.notify("DID_CHANGE_RENEWAL_STATUS", world.now()))
            .await
            .unwrap();
    }
    let events = world.events().await.len();
    world.catch_up().await;
    let in_order: Vec<u64> = (1..=events as u64).collect();
    assert_eq!(
        world
            .received("https://b.")
            .iter()
            .map(|(_, seq)| *seq)
            .collect::<Vec<_>>(),
        in_order
    );
    // Twenty hours in steps, as retries and probes come due.
    for _ in 0..80 {
        world.pass(900).await;
    }
    world.endpoints.sent.lock().unwrap().clear();
    world.answer_with(|_, _| answer(200, "{}"));
    let ledger = world.engine.ledger();
    world
        .pass_until(900, "everything is sent", async || {
            ledger.backlog().await.unwrap().is_empty()
        })
        .await;
    assert_eq!(
        world.received("https://a.").len(),
        events,
        "each once, after the outage"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_expirations_in_the_same_minute_are_all_told() {
    const MANY: u64 = 2_000;
    let world = World::new().await;
    let start = world.now();
    let tells: Vec<_> = (0..MANY)
        .map(|number| {
            Chain::purchase(1_000_000 + number * 10, "monthly", None, start)
                .notify("SUBSCRIBED", start)
        })
        .collect();
    // As many as a node has no trouble with, however busy the machine: whoever has to wait for long is told to come again.
    for part in tells.chunks(32) {
        let told = futures_util::future::join_all(part.iter().map(|body| world.tell(body))).await;
        assert!(told.iter().all(Result::is_ok));
    }
    world.pass(33 * DAY + 60).await;
    world.catch_up().await;
    let mut told = world.kinds().await;
    told.retain(|kind| *kind == SubscriptionExpired);
    assert_eq!(told.len() as u64, MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_answers_and_an_unknown_app_is_refused() {
    let world = World::new().await;
    assert!(world.feed().await.is_empty());
    let nobody = "app_01h455vb4pex5vsknk084sn02q".parse().unwrap();
    assert!(matches!(
        world
            .engine
            .intake()
            .accept(nobody, &crate::world::incoming("{}"))
            .await,
        Err(engine::IntakeError::UnknownApp(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn genuine_messages_that_cannot_be_read_are_kept_and_not_refused() {
    let world = World::new().await;
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    chain.transaction["purchaseDate"] = "a new format".into();
    let body = chain.notify("SUBSCRIBED", world.now());
    let Ok(Accepted::Parked { id }) = world.tell(&body).await else {
        panic!("it should be parked")
    };
    let record = world.engine.ledger().inbox(id).await.unwrap().unwrap();
    assert_eq!(record.message.body, body.as_bytes());
    assert!(record.parked.unwrap().contains("cannot be read"));
    assert!(world.events().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_for_want_of_credentials_is_sent_once_the_settings_are_saved() {
    let world = World::new().await;
    let setup = world.engine.setup();
    let integration = setup.integrations().next().unwrap().clone();
    let save = async |settings: serde_json::Value| {
        let sealed_settings = world.engine.vault().seal(
            &integration.row.id.to_string(),
            settings.to_string().as_bytes(),
        );
        let row = ledger::Integration {
            sealed_settings,
            verification: ledger::Verification::Passed,
            ..(*integration.row).clone()
        };
        let change = vec![ledger::ConfigurationChange::PutIntegration(row)];
        let now = world.engine.setup();
        world.engine.configure(&now, change, "test").await
    };
    assert!(
        save(serde_json::json!({ "production_url": "https://p.example/" }))
            .await
            .unwrap()
    );
    let mut chain = Chain::purchase(1000, "unmapped", Some(USER), world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    world.catch_up().await;
    let row = world.feed().await.remove(0);
    assert!(row.integrations.iter().any(|(_, state)| {
        matches!(
            state,
            IntegrationState::Delivery {
                reason: Some(NotSent::MissingCredentials),
                state: DeliveryState::Failed,
                ..
            }
        )
    }));
    assert!(
        save(serde_json::json!({ "sandbox_url": "https://a.example/" }))
            .await
            .unwrap()
    );
    world
        .until("it is sent", || world.received("https://a.").len() == 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_tells_once_and_only_while_the_trial_still_runs() {
    let world = World::new().await;
    let setup = world.engine.setup();
    let integration = setup.integrations().next().unwrap().clone();
    let settings =
        serde_json::json!({ "sandbox_url": "https://a.example/", "trial_active_days": 3 });
    let sealed_settings = world.engine.vault().seal(
        &integration.row.id.to_string(),
        settings.to_string().as_bytes(),
    );
    let row = ledger::Integration {
        sealed_settings,
        ..(*integration.row).clone()
    };
    assert!(
        world
            .engine
            .configure(
                &world.engine.setup(),
                vec![ledger::ConfigurationChange::PutIntegration(row)],
                "test"
            )
            .await
            .unwrap()
    );
    let mut running = Chain::purchase(1000, "monthly", Some(USER), world.now()).free();
    let mut refunded = Chain::purchase(2000, "yearly", None, world.now()).free();
    world
        .tell(&running.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    world
        .tell(&refunded.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    world.pass(DAY).await;
    refunded.transaction["revocationDate"] = world.now().as_millisecond().into();
    refunded.status = 5;
    world
        .tell(&refunded.notify("REFUND", world.now()))
        .await
        .unwrap();
    for hours in [47, 2, 24] {
        world.pass(hours * 3600).await;
    }
    world.catch_up().await;
    let timers: Vec<_> = world
        .feed()
        .await
        .into_iter()
        .filter(|row| row.event.kind == TrialActive)
        .collect();
    assert_eq!(timers.len(), 1);
    assert_eq!(timers[0].event.after_days, Some(3));
    let told = timers[0].integrations.iter().map(|(id, state)| {
        (
            *id == integration.row.id,
            matches!(state, IntegrationState::Delivery { .. }),
        )
    });
    assert!(
        told.clone().all(|(asked, sent)| asked == sent),
        "only to the integration that asked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_wants_no_more_is_left_alone_and_loses_nothing() {
    let world = World::new().await;
    let setup = world.engine.setup();
    let mut row = (*setup.integrations().next().unwrap().row).clone();
    let settings = r#"{"format":"standard","sandbox_url":"https://a.example/"}"#;
    row.sealed_settings = world
        .engine
        .vault()
        .seal(&row.id.to_string(), settings.as_bytes());
    let change = vec![ledger::ConfigurationChange::PutIntegration(row.clone())];
    assert!(
        world
            .engine
            .configure(&world.engine.setup(), change, "test")
            .await
            .unwrap()
    );
    world.answer_with(|url, _| answer(if url.contains("a.example") { 410 } else { 200 }, "{}"));
    let mut chain = Chain::purchase(1000, "monthly", Some(USER), world.now());
    world
        .tell(&chain.notify("SUBSCRIBED", world.now()))
        .await
        .unwrap();
    let is_paused = || {
        let setup = world.engine.setup();
        setup.integration(row.id).unwrap().row.paused
    };
    world.until("it is paused", is_paused).await;
    world.pass(30 * DAY).await;
    chain.renew();
    world
        .tell(&chain.notify("DID_RENEW", world.now()))
        .await
        .unwrap();
    let backlog = world.engine.ledger().backlog().await.unwrap();
    assert!(
        backlog
            .iter()
            .any(|waiting| waiting.integration == row.id && waiting.count >= 2),
        "what came later is kept: {backlog:?}"
    );
    let filter = AuditFilter {
        project: row.project,
        with_common: false,
    };
    let log = world.engine.ledger().audit(filter, None, 10);
    let log = log.await.unwrap();
    assert!(log.iter().any(|deed| deed.who.contains("410")));
}
