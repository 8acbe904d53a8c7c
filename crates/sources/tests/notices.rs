//! What the App Store says that is about no purchase. Source: Apple, responseBodyV2DecodedPayload, `externalPurchaseToken` (its id says
//! in which environment it holds) and `appData`.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{Environment, EventKind};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulator::Authority;
use sources::{
    Notice,
    apple::{App, AppEnvironment, Rejection, Verifier, receive},
};
use std::sync::Arc;

const NOW: i64 = 1_790_000_000_000;

fn heard(authority: &Authority, payload: &Value) -> Result<Option<Notice>, Rejection> {
    let root = BASE64_STANDARD.decode(authority.root()).unwrap();
    let app = App {
        bundle_id: "com.example".into(),
        app_apple_id: Some(1_234_567_890),
        environments: vec![AppEnvironment::Production, AppEnvironment::Sandbox],
        store: Arc::new(Verifier::with_roots(vec![root])),
        local: None,
    };
    let now = Timestamp::from_millisecond(NOW).unwrap();
    let body = authority.sign(payload).unwrap();
    receive(&body, &app, now).map(|notification| notification.notice)
}

fn token(id: &str) -> Value {
    json!({
        "notificationType": "EXTERNAL_PURCHASE_TOKEN", "subtype": "UNREPORTED", "notificationUUID": "n1", "version": "2.0",
        "signedDate": NOW,
        "externalPurchaseToken": {
            "externalPurchaseId": id, "tokenCreationDate": NOW - 864_000_000, "appAppleId": 1_234_567_890, "bundleId": "com.example",
        },
    })
}

#[test]
fn an_external_purchase_to_report_says_which_and_where() {
    let authority = Authority::create().unwrap();
    for (id, environment) in [
        (
            "SANDBOX_11111111-2222-3333-4444-555555555555",
            Environment::Sandbox,
        ),
        (
            "11111111-2222-3333-4444-555555555555",
            Environment::Production,
        ),
    ] {
        let notice = heard(&authority, &token(id)).unwrap().unwrap();
        assert_eq!(notice.kind, EventKind::ExternalPurchaseToReport);
        assert_eq!(
            (notice.environment, notice.subject.as_str()),
            (environment, id)
        );
        let request = notice.request.unwrap();
        assert_eq!(request.token.as_deref(), Some(id));
        assert_eq!(request.reason.as_deref(), Some("UNREPORTED"));
    }
}

#[test]
fn consent_is_rescinded_by_the_account_that_apple_signed() {
    let authority = Authority::create().unwrap();
    let payload = |bundle: &str, kind: &str| {
        let transaction = json!({
            "appTransactionId": "704900000000009", "bundleId": bundle, "receiptType": kind, "receiptCreationDate": NOW,
        });
        json!({
            "notificationType": "RESCIND_CONSENT", "notificationUUID": "n1", "version": "2.0", "signedDate": NOW,
            "appData": {
                "environment": "Sandbox", "bundleId": "com.example",
                "signedAppTransactionInfo": authority.sign(&transaction).unwrap(),
            },
        })
    };
    let notice = heard(&authority, &payload("com.example", "Sandbox"))
        .unwrap()
        .unwrap();
    assert_eq!(notice.kind, EventKind::ConsentRescinded);
    assert_eq!(notice.account.as_deref(), Some("704900000000009"));
    for (bundle, kind) in [("com.other", "Sandbox"), ("com.example", "Production")] {
        assert!(
            heard(&authority, &payload(bundle, kind)).is_err(),
            "{bundle} {kind}"
        );
    }
    let mut forged = payload("com.example", "Sandbox");
    let other = Authority::create().unwrap();
    forged["appData"]["signedAppTransactionInfo"] = other
        .sign(&json!({ "appTransactionId": "1", "bundleId": "com.example", "receiptType": "Sandbox", "receiptCreationDate": NOW }))
        .unwrap()
        .into();
    assert!(
        heard(&authority, &forged).is_err(),
        "the inner layer is verified by itself"
    );
}
