//! What a store asks or says that a person must act on: refunds asked for and declined, one undone that nobody heard of, a trial
//! that will end.
//!
//! Sources: Apple, App Store Server Notifications, `notificationType` and `consumptionRequestReason`, and *Send Consumption
//! Information* (an answer is awaited for 12 hours); Google, "Real-time developer notifications reference guide",
//! `PendingRefundReviewNotification` (24 hours).

mod answered;
mod heard;

use super::apple::{renewal, signed, transaction};
use crate::world::World;
use domain::{Event, EventKind};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// The App Store sends a notification of this kind about a transaction.
async fn tell(world: &World, kind: &str, id: &str, bought: &Value, more: &Value) {
    world.jump(world.now() + SignedDuration::from_secs(60));
    let mut data = json!({
        "environment": "LocalTesting", "bundleId": "com.example", "signedTransactionInfo": signed(world, bought),
    });
    if bought["type"] == "Auto-Renewable Subscription" {
        let chain = bought["originalTransactionId"].as_str().unwrap();
        data["status"] = 1.into();
        data["signedRenewalInfo"] = signed(world, &renewal(chain, true)).into();
    }
    for (name, value) in more.as_object().unwrap() {
        data[name] = value.clone();
    }
    let payload =
        json!({ "notificationType": kind, "notificationUUID": id, "version": "2.0", "data": data });
    let body = json!({ "signedPayload": signed(world, &payload) }).to_string();
    world.tell(&body).await.unwrap();
    world.settled().await;
}

fn bought(world: &World, chain: &str) -> Value {
    let mut bought = transaction(world, chain, 0, world.now());
    bought["appAccountToken"] = "ann".into();
    bought
}

async fn of_kind(world: &World, kind: EventKind) -> Vec<Event> {
    let events = world.events().await;
    events
        .into_iter()
        .filter(|event| event.kind == kind)
        .collect()
}
