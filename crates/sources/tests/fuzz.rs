//! Fuzzing of whatever parses outside bytes, on the stable toolchain: random bytes, mutated genuine messages, and random
//! content that is correctly signed, so that the parsers behind the signature are reached. Nothing may panic, and nothing
//! that was changed after signing may be accepted.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use simulator::{App as SimulatedApp, Authority, Life, Pace};
use sources::{
    Source, Verdict,
    apple::{App, AppEnvironment, AppStore, Verifier},
};
use std::sync::{Arc, LazyLock};

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::create().unwrap());

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

static RECEIVER: LazyLock<AppStore> = LazyLock::new(|| {
    let root = BASE64_STANDARD.decode(AUTHORITY.root()).unwrap();
    AppStore::new(App {
        bundle_id: "com.example".into(),
        app_apple_id: None,
        environments: vec![AppEnvironment::LocalTesting],
        store: Arc::new(Verifier::apple()),
        local: Some(Arc::new(Verifier::with_roots(vec![root]))),
    })
});

static GENUINE: LazyLock<Vec<String>> = LazyLock::new(|| {
    let app = SimulatedApp {
        bundle_id: "com.example".into(),
        environment: "LocalTesting".into(),
    };
    let life = Life::play(
        &app,
        Pace {
            day: SignedDuration::from_secs(1),
        },
        1,
        1,
        start(),
        12,
    );
    life.notifications
        .iter()
        .map(|step| step.body(&AUTHORITY).unwrap())
        .collect()
});

fn later() -> Timestamp {
    start()
        .checked_add(SignedDuration::from_hours(24 * 365))
        .unwrap()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,8}", inner, 0..4).prop_map(|map| json!(map))
        ]
    })
}

/// A field of one of the three payloads, and what stands there instead.
fn odd_field() -> impl Strategy<Value = (usize, &'static str, Value)> {
    let names = prop_oneof![
        Just("transactionId"),
        Just("originalTransactionId"),
        Just("bundleId"),
        Just("productId"),
        Just("purchaseDate"),
        Just("expiresDate"),
        Just("quantity"),
        Just("price"),
        Just("currency"),
        Just("environment"),
        Just("signedDate"),
        Just("revocationDate"),
        Just("revocationPercentage"),
        Just("offerType"),
        Just("type"),
        Just("autoRenewStatus"),
        Just("gracePeriodExpiresDate"),
        Just("expirationIntent"),
        Just("notificationType"),
        Just("notificationUUID"),
        Just("data"),
        Just("status"),
        Just("storefront"),
    ];
    (0_usize..3, names, any_json())
}

proptest! {
    #[test]
    fn genuine_messages_are_accepted(index in 0_usize..12) {
        prop_assert!(RECEIVER.receive(GENUINE[index].as_bytes(), later()).is_ok());
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(RECEIVER.receive(&bytes, later()).is_err());
    }

    #[test]
    fn anything_shaped_like_a_jws_is_refused(header in any_json(), payload in any_json(), signature in ".{0,90}") {
        let part = |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let jws = format!("{}.{}.{signature}", part(&header), part(&payload));
        let body = json!({ "signedPayload": jws }).to_string();
        prop_assert!(RECEIVER.receive(body.as_bytes(), later()).is_err());
    }

    #[test]
    fn a_mutated_message_is_never_accepted_as_another(index in 0_usize..12, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let genuine = GENUINE[index].as_bytes();
        let mut mutated = genuine.to_vec();
        let place = at.index(mutated.len());
        mutated[place] = byte;
        let original = RECEIVER.receive(genuine, later()).unwrap();
        if let Ok(accepted) = RECEIVER.receive(&mutated, later()) {
            // Bits that base64 ignores, or white space of the outer JSON: the signed content is the same.
            prop_assert_eq!(accepted.key, original.key);
            prop_assert_eq!(accepted.content, original.content);
        }
        prop_assert!(RECEIVER.receive(&genuine[..cut.index(genuine.len())], later()).is_err(), "truncated");
    }

    #[test]
    fn odd_but_signed_content_is_taken_refused_or_parked_and_never_panics((layer, name, value) in odd_field()) {
        let at = start().as_millisecond();
        let mut layers = [
            json!({ "notificationType": "DID_RENEW", "notificationUUID": "u", "version": "2.0", "signedDate": at }),
            json!({ "transactionId": "2", "originalTransactionId": "1", "bundleId": "com.example", "productId": "p", "purchaseDate": at, "originalPurchaseDate": at, "expiresDate": at, "quantity": 1,
                "type": "Auto-Renewable Subscription", "inAppOwnershipType": "PURCHASED", "signedDate": at, "environment": "LocalTesting" }),
            json!({ "originalTransactionId": "1", "autoRenewStatus": 1, "signedDate": at, "environment": "LocalTesting" }),
        ];
        layers[0]["data"] = json!({ "environment": "LocalTesting", "bundleId": "com.example", "status": 1 });
        if layer > 0 {
            layers[layer][name] = value.clone();
        }
        layers[0]["data"]["signedTransactionInfo"] = AUTHORITY.sign(&layers[1]).unwrap().into();
        layers[0]["data"]["signedRenewalInfo"] = AUTHORITY.sign(&layers[2]).unwrap().into();
        if layer == 0 {
            layers[0][name] = value;
        }
        let body = json!({ "signedPayload": AUTHORITY.sign(&layers[0]).unwrap() }).to_string();
        match RECEIVER.receive(body.as_bytes(), later()) {
            Ok(received) => prop_assert!(holds(&received.content)),
            Err(refusal) => prop_assert!(matches!(refusal.verdict, Verdict::Refuse | Verdict::Park | Verdict::Again)),
        }
    }
}

/// What an accepted message may say: facts about a transaction, or nothing.
fn holds(content: &sources::Content) -> bool {
    match content {
        sources::Content::Observed(seen) => !seen.transactions.is_empty(),
        sources::Content::Nothing(why) => !why.is_empty(),
        _ => false,
    }
}
