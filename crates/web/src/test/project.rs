//! What the server's projects are set up to be.

use configuration::Desired;
use serde_json::{Value, json};

fn desired(document: Value) -> Desired {
    serde_json::from_value(document).unwrap()
}

/// A shop whose purchases are stated, an app of each store, none of which can be asked, products, and three integrations: a
/// webhook, Slack, and a paused webhook.
pub(super) fn acme() -> Desired {
    let webhook = |url: &str| json!({ "production_url": url, "sandbox_url": url, "production_authorization": "hush" });
    desired(json!({
        "project": { "key": "acme", "name": "Acme" },
        "entitlements": { "premium": { "name": "Premium" } },
        "products": {
            "gold": { "name": "Gold", "entitlements": ["premium"] },
            "silver": { "entitlements": [] },
        },
        "apps": {
            "shop": { "store": "external", "name": "Our shop", "store_name": "our_shop" },
            "ios": { "store": "app_store", "name": "iOS", "bundle_id": "com.example.app", "app_apple_id": 1_234_567_890, "environments": ["production", "sandbox"] },
            "android": { "store": "play_store", "name": "Android", "package": "com.example.app", "push_unauthenticated": true },
            "web": { "store": "stripe", "name": "Web", "signing_secrets": ["whsec_1", "whsec_2"] },
        },
        "integrations": {
            "hook": { "destination": "webhook", "name": "Backend", "settings": webhook("https://hook.example/events") },
            "slack": { "destination": "slack", "name": "Slack", "settings": { "webhook_url": "https://hooks.slack.com/services/T0/B0/x" } },
            "idle": { "destination": "webhook", "name": "Idle", "paused": true, "settings": webhook("https://idle.example/events") },
        },
    }))
}

/// A project of somebody else.
pub(super) fn other() -> Desired {
    desired(json!({
        "project": { "key": "other", "name": "Other" },
        "apps": { "shop": { "store": "external", "store_name": "other_shop" } },
        "integrations": { "hook": { "destination": "webhook", "settings": { "production_url": "https://other.example/events" } } },
    }))
}
