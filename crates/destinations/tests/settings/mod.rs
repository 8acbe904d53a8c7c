//! Settings of every destination.

use serde_json::{Value, json};

/// What every secret of them is.
pub(crate) const SECRET: &str = "s3cr3t-value";
/// The key of an account that nobody has.
pub(crate) const SERVICE_ACCOUNT: &str = include_str!("service_account.json");

/// Settings of a service of AWS, with these of its own.
fn aws(own: Value) -> Vec<Value> {
    let mut settings = own;
    settings["region"] = "eu-central-1".into();
    settings["access_key_id"] = "AKIDEXAMPLE".into();
    settings["secret_access_key"] = SECRET.into();
    vec![settings]
}

fn preset() -> Vec<Value> {
    vec![json!({ "url": "https://a.example/rc", "authorization": SECRET })]
}

/// The same of who is given a token instead of a password.
fn by_token(mut settings: Value, setting: &str, way: &str) -> Value {
    settings[setting] = way.into();
    settings
        .as_object_mut()
        .expect("they are an object")
        .remove("password");
    settings["token_url"] = "https://auth.example/token".into();
    settings["client_id"] = "client".into();
    settings["client_secret"] = SECRET.into();
    settings
}

/// Settings with which a destination works in each of its ways, every secret set.
pub(crate) fn settings(key: &str) -> Vec<Value> {
    match key {
        "adjust" => vec![json!({
            "ios_app_token": SECRET,
            "android_app_token": SECRET,
            "auth_token": SECRET,
            "android_auth_token": SECRET,
            "event_tokens": adjust_tokens(),
        })],
        "airbridge" => vec![
            json!({ "app_name": "exampleapp", "api_token": SECRET, "ios_bundle_id": "com.example.app" }),
        ],
        "airship" => {
            vec![json!({ "app_key": "app", "token": SECRET, "sandbox_app_key": "test", "sandbox_token": SECRET }), json!({ "app_key": "app", "token": SECRET, "send_attributes": true }), json!({ "app_key": "app", "client_id": "client", "client_secret": SECRET })]
        }
        "amplitude" => vec![json!({ "api_key": SECRET, "sandbox_api_key": SECRET })],
        "appmetrica" => vec![
            json!({ "application_id": "1111", "post_api_key": SECRET, "sandbox_application_id": "2222", "sandbox_post_api_key": SECRET, "send_revenue": true }),
        ],
        "appsflyer" => vec![json!({
            "key": SECRET,
            "android_key": SECRET,
            "sandbox_key": SECRET,
            "sandbox_android_key": SECRET,
            "ios_app_id": "id1234567890",
            "web_token": SECRET,
        })],
        "asapty" => vec![json!({ "asapty_id": SECRET })],
        "branch" => vec![json!({ "branch_key": SECRET, "sandbox_branch_key": SECRET })],
        "braze" => vec![
            json!({ "rest_endpoint": "https://rest.iad-01.braze.com", "api_key": SECRET, "sandbox_api_key": SECRET }),
            json!({ "rest_endpoint": "https://rest.fra-01.braze.eu", "api_key": SECRET, "revenue_as": "purchases", "names": "revenuecat", "send_attributes": true }),
        ],
        "clevertap" => {
            vec![json!({ "account_id": "acc", "passcode": SECRET, "sandbox_account_id": "test", "sandbox_passcode": SECRET }), json!({ "account_id": "acc", "passcode": SECRET, "send_attributes": true })]
        }
        "customerio" => {
            vec![json!({ "site_id": "site", "api_key": SECRET, "sandbox_site_id": "test", "sandbox_api_key": SECRET }), json!({ "site_id": "site", "api_key": SECRET, "send_attributes": true })]
        }
        "discord" => {
            vec![json!({ "webhook_url": format!("https://discord.com/api/webhooks/1/{SECRET}") })]
        }
        "email" => {
            let settings = |security: &str| json!({ "server": "smtp.example.com:587", "security": security, "username": "tidings", "password": SECRET, "from": "Events <events@example.com>", "to": ["team@example.com", "boss@example.com"] });
            vec![
                settings("starttls"),
                settings("tls"),
                by_token(settings("starttls"), "sign_in", "oauth"),
            ]
        }
        "kafka" => {
            let settings = |mechanism: &str| json!({ "brokers": "b1.example:9093, b2.example", "topic": "events", "mechanism": mechanism, "user": "tidings", "password": SECRET });
            vec![
                settings("plain"),
                settings("scram_sha_512"),
                by_token(settings("plain"), "mechanism", "oauthbearer"),
            ]
        }
        "postgres" => ["tls", "none"]
            .map(|encryption| json!({ "server": "db.example", "database": "subs", "table": "analytics.events", "user": "tidings", "password": SECRET, "encryption": encryption }))
            .to_vec(),
        "rabbitmq" => ["tls", "none"]
            .map(|encryption| json!({ "server": "mq.example", "exchange": "events", "user": "tidings", "password": SECRET, "encryption": encryption }))
            .to_vec(),
        "ga4" => vec![
            json!({ "ios_firebase_app_id": "1:1234:ios:abcd", "ios_api_secret": SECRET, "android_firebase_app_id": "1:1234:android:abcd", "android_api_secret": SECRET }),
        ],
        "intercom" => vec![
            json!({ "access_token": SECRET, "update_contacts": true }),
            json!({ "access_token": SECRET }),
        ],
        "iterable" => vec![
            json!({ "api_key": SECRET, "sandbox_api_key": SECRET }),
            json!({ "api_key": SECRET, "send_attributes": true }),
        ],
        "klaviyo" => vec![
            json!({ "private_key": SECRET, "sandbox_private_key": SECRET }),
            json!({ "private_key": SECRET, "send_attributes": true }),
        ],
        "kochava" => vec![json!({
            "ios_app_guid": SECRET,
            "android_app_guid": SECRET,
            "sandbox_ios_app_guid": SECRET,
            "sandbox_android_app_guid": SECRET,
        })],
        "meta" => vec![
            json!({
                "dataset_id": "778899",
                "access_token": SECRET,
                "sandbox_dataset_id": "778800",
                "sandbox_access_token": SECRET,
                "ios_bundle_id": "com.example.app",
            }),
            json!({
                "type": "app_events",
                "app_id": "112233",
                "client_token": SECRET,
                "sandbox_app_id": "112200",
                "sandbox_client_token": SECRET,
            }),
        ],
        "mixpanel" => vec![
            json!({ "project_token": SECRET, "sandbox_project_token": SECRET, "profile_revenue": true }),
            json!({ "service_account": "svc.1", "service_secret": SECRET, "project_id": "1234567" }),
        ],
        "mparticle" => vec![
            json!({ "ios_key": "ios-key", "ios_secret": SECRET, "android_key": "android-key", "android_secret": SECRET }),
        ],
        "appstack" | "solarengine" | "splitmetrics" | "superwall" => preset(),
        "azure_blob" => vec![
            json!({ "account": "acct", "container": "events", "account_key": "czNjcjN0LXZhbHVl", "format": "csv" }),
            json!({ "account": "acct", "container": "events", "sas_token": format!("sv=1&sig={SECRET}"), "format": "csv.gz" }),
        ],
        "bigquery" => vec![
            json!({ "project": "p1", "dataset": "subs", "service_account": SERVICE_ACCOUNT, "send_attributes": true }),
        ],
        "clickhouse" => ["asynchronous", "plain"]
            .map(|inserts| json!({ "url": "https://ch.example:8443", "user": "tidings", "password": SECRET, "inserts": inserts }))
            .to_vec(),
        "eventbridge" => aws(json!({})),
        "gcs" => vec![json!({ "bucket": "events", "service_account": SERVICE_ACCOUNT, "format": "jsonl" })],
        "pubsub" => vec![
            json!({ "project": "p1", "topic": "events", "service_account": SERVICE_ACCOUNT }),
        ],
        "s3" => ["jsonl", "jsonl.gz", "csv", "csv.gz"]
            .into_iter()
            .flat_map(|format| aws(json!({ "bucket": "events", "format": format })))
            .collect(),
        "sns" => aws(json!({ "topic_arn": "arn:aws:sns:eu-central-1:123456789012:events" })),
        "sqs" => aws(json!({ "queue_url": "https://sqs.eu-central-1.amazonaws.com/123456789012/events.fifo" })),
        "nats" => [
            json!({ "token": SECRET }),
            json!({ "user": "tidings", "password": SECRET, "stream": "EVENTS" }),
            json!({ "credentials": format!("-----BEGIN NATS USER JWT-----\n{SECRET}\n-----BEGIN USER NKEY SEED-----\n{SECRET}") }),
        ]
        .into_iter()
        .map(|mut settings| {
            settings["servers"] = "nats://a.example:4222,tls://b.example:4222".into();
            settings
        })
        .collect(),
        "onesignal" => {
            let app = "11111111-2222-3333-4444-555555555555";
            vec![
                json!({ "app_id": app, "api_key": SECRET, "tags": ["grace_period_expiration_at=grace_until", "entitlement_ids="] }),
            ]
        }
        "posthog" => vec![json!({ "project_api_key": SECRET, "sandbox_project_api_key": SECRET })],
        "pushwoosh" => vec![json!({ "application_code": "AAAAA-BBBBB", "api_token": SECRET })],
        "rudderstack" => {
            vec![json!({ "data_plane_url": "https://plane.example", "write_key": SECRET })]
        }
        "segment" => {
            let account: Value = serde_json::from_str(SERVICE_ACCOUNT).expect("it is JSON");
            vec![
                json!({ "write_key": SECRET }),
                json!({ "write_key": SECRET, "oauth_application": "app", "oauth_private_key": account["private_key"], "oauth_key_id": "key" }),
            ]
        }
        "singular" => ["v1", "v2"]
            .map(|version| {
                json!({
                    "sdk_key": SECRET,
                    "sandbox_sdk_key": SECRET,
                    "ios_bundle_id": "com.example.app",
                    "api_version": version,
                })
            })
            .to_vec(),
        "slack" => {
            vec![json!({ "webhook_url": format!("https://hooks.slack.com/services/{SECRET}") })]
        }
        "snapchat" => vec![json!({ "snap_app_id": "1234567890", "access_token": SECRET })],
        "statsig" => vec![json!({ "server_secret": SECRET })],
        "teams" => {
            vec![json!({ "workflow_url": format!("https://a.logic.azure.com/workflows/1?sig={SECRET}") })]
        }
        "telegram" => vec![json!({ "bot_token": SECRET, "chat_id": "-1001" })],
        "telemetrydeck" => vec![json!({ "namespace": "com.example" })],
        "tenjin" => vec![
            json!({ "ios_sdk_key": SECRET, "android_sdk_key": SECRET, "ios_bundle_id": "com.example.app" }),
        ],
        "tiktok" => vec![
            json!({ "access_token": SECRET, "tiktok_app_id": "7100000000000", "ios_app_id": "1234567890" }),
        ],
        "webhook" => destinations::webhook::FORMATS
            .iter()
            .map(|format| json!({ "format": format, "production_url": "https://a.example/hook", "production_authorization": SECRET, "signing_secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }))
            .collect(),
        other => panic!("give {other} settings to be tested with"),
    }
}

/// A token of Adjust for every kind.
fn adjust_tokens() -> Value {
    let adjust = destinations::find("adjust").expect("Adjust is a destination");
    let kinds = adjust.spec().events.iter().enumerate();
    let tokens = kinds.map(|(at, kind)| (kind.id().to_owned(), format!("tok{at:03}").into()));
    Value::Object(tokens.collect())
}
