//! What the App Store signs.

use super::{life::take_in, moment::now};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::secret::Secret;
use serde_json::{Value, json};
use simulator::{Authority, api_key};
use sources::{
    Receipt, Sender, Source,
    apple::{ApiKey, App, AppEnvironment, AppStore, Hosts, Verifier},
};
use std::sync::{Arc, LazyLock};

static AUTHORITY: LazyLock<Authority> =
    LazyLock::new(|| Authority::create().expect("certificates can be made"));

pub(super) static APP_STORE: LazyLock<AppStore> = LazyLock::new(|| {
    let root = BASE64_STANDARD.decode(AUTHORITY.root());
    let key = Secret::new(api_key().expect("a key can be made"));
    let key = ApiKey::new("issuer", "key", &key).expect("the key is one");
    AppStore::new(App {
        bundle_id: "com.example".into(),
        app_apple_id: Some(1234),
        environments: vec![
            AppEnvironment::Production,
            AppEnvironment::Sandbox,
            AppEnvironment::Xcode,
            AppEnvironment::LocalTesting,
        ],
        store: Arc::new(Verifier::apple()),
        local: Some(Arc::new(
            Verifier::with_roots(root.into_iter().collect()).accepting_single_certificate(),
        )),
    })
    .asking(key, Hosts::default())
});

fn send(token: String) {
    for sender in [Sender::Client, Sender::Project] {
        let receipt = Receipt {
            token: token.clone(),
            product: None,
            app_user_id: "ann".into(),
            sender,
            offering: None,
            claimed_price: None,
        };
        if let Ok(content) = APP_STORE.receipt(&receipt, now()) {
            take_in(&content);
        }
    }
}

fn notify(body: &[u8]) {
    if let Ok(received) = APP_STORE.receive(body, now()) {
        take_in(&received.content);
    }
}

fn notify_of(signed: &str) {
    notify(json!({ "signedPayload": signed }).to_string().as_bytes());
}

/// The value with whatever is called signed signed, inside out: what is in a JSON object to begin with.
pub(super) fn signed(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for (name, member) in members {
                let inside = signed(member.take());
                *member = match inside {
                    Value::Array(all) if name.starts_with("signed") => {
                        all.into_iter().map(sign).collect()
                    }
                    one if name.starts_with("signed") => sign(one),
                    other => other,
                };
            }
        }
        Value::Array(all) => {
            for one in all {
                *one = signed(one.take());
            }
        }
        _ => {}
    }
    value
}

fn sign(payload: Value) -> Value {
    match payload {
        Value::Object(_) => AUTHORITY.sign(&payload).map_or(payload, Value::from),
        other => other,
    }
}

/// A notification's body, a JWS in one, a JWS as a receipt, and what a JWS signs.
pub(super) fn jws(bytes: &[u8]) {
    notify(bytes);
    let text = String::from_utf8_lossy(bytes).into_owned();
    notify_of(&text);
    send(text);
    let Ok(payload @ Value::Object(_)) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let Value::String(whole) = sign(signed(payload.clone())) else {
        return;
    };
    notify_of(&whole);
    send(whole.clone());
    let kind = payload["notificationType"].as_str().unwrap_or("DID_RENEW");
    let around = json!({
        "notificationType": kind, "subtype": payload["subtype"], "notificationUUID": "u", "version": "2.0",
        "signedDate": now().as_millisecond(),
        "data": { "environment": "LocalTesting", "bundleId": "com.example", "status": payload["status"],
            "signedTransactionInfo": whole, "signedRenewalInfo": whole },
    });
    if let Value::String(around) = sign(around) {
        notify_of(&around);
    }
}

/// A receipt: PKCS#7 around a set of attributes.
pub(super) fn receipt(bytes: &[u8]) {
    send(BASE64_STANDARD.encode(bytes));
    send(String::from_utf8_lossy(bytes).into_owned());
}
