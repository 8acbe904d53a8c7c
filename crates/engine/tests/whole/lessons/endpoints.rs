//! What endpoints refuse, break off, or get too late.

use super::USER;
use crate::world::{Chain, DAY, World, answer};
use domain::{EventKind::*, NotSent};
use engine::TransportError;
use ledger::{AuditFilter, DeliveryState, IntegrationState};

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
            verification: ledger::Verification::Passed.into(),
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
