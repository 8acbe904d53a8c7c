//! Promotional offers of the App Store, signed as Apple verifies them: by the public half of the key, over the parts that its page names.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
        UnparsedPublicKey,
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::secret::Secret;
use sources::{
    OfferAsked, Source, Trouble,
    apple::{ApiKey, App, AppEnvironment, AppStore, Hosts, Verifier},
};
use std::sync::Arc;

fn app() -> AppStore {
    AppStore::new(App {
        bundle_id: "com.example".into(),
        app_apple_id: Some(1),
        environments: vec![AppEnvironment::Sandbox],
        store: Arc::new(Verifier::apple()),
        local: None,
    })
}

fn asked(account: &str) -> OfferAsked<'_> {
    OfferAsked {
        product: "com.example.monthly",
        offer: "half_off",
        account,
        nonce: "0d4a1e5c-0f36-4a2c-9b9d-6d1f7a3b2c10",
        at: "2026-01-01T12:00:00Z".parse().unwrap(),
    }
}

/// Source: Apple, "Generating a signature for promotional offers".
#[test]
fn an_offer_is_signed_over_the_parts_that_apple_names() {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
    let pkcs8 = pkcs8.unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
    let key = Secret::new(BASE64_STANDARD.encode(pkcs8.as_ref()));
    let key = ApiKey::new("issuer", "KEY1234567", &key).unwrap();
    let app = app().asking(key, Hosts::default());
    // Signatures are as long as their numbers happen to be: often enough for each length.
    for round in 0..64 {
        for account in ["", "ann"] {
            let signed = app.sign_offer(&asked(account)).unwrap();
            assert_eq!(
                (signed.key_id.as_str(), signed.timestamp),
                ("KEY1234567", 1_767_268_800_000)
            );
            let message = format!(
                "com.example\u{2063}KEY1234567\u{2063}com.example.monthly\u{2063}half_off\u{2063}{account}\u{2063}0d4a1e5c-0f36-4a2c-9b9d-6d1f7a3b2c10\u{2063}1767268800000"
            );
            let public = pair.public_key().as_ref();
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public);
            let signature = BASE64_STANDARD.decode(signed.signature).unwrap();
            assert!(
                public.verify(message.as_bytes(), &signature).is_ok(),
                "{round} {account}"
            );
            assert!(public.verify(b"something else", &signature).is_err());
        }
    }
}

#[test]
fn without_a_key_no_offer_is_signed() {
    let refused = app().sign_offer(&asked("")).unwrap_err();
    assert!(matches!(refused, Trouble::Credentials(_)), "{refused:?}");
}
