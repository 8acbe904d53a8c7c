//! StoreKit 1 receipts: genuine ones that Apple signed between 2015 and 2023, and those of the simulator, whole and harmed.
//! What is expected of the genuine ones was read with the `openssl` command.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::Environment;
use jiff::Timestamp;
use serde_json::json;
use simulator::{Authority, StoreReceipt};
use sources::{
    Content, Question, Receipt, Refusal, Sender, Source, Verdict,
    apple::{App, AppEnvironment, AppStore, Verifier},
};
use std::{
    path::PathBuf,
    process::Command,
    sync::{Arc, LazyLock},
};

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::create().unwrap());

fn genuine(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/receipts");
    std::fs::read(folder.join(format!("{name}.der"))).unwrap()
}

/// An app of this bundle that trusts Apple, and `roots` for what is signed locally.
fn app(bundle_id: &str, environments: &[AppEnvironment], roots: Vec<Vec<u8>>) -> AppStore {
    AppStore::new(App {
        bundle_id: bundle_id.into(),
        app_apple_id: Some(1),
        environments: environments.to_vec(),
        store: Arc::new(Verifier::apple()),
        local: Some(Arc::new(
            Verifier::with_roots(roots).accepting_single_certificate(),
        )),
    })
}

fn stores(bundle_id: &str) -> AppStore {
    let environments = [AppEnvironment::Production, AppEnvironment::Sandbox];
    app(bundle_id, &environments, Vec::new())
}

fn root(authority: &Authority) -> Vec<u8> {
    BASE64_STANDARD.decode(authority.root()).unwrap()
}

fn simulated() -> AppStore {
    let environments = [AppEnvironment::LocalTesting];
    app("com.example", &environments, vec![root(&AUTHORITY)])
}

fn send(app: &AppStore, token: &str) -> Result<Question, Refusal> {
    let receipt = Receipt {
        token: token.into(),
        product: None,
        app_user_id: "ann".into(),
        sender: Sender::Client,
        offering: None,
        claimed_price: None,
    };
    match app.receipt(&receipt, Timestamp::UNIX_EPOCH)? {
        Content::Ask(question) => Ok(question),
        other => panic!("{other:?}"),
    }
}

fn send_der(app: &AppStore, der: &[u8]) -> Result<Question, Refusal> {
    send(app, &BASE64_STANDARD.encode(der))
}

/// The code of a final refusal.
fn refused(outcome: Result<Question, Refusal>) -> &'static str {
    let refusal = outcome.unwrap_err();
    assert_eq!(refusal.verdict, Verdict::Refuse, "{refusal:?}");
    refusal.code.text()
}

#[test]
fn receipts_that_apple_signed_in_eight_years_prove_what_they_list() {
    for (name, bundle_id, environment, first, chains) in [
        (
            "mac-2023-sha256",
            "com.ideasoncanvas.mindnode.macos",
            Environment::Production,
            "710000250371060",
            vec!["710000250371060", "710000253893482", "710000831465389"],
        ),
        (
            "sandbox-2023-sha1",
            "com.hannesoid.PurchasingExperiments",
            Environment::Sandbox,
            "2000000284164152",
            vec!["2000000284164152", "2000000284164527"],
        ),
        (
            "sandbox-2015-sha1",
            "com.mbaasy.ios.demo",
            Environment::Sandbox,
            "1000000166865231",
            vec!["1000000166865231", "1000000166965150"],
        ),
    ] {
        let question = send_der(&stores(bundle_id), &genuine(name)).unwrap();
        assert_eq!(question.id, first, "{name}");
        assert_eq!(question.owner.as_deref(), Some("ann"), "{name}");
        let prompt = json!({ "environment": environment.id(), "chains": chains });
        assert_eq!(question.prompt, prompt, "{name}");
        let another = send_der(&stores("com.example"), &genuine(name));
        assert_eq!(refused(another), "wrong_app", "{name}");
        // The pinned root is another than that of signed transactions: neither stands in for the other, and none is no root.
        let g3 = include_bytes!("../src/apple/AppleRootCA-G3.der").to_vec();
        for roots in [vec![g3], vec![root(&AUTHORITY)], Vec::new()] {
            let app = AppStore::new(App {
                bundle_id: bundle_id.into(),
                app_apple_id: Some(1),
                environments: vec![AppEnvironment::Production, AppEnvironment::Sandbox],
                store: Arc::new(Verifier::with_roots(roots)),
                local: None,
            });
            let untrusted = send_der(&app, &genuine(name));
            assert_eq!(refused(untrusted), "untrusted_certificate", "{name}");
        }
    }
    let production = app(
        "com.hannesoid.PurchasingExperiments",
        &[AppEnvironment::Production],
        Vec::new(),
    );
    let sandbox = send_der(&production, &genuine("sandbox-2023-sha1"));
    assert_eq!(refused(sandbox), "wrong_environment");
    let empty = stores("com.ideasoncanvas.MindNodeMac");
    assert_eq!(
        refused(send_der(&empty, &genuine("mac-2017-empty"))),
        "empty_receipt"
    );
}

#[test]
fn the_pinned_root_is_the_one_that_apple_publishes() {
    let root = include_bytes!("../src/apple/AppleRootCA.der");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, root);
    let hex: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // Source: Apple, "Apple PKI", Apple Inc. Root.
    assert_eq!(
        hex,
        "b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024"
    );
}

#[test]
fn no_byte_of_a_receipt_can_be_changed_to_make_it_prove_something_else() {
    let app = stores("com.ideasoncanvas.mindnode.macos");
    let receipt = genuine("mac-2023-sha256");
    let whole = send_der(&app, &receipt).unwrap();
    // Offsets as `openssl asn1parse` prints them: content; leaf and its signature; intermediate and its signature; who signed;
    // the signature. Between them stand lengths, names of algorithms, and a root that nobody reads.
    let signed = [
        62..1829,
        1837..3039,
        3059..3315,
        3319..4152,
        4172..4428,
        5657..5794,
        5828..6084,
    ];
    for at in 0..receipt.len() {
        let mut harmed = receipt.clone();
        harmed[at] ^= 1 << (at % 8);
        let is_signed = signed.iter().any(|range| range.contains(&at));
        match send_der(&app, &harmed) {
            Ok(question) => {
                assert!(!is_signed, "byte {at}");
                assert_eq!(question, whole, "byte {at}");
            }
            Err(refusal) => assert_eq!(refusal.verdict, Verdict::Refuse, "byte {at}"),
        }
        assert!(send_der(&app, &receipt[..at]).is_err(), "cut at {at}");
    }
    let longer = [receipt.as_slice(), &[0]].concat();
    assert_eq!(refused(send_der(&app, &longer)), "malformed_receipt");
}

#[test]
fn a_receipt_of_xcode_is_believed_where_its_certificate_is_configured_only() {
    let bundle = "com.example.naturelab.backyardbirds.example";
    let receipt = genuine("xcode-2023");
    // The certificate inside: its offset and length as `openssl asn1parse` prints them.
    let certificate = receipt[442..1330].to_vec();
    let xcode = [AppEnvironment::Xcode];
    let question = send_der(&app(bundle, &xcode, vec![certificate.clone()]), &receipt).unwrap();
    assert_eq!(question.id, "0");
    for roots in [Vec::new(), vec![root(&AUTHORITY)]] {
        let stranger = send_der(&app(bundle, &xcode, roots), &receipt);
        assert_eq!(refused(stranger), "untrusted_certificate");
    }
    let store = app(bundle, &[AppEnvironment::Production], vec![certificate]);
    assert_eq!(refused(send_der(&store, &receipt)), "wrong_environment");
}

fn receipt<'a>(transactions: &'a [(&'a str, &'a str)]) -> StoreReceipt<'a> {
    StoreReceipt {
        bundle_id: "com.example",
        environment: "LocalTesting",
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        transactions,
    }
}

const TWO: [(&str, &str); 2] = [("2000002", "2000001"), ("3000001", "3000001")];

#[test]
fn openssl_believes_the_receipts_of_the_simulator() {
    let directory = tempfile::tempdir().unwrap();
    let der = BASE64_STANDARD
        .decode(AUTHORITY.sign_receipt(&receipt(&TWO)).unwrap())
        .unwrap();
    std::fs::write(directory.path().join("receipt.der"), der).unwrap();
    std::fs::write(directory.path().join("root.der"), root(&AUTHORITY)).unwrap();
    for command in [
        "openssl x509 -inform der -in root.der -out root.pem",
        "openssl smime -verify -inform der -in receipt.der -CAfile root.pem -purpose any -binary -out content.der",
        "openssl asn1parse -inform der -in content.der",
    ] {
        let mut words = command.split(' ');
        let output = Command::new(words.next().unwrap())
            .args(words)
            .current_dir(directory.path())
            .output()
            .expect("the receipt tests need the openssl command");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}");
    }
}

#[test]
fn a_receipt_proves_its_chains_to_its_app() {
    let token = AUTHORITY.sign_receipt(&receipt(&TWO)).unwrap();
    let question = send(&simulated(), &token).unwrap();
    assert_eq!(question.id, "2000002");
    assert_eq!(
        question.prompt,
        json!({ "environment": "sandbox", "chains": ["2000001", "3000001"] })
    );
    let in_lines: String = token
        .as_bytes()
        .chunks(64)
        .map(|line| format!("{}\r\n", String::from_utf8_lossy(line)))
        .collect();
    assert_eq!(send(&simulated(), &in_lines), Ok(question));
}

#[test]
fn what_somebody_else_made_is_no_receipt() {
    let app = simulated();
    let good = AUTHORITY.sign_receipt(&receipt(&TWO)).unwrap();
    let stranger = Authority::create().unwrap();
    let own = |change: fn(&mut StoreReceipt<'_>)| {
        let mut receipt = receipt(&TWO);
        change(&mut receipt);
        AUTHORITY.sign_receipt(&receipt).unwrap()
    };
    let at = |time: &str| time.parse::<Timestamp>().unwrap();
    let (too_early, too_late) = (
        StoreReceipt {
            created_at: at("2019-12-31T00:00:00Z"),
            ..receipt(&TWO)
        },
        StoreReceipt {
            created_at: at("2050-01-02T00:00:00Z"),
            ..receipt(&TWO)
        },
    );
    // The purchases of another customer under the signature of this one's receipt.
    let mut moved = BASE64_STANDARD.decode(&good).unwrap();
    let place = moved
        .windows(7)
        .position(|bytes| bytes == b"2000002")
        .unwrap();
    moved[place + 6] = b'9';
    for (token, code) in [
        (
            stranger.sign_receipt(&receipt(&TWO)).unwrap(),
            "untrusted_certificate",
        ),
        (BASE64_STANDARD.encode(moved), "invalid_signature"),
        (
            own(|receipt| receipt.bundle_id = "com.example.other"),
            "wrong_app",
        ),
        (
            own(|receipt| receipt.environment = "Production"),
            "wrong_environment",
        ),
        (own(|receipt| receipt.environment = "Moon"), "wrong_environment"),
        (own(|receipt| receipt.transactions = &[]), "empty_receipt"),
        (
            own(|receipt| receipt.transactions = &[("", ""), ("two", "2")]),
            "empty_receipt",
        ),
        (
            AUTHORITY.sign_receipt(&too_early).unwrap(),
            "untrusted_certificate",
        ),
        (
            AUTHORITY.sign_receipt(&too_late).unwrap(),
            "untrusted_certificate",
        ),
        (String::new(), "malformed_receipt"),
        ("not base64!".into(), "malformed_receipt"),
        ("aGVsbG8gd29ybGQ=".into(), "malformed_receipt"),
        // Unsigned: the attributes alone, of one purchase.
        (
            BASE64_STANDARD.encode(
                b"\x31\x20\x30\x1e\x02\x01\x11\x02\x01\x01\x04\x16\x31\x14\x30\x12\x02\x02\x06\xa7\x02\x01\x01\x04\x09\x0c\x072000002",
            ),
            "malformed_receipt",
        ),
    ] {
        assert_eq!(refused(send(&app, &token)), code, "{token}");
    }
    // Signed by a root of one's own, in the environment where only Apple's counts.
    let production = AUTHORITY
        .sign_receipt(&StoreReceipt {
            environment: "Production",
            ..receipt(&TWO)
        })
        .unwrap();
    let app = self::app(
        "com.example",
        &[AppEnvironment::Production],
        vec![root(&AUTHORITY)],
    );
    assert_eq!(refused(send(&app, &production)), "untrusted_certificate");
}

#[test]
fn no_byte_of_a_simulated_receipt_can_be_changed_either() {
    let app = simulated();
    let token = AUTHORITY.sign_receipt(&receipt(&TWO)).unwrap();
    let whole = send(&app, &token).unwrap();
    let der = BASE64_STANDARD.decode(token).unwrap();
    for at in 0..der.len() {
        let mut harmed = der.clone();
        harmed[at] ^= 0x10;
        if let Ok(question) = send_der(&app, &harmed) {
            assert_eq!(question, whole, "byte {at}");
        }
    }
}
