//! Garbage, forgeries and mistakes: the right status, a problem that names what is wrong, and nothing stored.

use crate::server::{AUTHORITY, Api, BUNDLE_ID, Site, now, post};
use serde_json::{Value, json};
use simulator::{App, Authority, Life, Pace};

fn body(authority: &Authority, bundle_id: &str, at: jiff::Timestamp) -> String {
    let app = App {
        bundle_id: bundle_id.into(),
        environment: "LocalTesting".into(),
    };
    let life = Life::play(
        &app,
        Pace {
            day: jiff::SignedDuration::from_secs(1),
        },
        1,
        1,
        at,
        1,
    );
    life.notifications[0].body(authority).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_genuine_notification_is_refused_and_leaves_nothing() {
    let site = Site::new(&[]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    let genuine = body(&AUTHORITY, BUNDLE_ID, now());
    let forged = {
        // A chain that looks right, of another authority.
        body(&Authority::create().unwrap(), BUNDLE_ID, now())
    };
    let tampered = {
        // The genuine chain, above a payload of the forger's own.
        let genuine: Value = serde_json::from_str(&genuine).unwrap();
        let parts: Vec<_> = genuine["signedPayload"]
            .as_str()
            .unwrap()
            .split('.')
            .map(str::to_owned)
            .collect();
        let other: Value = serde_json::from_str(&forged).unwrap();
        let theirs: Vec<_> = other["signedPayload"]
            .as_str()
            .unwrap()
            .split('.')
            .map(str::to_owned)
            .collect();
        json!({ "signedPayload": format!("{}.{}.{}", parts[0], theirs[1], theirs[2]) }).to_string()
    };
    let production = genuine_claiming_production();
    let future = body(
        &AUTHORITY,
        BUNDLE_ID,
        now()
            .checked_add(jiff::SignedDuration::from_hours(1))
            .unwrap(),
    );
    let big = "x".repeat(2 << 20);
    let cases: Vec<(&str, String, u16, &str)> = vec![
        ("empty", String::new(), 400, "malformed_payload"),
        ("not JSON", "{".into(), 400, "malformed_payload"),
        ("binary", "\u{0}\u{1}\u{2}".into(), 400, "malformed_payload"),
        (
            "truncated",
            genuine.chars().take(genuine.len() / 2).collect(),
            400,
            "malformed_payload",
        ),
        ("no payload", "{}".into(), 400, "malformed_payload"),
        (
            "oversized",
            format!("{{\"signedPayload\":\"{big}\"}}"),
            413,
            "body_too_large",
        ),
        ("forged", forged, 401, "untrusted_certificate"),
        ("tampered", tampered, 401, "invalid_signature"),
        (
            "another bundle",
            body(&AUTHORITY, "com.example.other", now()),
            422,
            "wrong_app",
        ),
        (
            "production, signed locally",
            production,
            401,
            "untrusted_certificate",
        ),
        ("from the future", future, 503, "signed_in_the_future"),
    ];
    for (name, sent, status, code) in cases {
        let (found, problem) = post(&server.callback, sent).await;
        assert_eq!(
            (found, problem["code"].as_str()),
            (status, Some(code)),
            "{name}: {problem}"
        );
        assert!(
            !problem["detail"].as_str().unwrap().is_empty() && problem["status"] == status,
            "{name}"
        );
    }
    let nowhere = server.callback.replace("app_", "app_0");
    assert_eq!(
        post(&nowhere, genuine.clone()).await.1["code"],
        "unknown_app"
    );
    let other = format!(
        "{}/callbacks/apple/app_01h455vb4pex5vsknk084sn02q",
        server.url
    );
    assert_eq!(post(&other, genuine.clone()).await.0, 404);
    assert_eq!(api.events().await.len(), 0);
    assert_eq!(api.get("/projects/acme/customers").await["data"], json!([]));
    let metrics = server.metrics().await;
    for code in [
        "malformed_payload",
        "untrusted_certificate",
        "invalid_signature",
        "wrong_app",
        "signed_in_the_future",
        "unknown_app",
    ] {
        assert!(
            metrics.contains(&format!("outcome=\"{code}\"")),
            "{code} is counted"
        );
    }
    // Told again and again, a genuine one counts once.
    for _ in 0..3 {
        assert_eq!(post(&server.callback, genuine.clone()).await.0, 200);
    }
    assert_eq!(
        api.events()
            .await
            .iter()
            .filter(|event| event["kind"] != "access_level_updated")
            .count(),
        1
    );
    assert!(!site.log().contains("panicked"));
}

/// Claims to be production, where only Apple's own root counts.
fn genuine_claiming_production() -> String {
    let app = App {
        bundle_id: BUNDLE_ID.into(),
        environment: "Production".into(),
    };
    let life = Life::play(
        &app,
        Pace {
            day: jiff::SignedDuration::from_secs(1),
        },
        1,
        1,
        now(),
        1,
    );
    life.notifications[0].body(&AUTHORITY).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_names_the_field_that_is_wrong() {
    let site = Site::new(&[]);
    let server = site.serve();
    let api = Api::new(&site, &server, &[]);
    for (method, path, body, status, code, mentions) in [
        (
            "GET",
            "/projects/acme/events?kind=nonsense",
            None,
            400,
            "malformed_query",
            "nonsense",
        ),
        (
            "GET",
            "/projects/acme/events?since=yesterday",
            None,
            400,
            "malformed_query",
            "since",
        ),
        (
            "GET",
            "/projects/acme/events?limit=many",
            None,
            400,
            "malformed_query",
            "limit",
        ),
        (
            "GET",
            "/projects/acme/events?colour=red",
            None,
            400,
            "malformed_query",
            "colour",
        ),
        (
            "GET",
            "/projects/acme/events?state=lost",
            None,
            400,
            "malformed_query",
            "pending, delivered, failed",
        ),
        (
            "GET",
            "/projects/acme/events/evt_1",
            None,
            400,
            "malformed_query",
            "evt_",
        ),
        (
            "GET",
            "/projects/acme/events/evt_01h455vb4pex5vsknk084sn02q",
            None,
            404,
            "not_found",
            "event",
        ),
        (
            "GET",
            "/projects/nobody/events",
            None,
            404,
            "not_found",
            "nobody",
        ),
        ("GET", "/nonsense", None, 404, "not_found", "openapi"),
        (
            "DELETE",
            "/projects",
            None,
            405,
            "method_not_allowed",
            "openapi",
        ),
        (
            "PUT",
            "/projects/acme/integrations/x",
            Some(json!({ "destination": "telegraph" })),
            422,
            "invalid",
            "did you mean `telegram`?",
        ),
        (
            "PUT",
            "/projects/acme/integrations/x",
            Some(json!({ "destination": "webhook", "settings": { "production_url": "nope" } })),
            422,
            "invalid",
            "settings.production_url",
        ),
        (
            "PUT",
            "/projects/acme/products/p",
            Some(json!({ "entitlements": ["gold"] })),
            422,
            "invalid",
            "gold",
        ),
        (
            "PUT",
            "/projects/acme/apps/android",
            Some(json!({ "store": "play", "bundle_id": "x" })),
            422,
            "invalid",
            "app_store",
        ),
        (
            "PUT",
            "/projects/acme/apps/ios",
            Some(json!({ "store": "app_store", "bundle": 1 })),
            422,
            "invalid",
            "bundle",
        ),
        (
            "PUT",
            "/projects/acme",
            Some(json!(["name"])),
            400,
            "malformed_body",
            "expected a map",
        ),
        (
            "PUT",
            "/projects/acme",
            Some(json!("name")),
            400,
            "malformed_body",
            "expected a map",
        ),
        (
            "PUT",
            "/projects/acme",
            Some(json!(null)),
            400,
            "malformed_body",
            "expected a map",
        ),
        (
            "PUT",
            "/projects/acme",
            Some(json!({ "sandbox_transfer_behaviour": "as_in_production" })),
            400,
            "malformed_body",
            "as_in_production",
        ),
        (
            "PUT",
            "/projects/A B",
            Some(json!({})),
            422,
            "invalid",
            "lower-case",
        ),
        (
            "DELETE",
            "/projects/acme/entitlements/premium",
            None,
            422,
            "invalid",
            "monthly",
        ),
    ] {
        let (found, problem) = api.send(method, path, body).await;
        assert_eq!(
            (found, problem["code"].as_str()),
            (status, Some(code)),
            "{method} {path}: {problem}"
        );
        assert!(
            problem.to_string().contains(mentions),
            "{method} {path}: {problem}"
        );
    }
}
