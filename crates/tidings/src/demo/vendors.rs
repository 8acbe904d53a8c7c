//! Destinations of several categories in the demo, at vendors that are played here. Most are well; one has a key that its vendor refuses, one
//! wants to be left alone again and again, one is down, one refuses what it is told, and one lacks what it knows customers by.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use simulator::{Mode, Vendors};
use std::time::Duration;

/// What the vendors take for their key.
const KEY: &str = "demo-key";
/// Between one time that somebody wants to be left alone and the next.
const LEFT_ALONE: Duration = Duration::from_secs(20);

/// How they are, where they are not well.
const ILL: [(&str, Mode); 3] = [
    ("braze", Mode::Throttled),
    ("clickhouse", Mode::Failing),
    ("clevertap", Mode::Refused),
];

/// Vendors that the demo tells.
pub(super) struct Told(Vendors);

impl Told {
    pub(super) async fn start(now: Timestamp) -> Result<Self> {
        let vendors = Vendors::start(KEY, now).await?;
        for (key, mode) in ILL {
            vendors.set(key, mode);
        }
        Ok(Self(vendors))
    }

    /// How often they were asked.
    pub(super) fn requests(&self) -> u64 {
        let keys = self.integrations();
        keys.keys().map(|key| self.0.requests(key)).sum()
    }

    /// Makes somebody want to be left alone again and again, for ever.
    pub(super) async fn live(self) {
        loop {
            tokio::time::sleep(LEFT_ALONE).await;
            self.0.set("braze", Mode::Throttled);
        }
    }

    /// The same, for whoever else asks.
    pub(super) fn again(&self) -> Self {
        Self(self.0.clone())
    }

    /// The integrations, each called as its destination.
    pub(super) fn integrations(&self) -> Map<String, Value> {
        let at = |key: &str| self.0.endpoint(key);
        let retry = json!({ "policy": "custom", "delays": [2, 5, 15, 30, 60, 60, 60] });
        // Some kinds are enough to see, and a demo runs a build that is not made to be fast.
        let few = json!({ "trial_started": false, "trial_renewal_cancelled": false, "subscription_renewed": false,
            "subscription_renewal_cancelled": false, "subscription_expired": false, "trial_expired": false });
        let all = [
            (
                "amplitude",
                "Amplitude",
                json!({ "endpoint": at("amplitude"), "api_key": KEY, "sandbox_api_key": KEY }),
            ),
            (
                "appsflyer",
                "AppsFlyer (nobody has its id)",
                json!({ "endpoint": at("appsflyer"), "key": KEY, "android_key": KEY, "sandbox_key": KEY,
                "sandbox_android_key": KEY, "ios_app_id": "id1234567890", "android_app_id": "com.example.meditation", "wait_minutes": 0 }),
            ),
            (
                "braze",
                "Braze (throttles)",
                json!({ "rest_endpoint": at("braze"), "api_key": KEY, "sandbox_api_key": KEY }),
            ),
            (
                "clevertap",
                "CleverTap (refuses)",
                json!({ "endpoint": at("clevertap"), "account_id": "demo", "passcode": KEY,
                "sandbox_account_id": "demo", "sandbox_passcode": KEY }),
            ),
            (
                "clickhouse",
                "ClickHouse (down)",
                json!({ "url": at("clickhouse"), "user": "tidings", "password": KEY }),
            ),
            (
                "customerio",
                "Customer.io",
                json!({ "endpoint": at("customerio"), "site_id": "demo", "api_key": KEY, "sandbox_site_id": "demo",
                "sandbox_api_key": KEY }),
            ),
            (
                "discord",
                "Discord",
                json!({ "webhook_url": format!("{}/api/webhooks/1/{KEY}", at("discord")), "send_sandbox": true}),
            ),
            (
                "iterable",
                "Iterable (wrong key)",
                json!({ "endpoint": at("iterable"), "api_key": "old-key", "sandbox_api_key": "old-key" }),
            ),
            (
                "mixpanel",
                "Mixpanel",
                json!({ "endpoint": at("mixpanel"), "project_token": KEY, "sandbox_project_token": KEY }),
            ),
            (
                "posthog",
                "PostHog",
                json!({ "endpoint": at("posthog"), "project_api_key": KEY, "sandbox_project_api_key": KEY }),
            ),
            (
                "s3",
                "S3",
                json!({ "endpoint": at("s3"), "bucket": "events", "region": "eu-central-1", "access_key_id": KEY,
                "secret_access_key": KEY, "format": "jsonl", "max_age_seconds": 10 }),
            ),
            (
                "segment",
                "Segment",
                json!({ "endpoint": at("segment"), "write_key": KEY, "send_sandbox": true }),
            ),
            (
                "sqs",
                "SQS",
                json!({ "endpoint": at("sqs"), "queue_url": format!("{}/123456789012/events", at("sqs")), "region": "eu-central-1", "access_key_id": KEY,
                "secret_access_key": KEY }),
            ),
        ];
        let named = all.into_iter().map(|(key, name, mut settings)| {
            settings["retry"] = retry.clone();
            if key != "appsflyer" {
                settings["events"] = few.clone();
            }
            if ["clickhouse", "s3", "sqs"].contains(&key) {
                settings["events"]["access_level_updated"] = false.into();
            }
            let integration = json!({ "name": name, "destination": key, "settings": settings });
            (key.to_owned(), integration)
        });
        named.collect()
    }
}
