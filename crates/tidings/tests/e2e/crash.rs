//! Killed at any moment, nothing accepted is lost and nothing is told twice.

use crate::{
    server::{Api, Site, now, until, webhook},
    told::a_receiver,
};
use jiff::SignedDuration;
use simulator::{Behaviour, Channel, Random};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const KILLS: u64 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn crash_between_state_and_event_and_anywhere_else() {
    let receiver = a_receiver(Behaviour::Healthy).await;
    let other = a_receiver(Behaviour::Failing(10)).await;
    let site = Site::new(&[
        webhook("backend", &receiver.url),
        webhook("billing", &other.url),
    ]);
    let mut random = Random::new(20_261_121);
    let mut server = site.serve();
    // The port stays, so that the store finds the server again.
    let address = server.url.trim_start_matches("http://").to_owned();
    let driver = server.driver(10, 99);
    let begun = now();
    let steps = driver.script(
        Channel::Apple,
        0..200,
        begun,
        SignedDuration::from_secs(10),
        6,
    );
    let sent = steps.iter().filter(|turn| turn.tells).count() as u64;
    let driving = tokio::spawn(async move {
        driver
            .run(steps, begun, 48, Duration::from_secs(60))
            .await
            .unwrap()
    });
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(150 + random.below(450))).await;
        server.kill();
        server = site.serve_at(&address);
    }
    let report = driving.await.unwrap();
    assert_eq!(
        report.messages, sent,
        "the store got every notification accepted in the end"
    );
    assert!(report.refused > 0, "the kills were felt");

    let api = Api::new(&site, &server, &[]);
    let events = api.events().await;
    let mut keys: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for event in &events {
        *keys
            .entry((
                event["customer"]["id"].as_str().unwrap(),
                event["key"].as_str().unwrap(),
            ))
            .or_default() += 1;
    }
    assert!(
        keys.values().all(|times| *times == 1),
        "every event exactly once"
    );
    // Every transaction that was accepted and charged has its event.
    let charged: BTreeSet<&str> = events
        .iter()
        .filter_map(|event| event["key"].as_str()?.split("charged:").nth(1))
        .collect();
    let seqs_without_gaps = {
        let mut seqs: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for event in &events {
            seqs.entry(event["customer"]["id"].as_str().unwrap())
                .or_default()
                .insert(event["customer_seq"].as_u64().unwrap());
        }
        seqs.values()
            .all(|seqs| seqs.iter().copied().eq(1..=seqs.len() as u64))
    };
    assert!(seqs_without_gaps);
    let mut untold: BTreeSet<&str> = report.accepted.iter().map(String::as_str).collect();
    untold.retain(|transaction| !charged.contains(transaction));
    // Only subscriptions that a family member pays have none: then the customer has no other charge of a subscription.
    let subscriptions: BTreeSet<&str> = events
        .iter()
        .filter(|event| event["kind"] != "non_subscription_purchase")
        .filter_map(|event| event["key"].as_str()?.split("charged:").nth(1))
        .collect();
    for transaction in &untold {
        let customer = transaction.get(..transaction.len() - 4).unwrap();
        assert!(
            !subscriptions
                .iter()
                .any(|charged| charged.starts_with(customer)),
            "{transaction} was accepted but has no event: {:#?}",
            events
                .iter()
                .filter(|event| event["purchase"]["chain"]
                    .as_str()
                    .is_some_and(|chain| chain.starts_with(customer)))
                .map(|event| (
                    event["key"].clone(),
                    event["recorded_at"].clone(),
                    event["occurred_at"].clone()
                ))
                .collect::<Vec<_>>()
        );
    }
    let wanted: Vec<&str> = events
        .iter()
        .filter(|event| {
            event["integrations"]
                .as_array()
                .unwrap()
                .iter()
                .any(|state| state["key"] == "backend" && !state["delivery"].is_null())
        })
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    for receiver in [&receiver, &other] {
        until("every delivery is received at least once", || async {
            wanted
                .iter()
                .all(|id| receiver.received().events.contains_key(*id))
        })
        .await;
    }
    let received = receiver.received().clone();
    let repeated: u32 = received.events.values().map(|times| times - 1).sum();
    let limit = u32::try_from(KILLS).unwrap() * 48;
    assert!(repeated <= limit, "{repeated} repeats for {KILLS} kills");
    // A delivery has one id, however often it was sent: as many ids as events.
    assert_eq!(received.accepted.len(), received.events.len());
    assert!(site.run(&["doctor"]).contains("is intact"));
}
