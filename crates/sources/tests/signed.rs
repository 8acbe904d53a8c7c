//! What an authority made here signs: accepted by its app and refused by others, by our verifier and by a port of Apple's library alike.
//! `vectors.rs` holds the same of what Apple published, where that is at hand.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use app_store_server_library::models::app_store_environment::Environment as OracleEnvironment;
use app_store_server_library::signed_data_verifier::SignedDataVerifier;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use simulator::Authority;
use sources::apple::{App, AppEnvironment, Chain, Rejection, Untrusted, Verifier, receive};
use std::sync::Arc;

/// 1 January 2026.
const NOW: i64 = 1_767_225_600;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn app(root: &[u8], bundle_id: &str, environment: AppEnvironment) -> App {
    App {
        bundle_id: bundle_id.into(),
        app_apple_id: Some(1234),
        environments: vec![environment],
        store: Arc::new(Verifier::with_roots(vec![root.to_vec()])),
        local: None,
    }
}

fn root_of(authority: &Authority) -> Vec<u8> {
    BASE64_STANDARD.decode(authority.root()).unwrap()
}

/// The connection test. Source: Apple, responseBodyV2DecodedPayload, `notificationType` `TEST`.
fn notification() -> Value {
    json!({
        "notificationType": "TEST", "notificationUUID": "n-1", "version": "2.0", "signedDate": NOW * 1000,
        "data": { "appAppleId": 1234, "bundleId": "com.example", "environment": "Sandbox" },
    })
}

#[test]
fn a_notification_is_accepted_by_its_app_and_refused_by_others() {
    let authority = Authority::create().unwrap();
    let root = root_of(&authority);
    let payload = authority.sign(&notification()).unwrap();
    let heard = |app: &App| receive(&payload, app, now());
    let sandbox = AppEnvironment::Sandbox;
    let received = heard(&app(&root, "com.example", sandbox)).unwrap();
    assert_eq!(
        (received.kind.as_str(), received.observation),
        ("TEST", None)
    );
    let refused = |app: &App| heard(app).unwrap_err();
    let other = refused(&app(&root, "com.example.x", sandbox));
    assert!(matches!(other, Rejection::WrongApp { .. }), "{other:?}");
    let real = refused(&app(&root, "com.example", AppEnvironment::Production));
    assert!(matches!(real, Rejection::WrongEnvironment(_)), "{real:?}");
    let stranger = root_of(&Authority::create().unwrap());
    let unknown = [
        app(&stranger, "com.example", sandbox),
        App {
            store: Arc::new(Verifier::apple()),
            ..app(&root, "com.example", sandbox)
        },
    ];
    for app in unknown {
        assert_eq!(refused(&app), Rejection::Untrusted(Untrusted::Root));
    }
}

#[test]
fn what_is_no_signed_payload_is_refused() {
    let authority = Authority::create().unwrap();
    let verifier = Verifier::with_roots(vec![root_of(&authority)]);
    let signed = authority
        .sign(&json!({ "environment": "Sandbox", "signedDate": NOW * 1000 }))
        .unwrap();
    let (read, _) = verifier.verify::<Value>(&signed).unwrap();
    assert_eq!(read["environment"], "Sandbox");
    let (header, rest) = signed.split_once('.').unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).unwrap();
    let header = String::from_utf8(header)
        .unwrap()
        .replace("x5c", "x5cwrong");
    let header = BASE64_URL_SAFE_NO_PAD.encode(header);
    // Before there was JWS, a transaction was a property list in base64.
    let legacy = BASE64_STANDARD
        .encode("{\n\t\"signature\" = \"AA==\";\n\t\"purchase-info\" = \"AA==\";\n}");
    for no_payload in [format!("{header}.{rest}"), legacy] {
        assert!(
            verifier.verify::<Value>(&no_payload).is_err(),
            "{no_payload}"
        );
    }
    for malformed in ["a.b.c", "a.b.c.d", "", ".", "..", "..."] {
        let refused = verifier.verify::<Value>(malformed);
        assert!(
            matches!(refused, Err(Rejection::Malformed(_))),
            "{malformed}"
        );
    }
}

/// Leaf, intermediate and root, of which the first two are marked as Apple marks its own, or not; over in 2041.
fn chain(leaf_is_marked: bool, intermediate_is_marked: bool) -> [Vec<u8>; 3] {
    let params = |is_ca: bool, marker: Option<&[u64]>| {
        let mut params = CertificateParams::default();
        params.is_ca = if is_ca {
            IsCa::Ca(BasicConstraints::Unconstrained)
        } else {
            IsCa::ExplicitNoCa
        };
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2041, 1, 1);
        let marker = marker.map(|oid| CustomExtension::from_oid_content(oid, vec![5, 0]));
        params.custom_extensions = marker.into_iter().collect();
        params
    };
    let keys = [(); 3].map(|()| KeyPair::generate().unwrap());
    let [root_key, intermediate_key, leaf_key] = keys;
    // Source: Apple, "Certificate Policy", markers of the intermediate and of leaves that sign receipts.
    let of_intermediate: &[u64] = &[1, 2, 840, 113_635, 100, 6, 2, 1];
    let of_leaf: &[u64] = &[1, 2, 840, 113_635, 100, 6, 11, 1];
    let root_params = params(true, None);
    let root = root_params.self_signed(&root_key).unwrap();
    let by_root = Issuer::new(root_params, root_key);
    let own = params(true, intermediate_is_marked.then_some(of_intermediate));
    let intermediate = own.signed_by(&intermediate_key, &by_root).unwrap();
    let by_intermediate = Issuer::new(own, intermediate_key);
    let leaf = params(false, leaf_is_marked.then_some(of_leaf));
    let leaf = leaf.signed_by(&leaf_key, &by_intermediate).unwrap();
    [leaf, intermediate, root].map(|certificate| certificate.der().to_vec())
}

#[test]
fn chains_are_built_to_a_known_root_by_marked_certificates_only() {
    let [leaf, intermediate, root] = chain(true, true);
    let whole = [leaf.clone(), intermediate.clone(), root.clone()];
    let roots = std::slice::from_ref(&root);
    let good = Chain::build(&whole, roots).unwrap();
    assert_eq!(good.valid_at(now()), Ok(()));
    let in_2042 = Timestamp::from_second(2_280_946_846).unwrap();
    assert_eq!(good.valid_at(in_2042), Err(Untrusted::Validity));
    let refused = |sent: &[Vec<u8>], roots: &[Vec<u8>]| Chain::build(sent, roots).unwrap_err();
    let [_, _, stranger] = chain(true, true);
    assert_eq!(refused(&whole, &[stranger]), Untrusted::Root);
    assert_eq!(refused(&whole, &[]), Untrusted::Root);
    let no_certificate = || b"abc".to_vec();
    assert_eq!(
        refused(&whole, &[no_certificate()]),
        Untrusted::Undecodable("root")
    );
    assert_eq!(refused(&whole[..2], roots), Untrusted::Length(2));
    let longer = [&whole[..], roots].concat();
    assert_eq!(refused(&longer, roots), Untrusted::Length(4));
    let with_none = [no_certificate(), intermediate.clone(), root.clone()];
    assert_eq!(refused(&with_none, roots), Untrusted::Undecodable("leaf"));
    let turned = [intermediate, leaf, root.clone()];
    assert_eq!(refused(&turned, roots), Untrusted::Purpose("leaf"));
    for (leaf_is_marked, of) in [(true, "intermediate"), (false, "leaf")] {
        let unmarked = chain(leaf_is_marked, !leaf_is_marked);
        let roots = std::slice::from_ref(&unmarked[2]);
        assert_eq!(refused(&unmarked, roots), Untrusted::Purpose(of));
    }
}

#[test]
fn a_port_of_apples_library_agrees() {
    let authority = Authority::create().unwrap();
    let root = root_of(&authority);
    let stranger = Authority::create().unwrap();
    let signed = authority.sign(&notification()).unwrap();
    let mut changed = signed.clone();
    changed.replace_range(signed.len() - 4..signed.len() - 3, "-");
    let payloads = [
        ("as it is", signed.clone()),
        ("changed", changed),
        ("of a stranger", stranger.sign(&notification()).unwrap()),
        ("no JWS", "a.b.c".to_owned()),
    ];
    let (sandbox, production) = (AppEnvironment::Sandbox, AppEnvironment::Production);
    for (what, payload) in payloads {
        for (bundle, ours, theirs) in [
            ("com.example", sandbox, OracleEnvironment::Sandbox),
            ("com.example", production, OracleEnvironment::Production),
            ("com.example.x", sandbox, OracleEnvironment::Sandbox),
        ] {
            let oracle = SignedDataVerifier::new(
                vec![root.clone()],
                theirs,
                bundle.to_owned(),
                Some(1234),
                false,
            )
            .unwrap();
            let theirs = oracle.verify_and_decode_notification(&payload);
            let ours = receive(&payload, &app(&root, bundle, ours), now());
            assert_eq!(ours.is_ok(), theirs.is_ok(), "{what}, {bundle}: {ours:?}");
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                assert_eq!(Some(ours.id), theirs.notification_uuid);
            }
        }
    }
}
