//! The memory of certificate chains: it spares signatures between certificates that were checked, and vouches for no others.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use simulator::Authority;
use sources::apple::{Rejection, Untrusted, Verifier};

/// The header of a JWS, changed. What it signs is another text then.
fn with_header(jws: &str, change: impl FnOnce(&mut Value)) -> String {
    let (header, rest) = jws.split_once('.').unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).unwrap();
    let mut header: Value = serde_json::from_slice(&header).unwrap();
    change(&mut header);
    format!(
        "{}.{rest}",
        BASE64_URL_SAFE_NO_PAD.encode(header.to_string())
    )
}

fn certificates(jws: &str) -> Value {
    let mut found = Value::Null;
    with_header(jws, |header| found = header["x5c"].take());
    found
}

#[test]
fn a_chain_that_was_verified_vouches_for_no_other_leaf() {
    let (apple, stranger) = (Authority::create().unwrap(), Authority::create().unwrap());
    let root = BASE64_STANDARD.decode(apple.root()).unwrap();
    let verifier = Verifier::with_roots(vec![root]);
    let payload = json!({ "signedDate": 1_767_225_600_000_i64 });
    let genuine = apple.sign(&payload).unwrap();
    verifier.verify::<Value>(&genuine).unwrap();
    let forged = stranger.sign(&payload).unwrap();
    let (good, bad) = (certificates(&genuine), certificates(&forged));

    let verify = |jws: &str| verifier.verify::<Value>(jws).map(|_| ());
    let untrusted = |why| Err(Rejection::Untrusted(why));
    for (x5c, expected) in [
        // Its own leaf before the chain that is known.
        (
            json!([bad[0], good[1], good[2]]),
            untrusted(Untrusted::Root),
        ),
        (json!([bad[0], bad[1], good[2]]), untrusted(Untrusted::Root)),
        // The known leaf, which did not sign this.
        (
            json!([good[0], good[1], good[2]]),
            Err(Rejection::Signature),
        ),
        (json!([good[0], good[1], bad[2]]), Err(Rejection::Signature)),
        // The known leaf behind its own issuer, in a chain of another length, alone.
        (
            json!([good[0], bad[1], good[2]]),
            untrusted(Untrusted::Root),
        ),
        (
            json!([good[0], good[1], good[2], good[2]]),
            untrusted(Untrusted::Length(4)),
        ),
        (json!([good[0], good[1]]), untrusted(Untrusted::Length(2))),
        (json!([good[0]]), untrusted(Untrusted::Length(1))),
        (json!([]), untrusted(Untrusted::Length(0))),
    ] {
        let sent = with_header(&forged, |header| header["x5c"] = x5c.clone());
        assert_eq!(verify(&sent), expected, "{x5c}");
    }
    assert_eq!(verify(&forged), untrusted(Untrusted::Root));
    let none = with_header(&genuine, |header| header["alg"] = "none".into());
    assert_eq!(verify(&none), Err(Rejection::Malformed("alg is not ES256")));
    assert_eq!(verify(&genuine), Ok(()));
}
