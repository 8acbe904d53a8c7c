//! Endpoints that are ill in every way, and the order in which they are asked all the same.

use crate::{
    server::{Api, webhook},
    told::a_receiver,
};
use serde_json::Value;
use simulator::{Behaviour, Receiver};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Endpoints, each ill in a way of its own.
pub(crate) struct Lanes(Vec<(&'static str, Receiver)>);

/// The first is well: what it gets twice was sent twice.
const LANES: [(&str, Behaviour); 6] = [
    ("backend", Behaviour::Healthy),
    ("billing", Behaviour::Failing(10)),
    ("busy", Behaviour::Busy(10)),
    ("moved", Behaviour::Redirecting(10)),
    ("cut", Behaviour::Cutting(10)),
    ("stalled", Behaviour::Stalling(1)),
];

impl Lanes {
    pub(crate) async fn open() -> Self {
        let mut lanes = Vec::new();
        for (key, behaviour) in LANES {
            lanes.push((key, a_receiver(behaviour).await));
        }
        Self(lanes)
    }

    pub(crate) fn hooks(&self) -> Vec<String> {
        let hook = |(key, receiver): &(&str, Receiver)| webhook(key, &receiver.url);
        self.0.iter().map(hook).collect()
    }

    /// Waits until every delivery has arrived; answers how many there are. Whatever a lane answers, the first attempts of a customer are in the
    /// order of the events.
    pub(crate) async fn all_arrived(&self, api: &Api, events: &[Value]) -> usize {
        let mut deliveries = 0;
        for ((key, receiver), (_, behaviour)) in self.0.iter().zip(LANES) {
            let wanted = wanted(events, key);
            // Whoever sends elsewhere has answered, and is not asked again.
            let moves = matches!(behaviour, Behaviour::Redirecting(_));
            let has_arrived = |id: &str| {
                let received = receiver.received();
                received.events.contains_key(id) || moves && received.tried.contains_key(id)
            };
            let end = Instant::now() + Duration::from_secs(200);
            while !wanted.iter().all(|id| has_arrived(id)) {
                let late = Instant::now() > end;
                let missing: Vec<Value> = if late { api.events().await } else { Vec::new() };
                let missing = missing.iter().filter(|event| {
                    let id = event["id"].as_str().unwrap();
                    wanted.contains(id) && !has_arrived(id)
                });
                let missing: Vec<_> = missing.map(|event| &event["integrations"]).collect();
                assert!(!late, "not received by {key}: {missing:#?}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let received = receiver.received();
            assert_eq!(
                received.accepted.len(),
                received.events.len(),
                "a delivery has one id, however often it is sent"
            );
            assert_eq!(received.overtaken, [], "first attempts of {key}");
            deliveries += wanted.len();
        }
        deliveries
    }

    /// What the lane that is well got twice.
    pub(crate) fn repeated(&self) -> u32 {
        let (_, healthy) = &self.0[0];
        let received = healthy.received();
        received.events.values().map(|times| times - 1).sum()
    }
}

/// Events that are to be delivered to an integration.
pub(crate) fn wanted<'a>(events: &'a [Value], key: &str) -> BTreeSet<&'a str> {
    let ids = events
        .iter()
        .filter(|event| is_wanted(event, key))
        .map(|event| event["id"].as_str().unwrap());
    ids.collect()
}

/// Whether an event is to be delivered to an integration.
pub(crate) fn is_wanted(event: &Value, key: &str) -> bool {
    let states = event["integrations"].as_array().unwrap();
    let of_key = |state: &Value| state["key"] == key && !state["delivery"].is_null();
    states.iter().any(of_key)
}
