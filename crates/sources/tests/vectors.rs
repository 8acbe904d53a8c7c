//! Apple's own test payloads and certificates, negative cases included, with Apple's library port as an oracle.
//!
//! The payloads are read from `shared/vectors` beside the checkout. Where it is not there, each test says that it looked at nothing; what must
//! always run uses payloads made here, in `signed.rs`.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use app_store_server_library::models::app_store_environment::Environment as OracleEnvironment;
use app_store_server_library::signed_data_verifier::SignedDataVerifier;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::Value;
use sources::{
    Source, Verdict,
    apple::{self, App, AppEnvironment, AppStore, Chain, Rejection, Untrusted, Verifier, receive},
};
use std::{io::Write, path::PathBuf, sync::Arc};

fn vectors() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/apple");
    path.is_dir().then_some(path)
}

/// Runs a test where the vectors are there, and says where they are not: past what collects the output of tests that pass.
macro_rules! with_vectors {
    ($path:ident) => {
        let Some($path) = vectors() else {
            let test = std::thread::current();
            let name = test.name().unwrap_or("a test");
            writeln!(
                std::io::stderr(),
                "{name} looked at nothing: no shared/vectors/apple"
            )
            .unwrap();
            return;
        };
    };
}

fn text(path: &std::path::Path, name: &str) -> String {
    std::fs::read_to_string(path.join(name))
        .unwrap()
        .trim()
        .to_owned()
}

fn der(path: &std::path::Path, name: &str) -> Vec<u8> {
    BASE64_STANDARD
        .decode(text(path, &format!("chain/{name}.b64")))
        .unwrap()
}

fn test_ca(path: &std::path::Path) -> Vec<u8> {
    std::fs::read(path.join("certs/testCA.der")).unwrap()
}

fn app(
    roots: Vec<Vec<u8>>,
    bundle_id: &str,
    apple_id: Option<i64>,
    environments: &[AppEnvironment],
) -> App {
    App {
        bundle_id: bundle_id.into(),
        app_apple_id: apple_id,
        environments: environments.to_vec(),
        store: Arc::new(Verifier::with_roots(roots)),
        local: None,
    }
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

#[test]
fn the_test_notification_is_accepted_by_its_app_and_refused_by_others() {
    with_vectors!(path);
    let payload = text(&path, "mock_signed_data/testNotification");
    let root = || vec![test_ca(&path)];
    let sandbox = [AppEnvironment::Sandbox];
    let received = receive(
        &payload,
        &app(root(), "com.example", Some(1234), &sandbox),
        now(),
    )
    .unwrap();
    assert_eq!(
        (received.kind.as_str(), received.observation),
        ("TEST", None)
    );
    let wrong_bundle = receive(
        &payload,
        &app(root(), "com.example.x", Some(1234), &sandbox),
        now(),
    );
    assert!(matches!(wrong_bundle, Err(Rejection::WrongApp { .. })));
    let production_only = receive(
        &payload,
        &app(
            root(),
            "com.example",
            Some(1234),
            &[AppEnvironment::Production],
        ),
        now(),
    );
    assert!(matches!(
        production_only,
        Err(Rejection::WrongEnvironment(_))
    ));
    let apples_root = receive(
        &payload,
        &app(vec![], "com.example", Some(1234), &sandbox),
        now(),
    );
    assert_eq!(
        apples_root.unwrap_err(),
        Rejection::Untrusted(Untrusted::Root)
    );
    let pinned = App {
        store: Arc::new(Verifier::apple()),
        ..app(vec![], "com.example", Some(1234), &sandbox)
    };
    assert_eq!(
        receive(&payload, &pinned, now()).unwrap_err(),
        Rejection::Untrusted(Untrusted::Root)
    );
}

#[test]
fn inner_payloads_verify_on_their_own() {
    with_vectors!(path);
    let verifier = Verifier::with_roots(vec![test_ca(&path)]);
    let (transaction, _) = verifier
        .verify::<Value>(&text(&path, "mock_signed_data/transactionInfo"))
        .unwrap();
    assert_eq!(transaction["environment"], "Sandbox");
    for malformed in [
        "mock_signed_data/missingX5CHeaderClaim",
        "mock_signed_data/legacyTransaction",
    ] {
        assert!(
            verifier.verify::<Value>(&text(&path, malformed)).is_err(),
            "{malformed}"
        );
    }
    for malformed in ["a.b.c", "a.b.c.d", "", ".", "..", "..."] {
        assert!(
            matches!(
                verifier.verify::<Value>(malformed),
                Err(Rejection::Malformed(_))
            ),
            "{malformed}"
        );
    }
}

#[test]
fn chains_are_built_to_the_pinned_root_only() {
    with_vectors!(path);
    let [leaf, intermediate, root] =
        ["leaf", "intermediate_ca", "root_ca"].map(|name| der(&path, name));
    let at = Timestamp::from_second(1_761_962_975).unwrap();
    let good = Chain::build(
        &[leaf.clone(), intermediate.clone(), root.clone()],
        std::slice::from_ref(&root),
    )
    .unwrap();
    assert_eq!(good.valid_at(at), Ok(()));
    assert_eq!(
        good.valid_at(Timestamp::from_second(2_280_946_846).unwrap()),
        Err(Untrusted::Validity),
        "in 2042"
    );
    let apple = der(&path, "apple_root_ca_g3");
    let refused = |sent: &[Vec<u8>], roots: &[Vec<u8>]| Chain::build(sent, roots).unwrap_err();
    let whole = [leaf.clone(), intermediate.clone(), root.clone()];
    assert_eq!(refused(&whole, &[apple]), Untrusted::Root);
    assert_eq!(refused(&whole, &[]), Untrusted::Root);
    assert_eq!(
        refused(&whole, &[b"abc".to_vec()]),
        Untrusted::Undecodable("root")
    );
    assert_eq!(
        refused(&whole[..2], std::slice::from_ref(&root)),
        Untrusted::Length(2)
    );
    assert_eq!(
        refused(
            &[whole.as_slice(), std::slice::from_ref(&root)].concat(),
            std::slice::from_ref(&root)
        ),
        Untrusted::Length(4)
    );
    assert_eq!(
        refused(
            &[b"abc".to_vec(), intermediate.clone(), root.clone()],
            std::slice::from_ref(&root)
        ),
        Untrusted::Undecodable("leaf")
    );
    let no_oid = [
        der(&path, "leaf_for_intermediate_ca_invalid_oid"),
        der(&path, "intermediate_ca_invalid_oid"),
        root.clone(),
    ];
    assert_eq!(
        refused(&no_oid, std::slice::from_ref(&root)),
        Untrusted::Purpose("intermediate")
    );
    assert_eq!(
        refused(&[intermediate, leaf, root.clone()], &[root]),
        Untrusted::Purpose("leaf"),
        "the chain turned around"
    );
}

#[test]
fn apples_production_chain_is_trusted() {
    with_vectors!(path);
    let sent = [
        "apple_receipt_signing_leaf_2025",
        "apple_wwdr_g6",
        "apple_root_ca_g3",
    ]
    .map(|name| der(&path, name));
    let chain = Chain::build(&sent, &[der(&path, "apple_root_ca_g3")]).unwrap();
    assert_eq!(
        chain.valid_at(Timestamp::from_second(1_761_962_975).unwrap()),
        Ok(())
    );
    // What stands at the end of the chain is never trusted, so it may be anything.
    let other_end = [sent[0].clone(), sent[1].clone(), der(&path, "root_ca")];
    assert!(Chain::build(&other_end, std::slice::from_ref(&sent[2])).is_ok());
}

#[test]
fn a_genuine_payload_verifies_at_its_own_time_and_any_flipped_character_fails() {
    with_vectors!(path);
    let jws = text(&path, "genuine/renewalInfo-sandbox-2023.jws");
    let verifier = Verifier::apple();
    let (renewal, chain) = verifier.verify::<Value>(&jws).unwrap();
    assert_eq!(renewal["originalTransactionId"], "2000000335310644");
    assert_eq!(
        chain.valid_at(now()),
        Err(Untrusted::Validity),
        "the leaf has expired since"
    );
    let header = jws.find('.').unwrap();
    for at in (header + 1..jws.len())
        .step_by(7)
        .filter(|at| jws.as_bytes()[*at] != b'.')
    {
        let mut flipped = jws.clone().into_bytes();
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).unwrap();
        assert!(
            flipped == jws || verifier.verify::<Value>(&flipped).is_err(),
            "character {at}"
        );
    }
}

#[test]
fn xcode_payloads_need_their_certificate_configured_and_are_never_production() {
    with_vectors!(path);
    let jws = text(&path, "xcode/xcode-signed-transaction");
    let header: Value = serde_json::from_slice(
        &base64::prelude::BASE64_URL_SAFE_NO_PAD
            .decode(jws.split('.').next().unwrap())
            .unwrap(),
    )
    .unwrap();
    let certificate = BASE64_STANDARD
        .decode(header["x5c"][0].as_str().unwrap())
        .unwrap();
    let local = Verifier::with_roots(vec![certificate]).accepting_single_certificate();
    let (transaction, _) = local.verify::<Value>(&jws).unwrap();
    assert_eq!(transaction["environment"], "Xcode");
    assert!(matches!(
        Verifier::apple().verify::<Value>(&jws),
        Err(Rejection::Untrusted(Untrusted::Length(1)))
    ));
    let another = Verifier::with_roots(vec![test_ca(&path)]).accepting_single_certificate();
    assert_eq!(
        another.verify::<Value>(&jws).unwrap_err(),
        Rejection::Untrusted(Untrusted::Root)
    );
}

#[test]
fn the_oracle_agrees_on_every_signed_vector() {
    with_vectors!(path);
    let root = test_ca(&path);
    let mine =
        |bundle: &str, environment| app(vec![root.clone()], bundle, Some(1234), &[environment]);
    for name in [
        "testNotification",
        "missingX5CHeaderClaim",
        "transactionInfo",
        "legacyTransaction",
    ] {
        let payload = text(&path, &format!("mock_signed_data/{name}"));
        for (bundle, environment, oracle) in [
            (
                "com.example",
                AppEnvironment::Sandbox,
                OracleEnvironment::Sandbox,
            ),
            (
                "com.example",
                AppEnvironment::Production,
                OracleEnvironment::Production,
            ),
            (
                "com.example.x",
                AppEnvironment::Sandbox,
                OracleEnvironment::Sandbox,
            ),
        ] {
            let oracle = SignedDataVerifier::new(
                vec![root.clone()],
                oracle,
                bundle.to_owned(),
                Some(1234),
                false,
            )
            .unwrap();
            let theirs = oracle.verify_and_decode_notification(&payload);
            let ours = receive(&payload, &mine(bundle, environment), now());
            assert_eq!(
                ours.is_ok(),
                theirs.is_ok(),
                "{name} for {bundle}: {ours:?}"
            );
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                assert_eq!(Some(ours.id), theirs.notification_uuid);
            }
        }
    }
}

#[test]
fn bodies_that_are_no_notification_say_what_would_be_right() {
    let receiver = AppStore::new(app(vec![], "com.example", None, &[AppEnvironment::Sandbox]));
    for (body, mentions) in [
        ("", "signedPayload"),
        ("{}", "signedPayload"),
        ("[]", "signedPayload"),
        ("{\"signedPayload\": 5}", "signedPayload"),
        ("{\"signedPayload\": \"x\"}", "three parts"),
        ("{\"signedPayload\": \"e30.e30.e30\"}", "none of data"),
        (
            "{\"signedPayload\": \"e30.eyJkYXRhIjp7ImVudmlyb25tZW50IjoiTW9vbiJ9fQ.e30\"}",
            "Moon",
        ),
    ] {
        let refusal = receiver.receive(body.as_bytes(), now()).unwrap_err();
        assert!(
            refusal.detail.contains(mentions) && refusal.verdict == Verdict::Refuse,
            "{body}: {refusal:?}"
        );
    }
}

#[test]
fn unknown_fields_of_an_envelope_are_tolerated() {
    let envelope = "{\"signedPayload\":\"a\",\"new\":1}";
    assert!(serde_json::from_str::<apple::NotificationEnvelope>(envelope).is_ok());
}
