//! What the server's projects are set up to be.

use configuration::Desired;
use serde_json::{Value, json};

fn desired(document: Value) -> Desired {
    serde_json::from_value(document).unwrap()
}

/// A shop whose purchases are stated, an app of each store, none of which can be asked, products, two offerings, and three integrations: a
/// webhook, Slack, and a paused webhook.
pub(super) fn acme() -> Desired {
    let webhook = |url: &str| json!({ "production_url": url, "sandbox_url": url, "production_authorization": "hush" });
    desired(json!({
        "project": { "key": "acme", "name": "Acme", "current_offering": "default" },
        "entitlements": { "premium": { "name": "Premium" } },
        "products": {
            "gold": { "name": "Gold", "entitlements": ["premium"] },
            "silver": { "entitlements": [] },
        },
        "offerings": {
            "default": {
                "name": "Standard",
                "metadata": { "headline": "Go further" },
                "packages": [
                    { "id": "$rc_monthly", "app_store": "com.example.gold.monthly", "play_store": "gold:p1m", "stripe": "prod_1", "external": "gold" },
                    { "id": "coins", "external": "silver" },
                ],
            },
            "summer": {
                "packages": [{ "id": "$rc_annual", "app_store": "com.example.gold.yearly", "play_store": "gold:p1y" }],
                "audience": { "countries": ["DE"], "platforms": ["ios", "android"], "from_version": "2.0" },
            },
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
